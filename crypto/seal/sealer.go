package seal

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// Errors of this package. None of them carries a value, a key or a binding.
var (
	// ErrOpen is the one error of everything that opens.
	ErrOpen = errors.New("seal: cannot be opened")

	ErrKey         = errors.New("seal: unusable key")
	ErrBinding     = errors.New("seal: binding has an empty or an overlong part")
	ErrContentType = errors.New("seal: content type is not a media type name")
	ErrSize        = errors.New("seal: plaintext too long")
	ErrRandom      = errors.New("seal: random source failed")
)

// The domain tags of the two layers, by version.
const (
	tagKey  = "accord-seal-key/v1"
	tagBox  = "accord-seal-box/v1"
	tagWrap = "accord-seal-key/v2"
	tagOnce = "accord-seal-box/v2"

	maxBindingPart = 512
)

// Binding says where a sealed value belongs. A value sealed for one place does
// not open at another, so swapped rows in a store are noticed.
type Binding struct {
	Record string // id of the record
	Field  string // name of the field in the catalogue
	Digest string // digest of the disclosure, as in the record's _sd
}

func (b Binding) valid() bool {
	for _, p := range [...]string{b.Record, b.Field, b.Digest} {
		if p == "" || len(p) > maxBindingPart {
			return false
		}
	}
	return true
}

func (b Binding) frame(tag string) string { return frame(tag, b.Record, b.Field, b.Digest) }

// Sealer seals and opens values under one storage key. It is safe for
// concurrent use.
type Sealer struct {
	key  [KeySize]byte
	root [sha256.Size]byte // extracted from key; the wrapping keys come from it
	rand io.Reader
}

// lockedReader makes any random source safe for concurrent use.
type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// NewSealer returns a Sealer for a storage key of [KeySize] random bytes, which
// it copies. The random source is crypto/rand.Reader except in tests.
func NewSealer(storageKey []byte, rand io.Reader) (*Sealer, error) {
	if len(storageKey) != KeySize || [KeySize]byte(storageKey) == [KeySize]byte{} {
		return nil, ErrKey
	}
	if rand == nil {
		return nil, ErrRandom
	}
	root, err := hkdf.Extract(sha256.New, storageKey, []byte(tagWrap))
	if err != nil {
		return nil, err
	}
	return &Sealer{key: [KeySize]byte(storageKey), root: [sha256.Size]byte(root), rand: &lockedReader{r: rand}}, nil
}

// Seal encrypts plaintext (at most [MaxPlaintext] bytes, empty allowed) for
// the place b. Two calls never give the same result.
func (s *Sealer) Seal(b Binding, plaintext []byte) (Sealed, error) {
	if !b.valid() {
		return Sealed{}, ErrBinding
	}
	if len(plaintext) > MaxPlaintext {
		return Sealed{}, ErrSize
	}
	fieldKey := make([]byte, KeySize)
	defer clear(fieldKey)
	padded := pad(plaintext)
	defer clear(padded)

	if _, err := io.ReadFull(s.rand, fieldKey); err != nil {
		return Sealed{}, ErrRandom
	}
	box, err := lockOnce(fieldKey, b.frame(tagOnce), padded)
	if err != nil {
		return Sealed{}, err
	}
	key, err := s.wrap(b, fieldKey)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{Key: key, Box: box}, nil
}

// Open returns the plaintext that was sealed for the place b. Its only error
// is [ErrOpen].
func (s *Sealer) Open(b Binding, sealed Sealed) ([]byte, error) {
	fieldKey, err := s.fieldKey(b, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(fieldKey)
	var padded []byte
	if sealed.Box[0] == version1 {
		padded, err = unlock(fieldKey, b.frame(tagBox), sealed.Box)
	} else {
		padded, err = unlockOnce(fieldKey, b.frame(tagOnce), sealed.Box)
	}
	if err != nil {
		return nil, err
	}
	plaintext, ok := unpad(padded)
	if !ok {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// Rewrap moves a sealed value from this storage key to that of next without
// opening the box: the way a storage key is rotated. The old Sealed still
// opens under the old key until both are destroyed.
func (s *Sealer) Rewrap(b Binding, sealed Sealed, next *Sealer) (Sealed, error) {
	fieldKey, err := s.fieldKey(b, sealed)
	if err != nil {
		return Sealed{}, err
	}
	defer clear(fieldKey)
	key, err := next.wrap(b, fieldKey)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{Key: key, Box: append([]byte(nil), sealed.Box...)}, nil
}

func (s *Sealer) fieldKey(b Binding, sealed Sealed) ([]byte, error) {
	if !b.valid() || !sealed.wellFormed() {
		return nil, ErrOpen
	}
	var fieldKey []byte
	var err error
	if sealed.Key[0] == version1 {
		fieldKey, err = unlock(s.key[:], b.frame(tagKey), sealed.Key)
	} else {
		fieldKey, err = s.unwrap(b, sealed.Key)
	}
	if err != nil || len(fieldKey) != KeySize {
		return nil, ErrOpen
	}
	return fieldKey, nil
}

// Format keeps the key out of every fmt verb, LogValue out of slog.
func (s *Sealer) Format(f fmt.State, _ rune) { fmt.Fprint(f, "seal.Sealer") }
func (s *Sealer) LogValue() slog.Value       { return slog.StringValue("seal.Sealer") }
