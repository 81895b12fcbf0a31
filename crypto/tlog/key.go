package tlog

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

// A SigType is the signature type byte of C2SP signed-note.
type SigType byte

// The two signature types this package speaks. Every other one is refused in a
// key and ignored, as signed-note demands, on a note.
const (
	TypeEd25519     SigType = 0x01 // Ed25519 over the note text: a log's own signature
	TypeCosignature SigType = 0x04 // cosignature/v1: Ed25519 over time and note text
)

// A Key verifies the signature lines of one signer: a name, a signature type
// and an Ed25519 public key. It is an immutable value; its text form is the
// verifier key ("vkey") of C2SP signed-note.
type Key struct {
	name   string
	typ    SigType
	public [ed25519.PublicKeySize]byte
}

// NewKey makes the verifier key of a signer. The name must be a valid note key
// name: no spaces, no plus sign, no control characters. A cosigner that plays
// several roles needs a key pair for each: the signed message does not name it.
func NewKey(name string, typ SigType, public ed25519.PublicKey) (Key, error) {
	switch {
	case !validKeyName(name):
		return Key{}, fmt.Errorf("%w: name", ErrKey)
	case typ != TypeEd25519 && typ != TypeCosignature:
		return Key{}, fmt.Errorf("%w: unknown signature type 0x%02x", ErrKey, byte(typ))
	case len(public) != ed25519.PublicKeySize:
		return Key{}, fmt.Errorf("%w: Ed25519 public key of %d bytes", ErrKey, len(public))
	}
	return Key{name: name, typ: typ, public: [ed25519.PublicKeySize]byte(public)}, nil
}

// ParseKey reads a vkey: "<name>+<key id, 8 hex digits>+<base64(type ‖ public)>".
func ParseKey(vkey string) (Key, error) {
	name, rest, ok1 := strings.Cut(vkey, "+")
	_, data, ok2 := strings.Cut(rest, "+")
	raw, err := decodeBase64(data)
	if !ok1 || !ok2 || err != nil || len(raw) == 0 {
		return Key{}, fmt.Errorf("%w: %w vkey", ErrKey, ErrFormat)
	}
	k, err := NewKey(name, SigType(raw[0]), raw[1:])
	if err != nil {
		return Key{}, err
	}
	if k.String() != vkey {
		return Key{}, fmt.Errorf("%w: key id does not belong to the key", ErrKey)
	}
	return k, nil
}

// String is the vkey.
func (k Key) String() string {
	raw := append([]byte{byte(k.typ)}, k.public[:]...)
	return fmt.Sprintf("%s+%08x+%s", k.name, k.ID(), base64.StdEncoding.EncodeToString(raw))
}

// Name is the signer's name as it stands on its signature lines.
func (k Key) Name() string { return k.name }

// Type is the signature type.
func (k Key) Type() SigType { return k.typ }

// Public is the Ed25519 public key.
func (k Key) Public() ed25519.PublicKey { return append(ed25519.PublicKey(nil), k.public[:]...) }

// ID is the key id: the first four bytes of
// SHA-256(name ‖ 0x0A ‖ type ‖ public key). It identifies; it proves nothing.
func (k Key) ID() uint32 {
	h := sha256.New()
	h.Write([]byte(k.name))
	h.Write([]byte{'\n', byte(k.typ)})
	h.Write(k.public[:])
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// verify checks a signature line's bytes (without the key id) over a note text.
// It verifies by RFC 8032 as the standard library does, the strictest rule in
// use, so that whatever is accepted here is accepted by other tools too.
func (k Key) verify(text string, sig []byte) bool {
	switch k.typ {
	case TypeEd25519:
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(k.public[:], []byte(text), sig)
	case TypeCosignature:
		if len(sig) != 8+ed25519.SignatureSize {
			return false
		}
		stamp := binary.BigEndian.Uint64(sig)
		return stamp <= 1<<63-1 && ed25519.Verify(k.public[:], cosignedMessage(text, int64(stamp)), sig[8:])
	}
	return false
}

// validKeyName applies the rule of signed-note (no Unicode spaces, no plus) on
// top of what can stand on a line at all.
func validKeyName(name string) bool {
	return validLine(name) && !strings.Contains(name, "+") && strings.IndexFunc(name, unicode.IsSpace) < 0
}
