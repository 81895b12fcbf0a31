package records_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"accord/exchange/records"
)

func TestSQLite(t *testing.T) {
	RunStoreTests(t, func() opener {
		dirs := map[*testing.T]string{}
		return func(t *testing.T, name string) records.Store {
			if dirs[t] == "" {
				dirs[t] = t.TempDir()
			}
			return openSQLite(t, filepath.Join(dirs[t], name+".db"))
		}
	}())
}

func openSQLite(t *testing.T, file string) *records.SQLite {
	t.Helper()
	s, err := records.OpenSQLite(context.Background(), file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// files reads everything SQLite keeps for the store.
func files(t *testing.T, file string) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		data, err := os.ReadFile(file + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}

func TestSealedPlaintextIsNeverInTheFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openSQLite(t, file)
	const canary = "639900199001011234"
	insert(t, s, sample(t, 1, canary))
	data := files(t, file)
	if !bytes.Contains(data, []byte("header.payload-1.signature")) {
		t.Fatal("the files do not hold the signed part; the test looks in the wrong place")
	}
	if bytes.Contains(data, []byte(canary)) || bytes.Contains(data, []byte(canary[:12])) {
		t.Error("the plaintext of a sealed field is in the store's files")
	}
}

func TestErasedBytesAreGoneFromTheFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openSQLite(t, file)
	r := sample(t, 1, strings.Repeat("long enough for overflow pages ", 400))
	insert(t, s, r)
	for n := 2; n < 40; n++ {
		insert(t, s, sample(t, n, "neighbour"))
	}
	key, box := r.Sealed[0].Sealed.Key, r.Sealed[0].Sealed.Box
	// The key alone opens the box, so it is what must not survive; parts of the
	// box are looked for, too, as overflow pages cut it.
	probes := [][]byte{key[8:40], box[len(box)/2 : len(box)/2+40], box[len(box)-60 : len(box)-20]}
	for i, p := range probes {
		if !bytes.Contains(files(t, file), p) {
			t.Fatalf("probe %d is not in the files before erasing", i)
		}
	}
	if _, err := s.Erase(context.Background(), r.ID); err != nil {
		t.Fatal(err)
	}
	for i, p := range probes {
		if bytes.Contains(files(t, file), p) {
			t.Errorf("probe %d of the erased field is still in the files", i)
		}
	}
}

func TestFileModes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "store.db")
	insert(t, openSQLite(t, file), sample(t, 1, "x"))
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) < 2 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", e.Name(), info.Mode(), err)
		}
	}
	open := filepath.Join(dir, "open.db")
	if err := os.WriteFile(open, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := records.OpenSQLite(context.Background(), open); !errors.Is(err, records.ErrPermissions) {
		t.Errorf("a file others can read: %v", err)
	}
}

func TestCopyWithoutCloseHoldsEveryCommit(t *testing.T) {
	// What a crash leaves: the files as they are, without a last checkpoint.
	dir := t.TempDir()
	file := filepath.Join(dir, "store.db")
	s := openSQLite(t, file)
	for n := range 50 {
		insert(t, s, sample(t, n, "x"))
	}
	copied := filepath.Join(dir, "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if suffix == "-wal" { // and a commit that was being written
			data = append(data, bytes.Repeat([]byte{0xab}, 3000)...)
		}
		if err := os.WriteFile(copied+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	after := openSQLite(t, copied)
	if n, err := after.Count(context.Background(), records.Filter{}); n != 50 || err != nil {
		t.Errorf("%d records after a crash (%v), want 50", n, err)
	}
	insert(t, after, sample(t, 99, "x"))
}

func TestPragmas(t *testing.T) {
	file := filepath.Join(t.TempDir(), "odd ?#% name.db")
	s := openSQLite(t, file)
	if _, err := os.Stat(file); err != nil {
		t.Fatalf("a file name with special characters: %v", err)
	}
	for _, db := range []*sql.DB{records.Writer(s), records.Reader(s)} {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1", "page_size": "8192"} {
			var got string
			if err := db.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
			}
		}
	}
	if _, err := records.Reader(s).Exec(`DELETE FROM records`); err == nil {
		t.Error("a reading connection can write")
	}
}

// TestSQLiteVersion: before 3.51.3 a reset of the write-ahead log could corrupt
// the file.
func TestSQLiteVersion(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "store.db"))
	var version string
	if err := records.Reader(s).QueryRow(`SELECT sqlite_version()`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	var major, minor, patch int
	if _, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatal(err)
	}
	if major*1_000_000+minor*1000+patch < 3_051_003 {
		t.Errorf("SQLite %s; 3.51.3 is the first that is safe", version)
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openSQLite(t, file)
	if _, err := records.Writer(s).Exec(`UPDATE schema_version SET version = 999`); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := records.OpenSQLite(context.Background(), file); !errors.Is(err, records.ErrSchema) {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestStorageFailureIsFatal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	s := openSQLite(t, file)
	if _, err := records.Writer(s).Exec(`DROP TABLE positions`); err != nil {
		t.Fatal(err)
	}
	err := s.SetPosition(context.Background(), records.Position{Feed: "f", Index: 1})
	if !errors.Is(err, records.ErrStorage) {
		t.Errorf("a broken schema gave %v", err)
	}
	bad := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(bad, bytes.Repeat([]byte("garbage "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := records.OpenSQLite(context.Background(), bad); !errors.Is(err, records.ErrStorage) {
		t.Errorf("a file that is no database: %v", err)
	}
}

func TestReadersAndWriterTogether(t *testing.T) {
	s := openSQLite(t, filepath.Join(t.TempDir(), "store.db"))
	const writers, each = 4, 25
	var wg sync.WaitGroup
	for w := range writers {
		var batch []records.Record
		for n := range each {
			batch = append(batch, sample(t, w*each+n, "x"))
		}
		wg.Go(func() {
			for i := range batch {
				if err := s.InsertBatch(context.Background(), batch[i:i+1]); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			last := int64(0)
			for range each {
				n, err := s.Count(context.Background(), records.Filter{})
				if err != nil || n < last {
					t.Errorf("count %d after %d: %v", n, last, err)
				}
				last = n
			}
		})
	}
	wg.Wait()
	page, _, err := s.List(context.Background(), records.Filter{}, "", records.MaxPage)
	if err != nil || len(page) != writers*each {
		t.Fatalf("%d records, %v", len(page), err)
	}
	for i, r := range page {
		if r.Position != int64(i+1) {
			t.Fatalf("place %d has position %d", i, r.Position)
		}
	}
}
