package consensus_test

import (
	"fmt"
	"testing"

	"accord/consensus/consensustest"
)

// A leader that takes its own vote steps down and goes on as a follower: it gets what
// the others write, and its vote again when they give it back.
//
// Shows: F24
func TestALeaderThatLosesItsVoteFollows(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	old := c.Leader()
	c.Propose(old, "before=1")
	if err := c.Nodes[old].Log.Demote(c.Nodes[old].ID); err != nil {
		t.Fatal(err)
	}
	c.Eventually("another leads", func() bool { return c.Leader() != old })
	for i := range 20 {
		c.Propose(c.Leader(), fmt.Sprintf("after%d=1", i))
	}
	c.Settle()
	if v, _ := c.KV(old).Get("after19"); v != "1" {
		t.Fatal("it does not follow")
	}
	c.Eventually("it has its vote again", func() bool {
		return c.Nodes[c.Leader()].Log.AddVoter(c.Nodes[old].ID, c.Nodes[old].Address) == nil
	})
	c.Propose(old, "again=1")
	c.Settle()
}
