package consensus_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus/consensustest"
)

// A follower that was away is up to date soon after its start, whether or not anything
// was written meanwhile: raft's pause between two tries, which had grown to five
// seconds by then, does not keep it waiting. In virtual time.
func TestAFollowerIsBackAtOnce(t *testing.T) {
	for _, written := range []int{0, 5} {
		t.Run(fmt.Sprint("written=", written), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second})
				leader := c.Leader()
				away := (leader + 1) % 3
				c.Propose(leader, "x=0")
				c.Settle()
				barrier(t, c, away) // the leader tells it how far it has committed, and need not again
				c.Kill(away)
				for i := range written {
					time.Sleep(time.Second)
					c.Propose(leader, fmt.Sprint("x=", i+1))
				}
				time.Sleep(6500*time.Millisecond - time.Duration(written)*time.Second) // raft tries at 5.1 and at 10.2 s
				c.Start(away)
				if took := barrier(t, c, away); took > 1500*time.Millisecond {
					t.Errorf("the follower is up to date %v after its start", took)
				}
				if leader != c.Leader() {
					t.Fatal("another leads: nothing was measured")
				}
			})
		})
	}
}

// barrier is how long a node takes to reach a read point.
func barrier(t *testing.T, c *consensustest.Cluster, node int) time.Duration {
	t.Helper()
	begun := time.Now()
	for time.Since(begun) < time.Minute {
		if _, err := c.Nodes[node].Log.Barrier(context.Background()); err == nil {
			break
		}
	}
	return time.Since(begun)
}
