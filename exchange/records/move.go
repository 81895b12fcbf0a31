package records

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// Moved is what a move brought about.
type Moved struct {
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"` // of the contents on both sides: SHA-256, hex
}

// Move copies a SQLite store, which nobody else has open, into a database and
// proves by digest that both hold the same. It goes on where an earlier one was
// interrupted; what was changed since is found by the digest, and everything is
// copied again. The database opens for a node only when this has returned nil.
// moved is told of rows as they are copied and compared.
func Move(ctx context.Context, from *SQLite, d Database, moved func(int64)) (Moved, error) {
	to, err := dialPostgres(ctx, d)
	if err != nil {
		return Moved{}, err
	}
	m, err := to.moveIn(ctx, from, moved)
	if cerr := to.Close(); err == nil {
		err = cerr
	}
	return m, err
}

func (s *Postgres) moveIn(ctx context.Context, from *SQLite, moved func(int64)) (m Moved, err error) {
	if m.Digest, m.Rows, err = from.contents(ctx, moved); err != nil {
		return m, err
	}
	switch err := s.take(ctx, stateMoving); {
	case errors.Is(err, ErrMoving): // ours and ready: an earlier move was finished
		return m, s.compare(ctx, m.Digest, moved)
	case err != nil:
		return m, err
	}
	resumed := false
	for _, t := range tables {
		had, err := s.moveTable(ctx, from, t, moved)
		if err != nil {
			return m, err
		}
		resumed = resumed || had
	}
	err = s.compare(ctx, m.Digest, moved)
	if errors.Is(err, ErrDiffers) && resumed {
		if err := s.wipe(ctx); err != nil {
			return m, err
		}
		return s.moveIn(ctx, from, moved)
	}
	if err != nil {
		return m, err
	}
	return m, s.write(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `UPDATE owner SET state = ? WHERE one = 1`, stateReady)
		return err
	})
}

// compare reads everything back.
func (s *Postgres) compare(ctx context.Context, want string, moved func(int64)) error {
	got, _, err := s.contents(ctx, moved)
	if err == nil && got != want {
		err = ErrDiffers.With()
	}
	return err
}

// moveTable copies the rows beyond the last that is there, and says whether any
// was.
func (s *Postgres) moveTable(ctx context.Context, from *SQLite, t table, moved func(int64)) (resumed bool, err error) {
	last, err := s.last(ctx, t)
	if err != nil {
		return false, err
	}
	resumed = last != nil
	for {
		rows, err := from.after(ctx, t, last)
		if err != nil || len(rows) == 0 {
			return resumed, err
		}
		if err := s.write(ctx, func(tx *transaction) error { return s.insertRows(ctx, tx, t, rows) }); err != nil {
			return resumed, err
		}
		last = last[:0]
		for _, k := range t.key {
			last = append(last, rows[len(rows)-1][t.column(k)])
		}
		moved(int64(len(rows)))
	}
}

// last is the key of the last row, nil without any.
func (s *Postgres) last(ctx context.Context, t table) (key []any, err error) {
	err = s.read(ctx, func(p pool) error {
		key = make([]any, len(t.key))
		into := make([]any, len(key))
		for i := range key {
			into[i] = &key[i]
		}
		err := p.QueryRowContext(ctx, `SELECT `+strings.Join(t.key, ", ")+` FROM `+t.name+` ORDER BY `+t.order(s.engine, " DESC")+` LIMIT 1`).Scan(into...)
		if errors.Is(err, sql.ErrNoRows) {
			key, err = nil, nil
		}
		return err
	})
	return key, err
}

// after is the next rows beyond a key.
func (s *SQLite) after(ctx context.Context, t table, key []any) ([][]any, error) {
	condition := ""
	if key != nil {
		condition = ` WHERE (` + strings.Join(t.key, ", ") + `) > (?` + strings.Repeat(", ?", len(key)-1) + `)`
	}
	var all [][]any
	err := s.read(ctx, func(p pool) error {
		rows, err := p.QueryContext(ctx, `SELECT `+strings.Join(t.columns, ", ")+` FROM `+t.name+condition+
			` ORDER BY `+t.order(s, "")+` LIMIT ?`, append(append([]any{}, key...), chunk)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := s.row(ctx, rows, t)
			if err != nil {
				return err
			}
			all = append(all, row)
		}
		return rows.Err()
	})
	return all, err
}

// wipe empties a database that is being moved into.
func (s *Postgres) wipe(ctx context.Context) error {
	err := s.write(ctx, func(tx *transaction) error {
		for i := len(tables) - 1; i >= 0; i-- {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+tables[i].name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.keys.wipe(ctx)
}

func (k *keyFile) wipe(ctx context.Context) error {
	err := k.write(ctx, func(tx *transaction) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM field_keys`)
		return err
	})
	if err != nil {
		return err
	}
	return k.engine.scrub(ctx, true)
}
