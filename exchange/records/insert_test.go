package records

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// No index of the tables that take rows by the million asks a function: where one does,
// SQLite copies every page that a statement of many rows changes, in case it fails.
func TestNoIndexAsksAFunction(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := gather(t.Context(), &s.sqlStore, func(row scanner) (text string, err error) { return text, row.Scan(&text) },
		`SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ('records', 'names', 'name_keys', 'numbers')`)
	if err != nil || len(all) < 5 {
		t.Fatalf("%d indexes: %v", len(all), err)
	}
	for _, text := range all {
		if _, where, _ := strings.Cut(text, " WHERE "); strings.Contains(where, "(") {
			t.Error(text)
		}
	}
}

// TestRowsKeepTheirNumbers: rows of any number, in one run or in several, have the numbers
// they were given; one that SQLite would number otherwise ends the transaction.
func TestRowsKeepTheirNumbers(t *testing.T) {
	s, err := OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(ids ...int64) error {
		return s.write(t.Context(), func(tx *transaction) error {
			var rows [][]any
			for _, id := range ids {
				rows = append(rows, []any{id, "org:x", string(rune('a' + id)), int64(1), id, id})
			}
			return s.insertMany(t.Context(), tx, "names", nameColumns, rows)
		})
	}
	var many []int64
	for id := range int64(5000) {
		many = append(many, 100+id)
	}
	for _, ids := range [][]int64{{1}, {2, 3}, {5, 6, 9, 12, 13, 14}, many} {
		if err := put(ids...); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(20, 21, 22); !errors.Is(err, errNumbering) {
		t.Errorf("numbers between others: %v", err)
	}
	got, err := gather(t.Context(), &s.sqlStore, func(row scanner) (id int64, err error) { return id, row.Scan(&id) },
		`SELECT id FROM names WHERE id = newest AND id = first_seen ORDER BY id`)
	if err != nil || len(got) != 9+len(many) || got[8] != 14 || got[9] != 100 {
		t.Errorf("%d rows %v", len(got), err)
	}
}
