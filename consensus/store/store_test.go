package store

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus/store/disk"
	"accord/consensus/store/disktest"

	"github.com/hashicorp/raft"
)

var long = flag.Bool("long", false, "try everything where a short run tries some")

func options(dir string, create bool) Options {
	return Options{Dir: dir, NodeID: "n1", Create: create, NoSync: true, Fatal: func(error) {}}
}

// small is a segment of three batches or so.
const small = segmentHead + 8<<10

// inMemory are the options for a disk in memory, where nothing runs by itself. Some
// entries have as many bytes as are written by themselves.
func inMemory(d disk.FS, create bool) Options {
	return Options{Dir: "there", NodeID: "n1", Create: create, FS: d, SegmentSize: small, PieceSize: 200, Fatal: func(error) {},
		Limit:      time.Hour, // a fault may look at the disk for long
		Background: func(f func()) { f() }}
}

func openOn(t testing.TB, d disk.FS, create bool) *Store {
	t.Helper()
	s, err := Open(inMemory(d, create))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, dir string, create bool) *Store {
	t.Helper()
	s, err := Open(options(dir, create))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func entry(i uint64) *raft.Log {
	return &raft.Log{Index: i, Term: 1 + i/10, Type: raft.LogCommand, Data: bytes.Repeat([]byte{byte(i)}, int(i*7%300)), AppendedAt: time.Unix(int64(i), 5).UTC()}
}

func fill(t testing.TB, s *Store, from, to uint64) {
	t.Helper()
	for i := from; i <= to; i++ {
		if err := s.StoreLog(entry(i)); err != nil {
			t.Fatal(err)
		}
	}
}

// holds says whether the store has exactly entries lo to hi and the values.
func holds(s *Store, lo, hi uint64, vote string) error {
	first, _ := s.FirstIndex()
	last, _ := s.LastIndex()
	if first != lo || last != hi {
		return fmt.Errorf("holds %d to %d, want %d to %d", first, last, lo, hi)
	}
	for i := lo; i <= hi && i > 0; i++ {
		var e raft.Log
		if err := s.GetLog(i, &e); err != nil {
			return err
		}
		if w := entry(i); e.Index != w.Index || e.Term != w.Term || e.Type != w.Type || !bytes.Equal(e.Data, w.Data) || !e.AppendedAt.Equal(w.AppendedAt) {
			return fmt.Errorf("entry %d differs", i)
		}
	}
	if v, err := s.Get([]byte("vote")); err != nil || string(v) != vote {
		return fmt.Errorf("vote %q, %v", v, err)
	}
	return nil
}

func TestStoreKeeps(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	var e raft.Log
	if err := s.GetLog(1, &e); err != raft.ErrLogNotFound {
		t.Fatalf("empty store: %v", err)
	}
	if v, err := s.GetUint64([]byte("term")); v != 0 || err != nil {
		t.Fatal("a value that was never set")
	}
	fill(t, s, 1, 700)
	if err := errors.Join(s.Set([]byte("vote"), []byte("n2")), s.SetUint64([]byte("term"), 9)); err != nil {
		t.Fatal(err)
	}
	steps := []struct{ lo, hi, first, last uint64 }{
		{0, 0, 1, 700},       // nothing
		{1, 650, 651, 700},   // compaction
		{690, 700, 651, 689}, // conflict
		{651, 689, 0, 0},     // all
	}
	for _, st := range steps {
		if err := s.DeleteRange(st.lo, st.hi); err != nil {
			t.Fatal(err)
		}
		if err := holds(s, st.first, st.last, "n2"); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, false)
		if err := holds(s, st.first, st.last, "n2"); err != nil {
			t.Fatalf("reopened: %v", err)
		}
	}
	fill(t, s, 5000, 5010) // after a snapshot the log goes on elsewhere
	if v, _ := s.GetUint64([]byte("term")); v != 9 {
		t.Fatal("term")
	}
}

// A log of before the first release is refused with a word, and so is a directory
// another process has.
func TestForeignDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, legacyName), []byte{1}, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{true, false} {
		if _, err := Open(options(dir, create)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "new node id") {
			t.Errorf("an old log: %v", err)
		}
	}
	dir = t.TempDir()
	s := open(t, dir, true)
	if _, err := Open(options(dir, false)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	fill(t, s, 1, 3)
}

// Readers are not kept waiting by an append, and see an entry only when it is
// durable.
func TestReadBesideAppend(t *testing.T) {
	d := disktest.New()
	s := openOn(t, d, true)
	fill(t, s, 1, 10)
	inside, release := make(chan struct{}), make(chan struct{})
	d.Fault(func(op disktest.Op) error {
		if op.Kind == "sync" {
			close(inside)
			<-release
		}
		return nil
	})
	done := make(chan error)
	go func() { done <- s.StoreLog(entry(11)) }()
	<-inside
	if err := holds(s, 1, 10, ""); err != nil {
		t.Error(err)
	}
	close(release)
	if err := errors.Join(<-done, holds(s, 1, 11, "")); err != nil {
		t.Error(err)
	}
}

