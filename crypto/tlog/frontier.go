package tlog

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// A Frontier is the right edge of a tree: the roots of its complete subtrees,
// largest first, one for each 1 bit of the size. It is all that appending and
// computing roots need, at most 60 hashes however large the tree; it cannot
// prove anything about the leaves it no longer has. The zero value is the
// frontier of the empty tree.
type Frontier struct {
	size  int64
	peaks []Hash
}

// Frontier returns the right edge of the view.
func (v View) Frontier() Frontier {
	f := Frontier{size: v.size}
	start := int64(0)
	for level := 62; level >= 0; level-- {
		if v.size>>level&1 == 1 {
			f.peaks = append(f.peaks, v.subtree(level, start>>level))
			start += 1 << level
		}
	}
	return f
}

// Size is the number of leaves of the tree.
func (f *Frontier) Size() int64 { return f.size }

// Append adds a leaf by its hash and returns its index. It panics at MaxSize.
func (f *Frontier) Append(leaf Hash) int64 { return f.AppendTiled(leaf, nil) }

// AppendTiled is Append, and calls node for each tile that this leaf fills: the
// root of the tile at index of the level below is the hash at that index of
// level (1 and up). Whoever keeps these keeps all hash tiles there are above the
// leaves (C2SP tlog-tiles).
func (f *Frontier) AppendTiled(leaf Hash, node func(level int, index int64, h Hash)) int64 {
	n := f.size
	if n >= MaxSize {
		panic("tlog: tree is full")
	}
	h := leaf
	for height := 1; n&1 == 1; height++ {
		last := len(f.peaks) - 1
		h = NodeHash(f.peaks[last], h)
		f.peaks = f.peaks[:last]
		n >>= 1
		if node != nil && height%tileHeight == 0 {
			node(height/tileHeight, n, h)
		}
	}
	// Clip forces a copy: another Frontier value may share the array.
	f.peaks = append(slices.Clip(f.peaks), h)
	f.size++
	return f.size - 1
}

// Root is the root hash of the tree.
func (f *Frontier) Root() Hash {
	if len(f.peaks) == 0 {
		return EmptyRoot()
	}
	h := f.peaks[len(f.peaks)-1]
	for i := len(f.peaks) - 2; i >= 0; i-- {
		h = NodeHash(f.peaks[i], h)
	}
	return h
}

// MarshalBinary writes the size (8 bytes, big endian) and the subtree roots.
func (f Frontier) MarshalBinary() ([]byte, error) {
	out := binary.BigEndian.AppendUint64(nil, uint64(f.size))
	for _, h := range f.peaks {
		out = append(out, h[:]...)
	}
	return out, nil
}

// UnmarshalBinary reads what MarshalBinary writes. The hashes themselves can
// only be judged by comparing Root with a root one trusts.
func (f *Frontier) UnmarshalBinary(data []byte) error {
	if len(data) < 8 {
		return fmt.Errorf("%w frontier", ErrFormat)
	}
	size := binary.BigEndian.Uint64(data)
	data = data[8:]
	if size > MaxSize || len(data) != bits.OnesCount64(size)*HashSize {
		return fmt.Errorf("%w frontier", ErrFormat)
	}
	out := Frontier{size: int64(size)}
	for ; len(data) > 0; data = data[HashSize:] {
		out.peaks = append(out.peaks, Hash(data[:HashSize]))
	}
	*f = out
	return nil
}
