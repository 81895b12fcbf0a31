package consensus

import (
	"errors"
	"hash/fnv"
	"io"
	"sync/atomic"

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
}

// newGrowth spreads the nodes out by their ids: not all should write at once.
func newGrowth(least int64, nodeID string) *growth {
	h := fnv.New32a()
	_, _ = h.Write([]byte(nodeID))
	return &growth{least: least + least/4096*int64(h.Sum32()%1024), due: make(chan struct{}, 1)}
}

// applied counts bytes.
func (g *growth) applied(n int) {
	if g.since += int64(n); g.since < max(g.least, g.last.Load()/2) {
		return
	}
	select {
	case g.due <- struct{}{}:
	default:
	}
}

// taken begins anew.
func (g *growth) taken() { g.since = 0 }

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
			l.cfg.Logger.Warn("no snapshot was taken; the next try comes with more entries", "error", err)
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
