// Package seal keeps private fields unreadable: at rest in the author's store
// ([Sealer]) and on the way to whoever a release was granted ([Encrypt]).
//
// # At rest
//
// The one idea: every field has a key of its own. What is sealed (an SD-JWT
// disclosure) is encrypted under a fresh random 256-bit key; that key is
// wrapped by the node's storage key and lies beside the box. Destroying the
// two erases the value and touches no signature and no log. Nothing is derived
// from a common secret, so there is no tree whose root would open everything
// but the storage key, which never leaves its node.
//
// The box is an AEAD that commits to its key and to its context. The field's key K is
// random and encrypts this one value, so there is no nonce to store; with a context C:
//
//	commitment ‖ E  = HKDF-Expand-SHA-256(PRK K, info C)   32 + 32 bytes
//	ciphertext      = ChaCha20-Poly1305(key E, nonce 0, plaintext, AAD C)
//	box             = 0x02 ‖ commitment ‖ ciphertext
//
// The key is wrapped by AES Key Wrap (RFC 3394, NIST SP 800-38F), which is made for keys
// and needs no nonce either, under a key that the storage key S has for this one place:
//
//	W    = HKDF-SHA-256(secret S, salt "accord-seal-key/v2", info C')   32 bytes
//	key  = 0x02 ‖ AES-256-KW(W, K)
//
// The contexts C and C' frame, each with its length, the domain tag of the layer and
// the [Binding]: record, field and digest. Poly1305 alone does not bind a
// ciphertext to one key: someone who knows two keys can make a box that opens
// to two different values, and then show one to the requester and the other to
// the court. The commitment is an output of HMAC-SHA-256, so two
// (K, C) pairs for one box would be a SHA-256 collision; it is compared in
// constant time before anything is decrypted (the transform of Bellare and
// Hoang, "Efficient Schemes for Committing Authenticated Encryption", and of
// Albertini and others, "How to Abuse and Fix Authenticated Encryption Without
// Key Commitment"). So the wrapping need not commit: what it gives opens the one box
// or nothing.
//
// Version 1 still opens, and custodians' boxes are made so, as their key is one that
// others put together: both layers have a random 24-byte nonce N and are
//
//	commitment ‖ E  = HKDF-SHA-256(secret K, salt N, info C)
//	layer           = 0x01 ‖ N ‖ commitment ‖ XChaCha20-Poly1305(key E, nonce N, plaintext, AAD C)
//
// It takes 88 bytes more for each field. [Sealer.Rewrap] makes version 2 of its keys.
//
// The length of a value tells much about it (a yes is shorter than a
// judgment), so the plaintext is framed with its length and padded to the next
// power of two from 64 B to 64 KiB before it is encrypted. The bucket shows,
// the length does not.
//
// # On the way
//
// [Encrypt] makes a JWE (RFC 7516) in compact form for one recipient: ECDH-ES
// directly (RFC 7518 section 4.6) on P-256 with A256GCM, and nothing else.
// [Decrypt] checks the header member by member before any cryptography runs.
//
// # Errors
//
// Every way in which opening can fail gives the same [ErrOpen]: wrong key,
// other record, damaged, malformed, unknown version. A caller cannot become an
// oracle for which it was.
package seal
