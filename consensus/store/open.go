package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

// legacyName is the one file of a store of before the first release.
const legacyName = "log.db"

// Open opens the store and reads all of it: a store that opens is whole.
func Open(opt Options) (*Store, error) {
	s, err := hold(opt)
	if err == nil {
		err = s.readAll()
	}
	return s.opened(err)
}

// OpenBoth is Open and [OpenSnapshots] of one directory, each on a processor of its
// own, and [Reconcile]. The newest snapshot, if there is one, is given to be read
// while it is verified: an error of newest is returned if the snapshot is whole.
func OpenBoth(opt Options, newest func(*raft.SnapshotMeta, io.ReadCloser) error) (*Store, *Snapshots, error) {
	s, err := hold(opt) // first: whoever opens snapshots removes unfinished ones
	if err != nil {
		s, err = s.opened(err)
		return s, nil, err
	}
	var snaps *Snapshots
	var beside error
	done := make(chan struct{})
	go func() {
		defer close(done)
		snaps, beside = openSnapshots(opt, newest)
	}()
	err = s.readAll()
	<-done
	if err == nil {
		err = beside
	}
	if err == nil {
		err = Reconcile(s, snaps)
	}
	s, err = s.opened(err)
	return s, snaps, err
}

// opened gives the store, or closes what was opened of it.
func (s *Store) opened(err error) (*Store, error) {
	if err == nil {
		return s, nil
	}
	if s == nil {
		return nil, err
	}
	s.shut()
	return nil, errors.Join(err, s.closeFiles())
}

// hold takes the directory for this process.
func hold(opt Options) (*Store, error) {
	if opt.Fatal == nil || opt.NodeID == "" {
		return nil, errors.New("store: Fatal and NodeID are required")
	}
	opt = opt.withDefaults()
	s := &Store{opt: opt, fs: opt.FS, floor: func() uint64 { return 0 }, space: space{floor: opt.Floor, start: time.Now()}}
	s.space.bare.Store(true)
	opt.Hook("store.open")
	s.latch.init(opt)
	names, err := s.fs.List()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("store: open: %w", err)
	}
	if err == nil || opt.Create {
		return s, s.enter(names)
	}
	return s, s.absent()
}

func (s *Store) absent() error {
	return fmt.Errorf("%w in %s: a node id that was used before must not start with an empty directory", ErrNoState, s.opt.Dir)
}

// enter takes the directory and finds out what it is.
func (s *Store) enter(names []string) (err error) {
	if err := s.fs.Make(); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if s.lock, err = s.fs.Lock(); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if slices.Contains(names, legacyName) {
		return fmt.Errorf("%w: %s is a log of before the first release, which this version does not read: "+
			"set the node up anew, with an empty directory and a new node id", ErrFormat, legacyName)
	}
	if !slices.Contains(names, stateName) {
		return s.found(names)
	}
	return nil
}

// readAll reads the log and what is beside it.
func (s *Store) readAll() error {
	err := s.load()
	if err == nil {
		err = s.judgePoison()
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, ErrFormat) {
		err = fmt.Errorf("%w (%s)", err, Advice)
	}
	return err
}

// found makes a new store, if there is nothing here that a lost one left.
func (s *Store) found(names []string) error {
	for _, n := range names {
		if _, ok := segmentNumber(n); ok {
			return fmt.Errorf("%w: the state record is missing beside %s (%s)", ErrDamaged, n, Advice)
		}
	}
	if !s.opt.Create {
		return s.absent()
	}
	st := &state{Node: s.opt.NodeID, Next: 1, Values: map[string][]byte{}}
	if _, err := rand.Read(st.Salt[:]); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	s.opt.Hook("store.create.before")
	if err := st.replace(s.fs); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	s.opt.Hook("store.create.after")
	return nil
}

