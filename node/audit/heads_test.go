package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLinesCutOffTheEndAreNoticed: a chain by itself cannot tell. The paper beside
// the file can, also the one beside the other file, and none of it can be forged
// without the key. What an interrupted write leaves is no alarm.
//
// Shows: B13
func TestLinesCutOffTheEndAreNoticed(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, one, two string)
		want error
	}{
		"nothing":                 {func(*testing.T, string, string) {}, nil},
		"the last line":           {func(t *testing.T, one, _ string) { cut(t, one, 1) }, ErrCut},
		"all lines":               {func(t *testing.T, one, _ string) { cut(t, one, 5) }, ErrCut},
		"the file":                {func(t *testing.T, one, _ string) { remove(t, one) }, ErrCut},
		"the file and its paper":  {func(t *testing.T, one, _ string) { remove(t, one, one+HeadsSuffix) }, ErrCut},
		"the second file":         {func(t *testing.T, _, two string) { cut(t, two, 2) }, ErrCut},
		"a line, and another put": {func(t *testing.T, one, _ string) { cut(t, one, 1); forge(t, one) }, ErrCut},
		"a paper of another key": {func(t *testing.T, one, two string) {
			cut(t, one, 1)
			fake := filepath.Join(t.TempDir(), "fake")
			copyFile(t, one, fake)
			l, err := Open([]string{fake}, []byte("guessed"))
			if err != nil {
				t.Fatal(err)
			}
			l.Close()
			copyFile(t, fake+HeadsSuffix, one+HeadsSuffix)
		}, ErrCut},
		"an old paper": {func(t *testing.T, one, _ string) { // nothing is cut: a power cut took the newest
			raw := read(t, one+HeadsSuffix)
			os.WriteFile(one+HeadsSuffix, append(bytes.Repeat([]byte{0}, slotSize), raw[slotSize:]...), 0o600)
		}, nil},
		"no paper at all":    {func(t *testing.T, one, two string) { remove(t, one+HeadsSuffix, two+HeadsSuffix) }, nil},
		"a torn line behind": {func(t *testing.T, one, _ string) { os.WriteFile(one, append(read(t, one), '{'), 0o600) }, nil},
	} {
		dir := t.TempDir()
		one, two := filepath.Join(dir, "a", "audit.log"), filepath.Join(dir, "b", "audit.log")
		l := open(t, one, two)
		write(t, l, 3)
		l.Close()
		l = open(t, one, two)
		write(t, l, 2)
		l.Close()
		c.do(t, one, two)
		l, err := Open([]string{one, two}, []byte("key"))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			write(t, l, 1)
			l.Close()
		}
	}
}

// TestCutAfterAKill: nobody closed the log, and the last line is still vouched for.
// A folder that was moved keeps its paper.
//
// Shows: B13
func TestCutAfterAKill(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a", "audit.log")
	l := open(t, path)
	write(t, l, 70) // past a sync of the paper
	if err := os.CopyFS(filepath.Join(dir, "killed"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(dir, "killed", "audit.log")
	again, err := Open([]string{moved}, []byte("key"))
	if err != nil {
		t.Fatalf("whole: %v", err)
	}
	again.Close()
	cut(t, moved, 1)
	if _, err := Open([]string{moved}, []byte("key")); !errors.Is(err, ErrCut) {
		t.Errorf("its last line is gone: %v", err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.WriteFile(to, read(t, from), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.Remove(p); err != nil {
			t.Fatal(err)
		}
	}
}

// cut takes so many lines off the end.
func cut(t *testing.T, path string, n int) {
	t.Helper()
	lines := strings.SplitAfter(string(read(t, path)), "\n")
	lines = lines[:len(lines)-1-n]
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
}

// forge puts another line at the end: a chain has no key.
func forge(t *testing.T, path string) {
	t.Helper()
	s, err := openSink(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.file.Close()
	if err := s.write(Event{At: at, Act: "nothing.happened", Caller: "operator:wang", Result: "allowed"}); err != nil {
		t.Fatal(err)
	}
}
