// Package tlog holds no code. Its tests let independent transparency-log tools
// audit the ledger as a node serves it: Tessera's fsck walks every entry and
// every tile, its client and transparency-dev/merkle prove and verify, and both
// refuse a log in which one byte was changed.
//
// It is a module of its own, so that what it needs is no dependency of the
// product; go.mod here takes the product from the folder above. CI runs it.
package tlog
