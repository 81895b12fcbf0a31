package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"accord/consensus/store/disk"

	"github.com/hashicorp/raft"
)

// Options of [Open] and [OpenSnapshots].
type Options struct {
	Dir    string // holds the log and the snapshots
	NodeID string
	// Create makes a new store in a directory without one. Without it a missing
	// store is [ErrNoState]: a node that lost its disk has forgotten its votes
	// and must not come back under its old id.
	Create bool
	// Fatal is called once, with the first error of a write or the watchdog.
	Fatal func(error)
	// Limit is how long a call may take; 0 means [DefaultLimit].
	Limit time.Duration
	// AfterFunc is time.AfterFunc unless a test says otherwise; it returns how to
	// call the timer off.
	AfterFunc func(time.Duration, func()) (stop func() bool)
	Logger    *slog.Logger
	// NoSync leaves out fsync. For tests only.
	NoSync bool

	// FS is the directory; Dir without it.
	FS disk.FS
	// SegmentSize is how many bytes a file of the log takes; 0 means 16 MiB.
	SegmentSize int64
	// PieceSize is how many bytes of a batch are put together before they are written;
	// 0 means 256 KiB.
	PieceSize int
	// Floor is how many bytes of the disk stay free; 0 means the smaller of
	// 64 MiB and a sixteenth of the disk. See [Store.Room].
	Floor uint64
	// Background runs what nobody waits for; its own goroutine without it.
	Background func(func())
	// Hook, if not nil, is told each place at which a test may want a crash.
	Hook func(point string)
}

// pieceSize is what a processor's cache holds beside other things.
const pieceSize = 256 << 10

// DefaultLimit is the watchdog's patience with one call.
const DefaultLimit = 5 * time.Second

func (o Options) withDefaults() Options {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.FS == nil {
		o.FS = disk.Dir(o.Dir, !o.NoSync)
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = segmentSize
	}
	if o.PieceSize == 0 {
		o.PieceSize = pieceSize
	}
	if o.Hook == nil {
		o.Hook = func(string) {}
	}
	return o
}

// Store is raft's log store and stable store. Its entries have no gaps: a list of
// entries that does not follow on the last is an error.
type Store struct {
	latch
	opt   Options
	fs    disk.FS
	lock  io.Closer
	tasks sync.WaitGroup
	space space

	write   sync.Mutex            // held by whoever changes the log or the state, across the disk; see own
	ahead   atomic.Pointer[batch] // the newest batch of StoreAhead, nil before the first
	state   *state                // as it is on disk; replaced, never changed
	seed    salt                  // what the log's checksums start from
	suspect atomic.Uint64         // the entry the machine has failed at, 0 for none
	spare   *spare                // the next segment, made ahead
	buf     []byte                // of the batch being written
	scratch []byte                // a segment being read at the start
	pace    pace                  // of the segment being written, since the start

	mu       sync.RWMutex // held shortly, for what readers look at
	first    uint64       // 0, 0 when the log is empty
	last     uint64
	segments []*segment
	values   map[string][]byte
	recent   recent
	floor    func() uint64
}

var (
	_ raft.LogStore          = (*Store)(nil)
	_ raft.StableStore       = (*Store)(nil)
	_ raft.MonotonicLogStore = (*Store)(nil)
)

// SetFloor tells the store below which index it must never cut the end of the
// log off: what is committed. It is an assertion behind the transport's guard.
func (s *Store) SetFloor(f func() uint64) {
	s.mu.Lock()
	s.floor = f
	s.mu.Unlock()
}

// Size is how many bytes the log's files take.
func (s *Store) Size() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var n int64
	for _, g := range s.segments {
		n += g.size
	}
	return n
}

// IsMonotonic is true and meant: StoreLogs refuses gaps, and removing the whole
// log is one replacement of the state. After it installed a snapshot raft
// therefore removes all entries instead of leaving a gap, which also is what
// lets a restart heal raft#697.
func (s *Store) IsMonotonic() bool { return true }

// FirstIndex is the index of the oldest entry, 0 for an empty log.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.first, s.failed()
}

// LastIndex is the index of the newest entry, 0 for an empty log.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.last, s.failed()
}

// GetLog reads one entry; raft.ErrLogNotFound if it is not here. It does not
// wait for an append under way.
func (s *Store) GetLog(index uint64, e *raft.Log) error { return s.get(index, e, s.read) }

func (s *Store) get(index uint64, e *raft.Log, read func(uint64, *raft.Log) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.failed(); err != nil {
		return err
	}
	if s.first == 0 || index < s.first || index > s.last {
		return raft.ErrLogNotFound
	}
	if s.recent.get(index, e) {
		return nil
	}
	return s.guarded("read", func() error { return read(index, e) })
}

