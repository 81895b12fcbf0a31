package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

// Errors of this package. Their texts hold no key material.
var (
	ErrKey       = errors.New("keys: not an acceptable key")
	ErrSignature = errors.New("keys: signature does not verify")
	ErrUse       = errors.New("keys: the key is not for this use")
)

// maxPublic bounds the JSON form of a public key; real ones have about 250 bytes.
const maxPublic = 1024

// Public is the public half of a member's key: an immutable value, safe for
// concurrent use and cheap to copy. The zero Public is no key: it verifies
// nothing and has no JSON form.
type Public struct{ k *public }

type public struct {
	use Use
	kid string
	jwk string // exactly the thumbprint input of RFC 7638
	ed  *voi.ExpandedPublicKey
	ec  *ecdsa.PublicKey // attest, release and seal
}

// KID is the base64url RFC 7638 thumbprint: 43 characters.
func (p Public) KID() string {
	if p.k == nil {
		return ""
	}
	return p.k.kid
}

// Use says what the key is for.
func (p Public) Use() Use {
	if p.k == nil {
		return ""
	}
	return p.k.use
}

// Alg is the algorithm that the use fixes.
func (p Public) Alg() Alg { return p.Use().Alg() }

// JWK is the key as a JSON Web Key (RFC 7517) of its required members only, in
// the canonical form of RFC 7638. The caller owns the bytes.
func (p Public) JWK() []byte {
	if p.k == nil {
		return nil
	}
	return []byte(p.k.jwk)
}

// HasJWK tells whether the JSON Web Key b, of any spelling FromJWK takes for
// the same use, is this key.
func (p Public) HasJWK(b []byte) bool {
	if p.k == nil || string(b) == p.k.jwk {
		return p.k != nil
	}
	other, err := FromJWK(p.k.use, b)
	return err == nil && other.Equal(p)
}

// IsZero tells whether there is no key.
func (p Public) IsZero() bool { return p.k == nil }

// Equal tells whether both are the same key for the same use.
func (p Public) Equal(q Public) bool {
	if p.k == nil || q.k == nil {
		return p.k == q.k
	}
	return p.k.use == q.k.use && p.k.jwk == q.k.jwk
}

// Ed25519 is the key for certificates and signed notes; nil when the key is of
// another algorithm. Signatures on statements are verified with Verify, whose
// edge rules differ from those of crypto/ed25519.
func (p Public) Ed25519() ed25519.PublicKey {
	if p.k == nil || p.k.ed == nil {
		return nil
	}
	y := p.k.ed.CompressedY()
	return append(ed25519.PublicKey(nil), y[:]...)
}

// ECDSA is the P-256 point for key agreement and for JOSE libraries; nil when
// the key is of another algorithm. The caller owns it.
func (p Public) ECDSA() *ecdsa.PublicKey {
	if p.k == nil || p.k.ec == nil {
		return nil
	}
	b, err := p.k.ec.Bytes()
	if err != nil {
		return nil
	}
	copied, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		return nil
	}
	return copied
}

// String names use and kid.
func (p Public) String() string {
	if p.k == nil {
		return "keys.Public(none)"
	}
	return fmt.Sprintf("keys.Public(%s %s)", p.k.use, p.k.kid)
}

// envelope is the JSON form of a public key.
type envelope struct {
	KID string          `json:"kid"`
	Use Use             `json:"use"`
	Alg Alg             `json:"alg"`
	JWK json.RawMessage `json:"jwk"`
}

// okpJWK and ecJWK have the required members of RFC 8037 section 2 and RFC 7638
// section 3.2, and no others.
type okpJWK struct {
	Crv string `json:"crv"`
	Kty string `json:"kty"`
	X   string `json:"x"`
}

