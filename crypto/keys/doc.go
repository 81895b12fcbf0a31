// Package keys holds the one idea that a key is for one use.
//
// A member has six keys, one for each [Use], and the use fixes the algorithm:
// a key never learns from a token what it is to be used for or how. Mixing uses
// or algorithms is refused where keys are parsed, signed with and verified by.
//
//	command  EdDSA    ledger statements, verified in batches
//	attest   ES256    documents that strangers verify
//	release  ES256    key binding of released fields
//	seal     ECDH-ES  encryption to the member; signs nothing
//	tls      EdDSA    the pinned certificate
//	cosign   EdDSA    checkpoints of the log
//
// EdDSA is Ed25519 (RFC 8032, RFC 8037), ES256 is ECDSA on P-256 with SHA-256
// and the signature r||s (RFC 7518 section 3.4), ECDH-ES is key agreement on
// P-256 (RFC 7518 section 4.6). A key's id, kid, is its JWK thumbprint with
// SHA-256 (RFC 7638), so a kid names one key and nothing else.
//
// Ed25519 is verified by the rules of ZIP-215 and by one routine only, alone or
// in a batch: RFC 8032 leaves edge cases open, on which nodes that must agree
// would otherwise part. See Public.Verify.
package keys
