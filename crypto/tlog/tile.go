package tlog

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileWidth is the number of hashes, or entries, in a full tile; tile height 8
// is fixed by C2SP tlog-tiles v0.1.0.
const TileWidth = 1 << tileHeight

const tileHeight = 8

// EntriesLevel is the Level of an entry bundle.
const EntriesLevel = -1

const maxTileLevel = 63

// A Tile names one static resource of a tiled log: TileWidth (or, in a partial
// tile, Width) consecutive hashes of one level, or as many log entries.
type Tile struct {
	Level int   // 0 for leaf hashes, 1 for roots of full level 0 tiles, …; or EntriesLevel
	Index int64 // position in the level
	Width int   // 1 to TileWidth
}

// Path is the resource's path under the log's prefix:
// "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]".
func (t Tile) Path() string {
	path := t.mod().Path() // "tile/8/<L>/<N>", with "data" for the entries
	path = strings.TrimPrefix(path, "tile/8/")
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		path = "entries/" + rest
	}
	return "tile/" + path
}

func (t Tile) mod() tlog.Tile {
	return tlog.Tile{H: tileHeight, L: t.Level, N: t.Index, W: t.Width}
}

// ParseTilePath reads what Path writes, and only that.
func ParseTilePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	if !ok || len(path) > maxLine || strings.HasPrefix(rest, "data/") {
		return Tile{}, fmt.Errorf("%w tile path", ErrFormat)
	}
	if n, ok := strings.CutPrefix(rest, "entries/"); ok {
		rest = "data/" + n
	}
	m, err := tlog.ParseTilePath("tile/8/" + rest)
	if err != nil || m.L > maxTileLevel || m.N < 0 || m.N > MaxSize {
		return Tile{}, fmt.Errorf("%w tile path", ErrFormat)
	}
	t := Tile{Level: m.L, Index: m.N, Width: m.W}
	if t.Path() != path {
		return Tile{}, fmt.Errorf("%w tile path", ErrFormat)
	}
	return t, nil
}

// Tiles lists the hash tiles to publish when the tree grows from oldSize to the
// view's size, partial ones included.
func (v View) Tiles(oldSize int64) ([]Tile, error) {
	if oldSize < 0 || oldSize > v.size {
		return nil, fmt.Errorf("%w: tiles from %d to %d", ErrRange, oldSize, v.size)
	}
	var out []Tile
	for _, m := range tlog.NewTiles(tileHeight, oldSize, v.size) {
		out = append(out, Tile{Level: m.L, Index: m.N, Width: m.W})
	}
	return out, nil
}

// TileData is the content of a hash tile: Width hashes of 32 bytes. ErrRange if
// the tree does not fill the tile that far, or for entry bundles, whose content
// the tree does not have.
func (v View) TileData(t Tile) ([]byte, error) {
	if t.Level < 0 || t.Level > maxTileLevel || t.Width < 1 || t.Width > TileWidth ||
		t.Index < 0 || t.Index > v.size {
		return nil, fmt.Errorf("%w: tile", ErrRange)
	}
	complete := int64(0) // subtrees of 256^Level leaves
	if t.Level < 8 {
		complete = v.size >> (tileHeight * t.Level)
	}
	if t.Index*TileWidth+int64(t.Width) > complete {
		return nil, fmt.Errorf("%w: tile %s of a tree of %d", ErrRange, t.Path(), v.size)
	}
	data, err := tlog.ReadTileData(t.mod(), v.reader())
	if err != nil {
		return nil, fmt.Errorf("tlog: tile: %w", err)
	}
	return data, nil
}

// EntryBundle is the content of an entry tile: the entries, each after its
// length in two bytes, big endian.
func EntryBundle(entries [][]byte) ([]byte, error) {
	if len(entries) == 0 || len(entries) > TileWidth {
		return nil, fmt.Errorf("%w: bundle of %d entries", ErrRange, len(entries))
	}
	var out []byte
	for _, e := range entries {
		if len(e) > 1<<16-1 {
			return nil, fmt.Errorf("%w: log entry of %d bytes", ErrRange, len(e))
		}
		out = binary.BigEndian.AppendUint16(out, uint16(len(e)))
		out = append(out, e...)
	}
	return out, nil
}

// ParseEntryBundle reads exactly width entries.
func ParseEntryBundle(data []byte, width int) ([][]byte, error) {
	if width < 1 || width > TileWidth {
		return nil, fmt.Errorf("%w: bundle of %d entries", ErrRange, width)
	}
	entries := make([][]byte, 0, width)
	for range width {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%w entry bundle", ErrFormat)
		}
		n := 2 + int(binary.BigEndian.Uint16(data))
		entries = append(entries, data[2:n:n])
		data = data[n:]
	}
	if len(data) != 0 {
		return nil, fmt.Errorf("%w entry bundle: trailing data", ErrFormat)
	}
	return entries, nil
}
