package intake

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"accord/exchange"

	"github.com/xuri/excelize/v2"
)

// parts is a workbook by its parts; empty ones are filled in with the least that
// a workbook needs.
type parts map[string]string

func (p parts) bytes(tb testing.TB) []byte {
	tb.Helper()
	least := parts{
		"_rels/.rels": `<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>` +
			`<Relationship Id="r2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/><Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>`,
		"xl/workbook.xml":      `<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/sharedStrings.xml": `<sst><si><t>a</t></si></sst>`,
		"xl/styles.xml":        `<styleSheet><numFmts><numFmt numFmtId="200" formatCode="yyyy&quot;年&quot;m&quot;月&quot;"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="200"/></cellXfs></styleSheet>`,
	}
	for name, text := range p {
		least[name] = text
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range least {
		if text == "-" {
			continue
		}
		w, err := z.Create(name)
		must(tb, err)
		_, err = io.WriteString(w, text)
		must(tb, err)
	}
	must(tb, z.Close())
	return b.Bytes()
}

// sheet is a workbook of one sheet with a header of two columns in row 1.
func sheet(rows string) parts {
	return parts{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>h1</v></c><c r="B1" t="str"><v>h2</v></c></row>` + rows + `</sheetData></worksheet>`}
}

// readSheet gives each row's cells, or the code of the error that ended reading.
func readSheet(tb testing.TB, data []byte, t *Table) (out []string) {
	tb.Helper()
	if t == nil {
		t = &Table{Sheet: "S", HeaderRow: 1, HeaderRows: 1}
	}
	fail := func(err error) []string {
		var e *exchange.Error
		if !errors.As(err, &e) {
			tb.Fatalf("an error that is none of ours: %v", err)
		}
		return append(out, e.Code)
	}
	rows, err := openSheet(context.Background(), bytes.NewReader(data), int64(len(data)), t)
	if err != nil {
		return fail(err)
	}
	if _, err := rows.header(); err != nil && err != io.EOF {
		return fail(err)
	}
	for {
		row, err := rows.next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			return fail(err)
		}
		s := fmt.Sprint(row.excelRow, ":")
		for _, c := range row.cells {
			s += fmt.Sprintf(" %d=%s", c.kind, c.text)
		}
		out = append(out, s)
	}
}

