package accord

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"accord/exchange"
)

// sources calls see for every node of every source file that is no test.
func sources(t *testing.T, see func(at token.Position, n ast.Node)) {
	t.Helper()
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if n != nil {
				see(fset.Position(n.Pos()), n)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// halfWidth finds punctuation of the Latin script beside a Chinese character.
var halfWidth = regexp.MustCompile(`[\p{Han}”）][,;:?!(]|[,;:?!)]\p{Han}|\p{Han}\)`)

// TestChineseIsPunctuatedInChinese reads the Chinese of every text in the source.
func TestChineseIsPunctuatedInChinese(t *testing.T) {
	found := 0
	sources(t, func(at token.Position, n ast.Node) {
		zh := chineseOf(n)
		if zh == nil {
			return
		}
		ast.Inspect(zh, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !strings.ContainsFunc(lit.Value, isHan) {
				return true
			}
			found++
			if m := halfWidth.FindString(lit.Value); m != "" {
				t.Errorf("%s: %q in %s", at, m, lit.Value)
			}
			return true
		})
	})
	if found < 500 {
		t.Errorf("only %d texts found: the test looks at the wrong things", found)
	}
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

// chineseOf is the Chinese side of a text, nil where n is none.
func chineseOf(n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Zh" {
			return n.Value
		}
	case *ast.CompositeLit:
		if lastName(n.Type) == "Text" && len(n.Elts) == 2 {
			if _, named := n.Elts[0].(*ast.KeyValueExpr); !named {
				return n.Elts[0]
			}
		}
	case *ast.CallExpr:
		if name := lastName(n.Fun); (name == "t" || name == "say") && len(n.Args) >= 2 {
			return n.Args[0]
		}
	}
	return nil
}

func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// TestEveryReasonIsSaidInChinese finds the reasons that errors are given in the
// source, and asks for their Chinese.
func TestEveryReasonIsSaidInChinese(t *testing.T) {
	found := 0
	sources(t, func(at token.Position, n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		for _, en := range reasonsOf(call) {
			if !strings.ContainsFunc(en, unicode.IsLetter) {
				continue // it comes from elsewhere
			}
			found++
			if !strings.ContainsFunc(exchange.Reason(en).Zh, isHan) {
				t.Errorf("%s: exchange.Reason does not know %q", at, en)
			}
		}
	})
	if found < 200 {
		t.Errorf("only %d reasons found: the test looks at the wrong things", found)
	}
}

// reasonsOf are the reasons a call gives: after "why" or "what" in those that make an
// error, and what functions named fail within another are given.
func reasonsOf(call *ast.CallExpr) []string {
	var all []string
	_, local := call.Fun.(*ast.Ident)
	switch name := lastName(call.Fun); {
	case name == "With" || name == "Wrap":
		for i := 0; i+1 < len(call.Args); i++ {
			if key := written(call.Args[i]); key == "why" || key == "what" {
				all = append(all, written(call.Args[i+1]))
			}
		}
	case name == "fail" && local && len(call.Args) == 1:
		all = append(all, written(call.Args[0]))
	case name == "fail" && local && len(call.Args) == 2: // a place in a document, and what is wrong with it
		if why := written(call.Args[1]); why != varies {
			all = append(all, varies+" "+why)
		}
	}
	return all
}

// varies stands for what is not written out.
const varies = "…"

// written is a string as it is written out.
func written(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return s
		}
	case *ast.BinaryExpr:
		return written(e.X) + written(e.Y)
	case *ast.CallExpr:
		if lastName(e.Fun) == "Sprintf" {
			return verbs.ReplaceAllString(written(e.Args[0]), varies)
		}
	}
	return varies
}

var verbs = regexp.MustCompile(`%[a-z]`)
