package audit

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func begun(act string) Event {
	return Event{At: at, Act: act, Caller: "operator:wang", Result: "begun"}
}

// TestALineThatIsBegun: it is in the file at once, before what is written after it, and
// durable when wait says so.
func TestALineThatIsBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	l := open(t, path)
	defer l.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				wait, err := l.Begin(begun("x"))
				if err != nil {
					t.Error(err)
					return
				}
				if n, err := l.Lines(func(e *Event) bool { return e.Result == "begun" }); err != nil || len(n) == 0 {
					t.Errorf("%d lines, %v", len(n), err)
				}
				if err := errors.Join(l.Write(Event{At: at, Act: "x", Caller: "operator:wang", Result: "allowed"}), wait(), wait()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	open := 0
	lines, err := l.Lines(func(e *Event) bool { return true })
	if err != nil || len(lines) != 320 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, ln := range lines {
		if open += map[string]int{"begun": 1, "allowed": -1}[ln.Result]; open < 0 {
			t.Fatal("something ended before it was begun")
		}
	}
	if l.sinks[0].place != l.sinks[0].ahead {
		t.Error("something was not synced")
	}
}

// TestALineThatIsBegunAndLost: no file, no act; and whoever began learns when no disk took
// its line in the end, also where a file took lines again behind it.
func TestALineThatIsBegunAndLost(t *testing.T) {
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "a"), filepath.Join(dir, "b"))
	defer l.Close()
	a, b := l.sinks[0], l.sinks[1]
	put := func() []spot {
		l.mu.Lock()
		defer l.mu.Unlock()
		event, err := written(begun("x"))
		if err != nil {
			t.Fatal(err)
		}
		spots, _ := l.put([]json.RawMessage{event})
		return spots
	}
	lost := func(spots []spot) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		return outcome(spots, l.sync())
	}
	spots := put()
	a.fail(syscall.ENOSPC)
	if err := lost(spots); err != nil || a.missed != 1 {
		t.Errorf("one of two took it: %v, %d missed", err, a.missed)
	}
	spots = put()
	b.fail(syscall.EIO)
	if err := lost(spots); !errors.Is(err, ErrSink) || a.missed != 2 || b.missed != 1 {
		t.Errorf("no file has it: %v, %d and %d missed", err, a.missed, b.missed)
	}
	if wait, err := l.Begin(begun("y")); !errors.Is(err, ErrSink) || wait != nil {
		t.Errorf("begun without a file: %v", err)
	}
	a.err = nil // as if it had room again, for a moment
	spots = put()
	a.fail(syscall.ENOSPC)
	if err := a.resume(at); err != nil {
		t.Fatal(err)
	}
	a.err = nil
	if err := lost(spots); !errors.Is(err, ErrSink) {
		t.Errorf("another line of its number is taken for it: %v", err)
	}
	write(t, l, 1)
	l.Close()
	if n, err := Verify(filepath.Join(dir, "a")); n != 2 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

// TestALineThatIsPosted: it is on a disk when wait says so, in its order, and wait tells
// where no file took it or the event cannot be written down.
func TestALineThatIsPosted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	l := open(t, path)
	defer l.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				wait := l.Post(begun("look"))
				if err := errors.Join(wait(), wait()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if lines, err := l.Lines(func(*Event) bool { return true }); err != nil || len(lines) != 160 || l.sinks[0].place != l.sinks[0].ahead {
		t.Errorf("%d lines, %v; or some were not synced", len(lines), err)
	}
	if err := l.Post(Event{At: at, Act: strings.Repeat("x", maxLine)})(); !errors.Is(err, ErrSink) {
		t.Errorf("too long: %v", err)
	}
	l.sinks[0].file.Close()
	if err := l.Post(begun("look"))(); !errors.Is(err, ErrSink) {
		t.Errorf("a file that takes nothing: %v", err)
	}
}
