package tlog

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Tiled is a tree whose hashes lie in tiles somewhere else: in a database, or at
// whoever publishes the log. It computes roots and proofs from a few tiles each
// and keeps nothing. It believes the tiles; a caller who must not checks what it
// gets against a root it trusts (CheckConsistency, CheckInclusion).
type Tiled struct {
	size int64
	tile func(Tile) ([]byte, error)
}

// NewTiled reads a tree of the given size from its hash tiles. tile gives the
// content of one, Width hashes; it is never asked for an entry bundle.
func NewTiled(size int64, tile func(Tile) ([]byte, error)) *Tiled {
	return &Tiled{size: size, tile: tile}
}

// RootAt is the root hash the tree had when it held size leaves.
func (t *Tiled) RootAt(size int64) (Hash, error) {
	if size < 0 || size > t.size {
		return Hash{}, fmt.Errorf("%w: root at %d of %d", ErrRange, size, t.size)
	}
	h, err := tlog.TreeHash(size, t.reader(size))
	return Hash(h), err
}

// ProveInclusion is View.ProveInclusion.
func (t *Tiled) ProveInclusion(index, size int64) ([]Hash, error) {
	if index < 0 || index >= size || size > t.size {
		return nil, fmt.Errorf("%w: inclusion of %d in %d of %d", ErrRange, index, size, t.size)
	}
	p, err := tlog.ProveRecord(size, index, t.reader(size))
	if err != nil {
		return nil, fmt.Errorf("tlog: inclusion: %w", err)
	}
	return fromMod(p), nil
}

// ProveConsistency is View.ProveConsistency.
func (t *Tiled) ProveConsistency(oldSize, newSize int64) ([]Hash, error) {
	if oldSize < 0 || oldSize > newSize || newSize > t.size {
		return nil, fmt.Errorf("%w: consistency %d to %d of %d", ErrRange, oldSize, newSize, t.size)
	}
	if oldSize == 0 || oldSize == newSize {
		return []Hash{}, nil
	}
	p, err := tlog.ProveTree(newSize, oldSize, t.reader(newSize))
	if err != nil {
		return nil, fmt.Errorf("tlog: consistency: %w", err)
	}
	return fromMod(p), nil
}

// reader finds stored hashes in tiles, each tile once, as wide as a tree of that
// size has it: a publisher need not have narrower ones any more.
func (t *Tiled) reader(size int64) tlog.HashReader {
	seen := map[Tile][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			m := tlog.TileForIndex(tileHeight, x)
			at := Tile{Level: m.L, Index: m.N, Width: int(min(TileWidth, size>>(tileHeight*m.L)-m.N*TileWidth))}
			if at.Width < m.W {
				return nil, fmt.Errorf("%w: stored hash %d", ErrRange, x)
			}
			data, ok := seen[at]
			if !ok {
				var err error
				if data, err = t.tile(at); err != nil {
					return nil, err
				}
				if len(data) != at.Width*HashSize {
					return nil, fmt.Errorf("%w tile: %d bytes for %d hashes", ErrFormat, len(data), at.Width)
				}
				seen[at] = data
			}
			h, err := tlog.HashFromTile(at.mod(), data, x)
			if err != nil {
				return nil, fmt.Errorf("tlog: tile: %w", err)
			}
			out[i] = h
		}
		return out, nil
	})
}
