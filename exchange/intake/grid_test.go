package intake

import (
	"bytes"
	"context"
	"reflect"
	"testing"

	"accord/exchange/catalogue"

	"github.com/xuri/excelize/v2"
)

func TestGridRoundTrip(t *testing.T) {
	_, doc := catalogue.Default()
	odd := [][]string{{"a", "b", "c"}, {"1", "", "x\ny"}, {" lead", "trail ", "<&>\""}, {"", "007", "=1+1"}, {"2026-01-01", "_x000A_", "中文"}}
	for name, grid := range map[string][][]string{"rules": catalogue.RuleTable(doc.Rules), "odd": odd} {
		var b bytes.Buffer
		if err := WriteGrid(&b, "规则 Rules", grid); err != nil {
			t.Fatal(err)
		}
		got, err := ReadGrid(context.Background(), bytes.NewReader(b.Bytes()), int64(b.Len()), "规则 Rules")
		if err != nil || !reflect.DeepEqual(got, grid) {
			t.Errorf("%s: %v\n%q", name, err, got)
		}
		book, err := excelize.OpenReader(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if cell, err := book.GetCellValue("规则 Rules", "A2"); err != nil || cell != grid[1][0] {
			t.Errorf("%s: excelize reads %q, %v", name, cell, err)
		}
	}
	if _, err := ReadGrid(context.Background(), bytes.NewReader([]byte("id,x")), 4, "x"); err == nil {
		t.Error("a text file was read as a workbook")
	}
}
