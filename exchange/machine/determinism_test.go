package machine_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// applyPath is every package that runs while commands are applied.
var applyPath = []string{"../machine", "../state", "../journal", "../members", "../lists", "../release", "../catalogue", ".."}

// forbidden imports: what they give differs from node to node.
var forbidden = map[string]string{
	"math/rand": "chance", "math/rand/v2": "chance", "crypto/rand": "chance", "os": "environment and files",
	"os/exec": "processes", "io/fs": "files", "path/filepath": "files", "net/http": "network", "runtime": "the machine",
	"log": "output", "log/slog": "output", "unsafe": "memory", "regexp": "its answers change with releases",
	"unicode": "its tables change with releases", "reflect": "representation",
}

// clock is what of package time reads a clock; Millis converts times, which is
// no reading.
var clock = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep", "Local", "LoadLocation"}

// TestApplyIsDeterministic reads the source of the apply path and refuses
// clocks, chance, environment, goroutines, floating point, and loops over maps
// whose order could reach a result. A loop over a map is allowed in a function
// that sorts, and in code that a comment marks "order-free:" with the reason.
//
// Shows: I2
func TestApplyIsDeterministic(t *testing.T) {
	for _, dir := range applyPath {
		for _, f := range faultsOf(t, dir) {
			t.Error(f)
		}
	}
}

// TestTheLintSees makes sure that the lint would find what it is for.
func TestTheLintSees(t *testing.T) {
	dir := t.TempDir()
	src := "package x\nimport (\n\"os\"\n\"time\"\n)\nvar m map[string]int\ntype s struct{ f map[int]bool }\n" +
		"func a() { _ = time.Now(); _ = os.Args }\nfunc b() { for range m { } }\nfunc c(v s) { for k := range v.f { _ = k } }\n" +
		"func d() { go b() }\nfunc e() { l := map[int]int{}; for range l { } }\nfunc g() float64 { return 0 }\n"
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := faultsOf(t, dir); len(got) != 7 {
		t.Errorf("found %d of 7:\n%s", len(got), strings.Join(got, "\n"))
	}
}

func faultsOf(t *testing.T, dir string) []string {
	t.Helper()
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	l := &lint{fset: fset, info: types.Info{Types: map[ast.Expr]types.TypeAndValue{}}}
	config := types.Config{Importer: blind{}, Error: func(error) {}}
	_, _ = config.Check("x", fset, files, &l.info) // faults of missing imports are expected
	for _, f := range files {
		l.file(f)
	}
	return l.faults
}

// blind imports nothing: the types of a package's own maps are known without.
type blind struct{}

func (blind) Import(path string) (*types.Package, error) { return nil, errors.New(path) }

type lint struct {
	fset   *token.FileSet
	info   types.Info
	faults []string
}

func (l *lint) fault(n ast.Node, what string) {
	l.faults = append(l.faults, l.fset.Position(n.Pos()).String()+": "+what)
}

func (l *lint) file(f *ast.File) {
	for _, imp := range f.Imports {
		path, _ := strconv.Unquote(imp.Path.Value)
		if why := forbidden[path]; why != "" {
			l.fault(imp, "imports "+path+": "+why)
		}
	}
	excused := map[int]bool{} // lines after an order-free comment
	for _, group := range f.Comments {
		if strings.Contains(group.Text(), "order-free:") {
			excused[l.fset.Position(group.End()).Line+1] = true
		}
	}
	for _, d := range f.Decls {
		sorts := callsSort(d)
		ast.Inspect(d, func(n ast.Node) bool {
			l.node(n, sorts || n != nil && excused[l.fset.Position(n.Pos()).Line])
			return true
		})
	}
}

func (l *lint) node(n ast.Node, orderly bool) {
	switch n := n.(type) {
	case *ast.GoStmt:
		l.fault(n, "starts a goroutine")
	case *ast.Ident:
		if n.Name == "float64" || n.Name == "float32" {
			l.fault(n, "computes in floating point")
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" {
			for _, name := range clock {
				if n.Sel.Name == name {
					l.fault(n, "reads a clock: time."+name)
				}
			}
		}
	case *ast.RangeStmt:
		if l.rangesMap(n.X) && !orderly {
			l.fault(n, "loops over a map without sorting")
		}
	}
}

func (l *lint) rangesMap(x ast.Expr) bool {
	if t := l.info.Types[x].Type; t != nil {
		if _, ok := t.Underlying().(*types.Map); ok {
			return true
		}
	}
	call, ok := x.(*ast.CallExpr) // maps.Keys and its like
	if !ok {
		return false
	}
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	p, ok := s.X.(*ast.Ident)
	return ok && p.Name == "maps"
}

func callsSort(d ast.Node) bool {
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if p, ok := s.X.(*ast.Ident); ok && (p.Name == "sort" || p.Name == "slices" && strings.HasPrefix(s.Sel.Name, "Sort")) {
				found = true
			}
		}
		return !found
	})
	return found
}
