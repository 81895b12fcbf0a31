package tlog

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// CheckInclusion verifies that the tree of the given size and root holds leaf
// at index (RFC 6962 section 2.1.1). A nil result is the only "yes"; anything
// else is ErrRange or ErrProof.
func CheckInclusion(proof []Hash, size, index int64, root, leaf Hash) error {
	if size < 0 || size > MaxSize || index < 0 || index >= size {
		return fmt.Errorf("%w: inclusion of %d in %d", ErrRange, index, size)
	}
	err := tlog.CheckRecord(toMod(proof), size, tlog.Hash(root), index, tlog.Hash(leaf))
	if err != nil {
		return fmt.Errorf("%w: leaf %d in tree of %d", ErrProof, index, size)
	}
	return nil
}

// CheckConsistency verifies that the tree of newSize leaves with newRoot begins
// with the tree of oldSize leaves with oldRoot (RFC 6962 section 2.1.2). The
// RFC defines no proof from the empty tree; here it is the empty proof, and
// oldRoot must be EmptyRoot, so that a lie about the empty tree is no less a
// lie.
func CheckConsistency(proof []Hash, oldSize int64, oldRoot Hash, newSize int64, newRoot Hash) error {
	if oldSize < 0 || oldSize > newSize || newSize > MaxSize {
		return fmt.Errorf("%w: consistency %d to %d", ErrRange, oldSize, newSize)
	}
	fail := fmt.Errorf("%w: tree of %d to tree of %d", ErrProof, oldSize, newSize)
	if oldSize == 0 {
		if len(proof) != 0 || oldRoot != EmptyRoot() || newSize == 0 && newRoot != EmptyRoot() {
			return fail
		}
		return nil
	}
	if tlog.CheckTree(toMod(proof), newSize, tlog.Hash(newRoot), oldSize, tlog.Hash(oldRoot)) != nil {
		return fail
	}
	return nil
}
