package records

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// SQLite is a Store in one file. Reads have a pool of their own and see the
// last committed state.
type SQLite struct {
	sqlStore
	file   string
	opened os.FileInfo
}

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
	s.engine, s.turn = s, make(chan struct{}, 1)
	var err error
	if s.opened, err = os.Stat(file); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	if s.opened.Size() == 0 {
		if err := layOut(ctx, file); err != nil {
			return nil, err
		}
	}
	if s.writer, err = sql.Open("sqlite", dsn(file, url.Values{"_txlock": {"immediate"}, "_journal_mode": {"WAL"}})); err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	s.writer.SetMaxOpenConns(1)
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if s.reader, err = sql.Open("sqlite", dsn(file, url.Values{"_query_only": {"1"}, "_pragma": {"secure_delete(1)", "cache_size(-8192)"}})); err != nil {
		return nil, errors.Join(ErrStorage.Wrap(err), s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	s.prepared = new(prepared)
	return s, nil
}

// layOut gives an empty file pages of 8 KiB, before anything is written. A record of
// about 2 KB lies four to a page; of the usual 4 KiB, one that is a little longer would
// take a whole page.
func layOut(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", dsn(file, url.Values{"_pragma": {"page_size(8192)"}}))
	if err == nil {
		_, err = db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)`)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		return ErrStorage.Wrap(err)
	}
	return nil
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

// bind implements engine.
func (s *SQLite) bind(statement string) string { return statement }

// isolation implements engine: one connection writes, and begins with the lock.
func (s *SQLite) isolation() *sql.TxOptions { return nil }

// moment implements engine: every reading transaction sees one.
func (s *SQLite) moment() *sql.TxOptions { return nil }

// beforeWriting implements engine: pages that a reading connection has are forgotten with
// each commit, and those that the writing one has are not.
func (s *SQLite) beforeWriting(ctx context.Context, f func(pool) error) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	return s.note(s.translated(ctx, f(pool{s.writer, s, nil})), false)
}

// brief implements engine: to watch over the caller takes a third of the read.
func (s *SQLite) brief(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// stored implements engine: what an index is good for does not depend on counts here.
func (s *SQLite) stored(context.Context) {}

// bytewise implements engine: it is the default.
func (s *SQLite) bytewise() string { return "" }

// schema implements engine.
func (s *SQLite) schema(statement string) string {
	return strings.NewReplacer("<position>", "INTEGER PRIMARY KEY", "<empty>", "x''", "<compact>", "WITHOUT ROWID", // else a key is stored twice
		"<jwt>", "CAST(jwt AS BLOB)", "<sealed>", "CAST(sealed AS BLOB)",
		"<row_key>", sqliteKey("row_key"), "<row_digest>", sqliteKey("row_digest")).Replace(statement)
}

// sqliteKey is keyBytes of a column.
func sqliteKey(column string) string {
	return strings.ReplaceAll(`CASE WHEN $ = '' THEN x'' WHEN length($) = 64 AND $ NOT GLOB '*[^0-9a-f]*' THEN unhex('01' || $) ELSE unhex('00' || hex($)) END`, "$", column)
}

func (s *SQLite) lockSchema(context.Context, *transaction) error { return nil }
func (s *SQLite) begin(context.Context, *transaction) error      { return nil }

// settle implements engine: a commit that fails is rolled back.
func (s *SQLite) settle(_ context.Context, err error) error { return err }

// classify implements engine.
func (s *SQLite) classify(err error) error {
	var driver *sqlite.Error
	if errors.As(err, &driver) {
		switch driver.Code() & 0xff { // the primary code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			return ErrBusy.Wrap(err)
		}
		switch driver.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return ErrDuplicate.Wrap(err)
		case sqlite3.SQLITE_FULL:
			return ErrFull.Wrap(err)
		}
	}
	return nil
}
