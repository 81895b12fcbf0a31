package consensus_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"
)

// Few entries may be many bytes: a snapshot is taken for those too, and the more
// seldom the larger the state is.
func TestSnapshotsByBytes(t *testing.T) {
	var taken [3]atomic.Int64
	c := consensustest.New(t, 3, consensustest.Options{Adjust: func(cfg *consensus.Config) {
		cfg.SnapshotBytes = 2000
		of := &taken[cfg.NodeID[1]-'0']
		cfg.Hook = func(point string) {
			if point == "snapshot.rename.after" {
				of.Add(1)
			}
		}
	}})
	payload := strings.Repeat("x", 500)
	for i := range 200 {
		c.Propose(i%3, fmt.Sprintf("k%d=%s", i, payload))
	}
	c.Settle()
	for i := range c.Nodes {
		// 2,000 bytes until there are 4,000, then half as much again each time: about
		// 11; by a fixed number of bytes it would be 50.
		c.Eventually("snapshots are taken", func() bool { return taken[i].Load() >= 5 })
		if n := taken[i].Load(); n > 20 {
			t.Errorf("node %d wrote %d snapshots", i, n)
		}
		if st := c.Nodes[i].Log.Status(); st.SnapshotIndex == 0 || st.SnapshotIndex > st.Applied {
			t.Errorf("node %d: snapshot %d, applied %d", i, st.SnapshotIndex, st.Applied)
		}
	}
	c.Kill(1)
	c.Start(1) // from its newest snapshot, which says how much is to come before the next
	before := taken[1].Load()
	for i := range 5 {
		c.Propose(1, fmt.Sprintf("after%d=%s", i, payload))
	}
	c.Settle()
	if n := taken[1].Load(); n > before+1 {
		t.Errorf("%d snapshots after a start and 2,500 bytes", n-before)
	}
}

// A newcomer that was fed the log has a snapshot soon after it has caught up, although
// nothing is written any more.
func TestANewcomerTakesItsSnapshotAtTheEnd(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Adjust: func(cfg *consensus.Config) { cfg.SnapshotBytes = 2000 }})
	const entries = 400
	payload := strings.Repeat("x", 500)
	for i := range entries {
		c.Propose(c.Leader(), fmt.Sprintf("k%d=%s", i, payload))
	}
	c.Settle()
	fresh := c.Add()
	c.Eventually("the newcomer is let in", func() bool {
		n := c.Nodes[fresh]
		return c.Nodes[c.Leader()].Log.AddNonvoter(n.ID, n.Address) == nil
	})
	c.Settle()
	c.Eventually("the newcomer takes a snapshot when it has caught up", func() bool {
		return c.Nodes[fresh].Log.Status().SnapshotIndex > entries-150
	})
}
