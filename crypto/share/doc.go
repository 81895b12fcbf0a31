// Package share splits a key among n holders, any k of whom give it back, so that
// each of them can see that its share is good (Feldman's verifiable secret sharing,
// by package secretsharing of circl).
//
// # Construction
//
// The secret is a random non-zero scalar s of ristretto255 (RFC 9496). A polynomial
// f of degree k−1 with f(0) = s and otherwise random coefficients gives holder i,
// counted from 1, the share f(i). The [Commitment] is the k coefficients times the
// generator, each in its one 32-byte encoding; a share is good when f(i) times the
// generator is what the commitment says of i. The key that is shared is
//
//	HKDF-SHA-256(secret s, salt commitment, info "accord-share-key/v1" ‖ context)
//
// 32 bytes, so a key is of one dealing and one purpose. It is never stored: who needs
// it has k shares.
//
// # What k−1 know
//
// The shares alone say nothing: for every scalar there is a polynomial through them
// and it (a test counts on it). The commitment holds s times the generator, so with
// it the secret is hidden as a discrete logarithm is, and the key, an output of
// HKDF over it, as far as that: computationally, not perfectly. A commitment that
// hides perfectly (Pedersen) would double everything and bind the dealer only
// computationally; here who deals is who is not trusted to deal well.
//
// A dealer can cheat on the threshold by leaving out the highest coefficient. So no
// element of a commitment may be the identity.
//
// ristretto255 and not P-256: circl's P-256 scalars are not computed in constant
// time, and ristretto255 has no cofactor to think of. Chance comes from crypto/rand
// alone; circl takes no other source for this group.
package share
