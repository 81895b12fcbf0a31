package audit

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// fails makes the next lines fail as a disk would, and leaves half a line.
func fails(t *testing.T, l *Log, why error) {
	t.Helper()
	s := l.sinks[0]
	if _, err := s.file.WriteString(`{"seq":4,"ev`); err != nil {
		t.Fatal(err)
	}
	s.err = &os.PathError{Op: "write", Path: s.path, Err: why}
	for range 2 {
		if err := l.Write(Event{At: at, Act: "x", Result: "allowed"}); !errors.Is(err, ErrSink) {
			t.Fatalf("a line on a disk that fails: %v", err)
		}
	}
}

// TestAFullFileGoesOnByItself: with room again, behind its last whole line, and it
// says how many lines are missing.
//
// Shows: F10, F38
func TestAFullFileGoesOnByItself(t *testing.T) {
	for _, before := range []int{3, 0} {
		path := filepath.Join(t.TempDir(), "audit.log")
		l := open(t, path)
		write(t, l, before)
		fails(t, l, syscall.ENOSPC)
		l.revive(at, quiet())
		if l.Working() != 1 {
			t.Fatalf("not used again: %v", l.sinks[0].err)
		}
		l.revive(at, quiet())
		write(t, l, 1)
		if n, err := Verify(path); err != nil || n != int64(before)+2 {
			t.Errorf("%d lines, %v", n, err)
		}
		raw, _ := os.ReadFile(path)
		if line := strings.Split(string(raw), "\n")[before]; !strings.Contains(line, ActResumed) || !strings.Contains(line, `"count":2`) {
			t.Errorf("no word of what is missing: %s", line)
		}
		l.Close()
		l = open(t, path)
		write(t, l, 1)
	}
}

// TestWhatIsNotUsedAgain: a file that may hold anything, that is another one, or
// that no longer ends as it did.
func TestWhatIsNotUsedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		why  error
		then func(path string) error
	}{
		"a broken disk":              {syscall.EIO, func(string) error { return nil }},
		"a file that was taken away": {syscall.ENOSPC, func(path string) error { return os.Rename(path, path+".old") }},
		"another file in its place": {syscall.ENOSPC, func(path string) error {
			return errors.Join(os.Rename(path, path+".old"), os.WriteFile(path, nil, 0o600))
		}},
		"a file that was cut": {syscall.ENOSPC, func(path string) error { return os.Truncate(path, 100) }},
		"another last line": {syscall.EDQUOT, func(path string) error {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt([]byte("X"), int64(strings.LastIndex(string(raw), `"result"`))+10)
			return errors.Join(err, f.Close())
		}},
	} {
		path := filepath.Join(t.TempDir(), "audit.log")
		l := open(t, path)
		write(t, l, 3)
		fails(t, l, c.why)
		if err := c.then(path); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			l.revive(at, quiet())
		}
		if l.Working() != 0 {
			t.Errorf("%s is used again", name)
		}
	}
}
