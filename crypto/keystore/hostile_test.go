package keystore

// Tests of what the store refuses: wrong passphrases, changed, moved, exposed
// and foreign files, and secrets in clear.

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"accord/crypto/keys"
)

// Shows: B12
func TestWrongPassphraseIsOneError(t *testing.T) {
	_, dir := filled(t)
	for _, wrong := range [][]byte{nil, []byte("short"), []byte("correct horse batterz"), append(slices.Clone(passphrase), 0), make([]byte, 4096)} {
		s, err := Open(dir, wrong)
		if s != nil || !errors.Is(err, ErrPassphrase) || err.Error() != ErrPassphrase.Error() {
			t.Errorf("%d bytes: %v, %v", len(wrong), s, err)
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "k"), []byte("short"), cheap); !errors.Is(err, ErrPassphrase) {
		t.Errorf("short passphrase at Create: %v", err)
	}
}

// TestEveryBitCounts changes each byte of each file in turn: nothing may open.
func TestEveryBitCounts(t *testing.T) {
	_, dir := filled(t)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) != 5 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		try := func(what string, b []byte) {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if s, err := Open(dir, passphrase); err == nil || s != nil {
				t.Fatalf("%s %s: the store opens", filepath.Base(name), what)
			} else if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrPassphrase) {
				t.Fatalf("%s %s: %v", filepath.Base(name), what, err)
			}
		}
		for i := range whole {
			b := slices.Clone(whole)
			b[i] ^= 1
			try(fmt.Sprintf("byte %d", i), b)
		}
		try("empty", nil)
		try("half", whole[:len(whole)/2])
		try("with a space", append(slices.Clone(whole), ' '))
		try("too long", append(slices.Clone(whole), make([]byte, maxFile)...))
		if err := os.WriteFile(name, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, dir)
}

// TestFilesCannotPassForOthers moves files to names that look right.
func TestFilesCannotPassForOthers(t *testing.T) {
	s, dir := filled(t)
	k, _ := s.Key(keys.Command)
	path := filepath.Join(dir, "command."+k.KID()+".json")
	for _, name := range []string{"cosign." + k.KID() + ".json", "secret.blind.json", "command." + strings.Repeat("A", 43) + ".json"} {
		if err := os.Rename(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, passphrase); !errors.Is(err, ErrDamaged) {
			t.Errorf("as %s: %v", name, err)
		}
		if err := os.Rename(filepath.Join(dir, name), path); err != nil {
			t.Fatal(err)
		}
	}

	// The same with the words inside changed to match.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "cosign."+k.KID()+".json")
	if err := os.WriteFile(other, bytes.Replace(b, []byte(`"use":"command"`), []byte(`"use":"cosign"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, passphrase); !errors.Is(err, ErrDamaged) {
		t.Errorf("with another use inside: %v", err)
	}
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}

	// A key under the kid of another, well encrypted.
	secret, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	misnamed := file{Use: "command", Name: strings.Repeat("A", 43), Created: day}
	if err := s.write(misnamed, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, passphrase); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another kid: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, misnamed.name())); err != nil {
		t.Fatal(err)
	}

	// A key of another store under the same passphrase.
	foreign, foreignDir := filled(t)
	fk, _ := foreign.Key(keys.Command)
	b, err = os.ReadFile(filepath.Join(foreignDir, "command."+fk.KID()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "command."+fk.KID()+".json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, passphrase); !errors.Is(err, ErrDamaged) {
		t.Errorf("a key of another store: %v", err)
	}
}

// Shows: B14, D1
func TestModes(t *testing.T) {
	_, dir := filled(t)
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, c := range []struct {
		path string
		good fs.FileMode
		bad  []fs.FileMode
	}{
		{dir, 0o700, []fs.FileMode{0o701, 0o710, 0o750, 0o755, 0o777}},
		{names[0], 0o600, []fs.FileMode{0o601, 0o604, 0o640, 0o644, 0o660, 0o700}},
		{filepath.Join(dir, headerName), 0o600, []fs.FileMode{0o604, 0o666}},
	} {
		for _, mode := range c.bad {
			if err := os.Chmod(c.path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(dir, passphrase); !errors.Is(err, ErrExposed) {
				t.Errorf("%s with mode %#o: %v", filepath.Base(c.path), mode, err)
			}
		}
		if err := os.Chmod(c.path, c.good); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, dir)
	for _, name := range append(names, dir) {
		info, err := os.Stat(name)
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[info.IsDir()]; err != nil || info.Mode().Perm() != want {
			t.Errorf("%s was made with mode %#o", name, info.Mode().Perm())
		}
	}
}

func TestUnknownFiles(t *testing.T) {
	_, dir := filled(t)
	plant := func(what string, make func(path string) error, want error) {
		t.Helper()
		path := filepath.Join(dir, what)
		if err := make(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, passphrase); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string) error { return os.WriteFile(path, []byte("x\n"), 0o600) }
	plant("notes.txt", write, ErrDamaged)
	plant(".hidden", write, ErrDamaged)
	plant("command.x.json~", write, ErrDamaged)
	plant("sub", func(p string) error { return os.Mkdir(p, 0o700) }, ErrExposed)
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	plant("link", func(p string) error { return os.Symlink(outside, p) }, ErrExposed)
	plant("inside", func(p string) error { return os.Symlink(headerName, p) }, ErrExposed)
	plant(tempPrefix+"0123456789abcdef", write, nil) // what a crash leaves

	link := filepath.Join(t.TempDir(), "store")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(link, passphrase); !errors.Is(err, ErrExposed) {
		t.Errorf("a linked folder: %v", err)
	}
}

func TestHeaderLinkIsRefused(t *testing.T) {
	_, dir := filled(t)
	path := filepath.Join(dir, headerName)
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(path, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(aside, path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, passphrase); !errors.Is(err, ErrExposed) {
		t.Error(err)
	}
}

// TestOwner gives a file away where the user may, and else looks at the root
// folder, which is another's.
func TestOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		info, err := os.Stat("/")
		if err != nil || ownedByUs(info) {
			t.Errorf("the root folder passes for ours: %v", err)
		}
		return
	}
	_, dir := filled(t)
	for _, path := range []string{filepath.Join(dir, headerName), dir} {
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, passphrase); !errors.Is(err, ErrExposed) {
			t.Errorf("%s of another user: %v", filepath.Base(path), err)
		}
		if err := os.Chown(path, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	mustOpen(t, dir)
}

// TestNothingInClear looks for every secret in every file, printed form and error.
//
// Shows: B12
func TestNothingInClear(t *testing.T) {
	s, dir := filled(t)
	secrets := [][]byte{passphrase}
	for _, p := range s.Publics() {
		k, _ := s.ByKID(p.KID())
		b, _ := k.Bytes()
		secrets = append(secrets, b)
	}
	b, _ := s.Secret("storage")
	secrets = append(secrets, b)

	var seen []string
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, string(content))
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		seen = append(seen, fmt.Sprintf(verb, s), fmt.Sprintf(verb, struct{ s *Store }{s}))
	}
	//lint:ignore SA9005 that nothing is exported is what is tested
	j, _ := json.Marshal(s)
	seen = append(seen, string(j))
	for _, secret := range secrets {
		forms := []string{string(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%v", secret), fmt.Sprintf("%#v", secret)}
		quoted, _ := json.Marshal(secret)
		forms = append(forms, strings.Trim(string(quoted), `"`))
		for _, text := range seen {
			for _, form := range forms {
				if strings.Contains(text, form) {
					t.Errorf("a secret is in clear in %.80q", text)
				}
			}
		}
	}
}
