package oprf

import (
	"bytes"
	"io"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// A new key without a dealer: each next holder deals a part of it that it drew itself,
// and the key is the sum, which nobody knows who does not know all parts (Pedersen's
// distributed key generation with Feldman's commitments). Every dealer proves that it
// knows its part (Schnorr): else the last one, who sees the others' commitments, could
// choose the sum. What it still can is draw again until the public key has a form it
// likes, which tells nothing of the key.

// KeyFrom draws a key from random: equal bytes draw equal keys.
func KeyFrom(random io.Reader) (*Key, error) {
	s, err := drawn(random)
	if err != nil {
		return nil, err
	}
	return keyOf(s)
}

// knowing hashes what a proof of knowledge commits to; context binds it to its use.
func knowing(public Element, t *curve.RistrettoPoint, context []byte) *scalar.Scalar {
	e := encode(t)
	return scalarOf(uniform(framed(public[:], e[:], context), "accord-oprf-knows"))
}

// Knows proves, [ProofSize] bytes long, that whoever has made it knows the key: Schnorr's
// proof as RFC 8235 has it.
func (k *Key) Knows(context []byte) ([]byte, error) {
	r, err := randomScalar()
	if err != nil {
		return nil, err
	}
	c := knowing(k.Public(), timesBase(r), context)
	return proofOf(c, scalar.New().Sub(r, scalar.New().Mul(c, k.scalar))), nil
}

// Known judges such a proof.
func Known(public Element, proof, context []byte) bool {
	p, err := public.point()
	c, s, ok := readProof(proof)
	if err != nil || !ok {
		return false
	}
	t := curve.NewRistrettoPoint().DoubleScalarMulBasepointVartime(c, p, s)
	return bytes.Equal(proofOf(knowing(public, t, context), s), proof)
}

// Fresh is the commitment of the group of a new key, of which each of n holders dealt a
// part; k evaluate together.
func Fresh(dealings []Dealing, k, n int) ([]Element, error) {
	if len(dealings) != n {
		return nil, ErrFew
	}
	sum, seen := make([]*curve.RistrettoPoint, k), map[int]bool{}
	for _, d := range dealings {
		c, err := points(d.Commitment)
		if err != nil || len(c) != k || d.Dealer < 1 || d.Dealer > n || seen[d.Dealer] {
			return nil, ErrGroup
		}
		seen[d.Dealer] = true
		for j := range c {
			if sum[j] != nil {
				c[j] = plus(sum[j], c[j])
			}
			sum[j] = c[j]
		}
	}
	out := encodings(sum)
	_, err := NewGroup(out, n)
	return out, err
}

// Sum is a holder's share of a new key: of what it got of every dealing.
func Sum(parts []*Key) (*Key, error) {
	sum := scalar.New()
	for _, p := range parts {
		sum.Add(sum, p.scalar)
	}
	return keyOf(sum)
}
