package store

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"accord/consensus/store/disktest"

	"github.com/hashicorp/raft"
)

// held is a store on a disk whose next syncs of the log wait for a word: nil, or how
// they fail.
func held(t *testing.T) (*Store, *disktest.Disk, chan error) {
	d, word := disktest.New(), make(chan error)
	s, err := Open(inMemory(d, true))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.StoreLogs(entries(1, 3)); err != nil {
		t.Fatal(err)
	}
	d.Fault(func(op disktest.Op) error {
		if op.Kind == "sync" && strings.HasPrefix(op.Name, segmentName(1)) {
			return <-word
		}
		return nil
	})
	return s, d, word
}

func entries(from, to uint64) (out []*raft.Log) {
	for i := from; i <= to; i++ {
		out = append(out, entry(i))
	}
	return out
}

// waits says whether f waits; it is let go by release.
func waits(t *testing.T, what string, f func() error, release func()) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		t.Errorf("%s does not wait: %v", what, err)
	case <-time.After(20 * time.Millisecond):
	}
	release()
	return <-done
}

// Entries stored ahead are there for readers at once. Nobody is told that they are
// durable, and nothing else changes the log or the state, until they are.
func TestStoreAhead(t *testing.T) {
	for what, f := range map[string]func(s *Store) error{
		"Durable":     func(s *Store) error { return s.Durable(5) },
		"Durable all": func(s *Store) error { return s.Durable(math.MaxUint64) },
		"a vote":      func(s *Store) error { return s.Set([]byte("vote"), []byte("n1")) },
		"StoreLogs":   func(s *Store) error { return s.StoreLogs(entries(6, 6)) },
		"StoreAhead":  func(s *Store) error { return s.StoreAhead(entries(6, 6)) },
		"DeleteRange": func(s *Store) error { return s.DeleteRange(1, 2) },
		"Close":       func(s *Store) error { return s.Close() },
	} {
		t.Run(what, func(t *testing.T) {
			s, d, word := held(t)
			if err := s.StoreAhead(entries(4, 5)); err != nil {
				t.Fatal(err)
			}
			var e raft.Log
			if last, _ := s.LastIndex(); last != 5 || s.GetLog(5, &e) != nil || e.Index != 5 {
				t.Fatal("not to be read:", last, e)
			}
			if err := s.Durable(3); err != nil {
				t.Fatal("waits for what is there:", err)
			}
			if err := waits(t, what, func() error { return f(s) }, func() { d.Fault(nil); word <- nil }); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			again, err := Open(inMemory(d.Crash(disktest.Dice(0, 2)), false))
			if err != nil {
				t.Fatal(err)
			}
			if last, _ := again.LastIndex(); last < 5 {
				t.Error("ends at", last)
			}
		})
	}
}

// A power cut under way loses that batch and nothing else, and an error stops the
// store with whoever waits.
func TestStoreAheadFails(t *testing.T) {
	s, d, word := held(t)
	if err := s.StoreAhead(entries(4, 5)); err != nil {
		t.Fatal(err)
	}
	cut := d.Crash(disktest.Dice(0, 2))
	err := waits(t, "Durable", func() error { return s.Durable(4) }, func() { word <- errors.New("test: the disk is ill") })
	if !errors.Is(err, ErrLatched) || !errors.Is(s.StoreLogs(entries(6, 6)), ErrLatched) {
		t.Error("after the error:", err)
	}
	again, err := Open(inMemory(cut, false))
	if err != nil {
		t.Fatal(err)
	}
	if last, _ := again.LastIndex(); last != 3 {
		t.Error("after the cut it ends at", last)
	}
}

// Who waits for a disk that hangs is told when the watchdog is.
func TestStoreAheadHangs(t *testing.T) {
	s, _, word := held(t)
	defer close(word)
	if err := s.StoreAhead(entries(4, 4)); err != nil {
		t.Fatal(err)
	}
	err := waits(t, "Durable", func() error { return s.Durable(4) }, func() { _ = s.trip(ErrHung) })
	if !errors.Is(err, ErrHung) {
		t.Error(err)
	}
}
