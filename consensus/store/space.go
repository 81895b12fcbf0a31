package store

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"accord/consensus/store/disk"
)

// A full disk must not be met inside an append: by then raft counts on the
// entry, and the only way left is to stop. So the store looks ahead: it takes the
// room for the next segment while the current one fills, and it says when the
// disk's free space falls under a floor, while there is still room for what is
// under way. Nothing is damaged by it, and nothing needs repair: as soon as
// there is room again it says so.

const (
	maxFloor  = 64 << 20
	floorPart = 16 // of the disk, where that is less
	lookEvery = 500 * time.Millisecond

	// The ballast is a file whose room is given up for the state, which a vote and a
	// new segment replace even when nobody else finds room. It is far larger than the
	// state: each replacement frees what it took.
	ballastName = "ballast"
	ballastSize = 256 << 10
)

// space watches the free space.
type space struct {
	floor  uint64 // 0: by the disk's size
	low    atomic.Bool
	short  atomic.Bool  // no room for a spare when it was last tried
	bare   atomic.Bool  // the ballast is not there
	looked atomic.Int64 // nanoseconds since start
	start  time.Time
}

// look renews low. Between the floor and a quarter above it stays as it was.
func (p *space) look(fs disk.FS) (free uint64, err error) {
	free, total, err := fs.Space()
	if err != nil {
		return 0, fmt.Errorf("store: free space: %w", err)
	}
	floor := p.limit(total)
	if free < floor {
		p.low.Store(true)
	} else if free >= floor+floor/4 {
		p.low.Store(false)
	}
	return free, nil
}

func (p *space) limit(total uint64) uint64 {
	if p.floor != 0 {
		return p.floor
	}
	return min(maxFloor, total/floorPart)
}

// spend says whether size bytes may be taken and leave the floor untouched.
func (p *space) spend(fs disk.FS, size int64) error {
	free, total, err := fs.Space()
	if err == nil && free < p.limit(total)+uint64(size) {
		return fmt.Errorf("%w: %d bytes are free", disk.ErrFull, free)
	}
	return err
}

// Room says whether anything new may be taken on: nil, or [ErrDiskFull] when the
// disk's free space is under the floor. It looks at most twice a second, and it
// is what makes the store try again to take room ahead.
func (s *Store) Room() error {
	now := int64(time.Since(s.space.start))
	if last := s.space.looked.Load(); (last == 0 || now-last >= int64(lookEvery)) && s.space.looked.CompareAndSwap(last, now) {
		if _, err := s.space.look(s.fs); err != nil {
			s.opt.Logger.Warn("cannot see how full the disk is", "error", err)
		}
		if (s.space.short.Load() || s.space.bare.Load()) && !s.space.low.Load() && s.write.TryLock() {
			_ = s.takeBallast() // an error latches
			s.retry()
			s.write.Unlock()
		}
	}
	if s.space.low.Load() {
		return ErrDiskFull
	}
	return nil
}

// Holds says whether entries that others have decided can still be stored: the
// floor may be reached, but not the room taken ahead used up. That is a spare or,
// for entries that go on where the log ends, the rest of the segment being written.
func (s *Store) Holds(entries []*raft.Log) error {
	err := s.Room()
	if err == nil || !s.space.short.Load() || s.goesOn(entries) {
		return nil
	}
	return err
}

// goesOn says whether entries need no more than the segment being written. Those
// the log has already need nothing; if one differs, the log would be cut.
func (s *Store) goesOn(entries []*raft.Log) bool {
	var e raft.Log
	for len(entries) > 0 && s.get(entries[0].Index, &e, s.read) == nil && e.Term == entries[0].Term {
		entries = entries[1:]
	}
	if len(entries) == 0 {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failed() == nil && s.current(entries[0].Index, batchSize(entries)) != nil
}

// takeBallast makes the ballast if it is not there and there is room for it.
func (s *Store) takeBallast() error {
	if !s.space.bare.Load() || s.lock == nil { // or closed
		return nil
	}
	return s.guarded("ballast", func() error {
		err := s.space.spend(s.fs, ballastSize)
		if err == nil {
			err = s.makeBallast()
		}
		if errors.Is(err, disk.ErrFull) {
			return nil // tried again when there is room
		}
		s.space.bare.Store(err != nil)
		return err
	})
}

func (s *Store) makeBallast() error {
	f, err := s.fs.Create(ballastName)
	if err != nil {
		return err
	}
	return errors.Join(f.Reserve(ballastSize, false), f.Close())
}

// findBallast keeps a ballast that an earlier process made whole.
func (s *Store) findBallast() error {
	f, err := s.fs.Open(ballastName)
	if err != nil {
		return err
	}
	size, err := f.Size()
	s.space.bare.Store(size != ballastSize)
	return errors.Join(err, f.Close())
}

// dropBallast gives up its room and says whether there was any.
func (s *Store) dropBallast() bool {
	if s.space.bare.Swap(true) {
		return false
	}
	return errors.Join(s.fs.Remove(ballastName), s.fs.SyncDir()) == nil
}

// retry makes the spare that could not be made before.
func (s *Store) retry() {
	if !s.space.short.Load() {
		return
	}
	if p := s.spare; p != nil {
		select {
		case <-p.done:
		default:
			return
		}
		if p.err == nil {
			return
		}
		s.spare = nil
	}
	s.space.short.Store(false)
	s.prepare()
}
