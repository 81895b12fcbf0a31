package consensus_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
)

// archivist is a machine whose papers are numbered; a paper proves itself by its
// first word.
type archivist struct {
	*consensustest.Machine
	mu      sync.Mutex
	paper   []byte
	members []consensus.Server
}

func (a *archivist) Governs([]consensus.Server) error { return nil }
func (a *archivist) Members() []consensus.Server      { return a.members }

func (a *archivist) Held() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bytes.Clone(a.paper)
}

func (a *archivist) PapersSince(held []byte) ([]byte, error) {
	if have := a.Held(); !bytes.Equal(have, held) {
		return have, nil
	}
	return nil, nil
}

func (a *archivist) Learn(papers []byte) error {
	if !bytes.HasPrefix(papers, []byte("signed")) {
		return errors.New("not signed")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.paper = bytes.Clone(papers)
	return nil
}

// A node that has no leader gets newer governance from a peer that has it, and
// takes nothing that is not proven.
//
// Shows: B9, g5
func TestPapersReachANodeWithoutLeader(t *testing.T) {
	papers := []*archivist{{}, {}, {}, {}}
	c := consensustest.New(t, 4, consensustest.Options{Heartbeat: 100 * time.Millisecond, NewMachine: func(i int) consensus.Machine {
		papers[i].Machine = consensustest.NewMachine(nil)
		return papers[i]
	}})
	c.Propose(c.Leader(), "x=1")
	c.Settle()
	c.Kill(2)
	c.Kill(3) // two of four lead nobody
	papers[0].mu.Lock()
	papers[0].paper = []byte("forged roster")
	papers[0].mu.Unlock()
	c.Eventually("the leader gives up", func() bool {
		return c.Nodes[0].Log.Status().Leader == "" && c.Nodes[1].Log.Status().Leader == ""
	})
	papers[0].mu.Lock()
	papers[0].paper = []byte("signed roster 2")
	papers[0].mu.Unlock()
	c.Eventually("the papers arrive", func() bool { return string(papers[1].Held()) == "signed roster 2" })
	c.Start(2)
	c.Start(3)
	c.Settle()
}
