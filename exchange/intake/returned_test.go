package intake

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"

	"accord/exchange/catalogue"

	"github.com/xuri/excelize/v2"
)

// readBytes reads a file by a built-in mapping.
func readBytes(tb testing.TB, mapping string, data []byte) ([]*Row, *Report) {
	tb.Helper()
	m, err := Builtin(mapping)
	must(tb, err)
	_, doc := catalogue.Default()
	r, seq, err := Read(context.Background(), bytes.NewReader(data), int64(len(data)), m, doc, Options{AsOf: sampleDay})
	must(tb, err)
	var rows []*Row
	for row, err := range seq {
		must(tb, err)
		rows = append(rows, row)
	}
	return rows, r.Report()
}

func notesOf(rows []*Row) (notes []Note) {
	for _, row := range rows {
		for _, is := range row.Issues {
			notes = append(notes, Note{Table: row.Table, Row: max(row.Line, row.ExcelRow), Text: is.Message.Zh + " " + is.Message.En})
		}
	}
	return notes
}

func returned(tb testing.TB, mapping string, data []byte, notes []Note) []byte {
	tb.Helper()
	m, err := Builtin(mapping)
	must(tb, err)
	var b bytes.Buffer
	must(tb, Returned(context.Background(), &b, bytes.NewReader(data), int64(len(data)), m, notes))
	return b.Bytes()
}

// A file comes back with its findings, says the same when it is imported so,
// and can be returned again.
func TestReturned(t *testing.T) {
	for name, mapping := range map[string]string{"discipline-sample.xlsx": "discipline", "penalties-sample.csv": "penalties"} {
		data, err := Sample(name)
		must(t, err)
		rows, before := readBytes(t, mapping, data)
		once := returned(t, mapping, data, notesOf(rows))
		again, after := readBytes(t, mapping, once)
		if before.Refused == 0 || after.Rows != before.Rows || after.Refused != before.Refused || after.New != before.New {
			t.Errorf("%s: %+v, then %+v", name, before, after)
		}
		for i := range again {
			if again[i].RowDigest != rows[i].RowDigest {
				t.Errorf("%s: row %d has other content", name, i+1)
			}
		}
		if twice := returned(t, mapping, once, notesOf(again)); name == "penalties-sample.csv" && !bytes.Equal(twice, once) {
			t.Errorf("%s: returned again it differs", name)
		} else if n, _ := readBytes(t, mapping, twice); len(n) != before.Rows {
			t.Errorf("%s: %d rows", name, len(n))
		}
	}
}

// Another reader sees the findings where they belong, and the rest untouched.
func TestReturnedWorkbookByAnotherReader(t *testing.T) {
	data, err := Sample("discipline-sample.xlsx")
	must(t, err)
	rows, _ := readBytes(t, "discipline", data)
	out := returned(t, "discipline", data, notesOf(rows))
	f, err := excelize.OpenReader(bytes.NewReader(out))
	must(t, err)
	defer f.Close()
	old, err := excelize.OpenReader(bytes.NewReader(data))
	must(t, err)
	defer old.Close()
	head, err := f.GetCellValue("从业人员", "M2")
	must(t, err)
	if head != ResultHeader {
		t.Errorf("the header is %q", head)
	}
	for _, row := range rows {
		letter := map[string]string{"从业人员": "M", "机构": "K"}[row.Table]
		got, err := f.GetCellValue(row.Table, place{row.ExcelRow, int(letter[0]-'A') + 1}.String())
		must(t, err)
		if (got != "") != (len(row.Issues) > 0) || len(row.Issues) > 0 && !strings.Contains(got, row.Issues[0].Message.Zh) {
			t.Errorf("row %d says %q", row.ExcelRow, got)
		}
	}
	was, err := old.GetRows("机构")
	must(t, err)
	is, err := f.GetRows("机构")
	must(t, err)
	for i := range was {
		for j := range was[i] {
			if is[i][j] != was[i][j] {
				t.Errorf("%d,%d was changed", i, j)
			}
		}
	}
}

func TestReturnedRefuses(t *testing.T) {
	m, err := Builtin("court")
	must(t, err)
	if err := Returned(context.Background(), &bytes.Buffer{}, strings.NewReader("{}"), 2, m, nil); err == nil {
		t.Error("NDJSON was returned")
	}
}

// hostile is the sample workbook with one more part.
func withPart(t *testing.T, name, content string) []byte {
	t.Helper()
	data, err := Sample("discipline-sample.xlsx")
	must(t, err)
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		must(t, out.Copy(f))
	}
	w, err := out.Create(name)
	must(t, err)
	_, err = w.Write([]byte(content))
	must(t, err)
	must(t, out.Close())
	return b.Bytes()
}
