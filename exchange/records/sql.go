package records

import (
	"context"
	"database/sql"
	"errors"

	"accord/exchange"
)

// sqlStore is all statements of a store, in SQL that database engines
// understand alike; what differs between them is behind engine. Writes go
// through a single connection, so they are in one order and never meet a lock
// of our own; reads have a pool.
type sqlStore struct {
	// Hook, if not nil, is told each place at which a test may want a crash. It
	// is set before the store is used.
	Hook func(point string)

	engine engine
	writer *sql.DB
	reader *sql.DB
}

// readers is the size of the pool.
const readers = 4

// engine is what differs between databases.
type engine interface {
	// classify names a driver's error where it is none of storage, or nil.
	classify(err error) error
	// scrub removes what erased fields have left behind.
	scrub(ctx context.Context) error
}

func (s *sqlStore) hit(point string) {
	if s.Hook != nil {
		s.Hook(point)
	}
}

// migrate brings the schema to the newest version, and refuses one that a
// newer build made. All steps are one transaction.
func (s *sqlStore) migrate(ctx context.Context) error {
	return s.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`); err != nil {
			return err
		}
		version := 0
		err := tx.QueryRowContext(ctx, `SELECT version FROM schema_version`).Scan(&version)
		if errors.Is(err, sql.ErrNoRows) {
			_, err = tx.ExecContext(ctx, `INSERT INTO schema_version (version) VALUES (0)`)
		}
		if err != nil {
			return err
		}
		if version > len(migrations) {
			return ErrSchema.With()
		}
		for ; version < len(migrations); version++ {
			for _, statement := range migrations[version] {
				if _, err := tx.ExecContext(ctx, statement); err != nil {
					return err
				}
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE schema_version SET version = ?`, version)
		return err
	})
}

// write runs f in one transaction of the writing connection.
func (s *sqlStore) write(ctx context.Context, f func(*sql.Tx) error) error {
	s.hit("records.begin")
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return s.translate(ctx, err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error says more, and a failed rollback ends the connection
		return s.translate(ctx, err)
	}
	s.hit("records.commit.before")
	err = tx.Commit()
	s.hit("records.commit.after")
	return s.translate(ctx, err)
}

// translate turns a driver's error into one of ours. A cancelled call is the
// caller's doing; whatever else is not ours already is fatal.
func (s *sqlStore) translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var ours *exchange.Error
	if errors.As(err, &ours) {
		return err
	}
	if cancelled := ctx.Err(); cancelled != nil {
		return cancelled
	}
	if known := s.engine.classify(err); known != nil {
		return known
	}
	return ErrStorage.Wrap(err)
}

// Close implements Store. SQLite writes its log back into the file.
func (s *sqlStore) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return ErrStorage.Wrap(err)
	}
	return nil
}
