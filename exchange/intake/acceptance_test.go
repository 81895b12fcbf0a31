package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/records"
)

// sharedData finds the agencies' exports: ACCORD_DATA, or shared/data beside the
// checkout.
func sharedData(tb testing.TB, parts ...string) string {
	tb.Helper()
	name := filepath.Join(parts...)
	if dir := os.Getenv("ACCORD_DATA"); dir != "" {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if path := filepath.Join(dir, "shared", "data", name); exists(path) {
			return path
		}
		if dir == filepath.Dir(dir) {
			tb.Skip("needs shared data: " + name)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// manifest is the part of the agencies' manifest.json the tests judge by.
type manifest struct {
	AsOf  string `json:"as_of"`
	Files []manifestFile
}

type manifestFile struct {
	File, Sheet    string
	Format         string
	Columns        []string
	PrivateColumns []string `json:"private_columns"`
	Rows           int
	Expected       expectation
	ExpectedAlone  expectation `json:"expected_alone"`
	Controls       controls
	Defects        []defect
}

type expectation struct{ Refused, Same, New, Flagged int }

type controls struct {
	Sum      map[string]string
	CountBy  map[string]map[string]int `json:"count_by"`
	Distinct map[string]int
	Range    map[string][2]string
}

type defect struct {
	ID       string
	Row      int
	Line     int
	ExcelRow int `json:"excel_row"`
	Cell     string
	Column   string
	Kind     string
	Effect   Effect
	WithRow  int `json:"with_row"`
	Needs    []string
	Normal   string
}

func readManifest(tb testing.TB) *manifest {
	tb.Helper()
	data, err := os.ReadFile(sharedData(tb, "agencies", "manifest.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(data, &m); err != nil {
		tb.Fatal(err)
	}
	return &m
}

func (m *manifest) asOf(tb testing.TB) time.Time {
	tb.Helper()
	t, err := time.ParseInLocation(dayLayout, m.AsOf, beijing)
	if err != nil {
		tb.Fatal(err)
	}
	return t.Add(12 * time.Hour)
}

func (m *manifest) file(tb testing.TB, name, sheet string) *manifestFile {
	tb.Helper()
	for i := range m.Files {
		if m.Files[i].File == name && m.Files[i].Sheet == sheet {
			return &m.Files[i]
		}
	}
	tb.Fatalf("the manifest has no %s %s", name, sheet)
	return nil
}

// readAll reads a shared file by a built-in mapping.
func readAll(tb testing.TB, mapping, path string, opts Options) (*Reader, map[string][]*Row) {
	tb.Helper()
	m, err := Builtin(mapping)
	if err != nil {
		tb.Fatalf("mapping %s: %v", mapping, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	_, doc := catalogue.Default()
	r, rows, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, opts)
	if err != nil {
		tb.Fatal(err)
	}
	byTable := map[string][]*Row{}
	for row, err := range rows {
		if err != nil {
			tb.Fatal(err)
		}
		byTable[row.Table] = append(byTable[row.Table], row)
	}
	return r, byTable
}

// importable are the manifest's files this package has mappings for.
var importable = []struct{ mapping, file, sheet string }{
	{"penalties", "penalties.csv", ""},
	{"discipline", "discipline.xlsx", "从业人员"},
	{"discipline", "discipline.xlsx", "机构"},
	{"court", "court.ndjson", ""},
}

func TestAgenciesFilesAlone(t *testing.T) {
	m := readManifest(t)
	for _, f := range importable {
		t.Run(f.file+f.sheet, func(t *testing.T) {
			mf := m.file(t, f.file, f.sheet)
			_, tables := readAll(t, f.mapping, sharedData(t, "agencies", f.file), Options{AsOf: m.asOf(t)})
			rows := tables[f.sheet]
			checkCounts(t, rows, mf.Rows, mf.ExpectedAlone)
			checkVerdicts(t, rows, mf, true)
			checkControls(t, f.mapping, rows, mf)
			checkSilence(t, rows)
			checkStorable(t, rows, m.asOf(t))
		})
	}
}

func checkCounts(t *testing.T, rows []*Row, total int, want expectation) {
	t.Helper()
	var r Report
	for _, row := range rows {
		r.add(row)
	}
	got := expectation{Refused: r.Refused, Same: r.Same, New: r.New, Flagged: r.Flagged}
	if r.Rows != total || got != want {
		t.Errorf("%d rows %+v, want %d rows %+v", r.Rows, got, total, want)
	}
}

// checkVerdicts holds every row against the manifest: its verdict, and for a
// spoiled row the kind, place and earlier row of exactly one issue.
func checkVerdicts(t *testing.T, rows []*Row, mf *manifestFile, alone bool) {
	t.Helper()
	planted := map[int]*defect{}
	for i := range mf.Defects {
		planted[mf.Defects[i].Row] = &mf.Defects[i]
	}
	for i, row := range rows {
		if row.Number != i+1 {
			t.Fatalf("row %d stands at %d", row.Number, i+1)
		}
		d := planted[row.Number]
		want := Accept
		if d != nil && !(alone && len(d.Needs) > 0) {
			want = d.Effect
		}
		if row.Verdict != want {
			t.Errorf("row %d: %s %v, want %s (%+v)", row.Number, row.Verdict, row.Issues, want, d)
			continue
		}
		if want == Accept {
			if len(row.Issues) != 0 {
				t.Errorf("row %d: complaint about a sound row: %+v", row.Number, row.Issues)
			}
			continue
		}
		checkIssue(t, row, d)
	}
}

func checkIssue(t *testing.T, row *Row, d *defect) {
	t.Helper()
	if len(row.Issues) != 1 {
		t.Errorf("row %d (%s): %d issues, want one: %+v", row.Number, d.Kind, len(row.Issues), row.Issues)
		return
	}
	is := row.Issues[0]
	if is.Kind != d.Kind || is.Column != d.Column || is.WithRow != d.WithRow || is.Cell != d.Cell {
		t.Errorf("row %d: %s in %s %s with %d, want %s in %s %s with %d", row.Number,
			is.Kind, is.Column, is.Cell, is.WithRow, d.Kind, d.Column, d.Cell, d.WithRow)
	}
	if row.Line != d.Line || row.ExcelRow != d.ExcelRow {
		t.Errorf("row %d: line %d, sheet row %d, want %d, %d", row.Number, row.Line, row.ExcelRow, d.Line, d.ExcelRow)
	}
	if is.Message.Zh == "" || is.Message.En == "" {
		t.Errorf("row %d: %s has no message in both languages", row.Number, is.Kind)
	}
}

// checkControls recomputes the manifest's sums, counts, distinct values and
// ranges over the new records, in the manifest's units and words.
func checkControls(t *testing.T, mapping string, rows []*Row, mf *manifestFile) {
	t.Helper()
	m, err := Builtin(mapping)
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) *Column {
		for i := range m.Tables {
			for j := range m.Tables[i].Columns {
				if c := &m.Tables[i].Columns[j]; m.Tables[i].Sheet == mf.Sheet && c.Source == name {
					return c
				}
			}
		}
		t.Fatalf("no column %s", name)
		return nil
	}
	each := func(name string, do func(c *Column, v any)) {
		c := column(name)
		for _, row := range rows {
			if v, ok := row.Values[c.Field]; ok && (row.Verdict == Accept || row.Verdict == Flag) {
				do(c, v)
			}
		}
	}
	for name, want := range mf.Controls.Sum {
		var fen int64
		each(name, func(_ *Column, v any) { fen += v.(int64) })
		if got := inUnit(fen, column(name).Unit); got != want {
			t.Errorf("sum of %s = %s, want %s", name, got, want)
		}
	}
	for name, want := range mf.Controls.CountBy {
		got := map[string]int{}
		each(name, func(c *Column, v any) {
			for word, id := range c.Values {
				if id == v {
					got[word]++
				}
			}
		})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("count by %s = %v, want %v", name, got, want)
		}
	}
	for name, want := range mf.Controls.Distinct {
		got := map[any]bool{}
		each(name, func(_ *Column, v any) { got[v] = true })
		if len(got) != want {
			t.Errorf("%d distinct %s, want %d", len(got), name, want)
		}
	}
	for name, want := range mf.Controls.Range {
		var got [2]string
		each(name, func(_ *Column, v any) {
			if s := v.(string); got[0] == "" || s < got[0] {
				got[0] = s
			}
			got[1] = max(got[1], v.(string))
		})
		if got != want {
			t.Errorf("range of %s = %v, want %v", name, got, want)
		}
	}
}

// inUnit writes fen as an exact decimal of yuan or ten thousand yuan.
func inUnit(fen int64, unit Unit) string {
	places := 2
	if unit == Wan {
		places = 6
	}
	s := fmt.Sprintf("%0*d", places+1, fen)
	return strings.TrimRight(strings.TrimRight(s[:len(s)-places]+"."+s[len(s)-places:], "0"), ".")
}

// checkSilence scans messages and printed rows for private plaintexts.
func checkSilence(t *testing.T, rows []*Row) {
	t.Helper()
	_, doc := catalogue.Default()
	private := map[string]bool{}
	classes := map[string]catalogue.Class{}
	for _, c := range doc.Categories {
		for _, f := range c.Fields {
			classes[c.ID+"."+f.ID] = f.Class
		}
	}
	var said strings.Builder
	for _, row := range rows {
		for id, v := range row.Values {
			word := strings.HasSuffix(id, "id_kind") // a kind of document, which messages do name
			if s, ok := v.(string); ok && classes[row.Category+"."+id].Private() && len(s) > 15 && !word {
				private[s] = true
			}
		}
		for _, is := range row.Issues {
			said.WriteString(is.Message.Zh + is.Message.En + is.Column + "\n")
		}
		fmt.Fprintf(&said, "%v %+v %#v\n", *row, *row, *row)
	}
	if len(private) == 0 && rows[0].SubjectNamespace != exchange.SubjectOrg {
		t.Error("no private values to look for: the scan proves nothing")
	}
	text := said.String()
	for s := range private {
		if strings.Contains(text, s) {
			t.Fatalf("a private value stands in a message or a printed row")
		}
	}
}

// registers reads who is known from the agencies' registers: branches and
// agencies by code, sales staff and policy holders by identity number. Holders'
// names are not compared; the register of names is the staff's.
func registers(t *testing.T) func(namespace, key string) (string, bool) {
	t.Helper()
	known := map[string]string{}
	ctx := context.Background()
	table := func(file string, sheet string, id, name string) {
		f, err := os.Open(sharedData(t, "agencies", file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		columns := &Table{Sheet: sheet, HeaderRow: 1, HeaderRows: 1, Extra: "ignore",
			Columns: []Column{{Source: id}, {Source: name}}}
		var rows rowSource
		if sheet != "" {
			rows, err = openSheet(ctx, f, info.Size(), columns)
		} else {
			var l *lines
			l, err = newLines(ctx, f, info.Size(), Auto)
			rows = &csvRows{csv: &csvSource{lines: l, separator: ','}, headerRow: 1}
		}
		if err != nil {
			t.Fatal(err)
		}
		src, err := newTabular(rows, columns, sheet != "")
		if err != nil {
			t.Fatal(err)
		}
		for {
			rec, err := src.next()
			if err != nil {
				break
			}
			if len(rec.findings) > 0 {
				continue
			}
			id := idForm(rec.cells[0].text)
			if _, ok := known[id]; !ok {
				known[id] = closeGaps(rec.cells[1].text)
			}
		}
	}
	table("enterprises.xlsx", "机构信息", "统一社会信用代码", "机构名称")
	table("practitioners.csv", "", "身份证号码", "姓名")
	staff := len(known)
	table("policies.csv", "", "证件号码", "险种大类")
	if staff < 2000 || len(known) < 10_000 {
		t.Fatalf("only %d and %d identifiers in the registers", staff, len(known))
	}
	return func(namespace, key string) (string, bool) {
		name, ok := known[key]
		if strings.HasSuffix(name, "保险") {
			name = "" // a holder's class of business, no name
		}
		return name, ok
	}
}

func TestAgenciesFilesWithRegisters(t *testing.T) {
	m := readManifest(t)
	register := registers(t)
	for _, f := range importable {
		t.Run(f.file+f.sheet, func(t *testing.T) {
			mf := m.file(t, f.file, f.sheet)
			_, tables := readAll(t, f.mapping, sharedData(t, "agencies", f.file), Options{AsOf: m.asOf(t), Register: register})
			rows := tables[f.sheet]
			checkCounts(t, rows, mf.Rows, mf.Expected)
			checkVerdicts(t, rows, mf, false)
		})
	}
}

// checkStorable holds every new row against the record store's own judgement,
// which was written apart from this package.
func checkStorable(t *testing.T, rows []*Row, asOf time.Time) {
	t.Helper()
	_, doc := catalogue.Default()
	cat := catalogue.New(doc)
	for _, row := range rows {
		if row.Verdict != Accept && row.Verdict != Flag {
			continue
		}
		flags, err := records.Validate(cat, row.Category, row.SubjectKind, records.Values(row.Values), asOf)
		if err != nil {
			t.Errorf("row %d: the record store refuses it: %v", row.Number, err)
		}
		for _, flag := range flags {
			if !slices.ContainsFunc(row.Issues, func(is Issue) bool { return is.Kind == flag }) {
				t.Errorf("row %d: the record store flags %s, we do not", row.Number, flag)
			}
		}
	}
}
