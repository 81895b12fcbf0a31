package consensus

import (
	"errors"
	"hash/fnv"
	"io"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// growth asks for snapshots by the bytes that were applied. Raft counts entries,
// and one of them holds a payload or a thousand: a node would have to apply
// gigabytes again when it starts, and a newcomer to fetch them one by one. A
// snapshot writes everything anew, so the larger the last one was, the more has
// to be new: all snapshots together are then no more than about three times
// what was applied.
type growth struct {
	least int64        // bytes, for a small state
	last  atomic.Int64 // size of the newest snapshot
	due   chan struct{}
	since int64 // bytes applied since; the apply goroutine's

	known atomic.Uint64 // how far the leader said that the log is committed
}

// A node that catches up writes its snapshots when it has: they would take a third of
// its time, and the next would soon replace each. Only after catchingUp times as much
// as makes another node with a small state take one, 4 GiB, it takes one on the way: a
// crash then costs it no more than to read that much of its own log again.
const (
	catchingUp = 16
	behind     = 100 // entries: so many a node may lag in ordinary times
)

// newGrowth spreads the nodes out by their ids: not all should write at once.
func newGrowth(least int64, nodeID string) *growth {
	h := fnv.New32a()
	_, _ = h.Write([]byte(nodeID))
	return &growth{least: least + least/4096*int64(h.Sum32()%1024), due: make(chan struct{}, 1)}
}

// applied counts the bytes of the entry at index.
func (g *growth) applied(index uint64, n int) {
	limit := max(g.least, g.last.Load()/2)
	if g.known.Load() > index+behind {
		limit = max(limit, g.least*catchingUp)
	}
	if g.since += int64(n); g.since >= limit {
		g.again()
	}
}

// again says that a snapshot is due.
func (g *growth) again() {
	select {
	case g.due <- struct{}{}:
	default: // it was said
	}
}

// taken begins anew.
func (g *growth) taken() { g.since = 0 }

// snapshotAgain is how long after a snapshot could not be taken another try comes. Raft
// takes none while a change of the membership is committed and not applied, as when a
// newcomer has just caught up, and no entry may come after that.
const snapshotAgain = 5 * time.Second

// runSnapshots has raft take a snapshot when one is due.
func (l *Log) runSnapshots() {
	for {
		select {
		case <-l.fsm.growth.due:
		case <-l.stop:
			return
		}
		l.cfg.hit("snapshot.due")
		err := l.await(l.raft.Load().Snapshot())
		if err != nil && !errors.Is(err, raft.ErrNothingNewToSnapshot) && !errors.Is(err, raft.ErrRaftShutdown) {
			l.cfg.Logger.Warn("no snapshot was taken; it is tried again", "error", err)
			select {
			case <-time.After(snapshotAgain):
				l.fsm.growth.again()
			case <-l.stop:
				return
			}
		}
	}
}

// counter counts the bytes of a snapshot that are read or written.
type counter struct {
	io.Reader
	io.Writer
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}
