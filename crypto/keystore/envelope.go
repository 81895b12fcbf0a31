package keystore

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

const (
	storeFormat = "accord-keystore-1"
	fileFormat  = "accord-keystore-file-1"
	secretUse   = "secret" // in place of a key's use
	saltSize    = 16
	maxFile     = 16 << 10 // bytes of any file of the store
	maxSecret   = 4 << 10  // bytes of a secret
)

// Params are the costs of Argon2id.
type Params struct {
	Time      uint32 // passes
	MemoryKiB uint32 // KiB of memory
	Threads   uint8  // lanes
}

// DefaultParams is the second recommended option of RFC 9106 section 4: three
// passes over 64 MiB with four lanes, about a tenth of a second.
func DefaultParams() Params { return Params{Time: 3, MemoryKiB: 64 << 10, Threads: 4} }

// UniformParams are for a passphrase of 32 or more uniformly random bytes, and for
// no other: nobody guesses one of 2^256, at whatever price a guess (RFC 9106
// section 1 stretches inputs of low entropy), so the derivation costs nothing.
func UniformParams() Params { return Params{Time: 1, MemoryKiB: 8, Threads: 1} }

// check bounds the costs from above too: they are read from a file before
// anything is verified.
func (p Params) check() error {
	if p.Time < 1 || p.Time > 64 || p.Threads < 1 || p.Threads > 64 ||
		p.MemoryKiB < 8*uint32(p.Threads) || p.MemoryKiB > 1<<20 {
		return fmt.Errorf("%w: Argon2id costs out of range", ErrDamaged)
	}
	return nil
}

// header is keystore.json.
type header struct {
	Format    string `json:"format"`
	KDF       string `json:"kdf"`
	Time      uint32 `json:"time"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
	Salt      []byte `json:"salt"`
	Nonce     []byte `json:"nonce"`
	Check     []byte `json:"check"` // an empty box: only the right passphrase opens it
}

func newHeader(p Params) (header, error) {
	if err := p.check(); err != nil {
		return header{}, err
	}
	h := header{Format: storeFormat, KDF: "argon2id", Time: p.Time, MemoryKiB: p.MemoryKiB, Threads: p.Threads,
		Salt: random(saltSize), Nonce: random(chacha20poly1305.NonceSizeX)}
	return h, nil
}

func (h header) params() Params { return Params{h.Time, h.MemoryKiB, h.Threads} }

func (h header) wrapper(passphrase []byte) (cipher.AEAD, error) {
	key := argon2.IDKey(passphrase, h.Salt, h.Time, h.MemoryKiB, h.Threads, chacha20poly1305.KeySize)
	defer clear(key)
	return chacha20poly1305.NewX(key)
}

func (h header) aad() []byte {
	costs := fmt.Sprintf("%d %d %d", h.Time, h.MemoryKiB, h.Threads)
	return frame(h.Format, h.KDF, costs, string(h.Salt))
}

func parseHeader(b []byte) (header, error) {
	var h header
	if err := canonical(b, &h); err != nil {
		return header{}, err
	}
	if h.Format != storeFormat || h.KDF != "argon2id" || len(h.Salt) != saltSize ||
		len(h.Nonce) != chacha20poly1305.NonceSizeX || len(h.Check) != chacha20poly1305.Overhead {
		return header{}, fmt.Errorf("%w: not a known format", ErrDamaged)
	}
	return h, h.params().check()
}

// file is one key or secret.
type file struct {
	Format  string    `json:"format"`
	Use     string    `json:"use"`  // a keys.Use, or "secret"
	Name    string    `json:"name"` // kid, or the secret's name
	Created time.Time `json:"created"`
	Nonce   []byte    `json:"nonce"`
	Box     []byte    `json:"box"`
}

// name is the only name the file may have.
func (f file) name() string { return f.Use + "." + f.Name + ".json" }

// aad is all that the file says in clear; its name follows from that.
func (f file) aad() []byte {
	return frame(f.Format, f.Use, f.Name, f.Created.Format(time.RFC3339Nano))
}

func parseFile(b []byte) (file, error) {
	var f file
	if err := canonical(b, &f); err != nil {
		return file{}, err
	}
	_, useErr := keys.ParseUse(f.Use)
	known := f.Use == secretUse && validName(f.Name) || useErr == nil && len(f.Name) == 43
	if f.Format != fileFormat || !known || f.Created.Location() != time.UTC ||
		len(f.Nonce) != chacha20poly1305.NonceSizeX || len(f.Box) <= chacha20poly1305.Overhead {
		return file{}, fmt.Errorf("%w: not a known format", ErrDamaged)
	}
	return f, nil
}

// canonical decodes b and refuses it unless it is what encode gives.
func canonical(b []byte, v any) error {
	if len(b) > maxFile {
		return fmt.Errorf("%w: too long", ErrDamaged)
	}
	if err := strictjson.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if again, err := encode(v); err != nil || !bytes.Equal(again, b) {
		return fmt.Errorf("%w: not as the store writes it", ErrDamaged)
	}
	return nil
}

func encode(v any) ([]byte, error) {
	b, err := strictjson.Marshal(v)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}

// validName keeps names of secrets to what is a plain file name everywhere.
func validName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// frame joins parts so that no two lists give the same bytes.
func frame(parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return b
}