// place is where the record of an entry lies.
func (s *Store) place(index uint64) (*segment, spot) {
	i, _ := slices.BinarySearchFunc(s.segments, index, func(g *segment, index uint64) int {
		if g.last() < index {
			return -1
		}
		return 1
	})
	g := s.segments[i]
	return g, g.spots[index-g.First]
}

// read reads an entry from its segment and checks it again.
func (s *Store) read(index uint64, e *raft.Log) error {
	g, at := s.place(index)
	b := make([]byte, at.size)
	if err := readFull(g.file, b, int64(at.at)); err != nil {
		return err
	}
	h, data, err := decodeRecord(b, s.seed)
	if err != nil || h.index != index {
		return fmt.Errorf("%w: entry %d no longer reads as it was written", ErrDamaged, index)
	}
	*e = h.entry(data)
	return nil
}

// StoreLog stores one entry.
func (s *Store) StoreLog(e *raft.Log) error { return s.StoreLogs([]*raft.Log{e}) }

// StoreLogs appends entries and returns once they are on disk.
func (s *Store) StoreLogs(entries []*raft.Log) error {
	s.own()
	defer s.write.Unlock()
	if err := s.follows(entries); err != nil || len(entries) == 0 {
		return err
	}
	return s.guarded("append", func() error {
		b, err := s.put(entries)
		if err == nil {
			err = s.land(b)
		}
		if err == nil {
			s.show(b)
		}
		return err
	})
}

// StoreAhead appends entries, which can be read as soon as it returns, and leaves
// it to [Store.Durable] to say when they are on disk. There is never more than one
// such batch: whatever changes the log or the state waits for it first.
func (s *Store) StoreAhead(entries []*raft.Log) error {
	s.own()
	defer s.write.Unlock()
	if err := s.follows(entries); err != nil || len(entries) == 0 {
		return err
	}
	var b *batch
	err := s.guarded("append", func() (err error) {
		if b, err = s.put(entries); err == nil {
			b.done = make(chan struct{})
			s.ahead.Store(b) // before anybody can read what Durable must wait for
			s.show(b)
		}
		return err
	})
	if err != nil {
		return err
	}
	go func() {
		defer close(b.done)
		_ = s.guarded("append", func() error { return s.land(b) }) // an error latches: Durable gives it
	}()
	return nil
}

// Durable returns once the log up to an index is on disk, as far as it was there
// when it was called; everything for the greatest index.
func (s *Store) Durable(index uint64) error {
	if b := s.ahead.Load(); b != nil && index >= b.entries[0].Index {
		s.await(b)
	}
	return s.failed()
}

// own takes the log and the state for a change, with everything on disk.
func (s *Store) own() {
	s.write.Lock()
	if b := s.ahead.Load(); b != nil {
		s.await(b)
	}
}

// await waits for a batch, but not for a disk that hangs.
func (s *Store) await(b *batch) {
	select {
	case <-b.done:
	case <-s.over:
	}
}

// follows says whether entries may come behind those that are there.
func (s *Store) follows(entries []*raft.Log) error {
	if err := s.failed(); err != nil {
		return err
	}
	next := s.last + 1
	for i, e := range entries {
		if e.Index == 0 || ((s.last != 0 || i > 0) && e.Index != next) {
			return s.trip(fmt.Errorf("store: entry %d does not follow %d", e.Index, next-1))
		}
		next = e.Index + 1
	}
	return nil
}

// batch is what one append writes.
type batch struct {
	entries []*raft.Log
	segment *segment
	at      int64 // where its seal goes
	seal    seal
	spots   []spot
	done    chan struct{} // StoreAhead's: closed once it is on disk, or the store has failed
}

// put writes a batch's records with an empty seal. It writes piece by piece, and large
// data from where it lies: nothing is put together that does not stay in the
// processor's cache. Until the seal says so none of it counts, however much of it a
// crash leaves.
func (s *Store) put(entries []*raft.Log) (*batch, error) {
	g, err := s.target(entries)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !storable(e) {
			return nil, fmt.Errorf("store: entry %d cannot be kept", e.Index)
		}
	}
	s.opt.Hook("store.append.before")
	w := &batch{entries: entries, segment: g, at: g.end, spots: make([]spot, 0, len(entries))}
	out := &pieces{file: g.file, at: g.end, size: s.opt.PieceSize, buf: append(s.buf[:0], make([]byte, sealSize)...)}
	chain := g.chain
	for i, e := range entries {
		at := out.end()
		out.buf, chain = appendHead(out.buf, s.seed, e, chain, g.end, i == len(entries)-1)
		out.add(e.Data)
		w.spots = append(w.spots, spot{uint32(at), uint32(out.end() - at)})
	}
	if out.flush(); out.err != nil {
		return nil, out.err
	}
	if s.buf = out.buf; cap(s.buf) > maxKeptBuffer {
		s.buf = nil
	}
	size := out.end() - g.end
	w.seal = seal{length: uint32(size - sealSize), last: chain, generation: uint32(s.state.Generation)}
	s.opt.Hook("store.append.commit")
	s.pace.bytes, s.pace.batches = s.pace.bytes+size, s.pace.batches+1
	return w, nil
}

