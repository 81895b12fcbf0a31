package records_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
	"accord/exchange/records/postgrestest"
)

// marked is a record with a canary in its body and in a public name.
func marked(t *testing.T, n int, canary string) records.Record {
	t.Helper()
	r := sample(t, n, canary+"-private")
	r.JWT = "header." + canary + "-body.signature"
	r.Digest = records.DigestOf(r.JWT)
	r.Names = []string{canary + "-name"}
	r.Subject = exchange.SubjectID("person:h1." + canary + "-subject")
	return r
}

func erasureOf(id exchange.RecordID) feed.Document {
	return feed.Document{Kind: feed.Erasure, JWT: "erasure of " + string(id),
		Claims: feed.Claims{Issuer: "association", ID: "erasure-" + string(id), Federation: "qinghai", Record: id, Ground: feed.GroundOrder}}
}

// TestErasedRecordsAreGoneFromTheFile: body, name and subject of an erased record are
// nowhere in the file and its log, also when the process ended before it scrubbed,
// and when a long read kept the log from being emptied at first.
func TestErasedRecordsAreGoneFromTheFile(t *testing.T) {
	ctx := context.Background()
	file := filepath.Join(t.TempDir(), "store.db")
	s := openSQLite(t, file)
	insert(t, s, marked(t, 1, "canary-one"), marked(t, 2, "canary-two"))
	for n := 3; n < 60; n++ {
		insert(t, s, sample(t, n, "neighbour"))
	}
	for _, c := range []string{"canary-one-body", "canary-one-name", "canary-one-subject", "canary-two-body"} {
		if !bytes.Contains(files(t, file), []byte(c)) {
			t.Fatalf("%s is not in the files before; the test looks in the wrong place", c)
		}
	}
	reader, err := records.Reader(s).BeginTx(ctx, nil)
	must(t, err)
	var n int
	must(t, reader.QueryRow(`SELECT COUNT(*) FROM records`).Scan(&n))
	if err := s.EraseRecord(ctx, erasureOf(recordID(1)), erasureOf(recordID(2))); !errors.Is(err, records.ErrUnscrubbed) {
		t.Fatalf("with a long read: %v", err)
	}
	if left, err := s.Unscrubbed(ctx); err != nil || left != 1 || !bytes.Contains(files(t, file), []byte("canary-one-body")) {
		t.Errorf("%d to scrub, %v; the log should still hold it", left, err)
	}
	if _, err := s.Get(ctx, recordID(1)); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("it is erased all the same: %v", err)
	}
	must(t, reader.Rollback())
	must(t, s.Close())
	s = openSQLite(t, file)
	must(t, s.Scrub(ctx))
	if left, err := s.Unscrubbed(ctx); err != nil || left != 0 {
		t.Errorf("%d to scrub, %v", left, err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	must(t, s.CopyTo(ctx, copied))
	for name, all := range map[string][]byte{"the store": files(t, file), "a new backup": files(t, copied)} {
		for _, c := range []string{"canary-one", "canary-two"} {
			if bytes.Contains(all, []byte(c)) {
				t.Errorf("%s still holds %s", name, c)
			}
		}
	}
}

// TestErasedRecordsAreGoneFromTheDatabase: PostgreSQL's tables and indexes hold no
// word of an erased record; its log of changes may until it is recycled, but never
// what opens a sealed field. Nor does the store that was moved into the database.
func TestErasedRecordsAreGoneFromTheDatabase(t *testing.T) {
	ctx, server := context.Background(), postgrestest.Start(t)
	d := database(t, server)
	d.Moved = filepath.Join(t.TempDir(), "records.moved.db")
	old := openSQLite(t, d.Moved)
	insert(t, old, marked(t, 1, "canary-one"))
	for n := 2; n < 60; n++ {
		insert(t, old, sample(t, n, "neighbour"))
	}
	insert(t, old, marked(t, 60, "canary-two")) // the last of its page: what lies there is overwritten by no neighbour
	key := get(t, old, recordID(1)).Sealed[0].Sealed.Key
	_, err := records.Move(ctx, old, d, func(int64) {})
	must(t, errors.Join(err, old.Close()))
	s := openPostgres(t, d)
	tables := func() []byte {
		if _, err := server.SQL("CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		return tree(t, filepath.Join(server.Files(), "base"))
	}
	for where, all := range map[string][]byte{"database": tables(), "moved": files(t, d.Moved)} {
		if !bytes.Contains(all, []byte("canary-one-body")) || !bytes.Contains(all, []byte("canary-one-name")) {
			t.Fatalf("%s: the canaries are not there before; the test looks in the wrong place", where)
		}
	}
	if !holds(files(t, d.Keys), key) || !holds(files(t, d.Moved), key) {
		t.Fatal("the key is not there before; the test looks in the wrong place")
	}
	must(t, s.EraseRecord(ctx, erasureOf(recordID(1)), erasureOf(recordID(60))))
	for where, all := range map[string][]byte{"the database": tables(), "the moved store": files(t, d.Moved), "the key file": files(t, d.Keys)} {
		if at := bytes.Index(all, []byte("canary-")); at >= 0 {
			t.Errorf("%s holds %q", where, strings.ToValidUTF8(string(all[max(0, at-20):min(len(all), at+40)]), "."))
		}
		if holds(all, key) {
			t.Errorf("%s holds the key", where)
		}
	}
	if all := tree(t, server.Files()); holds(all, key) || bytes.Contains(all, []byte("canary-one-private")) {
		t.Error("the server's other files hold what opens a sealed field")
	}
	if left, err := s.Unscrubbed(ctx); err != nil || left != 0 {
		t.Errorf("%d to scrub, %v", left, err)
	}
}
