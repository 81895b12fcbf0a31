package records

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The documents of a few entries are found by their ids, and rows by their keys, and not by reading all that
// their author ever recorded, which no answer would show and a million records would.
func TestDocumentsAreFoundByTheirIDs(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if plan := s.plan(t, s.schema(recordsByRowKey)+marks(500), make([]any, 500)...); len(plan) != 1 || !strings.Contains(plan[0], "records_row (row_key=?)") {
		t.Errorf("%q", plan)
	}
	if plan := s.plan(t, recordsByID+marks(500), make([]any, 500)...); len(plan) != 1 || !strings.Contains(plan[0], "(id=?)") {
		t.Errorf("%q", plan)
	}
}

// What a credit check counts stands in the index, so that a subject with a hundred
// records does not cost a hundred pages.
func TestCountsReadNoRecord(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	plan := s.plan(t, countActive, "org:x")
	if !slices.ContainsFunc(plan, func(step string) bool { return strings.Contains(step, "COVERING INDEX records_subject (subject=?)") }) {
		t.Errorf("%q", plan)
	}
}

func (s *SQLite) plan(t *testing.T, statement string, args ...any) []string {
	t.Helper()
	plan, err := gather(t.Context(), &s.sqlStore, func(row scanner) (text string, err error) {
		var n int
		return text, row.Scan(&n, &n, &n, &text)
	}, `EXPLAIN QUERY PLAN `+statement, args...)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
