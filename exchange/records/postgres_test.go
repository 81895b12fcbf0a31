package records_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

var us = records.Owner{Federation: "demo", Member: "association", Node: "node-1"}

// database is a new one on the server, with a key file of its own.
func database(t *testing.T, s *postgrestest.Server) records.Database {
	t.Helper()
	return records.Database{URL: s.URL(s.Schema(t), 0), Password: s.Password, Owner: us, Keys: filepath.Join(t.TempDir(), "records.keys")}
}

func openPostgres(t *testing.T, d records.Database) *records.Postgres {
	t.Helper()
	s, err := records.OpenPostgres(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgres(t *testing.T) {
	server := postgrestest.Shared(t)
	known := map[*testing.T]records.Database{}
	RunStoreTests(t, func(t *testing.T, _ string) records.Store {
		if known[t].URL == "" {
			known[t] = database(t, server)
		}
		return openPostgres(t, known[t])
	})
}

// TestCommitOutcome: when the answer to a COMMIT is lost, the store says what
// the database says, and when that stays away, that it does not know.
func TestCommitOutcome(t *testing.T) {
	server, ctx := postgrestest.Shared(t), context.Background()
	proxy := server.Proxy(t)
	d := database(t, server)
	d.URL = strings.Replace(d.URL, fmt.Sprint(server.Port), fmt.Sprint(proxy.Port), 1)
	s := openPostgres(t, d)
	insert(t, s, sample(t, 1, "x"))

	proxy.Cut(postgrestest.AfterDone)
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 2, "x")}, records.Position{Feed: "f", Index: 2}); err != nil {
		t.Errorf("a commit that was carried out and not answered: %v", err)
	}
	proxy.Cut(postgrestest.BeforeSent)
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 3, "x")}, records.Position{Feed: "f", Index: 3}); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("a commit that was never carried out: %v", err)
	}
	if n, err := s.Count(ctx, records.Filter{}); n != 2 || err != nil {
		t.Errorf("%d records (%v), want 2", n, err)
	}
	if p, err := s.Position(ctx, "f"); p != 2 || err != nil {
		t.Errorf("the feed is at %d (%v), want 2", p, err)
	}
	insert(t, s, sample(t, 3, "x")) // its id and key file entry are free
	if r := get(t, s, recordID(3)); r.Position != 3 {
		t.Errorf("position %d, want 3", r.Position)
	}

	// While it is away: reads are refused and nothing is called fatal.
	proxy.Away(true)
	if _, err := s.Count(ctx, records.Filter{}); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("a read while it is away: %v", err)
	}
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 4, "x")}); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("a write while it is away: %v", err)
	}
	proxy.Away(false)
	insert(t, s, sample(t, 4, "x"))

	for _, cut := range []int{postgrestest.BeforeSent, postgrestest.AfterDone} {
		proxy.Cut(cut)
		limited, cancel := context.WithCancel(ctx)
		s.Hook = func(point string) {
			if point == "records.commit.after" { // away for good, as far as this caller waits
				proxy.Away(true)
				cancel()
			}
		}
		if err := s.InsertBatch(limited, []records.Record{sample(t, 5+cut, "x")}); !errors.Is(err, records.ErrOutcome) {
			t.Errorf("an outcome that cannot be learned: %v", err)
		}
		s.Hook = nil
		proxy.Away(false)
		_, err := s.Get(ctx, recordID(5+cut))
		if stored := err == nil; stored != (cut == postgrestest.AfterDone) {
			t.Errorf("cut %d: %v", cut, err)
		}
	}
}

// TestServer has a server of its own, which is killed, misconfigured and searched.
func TestServer(t *testing.T) {
	server := postgrestest.Start(t)
	t.Run("crash", func(t *testing.T) { testServerCrash(t, server) })
	t.Run("fsync off", func(t *testing.T) { testLooseServer(t, server) })
	t.Run("erasure", func(t *testing.T) { testPostgresErasure(t, server) })
}

