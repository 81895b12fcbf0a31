package main

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"accord/exchange"

	"github.com/urfave/cli/v2"
)

func TestLangOf(t *testing.T) {
	for _, test := range []struct {
		flag string
		vars map[string]string
		want exchange.Lang
	}{
		{"", nil, "zh"},
		{"", map[string]string{"LANG": "zh_CN.UTF-8"}, "zh"},
		{"", map[string]string{"LANG": "C.UTF-8"}, "zh"},
		{"", map[string]string{"LANG": "POSIX"}, "zh"},
		{"", map[string]string{"LANG": "en_US.UTF-8"}, "en"},
		{"", map[string]string{"LANG": "fr_FR"}, "en"},
		{"", map[string]string{"LANG": "en_US", "LC_ALL": "zh_CN"}, "zh"},
		{"", map[string]string{"LANG": "zh_CN", "LC_MESSAGES": "en_US"}, "en"},
		{"", map[string]string{"LANG": "zh_CN", "ACCORD_LANG": "en"}, "en"},
		{"zh", map[string]string{"LANG": "en_US", "ACCORD_LANG": "en"}, "zh"},
		{"fr", map[string]string{"LANG": "zh_CN"}, "zh"},
	} {
		if got := langOf(test.flag, func(k string) string { return test.vars[k] }); got != test.want {
			t.Errorf("--lang %q %v: %s, want %s", test.flag, test.vars, got, test.want)
		}
	}
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// texts lists every text of a tree with where it stands.
func texts(path string, c *cli.Command) [][2]string {
	here := path + " " + c.Name
	all := [][2]string{{here, c.Usage}}
	if c.Category != "" {
		all = append(all, [2]string{here + " category", c.Category})
	}
	for _, f := range c.Flags {
		all = append(all, [2]string{here + " " + dashed(canonical(f)), f.(cli.DocGenerationFlag).GetUsage()})
	}
	for _, sub := range c.Subcommands {
		all = append(all, texts(here, sub)...)
	}
	return all
}

// TestNoTextIsMissing walks the whole tree in both languages: everything has a
// Chinese text with Chinese in it and an English one without.
func TestNoTextIsMissing(t *testing.T) {
	tree := func(lang exchange.Lang) [][2]string {
		p := newProbe()
		p.Lang = lang
		return texts("", rootOf(newApp(&p.env, append(commands, probeCommand))))
	}
	zh, en := tree(exchange.Zh), tree(exchange.En)
	if len(zh) != len(en) || len(zh) < 50 {
		t.Fatalf("%d texts in Chinese, %d in English", len(zh), len(en))
	}
	for i := range zh {
		if zh[i][0] != en[i][0] {
			t.Fatalf("the trees differ at %s and %s", zh[i][0], en[i][0])
		}
		if !hasHan(zh[i][1]) {
			t.Errorf("%s has no Chinese text: %q", zh[i][0], zh[i][1])
		}
		if en[i][1] == "" || hasHan(en[i][1]) {
			t.Errorf("%s has no English text: %q", en[i][0], en[i][1])
		}
	}
}

func TestTablesOfTextSpeakBothLanguages(t *testing.T) {
	var all []exchange.Text
	for _, row := range exitTable {
		all = append(all, row.meaning)
	}
	for _, text := range kindTexts {
		all = append(all, text)
	}
	for _, topic := range topics {
		all = append(all, topic.title)
	}
	for _, c := range codeList().Columns {
		all = append(all, c.Title)
	}
	for _, d := range exchange.Definitions() {
		all = append(all, d.What)
		if d.Next != (exchange.Text{}) {
			all = append(all, d.Next)
		}
	}
	for _, text := range append(all, outputText) {
		if !hasHan(text.Zh) || text.En == "" || hasHan(text.En) {
			t.Errorf("%+v", text)
		}
	}
}

// TestTree holds every command to the rules of doc.go.
func TestTree(t *testing.T) {
	p := newProbe()
	p.Lang = exchange.En
	root := rootOf(newApp(&p.env, append(commands, probeCommand)))
	var walk func(path string, c *cli.Command)
	walk = func(path string, c *cli.Command) {
		if group := len(c.Subcommands) > 0; group == (c.Action != nil) {
			t.Errorf("%s has both or neither of subcommands and an action", path)
		} else if group && (len(ownFlags(c)) > 0 || c.ArgsUsage != "") {
			t.Errorf("%s is a group with flags or arguments of its own", path)
		}
		var names []string
		for _, f := range c.Flags {
			names = append(names, f.Names()...)
		}
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s has a flag name twice: %q", path, names)
		}
		for _, sub := range c.Subcommands {
			walk(path+" "+sub.Name, sub)
		}
	}
	walk("accord", root)
	var names []string
	for _, f := range globalFlags(&p.env) {
		names = append(names, canonical(f))
	}
	if !slices.Equal(names, globalNames) {
		t.Errorf("global flags %q, global names %q", names, globalNames)
	}
}
