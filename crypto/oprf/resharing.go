package oprf

import (
	"crypto/rand"
	"fmt"
	"io"
	"slices"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A split key changes hands without being put together: k of its holders each split
// their share anew among the next holders (Desmedt and Jajodia's redistribution with
// Feldman's commitments). What a holder of the next group gets of each is weighted with
// Lagrange's coefficients and added up; the first element of the commitment is the same
// as before, and so are the ids. A whole key is given on in the same way, by its one
// holder.

// Split shares a key among n holders, any k of whom evaluate, 2 ≤ k ≤ n. The first
// element of the commitment stays the key's public key, so the ids stay the same.
func Split(key *Key, k, n int) (commitment []Element, shares []*Key, err error) {
	return Deal(key, k, n, rand.Reader)
}

// Deal splits a key, or a holder's share of one, among n next holders, any k of whom
// evaluate, 2 ≤ k ≤ n. Equal bytes of random make an equal dealing.
func Deal(share *Key, k, n int, random io.Reader) (commitment []Element, parts []*Key, err error) {
	if k < 2 || k > n || n > MaxHolders {
		return nil, nil, ErrGroup
	}
	f := make([]*scalar.Scalar, k) // the polynomial
	f[0] = share.scalar
	for i := 1; i < k; i++ {
		if f[i], err = drawn(random); err != nil {
			return nil, nil, err
		}
	}
	for _, c := range f {
		commitment = append(commitment, encode(timesBase(c)))
	}
	for i := 1; i <= n; i++ {
		at, sum := scalar.NewFromUint64(uint64(i)), scalar.New()
		for j := k - 1; j >= 0; j-- {
			sum.Add(scalar.New().Mul(sum, at), f[j])
		}
		part, err := keyOf(sum)
		if err != nil {
			return nil, nil, err
		}
		parts = append(parts, part)
	}
	_, err = NewGroup(commitment, n)
	return commitment, parts, err
}

// drawn is a scalar of the next 64 bytes of random.
func drawn(random io.Reader) (*scalar.Scalar, error) {
	var wide [64]byte
	if _, err := io.ReadFull(random, wide[:]); err != nil {
		return nil, fmt.Errorf("oprf: %w", err)
	}
	defer clear(wide[:])
	return scalarOf(wide[:]), nil
}

// Dealing is what everybody may know of a holder's dealing.
type Dealing struct {
	Dealer     int // from 1, in the group that gives the key on
	Commitment []Element
}

// Gives says whether part is what a next holder gets of the dealing.
func (d Dealing) Gives(holder int, part *Key) bool {
	c, err := points(d.Commitment)
	return err == nil && part != nil && holder >= 1 && part.public.Equal(committed(c, holder)) == 1
}

// Deals says whether a dealing is of its dealer's share: k is the next threshold.
func (g *Group) Deals(d Dealing, k int) bool {
	public, err := g.holder(d.Dealer)
	if err != nil || len(d.Commitment) != k {
		return false
	}
	c, err := points(d.Commitment)
	return err == nil && c[0].Equal(public) == 1
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
	weights, rows := make([]*scalar.Scalar, len(dealings)), make([][]*curve.RistrettoPoint, k)
	for i, d := range dealings {
		c, err := points(d.Commitment)
		if err != nil {
			return nil, err
		}
		weights[i] = lagrange(d.Dealer, dealers)
		for j := range c {
			rows[j] = append(rows[j], c[j])
		}
	}
	out := make([]Element, k)
	for j, row := range rows {
		out[j] = encode(curve.NewRistrettoPoint().MultiscalarMulVartime(weights, row))
	}
	if out[0] != encode(g.commitment[0]) {
		return nil, ErrGroup
	}
	_, err := NewGroup(out, n)
	return out, err
}

// Join is a next holder's share: of what it got of each dealer's dealing.
func Join(dealers []int, parts []*Key) (*Key, error) {
	if len(dealers) == 0 || len(dealers) != len(parts) {
		return nil, ErrFew
	}
	sum := scalar.New()
	for i, d := range dealers {
		if d < 1 || slices.Contains(dealers[:i], d) {
			return nil, ErrFew
		}
		sum.Add(sum, scalar.New().Mul(parts[i].scalar, lagrange(d, dealers)))
	}
	return keyOf(sum)
}
