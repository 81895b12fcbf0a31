package records_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

// told collects what a store reports as fatal.
type told struct {
	mu  sync.Mutex
	all []error
}

func (f *told) fatal(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

func (f *told) of(want error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, err := range f.all {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}

func (f *told) none() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all) == 0
}

// TestAFailingFileIsFatal: a file that does not do what SQLite asks of it, is damaged
// or was replaced under the store is reported, by reads and writes alike; what the
// caller did wrong is not, and neither is what was cancelled.
func TestAFailingFileIsFatal(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, file string)
		ask   func(s *records.SQLite) error
	}{
		"a table is gone, read": {func(t *testing.T, file string) { execute(t, file, `DROP TABLE positions`) },
			func(s *records.SQLite) error { _, err := s.Position(ctx, "x"); return err }},
		"a table is gone, write": {func(t *testing.T, file string) { execute(t, file, `DROP TABLE positions`) },
			func(s *records.SQLite) error { return s.SetPosition(ctx, records.Position{Feed: "x", Index: 1}) }},
		"a sealed field is garbled": {func(t *testing.T, file string) { execute(t, file, `UPDATE records SET sealed = x'00'`) },
			func(s *records.SQLite) error { _, err := s.Get(ctx, recordID(1)); return err }},
		"another file": {func(t *testing.T, file string) {
			must(t, os.Rename(file, file+".old"))
			must(t, os.WriteFile(file, nil, 0o600))
		}, func(s *records.SQLite) error { return s.Check(ctx) }},
		"no file": {func(t *testing.T, file string) { must(t, os.Remove(file)) }, func(s *records.SQLite) error { return s.Check(ctx) }},
	} {
		t.Run(name, func(t *testing.T) {
			file, f := filepath.Join(t.TempDir(), "store.db"), &told{}
			s := openSQLite(t, file)
			s.Fatal = f.fatal
			insert(t, s, sample(t, 1, "x"))
			must(t, s.Check(ctx))
			gone, end := context.WithCancel(ctx)
			end()
			_, _ = s.Get(gone, recordID(1))
			_, _ = s.Get(ctx, recordID(2))
			_ = s.InsertBatch(ctx, []records.Record{sample(t, 1, "x")})
			if !f.none() || s.Health().Err != nil {
				t.Fatalf("a healthy store: %v %v", f.all, s.Health().Err)
			}
			c.spoil(t, file)
			if err := c.ask(s); !errors.Is(err, records.ErrStorage) {
				t.Fatalf("%v", err)
			}
			if !f.of(records.ErrStorage) || !errors.Is(s.Health().Err, records.ErrStorage) || s.Health().Since.IsZero() {
				t.Errorf("told %v, health %v", f.all, s.Health())
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	must(t, err)
	_, err = db.Exec(statement)
	must(t, errors.Join(err, db.Close()))
}

// TestABusyFileIsNotFatal: another program's lock is waited for, and then it is said
// that nothing was changed.
func TestABusyFileIsNotFatal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	file, f := filepath.Join(t.TempDir(), "store.db"), &told{}
	s := openSQLite(t, file)
	s.Fatal = f.fatal
	db, err := sql.Open("sqlite", file+"?_txlock=immediate")
	must(t, err)
	defer db.Close()
	tx, err := db.Begin()
	must(t, err)
	if err := s.SetPosition(ctx, records.Position{Feed: "x", Index: 1}); !errors.Is(err, records.ErrBusy) || !f.none() {
		t.Errorf("%v %v", err, f.all)
	}
	if _, err := s.Position(ctx, "x"); err != nil || !errors.Is(s.Health().Err, records.ErrBusy) {
		t.Errorf("a read that goes well says nothing of writes: %v %v", err, s.Health().Err)
	}
	must(t, tx.Rollback())
	must(t, s.Check(ctx))
	if h := s.Health(); h.Err != nil {
		t.Errorf("%+v", h)
	}
}

// TestADatabaseThatIsAway: it is unavailable and not fatal, shows in Health, and is
// well again by itself; a second process under the same name is fatal for the first,
// without any write.
func TestADatabaseThatIsAway(t *testing.T) {
	ctx, server, f := context.Background(), postgrestest.Start(t), &told{}
	d := database(t, server)
	s := openPostgres(t, d)
	s.Fatal = f.fatal
	insert(t, s, sample(t, 1, "x"))
	must(t, s.Check(ctx))
	must(t, records.Ping(ctx, d))
	server.Down(syscall.SIGINT)
	if err := s.Check(ctx); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("away, asked: %v", err)
	}
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 2, "x")}); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("away, written to: %v", err)
	}
	if err := records.Ping(ctx, d); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("away, ping: %v", err)
	}
	if h := s.Health(); h.Engine != "postgres" || !errors.Is(h.Err, records.ErrUnreachable) || !f.none() {
		t.Errorf("%+v, told %v", h, f.all)
	}
	must(t, server.Up())
	for end := time.Now().Add(time.Minute); s.Check(ctx) != nil && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond)
	}
	if h := s.Health(); h.Err != nil || !f.none() {
		t.Errorf("back: %+v, told %v", h, f.all)
	}
	openPostgres(t, d)
	if err := s.Check(ctx); !errors.Is(err, records.ErrTaken) || !f.of(records.ErrTaken) {
		t.Errorf("overtaken: %v, told %v", err, f.all)
	}
	other := d
	other.Owner.Node = "node-2"
	if err := records.Ping(ctx, other); !errors.Is(err, records.ErrOwner) {
		t.Errorf("another's: %v", err)
	}
}
