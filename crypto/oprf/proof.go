package oprf

import (
	"bytes"
	"crypto/sha512"
	"encoding/binary"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// The proof that a batch was multiplied by one key: DLEQ of RFC 9497 section 2.2. A batch
// is proven by one random combination of its elements, so the combinations are what it
// costs. They are of public elements by public numbers, and made in a time that depends
// on them.

// weights are the numbers of the combination (ComputeComposites).
func weights(public Element, blinded, evaluated []Element) []*scalar.Scalar {
	seed := sha512.Sum512(framed(public[:], []byte("Seed-"+context)))
	out := make([]*scalar.Scalar, len(blinded))
	for i := range blinded {
		text := binary.BigEndian.AppendUint16(framed(seed[:]), uint16(i))
		text = append(append(text, framed(blinded[i][:], evaluated[i][:])...), "Composite"...)
		out[i] = hashToScalar(text)
	}
	return out
}

func combined(weights []*scalar.Scalar, all []*curve.RistrettoPoint) *curve.RistrettoPoint {
	return curve.NewRistrettoPoint().MultiscalarMulVartime(weights, all)
}

// challenge hashes what a proof commits to.
func challenge(public Element, m, z, t2, t3 *curve.RistrettoPoint) *scalar.Scalar {
	text := public[:]
	all := [][]byte{text}
	for _, p := range []*curve.RistrettoPoint{m, z, t2, t3} {
		e := encode(p)
		all = append(all, e[:])
	}
	return hashToScalar(append(framed(all...), "Challenge"...))
}

// prove makes the proof with r, which is used once: GenerateProof.
func (k *Key) prove(in []*curve.RistrettoPoint, blinded, evaluated []Element, r *scalar.Scalar) []byte {
	public := k.Public()
	m := combined(weights(public, blinded, evaluated), in)
	z := times(k.scalar, m)
	c := challenge(public, m, z, timesBase(r), times(r, m))
	s := scalar.New().Sub(r, scalar.New().Mul(c, k.scalar))
	return proofOf(c, s)
}

func proofOf(c, s *scalar.Scalar) []byte {
	out := make([]byte, ProofSize)
	if c.ToBytes(out[:KeySize]) != nil || s.ToBytes(out[KeySize:]) != nil {
		panic("oprf: a scalar has another size")
	}
	return out
}

// readProof reads the two scalars, each in its one encoding.
func readProof(proof []byte) (c, s *scalar.Scalar, ok bool) {
	if len(proof) != ProofSize {
		return nil, nil, false
	}
	c, err := scalar.NewFromCanonicalBytes(proof[:KeySize])
	if err != nil {
		return nil, nil, false
	}
	s, err = scalar.NewFromCanonicalBytes(proof[KeySize:])
	return c, s, err == nil
}

// proven judges a proof: VerifyProof. in are the blinded elements, out the evaluated
// ones.
func proven(public *curve.RistrettoPoint, in, out []*curve.RistrettoPoint, blinded, evaluated []Element, proof []byte) bool {
	c, s, ok := readProof(proof)
	if !ok || len(in) != len(out) {
		return false
	}
	key := encode(public)
	w := weights(key, blinded, evaluated)
	m, z := combined(w, in), combined(w, out)
	t2 := curve.NewRistrettoPoint().DoubleScalarMulBasepointVartime(c, public, s)
	t3 := curve.NewRistrettoPoint().MultiscalarMulVartime([]*scalar.Scalar{s, c}, []*curve.RistrettoPoint{m, z})
	return bytes.Equal(proofOf(challenge(key, m, z, t2, t3), s), proof)
}