type ecJWK struct {
	Crv string `json:"crv"`
	Kty string `json:"kty"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// MarshalJSON gives {"kid","use","alg","jwk"}.
func (p Public) MarshalJSON() ([]byte, error) {
	if p.k == nil {
		return nil, fmt.Errorf("%w: no key", ErrKey)
	}
	return fmt.Appendf(nil, `{"kid":"%s","use":"%s","alg":"%s","jwk":%s}`, p.k.kid, p.k.use, p.Alg(), p.k.jwk), nil
}

// UnmarshalJSON is ParsePublic.
func (p *Public) UnmarshalJSON(b []byte) error {
	parsed, err := ParsePublic(b)
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// ParsePublic reads the JSON form of a public key. It refuses unknown members,
// uses, algorithms and curves, an algorithm that is not the one of the use, a
// kid that is not the key's thumbprint, and points that FromJWK refuses.
func ParsePublic(b []byte) (Public, error) {
	if len(b) > maxPublic {
		return Public{}, fmt.Errorf("%w: too long", ErrKey)
	}
	var e envelope
	if err := strictjson.Unmarshal(b, &e); err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if _, err := ParseUse(string(e.Use)); err != nil {
		return Public{}, err
	}
	if e.Alg != e.Use.Alg() {
		return Public{}, fmt.Errorf("%w: the algorithm is not the one of the use", ErrKey)
	}
	p, err := FromJWK(e.Use, e.JWK)
	if err != nil {
		return Public{}, err
	}
	if e.KID != p.KID() {
		return Public{}, fmt.Errorf("%w: kid is not the thumbprint", ErrKey)
	}
	return p, nil
}

// FromJWK reads a bare JSON Web Key of exactly its required members for the
// given use, as in the confirmation claim cnf (RFC 7800). The point must be on
// the use's curve and canonically encoded; Ed25519 points of small order are
// refused, because such a key verifies signatures nobody made.
func FromJWK(use Use, b []byte) (Public, error) {
	if len(b) > maxPublic {
		return Public{}, fmt.Errorf("%w: too long", ErrKey)
	}
	switch use.Alg() {
	case EdDSA:
		return parseOKP(use, b)
	case ES256, ECDHES:
		return parseEC(use, b)
	}
	return Public{}, fmt.Errorf("%w: unknown use", ErrKey)
}

func parseOKP(use Use, b []byte) (Public, error) {
	var k okpJWK
	if err := strictjson.Unmarshal(b, &k); err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if k.Kty != "OKP" || k.Crv != "Ed25519" {
		return Public{}, fmt.Errorf("%w: want an Ed25519 key", ErrKey)
	}
	x, err := coordinate(k.X)
	if err != nil {
		return Public{}, err
	}
	return fromEd25519(use, x)
}

func parseEC(use Use, b []byte) (Public, error) {
	var k ecJWK
	if err := strictjson.Unmarshal(b, &k); err != nil {
		return Public{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if k.Kty != "EC" || k.Crv != "P-256" {
		return Public{}, fmt.Errorf("%w: want a P-256 key", ErrKey)
	}
	x, err := coordinate(k.X)
	if err != nil {
		return Public{}, err
	}
	y, err := coordinate(k.Y)
	if err != nil {
		return Public{}, err
	}
	return fromPoint(use, slices.Concat([]byte{4}, x, y))
}

func coordinate(s string) ([]byte, error) {
	b, err := b64url.Decode(s)
	if err != nil || len(b) != 32 {
		return nil, fmt.Errorf("%w: coordinate is not 32 bytes of base64url", ErrKey)
	}
	return b, nil
}

func fromEd25519(use Use, raw []byte) (Public, error) {
	if !soundEd25519(raw) {
		return Public{}, fmt.Errorf("%w: not a sound Ed25519 point", ErrKey)
	}
	expanded, err := voi.NewExpandedPublicKey(raw)
	if err != nil {
		return Public{}, fmt.Errorf("%w: not an Ed25519 point", ErrKey)
	}
	return finish(&public{use: use, ed: expanded,
		jwk: fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, b64url.Encode(raw))}), nil
}

// fromPoint takes an uncompressed point (SEC 1 section 2.3.3).
func fromPoint(use Use, point []byte) (Public, error) {
	ec, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return Public{}, fmt.Errorf("%w: not a point of P-256", ErrKey)
	}
	return finish(&public{use: use, ec: ec,
		jwk: fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, b64url.Encode(point[1:33]), b64url.Encode(point[33:]))}), nil
}

func finish(k *public) Public {
	sum := sha256.Sum256([]byte(k.jwk))
	k.kid = b64url.Encode(sum[:])
	return Public{k}
}
