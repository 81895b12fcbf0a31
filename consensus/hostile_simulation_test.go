package consensus_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// TestHostileSimulation runs clusters in virtual time in which one voter, with its
// own key and the log of an honest node, also sends random requests of every kind
// to everybody, while links are cut and nodes restart. What is judged online on
// the honest nodes: equal payloads at equal places, in an order that never goes
// back (I2); nobody's process ends. Afterwards: every acknowledged write is there
// (I1), and there is a leader that a majority follows. As with TestSimulation,
// a failing seed is to be run many times.
//
// Shows: B4, B8, F32, g3, g4
func TestHostileSimulation(t *testing.T) {
	for i := range max(2, *simRuns/2) {
		seed := *simSeed + uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulateHostile(t, seed, 3+2*(i%2)) })
		})
	}
}

func simulateHostile(t *testing.T, seed uint64, size int) {
	rng := rand.New(rand.NewPCG(seed, 11))
	j := &judge{t: t, truth: map[uint64][]string{}, acked: map[string]uint64{}}
	c := consensustest.New(t, size, consensustest.Options{Heartbeat: time.Second,
		NewMachine: func(node int) consensus.Machine {
			return consensustest.NewMachine(j.applied(node, map[uint64]int{}))
		},
		Adjust: func(cfg *consensus.Config) {
			cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 2*time.Second, 40, 20
		}})
	lock := make(gate, 3*size)
	stop := make(chan struct{})
	var tasks sync.WaitGroup
	for node := range c.Nodes {
		tasks.Go(func() { write(c, j, lock, stop, node, 0) })
	}
	h := &hostileVoter{c: c, rng: rand.New(rand.NewPCG(seed, 13)), terms: []uint64{1, 2}, led: map[uint64]bool{},
		peer: &consensustest.Peer{Network: c.Hub.Join(c.Servers[0].ID, "second-home:1"), As: c.Servers[0]}}
	tasks.Go(func() { h.run(stop) })
	shake(c, lock, rng)
	c.Hub.MendAll()
	close(stop)
	tasks.Wait()
	c.Settle()
	leader := c.KV(c.Leader())
	for key := range j.acked {
		if _, ok := leader.Get(key); !ok {
			t.Errorf("acknowledged write %q is lost", key)
		}
	}
	for i, n := range c.Nodes {
		if err := n.Fatal(); err != nil {
			t.Errorf("node %d stopped: %v", i, err)
		}
	}
	if h.sent < 20 || len(j.acked) < *simSeconds/2 { // a request that gets no answer takes a third of the time
		t.Errorf("%d hostile requests, %d writes acknowledged: the run proves nothing", h.sent, len(j.acked))
	}
	if got := h.obeyed; len(got) > 0 {
		t.Errorf("obeyed: %v", got)
	}
	c.Stop()
	_ = h.peer.Network.Close()
	synctest.Wait()
}

// hostileVoter draws requests from a seed: of plausible and of absurd terms and
// places, with certificates that are stolen, old, made up or none.
type hostileVoter struct {
	c      *consensustest.Cluster
	peer   *consensustest.Peer
	rng    *rand.Rand
	terms  []uint64
	certs  [][]byte
	led    map[uint64]bool // terms its own node leads: nothing is sent in those
	sent   int
	obeyed []string
}

func (h *hostileVoter) run(stop chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(20+h.rng.IntN(300)) * time.Millisecond):
		}
		h.learn()
		to := 1 + h.rng.IntN(len(h.c.Nodes)-1)
		cmd, proofs, more := h.draw()
		answer, err := h.peer.Send(h.c.Servers[to], cmd, proofs, more)
		h.sent++
		if err != nil || answer.Status != 0 {
			continue
		}
		// What is answered at all must be of a term that is over, or a vote that
		// raft was free to give and that its voter has signed.
		if a, ok := cmd.(*raft.AppendEntriesRequest); ok {
			var resp raft.AppendEntriesResponse
			if _, _, err := transport.DecodeResponse(answer.Body, &resp); err == nil && resp.Success {
				h.obeyed = append(h.obeyed, fmt.Sprintf("entries of term %d", a.Term))
			}
		}
		if i, ok := cmd.(*raft.InstallSnapshotRequest); ok {
			var resp raft.InstallSnapshotResponse
			if _, _, err := transport.DecodeResponse(answer.Body, &resp); err == nil && resp.Success {
				h.obeyed = append(h.obeyed, fmt.Sprintf("snapshot of term %d", i.Term))
			}
		}
	}
}

