package tlog

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// A Tree is an append-only Merkle tree held in memory, about 64 bytes a leaf.
// The zero value is the empty tree. One goroutine may append while any number
// read: readers take a View, which never changes.
type Tree struct {
	mu   sync.Mutex
	view View // guarded by mu
}

// chunkLen is how many hashes are allocated together. Chunks never move, so
// growing copies no hash and an old View keeps pointing at live memory.
const chunkLen = 1 << 10

type chunk [chunkLen]tlog.Hash

// A View is the tree as it was at one size: an immutable value, cheap to take
// and to copy, safe for any number of goroutines. The zero value is the view of
// the empty tree.
//
// It holds the tree's stored hashes (every complete subtree's root, in the
// order of x/mod's StoredHashIndex), captured by length: the writer only
// touches positions that no earlier view can reach.
type View struct {
	size   int64
	count  int64 // stored hashes in use
	chunks []*chunk
}

// View returns the tree as it is now.
func (t *Tree) View() View {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view
}

// Append adds a leaf by its hash (see LeafHash) and returns its index. It
// costs one hash on average and at most log₂ n. It panics at MaxSize leaves,
// which no memory holds.
func (t *Tree) Append(leaf Hash) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := &t.view
	n := v.size
	if n >= MaxSize {
		panic("tlog: tree is full")
	}
	h := tlog.Hash(leaf)
	v.push(h)
	// Each trailing 1 bit of n says that this leaf completes one more subtree
	// whose left half is already stored.
	for level := 0; n>>level&1 == 1; level++ {
		left := v.at(tlog.StoredHashIndex(level, n>>level-1))
		h = tlog.NodeHash(left, h)
		v.push(h)
	}
	v.size++
	return n
}

// Size is the number of leaves now.
func (t *Tree) Size() int64 { return t.View().Size() }

// Root is the root hash now.
func (t *Tree) Root() Hash { return t.View().Root() }

// RootAt is View.RootAt on the tree as it is now.
func (t *Tree) RootAt(size int64) (Hash, error) { return t.View().RootAt(size) }

// ProveInclusion is View.ProveInclusion on the tree as it is now.
func (t *Tree) ProveInclusion(index, size int64) ([]Hash, error) {
	return t.View().ProveInclusion(index, size)
}

// ProveConsistency is View.ProveConsistency on the tree as it is now.
func (t *Tree) ProveConsistency(oldSize, newSize int64) ([]Hash, error) {
	return t.View().ProveConsistency(oldSize, newSize)
}

func (v *View) push(h tlog.Hash) {
	if v.count%chunkLen == 0 {
		// A full slice expression is not needed: an older View that shares the
		// backing array sees a shorter slice and never appends.
		v.chunks = append(v.chunks, new(chunk))
	}
	v.chunks[v.count/chunkLen][v.count%chunkLen] = h
	v.count++
}

// With is the view with more leaves behind it. The tree it is of stays as it is;
// the cost is a copy of the list of chunks.
func (v View) With(leaves []Hash) View {
	if len(leaves) == 0 {
		return v
	}
	v.chunks = slices.Clone(v.chunks)
	if last := len(v.chunks) - 1; last >= 0 {
		own := *v.chunks[last] // the tree goes on in the original
		v.chunks[last] = &own
	}
	t := Tree{view: v}
	for _, leaf := range leaves {
		t.Append(leaf)
	}
	return t.view
}

func (v View) at(index int64) tlog.Hash { return v.chunks[index/chunkLen][index%chunkLen] }

// subtree is the root of the n-th complete subtree of 2^level leaves.
func (v View) subtree(level int, n int64) Hash { return Hash(v.at(tlog.StoredHashIndex(level, n))) }

// Size is the number of leaves in the view.
func (v View) Size() int64 { return v.size }

// Root is the root hash of the view's tree.
func (v View) Root() Hash {
	h, err := v.RootAt(v.size)
	if err != nil {
		panic(err) // v.size is in range by construction
	}
	return h
}

// RootAt is the root hash the tree had when it held size leaves. ErrRange if
// the view is smaller.
func (v View) RootAt(size int64) (Hash, error) {
	if size < 0 || size > v.size {
		return Hash{}, fmt.Errorf("%w: root at %d of %d", ErrRange, size, v.size)
	}
	h, err := tlog.TreeHash(size, v.reader())
	return Hash(h), err
}

// Leaf is the hash of the leaf at index. ErrRange if there is none.
func (v View) Leaf(index int64) (Hash, error) {
	if index < 0 || index >= v.size {
		return Hash{}, fmt.Errorf("%w: leaf %d of %d", ErrRange, index, v.size)
	}
	return Hash(v.at(tlog.StoredHashIndex(0, index))), nil
}

// Sound says whether the stored hash of the leaf at index is this one, and each
// stored hash that this leaf completed is that of its two halves: over all leaves,
// whether every hash in memory is still what was appended. At the end of a tree it
// also sees whether the list of hashes is as long as it must be.
func (v View) Sound(index int64, leaf Hash) bool {
	if index < 0 || index >= v.size || v.count != tlog.StoredHashCount(v.size) || Hash(v.at(tlog.StoredHashIndex(0, index))) != leaf {
		return false
	}
	for level := 0; index>>level&1 == 1; level++ {
		n := index >> level
		left, right := v.at(tlog.StoredHashIndex(level, n-1)), v.at(tlog.StoredHashIndex(level, n))
		if tlog.NodeHash(left, right) != v.at(tlog.StoredHashIndex(level+1, n>>1)) {
			return false
		}
	}
	return true
}

// ProveInclusion returns the audit path (RFC 6962 section 2.1.1) of the leaf
// at index in the tree of the given size, which may be any earlier size.
func (v View) ProveInclusion(index, size int64) ([]Hash, error) {
	if index < 0 || index >= size || size > v.size {
		return nil, fmt.Errorf("%w: inclusion of %d in %d of %d", ErrRange, index, size, v.size)
	}
	p, err := tlog.ProveRecord(size, index, v.reader())
	if err != nil {
		return nil, fmt.Errorf("tlog: inclusion: %w", err)
	}
	return fromMod(p), nil
}

// ProveConsistency returns the proof (RFC 6962 section 2.1.2) that the tree of
// newSize leaves begins with the tree of oldSize leaves. From the empty tree,
// and from a tree to itself, the proof is empty.
func (v View) ProveConsistency(oldSize, newSize int64) ([]Hash, error) {
	if oldSize < 0 || oldSize > newSize || newSize > v.size {
		return nil, fmt.Errorf("%w: consistency %d to %d of %d", ErrRange, oldSize, newSize, v.size)
	}
	if oldSize == 0 {
		return []Hash{}, nil
	}
	p, err := tlog.ProveTree(newSize, oldSize, v.reader())
	if err != nil {
		return nil, fmt.Errorf("tlog: consistency: %w", err)
	}
	return fromMod(p), nil
}

// reader lends the stored hashes to x/mod's proof code.
func (v View) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			if x < 0 || x >= v.count {
				return nil, fmt.Errorf("%w: stored hash %d", ErrRange, x)
			}
			out[i] = v.at(x)
		}
		return out, nil
	})
}
