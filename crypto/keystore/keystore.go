package keystore

import (
	"bytes"
	"cmp"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"accord/crypto/keys"
)

// Errors of this package. Their texts hold file names and no secrets.
var (
	// ErrPassphrase is the one answer to a wrong passphrase and to a changed
	// keystore.json, which cannot be told apart.
	ErrPassphrase = errors.New("keystore: wrong passphrase, or the store was changed")
	ErrDamaged    = errors.New("keystore: damaged or foreign file")
	ErrExposed    = errors.New("keystore: not private to this user")
	ErrExists     = errors.New("keystore: exists already and is never replaced")
	ErrNone       = errors.New("keystore: no such key or secret")
)

const headerName = "keystore.json"

// Store is an open key store; safe for concurrent use.
type Store struct {
	folder folder
	header header
	aead   cipher.AEAD

	mu      sync.RWMutex
	keys    []entry // by use, then newest first
	secrets map[string]hidden
}

// hidden keeps a secret behind a pointer, where printing by reflection does not
// look; see keys.Private.
type hidden struct{ b *[]byte }

func hide(b []byte) hidden { return hidden{&b} }

type entry struct {
	key     keys.Private
	created time.Time
}

// Create makes an empty store in dir, which must not exist or be empty and
// private. The passphrase has MinPassphrase to MaxPassphrase bytes; the caller
// may clear it afterwards.
func Create(dir string, passphrase []byte, p Params) (*Store, error) {
	if err := checkPassphrase(passphrase); err != nil {
		return nil, err
	}
	h, err := newHeader(p)
	if err != nil {
		return nil, err
	}
	aead, err := h.wrapper(passphrase)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	h.Check = aead.Seal(nil, h.Nonce, nil, h.aad())
	b, err := encode(h)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	f, err := createFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := f.write(headerName, b); err != nil {
		f.close()
		return nil, err
	}
	return &Store{folder: f, header: h, aead: aead, secrets: map[string]hidden{}}, nil
}

// Open opens the store in dir and reads everything in it. Wrong passphrases,
// damage, files that are unknown or not private are errors; there is no partly
// open store.
func Open(dir string, passphrase []byte) (*Store, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(f, passphrase)
	if err != nil {
		f.close()
		return nil, err
	}
	return s, nil
}

func open(f folder, passphrase []byte) (*Store, error) {
	b, err := f.read(headerName)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if checkPassphrase(passphrase) != nil {
		return nil, ErrPassphrase
	}
	aead, err := h.wrapper(passphrase)
	if err != nil {
		return nil, fmt.Errorf("keystore: %w", err)
	}
	if _, err := aead.Open(nil, h.Nonce, h.Check, h.aad()); err != nil {
		return nil, ErrPassphrase
	}
	s := &Store{folder: f, header: h, aead: aead, secrets: map[string]hidden{}}
	names, err := f.list()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if name == headerName {
			continue
		}
		if err := s.load(name); err != nil {
			return nil, err
		}
	}
	s.sort()
	return s, nil
}

// load reads one file into memory.
func (s *Store) load(name string) error {
	b, err := s.folder.read(name)
	if err != nil {
		return err
	}
	e, err := parseFile(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	plain, err := s.aead.Open(nil, e.Nonce, e.Box, e.aad())
	if err != nil || e.name() != name {
		return fmt.Errorf("%w: %s does not open", ErrDamaged, name)
	}
	if e.Use == secretUse {
		s.secrets[e.Name] = hide(plain)
		return nil
	}
	defer clear(plain)
	k, err := keys.FromBytes(keys.Use(e.Use), plain)
	if err != nil || k.KID() != e.Name {
		return fmt.Errorf("%w: %s holds another key", ErrDamaged, name)
	}
	s.keys = append(s.keys, entry{k, e.Created})
	return nil
}

// Generate makes a new key for the use, now. Key gives it from then on; the older
// ones stay, and ByKID gives them. To rotate, a member signs the statement that
// announces the new key with the old one, found by its kid.
func (s *Store) Generate(use keys.Use) (keys.Public, error) {
	k, err := keys.Generate(use, nil)
	if err != nil {
		return keys.Public{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC()
	if newest, ok := s.newest(use); ok && !now.After(newest.created) {
		now = newest.created.Add(time.Nanosecond) // the clock went back; the order of keys must not
	}
	return k.Public(), s.put(k, now)
}

// GenerateAt is Generate with the time of making given by the caller, which
// must be after that of every key for the same use.
func (s *Store) GenerateAt(use keys.Use, created time.Time) (keys.Public, error) {
	k, err := keys.Generate(use, nil)
	if err != nil {
		return keys.Public{}, err
	}
	return k.Public(), s.Import(k, created)
}

// Import stores a key made elsewhere, under the rule of GenerateAt.
func (s *Store) Import(k keys.Private, created time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if newest, ok := s.newest(k.Use()); ok && !created.After(newest.created) {
		return fmt.Errorf("%w: a key as new as this", ErrExists)
	}
	return s.put(k, created.UTC())
}

func (s *Store) put(k keys.Private, created time.Time) error {
	secret, err := k.Bytes()
	if err != nil {
		return err
	}
	defer clear(secret)
	created = created.Round(0) // without the monotonic clock
	if err := s.write(file{Use: string(k.Use()), Name: k.KID(), Created: created}, secret); err != nil {
		return err
	}
	s.keys = append(s.keys, entry{k, created})
	s.sort()
	return nil
}

func (s *Store) write(f file, plain []byte) error {
	f.Format, f.Nonce = fileFormat, random(chacha20poly1305.NonceSizeX)
	f.Box = s.aead.Seal(nil, f.Nonce, plain, f.aad())
	b, err := encode(f)
	if err != nil {
		return fmt.Errorf("keystore: %w", err)
	}
	return s.folder.write(f.name(), b)
}

// sort orders keys by use and then newest first; equal times, which only a
// hand-made store has, by kid.
func (s *Store) sort() {
	slices.SortFunc(s.keys, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key.Use(), b.key.Use()), b.created.Compare(a.created), cmp.Compare(a.key.KID(), b.key.KID()))
	})
}

