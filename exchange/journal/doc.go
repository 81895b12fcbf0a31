// Package journal keeps every command the ledger has answered, in order and as
// it was signed, and the Merkle tree over them.
//
// The tree is that of RFC 6962 (package tlog). Leaf 0 is the charter, so that
// two federations never share a root; leaf n is the n-th command, accepted or
// rejected, by bundle.Leaf: a random id, a hash and which of the two it was,
// never a body. A command's Seq is its leaf's index.
//
// The statement row is also the memory of what was answered: a command that
// comes again finds its answer here.
package journal
