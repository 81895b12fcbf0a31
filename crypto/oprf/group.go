package oprf

import (
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// Group is the public side of a key, whole or split: whom to believe.
type Group struct {
	commitment []*curve.RistrettoPoint // coefficients times the generator; the first is the public key
	holders    int
	publics    []*curve.RistrettoPoint // of the holders
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
		public := committed(c, i)
		if public.IsIdentity() {
			return nil, ErrGroup
		}
		g.publics = append(g.publics, public)
	}
	return g, nil
}

// Threshold is k.
func (g *Group) Threshold() int { return len(g.commitment) }

func (g *Group) holder(i int) (*curve.RistrettoPoint, error) {
	if i < 1 || i > g.holders {
		return nil, ErrGroup
	}
	return g.publics[i-1], nil
}

// Holds says whether a share is the holder's.
func (g *Group) Holds(i int, share *Key) bool {
	public, err := g.holder(i)
	return err == nil && share != nil && share.public.Equal(public) == 1
}

// committed is a committed polynomial's value at x times the generator.
func committed(c []*curve.RistrettoPoint, x int) *curve.RistrettoPoint {
	at, power := scalar.NewFromUint64(uint64(x)), scalar.One()
	powers := make([]*scalar.Scalar, len(c))
	for i := range c {
		powers[i] = scalar.New().Set(power)
		power.Mul(power, at)
	}
	return curve.NewRistrettoPoint().MultiscalarMulVartime(powers, c)
}

// lagrange is the weight of a holder's share among those of all, at 0.
func lagrange(holder int, all []int) *scalar.Scalar {
	own := scalar.NewFromUint64(uint64(holder))
	above, below := scalar.One(), scalar.One()
	for _, h := range all {
		if h == holder {
			continue
		}
		other := scalar.NewFromUint64(uint64(h))
		above.Mul(above, other)
		below.Mul(below, scalar.New().Sub(other, own))
	}
	return scalar.New().Mul(above, scalar.New().Invert(below))
}
