package oprf

import (
	"fmt"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Request is a batch of inputs on its way: what goes to the holders, and what only
// the asker knows.
type Request struct {
	Blinded []Element

	points []*curve.RistrettoPoint
	inputs [][]byte
	blinds []*scalar.Scalar
}

// Blind prepares a batch: RFC 9497 section 3.3.1.
func Blind(inputs [][]byte) (*Request, error) {
	if len(inputs) == 0 || len(inputs) > MaxBatch {
		return nil, ErrBatch
	}
	blinds := make([]*scalar.Scalar, len(inputs))
	for i := range blinds {
		var err error
		if blinds[i], err = randomScalar(); err != nil {
			return nil, err
		}
	}
	return blindWith(inputs, blinds)
}

func blindWith(inputs [][]byte, blinds []*scalar.Scalar) (*Request, error) {
	r := &Request{points: make([]*curve.RistrettoPoint, len(inputs)), inputs: inputs, blinds: blinds}
	for i, in := range inputs {
		p, err := hashToGroup(in)
		if err != nil {
			return nil, err
		}
		r.points[i] = times(blinds[i], p)
	}
	r.Blinded = encodings(r.points)
	return r, nil
}

// Partial is one holder's evaluation.
type Partial struct {
	Holder int // from 1
	Evaluation

	of     *Request                // for which it is known to be right
	points []*curve.RistrettoPoint // its elements then
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

func (g *Group) verify(r *Request, p Partial) ([]*curve.RistrettoPoint, error) {
	if p.of == r {
		return p.points, nil
	}
	public, err := g.holder(p.Holder)
	if err != nil {
		return nil, err
	}
	out, err := points(p.Elements)
	if err != nil || len(out) != len(r.points) || !proven(public, r.points, out, r.Blinded, p.Elements, p.Proof) {
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
	holders, seen := make([]int, k), map[int]bool{}
	for i, p := range partials {
		if seen[p.Holder] {
			return nil, ErrFew
		}
		holders[i], seen[p.Holder] = p.Holder, true
	}
	parts := make([][]*curve.RistrettoPoint, k)
	for i, p := range partials {
		var err error
		if parts[i], err = g.verify(r, p); err != nil {
			return nil, err
		}
	}
	if k == 1 {
		return r.finish(parts[0])
	}
	// Lagrange's rule in the exponent, by numbers that everybody knows.
	weights, row := make([]*scalar.Scalar, k), make([]*curve.RistrettoPoint, k)
	for i, h := range holders {
		weights[i] = lagrange(h, holders)
	}
	sum := make([]*curve.RistrettoPoint, len(r.points))
	for j := range sum {
		for i := range parts {
			row[i] = parts[i][j]
		}
		sum[j] = curve.NewRistrettoPoint().MultiscalarMulVartime(weights, row)
	}
	return r.finish(sum)
}

// finish takes the blinding away and hashes: RFC 9497 section 3.3.1, Finalize.
func (r *Request) finish(evaluated []*curve.RistrettoPoint) ([][]byte, error) {
	inverse := make([]*scalar.Scalar, len(r.blinds))
	for i, b := range r.blinds {
		inverse[i] = scalar.New().Set(b)
	}
	scalar.New().BatchInvert(inverse)
	out := make([][]byte, len(evaluated))
	for i, e := range evaluated {
		if e.IsIdentity() {
			return nil, ErrElement
		}
		out[i] = finalize(r.inputs[i], encode(times(inverse[i], e)))
	}
	return out, nil
}
