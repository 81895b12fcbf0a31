package store

import (
	"bytes"
	"testing"

	"github.com/hashicorp/raft"
)

// appendRecord appends an entry as a record of the batch that starts at batch.
func appendRecord(b []byte, s salt, e *raft.Log, prev uint32, batch int64, last bool) ([]byte, uint32) {
	start := len(b)
	b, sum := appendHead(b, s, e, prev, batch, last)
	b = append(b, e.Data...)
	for len(b)%align != start%align {
		b = append(b, 0)
	}
	return b, sum
}

// segmentBytes is a segment with entries 1 to n in batches of three.
func segmentBytes(s salt, n int, sealed bool) []byte {
	b := append([]byte{}, make([]byte, segmentHead)...)
	var chain uint32
	for i := 1; i <= n; {
		at, batch := len(b), append([]byte{}, make([]byte, sealSize)...)
		for k := range 3 {
			batch, chain = appendRecord(batch, s, entry(uint64(i)), chain, int64(at), k == 2)
			i++
		}
		if sealed {
			copy(batch, seal{length: uint32(len(batch) - sealSize), last: chain, generation: 1}.encode(s, int64(at)))
		}
		b = append(b, batch...)
	}
	return append(b, make([]byte, 256)...)
}

func FuzzRecord(f *testing.F) {
	for i := range uint64(5) {
		b, _ := appendRecord(nil, 7, entry(i*9+1), uint32(i), 4096, i%2 == 0)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, data, err := decodeRecord(b, 7)
		if err != nil {
			return
		}
		e := h.entry(data)
		again, sum := appendRecord(nil, 7, &e, h.prev, h.batch, h.flags&flagLast != 0)
		if sum != h.sum || !bytes.Equal(again, b[:h.size()]) {
			t.Fatalf("encodes differently: %x", again)
		}
	})
}

// Whatever a segment's bytes are, reading them ends, and what it takes for the
// log is a row of entries that follow one another.
func FuzzSegment(f *testing.F) {
	f.Add(segmentBytes(7, 9, true), uint64(0))
	f.Add(segmentBytes(7, 9, false), uint64(0))
	f.Add(segmentBytes(7, 9, true), uint64(8))
	torn := segmentBytes(7, 9, false)
	f.Add(torn[:len(torn)-400], uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, last uint64) {
		r, err := scanSegment(b, extent{Number: 1, First: 1, Last: last}, 7, 0)
		if err != nil {
			return
		}
		if r.end > int64(max(len(b), segmentHead)) || last != 0 && uint64(len(r.spots)) != last {
			t.Fatalf("end %d of %d, %d entries", r.end, len(b), len(r.spots))
		}
		for i, at := range r.spots {
			if h, _, err := decodeRecord(b[at.at:at.at+at.size], 7); err != nil || h.index != uint64(i+1) {
				t.Fatalf("entry %d: %v", i+1, err)
			}
		}
	})
}

func FuzzPoison(f *testing.F) {
	f.Add(poison{index: 7, count: 2, build: [32]byte{1}}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := decodePoison(b); err == nil && !bytes.Equal(p.encode(), b) {
			t.Fatal("encodes differently")
		}
	})
}

func FuzzState(f *testing.F) {
	s := state{Generation: 3, Node: "n1", Next: 4, First: 2, Reached: 9, Values: map[string][]byte{"CurrentTerm": {1}, "vote": {}},
		Segments: []extent{{Number: 1, First: 1, Last: 5}, {Number: 3, First: 6, Prev: 77}}}
	f.Add(s.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeState(b); err == nil && !bytes.Equal(s.encode(), b) {
			t.Fatal("encodes differently")
		}
	})
}
