// Package jws signs and verifies statements: one strict JWS in compact form
// (RFC 7515 section 7.1) with one signature.
//
// The signed bytes are the statement. A token is kept as it was signed and
// never encoded again, so there must be exactly one spelling of it: base64url
// without padding, line breaks or stray bits, and a protected header that is
// compact JSON of exactly three members, each once, in any order:
//
//	{"alg":"EdDSA","kid":"<RFC 7638 thumbprint>","typ":"accord-command+jws"}
//
// Everything else is refused before any cryptography: crit, jwk, jku, x5u, b64,
// zip and every other header, algorithms but EdDSA and ES256, an empty payload,
// tokens over MaxToken.
//
// Nothing is believed from the token. The kid finds the key; the key fixes the
// algorithm; the caller says which typ it expects, and a typ belongs to one use
// of keys (RFC 8725 sections 3.1, 3.11): a signature made for one purpose is
// not accepted for another. [Typ] constants are the statements of a member;
// other packages bring types of their own as a [Kind]:
//
//	var record = jws.Kind{Typ: "accord-record+sd-jwt", Use: keys.Attest}
//	token, err := jws.SignKind(key, record, payload)
//	t, err := jws.VerifyKind(token, record, lookup)
//
// A Kind with NoKID has the two members alg and typ, as key-binding tokens do
// (RFC 9901 section 4.3); the caller then holds the key already and verifies
// with VerifyWith.
package jws
