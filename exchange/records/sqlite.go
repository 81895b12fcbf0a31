package records

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"accord/exchange"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite is a Store in one file. Writes go through a single connection, so
// they are in one order and never meet a lock of our own; reads have a pool
// and see the last committed state.
type SQLite struct {
	// Hook, if not nil, is told each place at which a test may want a crash. It
	// is set before the store is used.
	Hook func(point string)

	file   string
	writer *sql.DB
	reader *sql.DB
}

func (s *SQLite) hit(point string) {
	if s.Hook != nil {
		s.Hook(point)
	}
}

const readers = 4

// OpenSQLite opens or creates the store in the file, brings its schema up to
// date, and refuses a file that others can read.
//
// Every commit is synced to the disk (WAL, synchronous=FULL) before it is
// answered, and deleted content is overwritten (secure_delete).
func OpenSQLite(ctx context.Context, file string) (*SQLite, error) {
	if err := prepareFile(file); err != nil {
		return nil, err
	}
	s := &SQLite{file: file}
	var err error
	if s.writer, err = sql.Open("sqlite", dsn(file, url.Values{"_txlock": {"immediate"}, "_journal_mode": {"WAL"}})); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if s.reader, err = sql.Open("sqlite", dsn(file, url.Values{"_query_only": {"1"}})); err != nil {
		return nil, errors.Join(ErrStorage.Wrap(err), s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	return s, nil
}

// prepareFile makes the file with mode 0600 before SQLite sees it; SQLite
// gives its WAL and index files the same mode.
func prepareFile(file string) error {
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return createFile(file)
	case err != nil:
		return ErrStorage.Wrap(err)
	case !info.Mode().IsRegular():
		return ErrStorage.Wrap(errors.New("not a regular file"))
	case info.Mode().Perm()&0o077 != 0:
		return ErrPermissions.With()
	}
	return nil
}

func createFile(file string) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	if err := f.Close(); err != nil {
		return ErrStorage.Wrap(err)
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil { // the name must survive a crash, too
		return ErrStorage.Wrap(err)
	}
	return nil
}

func dsn(file string, extra url.Values) string {
	q := url.Values{
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_busy_timeout": {"10000"},
		"_pragma":       {"secure_delete(1)"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
	}
	for k, v := range extra {
		q[k] = v
	}
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + q.Encode()
}

// migrate brings the schema to the newest version, and refuses one that a
// newer build made.
func (s *SQLite) migrate(ctx context.Context) error {
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
func (s *SQLite) write(ctx context.Context, f func(*sql.Tx) error) error {
	s.hit("records.begin")
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(ctx, err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the first error says more, and a failed rollback ends the connection
		return translate(ctx, err)
	}
	s.hit("records.commit.before")
	err = tx.Commit()
	s.hit("records.commit.after")
	return translate(ctx, err)
}

// translate turns a driver's error into one of ours. A cancelled call is the
// caller's doing; whatever else is not ours already is fatal.
func translate(ctx context.Context, err error) error {
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
	var driver *sqlite.Error
	if errors.As(err, &driver) {
		switch driver.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return ErrDuplicate.Wrap(err)
		case sqlite3.SQLITE_FULL:
			return ErrFull.Wrap(err)
		}
	}
	return ErrStorage.Wrap(err)
}

// Close writes the log back into the file and closes it.
func (s *SQLite) Close() error {
	err := errors.Join(s.reader.Close(), s.writer.Close())
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	return nil
}
