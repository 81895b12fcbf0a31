package consensus_test

import (
	"fmt"
	"slices"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"
)

// Members that were agreed on and have no vote yet, because they never came or
// come at the same time, do not keep a newcomer from believing whom the voters
// elected: as many as there are voters may be on their way.
//
// Shows: F24, g3
func TestNewcomersTogether(t *testing.T) {
	const founders, coming = 3, 3
	var agreed []consensus.Server
	for i := range founders + coming {
		agreed = append(agreed, consensus.Server{ID: fmt.Sprintf("n%d", i), Address: fmt.Sprintf("host%d:1", i), Voter: true})
	}
	c := consensustest.NewWith(t, slices.Clone(agreed[:founders]), consensustest.Options{Adjust: func(cfg *consensus.Config) {
		if cfg.NodeID >= agreed[founders].ID {
			cfg.Servers, cfg.Newcomer = agreed, true
		}
	}})
	leader := c.Leader()
	c.Propose(leader, "x=1")
	var last int
	for range coming {
		last = c.Add()
	}
	c.Kill(founders) // two are agreed on and do not come
	c.Kill(founders + 1)
	fresh := c.Nodes[last]
	for tries := 0; ; tries++ {
		if err := c.Nodes[c.Leader()].Log.AddNonvoter(fresh.ID, fresh.Address); err == nil {
			break
		} else if tries > 20 {
			t.Fatal(err)
		}
	}
	c.Eventually("the newcomer follows", func() bool { x, ok := c.KV(last).Get("x"); return ok && x == "1" })
}
