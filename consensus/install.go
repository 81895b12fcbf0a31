package consensus

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"accord/consensus/store"

	"github.com/hashicorp/raft"
)

// ErrStranded: this node must be started again, and needs nothing else. An
// installed snapshot has replaced entries of a leader nobody followed, and raft goes
// on believing in them (raft#697).
var ErrStranded = errors.New("consensus: a snapshot has replaced entries that raft still believes in (raft#697): start this node again")

// logs is the store as raft sees it, together with what a snapshot says. It watches
// for raft#697: when a snapshot is installed, raft empties a log without gaps, but
// keeps in memory where the log ended. If that is behind the snapshot, or at its
// place with another term, raft refuses every further entry and is sent the same
// snapshot for ever. Worse, it may stand for election with entries it has not got,
// or vouch for having them. So the node stops while raft is still inside the
// installation. A restart reads what is there.
type logs struct {
	*store.Store
	snaps *store.Snapshots
	ahead func() bool // entries may be sent before they are on this disk
	fail  func(error)
	// replacing is told before entries are cut off the log's end.
	replacing func(lo, hi uint64)
}

// StoreLogs appends entries. Those of a leader are sent while they are on their way
// to its disk; see [Log.sendsAhead].
func (s logs) StoreLogs(entries []*raft.Log) error {
	for _, e := range entries {
		if e.Type != raft.LogCommand {
			return s.Store.StoreLogs(entries)
		}
	}
	if !s.ahead() {
		return s.Store.StoreLogs(entries)
	}
	return s.StoreAhead(entries)
}

// sendsAhead says whether this node may send entries, and count them as its own,
// before they are on its disk. A leader may, whose entries need somebody else's
// success as well: the transport keeps every such success back until the entries
// are on this disk, so what is committed is. Raft asks from the goroutine that leads,
// stores and changes the membership.
func (l *Log) sendsAhead() bool {
	r := l.raft.Load()
	if r == nil || r.State() != raft.Leader {
		return false
	}
	voters := 0
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter {
			voters++
		}
	}
	return voters > 1
}

// GetLog reads an entry. The one a snapshot ends with is known by its place and term
// when a snapshot was installed and the log goes on behind it; raft asks a follower
// for no more than that. Without it the follower would refuse the entries behind it
// as soon as one answer is lost, and be sent the snapshot again. The data of a large
// entry is read when it is sent or applied.
func (s logs) GetLog(index uint64, e *raft.Log) error {
	err := s.Store.GetBrief(index, e)
	if at, term := s.snaps.Last(); errors.Is(err, raft.ErrLogNotFound) && index == at && index > 1 {
		*e = raft.Log{Index: index, Term: term, Type: raft.LogNoop}
		return nil
	}
	return err
}

// DeleteRange removes entries. All of them go only when a snapshot covers some, or
// when the first one that is not covered is in conflict.
func (s logs) DeleteRange(lo, hi uint64) error {
	first, err := s.FirstIndex()
	if err != nil {
		return err
	}
	last, err := s.LastIndex()
	if err != nil {
		return err
	}
	stranded := false
	if lo <= first && hi >= last {
		if stranded, err = s.strands(first, last); err != nil {
			return err
		}
	}
	if hi >= last {
		s.replacing(max(lo, first), last)
	}
	if err := s.Store.DeleteRange(lo, hi); err != nil {
		return err
	}
	if stranded {
		s.fail(fmt.Errorf("%w: the log went to entry %d", ErrStranded, last))
	}
	return nil
}

// strands says whether raft would believe in more than the newest snapshot once the
// log from first to last is gone.
func (s logs) strands(first, last uint64) (bool, error) {
	at, term := s.snaps.Last()
	if at < first || at > last {
		return false, nil
	}
	if at < last {
		return true, nil
	}
	var e raft.Log
	err := s.Store.GetLog(at, &e)
	return e.Term != term, err
}

// installs remembers when snapshots of peers were taken.
type installs struct {
	mu    sync.Mutex
	times []time.Time // at most maxInstalls, oldest first
}

const (
	maxInstalls   = 100
	installWindow = time.Hour
)

func (i *installs) note(now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.times = append(i.times, now); len(i.times) > maxInstalls {
		i.times = i.times[1:]
	}
}

// recent is how many there were within the window.
func (i *installs) recent(now time.Time) (n int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, t := range i.times {
		if now.Sub(t) < installWindow {
			n++
		}
	}
	return n
}
