package consensus_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"accord/consensus/consensustest"
)

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Every node proposes, every node reads its own write at once, all end equal.
func TestProposeOnEveryNode(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	c.Leader()
	for round := range 5 {
		for i := range c.Nodes {
			want := fmt.Sprint(round)
			key := fmt.Sprintf("k%d", i)
			if _, err := c.Nodes[i].Log.Propose(within(t), []byte(key+"="+want)); err != nil {
				t.Fatal(err)
			}
			if got, _ := c.KV(i).Get(key); got != want {
				t.Fatalf("node %d does not read its own write: %q, want %q", i, got, want)
			}
		}
	}
	c.Settle()
}