// load reads the state and every entry: all there, none beside, in order, whole.
func (s *Store) load() error {
	b, err := readWhole(s.fs, stateName)
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	if s.state, err = decodeState(b); err != nil {
		return err
	}
	if s.state.Node != s.opt.NodeID {
		return fmt.Errorf("%w: %q, not %q", ErrOwner, s.state.Node, s.opt.NodeID)
	}
	s.seed, s.values = s.state.seed(), s.state.Values
	var generation uint64
	var term uint64
	defer func() { s.scratch = nil }()
	for i, x := range s.state.Segments {
		if term, err = s.loadSegment(x, term, &generation); err != nil {
			return err
		}
		if i > 0 && s.segments[i-1].chain != x.Prev {
			return fmt.Errorf("%w: entry %d does not follow the one before", ErrDamaged, x.First)
		}
	}
	if uint32(s.state.Generation) < uint32(generation) {
		return fmt.Errorf("%w: the state record is older than the log", ErrDamaged)
	}
	if n := len(s.segments); n > 0 {
		s.first, s.last = max(s.segments[0].First, s.state.First), s.segments[n-1].last()
		if s.first > s.last {
			s.first, s.last = 0, 0
		}
	}
	if s.last < s.state.Reached {
		return fmt.Errorf("%w: entries %d to %d are missing", ErrDamaged, s.last+1, s.state.Reached)
	}
	return s.tidy()
}

// loadSegment reads one segment. In the one being written it makes sure that
// what was read is on disk before anybody builds on it: the bytes may come from
// a process that died before its sync.
func (s *Store) loadSegment(x extent, term uint64, generation *uint64) (uint64, error) {
	g, err := openSegment(s.fs, x.Number, s.state.Salt)
	if err != nil {
		return 0, err
	}
	s.segments = append(s.segments, g)
	g.extent = x
	if int64(cap(s.scratch)) < g.size {
		s.scratch = make([]byte, g.size)
	}
	b := s.scratch[:g.size]
	if err := readFull(g.file, b, 0); err != nil {
		return 0, fmt.Errorf("%s: %w", segmentName(x.Number), err)
	}
	r, err := scanSegment(b, x, s.seed, term)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", segmentName(x.Number), err)
	}
	g.spots, g.chain, g.end = r.spots, r.chain, r.end
	*generation = max(*generation, uint64(r.generation))
	if x.Last == 0 {
		if err := s.settle(g, b, r); err != nil {
			return 0, fmt.Errorf("store: open: %w", err)
		}
	}
	return r.term, nil
}

// settle finishes the last append: clears what was torn, syncs, seals.
func (s *Store) settle(g *segment, b []byte, r *scan) error {
	const chunk = 64 << 10
	for at := r.end; r.torn && at < g.size; at += chunk {
		part := b[at:min(at+chunk, g.size)]
		if isZero(part) {
			continue
		}
		if _, err := g.file.WriteAt(make([]byte, len(part)), at); err != nil {
			return err
		}
	}
	if !r.torn && len(r.unsealed) == 0 {
		return nil
	}
	if err := g.file.Sync(); err != nil {
		return err
	}
	for i, l := range r.unsealed {
		l.generation = uint32(s.state.Generation)
		if _, err := g.file.WriteAt(l.encode(s.seed, r.places[i]), r.places[i]); err != nil {
			return err
		}
	}
	return nil
}

// tidy removes what a crash left behind and finds the spare. A segment the state
// does not know yet can only be an empty one; entries in it would mean that the
// state is older than the log.
func (s *Store) tidy() error {
	// A rename the process before us did not live to sync counts from now on.
	if err := s.fs.SyncDir(); err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	names, err := s.fs.List()
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	for _, name := range names {
		n, ok := segmentNumber(name)
		known := slices.ContainsFunc(s.state.Segments, func(x extent) bool { return x.Number == n })
		switch {
		case ok && !known && n >= s.state.Next:
			err = s.adopt(n)
		case ok && !known, name == stateName+tmpSuffix, name == poisonName+tmpSuffix, strings.HasSuffix(name, segmentSuffix+tmpSuffix):
			err = s.fs.Remove(name)
		case name == ballastName:
			err = s.findBallast()
		}
		if err != nil {
			return fmt.Errorf("store: open: %w", err)
		}
	}
	return s.takeBallast()
}

// adopt takes an empty segment as the spare.
func (s *Store) adopt(n uint64) error {
	g, err := openSegment(s.fs, n, s.state.Salt)
	if err != nil {
		return err
	}
	b := make([]byte, g.size-segmentHead)
	err = readFull(g.file, b, segmentHead)
	if err == nil && (n != s.state.Next || !isZero(b)) {
		err = fmt.Errorf("%w: the state record does not know of %s", ErrDamaged, segmentName(n))
	}
	if err != nil {
		return errors.Join(err, g.file.Close())
	}
	s.spare = &spare{number: n, size: g.size, file: g.file, done: make(chan struct{})}
	close(s.spare.done)
	return nil
}