func TestOwnerAndAbsence(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(options(dir, false)); !errors.Is(err, ErrNoState) {
		t.Fatalf("empty directory: %v", err)
	}
	_ = open(t, dir, true).Close()
	opt := options(dir, true)
	opt.NodeID = "n2"
	if _, err := Open(opt); !errors.Is(err, ErrOwner) {
		t.Fatalf("other node: %v", err)
	}
}

// The first failure is the last word: nothing is accepted afterwards, what was
// going on is not repeated, and Fatal hears of it once.
// Shows: F11
func TestLatch(t *testing.T) {
	eio := errors.New("input/output error")
	failing := func(kind string) func(*Store, *disktest.Disk) error {
		return func(s *Store, d *disktest.Disk) error {
			once := true
			d.Fault(func(op disktest.Op) error {
				if op.Kind == kind && once {
					once = false
					return eio
				}
				return nil
			})
			return s.StoreLog(entry(11))
		}
	}
	for name, hurt := range map[string]func(*Store, *disktest.Disk) error{
		"gap":         func(s *Store, _ *disktest.Disk) error { return s.StoreLog(entry(12)) },
		"repeat":      func(s *Store, _ *disktest.Disk) error { return s.StoreLog(entry(10)) },
		"hole":        func(s *Store, _ *disktest.Disk) error { return s.DeleteRange(3, 5) },
		"committed":   func(s *Store, _ *disktest.Disk) error { return s.DeleteRange(8, 10) },
		"extension":   func(s *Store, _ *disktest.Disk) error { e := entry(11); e.Extensions = []byte{1}; return s.StoreLog(e) },
		"panic":       func(s *Store, _ *disktest.Disk) error { s.fs = nil; return s.SetUint64([]byte("x"), 1) },
		"write fails": failing("write"),
		"sync fails":  failing("sync"),
	} {
		t.Run(name, func(t *testing.T) {
			var fatal []error
			d := disktest.New()
			opt := inMemory(d, true)
			opt.Fatal = func(err error) { fatal = append(fatal, err) }
			s, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			fill(t, s, 1, 10)
			s.SetFloor(func() uint64 { return 8 })
			if err := hurt(s, d); !errors.Is(err, ErrLatched) {
				t.Fatalf("first failure: %v", err)
			}
			ops := d.Ops()
			_, e1 := s.FirstIndex()
			_, e2 := s.LastIndex()
			_, e3 := s.Get([]byte("x"))
			for i, err := range []error{s.StoreLog(entry(11)), s.DeleteRange(1, 2), s.Set([]byte("x"), nil), s.GetLog(1, new(raft.Log)), e1, e2, e3} {
				if !errors.Is(err, ErrLatched) {
					t.Errorf("call %d after the failure: %v", i, err)
				}
			}
			if len(fatal) != 1 || d.Ops() != ops {
				t.Errorf("Fatal was called %d times, the disk %d times afterwards", len(fatal), d.Ops()-ops)
			}
		})
	}
}

// Shows: F12, F13
// A call that hangs stops the node although nobody ever returns from it; one
// that comes back late finds the store latched.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var word atomic.Pointer[error]
		fatal := func() error {
			if p := word.Load(); p != nil {
				return *p
			}
			return nil
		}
		l := &latch{}
		l.init(Options{Limit: 5 * time.Second, Fatal: func(err error) { word.Store(&err) },
			AfterFunc: func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }})
		if err := l.guarded("quick", func() error { time.Sleep(4999 * time.Millisecond); return nil }); err != nil || fatal() != nil {
			t.Fatal("a slow call is not a hanging one", err, fatal())
		}
		err := l.guarded("slow", func() error {
			time.Sleep(5001 * time.Millisecond)
			if !errors.Is(fatal(), ErrHung) {
				t.Error("no word while the call hangs:", fatal())
			}
			return nil
		})
		if !errors.Is(err, ErrHung) || !errors.Is(l.failed(), ErrLatched) {
			t.Fatal("a late call counts as done:", err)
		}
	})
}

// TestAnEmptySegmentGivesWay: what a crash left between beginning a segment and its
// first entry is not mistaken for the segment that takes its place when the log goes
// on elsewhere.
//
// Shows: F14, F42
func TestAnEmptySegmentGivesWay(t *testing.T) {
	dir := t.TempDir()
	o := options(dir, true)
	o.Hook = func(point string) {
		if point == "store.append.before" {
			panic("a crash")
		}
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLog(entry(1)); err == nil {
		t.Fatal("no crash")
	}
	_ = s.Close() // it is latched
	s = open(t, dir, false)
	fill(t, s, 50, 52) // behind a snapshot
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, false)
	if first, last := s.first, s.last; first != 50 || last != 52 {
		t.Errorf("entries %d to %d, want 50 to 52", first, last)
	}
	fill(t, s, 53, 53)
}
