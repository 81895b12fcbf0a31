package store

import (
	"testing"

	"accord/consensus/store/disk"
	"accord/consensus/store/disktest"

	"github.com/hashicorp/raft"
)

// TestOnlySmallBatchesNeedBlankedRoom: blanking saves something at each sync, so it
// is left out behind a segment that large batches filled, and only there.
func TestOnlySmallBatchesNeedBlankedRoom(t *testing.T) {
	d := disktest.New()
	opt := inMemory(d, true)
	opt.SegmentSize = segmentHead + 4*disk.Piece
	s, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	index := uint64(0)
	fill := func(batches, size int) {
		for range batches {
			index++
			if err := s.StoreLogs([]*raft.Log{{Index: index, Term: 1, Type: raft.LogCommand, Data: make([]byte, size)}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	last := func() bool { b := d.Blanked(); return b[len(b)-1] }
	rotations := func() int { return len(d.Blanked()) }
	if fill(1, 100); !last() {
		t.Error("before anything is known the next segment is not blanked")
	}
	for n := rotations(); rotations() < n+2; { // the spare made behind the first whole segment of them
		fill(1, 3*disk.Piece)
	}
	if last() {
		t.Error("behind batches of 3 MiB the next segment is blanked")
	}
	for n := rotations(); rotations() < n+2; {
		fill(1, 64<<10)
	}
	if !last() {
		t.Error("behind batches of 64 KiB the next segment is not blanked")
	}
}
