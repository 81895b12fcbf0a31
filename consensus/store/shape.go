package store

import (
	"errors"
	"fmt"
	"slices"

	"accord/consensus/store/disk"
)

// next is a copy of the state to change, for a log that will end at last.
func (s *Store) next(last uint64) *state {
	n := s.state.clone()
	n.Generation++
	n.Reached = last
	return n
}

// replace makes next the state on disk and then lets readers see what follows
// from it.
func (s *Store) replace(next *state, seen func()) error {
	s.opt.Hook("store.state.before")
	err := next.replace(s.fs)
	if errors.Is(err, disk.ErrFull) && s.dropBallast() {
		err = next.replace(s.fs)
	}
	if err != nil {
		return err
	}
	s.opt.Hook("store.state.after")
	s.state = next
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = next.Values
	if seen != nil {
		seen()
	}
	return nil
}

// rotate closes the segment being written and begins the next, in which the
// entry first comes first.
func (s *Store) rotate(first uint64, need int64) (*segment, error) {
	s.opt.Hook("store.rotate.before")
	next, kept := s.next(s.last), slices.Clone(s.segments)
	var gone []*segment
	if n := len(kept); n > 0 && kept[n-1].Last == 0 {
		if len(kept[n-1].spots) == 0 { // begun, and then the log went on elsewhere
			gone, kept, next.Segments = []*segment{kept[n-1]}, kept[:n-1], next.Segments[:n-1]
		} else {
			next.Segments[n-1].Last = kept[n-1].last()
		}
	}
	var prev uint32
	if n := len(kept); n > 0 {
		prev = kept[n-1].chain
	}
	g, err := s.fresh(need)
	if err != nil {
		return nil, err
	}
	g.extent = extent{Number: next.Next, First: first, Prev: prev}
	g.end, g.chain = segmentHead, prev
	next.Segments, next.Next = append(next.Segments, g.extent), next.Next+1
	err = s.replace(next, func() {
		if n := len(kept); n > 0 {
			kept[n-1].Last = kept[n-1].last()
		}
		s.segments = append(kept, g)
	})
	if err != nil {
		_ = g.file.Close()
		return nil, err
	}
	s.discard(gone)
	s.opt.Hook("store.rotate.after")
	s.prepare()
	s.pace = pace{}
	return g, nil
}

// pace is how large the batches of a segment were.
type pace struct {
	bytes   int64
	batches int
}

// small says whether the next segment is worth blanking: unless the last one was
// filled by batches so large that blanking takes as many syncs as they do, as when a
// node catches up.
func (p pace) small() bool { return p.batches == 0 || p.bytes/int64(p.batches) < disk.Piece }

// spare is the next segment, made ahead: taking room is slow, and a disk that
// is full should show before an entry needs the room.
type spare struct {
	number uint64
	size   int64
	file   disk.File
	err    error
	done   chan struct{}
}

// prepare makes a spare in the background, if there is none and room for it.
func (s *Store) prepare() {
	if s.spare != nil || s.failed() != nil {
		return
	}
	p := &spare{number: s.state.Next, size: s.opt.SegmentSize, done: make(chan struct{})}
	s.spare = p
	salt, blanked := s.state.Salt, s.pace.small()
	s.inBackground(func() {
		defer close(p.done)
		if p.err = s.space.spend(s.fs, p.size); p.err == nil {
			p.file, p.err = createSegment(s.fs, p.number, p.size, salt, blanked)
		}
		if errors.Is(p.err, disk.ErrFull) {
			s.space.short.Store(true)
		} else if p.err != nil {
			_ = s.trip(fmt.Errorf("store: prepare: %w", p.err))
		}
	})
}

func (s *Store) inBackground(f func()) {
	if s.opt.Background != nil {
		s.opt.Background(f)
		return
	}
	s.tasks.Go(f)
}

