package tlog

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// MaxNote is the largest signed note read, in bytes: room for a hundred
// signatures, some of them post-quantum.
const MaxNote = 256 << 10

// A SignedCheckpoint is a checkpoint together with what its note proved about
// it.
type SignedCheckpoint struct {
	Checkpoint
	Signatures []Verified  // signatures of known keys, all valid, in note order
	Unknown    []Signature // signatures of other keys, not checked
}

// Verified is a valid signature of a known key.
type Verified struct {
	Key  Key
	Unix int64 // for a cosignature the time it states, seconds since 1970
}

// Format writes the signed note: the checkpoint's text, an empty line and the
// signature lines in the order given. It does not verify them (Open does), but
// refuses an empty list and two signatures of one key.
func Format(c Checkpoint, sigs ...Signature) ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if len(sigs) == 0 {
		return nil, fmt.Errorf("%w: nothing to put under the checkpoint", ErrUnsigned)
	}
	n := &note.Note{Text: c.Text()}
	seen := make(map[string]bool)
	for _, s := range sigs {
		id := fmt.Sprintf("%s+%08x", s.Name, s.KeyID)
		if seen[id] || !validKeyName(s.Name) || len(s.Bytes) == 0 {
			return nil, fmt.Errorf("%w: two signatures of one key, or a bad name", ErrFormat)
		}
		seen[id] = true
		raw := append(binary.BigEndian.AppendUint32(nil, s.KeyID), s.Bytes...)
		n.UnverifiedSigs = append(n.UnverifiedSigs, note.Signature{
			Name: s.Name, Hash: s.KeyID, Base64: base64.StdEncoding.EncodeToString(raw)})
	}
	msg, err := note.Sign(n)
	if err != nil {
		return nil, fmt.Errorf("%w note: %w", ErrFormat, err)
	}
	return msg, nil
}

// Open reads a signed note, verifies every signature of a known key over it and
// returns the checkpoint. The errors say what is wrong: ErrFormat, ErrOrigin if
// the checkpoint is of another log than origin, ErrSignature if a known key's
// signature is invalid (then nothing of the note is believed), ErrUnsigned if
// no known key signed. It does not count signatures: that is a Policy's matter.
func Open(msg []byte, origin string, known ...Key) (*SignedCheckpoint, error) {
	if len(msg) > MaxNote {
		return nil, fmt.Errorf("%w note: over %d bytes", ErrFormat, MaxNote)
	}
	verifiers := make([]note.Verifier, len(known))
	for i, k := range known {
		verifiers[i] = noteVerifier{k}
	}
	n, err := note.Open(msg, note.VerifierList(verifiers...))
	var invalid *note.InvalidSignatureError
	var unsigned *note.UnverifiedNoteError
	switch {
	case errors.As(err, &invalid):
		return nil, fmt.Errorf("%w of %s+%08x", ErrSignature, invalid.Name, invalid.Hash)
	case errors.As(err, &unsigned):
		n = unsigned.Note
	case err != nil:
		return nil, fmt.Errorf("%w note: %w", ErrFormat, err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return nil, err
	}
	if c.Origin != origin {
		return nil, fmt.Errorf("%w: its origin is %q, not %q", ErrOrigin, c.Origin, origin)
	}
	signed := &SignedCheckpoint{Checkpoint: c}
	if err := signed.collect(msg[len(n.Text)+1:], known); err != nil {
		return nil, err
	}
	if len(signed.Signatures) == 0 {
		return nil, fmt.Errorf("%w on the checkpoint of %q", ErrUnsigned, origin)
	}
	return signed, nil
}

// collect reads the signature lines, verified by now, once more and strictly:
// x/mod tolerates non-canonical base64 and drops repeated lines silently, and a
// note that can be altered without notice is a poor piece of evidence.
func (c *SignedCheckpoint) collect(block []byte, known []Key) error {
	seen := make(map[string]bool)
	for _, line := range strings.Split(string(bytes.TrimSuffix(block, []byte("\n"))), "\n") {
		sig, err := ParseSignature(line)
		if err != nil {
			return err
		}
		id := fmt.Sprintf("%s+%08x", sig.Name, sig.KeyID)
		if seen[id] {
			return fmt.Errorf("%w note: two signatures of %s", ErrFormat, id)
		}
		seen[id] = true
		key, ok := find(known, sig)
		if !ok {
			c.Unknown = append(c.Unknown, sig)
			continue
		}
		v := Verified{Key: key}
		if key.typ == TypeCosignature {
			v.Unix = int64(binary.BigEndian.Uint64(sig.Bytes))
		}
		c.Signatures = append(c.Signatures, v)
	}
	return nil
}

func find(known []Key, sig Signature) (Key, bool) {
	for _, k := range known {
		if k.name == sig.Name && k.ID() == sig.KeyID {
			return k, true
		}
	}
	return Key{}, false
}

// noteVerifier lends a Key to x/mod's note package.
type noteVerifier struct{ key Key }

func (v noteVerifier) Name() string    { return v.key.name }
func (v noteVerifier) KeyHash() uint32 { return v.key.ID() }
func (v noteVerifier) Verify(msg, sig []byte) bool {
	return v.key.verify(string(msg), sig)
}
