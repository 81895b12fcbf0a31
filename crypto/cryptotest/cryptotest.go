// Package cryptotest gives other packages' tests fixed keys, so that their
// golden files stay the same: a member name and a use always name one key.
//
// The keys are known to everybody who can read this file. Every function here
// panics outside of a test binary.
package cryptotest

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"accord/crypto/keys"
	"accord/crypto/keystore"
)

// Passphrase opens the stores made by Store.
const Passphrase = "a passphrase for tests only"

// Created is the time of making of the keys in the stores made by Store.
var Created = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// CheapParams are Argon2id costs that protect nothing and take no time.
func CheapParams() keystore.Params {
	onlyInTests()
	return keystore.Params{Time: 1, MemoryKiB: 8, Threads: 1}
}

// Random is an endless stream of bytes that the label fixes. It is no source of
// secrets and not safe for concurrent use.
func Random(label string) io.Reader {
	onlyInTests()
	return rand.NewChaCha8(sha256.Sum256([]byte("accord cryptotest " + label)))
}

// Key is the member's key for the use.
func Key(member string, use keys.Use) keys.Private {
	k, err := keys.Generate(use, Random(fmt.Sprintf("%q %q", member, use)))
	if err != nil {
		panic(err)
	}
	return k
}

// Public is the public half of Key.
func Public(member string, use keys.Use) keys.Public { return Key(member, use).Public() }

// Lookup finds all keys of the members by kid, as jws and sdjwt ask for them.
func Lookup(members ...string) func(kid string) (keys.Public, error) {
	known := map[string]keys.Public{}
	for _, member := range members {
		for _, use := range keys.Uses() {
			p := Public(member, use)
			known[p.KID()] = p
		}
	}
	return func(kid string) (keys.Public, error) {
		if p, ok := known[kid]; ok {
			return p, nil
		}
		return keys.Public{}, fmt.Errorf("cryptotest: no such key")
	}
}

// Store is a key store in a folder of the test's own with all keys of the member
// and the secrets "storage" and "blind"; it is closed when the test ends. Its
// path is the second result.
func Store(tb testing.TB, member string) (*keystore.Store, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "keys")
	s, err := keystore.Create(dir, []byte(Passphrase), CheapParams())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	for _, use := range keys.Uses() {
		if err := s.Import(Key(member, use), Created); err != nil {
			tb.Fatal(err)
		}
	}
	for _, name := range []string{"storage", "blind"} {
		if err := s.PutSecret(name, Secret(member, name)); err != nil {
			tb.Fatal(err)
		}
	}
	return s, dir
}

// Secret is the member's 32-byte secret of the name.
func Secret(member, name string) []byte {
	b := make([]byte, 32)
	if _, err := io.ReadFull(Random(fmt.Sprintf("%q secret %q", member, name)), b); err != nil {
		panic(err)
	}
	return b
}

func onlyInTests() {
	if !testing.Testing() {
		panic("cryptotest: keys known to everybody, outside of a test")
	}
}
