package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	bolt "go.etcd.io/bbolt"
)

// Options of [Open].
type Options struct {
	Dir    string // holds log.db and the snapshots
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
	// Hook, if not nil, is told each place at which a test may want a crash.
	Hook func(point string)
}

func (o Options) hit(point string) {
	if o.Hook != nil {
		o.Hook(point)
	}
}

// DefaultLimit is the watchdog's patience with one call.
const DefaultLimit = 5 * time.Second

// Store is raft's log store and stable store in one bbolt file. Its entries
// have no gaps: a list of entries that does not follow on the last is an error.
type Store struct {
	latch
	opt Options
	db  *bolt.DB

	mu     sync.RWMutex
	state  state
	recent []raft.Log // the newest entries, contiguous up to state.Last
	floor  func() uint64
}

var (
	_ raft.LogStore          = (*Store)(nil)
	_ raft.StableStore       = (*Store)(nil)
	_ raft.MonotonicLogStore = (*Store)(nil)

	logBucket  = []byte("log")
	metaBucket = []byte("meta")
	stateKey   = []byte("state")
)

// fileName is the log's file in the directory.
const fileName = "log.db"

// Open opens the store and reads all of it: a store that opens is whole.
func Open(opt Options) (*Store, error) {
	if opt.Fatal == nil || opt.NodeID == "" {
		return nil, errors.New("store: Fatal and NodeID are required")
	}
	if opt.Limit == 0 {
		opt.Limit = DefaultLimit
	}
	if opt.AfterFunc == nil {
		opt.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{opt: opt, floor: func() uint64 { return 0 }}
	opt.hit("store.open")
	s.latch.init(opt)
	path := filepath.Join(opt.Dir, fileName)
	_, err := os.Stat(path)
	switch {
	case err == nil:
		err = s.openExisting(path)
	case !errors.Is(err, os.ErrNotExist):
	case !opt.Create:
		err = fmt.Errorf("%w in %s: a node id that was used before must not start with an empty directory", ErrNoState, opt.Dir)
	default:
		err = s.create(path)
	}
	if err != nil {
		if s.db != nil {
			_ = s.db.Close()
		}
		return nil, err
	}
	return s, nil
}

func (s *Store) boltOptions() *bolt.Options {
	return &bolt.Options{Timeout: 2 * time.Second, NoFreelistSync: true, FreelistType: bolt.FreelistMapType, NoSync: s.opt.NoSync}
}

// create writes a new file beside and moves it in place whole: a crash leaves
// either nothing or a store.
func (s *Store) create(path string) (err error) {
	if err := os.MkdirAll(s.opt.Dir, 0o700); err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	tmp := path + ".tmp"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: create: %w", err)
	}
	db, err := bolt.Open(tmp, 0o600, s.boltOptions())
	if err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	s.state = state{Node: s.opt.NodeID, Values: map[string][]byte{}}
	err = db.Update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucket(logBucket); err != nil {
			return err
		}
		b, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return b.Put(stateKey, s.state.encode())
	})
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		s.opt.hit("store.create.rename.before")
		err = os.Rename(tmp, path)
	}
	if err == nil {
		err = syncDir(s.opt.Dir)
	}
	if err != nil {
		return fmt.Errorf("store: create: %w", err)
	}
	s.opt.hit("store.create.rename.after")
	return s.openExisting(path)
}

// openExisting checks the file page by page before bbolt sees it, because bbolt
// ends the process over some kinds of damage, and then reads every record.
func (s *Store) openExisting(path string) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil { // what inspect did not see coming
			err = fmt.Errorf("%w: %v (%s)", ErrDamaged, r, Advice)
		}
	}()
	if err := inspect(path); err != nil {
		return fmt.Errorf("%w (%s)", err, Advice)
	}
	db, err := bolt.Open(path, 0o600, s.boltOptions())
	if err != nil {
		return fmt.Errorf("store: open: %w", err)
	}
	s.db = db
	if err := db.View(s.verify); err != nil {
		return fmt.Errorf("%w (%s)", err, Advice)
	}
	if s.state.Node != s.opt.NodeID {
		return fmt.Errorf("%w: %q, not %q", ErrOwner, s.state.Node, s.opt.NodeID)
	}
	return nil
}

// verify reads the state record and every entry: all there, none beside, in
// order, whole.
func (s *Store) verify(tx *bolt.Tx) error {
	meta, entries := tx.Bucket(metaBucket), tx.Bucket(logBucket)
	if meta == nil || entries == nil {
		return fmt.Errorf("%w: a part is missing", ErrDamaged)
	}
	st, err := decodeState(meta.Get(stateKey))
	if err != nil {
		return err
	}
	next, term := st.First, uint64(0)
	err = entries.ForEach(func(k, v []byte) error {
		var e raft.Log
		if len(k) != 8 || binary.BigEndian.Uint64(k) != next || st.First == 0 || next > st.Last {
			return fmt.Errorf("%w: entry %d is missing or out of place", ErrDamaged, next)
		}
		if err := decodeEntry(next, v, &e); err != nil {
			return err
		}
		if e.Term < term {
			return fmt.Errorf("%w: terms fall at entry %d", ErrDamaged, next)
		}
		next, term = next+1, e.Term
		return nil
	})
	if err == nil && st.First != 0 && next != st.Last+1 {
		err = fmt.Errorf("%w: entries after %d are missing", ErrDamaged, next-1)
	}
	s.state = *st
	return err
}

// Close closes the file. A latched store closes too.
func (s *Store) Close() error { return s.db.Close() }

// SetFloor tells the store below which index it must never cut the end of the
// log off: what is committed. It is an assertion behind the transport's guard.
func (s *Store) SetFloor(f func() uint64) {
	s.mu.Lock()
	s.floor = f
	s.mu.Unlock()
}

