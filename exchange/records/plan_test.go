package records

import (
	"path/filepath"
	"strings"
	"testing"
)

// The documents of a few entries are found by their ids, and not by reading all that
// their author ever recorded, which no answer would show and a million records would.
func TestDocumentsAreFoundByTheirIDs(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	plan, err := gather(t.Context(), &s.sqlStore, func(row scanner) (text string, err error) {
		var n int
		return text, row.Scan(&n, &n, &n, &text)
	}, `EXPLAIN QUERY PLAN `+recordsByID+marks(500), make([]any, 500)...)
	if err != nil || len(plan) != 1 || !strings.Contains(plan[0], "(id=?)") {
		t.Errorf("%q, %v", plan, err)
	}
}
