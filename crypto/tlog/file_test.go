package tlog

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func testProof(t testing.TB) (*ProofFile, *Policy, Hash) {
	t.Helper()
	v := testTree(9).View()
	a, b := testSigner(t, "a"), testSigner(t, "b")
	policy, err := NewPolicy(2, a.Key(), b.Key())
	if err != nil {
		t.Fatal(err)
	}
	proof, err := v.ProveInclusion(4, v.Size())
	if err != nil {
		t.Fatal(err)
	}
	return &ProofFile{Index: 4, Proof: proof, Checkpoint: signed(t, testCheckpoint(), a, b)}, policy, testLeaf(4)
}

func TestProofFile(t *testing.T) {
	p, policy, leaf := testProof(t)
	for _, extra := range [][]byte{nil, []byte("jws")} {
		p.Extra = extra
		text, err := p.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseProofFile(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if again, _ := back.MarshalText(); !bytes.Equal(again, text) || !bytes.Equal(back.Extra, extra) {
			t.Fatalf("does not survive:\n%s", text)
		}
		if _, err := back.Check(leaf, policy, LedgerOrigin("qinghai")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Check(testLeaf(5), policy, LedgerOrigin("qinghai")); !errors.Is(err, ErrProof) {
		t.Errorf("another leaf: %v", err)
	}
	if _, err := p.Check(leaf, policy, LedgerOrigin("gansu")); !errors.Is(err, ErrOrigin) {
		t.Errorf("another log: %v", err)
	}
	p.Index++
	if _, err := p.Check(leaf, policy, LedgerOrigin("qinghai")); !errors.Is(err, ErrProof) {
		t.Errorf("another index: %v", err)
	}
	for _, bad := range []ProofFile{{}, {Index: -1, Checkpoint: p.Checkpoint}, {Index: MaxSize, Checkpoint: p.Checkpoint},
		{Proof: make([]Hash, 65), Checkpoint: p.Checkpoint}, {Checkpoint: make([]byte, MaxNote+1)}} {
		if text, err := bad.MarshalText(); err == nil || text != nil {
			t.Errorf("wrote %+v", bad)
		}
	}
}

func TestParseProofFileRefuses(t *testing.T) {
	h := EmptyRoot().String() + "\n"
	for _, bad := range []string{
		"", proofHeader, proofHeader + "\n", proofHeader + "\nindex 0\n", proofHeader + "\nindex 0\n\n",
		"c2sp.org/tlog-proof@v2\nindex 0\n\nnote\n", proofHeader + "\r\nindex 0\n\nnote\n",
		proofHeader + "\n\nnote\n", proofHeader + "\nindex\n\nnote\n", proofHeader + "\nindex -1\n\nnote\n",
		proofHeader + "\nindex 00\n\nnote\n", proofHeader + "\nindex 1 \n\nnote\n", proofHeader + "\nIndex 1\n\nnote\n",
		proofHeader + "\nindex 1152921504606846976\n\nnote\n", proofHeader + "\nextra \nindex 0\n\nnote\n",
		proofHeader + "\nextra AA\nindex 0\n\nnote\n", proofHeader + "\nextra AB==\nindex 0\n\nnote\n",
		proofHeader + "\nextra AA==\nextra AA==\nindex 0\n\nnote\n", proofHeader + "\nindex 0\nextra AA==\n\nnote\n",
		proofHeader + "\nindex 0\nindex 0\n\nnote\n", proofHeader + "\nindex 0\n" + h[:43] + "\n\nnote\n",
		proofHeader + "\nindex 0\n" + strings.Repeat(h, 65) + "\nnote\n",
	} {
		if p, err := ParseProofFile([]byte(bad)); !errors.Is(err, ErrFormat) || p != nil {
			t.Errorf("ParseProofFile(%.100q) = %v, %v", bad, p, err)
		}
	}
}

// TestTileLayout is the worked example of C2SP tlog-tiles: 70,000 leaves.
func TestTileLayout(t *testing.T) {
	v := testTree(70000).View()
	tiles, err := v.Tiles(0)
	if err != nil {
		t.Fatal(err)
	}
	full, partial := map[int]int{}, map[int]int{}
	for _, tile := range tiles {
		data, err := v.TileData(tile)
		if err != nil || len(data) != tile.Width*HashSize {
			t.Fatalf("%s: %d bytes, %v", tile.Path(), len(data), err)
		}
		if tile.Width == TileWidth {
			full[tile.Level]++
		} else {
			partial[tile.Level] = tile.Width
		}
		if back, err := ParseTilePath(tile.Path()); err != nil || back != tile {
			t.Fatalf("%s: %v, %v", tile.Path(), back, err)
		}
	}
	if full[0] != 273 || full[1] != 1 || full[2] != 0 || partial[0] != 112 || partial[1] != 17 || partial[2] != 1 || len(partial) != 3 {
		t.Errorf("full %v, partial %v", full, partial)
	}
	// A level 1 hash is the root of a full level 0 tile.
	level0, _ := v.TileData(Tile{Level: 0, Index: 16, Width: TileWidth})
	level1, _ := v.TileData(Tile{Level: 1, Index: 0, Width: TileWidth})
	var sub Tree
	for i := 0; i < len(level0); i += HashSize {
		sub.Append(Hash(level0[i : i+HashSize]))
	}
	if sub.Root() != Hash(level1[16*HashSize:17*HashSize]) {
		t.Error("level 1 does not hold the roots of level 0")
	}
	if more, err := v.Tiles(69999); err != nil || len(more) != 1 || more[0] != (Tile{Index: 273, Width: 112}) {
		t.Errorf("tiles of the last leaf: %v, %v", more, err)
	}
}

func TestTileRange(t *testing.T) {
	v := testTree(256).View()
	for _, tile := range []Tile{{Level: 0, Width: 256}, {Level: 0, Width: 1}, {Level: 1, Width: 1}} {
		if _, err := v.TileData(tile); err != nil {
			t.Errorf("%s: %v", tile.Path(), err)
		}
	}
	for _, tile := range []Tile{{Level: 1, Width: 2}, {Level: 2, Width: 1}, {Level: 0, Index: 1, Width: 1}, {Width: 0}, {Width: 257},
		{Index: -1, Width: 1}, {Index: 1 << 62, Width: 1}, {Level: EntriesLevel, Width: 1}, {Level: 8, Width: 1}, {Level: 63, Width: 1}, {Level: 64, Width: 1}} {
		if _, err := v.TileData(tile); !errors.Is(err, ErrRange) {
			t.Errorf("%+v: %v", tile, err)
		}
	}
	for _, old := range []int64{-1, 257} {
		if _, err := v.Tiles(old); !errors.Is(err, ErrRange) {
			t.Errorf("tiles from %d: %v", old, err)
		}
	}
}

func TestTilePath(t *testing.T) {
	for path, want := range map[string]Tile{
		"tile/0/000":                 {0, 0, 256},
		"tile/0/x001/x234/067":       {0, 1234067, 256},
		"tile/63/x001/000.p/1":       {63, 1000, 1},
		"tile/3/x001/x234/067.p/255": {3, 1234067, 255},
		"tile/entries/x001/x234/067": {EntriesLevel, 1234067, 256},
		"tile/entries/000.p/112":     {EntriesLevel, 0, 112},
	} {
		if got, err := ParseTilePath(path); err != nil || got != want || want.Path() != path {
			t.Errorf("ParseTilePath(%q) = %+v, %v; path %q", path, got, err, want.Path())
		}
	}
	for _, bad := range []string{"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/0000", "tile/00/000", "tile/64/000",
		"tile/-1/000", "tile/data/000", "tile/8/0/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p",
		"tile/0/001/000", "tile/0/x000/000", "tile/0/x1/000", "tile/0/000/", "/tile/0/000", "tile/0/+00", "tile/ 0/000", "tile/0/x001/000/x002",
		"tile/0/x999/x999/x999/x999/x999/x999/999", "tile/0/" + strings.Repeat("x999/", 60) + "999", "tile/Entries/000"} {
		if got, err := ParseTilePath(bad); !errors.Is(err, ErrFormat) || got != (Tile{}) {
			t.Errorf("ParseTilePath(%q) = %+v, %v", bad, got, err)
		}
	}
}

func TestEntryBundle(t *testing.T) {
	entries := [][]byte{[]byte("a"), {}, bytes.Repeat([]byte("b"), 1<<16-1)}
	data, err := EntryBundle(entries)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseEntryBundle(data, 3)
	if err != nil || len(back) != 3 || !bytes.Equal(bytes.Join(back, nil), bytes.Join(entries, nil)) {
		t.Fatalf("does not survive: %v", err)
	}
	for _, width := range []int{-1, 0, 2, 4, 257} {
		if got, err := ParseEntryBundle(data, width); err == nil || got != nil {
			t.Errorf("width %d accepted", width)
		}
	}
	if _, err := ParseEntryBundle(data[:len(data)-1], 3); !errors.Is(err, ErrFormat) {
		t.Errorf("cut short: %v", err)
	}
	for _, bad := range [][][]byte{nil, make([][]byte, 257), {make([]byte, 1<<16)}} {
		if got, err := EntryBundle(bad); !errors.Is(err, ErrRange) || got != nil {
			t.Errorf("wrote a bundle of %d entries: %v", len(bad), err)
		}
	}
}
