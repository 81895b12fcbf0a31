package keys

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"io"
	"log/slog"
	"math/big"
)

// secretSize is the length of every private key's bytes: an Ed25519 seed or a
// P-256 scalar.
const secretSize = 32

// Private is a private key for one use. It shows use and kid and never its
// secret, whatever prints or encodes it. The zero Private is no key.
type Private struct{ k *private }

// private and secret are each behind a pointer. Package fmt prints unexported
// members by reflection, without asking their methods, and stops at the first
// pointer, but at the second when the verb does not suit (%s prints an error
// with the pointer followed once). Beyond two it never looks.
type private struct {
	public Public
	secret *secret
}

type secret struct {
	ed ed25519.PrivateKey
	ec *ecdsa.PrivateKey
}

// Generate makes a key from 32 bytes of random; nil means crypto/rand.Reader.
// The same bytes make the same key, which is for tests.
func Generate(use Use, random io.Reader) (Private, error) {
	if _, err := ParseUse(string(use)); err != nil {
		return Private{}, err
	}
	if random == nil {
		random = rand.Reader
	}
	b := make([]byte, secretSize)
	defer clear(b)
	for {
		if _, err := io.ReadFull(random, b); err != nil {
			return Private{}, fmt.Errorf("keys: reading randomness: %w", err)
		}
		// Zero and values from the group order of P-256 up are no scalars; they
		// turn up once in 2^32 and are drawn again.
		if k, err := FromBytes(use, b); err == nil {
			return k, nil
		}
	}
}

// FromBytes is the reverse of Bytes; for the key store only.
func FromBytes(use Use, b []byte) (Private, error) {
	if len(b) != secretSize {
		return Private{}, fmt.Errorf("%w: a private key has %d bytes", ErrKey, secretSize)
	}
	switch use.Alg() {
	case EdDSA:
		ed := ed25519.NewKeyFromSeed(b)
		public, err := fromEd25519(use, ed.Public().(ed25519.PublicKey))
		if err != nil {
			return Private{}, err
		}
		return Private{&private{public, &secret{ed: ed}}}, nil
	case ES256, ECDHES:
		ec, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
		if err != nil {
			return Private{}, fmt.Errorf("%w: not a P-256 scalar", ErrKey)
		}
		point, err := ec.PublicKey.Bytes()
		if err != nil {
			return Private{}, fmt.Errorf("%w: not a P-256 key", ErrKey)
		}
		public, err := fromPoint(use, point)
		if err != nil {
			return Private{}, err
		}
		return Private{&private{public, &secret{ec: ec}}}, nil
	}
	return Private{}, fmt.Errorf("%w: unknown use", ErrKey)
}

// Bytes is the secret itself, 32 bytes; for the key store only.
func (p Private) Bytes() ([]byte, error) {
	switch {
	case p.k == nil:
		return nil, fmt.Errorf("%w: no key", ErrKey)
	case p.k.secret.ed != nil:
		return p.k.secret.ed.Seed(), nil
	default:
		return p.k.secret.ec.Bytes()
	}
}

// Public is the public half.
func (p Private) Public() Public {
	if p.k == nil {
		return Public{}
	}
	return p.k.public
}

// Use says what the key is for.
func (p Private) Use() Use { return p.Public().Use() }

// KID is the id of the key pair.
func (p Private) KID() string { return p.Public().KID() }

// IsZero tells whether there is no key.
func (p Private) IsZero() bool { return p.k == nil }

// Sign signs the message, 64 bytes. Both algorithms are deterministic (RFC 8032,
// RFC 6979): signing needs no randomness that could fail or repeat, and signing
// a statement twice gives the same statement.
func (p Private) Sign(message []byte) ([]byte, error) {
	switch p.Public().Alg() {
	case EdDSA:
		return ed25519.Sign(p.k.secret.ed, message), nil
	case ES256:
		digest := sha256.Sum256(message)
		der, err := p.k.secret.ec.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("keys: signing: %w", err)
		}
		var pair struct{ R, S *big.Int }
		if rest, err := asn1.Unmarshal(der, &pair); err != nil || len(rest) != 0 {
			return nil, fmt.Errorf("keys: signing: %w", ErrSignature)
		}
		sig := make([]byte, SignatureSize)
		pair.R.FillBytes(sig[:32])
		pair.S.FillBytes(sig[32:])
		return sig, nil
	}
	return nil, fmt.Errorf("%w: signing", ErrUse)
}

// ECDH agrees on a secret with a peer's seal key, or with an ephemeral key in
// that form: the x coordinate, 32 bytes. Both keys must be for Seal.
func (p Private) ECDH(peer Public) ([]byte, error) {
	if p.Use() != Seal || peer.Use() != Seal {
		return nil, fmt.Errorf("%w: key agreement", ErrUse)
	}
	ours, err := p.k.secret.ec.ECDH()
	if err != nil {
		return nil, fmt.Errorf("keys: key agreement: %w", ErrKey)
	}
	var theirs *ecdh.PublicKey
	if theirs, err = peer.k.ec.ECDH(); err != nil {
		return nil, fmt.Errorf("keys: key agreement: %w", ErrKey)
	}
	shared, err := ours.ECDH(theirs)
	if err != nil {
		return nil, fmt.Errorf("keys: key agreement: %w", ErrKey)
	}
	return shared, nil
}

// Ed25519 is the private key for crypto/tls and signed notes; nil when the key
// is of another algorithm. The caller owns it and keeps it out of sight.
func (p Private) Ed25519() ed25519.PrivateKey {
	if p.k == nil || p.k.secret.ed == nil {
		return nil
	}
	return append(ed25519.PrivateKey(nil), p.k.secret.ed...)
}

// ECDSA is the private key for JWE decryption; nil when the key is of another
// algorithm. The caller owns it and keeps it out of sight.
func (p Private) ECDSA() *ecdsa.PrivateKey {
	if p.k == nil || p.k.secret.ec == nil {
		return nil
	}
	b, err := p.k.secret.ec.Bytes()
	if err != nil {
		return nil
	}
	copied, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), b)
	if err != nil {
		return nil
	}
	return copied
}

// String names use and kid.
func (p Private) String() string {
	if p.k == nil {
		return "keys.Private(none)"
	}
	return fmt.Sprintf("keys.Private(%s %s)", p.Use(), p.KID())
}

// Format prints String for every verb, so that no verb reaches the secret.
func (p Private) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.String()) }

// GoString is String.
func (p Private) GoString() string { return p.String() }

// MarshalJSON gives String as a JSON string: a private key has no JSON form.
func (p Private) MarshalJSON() ([]byte, error) { return []byte(`"` + p.String() + `"`), nil }

// LogValue is String, for log/slog.
func (p Private) LogValue() slog.Value { return slog.StringValue(p.String()) }