// learn takes what a member knows: the certificates on its own disk.
func (h *hostileVoter) learn() {
	term, lead, err := transport.KeptProofs(filepath.Join(h.c.Dir(0), "term.proof"))
	if err != nil {
		return
	}
	for _, c := range []*transport.Certificate{term, lead} {
		if c == nil {
			continue
		}
		// Its own node may be elected honestly; then it simply leads.
		if c.Candidate == h.peer.As.ID && c.Statement != transport.PreVote {
			h.led[c.Term] = true
			continue
		}
		if n := len(h.terms); h.terms[n-1] < c.Term {
			h.terms = append(h.terms, c.Term)
		}
		if len(h.certs) < 200 {
			h.certs = append(h.certs, c.Encode())
		}
	}
}

func (h *hostileVoter) term() uint64 {
	t := h.terms[h.rng.IntN(len(h.terms))]
	switch h.rng.IntN(8) {
	case 0:
		return h.rng.Uint64()
	case 1, 2:
		return h.terms[len(h.terms)-1] + uint64(h.rng.IntN(4))
	}
	return t
}

func (h *hostileVoter) certificate(term uint64) []byte {
	s := []transport.Statement{transport.PreVote, transport.Vote, transport.Follow}[h.rng.IntN(3)]
	c := transport.Certificate{Statement: s, Term: max(term, 1), Candidate: h.peer.As.ID, LastIndex: h.rng.Uint64N(200)}
	switch n := h.rng.IntN(6); {
	case n == 0:
		return nil
	case n < 3 && len(h.certs) > 0:
		return h.certs[h.rng.IntN(len(h.certs))]
	case n == 3:
		return h.peer.Certify(c, h.peer.As.ID)
	}
	var voters []string
	for _, m := range h.c.Servers {
		voters = append(voters, m.ID)
	}
	return h.peer.Certify(c, voters...)
}

func (h *hostileVoter) draw() (cmd any, p transport.Proofs, more []byte) {
	term := h.term()
	for h.led[term] {
		term++
	}
	header, index := h.peer.Header(), h.rng.Uint64N(300)
	p = transport.Proofs{Term: h.certificate(term), Log: h.certificate(term)}
	switch h.rng.IntN(6) {
	case 0:
		return &raft.RequestVoteRequest{RPCHeader: header, Term: term, LastLogIndex: index, LastLogTerm: h.term()}, p, nil
	case 1:
		return &raft.RequestPreVoteRequest{RPCHeader: header, Term: term, LastLogIndex: index, LastLogTerm: h.term()}, p, nil
	case 2:
		conf := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "evil", Address: "evil:1"}}})
		return &raft.InstallSnapshotRequest{RPCHeader: header, SnapshotVersion: 1, Term: term, LastLogIndex: index, LastLogTerm: h.term(),
			ConfigurationIndex: 1, Configuration: conf, Size: 4}, p, []byte("evil")
	case 3:
		return &raft.TimeoutNowRequest{RPCHeader: header}, p, nil
	}
	a := &raft.AppendEntriesRequest{RPCHeader: header, Term: term, PrevLogEntry: index, LeaderCommitIndex: h.rng.Uint64N(400)}
	if index > 0 {
		a.PrevLogTerm = h.terms[h.rng.IntN(len(h.terms))]
	}
	for i := range h.rng.Uint64N(3) {
		a.Entries = append(a.Entries, &raft.Log{Index: index + i + 1, Term: term, Type: raft.LogCommand, Data: []byte(forgedGroup)})
	}
	return a, p, nil
}
