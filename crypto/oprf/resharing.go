package oprf

import (
	"fmt"
	"io"
	"slices"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/math/polynomial"
)

// A split key changes hands without being put together: k of its holders each split
// their share anew among the next holders (Desmedt and Jajodia's redistribution with
// Feldman's commitments). What a holder of the next group gets of each is weighted with
// Lagrange's coefficients and added up; the first element of the commitment is the same
// as before, and so are the ids. A whole key is given on in the same way, by its one
// holder.

// Deal splits a key, or a holder's share of one, among n next holders, any k of whom
// evaluate, 2 ≤ k ≤ n. Equal bytes of random make an equal dealing.
func Deal(share *Key, k, n int, random io.Reader) (commitment []Element, parts []*Key, err error) {
	if k < 2 || k > n || n > MaxHolders {
		return nil, nil, ErrGroup
	}
	f := make([]group.Scalar, k) // the polynomial; circl's own dealing does not take its coefficients from random
	f[0] = share.scalar
	for i := 1; i < k; i++ {
		var seed [64]byte
		if _, err := io.ReadFull(random, seed[:]); err != nil {
			return nil, nil, fmt.Errorf("oprf: %w", err)
		}
		f[i] = curve.HashToScalar(seed[:], []byte("accord-oprf-dealing"))
		clear(seed[:])
	}
	for _, c := range f {
		e, err := encode(curve.NewElement().MulGen(c))
		if err != nil {
			return nil, nil, err
		}
		commitment = append(commitment, e)
	}
	p := polynomial.New(f)
	for i := 1; i <= n; i++ {
		part, err := keyOf(p.Evaluate(curve.NewScalar().SetUint64(uint64(i))))
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	_, err = NewGroup(commitment, n)
	return commitment, parts, err
}

// Dealing is what everybody may know of a holder's dealing.
type Dealing struct {
	Dealer     int // from 1, in the group that gives the key on
	Commitment []Element
}

// Gives says whether part is what a next holder gets of the dealing.
func (d Dealing) Gives(holder int, part *Key) bool {
	c, err := points(d.Commitment)
	return err == nil && part != nil && holder >= 1 && curve.NewElement().MulGen(part.scalar).IsEqual(evaluated(c, holder))
}

// Deals says whether a dealing is of its dealer's share: k is the next threshold.
func (g *Group) Deals(d Dealing, k int) bool {
	public, err := g.holder(d.Dealer)
	if err != nil || len(d.Commitment) != k {
		return false
	}
	c, err := points(d.Commitment)
	return err == nil && c[0].IsEqual(public)
}

// Reshared is the commitment of the next holders' group: of the dealings of k different
// holders of this one.
func (g *Group) Reshared(dealings []Dealing, k, n int) ([]Element, error) {
	dealers := make([]int, len(dealings))
	for i, d := range dealings {
		if !g.Deals(d, k) || slices.Contains(dealers[:i], d.Dealer) {
			return nil, ErrGroup
		}
		dealers[i] = d.Dealer
	}
	if len(dealings) != len(g.commitment) {
		return nil, ErrFew
	}
	sum := make([]group.Element, k)
	for i, d := range dealings {
		c, err := points(d.Commitment)
		if err != nil {
			return nil, err
		}
		weight := lagrange(dealers[i], dealers)
		for j := range c {
			term := curve.NewElement().Mul(c[j], weight)
			if sum[j] != nil {
				term = curve.NewElement().Add(sum[j], term)
			}
			sum[j] = term
		}
	}
	if !sum[0].IsEqual(g.commitment[0]) {
		return nil, ErrGroup
	}
	out, err := encodings(sum)
	if err == nil {
		_, err = NewGroup(out, n)
	}
	return out, err
}

// Join is a next holder's share: of what it got of each dealer's dealing.
func Join(dealers []int, parts []*Key) (*Key, error) {
	if len(dealers) == 0 || len(dealers) != len(parts) {
		return nil, ErrFew
	}
	sum := curve.NewScalar()
	for i, d := range dealers {
		if d < 1 || slices.Contains(dealers[:i], d) {
			return nil, ErrFew
		}
		sum = curve.NewScalar().Add(sum, curve.NewScalar().Mul(parts[i].scalar, lagrange(d, dealers)))
	}
	return keyOf(sum)
}

// evaluated is a committed polynomial's value at x times the generator.
func evaluated(c []group.Element, x int) group.Element {
	at := curve.NewScalar().SetUint64(uint64(x))
	sum := c[len(c)-1].Copy()
	for j := len(c) - 2; j >= 0; j-- {
		sum = curve.NewElement().Add(curve.NewElement().Mul(sum, at), c[j])
	}
	return sum
}
