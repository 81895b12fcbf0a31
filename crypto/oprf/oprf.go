// Package oprf is the verifiable oblivious pseudo-random function of RFC 9497 (mode
// VOPRF, suite ristretto255-SHA512) by which identity numbers become blinded ids,
// with its key whole or split among holders.
//
// Who asks blinds a number with a random scalar, so a holder learns nothing of it;
// a holder multiplies by its key and proves with a DLEQ proof that it was that key;
// who asks takes the blinding away and hashes. Without the holders nobody can try
// numbers; with them everybody is counted.
//
// # A split key
//
// The key is f(0) of a polynomial of degree k−1, a holder's share f(i), and the public
// [Group] the polynomial's coefficients times the generator (Feldman). A share
// evaluates like a key and proves it against its own public key, which everybody
// computes from the group. k good partials, weighted with Lagrange's coefficients in
// the exponent, are the whole key's evaluation, so the ids are the same; nobody puts
// the key together for it. A single key is a group of threshold 1.
//
// A wrong partial does not fit its proof and names its sender. k−1 holders have
// nothing: for every key there is a polynomial through their shares.
//
// ristretto255 (RFC 9496) and not P-256: an element is 32 bytes and has one encoding.
// See DESIGN.md for what an id is, for epochs, and for why the protocol is written here
// over a fast group and held against circl's.
package oprf

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Sizes and bounds.
const (
	KeySize     = 32
	ElementSize = 32
	ProofSize   = 64
	OutputSize  = 64
	MaxBatch    = 1000 // inputs of one evaluation
	MaxInput    = 1024 // bytes
	MaxHolders  = 32
)

// Suite is the name of the ciphersuite, as RFC 9497 writes it.
const Suite = "ristretto255-SHA512"

// The errors. None holds an input, a key or a share.
var (
	ErrKey     = errors.New("oprf: not a key")
	ErrElement = errors.New("oprf: not an element of the group, or its identity")
	ErrBatch   = errors.New("oprf: the batch is empty or too large, or an input is")
	ErrGroup   = errors.New("oprf: not a group of holders")
	ErrPartial = errors.New("oprf: the evaluation is not by the holder's share")
	ErrFew     = errors.New("oprf: fewer evaluations than the threshold")
)

// Element is an element of the group in its one encoding.
type Element [ElementSize]byte

func (e Element) point() (*curve.RistrettoPoint, error) {
	p, err := curve.NewRistrettoPoint().SetCompressed((*curve.CompressedRistretto)(&e))
	if err != nil || p.IsIdentity() {
		return nil, ErrElement
	}
	return p, nil
}

func encode(p *curve.RistrettoPoint) Element {
	var e curve.CompressedRistretto
	e.SetRistrettoPoint(p)
	return Element(e)
}

func points(all []Element) ([]*curve.RistrettoPoint, error) {
	if len(all) == 0 || len(all) > MaxBatch {
		return nil, ErrBatch
	}
	out := make([]*curve.RistrettoPoint, len(all))
	for i, e := range all {
		var err error
		if out[i], err = e.point(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func encodings(all []*curve.RistrettoPoint) []Element {
	out := make([]Element, len(all))
	for i, p := range all {
		out[i] = encode(p)
	}
	return out
}

// times is a scalar times an element, in a time that depends on neither.
func times(s *scalar.Scalar, p *curve.RistrettoPoint) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().Mul(p, s)
}

// timesBase is a scalar times the generator, likewise.
func timesBase(s *scalar.Scalar) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().MulBasepoint(curve.RISTRETTO_BASEPOINT_TABLE, s)
}

func plus(a, b *curve.RistrettoPoint) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().Add(a, b)
}

func randomScalar() (*scalar.Scalar, error) {
	for {
		s, err := scalar.New().SetRandom(rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("oprf: %w", err)
		}
		if !zero(s) {
			return s, nil
		}
	}
}

