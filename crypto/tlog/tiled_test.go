package tlog

import (
	"errors"
	"slices"
	"testing"
)

// TestTiled keeps a tree as a store would, leaf by leaf, and compares every root
// and proof from its tiles with those of the tree in memory.
func TestTiled(t *testing.T) {
	const size = 70_000 // three levels of tiles
	var tree Tree
	var edge Frontier
	levels := map[int][]byte{}
	for i := range int64(size) {
		leaf := testLeaf(i)
		tree.Append(leaf)
		levels[0] = append(levels[0], leaf[:]...)
		edge.AppendTiled(leaf, func(level int, index int64, h Hash) {
			if int64(len(levels[level])) != index*HashSize {
				t.Fatalf("hash %d of level %d comes out of turn", index, level)
			}
			levels[level] = append(levels[level], h[:]...)
		})
	}
	view := tree.View()
	if edge.Root() != view.Root() {
		t.Fatal("the edge has another root")
	}
	read := func(at Tile) ([]byte, error) {
		from := at.Index * TileWidth * HashSize
		got := levels[at.Level][from : from+int64(at.Width)*HashSize]
		want, err := view.TileData(at)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s differs: %v", at.Path(), err)
		}
		return got, nil
	}
	tiled := NewTiled(size, read)
	for _, n := range []int64{0, 1, 2, 255, 256, 257, 511, 512, 4097, 65_535, 65_536, 65_537, 69_999, size} {
		want, _ := view.RootAt(n)
		if got, err := tiled.RootAt(n); err != nil || got != want {
			t.Errorf("root at %d: %v", n, err)
		}
		for _, m := range []int64{n, n + 1, 65_536, size} {
			if m < n || m > size {
				continue
			}
			want, _ := view.ProveConsistency(n, m)
			if got, err := tiled.ProveConsistency(n, m); err != nil || n != m && !slices.Equal(got, want) {
				t.Errorf("consistency %d to %d: %v", n, m, err)
			}
			if n == m {
				continue
			}
			want, _ = view.ProveInclusion(n, m)
			if got, err := tiled.ProveInclusion(n, m); err != nil || !slices.Equal(got, want) {
				t.Errorf("inclusion %d in %d: %v", n, m, err)
			}
		}
	}
	if _, err := tiled.RootAt(size + 1); !errors.Is(err, ErrRange) {
		t.Errorf("beyond the end: %v", err)
	}
	short := NewTiled(size, func(at Tile) ([]byte, error) { return make([]byte, 5), nil })
	if _, err := short.RootAt(300); !errors.Is(err, ErrFormat) {
		t.Errorf("a short tile: %v", err)
	}
}
