package oprf

import (
	"crypto/rand"
	"fmt"
	"io"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/zk/dleq"
)

// A new key without a dealer: each next holder deals a part of it that it drew itself,
// and the key is the sum, which nobody knows who does not know all parts (Pedersen's
// distributed key generation with Feldman's commitments). Every dealer proves that it
// knows its part (Schnorr): else the last one, who sees the others' commitments, could
// choose the sum. What it still can is draw again until the public key has a form it
// likes, which tells nothing of the key.

// KeyFrom draws a key from random: equal bytes draw equal keys.
func KeyFrom(random io.Reader) (*Key, error) {
	var seed [64]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("oprf: %w", err)
	}
	defer clear(seed[:])
	return keyOf(curve.HashToScalar(seed[:], []byte("accord-oprf-key")))
}

// knowing are the parameters of a proof that a key is known; context binds it to its
// use.
func knowing(context []byte) dleq.Params {
	return dleq.Params{G: curve, H: suite.Hash(), DST: append([]byte("accord-oprf-knows-"), context...)}
}

// Knows proves, [ProofSize] bytes long, that whoever has made it knows the key.
func (k *Key) Knows(context []byte) ([]byte, error) {
	base, public := curve.Generator(), curve.NewElement().MulGen(k.scalar)
	p, err := dleq.Prover{Params: knowing(context)}.Prove(k.scalar, base, public, base, public, rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("oprf: %w", err)
	}
	return p.MarshalBinary()
}

// Known judges such a proof.
func Known(public Element, proof, context []byte) bool {
	p, err := public.point()
	var pf dleq.Proof
	if err != nil || len(proof) != ProofSize || pf.UnmarshalBinary(curve, proof) != nil {
		return false
	}
	base := curve.Generator()
	return dleq.Verifier{Params: knowing(context)}.Verify(base, p, base, p, &pf)
}

// Fresh is the commitment of the group of a new key, of which each of n holders dealt a
// part; k evaluate together.
func Fresh(dealings []Dealing, k, n int) ([]Element, error) {
	if len(dealings) != n {
		return nil, ErrFew
	}
	sum, seen := make([]group.Element, k), map[int]bool{}
	for _, d := range dealings {
		c, err := points(d.Commitment)
		if err != nil || len(c) != k || d.Dealer < 1 || d.Dealer > n || seen[d.Dealer] {
			return nil, ErrGroup
		}
		seen[d.Dealer] = true
		for j := range c {
			if sum[j] != nil {
				c[j] = curve.NewElement().Add(sum[j], c[j])
			}
			sum[j] = c[j]
		}
	}
	out, err := encodings(sum)
	if err == nil {
		_, err = NewGroup(out, n)
	}
	return out, err
}

// Sum is a holder's share of a new key: of what it got of every dealing.
func Sum(parts []*Key) (*Key, error) {
	sum := curve.NewScalar()
	for _, p := range parts {
		sum = curve.NewScalar().Add(sum, p.scalar)
	}
	return keyOf(sum)
}