// testServerCrash: what was confirmed is there after the server was killed, and
// the store goes on by itself.
func testServerCrash(t *testing.T, server *postgrestest.Server) {
	ctx := context.Background()
	s := openPostgres(t, database(t, server))
	for n := range 20 {
		insert(t, s, sample(t, n, "x"))
	}
	server.Down(syscall.SIGKILL)
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 20, "x")}); !errors.Is(err, records.ErrUnreachable) {
		t.Errorf("a write without a server: %v", err)
	}
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Count(ctx, records.Filter{}); n != 20 || err != nil {
		t.Errorf("%d records (%v), want 20", n, err)
	}
	insert(t, s, sample(t, 20, "x"))
	if get(t, s, recordID(3)).Sealed[0].Sealed.Key == nil {
		t.Error("a key is missing")
	}
}

// TestOneOwner: a database has one node, and of two processes of that node the
// later one.
func TestOneOwner(t *testing.T) {
	server, ctx := postgrestest.Shared(t), context.Background()
	d := database(t, server)
	first := openPostgres(t, d)
	insert(t, first, sample(t, 1, "x"))
	for name, change := range map[string]func(*records.Database){
		"node":       func(d *records.Database) { d.Owner.Node = "node-2" },
		"member":     func(d *records.Database) { d.Owner.Member = "court" },
		"federation": func(d *records.Database) { d.Owner.Federation = "other" },
	} {
		other := d
		change(&other)
		if s, err := records.OpenPostgres(ctx, other); !errors.Is(err, records.ErrOwner) {
			t.Errorf("another %s: %v, %v", name, s, err)
		}
	}
	lost := d
	lost.Keys = filepath.Join(t.TempDir(), "new.keys")
	if _, err := records.OpenPostgres(ctx, lost); !errors.Is(err, records.ErrKeyFile) {
		t.Errorf("without its keys: %v", err)
	}
	insert(t, first, sample(t, 2, "x")) // none of them took it
	second := openPostgres(t, d)
	if err := first.InsertBatch(ctx, []records.Record{sample(t, 3, "x")}); !errors.Is(err, records.ErrTaken) {
		t.Errorf("the process that was overtaken: %v", err)
	}
	insert(t, second, sample(t, 3, "x"))
	_ = second.Close()

	next := d
	next.Owner.Node = "node-2"
	if err := records.Adopt(ctx, next, "node-9"); !errors.Is(err, records.ErrOwner) {
		t.Errorf("adopted from a node that never had it: %v", err)
	}
	if err := records.Adopt(ctx, next, "node-1"); err != nil {
		t.Fatal(err)
	}
	insert(t, openPostgres(t, next), sample(t, 4, "x"))
	if _, err := records.OpenPostgres(ctx, d); !errors.Is(err, records.ErrOwner) {
		t.Errorf("the node it was taken from: %v", err)
	}
}

// TestServersThatMayLose: a server that could forget or garble what it
// confirmed is refused.
func TestServersThatMayLose(t *testing.T) {
	server := postgrestest.Shared(t)
	d := database(t, server)
	d.URL += "&synchronous_commit=off"
	if _, err := records.OpenPostgres(context.Background(), d); !errors.Is(err, records.ErrServer) {
		t.Errorf("synchronous_commit off: %v", err)
	}
	for _, setting := range []string{"synchronous_commit=on", "synchronous_commit=remote_apply"} {
		d := database(t, server)
		d.URL += "&" + setting
		openPostgres(t, d)
	}
}

func testLooseServer(t *testing.T, server *postgrestest.Server) {
	restart := func(settings ...string) {
		server.Down(syscall.SIGINT)
		server.Settings = settings
		if err := server.Up(); err != nil {
			t.Fatal(err)
		}
	}
	restart("fsync=off")
	if _, err := records.OpenPostgres(context.Background(), database(t, server)); !errors.Is(err, records.ErrServer) {
		t.Errorf("fsync off: %v", err)
	}
	restart()
}

