package accord

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the tests show into SECURITY.md")

// A test that shows a threat stopped or exposed, or a fault survived, says so in
// a line of its doc comment: "Shows: B5, F33, g6".
var (
	showsLine = regexp.MustCompile(`(?m)^Shows: (.+)$`)
	shownID   = regexp.MustCompile(`^(?:B([1-9]|1[0-6])|F([1-9]|[1-3]\d|4[0-2])|g[1-9]|I([1-9]|10)|C[1-3]|D([1-9]|[1-6]\d|7[0-2])|E([1-9]|1\d|2\d))$`)
	threatRow = regexp.MustCompile(`(?m)^\| (B\d+) \|`)
)

const (
	shownBegin = "<!-- shown by: written by go test . -update -->\n"
	shownEnd   = "<!-- end of shown by -->\n"
)

// shown maps each id to the tests that name it, as "package TestName".
func shown(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, fn := range functions(file) {
			for _, id := range shownBy(t, path, fn) {
				out[id] = append(out[id], filepath.ToSlash(filepath.Dir(path))+" "+fn.Name.Name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// shownBy are the ids a test claims to show.
func shownBy(t *testing.T, path string, fn *ast.FuncDecl) []string {
	var ids []string
	for _, line := range showsLine.FindAllStringSubmatch(fn.Doc.Text(), -1) {
		for _, id := range strings.Split(strings.TrimSuffix(line[1], "."), ", ") {
			if !shownID.MatchString(id) {
				t.Errorf("%s: %s shows %q, which is no id of the threat model", path, fn.Name.Name, id)
			}
			ids = append(ids, id)
		}
		if name := fn.Name.Name; !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
			t.Errorf("%s: %s is no test and shows nothing", path, name)
		}
	}
	return ids
}

// rank orders ids by letter, then number.
func rank(a, b string) int {
	if a[0] != b[0] {
		return strings.Index("BgFICDE", a[:1]) - strings.Index("BgFICDE", b[:1])
	}
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// TestSecuritySaysWhatIsShown holds SECURITY.md to the tests there are: the part
// between the marks is written from their names, and every threat of the table
// is either shown by a test or says in so many words that nothing shows it.
func TestSecuritySaysWhatIsShown(t *testing.T) {
	all := shown(t)
	var ids []string
	for id, tests := range all {
		slices.Sort(tests)
		ids = append(ids, id)
	}
	slices.SortFunc(ids, rank)
	var b strings.Builder
	b.WriteString("| id | shown by |\n|---|---|\n")
	for _, id := range ids {
		fmt.Fprintf(&b, "| %s | %s |\n", id, "`"+strings.Join(all[id], "`, `")+"`")
	}
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(page, []byte(shownBegin))
	_, after, ok2 := bytes.Cut(rest, []byte(shownEnd))
	if !ok || !ok2 {
		t.Fatalf("SECURITY.md lacks the marks %q and %q", shownBegin, shownEnd)
	}
	want := slices.Concat(before, []byte(shownBegin), []byte(b.String()), []byte(shownEnd), after)
	if *update {
		if err := os.WriteFile("SECURITY.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(page, want) {
		t.Error("SECURITY.md does not say what the tests show: run go test . -run TestSecuritySaysWhatIsShown -update")
	}
	rows := threatRow.FindAllSubmatch(page, -1)
	seen := map[string]bool{}
	for _, m := range rows {
		seen[string(m[1])] = true
	}
	for n := 1; n <= 16; n++ {
		id := fmt.Sprintf("B%d", n)
		if !seen[id] {
			t.Errorf("SECURITY.md has no row for %s", id)
		}
		if len(all[id]) == 0 && !bytes.Contains(page, []byte(id+" is shown by no test")) {
			t.Errorf("no test shows %s, and SECURITY.md does not say so", id)
		}
	}
}
