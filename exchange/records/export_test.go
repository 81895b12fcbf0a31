package records

import "database/sql"

// Writer and Reader open the connections to tests.
func Writer(s *SQLite) *sql.DB { return s.writer }

// Reader is the reading pool.
func Reader(s *SQLite) *sql.DB { return s.reader }