func TestSheetCells(t *testing.T) {
	for _, tc := range []struct {
		name, rows string
		want       []string
	}{
		{"types", `<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2"><v>1.5</v></c></row><row r="3"><c r="A3" t="b"><v>1</v></c><c r="B3" t="e"><v>#N/A</v></c></row>`,
			[]string{"2: 1=a 2=1.5", "3: 4=true 5=#N/A"}},
		{"dates by style", `<row r="2"><c r="A2" s="1"><v>45047</v></c><c r="B2" s="2"><v>45047.5</v></c></row><row r="3"><c r="A3" s="0"><v>45047</v></c><c r="B3" t="d"><v>2023-05-01</v></c></row>`,
			[]string{"2: 3=2023-05-01 3=2023-05-01 12:00:00", "3: 2=45047 1=2023-05-01"}},
		{"a style that is not there", `<row r="2"><c r="A2" s="99"><v>45047</v></c></row>`, []string{"2: 2=45047"}},
		{"formulas", `<row r="2"><c r="A2"><f>1+1</f><v></v></c><c r="B2"><f>1+1</f><v>2</v></c></row><row r="3"><c r="A3" t="str"><f>""</f><v></v></c><c r="B3"><f/></c></row>`,
			[]string{"2: 6= 6==", "3: 6== 6="}},
		{"inline, runs, phonetics, escapes", `<row r="2"><c r="A2" t="inlineStr"><is><r><t>x</t></r><r><t xml:space="preserve"> y</t></r><rPh><t>z</t></rPh></is></c><c r="B2" t="str"><v>a_x000A_b_x005F_c_x00_</v></c></row>`,
			[]string{"2: 1=x y 1=a\nb_c_x00_"}},
		{"no references", `<row><c t="str"><v>x</v></c><c t="str"><v>y</v></c></row><row><c/><c t="str"><v>z</v></c></row>`, []string{"2: 1=x 1=y", "3: 0= 1=z"}},
		{"rows left out and hidden", `<row r="5" hidden="1"><c r="B5" t="str"><v>x</v></c></row>`, []string{"5: 0= 1=x"}},
		{"a row without cells", `<row r="2"/><row r="3"><c r="A3" t="str"><v> </v></c></row>`, nil},
		{"beyond the header", `<row r="2"><c r="A2" t="str"><v>x</v></c><c r="XFD2" t="str"><v>y</v></c></row>`, []string{"2: 1=x 0= 1=y"}},
		{"a string that is not there", `<row r="2"><c r="A2" t="s"><v>7</v></c><c r="B2" t="s"><v>-1</v></c></row>`, []string{"2: 8= 8="}},
		{"an unknown type", `<row r="2"><c r="A2" t="zz"><v>7</v></c></row>`, []string{"2: 8="}},
		{"a number that is none", `<row r="2"><c r="A2"><v>0x1p-2</v></c><c r="B2"><v>1,5</v></c></row>`, []string{"2: 8= 8="}},
		{"rows behind the data", `<row r="2"><c r="A2" t="str"><v>x</v></c></row></sheetData><ext><row r="3"><c r="A3" t="str"><v>y</v></c></row></ext><sheetData>`, []string{"2: 1=x"}},
		{"row 2147483647", `<row r="2147483647"><c t="str"><v>x</v></c></row>`, []string{"INTAKE-008"}},
		{"row -1", `<row r="-1"/>`, []string{"INTAKE-008"}},
		{"rows backwards", `<row r="3"><c r="A3" t="str"><v>x</v></c></row><row r="2"/>`, []string{"3: 1=x", "INTAKE-008"}},
		{"cells backwards", `<row r="2"><c r="B2"/><c r="A2"/></row>`, []string{"INTAKE-008"}},
		{"a cell of another row", `<row r="2"><c r="A3"/></row>`, []string{"INTAKE-008"}},
		{"a cell beyond all columns", `<row r="2"><c r="XFE2"/></row>`, []string{"INTAKE-008"}},
		{"a document type", `<!DOCTYPE x [<!ENTITY a "b">]>`, []string{"INTAKE-008"}},
		{"an entity", `<row r="2"><c r="A2" t="str"><v>&a;</v></c></row>`, []string{"INTAKE-008"}},
		{"not well formed", `<row r="2"><c></row>`, []string{"INTAKE-008"}},
		{"too deep", strings.Repeat("<x>", 100), []string{"INTAKE-007"}},
		{"one huge token", `<row r="2"><c r="A2" t="str"><v>` + strings.Repeat("x", maxTokenBytes+1) + `</v></c></row>`, []string{"INTAKE-012"}},
		{"one huge text of many tokens", `<row r="2"><c r="A2" t="str"><v>` + strings.Repeat(strings.Repeat("x", 1000)+"<!-- -->", maxTokenBytes/1000+1) + `</v></c></row>`, []string{"INTAKE-012"}},
	} {
		data := sheet(tc.rows).bytes(t)
		if got := readSheet(t, data, nil); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: %.200q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestSheetMerges(t *testing.T) {
	p := sheet(`<row r="2"><c r="A2" t="str"><v>m</v></c><c r="B2" t="str"><v>x</v></c></row><row r="3"><c r="B3" t="str"><v>y</v></c></row>` +
		`<row r="4"><c r="A4"/></row><row r="5"><c r="B5" t="str"><v>z</v></c></row>`)
	merge := func(refs ...string) []byte {
		all := ""
		for _, ref := range refs {
			all += `<mergeCell ref="` + ref + `"/>`
		}
		return parts{"xl/worksheets/sheet1.xml": strings.Replace(p["xl/worksheets/sheet1.xml"], "</worksheet>", "<mergeCells>"+all+"</mergeCells></worksheet>", 1)}.bytes(t)
	}
	if got, want := readSheet(t, merge("A2:A4"), nil), []string{"2: 1=m 1=x", "3: 1=m 1=y", "5: 0= 1=z"}; !reflect.DeepEqual(got, want) {
		t.Errorf("merged down: %q, want %q", got, want)
	}
	for _, bad := range []string{"A2", "A3:A2", "B2:A2", "A0:A1", "A2:A9999999", "A1048577:A1048578", "2:3", "", "A2:A3:A4"} {
		if got := readSheet(t, merge(bad), nil); len(got) != 1 || got[0] != "INTAKE-008" {
			t.Errorf("merge %q: %q", bad, got)
		}
	}
	// A merge over the whole sheet costs no more than one over two rows.
	if got := readSheet(t, merge("A2:XFD1048576"), nil); len(got) != 3 {
		t.Errorf("a merge over everything: %q", got)
	}
}

func TestSheetHeaderOfTwoRows(t *testing.T) {
	data := parts{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1"><c r="A1" t="str"><v>Printed on</v></c></row>` +
		`<row r="2"><c r="A2" t="str"><v>Name</v></c><c r="B2" t="str"><v>Period</v></c></row><row r="3"><c r="B3" t="str"><v>From</v></c><c r="C3" t="str"><v>To</v></c></row>` +
		`</sheetData><mergeCells><mergeCell ref="A2:A3"/><mergeCell ref="B2:C2"/></mergeCells></worksheet>`}.bytes(t)
	rows, err := openSheet(context.Background(), bytes.NewReader(data), int64(len(data)), &Table{Sheet: "S", HeaderRow: 2, HeaderRows: 2})
	must(t, err)
	names, err := rows.header()
	if want := []string{"Name", "Period/From", "Period/To"}; err != nil || !reflect.DeepEqual(names, want) {
		t.Errorf("header %q %v, want %q", names, err, want)
	}
}

func TestWorkbookRefusals(t *testing.T) {
	many := parts{}
	for i := range maxParts {
		many[fmt.Sprint("junk/", i)] = ""
	}
	ok := sheet("").bytes(t)
	for _, tc := range []struct {
		name string
		data []byte
		want string
	}{
		{"no zip", []byte("PK\x03\x04 nothing"), "INTAKE-008"},
		{"cut", ok[:len(ok)/2], "INTAKE-008"},
		{"a damaged byte", flip(ok, []byte("worksheets/sheet1.xml"), 40), "INTAKE-008"},
		{"too many parts", many.bytes(t), "INTAKE-007"},
		{"two parts of one name", parts{"XL/Workbook.xml": "<workbook/>"}.bytes(t), "INTAKE-008"},
		{"no relations", parts{"_rels/.rels": "-"}.bytes(t), "INTAKE-008"},
		{"no workbook", parts{"xl/workbook.xml": "-"}.bytes(t), "INTAKE-008"},
		{"no such sheet", parts{"xl/workbook.xml": `<workbook><sheets/></workbook>`}.bytes(t), "INTAKE-006"},
		{"a sheet outside the file", parts{"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" TargetMode="External" Type="x/worksheet" Target="http://a.example/"/></Relationships>`}.bytes(t), "INTAKE-006"},
		{"a path upwards", parts{"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="../../../etc/passwd"/></Relationships>`}.bytes(t), "INTAKE-008"},
		{"another document", parts{"_rels/.rels": `<Relationships/>`}.bytes(t), "INTAKE-004"},
		{"a bomb of strings", parts{"xl/sharedStrings.xml": "<sst>" + strings.Repeat(" ", maxTokenBytes+1<<16)}.bytes(t), "INTAKE-012"},
		{"a bomb of styles", parts{"xl/styles.xml": "<styleSheet>" + strings.Repeat("<x> </x>", maxSmallPart/8)}.bytes(t), "INTAKE-012"},
	} {
		got := readSheet(t, tc.data, nil)
		if len(got) == 0 || got[len(got)-1] != tc.want {
			t.Errorf("%s: %q, want %s", tc.name, got, tc.want)
		}
	}
}

// flip changes a byte that stands behind a local file header with this name.
func flip(data, name []byte, behind int) []byte {
	data = bytes.Clone(data)
	data[bytes.Index(data, name)+len(name)+behind] ^= 0x55
	return data
}

// The independent library sees the same cells, in a workbook of ours and in the
// association's.
func TestSheetAgainstExcelize(t *testing.T) {
	made := func() []byte {
		f := excelize.NewFile()
		defer f.Close()
		must(t, f.SetSheetRow("Sheet1", "A1", &[]any{"文字", "数", "日期", "是否"}))
		must(t, f.SetSheetRow("Sheet1", "A2", &[]any{"例\n川", 15.25, time.Date(2023, 5, 1, 0, 0, 0, 0, time.UTC), true}))
		must(t, f.SetSheetRow("Sheet1", "A3", &[]any{" ", 639905200107067000.0, "2023年5月1日", nil}))
		must(t, f.SetCellRichText("Sheet1", "A4", []excelize.RichTextRun{{Text: "邹云"}, {Text: "瑞", Font: &excelize.Font{Bold: true}}}))
		must(t, f.SetRowVisible("Sheet1", 4, false))
		yes := true
		must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		var b bytes.Buffer
		must(t, f.Write(&b))
		return b.Bytes()
	}
	compareWithExcelize(t, made(), "Sheet1")
	data, err := os.ReadFile(sharedData(t, "agencies", "discipline.xlsx"))
	must(t, err)
	compareWithExcelize(t, data, "从业人员")
	compareWithExcelize(t, data, "机构")
}

func compareWithExcelize(t *testing.T, data []byte, name string) {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	must(t, err)
	defer f.Close()
	s, err := openSheet(context.Background(), bytes.NewReader(data), int64(len(data)), &Table{Sheet: name, HeaderRow: 1, HeaderRows: 1})
	must(t, err)
	cells := 0
	for {
		row, err := s.read()
		if err == io.EOF {
			break
		}
		must(t, err)
		for i, c := range row {
			if c.kind == cellEmpty {
				continue
			}
			cells++
			ref := place{s.row, i + 1}.String()
			typ, err := f.GetCellType(name, ref)
			must(t, err)
			raw, err := f.GetCellValue(name, ref, excelize.Options{RawCellValue: true})
			must(t, err)
			textual := typ == excelize.CellTypeSharedString || typ == excelize.CellTypeInlineString
			switch {
			case textual != (c.kind == cellText), textual && raw != c.text:
				t.Errorf("%s %s: kind %d %q, excelize %v %q", name, ref, c.kind, c.text, typ, raw)
			case (typ == excelize.CellTypeError) != (c.kind == cellError):
				t.Errorf("%s %s: kind %d, excelize %v", name, ref, c.kind, typ)
			case c.kind == cellDate:
				shown, err := excelize.ExcelDateToTime(number(t, raw), s.wb.date1904)
				if must(t, err); shown.Format(dayLayout) != c.day {
					t.Errorf("%s %s: %s, excelize %s", name, ref, c.day, shown)
				}
			}
		}
	}
	if cells < 8 {
		t.Errorf("only %d cells compared", cells)
	}
}

func number(t *testing.T, s string) (f float64) {
	t.Helper()
	_, err := fmt.Sscan(s, &f)
	must(t, err)
	return f
}

func FuzzWorkbook(f *testing.F) {
	f.Add(sheet(`<row r="2"><c r="A2" t="s"><v>0</v></c></row>`).bytes(f))
	f.Add(sheet(`<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>`).bytes(f))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) { readSheet(t, data, nil) })
}

// FuzzSheet goes at the XML behind the compression, where FuzzWorkbook hardly
// gets.
func FuzzSheet(f *testing.F) {
	f.Add(`<row r="2"><c r="A2" t="s"><v>0</v></c></row>`, `<si><r><t>x</t></r><rPh><t>y</t></rPh></si>`, `<mergeCell ref="A1:B2"/>`)
	f.Add(`<row><c t="inlineStr"><is><t>x</t></is><f>1</f></c></row>`, `<si/>`, `<mergeCell ref="B2:B9"/>`)
	f.Fuzz(func(t *testing.T, rows, strs, merges string) {
		p := sheet(rows)
		p["xl/worksheets/sheet1.xml"] = strings.Replace(p["xl/worksheets/sheet1.xml"], "</worksheet>", "<mergeCells>"+merges+"</mergeCells></worksheet>", 1)
		p["xl/sharedStrings.xml"] = "<sst>" + strs + "</sst>"
		readSheet(t, p.bytes(t), &Table{Sheet: "S", HeaderRow: 1, HeaderRows: 2})
	})
}
