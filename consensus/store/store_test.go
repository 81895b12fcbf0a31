package store

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
)

var long = flag.Bool("long", false, "try every byte where a short run tries some")

func options(dir string, create bool) Options {
	return Options{Dir: dir, NodeID: "n1", Create: create, NoSync: true, Fatal: func(error) {}}
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
func TestLatch(t *testing.T) {
	for name, hurt := range map[string]func(*Store) error{
		"gap":           func(s *Store) error { return s.StoreLog(entry(12)) },
		"repeat":        func(s *Store) error { return s.StoreLog(entry(10)) },
		"hole":          func(s *Store) error { return s.DeleteRange(3, 5) },
		"committed":     func(s *Store) error { return s.DeleteRange(8, 10) },
		"closed file":   func(s *Store) error { _ = s.db.Close(); return s.StoreLog(entry(11)) },
		"extension":     func(s *Store) error { e := entry(11); e.Extensions = []byte{1}; return s.StoreLog(e) },
		"bucket panics": func(s *Store) error { s.db = nil; return s.SetUint64([]byte("x"), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			var fatal []error
			opt := options(t.TempDir(), true)
			opt.Fatal = func(err error) { fatal = append(fatal, err) }
			s, err := Open(opt)
			if err != nil {
				t.Fatal(err)
			}
			db := s.db
			defer func() { _ = db.Close() }()
			fill(t, s, 1, 10)
			s.SetFloor(func() uint64 { return 8 })
			if err := hurt(s); !errors.Is(err, ErrLatched) {
				t.Fatalf("first failure: %v", err)
			}
			_, e1 := s.FirstIndex()
			_, e2 := s.LastIndex()
			_, e3 := s.Get([]byte("x"))
			for i, err := range []error{s.StoreLog(entry(11)), s.DeleteRange(1, 2), s.Set([]byte("x"), nil), s.GetLog(1, new(raft.Log)), e1, e2, e3} {
				if !errors.Is(err, ErrLatched) {
					t.Errorf("call %d after the failure: %v", i, err)
				}
			}
			if len(fatal) != 1 {
				t.Errorf("Fatal was called %d times", len(fatal))
			}
		})
	}
}

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

// opensAs opens a store made of the image and says whether it opened and, if so,
// what it holds wrongly.
func opensAs(t *testing.T, image []byte, lo, hi uint64) (bool, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), image, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(options(dir, false))
	if err != nil {
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrOwner) {
			t.Fatalf("damage is reported as %v", err)
		}
		return false, nil
	}
	defer func() { _ = s.Close() }()
	return true, holds(s, lo, hi, "n2")
}

func image(t *testing.T, dir string) []byte {
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// One flipped bit anywhere in the file is either noticed when the store opens or
// lies where nothing is kept.
func TestEveryByteDamaged(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	if err := s.Set([]byte("vote"), []byte("n2")); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1, 40)
	_ = s.Close()
	whole := image(t, dir)
	noticed, rng := 0, rand.New(rand.NewPCG(1, 2))
	step := 1
	if !*long {
		step = 13
	}
	for at := 0; at < len(whole); at += step {
		if at > 2*os.Getpagesize() && at%os.Getpagesize() == 0 && bytes.Count(whole[at:], []byte{0}) == len(whole)-at {
			break // never written
		}
		hurt := bytes.Clone(whole)
		hurt[at] ^= 1 << rng.IntN(8)
		opened, err := opensAs(t, hurt, 1, 40)
		if err != nil {
			t.Fatalf("bit flipped at %d: opens and %v", at, err)
		}
		if !opened {
			noticed++
		}
	}
	if noticed < 1000/step {
		t.Fatalf("only %d flips noticed: is anything checked?", noticed)
	}
	t.Logf("%d flips noticed", noticed)
}

func TestTruncated(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	_ = s.Set([]byte("vote"), []byte("n2"))
	fill(t, s, 1, 40)
	_ = s.Close()
	whole := image(t, dir)
	for n := 0; n < len(whole); n += 512 {
		if _, err := opensAs(t, whole[:n], 1, 40); err != nil {
			t.Fatalf("cut at %d: opens and %v", n, err)
		}
	}
}

// A crash inside a transaction leaves any part of its pages on disk but not its
// meta page, which bbolt writes last: the store opens as it was before.
func TestCrashInTransaction(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	_ = s.Set([]byte("vote"), []byte("n2"))
	fill(t, s, 1, 40)
	before := image(t, dir)
	fill(t, s, 41, 41)
	after := image(t, dir)
	page := os.Getpagesize()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		mixed := append([]byte(nil), after...)
		copy(mixed, before[:2*page]) // the old meta pages
		for at := 2 * page; at+512 <= len(before); at += 512 {
			if rng.IntN(2) == 0 {
				copy(mixed[at:at+512], before[at:])
			}
		}
		if opened, err := opensAs(t, mixed, 1, 40); err != nil || !opened {
			t.Fatalf("after a crash: opened %v, %v", opened, err)
		}
	}
	if opened, err := opensAs(t, after, 1, 41); err != nil || !opened {
		t.Fatal("the finished transaction", err)
	}
}

// Damage that bbolt's structure does not show: records swapped, dropped, altered.
func TestRecordsTamperedWith(t *testing.T) {
	key := func(i uint64) []byte { return []byte{0, 0, 0, 0, 0, 0, byte(i >> 8), byte(i)} }
	for name, f := range map[string]func(log, meta *bolt.Bucket) error{
		"entry dropped": func(log, _ *bolt.Bucket) error { return log.Delete(key(17)) },
		"last dropped":  func(log, _ *bolt.Bucket) error { return log.Delete(key(40)) },
		"first dropped": func(log, _ *bolt.Bucket) error { return log.Delete(key(1)) },
		"entry added":   func(log, _ *bolt.Bucket) error { return log.Put(key(41), log.Get(key(40))) },
		"swapped":       func(log, _ *bolt.Bucket) error { return log.Put(key(17), bytes.Clone(log.Get(key(18)))) },
		"state dropped": func(_, meta *bolt.Bucket) error { return meta.Delete(stateKey) },
		"state empty":   func(_, meta *bolt.Bucket) error { return meta.Put(stateKey, []byte{}) },
	} {
		dir := t.TempDir()
		s := open(t, dir, true)
		fill(t, s, 1, 40)
		if err := s.db.Update(func(tx *bolt.Tx) error { return f(tx.Bucket(logBucket), tx.Bucket(metaBucket)) }); err != nil {
			t.Fatal(name, err)
		}
		_ = s.Close()
		if _, err := Open(options(dir, false)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
