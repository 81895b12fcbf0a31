package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/keys"
)

var (
	cheap      = Params{Time: 1, MemoryKiB: 8, Threads: 1}
	passphrase = []byte("correct horse battery")
	day        = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
)

// filled makes a store with two command keys, a seal key and a secret.
func filled(t testing.TB) (*Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(dir, passphrase, cheap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i, use := range []keys.Use{keys.Command, keys.Command, keys.Seal} {
		if _, err := s.GenerateAt(use, day.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.PutSecret("storage", []byte("0123456789abcdef0123456789abcdef")); err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestReopenGivesTheSame(t *testing.T) {
	s, dir := filled(t)
	again := mustOpen(t, dir)
	if !slices.EqualFunc(s.Publics(), again.Publics(), keys.Public.Equal) || len(s.Publics()) != 3 {
		t.Errorf("keys before %v, after %v", s.Publics(), again.Publics())
	}
	for _, p := range s.Publics() {
		a, err := s.ByKID(p.KID())
		if err != nil {
			t.Fatal(err)
		}
		b, err := again.ByKID(p.KID())
		if err != nil {
			t.Fatal(err)
		}
		x, _ := a.Bytes()
		y, _ := b.Bytes()
		if !bytes.Equal(x, y) {
			t.Errorf("%v: another secret after opening", p)
		}
	}
	if b, err := again.Secret("storage"); err != nil || string(b) != "0123456789abcdef0123456789abcdef" {
		t.Errorf("secret: %q, %v", b, err)
	}
	if again.Params() != cheap {
		t.Errorf("costs %v", again.Params())
	}
}

func TestKeyIsTheNewest(t *testing.T) {
	s, dir := filled(t)
	old, err := s.Key(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.GenerateAt(keys.Command, day); !errors.Is(err, ErrExists) {
		t.Errorf("a key older than the newest: %v", err)
	}
	if err := s.Import(old, day.Add(48*time.Hour)); !errors.Is(err, ErrExists) {
		t.Errorf("the same key again: %v", err)
	}
	newest, err := s.Generate(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	next, err := s.Generate(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	for _, store := range []*Store{s, mustOpen(t, dir)} {
		if k, err := store.Key(keys.Command); err != nil || k.KID() != next.KID() {
			t.Errorf("newest key is %v, %v", k, err)
		}
		for _, kid := range []string{old.KID(), newest.KID()} {
			if k, err := store.ByKID(kid); err != nil || k.KID() != kid {
				t.Errorf("old key: %v, %v", k, err)
			}
		}
	}
}

// TestClockGoingBack generates after a key from the far future.
func TestClockGoingBack(t *testing.T) {
	s, _ := filled(t)
	if _, err := s.GenerateAt(keys.Command, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	p, err := s.Generate(keys.Command)
	if err != nil {
		t.Fatal(err)
	}
	if k, err := s.Key(keys.Command); err != nil || !k.Public().Equal(p) {
		t.Errorf("got %v, %v; want the one made last", k, err)
	}
}

func TestMissing(t *testing.T) {
	s, _ := filled(t)
	if _, err := s.Key(keys.TLS); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := s.ByKID("x"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if b, err := s.Secret("blind"); !errors.Is(err, ErrNone) || b != nil {
		t.Error(err)
	}
	if _, err := s.Generate("session"); err == nil {
		t.Error("a key for an unknown use")
	}
	if err := s.Import(keys.Private{}, day); err == nil {
		t.Error("no key was stored")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), passphrase); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(t.TempDir(), passphrase); err == nil {
		t.Error("an empty folder opens")
	}
}

func TestSecretsAreWrittenOnce(t *testing.T) {
	s, dir := filled(t)
	if err := s.PutSecret("storage", []byte("0123456789abcdef0123456789abcdef")); err != nil {
		t.Errorf("the same value again: %v", err)
	}
	if err := s.PutSecret("storage", []byte("another")); !errors.Is(err, ErrExists) {
		t.Errorf("another value: %v", err)
	}
	second := mustOpen(t, dir)
	if err := s.PutSecret("blind", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := second.PutSecret("blind", []byte("two")); !errors.Is(err, ErrExists) {
		t.Errorf("another value by another process: %v", err)
	}
	if b, err := mustOpen(t, dir).Secret("blind"); err != nil || string(b) != "one" {
		t.Errorf("%q, %v", b, err)
	}
	for _, name := range []string{"", "..", "a/b", "A", "a.b", strings.Repeat("a", 33), "a\x00"} {
		if err := s.PutSecret(name, []byte("x")); err == nil {
			t.Errorf("name %q was taken", name)
		}
	}
	for _, b := range [][]byte{nil, {}, make([]byte, maxSecret+1)} {
		if err := s.PutSecret("size", b); err == nil {
			t.Errorf("%d bytes were taken", len(b))
		}
	}
	b, _ := s.Secret("storage")
	b[0] ^= 1
	if again, _ := s.Secret("storage"); bytes.Equal(again, b) {
		t.Error("a caller can change the store's copy")
	}
}

// TestASecretIsForgotten: here, on the disk, and for good; its name is free again.
func TestASecretIsForgotten(t *testing.T) {
	s, dir := filled(t)
	if err := s.PutSecret("blind-1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is not there is no error
		if err := s.ForgetSecret("blind-1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, store := range []*Store{s, mustOpen(t, dir)} {
		if _, err := store.Secret("blind-1"); !errors.Is(err, ErrNone) {
			t.Errorf("a forgotten secret: %v", err)
		}
		if _, err := store.Secret("storage"); err != nil {
			t.Errorf("another one went, too: %v", err)
		}
	}
	if err := s.PutSecret("blind-1", []byte("two")); err != nil {
		t.Error(err)
	}
	if err := s.ForgetSecret("../storage"); err == nil {
		t.Error("a path was taken")
	}
}

func TestCreateRefusesWhatIsThere(t *testing.T) {
	_, dir := filled(t)
	before, _ := os.ReadFile(filepath.Join(dir, headerName))
	if _, err := Create(dir, passphrase, cheap); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if after, _ := os.ReadFile(filepath.Join(dir, headerName)); !bytes.Equal(before, after) {
		t.Error("the store that was there was changed")
	}
	wide := filepath.Join(t.TempDir(), "wide")
	if err := os.Mkdir(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(wide, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(wide, passphrase, cheap); !errors.Is(err, ErrExposed) {
		t.Error(err)
	}
	for _, p := range []Params{{}, {1, 7, 1}, {0, 64, 1}, {1, 64, 0}, {1, 1<<20 + 1, 1}, {65, 64, 1}} {
		if _, err := Create(filepath.Join(t.TempDir(), "k"), passphrase, p); err == nil {
			t.Errorf("costs %+v were taken", p)
		}
	}
}

func TestCopyToChangesPassphrase(t *testing.T) {
	s, _ := filled(t)
	dir := filepath.Join(t.TempDir(), "copy")
	other := []byte("another passphrase")
	c, err := s.CopyTo(dir, other, cheap)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, passphrase); !errors.Is(err, ErrPassphrase) {
		t.Errorf("the old passphrase: %v", err)
	}
	c, err = Open(dir, other)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if !slices.EqualFunc(s.Publics(), c.Publics(), keys.Public.Equal) {
		t.Error("other keys in the copy")
	}
	a, _ := s.Key(keys.Command)
	b, _ := c.Key(keys.Command)
	if a.KID() != b.KID() {
		t.Error("another key is the newest in the copy")
	}
}

func TestDefaultParamsOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	s, err := Create(dir, passphrase, DefaultParams())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mustOpen(t, dir).Params(); got != (Params{Time: 3, MemoryKiB: 65536, Threads: 4}) {
		t.Errorf("costs %+v, want the second option of RFC 9106", got)
	}
}

func TestPassphraseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passphrase")
	for _, c := range []struct {
		content string
		mode    fs.FileMode
		want    string
		err     error
	}{
		{"correct horse battery", 0o600, "correct horse battery", nil},
		{"correct horse battery\n", 0o400, "correct horse battery", nil},
		{"correct horse battery\r\n", 0o600, "correct horse battery", nil},
		{"correct horse battery\n\n", 0o600, "correct horse battery\n", nil},
		{" correct horse battery ", 0o600, " correct horse battery ", nil},
		{strings.Repeat("x", MaxPassphrase) + "\n", 0o600, strings.Repeat("x", MaxPassphrase), nil},
		{strings.Repeat("x", MaxPassphrase+1), 0o600, "", ErrPassphrase},
		{strings.Repeat("x", MaxPassphrase+9), 0o600, "", ErrDamaged},
		{"", 0o600, "", ErrPassphrase},
		{"\n", 0o600, "", ErrPassphrase},
		{"short\n", 0o600, "", ErrPassphrase},
		{"correct horse battery", 0o640, "", ErrExposed},
		{"correct horse battery", 0o604, "", ErrExposed},
		{"correct horse battery", 0o700, "", ErrExposed},
	} {
		_ = os.Remove(path)
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		got, err := PassphraseFile(path)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%.30q mode %#o: %q, %v", c.content, c.mode, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "short") {
			t.Errorf("the error quotes the passphrase: %v", err)
		}
	}
	if b, err := PassphraseFile(t.TempDir()); !errors.Is(err, ErrExposed) || b != nil {
		t.Errorf("a folder: %v", err)
	}
	if b, err := PassphraseFile(path + "x"); !errors.Is(err, fs.ErrNotExist) || b != nil {
		t.Errorf("no file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	_, dir := filled(f)
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"format":"accord-keystore-1","kdf":"argon2id","time":1,"memory_kib":4294967295,"threads":255,"salt":"","nonce":"","check":""}` + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := parseHeader(b); err == nil {
			if again, err := encode(h); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("header %q encodes as %q, %v", b, again, err)
			}
			if h.params().check() != nil {
				t.Fatal("costs out of range")
			}
		}
		if e, err := parseFile(b); err == nil {
			if again, err := encode(e); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("file %q encodes as %q, %v", b, again, err)
			}
			if filepath.Base(e.name()) != e.name() {
				t.Fatalf("file name %q", e.name())
			}
		}
	})
}

// TestTogether uses a store from many goroutines, for the race detector.
func TestTogether(t *testing.T) {
	s, dir := filled(t)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			if _, err := s.Generate(keys.Attest); err != nil {
				t.Error(err)
			}
			if err := s.PutSecret(fmt.Sprintf("secret-%d", i%4), []byte("the same")); err != nil {
				t.Error(err)
			}
			_, _ = s.Key(keys.Command)
			_, _ = s.Secret("storage")
			_ = s.Publics()
		})
	}
	group.Wait()
	if got := len(mustOpen(t, dir).Publics()); got != 11 {
		t.Errorf("%d keys after 8 more", got)
	}
}

// TestClosed uses a store that was closed.
func TestClosed(t *testing.T) {
	s, _ := filled(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
	if _, err := s.Key(keys.Command); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := s.Generate(keys.Command); err == nil {
		t.Error("a key was made in a closed store")
	}
	if err := s.PutSecret("late", []byte("x")); err == nil {
		t.Error("a secret was stored in a closed store")
	}
}
