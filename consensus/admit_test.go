package consensus_test

import (
	"bytes"
	"errors"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"
)

// choosy turns payloads away at the leader, and only there.
type choosy struct{ *consensustest.Machine }

func (choosy) Admit(payload []byte) error {
	if bytes.HasPrefix(payload, []byte("late=")) {
		return errors.New("too late")
	}
	return nil
}

// What the leader's machine does not admit is refused whoever proposes it, and
// never enters the log; what came with it does.
func TestTheLeaderAdmits(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{
		NewMachine: func(int) consensus.Machine { return choosy{consensustest.NewMachine(nil)} },
	})
	c.Leader()
	for i := range c.Nodes {
		if _, err := c.Nodes[i].Log.Propose(within(t), []byte("late=1")); !errors.Is(err, consensus.ErrRefused) {
			t.Errorf("node %d: %v", i, err)
		}
		if _, err := c.Nodes[i].Log.Propose(within(t), []byte("soon=1")); err != nil {
			t.Errorf("node %d: %v", i, err)
		}
	}
	for i := range c.Nodes {
		if _, stored := c.Nodes[i].Machine.(choosy).Get("late"); stored {
			t.Errorf("node %d stored what was not admitted", i)
		}
	}
}
