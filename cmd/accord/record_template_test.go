package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/wire"
)

func TestATemplateIsWritten(t *testing.T) {
	f := newFakeNode(t)
	out := filepath.Join(f.dir, "t.xlsx")
	if code, _, err := f.run("", "record", "template", "complaint", "--catalogue", "default", "--out", out); code != 0 {
		t.Fatalf("exit %d %s", code, err)
	}
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if of, err := intake.TemplateOf(file, info.Size()); of != "complaint" || err != nil {
		t.Errorf("a template of %q %v", of, err)
	}
	if code, _, err := f.run("", "record", "template", "complaint", "--catalogue", "default", "--out", out); code == 0 || !strings.Contains(err, errFileThere.Code) {
		t.Errorf("over another file: exit %d %s", code, err)
	}
	if code, _, err := f.run("", "record", "template", "nothing", "--catalogue", "default", "--out", out+"x"); code != 3 || !strings.Contains(err, errNoCategory.Code) {
		t.Errorf("an unknown category: exit %d %s", code, err)
	}
}

// A table with refused rows is given back with the reasons beside them.
func TestATableIsGivenBack(t *testing.T) {
	sample, err := intake.Sample("penalties-sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	f := newFakeNode(t).on("POST /api/v1/records/import", lines(wire.ImportEvent{Report: &wire.ImportReport{Mapping: "penalties", Rows: 8, New: 7, Refused: 1,
		Issues: []wire.ImportIssue{{Part: "admin-penalty", Row: 6, Place: "line 7", Column: "罚款金额(万元)", Kind: "amount_unit_other", Effect: "refuse",
			Message: exchange.Text{Zh: "金额带其他单位", En: "another unit"}}}}}))
	path, out := f.file("penalties.csv", string(sample)), filepath.Join(f.dir, "back.csv")
	if code, _, err := f.run("", "record", "import", path, "--errors", out); code != 4 {
		t.Fatalf("exit %d %s", code, err)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(string(data))).ReadAll() // GB18030 keeps separators where they are
	if err != nil || len(rows) < 8 {
		t.Fatalf("%d rows %v", len(rows), err)
	}
	last := len(rows[0]) - 1
	for i, row := range rows {
		if (row[last] != "") != (i == 0 || i == 6) {
			t.Errorf("row %d says %q", i, row[last])
		}
	}
}
