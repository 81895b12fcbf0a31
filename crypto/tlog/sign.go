package tlog

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// An Ed25519Signer makes raw Ed25519 signatures (RFC 8032); keys.Private of
// use "cosign" is one.
type Ed25519Signer interface {
	Sign(message []byte) ([]byte, error)
}

// A Signer makes the signature lines of one key.
type Signer struct {
	key    Key
	signer Ed25519Signer
}

// NewSigner joins a key with the private half that signs for it.
func NewSigner(key Key, signer Ed25519Signer) *Signer { return &Signer{key: key, signer: signer} }

// Key is the verifier key of the signature lines it makes.
func (s *Signer) Key() Key { return s.key }

// Sign makes one signature line for c. unix is the time a cosignature states,
// in seconds since 1970, given by the caller because nothing here reads a
// clock; a TypeEd25519 signer ignores it.
//
// Whoever signs promises that c is consistent with every checkpoint it signed
// before under this name; keeping that promise (persist first, then publish) is
// the caller's duty.
//
// The signature is verified before it is returned, so that a mismatched key
// pair or a computing fault never leaves the process.
func (s *Signer) Sign(c Checkpoint, unix int64) (Signature, error) {
	if err := c.validate(); err != nil {
		return Signature{}, err
	}
	text := c.Text()
	message := []byte(text)
	var raw []byte
	if s.key.typ == TypeCosignature {
		if unix < 0 {
			return Signature{}, fmt.Errorf("%w: cosignature time before 1970", ErrRange)
		}
		message = cosignedMessage(text, unix)
		raw = binary.BigEndian.AppendUint64(raw, uint64(unix))
	}
	sig, err := s.signer.Sign(message)
	if err != nil {
		return Signature{}, fmt.Errorf("tlog: sign checkpoint: %w", err)
	}
	raw = append(raw, sig...)
	if !s.key.verify(text, raw) {
		return Signature{}, fmt.Errorf("%w: private key does not belong to %s", ErrSignature, s.key.name)
	}
	return Signature{Name: s.key.name, KeyID: s.key.ID(), Bytes: raw}, nil
}

// cosignedMessage is what a cosignature/v1 signs (C2SP tlog-cosignature
// v1.0.1): header, time, and the whole note text.
func cosignedMessage(text string, unix int64) []byte {
	return []byte("cosignature/v1\ntime " + strconv.FormatInt(unix, 10) + "\n" + text)
}

// A Signature is one signature line of a note, not verified: whose it claims to
// be and its bytes. Nodes send each other these and collect them on a note.
type Signature struct {
	Name  string
	KeyID uint32
	Bytes []byte // after the key id: for a cosignature 8 bytes of time, then Ed25519
}

const sigPrefix = "— " // em dash, space

// String is the signature line without its line feed.
func (s Signature) String() string {
	raw := append(binary.BigEndian.AppendUint32(nil, s.KeyID), s.Bytes...)
	return sigPrefix + s.Name + " " + base64.StdEncoding.EncodeToString(raw)
}

// signer is how a note tells its signers apart.
func (s Signature) signer() string { return fmt.Sprintf("%s+%08x", s.Name, s.KeyID) }

// ParseSignature reads one signature line without its line feed.
func ParseSignature(line string) (Signature, error) {
	rest, ok := strings.CutPrefix(line, sigPrefix)
	name, data, ok2 := strings.Cut(rest, " ")
	raw, err := decodeBase64(data)
	if !ok || !ok2 || err != nil || len(raw) < 5 || !validKeyName(name) {
		return Signature{}, fmt.Errorf("%w signature line", ErrFormat)
	}
	return Signature{Name: name, KeyID: binary.BigEndian.Uint32(raw), Bytes: raw[4:]}, nil
}
