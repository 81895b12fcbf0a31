package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAnEventThatCannotBeWrittenCostsNoSink: what one caller sends must not stop
// the releases of all.
func TestAnEventThatCannotBeWrittenCostsNoSink(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	l := open(t, path)
	for _, e := range []Event{
		{At: at, Act: "x", Purpose: "\xff", Result: "allowed"},
		{At: at.AddDate(9000, 0, 0), Act: "x", Result: "allowed"},
		{At: at, Act: "x", Purpose: strings.Repeat("a", maxLine), Result: "allowed"},
	} {
		if err := l.Write(e); !errors.Is(err, ErrSink) {
			t.Errorf("written: %v", err)
		}
	}
	if l.Working() != 1 {
		t.Fatal("the sink is lost")
	}
	write(t, l, 1)
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if n, err := Verify(path); n != 1 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestTheLongestLineIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	l := open(t, path)
	for n := maxLine; ; n-- {
		if l.Write(Event{At: at, Act: "x", Purpose: strings.Repeat("a", n), Result: "allowed"}) == nil {
			break
		}
	}
	l.Close()
	if n, err := Verify(path); n != 1 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestWhatIsNoAuditFile(t *testing.T) {
	dir := t.TempDir()
	endless, shared, link, fine := filepath.Join(dir, "endless"), filepath.Join(dir, "shared"), filepath.Join(dir, "link"), filepath.Join(dir, "fine")
	if err := errors.Join(os.WriteFile(endless, bytes.Repeat([]byte("a"), 1<<20), 0o600), os.WriteFile(shared, nil, 0o600), os.Chmod(shared, 0o666),
		os.WriteFile(fine, nil, 0o600), os.Symlink(fine, link)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		paths []string
		want  error
	}{
		"a line without an end": {[]string{endless}, ErrChain},
		"a file anybody writes": {[]string{shared}, ErrSink},
		"a folder":              {[]string{dir}, ErrSink},
		"one file twice":        {[]string{fine, fine}, ErrSink},
		"one file by two names": {[]string{fine, link}, ErrSink},
		"a device":              {[]string{os.DevNull}, ErrSink},
		"no file at all":        {nil, ErrSink},
		"the first one is fine": {[]string{fine, endless}, ErrChain},
	} {
		if l, err := Open(c.paths, []byte("key")); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
			if l != nil {
				l.Close()
			}
		}
	}
	if info, _ := os.Stat(endless); info.Size() != 1<<20 {
		t.Error("what does not verify was cut")
	}
}
