package records

import "database/sql"

// Writer and Reader open the connections to tests.
func Writer(s *SQLite) *sql.DB { return s.writer }

// Reader is the reading pool.
func Reader(s *SQLite) *sql.DB { return s.reader }

// CountNames counts what the index of names holds.
func CountNames(t interface{ Fatal(...any) }, s Store) int {
	return count(t, s, `SELECT (SELECT COUNT(*) FROM names) + (SELECT COUNT(*) FROM name_keys)`)
}

// CountNumbers counts what the index of numbers holds.
func CountNumbers(t interface{ Fatal(...any) }, s Store) int {
	return count(t, s, `SELECT COUNT(*) FROM numbers`)
}

func count(t interface{ Fatal(...any) }, s Store, statement string) (n int) {
	var db *sqlStore
	switch s := s.(type) {
	case *SQLite:
		db = &s.sqlStore
	case *Postgres:
		db = &s.sqlStore
	}
	if err := db.reader.QueryRow(statement).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Columns lists what is copied from store to store, as table.column.
func Columns() (all []string) {
	for _, t := range tables {
		for _, c := range t.columns {
			all = append(all, t.name+"."+c)
		}
	}
	return all
}