// pieces writes a batch from its beginning to its end. It keeps the first error.
type pieces struct {
	file disk.File
	at   int64 // where buf goes
	size int   // from how many bytes on they are written
	buf  []byte
	err  error
}

// end is where the next byte goes.
func (p *pieces) end() int64 { return p.at + int64(len(p.buf)) }

// add puts data behind the head of its record, and zeros behind it.
func (p *pieces) add(data []byte) {
	if len(data) >= p.size {
		p.flush()
		p.write(data)
	} else {
		p.buf = append(p.buf, data...)
	}
	for p.end()%align != 0 {
		p.buf = append(p.buf, 0)
	}
	if len(p.buf) >= p.size {
		p.flush()
	}
}

func (p *pieces) flush() {
	p.write(p.buf)
	p.buf = p.buf[:0]
}

func (p *pieces) write(b []byte) {
	if p.err == nil && len(b) > 0 {
		_, p.err = p.file.WriteAt(b, p.at)
	}
	p.at += int64(len(b))
}

// land brings a batch to the disk, and then says so in its seal.
func (s *Store) land(b *batch) error {
	if err := b.segment.file.Sync(); err != nil {
		return err
	}
	s.opt.Hook("store.append.seal.before")
	if _, err := b.segment.file.WriteAt(b.seal.encode(s.seed, b.at), b.at); err != nil {
		return err
	}
	s.opt.Hook("store.append.after")
	return nil
}

// show lets readers see a batch.
func (s *Store) show(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := b.segment
	g.spots, g.chain, g.end = append(g.spots, b.spots...), b.seal.last, b.at+sealSize+int64(b.seal.length)
	if s.first == 0 {
		s.first = b.entries[0].Index
	}
	s.last = b.entries[len(b.entries)-1].Index
	for _, e := range b.entries {
		s.recent.add(e)
	}
}

// maxKeptBuffer is the largest buffer kept from one batch to the next.
const maxKeptBuffer = 1 << 20

// target is the segment a batch goes into: the one being written if it has the
// room, a new one otherwise.
func (s *Store) target(entries []*raft.Log) (*segment, error) {
	need := batchSize(entries)
	if g := s.current(entries[0].Index, need); g != nil {
		return g, nil
	}
	return s.rotate(entries[0].Index, need)
}

// current is the segment being written, if it can take a batch that begins with
// the entry first; else nil.
func (s *Store) current(first uint64, need int64) *segment {
	n := len(s.segments)
	if n == 0 {
		return nil
	}
	if g := s.segments[n-1]; g.Last == 0 && g.last()+1 == first && g.end+need <= g.size {
		return g
	}
	return nil
}

// batchSize is how many bytes entries take as one batch.
func batchSize(entries []*raft.Log) int64 {
	need := int64(sealSize)
	for _, e := range entries {
		need += int64(aligned(recordHead + len(e.Data)))
	}
	return need
}

// Set stores one of raft's values durably.
func (s *Store) Set(key, val []byte) error {
	s.own()
	defer s.write.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	next := s.next(s.last)
	next.Values[string(key)] = slices.Clone(val)
	s.opt.Hook("store.set.before")
	err := s.guarded("set", func() error { return s.replace(next, nil) })
	s.opt.Hook("store.set.after")
	return err
}

// Get reads a value back; nil if it was never set.
func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.values[string(key)]), s.failed()
}

// SetUint64 stores a number.
func (s *Store) SetUint64(key []byte, val uint64) error {
	return s.Set(key, binary.BigEndian.AppendUint64(nil, val))
}

// GetUint64 reads a number; 0 if it was never set.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	b, err := s.Get(key)
	if err != nil || b == nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, fmt.Errorf("%w: value %q", ErrDamaged, key)
	}
	return binary.BigEndian.Uint64(b), nil
}

// Close notes how far the log goes and closes the files. A latched store closes
// too.
func (s *Store) Close() error {
	s.own()
	defer s.write.Unlock()
	if s.lock == nil {
		return nil
	}
	s.tasks.Wait()
	var err error
	if s.failed() == nil && s.state.Reached != s.last {
		err = s.guarded("close", func() error { return s.replace(s.next(s.last), nil) })
	}
	s.shut()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.closeFiles())
}

func (s *Store) closeFiles() error {
	var err error
	for _, g := range s.segments {
		err = errors.Join(err, g.file.Close())
	}
	if s.spare != nil {
		<-s.spare.done
		if s.spare.file != nil {
			err = errors.Join(err, s.spare.file.Close())
		}
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}