// Size is the file's size in bytes.
func (s *Store) Size() int64 {
	fi, err := os.Stat(filepath.Join(s.opt.Dir, fileName))
	if err != nil {
		return 0
	}
	return fi.Size()
}

// IsMonotonic is true and meant: StoreLogs refuses gaps, and removing the whole
// log is one bucket drop. After it installed a snapshot raft therefore removes
// all entries instead of leaving a gap, which also is what lets a restart heal
// raft#697.
func (s *Store) IsMonotonic() bool { return true }

// FirstIndex is the index of the oldest entry, 0 for an empty log.
func (s *Store) FirstIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.First, s.failed()
}

// LastIndex is the index of the newest entry, 0 for an empty log.
func (s *Store) LastIndex() (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state.Last, s.failed()
}

// GetLog reads one entry; raft.ErrLogNotFound if it is not here.
func (s *Store) GetLog(index uint64, e *raft.Log) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.failed(); err != nil {
		return err
	}
	if s.state.First == 0 || index < s.state.First || index > s.state.Last {
		return raft.ErrLogNotFound
	}
	if back := s.state.Last - index; back < uint64(len(s.recent)) {
		*e = s.recent[uint64(len(s.recent))-1-back]
		return nil
	}
	return s.guarded("read", func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			var key [8]byte
			binary.BigEndian.PutUint64(key[:], index)
			v := tx.Bucket(logBucket).Get(key[:])
			if v == nil {
				return fmt.Errorf("%w: entry %d is missing", ErrDamaged, index)
			}
			return decodeEntry(index, v, e)
		})
	})
}

// StoreLog stores one entry.
func (s *Store) StoreLog(e *raft.Log) error { return s.StoreLogs([]*raft.Log{e}) }

// StoreLogs appends entries and returns once they are on disk.
func (s *Store) StoreLogs(entries []*raft.Log) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failed(); err != nil || len(entries) == 0 {
		return err
	}
	next := s.state
	for _, e := range entries {
		if e.Index == 0 || (next.Last != 0 && e.Index != next.Last+1) {
			return s.trip(fmt.Errorf("store: entry %d does not follow %d", e.Index, next.Last))
		}
		if next.First == 0 {
			next.First = e.Index
		}
		next.Last = e.Index
	}
	err := s.update("append", &next, func(tx *bolt.Tx) error {
		b := tx.Bucket(logBucket)
		b.FillPercent = 0.9 // keys only grow
		for _, e := range entries {
			v, err := encodeEntry(e)
			if err != nil {
				return err
			}
			if err := b.Put(binary.BigEndian.AppendUint64(nil, e.Index), v); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.remember(entries)
	}
	return err
}

// The newest entries stay in memory, because they are read again at once: to
// send them and to apply them.
const (
	maxRecent      = 512
	maxRecentBytes = 16 << 20
)

func (s *Store) remember(entries []*raft.Log) {
	for _, e := range entries {
		s.recent = append(s.recent, *e)
	}
	size, keep := 0, 0
	for keep < len(s.recent) && keep < maxRecent && size <= maxRecentBytes {
		size += len(s.recent[len(s.recent)-1-keep].Data)
		keep++
	}
	if drop := len(s.recent) - keep; drop > 0 {
		s.recent = slices.Clone(s.recent[drop:])
	}
}

// DeleteRange removes entries from the front (compaction), from the end (a
// follower's conflict) or all of them (an installed snapshot).
func (s *Store) DeleteRange(lo, hi uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	next := s.state
	lo, hi = max(lo, next.First), min(hi, next.Last)
	if next.First == 0 || lo > hi {
		return nil
	}
	switch {
	case lo == next.First && hi == next.Last:
		next.First, next.Last = 0, 0
	case lo == next.First:
		next.First = hi + 1
	case hi == next.Last:
		if floor := s.floor(); lo <= floor {
			return s.trip(fmt.Errorf("store: refuses to cut the log at %d, committed up to %d", lo, floor))
		}
		next.Last = lo - 1
	default:
		return s.trip(fmt.Errorf("store: refuses to cut %d to %d out of the log", lo, hi))
	}
	s.recent = nil
	return s.update("delete", &next, func(tx *bolt.Tx) error {
		if next.First == 0 {
			if err := tx.DeleteBucket(logBucket); err != nil {
				return err
			}
			_, err := tx.CreateBucket(logBucket)
			return err
		}
		c := tx.Bucket(logBucket).Cursor()
		for k, _ := c.Seek(binary.BigEndian.AppendUint64(nil, lo)); k != nil && binary.BigEndian.Uint64(k) <= hi; k, _ = c.Next() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// update runs one write transaction that also writes the state record.
func (s *Store) update(what string, next *state, f func(*bolt.Tx) error) error {
	s.opt.hit("store." + what + ".before")
	err := s.guarded(what, func() error {
		return s.db.Update(func(tx *bolt.Tx) error {
			if err := f(tx); err != nil {
				return err
			}
			s.opt.hit("store." + what + ".commit")
			return tx.Bucket(metaBucket).Put(stateKey, next.encode())
		})
	})
	if err == nil {
		s.opt.hit("store." + what + ".after")
		s.state = *next
	}
	return err
}

// Set stores one of raft's values durably.
func (s *Store) Set(key, val []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.failed(); err != nil {
		return err
	}
	next := s.state
	next.Values = maps.Clone(next.Values)
	next.Values[string(key)] = slices.Clone(val)
	return s.update("set", &next, func(*bolt.Tx) error { return nil })
}

// Get reads a value back; nil if it was never set.
func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.state.Values[string(key)]), s.failed()
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

func sortedKeys(m map[string][]byte) []string { return slices.Sorted(maps.Keys(m)) }

// syncDir makes a rename in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
