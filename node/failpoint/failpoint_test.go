package failpoint_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"accord/node/failpoint"
)

// hitCall finds a point where it is hit. The store makes some names of the
// operation's.
var (
	hitCall  = regexp.MustCompile(`(?:\bhit|\bHit|\bat|\bHook)\("([a-z]+(?:\.[a-z]+)+)"\)`)
	madeCall = regexp.MustCompile(`hit\("(store\.)" \+ what \+ "(\.[a-z]+)"\)`)
)

// TestNamesAreThoseOfTheSources compares the list with the calls: a point that
// nobody hits tests nothing, and one that is not listed is not tested.
func TestNamesAreThoseOfTheSources(t *testing.T) {
	found := map[string]bool{}
	for _, tree := range []string{"consensus", "exchange", "node"} {
		err := filepath.WalkDir(filepath.Join("..", "..", tree), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "failpoint/") {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, m := range hitCall.FindAllSubmatch(raw, -1) {
				found[string(m[1])] = true
			}
			for _, m := range madeCall.FindAllSubmatch(raw, -1) {
				for _, what := range []string{"append", "delete", "set"} {
					found[string(m[1])+what+string(m[2])] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	names := failpoint.Names()
	for _, n := range names {
		if !found[n] {
			t.Errorf("%s is listed and nobody hits it", n)
		}
		delete(found, n)
	}
	for n := range found {
		t.Errorf("%s is hit and not listed", n)
	}
	if len(names) < 45 {
		t.Errorf("%d points, want at least 45", len(names))
	}
	slices.Sort(names)
	if len(slices.Compact(names)) != len(failpoint.Names()) {
		t.Error("a name is listed twice")
	}
}

// TestOffMeansOff holds the ordinary build to its promise.
func TestOffMeansOff(t *testing.T) {
	if failpoint.Enabled {
		t.Skip("needs a build without the tag failpoints")
	}
	t.Setenv("ACCORD_FAILPOINTS", "store.append.before=panic")
	failpoint.Hit("store.append.before")
	if failpoint.Hook() != nil || failpoint.Dial() != nil {
		t.Error("an ordinary build has hooks")
	}
}
