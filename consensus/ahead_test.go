package consensus_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"
)

// foresighted is a machine that notes what it was asked to check before it was
// asked to apply it.
type foresighted struct {
	*consensustest.Machine
	mu       sync.Mutex
	checked  map[string]bool
	foreseen int
}

func (m *foresighted) Check(p []byte) error { return m.CheckAll([][]byte{p})[0] }

func (m *foresighted) CheckAll(payloads [][]byte) []error {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]error, len(payloads))
	for i, p := range payloads {
		m.checked[string(p)], out[i] = true, m.Machine.Check(p)
	}
	return out
}

func (m *foresighted) Apply(index uint64, payloads [][]byte) ([][]byte, error) {
	m.mu.Lock()
	for _, p := range payloads {
		if m.checked[string(p)] {
			m.foreseen++
		}
	}
	m.mu.Unlock()
	return m.Machine.Apply(index, payloads)
}

// A start has what it is going to apply checked beside it, not only when it comes
// to it.
func TestStartChecksAhead(t *testing.T) {
	machines := make([]*foresighted, 3)
	c := consensustest.New(t, 3, consensustest.Options{NewMachine: func(i int) consensus.Machine {
		machines[i] = &foresighted{Machine: consensustest.NewMachine(nil), checked: map[string]bool{}}
		return machines[i]
	}})
	const n = 60
	big := strings.Repeat("x", 200<<10) // more than what is checked ahead of Apply at once
	for i := range n {
		c.Propose(i%3, fmt.Sprintf("k%d=%s", i, big))
	}
	c.Settle()
	c.Kill(2)
	c.Start(2)
	c.Settle()
	machines[2].mu.Lock()
	defer machines[2].mu.Unlock()
	if len(machines[2].checked) < n/4 || machines[2].foreseen == 0 {
		t.Errorf("%d of %d were checked ahead, %d of them before they were applied", len(machines[2].checked), n, machines[2].foreseen)
	}
}

// startled is a machine whose check panics over stored entries once it is told to.
type startled struct {
	foresighted
	armed bool
}

func (m *startled) CheckAll(payloads [][]byte) []error {
	if m.armed {
		panic("check")
	}
	return m.foresighted.CheckAll(payloads)
}

func (m *startled) Check(p []byte) error { return m.Machine.Check(p) }

// What cannot be checked ahead is left to Apply, which keeps count.
func TestCheckingAheadEndsNobody(t *testing.T) {
	armed := false
	c := consensustest.New(t, 3, consensustest.Options{NewMachine: func(i int) consensus.Machine {
		return &startled{foresighted{Machine: consensustest.NewMachine(nil), checked: map[string]bool{}}, armed && i == 2}
	}})
	for i := range 5 {
		c.Propose(i%3, fmt.Sprintf("k%d=1", i))
	}
	c.Settle()
	c.Kill(2)
	armed = true
	c.Start(2)
	c.Settle()
}
