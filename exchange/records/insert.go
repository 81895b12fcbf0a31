package records

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
)

// numbered are the tables whose first column is SQLite's number of the row.
var numbered = []string{"records", "names"}

// insertMany implements engine. A statement that fails ends its transaction here. Told
// so (OR FAIL), SQLite keeps no copy of every page it changes in order to take half a
// statement back, unless it is given the numbers of the rows: one could be no number. So
// it is given the first number, by itself, and counts on from there.
func (s *SQLite) insertMany(ctx context.Context, tx *transaction, table string, columns []string, rows [][]any) error {
	if !slices.Contains(numbered, table) {
		_, err := insertSome(ctx, tx, table, columns, rows)
		return err
	}
	for len(rows) > 0 {
		if _, err := insertSome(ctx, tx, table, columns, rows[:1]); err != nil {
			return err
		}
		first, _ := rows[0][0].(int64)
		n := 1
		for n < len(rows) && rows[n][0] == any(first+int64(n)) {
			n++
		}
		others := make([][]any, 0, n-1)
		for _, row := range rows[1:n] {
			others = append(others, row[1:])
		}
		if last, err := insertSome(ctx, tx, table, columns[1:], others); err != nil {
			return err
		} else if n > 1 && last != first+int64(n-1) {
			return errNumbering
		}
		rows = rows[n:]
	}
	return nil
}

// errNumbering: SQLite takes the number after the largest there is, so a larger one than
// the row before has is in the table.
var errNumbering = errors.New("records: a row got another number than it was to have")

// rowsAtOnce and valuesAtOnce bound one statement.
const (
	rowsAtOnce   = 1000
	valuesAtOnce = 3000
)

// insertSome inserts rows, many with one statement, and gives the number of the last. The
// statements are of a few sizes, so that a transaction compiles each once.
func insertSome(ctx context.Context, tx *transaction, table string, columns []string, rows [][]any) (last int64, err error) {
	var args []any
	for size := max(1, min(rowsAtOnce, valuesAtOnce/len(columns))); len(rows) > 0; {
		if size > len(rows) {
			size = max(1, size/4)
			continue
		}
		args = args[:0]
		for _, row := range rows[:size] {
			args = append(args, row...)
		}
		rows = rows[size:]
		st, err := tx.kept(ctx, insertText("INSERT OR FAIL", table, columns, size))
		if err != nil {
			return 0, err
		}
		res, err := st.ExecContext(ctx, args...)
		if err != nil {
			return 0, err
		}
		if last, err = res.LastInsertId(); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// insertText is a statement that inserts so many rows.
func insertText(verb, table string, columns []string, rows int) string {
	one := marks(len(columns))
	return verb + ` INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES ` + one + strings.Repeat(", "+one, rows-1)
}

// kept is a statement that stays compiled until the transaction ends.
func (t *transaction) kept(ctx context.Context, text string) (*sql.Stmt, error) {
	if st := t.compiled[text]; st != nil {
		return st, nil
	}
	st, err := t.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if t.compiled == nil {
		t.compiled = map[string]*sql.Stmt{}
	}
	t.compiled[text] = st
	return st, nil
}
