// Package keystore keeps a node's private keys and secrets in one folder, each
// in a file of its own, encrypted under one passphrase.
//
// The passphrase is stretched once, when the store is opened, with Argon2id (RFC
// 9106) and the salt in keystore.json; the result wraps every file with
// XChaCha20-Poly1305. The associated data binds all that a file says in clear
// (format, use, name, time of making), from which its only name follows, so that
// no file can pass for another.
//
//	keystore.json        how to derive the wrapping key, and a check of it
//	<use>.<kid>.json     a private key, see package keys
//	secret.<name>.json   a secret of another kind: "storage", "blind"
//
// The store refuses to work where its files are not its own: modes wider than
// 0700 and 0600, another owner, symbolic links, files it does not know, files
// that are not byte for byte as it writes them. All files are read when the
// store is opened, so damage shows at start and not when a key is first needed.
//
// Files are written under another name, synced, linked into place and the folder
// synced: after a crash a key is there or not, never in part, and an existing
// key or secret is never replaced. What a crash leaves behind (".new-" files)
// holds only ciphertext and is passed over.
//
// A thief of the folder has to guess the passphrase at the price of Params for
// each guess. Whoever may write to the folder can delete keys or bring back
// deleted ones, but not make or swap them. Nothing protects against whoever
// reads the memory of the running node: keys live there in clear, and Go cannot
// promise to erase them.
package keystore
