package catalogue_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

func TestYAMLMeansTheSame(t *testing.T) {
	_, standard := catalogue.Default()
	odd := full()
	for i, s := range []string{"yes", "1", "1.5", "a: b", "#x", " x ", "{a}", "-", "- a", "x\ny", `"q"`, "it's", "0x1", "2026-01-01", "~", "@x", "<b>&amp;", "\\u003c", "第三条：甲", "null", "a\\b", "\u2028", "a #b"} {
		f := odd.Categories[0].Fields[2]
		f.ID, f.Title.En, f.Title.Zh = "odd"+string(rune('a'+i)), s, s+"。"
		odd.Categories[0].Fields = append(odd.Categories[0].Fields, f)
		odd.Rules[0].Fields = append(odd.Rules[0].Fields, f.ID)
	}
	for name, doc := range map[string]*catalogue.Document{"default": standard, "small": complete(), "full": full(), "odd": odd} {
		text, err := catalogue.YAML(doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		data, err := catalogue.Compile(text)
		if err != nil || !bytes.Equal(data, encode(t, doc)) {
			t.Errorf("%s: other bytes, %v", name, err)
		}
		if again, err := catalogue.DecodeYAML(text); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if second, err := catalogue.YAML(again); err != nil || !bytes.Equal(second, text) {
			t.Errorf("%s: a second writing differs: %v", name, err)
		}
	}
}

func TestRuleTable(t *testing.T) {
	_, standard := catalogue.Default()
	for name, doc := range map[string]*catalogue.Document{"default": standard, "full": full()} {
		grid := catalogue.RuleTable(doc.Rules)
		rules, err := catalogue.ReadRuleTable(grid)
		if err != nil {
			t.Fatal(name, err)
		}
		back := *doc
		if back.Rules = rules; !bytes.Equal(encode(t, &back), encode(t, doc)) {
			t.Errorf("%s: the rules do not survive", name)
		}
		for _, row := range grid { // columns in another order
			for i, j := 0, len(row)-1; i < j; i, j = i+1, j-1 {
				row[i], row[j] = row[j], row[i]
			}
		}
		if turned, err := catalogue.ReadRuleTable(grid); err != nil || !reflect.DeepEqual(turned, rules) {
			t.Errorf("%s: the order of columns counts: %v", name, err)
		}
	}
	for name, test := range map[string]struct {
		spoil func([][]string) [][]string
		want  string
	}{
		"nothing":         {func(g [][]string) [][]string { return nil }, "row 1, column *"},
		"unknown column":  {func(g [][]string) [][]string { g[0][3] = "Farbe colour"; return g }, "row 1, column 4"},
		"a column twice":  {func(g [][]string) [][]string { g[0][3] = g[0][0]; return g }, "row 1, column 4"},
		"no ids":          {func(g [][]string) [][]string { return [][]string{{"basis"}} }, "row 1, column id"},
		"a number":        {func(g [][]string) [][]string { g[2][9] = "72.0"; return g }, "row 3, column valid_hours"},
		"a leading zero":  {func(g [][]string) [][]string { g[2][9] = "072"; return g }, "row 3, column valid_hours"},
		"no yes":          {func(g [][]string) [][]string { g[2][19] = "oui"; return g }, "row 3, column emergency"},
		"beyond the head": {func(g [][]string) [][]string { g[1] = append(g[1], "x"); return g }, "row 2, column 22"},
	} {
		if _, err := catalogue.ReadRuleTable(test.spoil(catalogue.RuleTable(full().Rules))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzRuleTable(f *testing.F) {
	for _, doc := range []*catalogue.Document{full(), complete()} {
		var lines []string
		for _, row := range catalogue.RuleTable(doc.Rules) {
			lines = append(lines, strings.Join(row, "\t"))
		}
		f.Add(strings.Join(lines, "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var grid [][]string
		for line := range strings.SplitSeq(text, "\n") {
			grid = append(grid, strings.Split(line, "\t"))
		}
		rules, err := catalogue.ReadRuleTable(grid)
		if err != nil {
			return
		}
		again, err := catalogue.ReadRuleTable(catalogue.RuleTable(rules))
		if err != nil || !reflect.DeepEqual(again, rules) {
			t.Fatalf("read rules do not survive: %v\n%+v\n%+v", err, rules, again)
		}
	})
}
