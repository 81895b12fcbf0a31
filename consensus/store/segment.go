package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"accord/consensus/store/disk"
)

// segment is one file of the log, its room taken when it was made. Its header
// says which log and which number it belongs to; which entries it holds the
// state says.
type segment struct {
	extent
	file  disk.File
	size  int64
	end   int64  // where the next batch goes
	chain uint32 // checksum of the last record
	spots []spot // where the records are, from First
}

// spot is where a record lies.
type spot struct{ at, size uint32 }

const (
	segmentMagic  = "accord-segment/2"
	segmentSuffix = ".log"
	segmentHead   = 4096 // a page of its own: batches never touch the header's sector
	// segmentSize is how much room a segment takes; a batch that needs more gets
	// a larger one.
	segmentSize = 16 << 20
	maxSegment  = 1 << 30
)

func segmentName(n uint64) string { return fmt.Sprintf("%016x%s", n, segmentSuffix) }

// segmentNumber is the inverse; false for another file's name.
func segmentNumber(name string) (n uint64, ok bool) {
	if _, err := fmt.Sscanf(name, "%16x"+segmentSuffix, &n); err != nil || name != segmentName(n) {
		return 0, false
	}
	return n, true
}

// last is the newest entry it holds, First-1 if none.
func (g *segment) last() uint64 { return g.First + uint64(len(g.spots)) - 1 }

func encodeSegmentHead(number uint64, size int64, salt [16]byte) []byte {
	b := append(make([]byte, 0, segmentHead), segmentMagic...)
	b = binary.BigEndian.AppendUint64(b, number)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	b = append(b, salt[:]...)
	return binary.BigEndian.AppendUint32(b, seedOf(salt).sum(b))[:segmentHead]
}

// createSegment makes an empty segment: beside, whole, then renamed.
func createSegment(fs disk.FS, number uint64, size int64, salt [16]byte, blanked bool) (disk.File, error) {
	name := segmentName(number)
	f, err := fs.Create(name + tmpSuffix)
	if err != nil {
		return nil, err
	}
	if err = f.Reserve(size, blanked); err == nil {
		_, err = f.WriteAt(encodeSegmentHead(number, size, salt), 0)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fs.Rename(name+tmpSuffix, name)
	}
	if err == nil {
		err = fs.SyncDir()
	}
	if err != nil {
		_ = f.Close()
		if errors.Is(err, disk.ErrFull) {
			_ = fs.Remove(name + tmpSuffix)
		}
		return nil, err
	}
	return f, nil
}

// openSegment opens a segment and checks its header and length.
func openSegment(fs disk.FS, number uint64, salt [16]byte) (*segment, error) {
	name := segmentName(number)
	f, err := fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	g := &segment{extent: extent{Number: number}, file: f, end: segmentHead}
	g.size, err = f.Size()
	if err == nil {
		head := make([]byte, segmentHead)
		if err = readFull(f, head, 0); err == nil && !bytes.Equal(head, encodeSegmentHead(number, g.size, salt)) {
			err = fmt.Errorf("%w: %s: header or length", ErrDamaged, name)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return g, nil
}

// readFull reads len(b) bytes; fewer are damage, other errors the disk's.
func readFull(f disk.File, b []byte, at int64) error {
	n, err := f.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: file ends early", ErrDamaged)
	}
	return err
}

// scan is what reading a segment through finds.
type scan struct {
	spots      []spot
	end        int64  // behind the last whole batch
	chain      uint32 // the last record's checksum
	term       uint64 // the last record's term
	generation uint32 // the newest named by a seal
	unsealed   []seal // whole batches without a seal; they may not be durable
	places     []int64
	torn       bool // something lies behind the end: a batch that was never acknowledged
}

// scanSegment reads the bytes of a segment. They must hold the records of x, no
// more where x is closed. In the segment being written a batch without a seal
// that does not read whole is the one a crash interrupted: StoreLogs had not
// returned, so it is left out. It must be the very last thing written; anything
// sealed or of another batch behind it shows that it is damage instead.
func scanSegment(b []byte, x extent, s salt, term uint64) (*scan, error) {
	r := &scan{end: segmentHead, chain: x.Prev, term: term}
	for at := int64(segmentHead); at+sealSize <= int64(len(b)); at = r.end {
		if x.Last != 0 && x.First+uint64(len(r.spots)) > x.Last {
			return r, nil
		}
		l, sealed, err := decodeSeal(b[at:], s, at)
		if err != nil {
			return nil, fmt.Errorf("%w: seal at %d %w", ErrDamaged, at, err)
		}
		if !sealed && isZero(b[at:]) {
			break
		}
		err = r.batch(b, at, x, s)
		switch {
		case err == nil && sealed && (int64(l.length) != r.end-at-sealSize || l.last != r.chain) && x.Last == 0:
			return nil, fmt.Errorf("%w: batch at %d does not match its seal", ErrDamaged, at)
		case err == nil && sealed:
			r.generation = max(r.generation, l.generation)
		case err == nil:
			r.unsealed = append(r.unsealed, seal{length: uint32(r.end - at - sealSize), last: r.chain})
			r.places = append(r.places, at)
		case sealed || x.Last != 0:
			return nil, fmt.Errorf("%w: entry %d %w", ErrDamaged, x.First+uint64(len(r.spots)), err)
		default:
			if at, ok := evidence(b, at, s); ok {
				return nil, fmt.Errorf("%w: entry %d %w, though more was written at %d", ErrDamaged, x.First+uint64(len(r.spots)), err, at)
			}
			r.torn = true
			return r, nil
		}
	}
	if x.Last != 0 && x.First+uint64(len(r.spots)) <= x.Last {
		return nil, fmt.Errorf("%w: entries after %d are missing", ErrDamaged, x.First+uint64(len(r.spots))-1)
	}
	return r, nil
}

// batch reads the batch at a place and moves the scan behind it, or leaves the
// scan as it was. In a closed segment it stops at the last entry.
func (r *scan) batch(b []byte, at int64, x extent, s salt) error {
	spots, chain, term := r.spots, r.chain, r.term
	for pos := at + sealSize; ; {
		index := x.First + uint64(len(spots))
		h, _, err := decodeRecord(b[min(pos, int64(len(b))):], s)
		switch {
		case err != nil:
			return err
		case h.index != index || h.prev != chain || h.batch != at || h.term < term:
			return errors.New("is out of place")
		}
		spots = append(spots, spot{uint32(pos), uint32(h.size())})
		chain, term, pos = h.sum, h.term, pos+int64(h.size())
		if h.flags&flagLast != 0 || index == x.Last {
			r.spots, r.chain, r.term, r.end = spots, chain, term, pos
			return nil
		}
	}
}

// evidence looks behind the start of a batch that does not read whole for a seal
// or for a record of another batch. One of those means that the batch was
// durable once: there is only ever one that is not.
func evidence(b []byte, batch int64, s salt) (at int64, found bool) {
	for at = batch + align; at+sealSize <= int64(len(b)); at += align {
		if isZero(b[at : at+sealSize]) {
			continue
		}
		if _, sealed, err := decodeSeal(b[at:], s, at); err == nil && sealed {
			return at, true
		}
		if h, err := decodeHead(b[at:], s); err == nil && h.batch != batch {
			return at, true
		}
	}
	return 0, false
}
