// Package accord holds only the tests that keep the repository in shape.
package accord

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "accord/"

// floors is the direction imports may take: each package tree names the trees
// of ours it may import beside itself.
var floors = map[string][]string{
	"cmd/accord":        {"node", "exchange", "crypto"},
	"cmd/accord-verify": {"crypto"},
	"node":              {"exchange", "consensus", "crypto"},
	"exchange":          {"crypto"},
	"consensus":         {},
	"crypto":            {},
	"deploy":            {"node"},
}

// owners says which trees may import a third-party library; each has one.
var owners = map[string][]string{
	"github.com/hashicorp/raft":               {"consensus"},
	"github.com/hashicorp/go-hclog":           {"consensus"},
	"github.com/hashicorp/go-metrics":         {"consensus"},
	"github.com/hashicorp/go-msgpack":         {"consensus"},
	"github.com/hashicorp/go-memdb":           {"exchange/state"},
	"github.com/go-jose/go-jose":              {"crypto/jws", "crypto/seal", "crypto/keys"},
	"github.com/go-json-experiment/json":      {"crypto/strictjson"},
	"github.com/oasisprotocol/curve25519-voi": {"crypto/keys", "crypto/oprf"},
	// Two schemes of one library: secret sharing, and blinded evaluation.
	"github.com/cloudflare/circl":         {"crypto/share", "crypto/oprf", "crypto/oprf/circloprf"},
	"golang.org/x/mod":                    {"crypto/tlog"},
	"golang.org/x/crypto":                 {"crypto/keystore", "crypto/seal"},
	"golang.org/x/text":                   {"exchange/intake", "exchange/names"},
	"github.com/mozillazg/go-pinyin":      {"exchange/names"},
	"github.com/xuri/excelize":            {"exchange/intake"},
	"modernc.org/sqlite":                  {"exchange/records"},
	"github.com/jackc/pgx":                {"exchange/records", "exchange/intake/pull"},
	"github.com/go-sql-driver/mysql":      {"exchange/intake/pull"},
	"github.com/goccy/go-yaml":            {"node/config", "node/api", "exchange/catalogue", "exchange/intake"},
	"rsc.io/qr":                           {"node/paper"},
	"github.com/urfave/cli":               {"cmd/accord"},
	"github.com/vbauerster/mpb":           {"cmd/accord"},
	"github.com/mattn/go-runewidth":       {"cmd/accord"},
	"github.com/rogpeppe/go-internal":     {"cmd/accord"},
	"github.com/prometheus/client_golang": {"node/metrics"},
	"github.com/anishathalye/porcupine":   {"node/faulttest"},
}

type listed struct {
	ImportPath                         string
	Dir                                string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Imports, TestImports, XTestImports []string
	Standard                           bool
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

func floorOf(path string) (string, []string) {
	best := ""
	for tree := range floors {
		if within(path, tree) && len(tree) > len(best) {
			best = tree
		}
	}
	return best, floors[best]
}

func TestImportsRunDownward(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		if p.ImportPath == "accord" {
			continue
		}
		tree, allowed := floorOf(path)
		if tree == "" {
			t.Errorf("%s lies on no known floor", path)
			continue
		}
		for _, imp := range append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...) {
			ours, is := strings.CutPrefix(imp, module)
			if !is || within(ours, tree) {
				continue
			}
			ok := false
			for _, a := range allowed {
				ok = ok || within(ours, a)
			}
			if !ok {
				t.Errorf("%s imports %s, which lies above or beside it", path, ours)
			}
		}
	}
}

func TestOneOwnerPerLibrary(t *testing.T) {
	for _, p := range packages(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		for _, imp := range append(append(append([]string{}, p.Imports...), p.TestImports...), p.XTestImports...) {
			if !strings.Contains(strings.Split(imp, "/")[0], ".") {
				continue
			}
			owned := false
			for lib, trees := range owners {
				if imp != lib && !strings.HasPrefix(imp, lib+"/") {
					continue
				}
				for _, tree := range trees {
					owned = owned || within(path, tree)
				}
			}
			if !owned {
				t.Errorf("%s imports %s, whose owner it is not", path, imp)
			}
		}
	}
}

func TestEveryPackageExplainsItself(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.GoFiles) == 0 {
			continue
		}
		said := false
		for _, f := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, f), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			said = said || file.Doc != nil && len(file.Doc.Text()) > 60
		}
		if !said {
			t.Errorf("%s has no doc comment that explains it", p.ImportPath)
		}
	}
}

// TestSizes keeps functions on a screen and files in a mind.
func TestSizes(t *testing.T) {
	const maxFile, maxFunc = 600, 70
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return checkSizes(t, path, maxFile, maxFunc)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkSizes(t *testing.T, path string, maxFile, maxFunc int) error {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	if n := fset.Position(file.End()).Line; n > maxFile {
		t.Errorf("%s has %d lines, more than %d: split it by concept", path, n, maxFile)
	}
	for _, fn := range functions(file) {
		start, end := fset.Position(fn.Pos()).Line, fset.Position(fn.End()).Line
		if end-start+1 > maxFunc {
			t.Errorf("%s:%s has %d lines, more than %s", path, strconv.Itoa(start), end-start+1, strconv.Itoa(maxFunc))
		}
	}
	return nil
}

func functions(file *ast.File) []*ast.FuncDecl {
	var fns []*ast.FuncDecl
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			fns = append(fns, fn)
		}
	}
	return fns
}
