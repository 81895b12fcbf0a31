package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"
)

var membership = raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "a:1"}, {ID: "n2", Address: "b:1"}}}

func snapshot(t *testing.T, s *Snapshots, index uint64, body string) {
	t.Helper()
	snapshotOf(t, s, 2, index, body)
}

func snapshotOf(t *testing.T, s *Snapshots, term, index uint64, body string) {
	t.Helper()
	sink, err := s.Create(raft.SnapshotVersionMax, index, term, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, body); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSnapshots(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSnapshots(options(dir, true))
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(10); i <= 50; i += 10 {
		snapshot(t, s, i, fmt.Sprint("body ", i))
	}
	cancelled, err := s.Create(raft.SnapshotVersionMax, 60, 2, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := cancelled.Cancel(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, snapName(2, 70)+snapSuffix+".tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = OpenSnapshots(options(dir, false)); err != nil {
		t.Fatal(err)
	}
	list, err := s.List()
	if err != nil || len(list) != retain || list[0].Index != 50 || list[2].Index != 30 {
		t.Fatalf("list: %v, %v", list, err)
	}
	meta, r, err := s.Open(list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r)
	_ = r.Close()
	if string(body) != "body 50" || meta.Size != 7 || meta.Term != 2 || len(meta.Configuration.Servers) != 2 {
		t.Fatalf("body %q, meta %+v", body, meta)
	}
	if i, _ := s.Newest(); i != 50 {
		t.Fatal("newest")
	}
}

// Every flipped bit and every cut of the newest snapshot is noticed; an older one
// is never taken instead.
func TestSnapshotDamaged(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSnapshots(options(dir, true))
	if err != nil {
		t.Fatal(err)
	}
	snapshot(t, s, 10, "old")
	snapshot(t, s, 20, "the state of the machine")
	path := filepath.Join(dir, snapFile(snapName(2, 20)))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenSnapshots(options(dir, false)); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	for i := range whole {
		hurt := bytes.Clone(whole)
		hurt[i] ^= 1 << (i % 8)
		try(fmt.Sprint("flip at ", i), hurt)
		try(fmt.Sprint("cut at ", i), whole[:i])
	}
	try("longer", append(bytes.Clone(whole), 0))
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, filepath.Join(dir, snapFile(snapName(2, 21)))); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSnapshots(options(dir, false)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("renamed: %v", err)
	}
}

// After a crash between snapshot and log the two are made to fit, or refused.
func TestReconcile(t *testing.T) {
	for _, tc := range []struct {
		name                   string
		snap, term, first, end uint64 // the entries are of term 1
		want                   error
		keep                   bool
	}{
		{"no snapshot", 0, 0, 1, 9, nil, true},
		{"log reaches past", 5, 1, 3, 9, nil, true},
		{"log ends with it", 5, 1, 3, 5, nil, true},
		{"log follows", 5, 2, 6, 9, nil, true},
		{"log ends before: replaced", 50, 2, 1, 9, nil, false},
		{"log reaches past, with another leader's entries: replaced", 5, 2, 3, 9, nil, false},
		{"log ends with another leader's entry: replaced", 5, 2, 3, 5, nil, false},
		{"gap after the snapshot", 5, 1, 7, 9, ErrDamaged, true},
		{"gap without snapshot", 0, 0, 2, 9, ErrDamaged, true},
	} {
		dir := t.TempDir()
		s := open(t, dir, true)
		fill(t, s, tc.first, tc.end)
		snaps, err := OpenSnapshots(options(dir, true))
		if err != nil {
			t.Fatal(err)
		}
		if tc.snap > 0 {
			snapshotOf(t, snaps, tc.term, tc.snap, "x")
		}
		if err := Reconcile(s, snaps); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if last, _ := s.LastIndex(); (last != 0) != tc.keep {
			t.Errorf("%s: last index %d", tc.name, last)
		}
	}
}

func FuzzSnapshotHeader(f *testing.F) {
	f.Add(encodeSnapHeader(10, 2, 1, raft.EncodeConfiguration(membership)))
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, head, err := readSnapHeader(bytes.NewReader(b))
		if err != nil {
			if meta != nil {
				t.Fatal("error and a result")
			}
			return
		}
		again := encodeSnapHeader(meta.Index, meta.Term, meta.ConfigurationIndex, raft.EncodeConfiguration(meta.Configuration))
		if !bytes.Equal(again, head) {
			t.Fatal("encodes differently")
		}
	})
}