func (s *Store) newest(use keys.Use) (entry, bool) {
	for _, e := range s.keys {
		if e.key.Use() == use {
			return e, true
		}
	}
	return entry{}, false
}

// Key gives the newest key for the use.
func (s *Store) Key(use keys.Use) (keys.Private, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e, ok := s.newest(use); ok {
		return e.key, nil
	}
	return keys.Private{}, fmt.Errorf("%w: key for %s", ErrNone, use)
}

// ByKID gives the key with this id: during a rotation the one that the ledger
// names, and for what was encrypted to an older key that one.
func (s *Store) ByKID(kid string) (keys.Private, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.keys {
		if e.key.KID() == kid {
			return e.key, nil
		}
	}
	return keys.Private{}, fmt.Errorf("%w: key by kid", ErrNone)
}

// Publics lists the public halves of all keys, by use and then newest first.
func (s *Store) Publics() []keys.Public {
	s.mu.RLock()
	defer s.mu.RUnlock()
	publics := make([]keys.Public, len(s.keys))
	for i, e := range s.keys {
		publics[i] = e.key.Public()
	}
	return publics
}

// Secret gives a copy of the named secret.
func (s *Store) Secret(name string) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	secret, ok := s.secrets[name]
	if !ok {
		return nil, fmt.Errorf("%w: secret", ErrNone)
	}
	return bytes.Clone(*secret.b), nil
}

// PutSecret stores 1 to 4,096 bytes under a name of lower-case letters, digits
// and hyphens. A name is written once: another value under it is ErrExists,
// because replacing a storage key would lose everything sealed under it. The
// same value again is no error.
func (s *Store) PutSecret(name string, b []byte) error {
	if !validName(name) || len(b) == 0 || len(b) > maxSecret {
		return fmt.Errorf("%w: name or length of a secret", ErrDamaged)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.secrets[name]; ok {
		if bytes.Equal(*old.b, b) {
			return nil
		}
		return fmt.Errorf("%w: secret", ErrExists)
	}
	if err := s.write(file{Use: secretUse, Name: name, Created: time.Now().UTC().Round(0)}, b); err != nil {
		return err
	}
	s.secrets[name] = hide(bytes.Clone(b))
	return nil
}

// ForgetSecret destroys a secret, as far as a file can be: it is removed and its name is
// free again. One that is not there is no error.
func (s *Store) ForgetSecret(name string) error {
	if !validName(name) {
		return fmt.Errorf("%w: name of a secret", ErrDamaged)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.secrets[name]
	if !ok {
		return nil
	}
	if err := s.folder.remove(file{Use: secretUse, Name: name}.name()); err != nil {
		return err
	}
	clear(*old.b)
	delete(s.secrets, name)
	return nil
}

// CopyTo makes a new store with the same keys and secrets under another
// passphrase or other costs. Changing a passphrase is copying, checking that
// the copy opens, and putting it in the place of the old folder.
func (s *Store) CopyTo(dir string, passphrase []byte, p Params) (*Store, error) {
	c, err := Create(dir, passphrase, p)
	if err != nil {
		return nil, err
	}
	if err := s.copyInto(c); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (s *Store) copyInto(c *Store) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, e := range s.keys {
		if err := c.put(e.key, e.created); err != nil {
			return err
		}
	}
	for name, secret := range s.secrets {
		if err := c.PutSecret(name, *secret.b); err != nil {
			return err
		}
	}
	return nil
}

// Params are the costs the store was made with.
func (s *Store) Params() Params { return s.header.params() }

// Close forgets the folder; keys already given out stay usable.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range s.secrets {
		clear(*secret.b)
	}
	s.keys, s.secrets = nil, map[string]hidden{}
	if err := s.folder.root.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("keystore: %w", err)
	}
	return nil
}

// Format prints a name for every verb, so that no verb reaches a secret.
func (s *Store) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "keystore.Store") }