// TestAddresses: a password in the address, an unchecked way to another
// machine, and what is no address are refused before anybody is called.
func TestAddresses(t *testing.T) {
	for _, url := range []string{"", "records.db", "mysql://u@localhost/db", "host=localhost", "postgres://u:secret@localhost/db",
		"postgres://u@localhost/db?password=secret", "postgres://u@db.example/accord", "postgres://u@db.example/accord?sslmode=require",
		"postgres://u@db.example/accord?sslmode=disable", "postgres://u@localhost,db.example/accord?sslmode=prefer", "postgres://u@localhost/db?sslmode=no"} {
		_, err := records.OpenPostgres(context.Background(), records.Database{URL: url, Owner: us, Keys: filepath.Join(t.TempDir(), "k")})
		if !errors.Is(err, records.ErrPlace) {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

func TestPostgresNewerSchema(t *testing.T) {
	server := postgrestest.Shared(t)
	schema := server.Schema(t)
	d := records.Database{URL: server.URL(schema, 0), Password: server.Password, Owner: us, Keys: filepath.Join(t.TempDir(), "k")}
	_ = openPostgres(t, d).Close()
	if _, err := server.SQL("UPDATE " + schema + ".schema_version SET version = 999"); err != nil {
		t.Fatal(err)
	}
	if _, err := records.OpenPostgres(context.Background(), d); !errors.Is(err, records.ErrSchema) {
		t.Errorf("a newer schema: %v", err)
	}
}

// testPostgresErasure: the server's files, its log of changes included, never
// hold the key of a sealed field, and an erasure takes it out of the key file.
func testPostgresErasure(t *testing.T, server *postgrestest.Server) {
	ctx := context.Background()
	d := database(t, server)
	s := openPostgres(t, d)
	const canary = "639900199001011234"
	r := sample(t, 1, canary)
	insert(t, s, r)
	for n := 2; n < 30; n++ {
		insert(t, s, sample(t, n, "neighbour"))
	}
	key := r.Sealed[0].Sealed.Key
	inKeys := func() bool { return holds(files(t, d.Keys), key) }
	if !inKeys() {
		t.Fatal("the key is not in the key file; the test looks in the wrong place")
	}
	if n, err := s.Erase(ctx, r.ID); n != 1 || err != nil {
		t.Fatalf("erased %d, %v", n, err)
	}
	if inKeys() {
		t.Error("the key of an erased field is still in the key file")
	}
	if _, err := server.SQL("CHECKPOINT"); err != nil {
		t.Fatal(err)
	}
	server.Down(syscall.SIGINT)
	all := tree(t, server.Files())
	if !bytes.Contains(all, []byte("header.payload-1.signature")) {
		t.Fatal("the server's files do not hold the signed part; the test looks in the wrong place")
	}
	for name, probe := range map[string][]byte{"the plaintext": []byte(canary), "the wrapped key": key[8:40]} {
		if bytes.Contains(all, probe) {
			t.Errorf("the server's files hold %s", name)
		}
	}
	if holds(all, key) {
		t.Error("the server's files hold the key")
	}
}

// holds looks for a key's bytes in the forms in which it could be stored.
func holds(data, key []byte) bool {
	for _, form := range []string{string(key), fmt.Sprintf("%x", key), base64.RawStdEncoding.EncodeToString(key)} {
		if bytes.Contains(data, []byte(form)) {
			return true
		}
	}
	return false
}

// tree is all bytes of all files in a folder.
func tree(t *testing.T, dir string) []byte {
	t.Helper()
	var all []byte
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all = append(all, data...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKeysBesideTheDatabase: keys are stored while the database takes the records. A
// batch that is refused changes no key of a record that is there, and what it left
// behind gives way to the keys of the record that is stored.
func TestKeysBesideTheDatabase(t *testing.T) {
	s, ctx := openPostgres(t, database(t, postgrestest.Shared(t))), context.Background()
	first := sample(t, 1, "first")
	insert(t, s, first)
	lost, stored := sample(t, 2, "lost"), sample(t, 2, "stored")
	if err := s.InsertBatch(ctx, []records.Record{lost, sample(t, 1, "other")}); !errors.Is(err, records.ErrDuplicate) {
		t.Fatal(err)
	}
	insert(t, s, stored)
	for _, want := range []records.Record{first, stored} {
		if got := get(t, s, want.ID).Sealed[0].Sealed; !bytes.Equal(got.Key, want.Sealed[0].Sealed.Key) || !bytes.Equal(got.Box, want.Sealed[0].Sealed.Box) {
			t.Errorf("%s has the key of another", want.ID)
		}
	}
}
