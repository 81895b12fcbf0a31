// Package tlog is Accord's Merkle log: an append-only list of leaves of which
// a stranger can be shown, in a few hundred bytes, that a leaf is in it and
// that nothing was ever taken out.
//
// The arithmetic is RFC 6962's and comes from golang.org/x/mod; every format
// that leaves the process is a C2SP one, so that tools of others can audit what
// this package writes:
//
//	tlog-checkpoint v1.0.0    Checkpoint, Format, Open
//	signed-note v1.0.0        Key, Signature
//	tlog-cosignature v1.0.1   Signer with TypeCosignature (Ed25519)
//	tlog-tiles v0.1.0         Tile, View.TileData, EntryBundle
//	tlog-proof@v1             ProofFile
//	tlog-policy               Policy
//
// # The log
//
// A Tree lives in memory and grows by Append. Readers take a View, an immutable
// value of one size, and ask it for roots and proofs of that size or any
// earlier one while the writer goes on. A Frontier is the right edge alone: it
// appends and knows its root, but proves nothing. View.WriteTo and ReadTree
// store a tree; what is read back is recomputed and must have the stated root.
//
// # What a leaf is
//
// A leaf can never be erased and everybody may see it, so it must be a hash of
// something nobody can guess. This package takes leaf hashes and does not ask;
// what a ledger's leaf holds is said in package bundle.
//
// # Checkpoints and who signs them
//
// A checkpoint (origin, size, root) is believed because enough members cosigned
// it, each over the root of its own copy of the log. No key belongs to the log
// itself. A cosignature states a time, which the caller gives: nothing here
// reads a clock, so the same call always makes the same bytes.
//
// Open verifies whose signatures are on a note. It does not say whether they
// are enough: that is a Policy, "k of these cosigners", which also is the file
// that other tools read.
//
// # Refusals
//
// Parsers accept exactly what the printers print (canonical base64 and
// decimals, no extension lines, no second signature of one key), so no stored
// evidence can be altered without notice. Sizes stop at MaxSize. Unknown
// signature types are refused in keys and, as signed-note demands, passed over
// on notes. A known key's invalid signature spoils the whole note.
package tlog