// fresh is an empty segment with at least the room needed: the spare, or one
// made now.
func (s *Store) fresh(need int64) (*segment, error) {
	size := max(s.opt.SegmentSize, segmentHead+need)
	if size > maxSegment {
		return nil, fmt.Errorf("store: a batch of %d bytes", need)
	}
	if p := s.spare; p != nil {
		<-p.done
		s.spare = nil
		if p.err == nil && p.number == s.state.Next && p.size >= size {
			return &segment{file: p.file, size: p.size}, nil
		}
		if p.file != nil {
			_ = p.file.Close()
		}
	}
	f, err := createSegment(s.fs, s.state.Next, size, s.state.Salt, s.pace.small())
	if err != nil {
		return nil, err
	}
	return &segment{file: f, size: size}, nil
}

// DeleteRange removes entries from the front (compaction), from the end (a
// follower's conflict) or all of them (an installed snapshot). It happens when
// the state is replaced; no segment is written to, files no longer named go
// afterwards.
func (s *Store) DeleteRange(lo, hi uint64) error {
	s.own()
	defer s.write.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	lo, hi = max(lo, s.first), min(hi, s.last)
	if s.first == 0 || lo > hi {
		return nil
	}
	s.opt.Hook("store.delete.before")
	defer s.opt.Hook("store.delete.after")
	switch {
	case lo == s.first && hi == s.last:
		return s.guarded("delete", s.clear)
	case lo == s.first:
		return s.guarded("compact", func() error { return s.behead(hi + 1) })
	case hi == s.last:
		s.mu.RLock()
		floor := s.floor()
		s.mu.RUnlock()
		if lo <= floor {
			return s.trip(fmt.Errorf("store: refuses to cut the log at %d, committed up to %d", lo, floor))
		}
		return s.guarded("cut", func() error { return s.cut(lo - 1) })
	}
	return s.trip(fmt.Errorf("store: refuses to cut %d to %d out of the log", lo, hi))
}

// clear removes all entries.
func (s *Store) clear() error {
	next, gone := s.next(0), s.segments
	next.First, next.Segments = 0, nil
	err := s.replace(next, func() { s.segments, s.first, s.last = nil, 0, 0; s.recent.clear() })
	if err == nil {
		s.discard(gone)
	}
	return err
}

// behead removes the entries before first.
func (s *Store) behead(first uint64) error {
	next, n := s.next(s.last), 0
	for n < len(s.segments) && s.segments[n].last() < first && s.segments[n].Last != 0 {
		n++
	}
	gone, kept := s.segments[:n], s.segments[n:]
	next.First, next.Segments = first, next.Segments[n:]
	err := s.replace(next, func() { s.segments, s.first = slices.Clone(kept), first })
	if err == nil {
		s.discard(gone)
	}
	return err
}

// cut removes the entries after last. The segment they begin in is closed at
// last, and what lies behind in it is never looked at again.
func (s *Store) cut(last uint64) error {
	next, n := s.next(last), len(s.segments)
	for s.segments[n-1].First > last {
		n--
	}
	g := s.segments[n-1]
	b := make([]byte, recordHead)
	if err := readFull(g.file, b, int64(g.spots[last-g.First].at)); err != nil {
		return err
	}
	h, err := decodeHead(b, s.seed)
	if err != nil || h.index != last {
		return fmt.Errorf("%w: entry %d no longer reads as it was written", ErrDamaged, last)
	}
	gone := s.segments[n:]
	next.Segments = next.Segments[:n]
	next.Segments[n-1].Last = last
	err = s.replace(next, func() {
		g.Last, g.chain, g.spots = last, h.sum, g.spots[:last-g.First+1]
		s.segments, s.last = s.segments[:n:n], last
		s.recent.clear()
	})
	if err == nil {
		s.discard(gone)
	}
	return err
}

// discard closes and removes files the state no longer names. Failing to is no
// danger: the next start removes them.
func (s *Store) discard(gone []*segment) {
	if len(gone) == 0 {
		return
	}
	s.mu.Lock() // no reader is inside
	for _, g := range gone {
		_ = g.file.Close()
	}
	s.mu.Unlock()
	s.inBackground(func() {
		for _, g := range gone {
			if err := s.fs.Remove(segmentName(g.Number)); err != nil {
				s.opt.Logger.Warn("could not remove an old part of the log", "error", err)
			}
		}
	})
}
