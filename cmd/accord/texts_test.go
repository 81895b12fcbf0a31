package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"accord/exchange"
)

// TestEveryTextInTheSourceSpeaksBothLanguages reads this folder's source: every
// text that is written out, in an exchange.Text or a call of t, has Chinese in
// its Chinese and none in its English.
func TestEveryTextInTheSourceSpeaksBothLanguages(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset, found := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			zh, en, ok := textOf(n)
			if !ok {
				return true
			}
			found++
			if said := strings.ContainsFunc(en, unicode.IsLetter); said && zh != en && !hasHan(zh) || hasHan(en) {
				t.Errorf("%s: %q, %q", fset.Position(n.Pos()), zh, en)
			}
			return true
		})
	}
	if found < 300 {
		t.Errorf("only %d texts found: the test looks at the wrong things", found)
	}
}

// textOf is the literal parts of a text in both languages.
func textOf(n ast.Node) (zh, en string, ok bool) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		var sides [2]ast.Expr
		for _, e := range n.Elts {
			kv, isKV := e.(*ast.KeyValueExpr)
			if !isKV {
				return "", "", false
			}
			if key, isIdent := kv.Key.(*ast.Ident); isIdent && key.Name == "Zh" {
				sides[0] = kv.Value
			} else if isIdent && key.Name == "En" {
				sides[1] = kv.Value
			}
		}
		return literals(sides[0], sides[1])
	case *ast.CallExpr:
		if sel, isSel := n.Fun.(*ast.SelectorExpr); isSel && sel.Sel.Name == "t" && len(n.Args) == 2 {
			return literals(n.Args[0], n.Args[1])
		}
	}
	return "", "", false
}

// literals are the words written out in two expressions; a text made only of
// variables says nothing here.
func literals(zh, en ast.Expr) (string, string, bool) {
	if zh == nil || en == nil {
		return "", "", false
	}
	a, b := "", ""
	if empty(zh) != empty(en) {
		return "-", "一", true // one language is missing: fails like Chinese in the English
	}
	for to, from := range map[*string]ast.Expr{&a: zh, &b: en} {
		ast.Inspect(from, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IndexExpr, *ast.CallExpr: // names of flags and the like
				return false
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					*to += s
				}
			}
			return true
		})
	}
	return a, b, a != "" || b != ""
}

func empty(e ast.Expr) bool {
	lit, ok := e.(*ast.BasicLit)
	return ok && lit.Value == `""`
}

// TestWhatTheLedgerAndTheAuditLogSayHasWords: people read of an act what it is, never its
// name on the wire.
func TestWhatTheLedgerAndTheAuditLogSayHasWords(t *testing.T) {
	source := func(pattern string) (all string) {
		files, err := filepath.Glob(filepath.FromSlash(pattern))
		must(t, err)
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				raw, err := os.ReadFile(file)
				must(t, err)
				all += string(raw)
			}
		}
		return all
	}
	for _, found := range regexp.MustCompile(`Verb = "([a-z.]+)"`).FindAllStringSubmatch(source("../../exchange/verbs.go"), -1) {
		if verbs[found[1]] == (exchange.Text{}) {
			t.Errorf("the verb %s has no words", found[1])
		}
	}
	aboutSubjects := regexp.MustCompile(`"((?:record|release|subject|consent|report|credit|custody)\.[a-z]+)"`)
	for _, found := range aboutSubjects.FindAllStringSubmatch(source("../../node/api/*.go"), -1) {
		switch act := found[1]; {
		case act == "record.import" || act == "release.trace": // of no subject
		case looks[act] == (exchange.Text{}) && verbs[act] == (exchange.Text{}):
			t.Errorf("the act %s has no words", act)
		}
	}
}
