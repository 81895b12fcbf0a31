package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/exchange"
)

var at = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func write(t *testing.T, l *Log, n int) {
	t.Helper()
	for i := 0; i < n; i++ {
		if err := l.Write(Event{At: at, Act: "release.open", Caller: "operator:wang", Fields: []string{"resident_id"}, Basis: l.Digest("(2026)青99执1号"), Result: "allowed"}); err != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, paths ...string) *Log {
	t.Helper()
	l, err := Open(paths, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestChainGoesOnAfterReopenAndHidesValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "audit.log")
	l := open(t, path)
	write(t, l, 3)
	l.Close()
	l = open(t, path)
	write(t, l, 2)
	if n, err := Verify(path); err != nil || n != 5 {
		t.Fatalf("%d lines, %v", n, err)
	}
	raw, _ := os.ReadFile(path)
	if bytes.Contains(raw, []byte("青99执1号")) {
		t.Error("a case number stands in the log")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// Shows: B13
func TestAnyChangedByteIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	write(t, l, 2)
	l.Close()
	good, _ := os.ReadFile(path)
	for i := 0; i < len(good)-1; i++ {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		os.WriteFile(path, bad, 0o600)
		if n, err := Verify(path); err == nil && n == 2 {
			t.Fatalf("flipping a bit of byte %d went unnoticed", i)
		}
	}
	lines := strings.SplitAfter(string(good), "\n")
	os.WriteFile(path, []byte(lines[1]), 0o600)
	if _, err := Verify(path); !errors.Is(err, ErrChain) {
		t.Errorf("a removed line: %v", err)
	}
}

func TestTornLastLineIsDropped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l := open(t, path)
	write(t, l, 2)
	l.Close()
	good, _ := os.ReadFile(path)
	os.WriteFile(path, append(good, []byte(`{"seq":3,"ev`)...), 0o600)
	l = open(t, path)
	write(t, l, 1)
	if n, err := Verify(path); err != nil || n != 3 {
		t.Errorf("%d lines, %v", n, err)
	}
}

// Shows: F38, D38
func TestOneSinkIsEnoughNoneIsNot(t *testing.T) {
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "one.log"), filepath.Join(dir, "two.log"))
	l.sinks[0].file.Close()
	write(t, l, 1)
	if l.Working() != 1 {
		t.Errorf("%d sinks working", l.Working())
	}
	l.sinks[1].file.Close()
	if err := l.Write(Event{At: at}); !errors.Is(err, ErrSink) {
		t.Errorf("a log without sinks answered %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"seq":1,"event":{"at":"2026-11-20T08:00:00Z","act":"a","caller":"b","result":"c"},"prev":"00","hash":"00"}` + "\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, _, end, err := verify(bytes.NewReader(data), "x", -1); err == nil && n > 0 && end == 0 {
			t.Error("lines without bytes")
		}
	})
}

// TestManyAtOnce: events that come together share a sync, each is answered when it is
// on the disk, and the chain has all of them once.
func TestManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	l, err := Open([]string{path}, []byte("key"))
	if err != nil {
		t.Fatal(err)
	}
	const writers, each = 16, 25
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				operator := exchange.OperatorID(fmt.Sprintf("w%d-%d", w, i))
				if err := l.Write(Event{At: time.Now(), Act: "record.show", Operator: operator, Result: "allowed"}); err != nil {
					t.Error(err)
					return
				}
				found, err := l.Find(func(e *Event) bool { return e.Operator == operator })
				if err != nil || len(found) != 1 {
					t.Errorf("%s after its answer: %d lines, %v", operator, len(found), err)
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := Verify(path); err != nil || n != writers*each {
		t.Errorf("%d lines, %v", n, err)
	}
	if err := l.Write(Event{At: time.Now(), Act: "record.show", Result: "allowed"}); !errors.Is(err, ErrSink) {
		t.Errorf("after Close: %v", err)
	}
}
