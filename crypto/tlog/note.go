package tlog

import (
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
		if seen[s.signer()] || !validKeyName(s.Name) || len(s.Bytes) == 0 {
			return nil, fmt.Errorf("%w: two signatures of one key, or a bad name", ErrFormat)
		}
		seen[s.signer()] = true
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

// Read takes a signed note apart without verifying anything: the checkpoint it
// claims and its signature lines in order. It is strict where x/mod is lenient
// (canonical base64, no second signature of one key), because a note that can
// be altered without notice is a poor piece of evidence. Use Open or a Policy to
// believe a note.
func Read(msg []byte) (Checkpoint, []Signature, error) {
	fail := func(err error) (Checkpoint, []Signature, error) { return Checkpoint{}, nil, err }
	if len(msg) > MaxNote {
		return fail(fmt.Errorf("%w note: over %d bytes", ErrFormat, MaxNote))
	}
	// With no verifiers x/mod checks the note's form and says it is unverified.
	var parsed *note.UnverifiedNoteError
	if _, err := note.Open(msg, nil); !errors.As(err, &parsed) {
		return fail(fmt.Errorf("%w note: %w", ErrFormat, err))
	}
	text := parsed.Note.Text
	c, err := ParseCheckpoint(text)
	if err != nil {
		return fail(err)
	}
	block := strings.TrimSuffix(string(msg[len(text)+1:]), "\n")
	var sigs []Signature
	seen := make(map[string]bool)
	for line := range strings.SplitSeq(block, "\n") {
		sig, err := ParseSignature(line)
		if err != nil {
			return fail(err)
		}
		if seen[sig.signer()] {
			return fail(fmt.Errorf("%w note: two signatures of %s", ErrFormat, sig.signer()))
		}
		seen[sig.signer()] = true
		sigs = append(sigs, sig)
	}
	return c, sigs, nil
}

// Open reads a signed note, verifies every signature of a known key over it and
// returns the checkpoint. The errors say what is wrong: ErrFormat, ErrOrigin if
// the checkpoint is of another log than origin, ErrSignature if a known key's
// signature is invalid (then nothing of the note is believed), ErrUnsigned if
// no known key signed. It does not count signatures: that is a Policy's matter.
func Open(msg []byte, origin string, known ...Key) (*SignedCheckpoint, error) {
	c, sigs, err := Read(msg)
	if err != nil {
		return nil, err
	}
	if c.Origin != origin {
		return nil, fmt.Errorf("%w: its origin is %q, not %q", ErrOrigin, c.Origin, origin)
	}
	byName := make(map[string]Key, len(known))
	for _, k := range known {
		id := Signature{Name: k.name, KeyID: k.ID()}.signer()
		if other, ok := byName[id]; ok && other != k {
			return nil, fmt.Errorf("%w: two known keys are called %s", ErrKey, id)
		}
		byName[id] = k
	}
	signed := &SignedCheckpoint{Checkpoint: c}
	text := c.Text()
	for _, sig := range sigs {
		key, ok := byName[sig.signer()]
		if !ok {
			signed.Unknown = append(signed.Unknown, sig)
			continue
		}
		if !key.verify(text, sig.Bytes) {
			return nil, fmt.Errorf("%w of %s", ErrSignature, sig.signer())
		}
		v := Verified{Key: key}
		if key.typ == TypeCosignature {
			v.Unix = int64(binary.BigEndian.Uint64(sig.Bytes))
		}
		signed.Signatures = append(signed.Signatures, v)
	}
	if len(signed.Signatures) == 0 {
		return nil, fmt.Errorf("%w on the checkpoint of %q", ErrUnsigned, origin)
	}
	return signed, nil
}
