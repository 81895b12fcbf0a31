// Package sdjwt lets a signed document be shown in part: SD-JWT, RFC 9901.
//
// The one idea: the signature covers salted digests instead of values. Each
// private claim is put into a [Disclosure], base64url of the JSON array
// [salt, name, value]; the signed payload holds only the digests of the
// disclosures, sorted and mixed with decoys. Whoever gets a disclosure can
// check it against the signature; whoever does not learns that a claim may
// exist, not its name or value, and cannot guess it because the salt has 128
// random bits of its own (RFC 9901 sections 9.3, 9.4).
//
//	jwt ~ disclosure ~ … ~                SD-JWT       Combine, Verify
//	jwt ~ disclosure ~ … ~ key-binding    SD-JWT+KB    Bind, VerifyBound
//
// The digest is taken over the base64url text as issued. Nothing is
// canonicalised, so disclosures are stored and forwarded verbatim, never
// re-encoded.
//
// A bare SD-JWT can be handed on by anyone who holds it. With key binding the
// author signs, for one audience and one nonce, the hash of exactly the
// disclosures given: a receipt that can be neither extended nor shown to
// someone else as made for them (sections 4.3, 9.5).
//
// # What we issue, what we verify
//
// Issued are flat object disclosures of top-level claims only, with at least
// one decoy and `_sd_alg` sha-256. Verified are all forms of the RFC: nested,
// recursive and array element disclosures.
//
// [Verify] is the strict reading of section 7.1. Refused are a disclosure that
// no digest refers to, a digest that occurs twice, a name that collides with
// another at its level, the names `_sd`, `_sd_alg` and `...` where they do not
// belong, digests that are not SHA-256, other hash functions, and whatever
// crypto/jws and crypto/strictjson refuse (alg none, duplicate members, ...).
// Foreign verifiers are laxer in part; crypto/interop shows where.
//
// Claims that decide whether and for whom a document is valid are never
// hidable ([AlwaysClear], section 9.7): a holder must not be able to leave out
// an expiry. A verifier sees a violation only when such a claim is disclosed;
// that a required claim is there in clear is for the caller to check, as are
// times: this package reads no clock.
//
// The JWS JSON serialization (section 8) is not used.
package sdjwt
