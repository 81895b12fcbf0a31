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
// ristretto255 and not P-256: circl's P-256 is not constant in time in the key. See
// DESIGN.md for what an id is, and for epochs.
package oprf

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"github.com/cloudflare/circl/group"
	circl "github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"
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

var (
	suite = circl.SuiteRistretto255
	curve = group.Ristretto255
	proof = dleq.Params{G: curve, H: suite.Hash(), DST: []byte("OPRFV1-\x01-" + Suite)}
)

// Element is an element of the group in its one encoding.
type Element [ElementSize]byte

func (e Element) point() (group.Element, error) {
	p := curve.NewElement()
	if err := p.UnmarshalBinary(e[:]); err != nil || p.IsIdentity() {
		return nil, ErrElement
	}
	return p, nil
}

func encode(p group.Element) (e Element, err error) {
	raw, err := p.MarshalBinaryCompress()
	if err != nil || len(raw) != ElementSize {
		return e, ErrElement
	}
	return Element(raw), nil
}

func points(all []Element) ([]group.Element, error) {
	if len(all) == 0 || len(all) > MaxBatch {
		return nil, ErrBatch
	}
	out := make([]group.Element, len(all))
	for i, e := range all {
		var err error
		if out[i], err = e.point(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func encodings(all []group.Element) ([]Element, error) {
	out := make([]Element, len(all))
	for i, p := range all {
		var err error
		if out[i], err = encode(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Key is a key, or a holder's share of one.
type Key struct {
	scalar group.Scalar
	server circl.VerifiableServer
}

// NewKey makes a random key.
func NewKey() (*Key, error) { return keyOf(curve.RandomNonZeroScalar(rand.Reader)) }

// ParseKey reads a key's 32 bytes.
func ParseKey(raw []byte) (*Key, error) {
	s := curve.NewScalar()
	if len(raw) != KeySize || s.UnmarshalBinary(raw) != nil || s.IsZero() {
		return nil, ErrKey
	}
	if again, err := s.MarshalBinary(); err != nil || string(again) != string(raw) { // one encoding
		return nil, ErrKey
	}
	return keyOf(s)
}

func keyOf(s group.Scalar) (*Key, error) {
	raw, err := s.MarshalBinary()
	if err != nil || s.IsZero() {
		return nil, ErrKey
	}
	private := new(circl.PrivateKey)
	if err := private.UnmarshalBinary(suite, raw); err != nil {
		return nil, ErrKey
	}
	return &Key{scalar: s, server: circl.NewVerifiableServer(suite, private)}, nil
}

// Bytes are the key's 32 bytes, secret.
func (k *Key) Bytes() ([]byte, error) { return k.scalar.MarshalBinary() }

// Public is the key times the generator.
func (k *Key) Public() (Element, error) { return encode(curve.NewElement().MulGen(k.scalar)) }

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

// Evaluate is a holder's side. It refuses what is no element before it multiplies.
func (k *Key) Evaluate(blinded []Element) (Evaluation, error) {
	in, err := points(blinded)
	if err != nil {
		return Evaluation{}, err
	}
	done, err := k.server.Evaluate(&circl.EvaluationRequest{Elements: in})
	if err != nil {
		return Evaluation{}, fmt.Errorf("oprf: %w", err)
	}
	var out Evaluation
	if out.Elements, err = encodings(done.Elements); err != nil {
		return Evaluation{}, err
	}
	out.Proof, err = done.Proof.MarshalBinary()
	return out, err
}

// Own is what a holder makes of its own request: no proof is needed of what it did
// itself. Whoever calls it has held the share against the group ([Group.Holds]).
func (k *Key) Own(r *Request, holder int) Partial {
	p := Partial{Holder: holder, of: r, points: make([]group.Element, len(r.points))}
	for i, b := range r.points {
		p.points[i] = curve.NewElement().Mul(b, k.scalar)
	}
	return p
}

// Outputs are the function's outputs under a whole key, for whoever holds it: nobody is
// asked, so nothing is blinded or proven.
func (k *Key) Outputs(inputs [][]byte) ([][]byte, error) {
	out := make([][]byte, len(inputs))
	for i, in := range inputs {
		if len(in) > MaxInput {
			return nil, ErrBatch
		}
		var err error
		if out[i], err = k.server.FullEvaluate(in); err != nil {
			return nil, fmt.Errorf("oprf: %w", err)
		}
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

// Request is a batch of inputs on its way: what goes to the holders, and what only
// the asker knows.
type Request struct {
	Blinded []Element

	points []group.Element
	inputs [][]byte
	blinds []group.Scalar
}

// Blind prepares a batch.
func Blind(inputs [][]byte) (*Request, error) {
	for _, in := range inputs {
		if len(in) > MaxInput {
			return nil, ErrBatch
		}
	}
	if len(inputs) == 0 || len(inputs) > MaxBatch {
		return nil, ErrBatch
	}
	// The verifiable client's domain needs some server's key; blinding does not use it.
	fin, req, err := client.Blind(inputs)
	if err != nil {
		return nil, ErrBatch
	}
	return request(inputs, fin, req)
}

func request(inputs [][]byte, fin *circl.FinalizeData, req *circl.EvaluationRequest) (*Request, error) {
	out := &Request{points: req.Elements, inputs: inputs, blinds: fin.CopyBlinds()}
	var err error
	out.Blinded, err = encodings(req.Elements)
	return out, err
}

var client = func() circl.VerifiableClient {
	private := new(circl.PrivateKey)
	one := make([]byte, KeySize)
	one[0] = 1
	if err := private.UnmarshalBinary(suite, one); err != nil {
		panic(err)
	}
	return circl.NewVerifiableClient(suite, private.Public())
}()

// Partial is one holder's evaluation.
type Partial struct {
	Holder int // from 1
	Evaluation

	of     *Request        // for which it is known to be right
	points []group.Element // its elements then
}

// WrongPartial says whose evaluation is wrong.
type WrongPartial struct{ Holder int }

func (e WrongPartial) Error() string {
	return fmt.Sprintf("%v: holder %d", ErrPartial, e.Holder)
}

// Unwrap is ErrPartial.
func (e WrongPartial) Unwrap() error { return ErrPartial }

// Verify judges one holder's evaluation of a request. Finish does not judge again what
// held.
func (g *Group) Verify(r *Request, p *Partial) error {
	points, err := g.verify(r, *p)
	if err == nil {
		p.of, p.points = r, points
	}
	return err
}

func (g *Group) verify(r *Request, p Partial) ([]group.Element, error) {
	if p.of == r {
		return p.points, nil
	}
	public, err := g.holder(p.Holder)
	if err != nil {
		return nil, err
	}
	out, err := points(p.Elements)
	var pf dleq.Proof
	if err != nil || len(out) != len(r.points) || len(p.Proof) != ProofSize || pf.UnmarshalBinary(curve, p.Proof) != nil ||
		!(dleq.Verifier{Params: proof}).VerifyBatchRFC9497(public, r.points, out, &pf) {
		return nil, WrongPartial{p.Holder}
	}
	return out, nil
}

// Finish puts the evaluations of k different holders together: the outputs of the
// function under the whole key. More than k are not looked at. A wrong one is named
// by a [WrongPartial].
func (g *Group) Finish(r *Request, partials []Partial) ([][]byte, error) {
	k := len(g.commitment)
	if len(partials) < k {
		return nil, ErrFew
	}
	partials = partials[:k]
	holders := make([]int, k)
	for i, p := range partials {
		holders[i] = p.Holder
	}
	seen := map[int]bool{}
	sum := make([]group.Element, len(r.points))
	for _, p := range partials {
		if seen[p.Holder] {
			return nil, ErrFew
		}
		seen[p.Holder] = true
		part, err := g.verify(r, p)
		if err != nil {
			return nil, err
		}
		weight := lagrange(p.Holder, holders)
		for i, share := range part {
			if k > 1 {
				share = curve.NewElement().Mul(share, weight)
			}
			if sum[i] != nil {
				share = curve.NewElement().Add(sum[i], share)
			}
			sum[i] = share
		}
	}
	return r.finalize(sum)
}

// lagrange is the weight of a holder's share among those of all, at 0.
func lagrange(holder int, all []int) group.Scalar {
	own := curve.NewScalar().SetUint64(uint64(holder))
	above, below := curve.NewScalar().SetUint64(1), curve.NewScalar().SetUint64(1)
	for _, h := range all {
		if h == holder {
			continue
		}
		other := curve.NewScalar().SetUint64(uint64(h))
		above = curve.NewScalar().Mul(above, other)
		below = curve.NewScalar().Mul(below, curve.NewScalar().Sub(other, own))
	}
	return curve.NewScalar().Mul(above, curve.NewScalar().Inv(below))
}

// finalize takes the blinding away and hashes: RFC 9497 section 3.3.1, Finalize.
func (r *Request) finalize(evaluated []group.Element) ([][]byte, error) {
	out := make([][]byte, len(evaluated))
	for i, e := range evaluated {
		if e.IsIdentity() {
			return nil, ErrElement
		}
		plain, err := encode(curve.NewElement().Mul(e, curve.NewScalar().Inv(r.blinds[i])))
		if err != nil {
			return nil, err
		}
		h := sha512.New()
		h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(r.inputs[i]))))
		h.Write(r.inputs[i])
		h.Write(binary.BigEndian.AppendUint16(nil, ElementSize))
		h.Write(plain[:])
		h.Write([]byte("Finalize"))
		out[i] = h.Sum(nil)
	}
	return out, nil
}

// Group is the public side of a key, whole or split: whom to believe.
type Group struct {
	commitment []group.Element // coefficients times the generator; the first is the public key
	holders    int
	publics    []group.Element // of the holders
}

// NewGroup reads a group of n holders, any len(commitment) of whom evaluate.
func NewGroup(commitment []Element, n int) (*Group, error) {
	if len(commitment) < 1 || len(commitment) > n || n > MaxHolders || len(commitment) == 1 && n != 1 {
		return nil, ErrGroup // a threshold of one would give each of many the whole key
	}
	c, err := points(commitment)
	if err != nil {
		return nil, ErrGroup
	}
	g := &Group{commitment: c, holders: n}
	for i := 1; i <= n; i++ {
		sum := evaluated(c, i)
		if sum.IsIdentity() {
			return nil, ErrGroup
		}
		g.publics = append(g.publics, sum)
	}
	return g, nil
}

// Threshold is k.
func (g *Group) Threshold() int { return len(g.commitment) }

func (g *Group) holder(i int) (group.Element, error) {
	if i < 1 || i > g.holders {
		return nil, ErrGroup
	}
	return g.publics[i-1], nil
}

// Holds says whether a share is the holder's.
func (g *Group) Holds(i int, share *Key) bool {
	public, err := g.holder(i)
	return err == nil && share != nil && curve.NewElement().MulGen(share.scalar).IsEqual(public)
}

// Split shares a key among n holders, any k of whom evaluate, 2 ≤ k ≤ n. The first
// element of the commitment stays the key's public key, so the ids stay the same.
func Split(key *Key, k, n int) (commitment []Element, shares []*Key, err error) {
	return Deal(key, k, n, rand.Reader)
}
