package tlog

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// HashSize is the size of a Hash in bytes.
const HashSize = 32

// MaxSize is the largest tree size this package accepts anywhere: in a
// checkpoint, a proof or a tile. The formats allow 2⁶³−1, but the index
// arithmetic of a Merkle log doubles sizes (and x/mod's never ends above
// 2⁶²), so a size beyond MaxSize is refused before any arithmetic sees it.
const MaxSize = 1 << 60

// A Hash is a SHA-256 value: the hash of a leaf, of an interior node or of a
// whole tree. Its text form is standard padded base64, as in every C2SP format.
type Hash [HashSize]byte

// The errors of this package. They are wrapped with context; test with
// errors.Is.
var (
	ErrFormat    = errors.New("tlog: malformed")
	ErrRange     = errors.New("tlog: size or index out of range")
	ErrProof     = errors.New("tlog: proof does not hold")
	ErrKey       = errors.New("tlog: unusable key")
	ErrSignature = errors.New("tlog: invalid signature")
	ErrUnsigned  = errors.New("tlog: no signature of a known key")
	ErrOrigin    = errors.New("tlog: checkpoint of another log")
	ErrQuorum    = errors.New("tlog: quorum of cosigners not reached")
)

// LeafHash is the hash of a leaf's data: SHA-256(0x00 ‖ data), RFC 6962
// section 2.1.
func LeafHash(data []byte) Hash { return Hash(tlog.RecordHash(data)) }

// NodeHash is the hash of an interior node: SHA-256(0x01 ‖ left ‖ right),
// RFC 6962 section 2.1.
func NodeHash(left, right Hash) Hash {
	return Hash(tlog.NodeHash(tlog.Hash(left), tlog.Hash(right)))
}

// EmptyRoot is the root of the tree with no leaves: SHA-256 of nothing,
// RFC 6962 section 2.1.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// String is the base64 text of h.
func (h Hash) String() string { return base64.StdEncoding.EncodeToString(h[:]) }

// MarshalText writes h as base64, so that JSON shows a hash as one string.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (h *Hash) UnmarshalText(text []byte) error {
	parsed, err := ParseHash(string(text))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// ParseHash reads the base64 text of a hash. Only the canonical text is
// accepted: 44 characters, padding, no stray bits.
func ParseHash(s string) (Hash, error) {
	b, err := decodeBase64(s)
	if err != nil || len(b) != HashSize {
		return Hash{}, fmt.Errorf("%w hash", ErrFormat)
	}
	return Hash(b), nil
}

// decodeBase64 accepts exactly what EncodeToString writes: the decoder of the
// standard library alone would skip line breaks and ignore stray bits.
func decodeBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || base64.StdEncoding.EncodeToString(b) != s {
		return nil, fmt.Errorf("%w base64", ErrFormat)
	}
	return b, nil
}

// toMod and fromMod cross the border to x/mod, whose hash type is distinct.
func toMod(hashes []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out
}

func fromMod(hashes []tlog.Hash) []Hash {
	out := make([]Hash, len(hashes))
	for i, h := range hashes {
		out[i] = Hash(h)
	}
	return out
}