func zero(s *scalar.Scalar) bool { return s.Equal(scalar.New()) == 1 }

// Key is a key, or a holder's share of one.
type Key struct {
	scalar *scalar.Scalar
	public *curve.RistrettoPoint
}

// NewKey makes a random key.
func NewKey() (*Key, error) {
	s, err := randomScalar()
	if err != nil {
		return nil, err
	}
	return keyOf(s)
}

// ParseKey reads a key's 32 bytes.
func ParseKey(raw []byte) (*Key, error) {
	if len(raw) != KeySize {
		return nil, ErrKey
	}
	s, err := scalar.NewFromCanonicalBytes(raw)
	if err != nil {
		return nil, ErrKey
	}
	return keyOf(s)
}

func keyOf(s *scalar.Scalar) (*Key, error) {
	if zero(s) {
		return nil, ErrKey
	}
	return &Key{scalar: s, public: timesBase(s)}, nil
}

// Bytes are the key's 32 bytes, secret.
func (k *Key) Bytes() ([]byte, error) { return k.scalar.MarshalBinary() }

// Public is the key times the generator.
func (k *Key) Public() Element { return encode(k.public) }

// Format keeps the key out of every fmt verb, LogValue out of slog.
func (k *Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, "oprf.Key") }

// LogValue is the type's name.
func (k *Key) LogValue() slog.Value { return slog.StringValue("oprf.Key") }

// Evaluation is what a holder makes of a batch of blinded elements: each times its
// key, and one proof for all.
type Evaluation struct {
	Elements []Element
	Proof    []byte
}

// Evaluate is a holder's side (RFC 9497 section 3.3.2, BlindEvaluate). It refuses what is
// no element before it multiplies.
func (k *Key) Evaluate(blinded []Element) (Evaluation, error) {
	in, err := points(blinded)
	if err != nil {
		return Evaluation{}, err
	}
	out := Evaluation{Elements: make([]Element, len(in))}
	for i, p := range in {
		out.Elements[i] = encode(times(k.scalar, p))
	}
	r, err := randomScalar()
	if err != nil {
		return Evaluation{}, err
	}
	out.Proof = k.prove(in, blinded, out.Elements, r)
	return out, nil
}

// Own is what a holder makes of its own request: no proof is needed of what it did
// itself. Whoever calls it has held the share against the group ([Group.Holds]).
func (k *Key) Own(r *Request, holder int) Partial {
	p := Partial{Holder: holder, of: r, points: make([]*curve.RistrettoPoint, len(r.points))}
	for i, b := range r.points {
		p.points[i] = times(k.scalar, b)
	}
	return p
}

// Outputs are the function's outputs under a whole key, for whoever holds it: nobody is
// asked, so nothing is blinded or proven.
func (k *Key) Outputs(inputs [][]byte) ([][]byte, error) {
	out := make([][]byte, len(inputs))
	for i, in := range inputs {
		p, err := hashToGroup(in)
		if err != nil {
			return nil, err
		}
		out[i] = finalize(in, encode(times(k.scalar, p)))
	}
	return out, nil
}

// DecodeElements reads elements in base64url, as many as one batch may have. Whether
// they are of the group is seen when they are used.
func DecodeElements(texts []string) ([]Element, error) {
	if len(texts) == 0 || len(texts) > MaxBatch {
		return nil, ErrBatch
	}
	out := make([]Element, len(texts))
	for i, s := range texts {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil || len(raw) != ElementSize {
			return nil, ErrElement
		}
		out[i] = Element(raw)
	}
	return out, nil
}

// DecodeEvaluation reads an evaluation and its proof in base64url.
func DecodeEvaluation(elements []string, proof string) (e Evaluation, err error) {
	if e.Elements, err = DecodeElements(elements); err != nil {
		return e, err
	}
	if e.Proof, err = base64.RawURLEncoding.Strict().DecodeString(proof); err == nil && len(e.Proof) != ProofSize {
		err = ErrElement
	}
	return e, err
}