// A body that is held can be read after the reader was closed and the snapshot
// removed.
func TestHeldSnapshot(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, true)
	snaps, err := OpenSnapshots(options(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := snaps.Create(raft.SnapshotVersionMax, 7, 1, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(sink, "what it holds"); err != nil || sink.Close() != nil {
		t.Fatal(err)
	}
	_, r, err := snaps.Open(sink.ID())
	if err != nil {
		t.Fatal(err)
	}
	body := r.(interface{ Hold() io.ReaderAt }).Hold()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, snapFile(sink.ID()))); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 5)
	if n, err := body.ReadAt(b, 8); n != 5 || err != nil || string(b) != "holds" {
		t.Fatalf("%q, %v", b, err)
	}
	if _, err := body.ReadAt(b, 13); err != io.EOF {
		t.Error("reads on behind the body:", err)
	}
}

// The last bytes of a body come only when the whole file is what was written: nobody
// who reads a damaged one to its end can take it for good.
func TestDamagedBodyDoesNotEnd(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, true)
	snaps, err := OpenSnapshots(options(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	for index, body := range []string{9: "", 10: "what it holds"} {
		if index < 9 {
			continue
		}
		snapshot(t, snaps, uint64(index), body)
		path := filepath.Join(dir, snapFile(snapName(2, uint64(index))))
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-len(snapEnd)-1] ^= 1 // of the sum
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		meta, r, err := snaps.Open(snapName(2, uint64(index)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.ReadFull(r, make([]byte, meta.Size))
		if _, again := r.Read(make([]byte, 1)); !errors.Is(again, ErrDamaged) || body != "" && (n == len(body) || !errors.Is(err, ErrDamaged)) {
			t.Errorf("%q: %d bytes, %v, then %v", body, n, err, again)
		}
		_ = r.Close()
	}
}

// Whoever is given the newest snapshot at a start reads it while the log is read. A
// damaged one is no start, whatever he makes of it; his own error counts for a whole
// one.
func TestOpenBoth(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	fill(t, s, 1, 9)
	snaps, err := OpenSnapshots(options(dir, false))
	if err != nil {
		t.Fatal(err)
	}
	snapshotOf(t, snaps, 1, 5, "the state")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	start := func(user func(*raft.SnapshotMeta, io.ReadCloser) error) error {
		s, snaps, err := OpenBoth(options(dir, false), user)
		if err != nil {
			return err
		}
		if last, _ := s.LastIndex(); last != 9 {
			t.Errorf("the log ends at %d", last)
		}
		if at, _ := snaps.Newest(); at != 5 {
			t.Errorf("the newest snapshot is of %d", at)
		}
		return s.Close()
	}
	read := ""
	all := func(meta *raft.SnapshotMeta, r io.ReadCloser) error {
		b, err := io.ReadAll(r)
		read = fmt.Sprint(meta.Index, " ", string(b))
		return err
	}
	if err := start(all); err != nil || read != "5 the state" {
		t.Fatalf("read %q, %v", read, err)
	}
	own := errors.New("not mine")
	if err := start(func(*raft.SnapshotMeta, io.ReadCloser) error { return own }); !errors.Is(err, own) || errors.Is(err, ErrDamaged) {
		t.Errorf("refused by its user: %v", err)
	}
	path := filepath.Join(dir, snapFile(snapName(1, 5)))
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("state"))] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, user := range map[string]func(*raft.SnapshotMeta, io.ReadCloser) error{
		"reads it": all, "does not look": func(*raft.SnapshotMeta, io.ReadCloser) error { return nil },
		"refuses it": func(*raft.SnapshotMeta, io.ReadCloser) error { return own }, "nobody": nil,
	} {
		if err := start(user); !errors.Is(err, ErrDamaged) {
			t.Errorf("damaged, %s: %v", name, err)
		}
	}
}
