package oprf

import (
	"crypto"
	"crypto/sha512"
	"encoding/binary"

	"github.com/cloudflare/circl/expander"
	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"
)

// context is RFC 9497's contextString of mode VOPRF and this suite (section 3.1).
const context = "OPRFV1-\x01-" + Suite

// uniform makes 64 bytes of a text: expand_message_xmd of RFC 9380 with SHA-512.
func uniform(text []byte, domain string) []byte {
	return expander.NewExpanderMD(crypto.SHA512, []byte(domain)).Expand(text, 64)
}

// hashToGroup is HashToGroup of the suite (RFC 9497 section 4.1).
func hashToGroup(input []byte) (*curve.RistrettoPoint, error) {
	if len(input) > MaxInput {
		return nil, ErrBatch
	}
	p, err := curve.NewRistrettoPoint().SetUniformBytes(uniform(input, "HashToGroup-"+context))
	if err != nil || p.IsIdentity() {
		return nil, ErrBatch
	}
	return p, nil
}

// scalarOf makes a scalar of 64 bytes, without bias.
func scalarOf(wide []byte) *scalar.Scalar {
	s, err := scalar.NewFromBytesModOrderWide(wide)
	if err != nil {
		panic(err) // they are 64
	}
	return s
}

// hashToScalar is HashToScalar of the suite (RFC 9497 section 4.1).
func hashToScalar(text []byte) *scalar.Scalar {
	return scalarOf(uniform(text, "HashToScalar-"+context))
}

// framed puts texts behind one another, each behind its length in two bytes.
func framed(texts ...[]byte) (out []byte) {
	for _, t := range texts {
		out = append(binary.BigEndian.AppendUint16(out, uint16(len(t))), t...)
	}
	return out
}

// finalize hashes an input and what its evaluation comes to: RFC 9497 section 3.3.1.
func finalize(input []byte, evaluated Element) []byte {
	sum := sha512.Sum512(append(framed(input, evaluated[:]), "Finalize"...))
	return sum[:]
}
