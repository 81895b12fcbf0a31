package consensus_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// links are the TCP streams of a cluster over TLS; each pair of nodes can be cut.
type links struct {
	mu    sync.Mutex
	cut   map[[2]string]bool // by address, the dialler first
	conns map[net.Conn][2]string
}

// between opens a stream from one address to another, if the two are linked.
func (l *links) between(ctx context.Context, from, to string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut[[2]string{from, to}] {
		return nil, errors.New("cut")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err == nil {
		l.conns[conn] = [2]string{from, to}
	}
	return conn, err
}

// sever cuts two nodes off from each other and ends what is open.
func (l *links) sever(a, b string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut[[2]string{a, b}], l.cut[[2]string{b, a}] = true, true
	for conn, pair := range l.conns {
		if l.cut[pair] {
			_ = conn.Close()
			delete(l.conns, conn)
		}
	}
}

func (l *links) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.cut)
}

// tlsNodes is a cluster of real nodes over TLS whose links can be cut, and who
// listens where.
type tlsNodes struct {
	*consensustest.Cluster
	t     *testing.T
	links *links
	certs []tls.Certificate
	pins  map[string][][32]byte
}

func newTLSNodes(t *testing.T, size int, heartbeat time.Duration) *tlsNodes {
	n := &tlsNodes{t: t, pins: map[string][][32]byte{}, links: &links{cut: map[[2]string]bool{}, conns: map[net.Conn][2]string{}}}
	var servers []consensus.Server
	for i := range size {
		cert, pin := keyed(t)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = ln.Close()
		id := string(rune('a' + i))
		n.certs, n.pins[id] = append(n.certs, cert), [][32]byte{pin}
		servers = append(servers, consensus.Server{ID: id, Address: ln.Addr().String(), Voter: true})
	}
	n.Cluster = consensustest.NewWith(t, servers, consensustest.Options{Heartbeat: heartbeat,
		Network: func(i int) transport.Network { return n.network(servers[i], n.certs[i], true) }})
	return n
}

// port is a TLS network with the listener that feeds it.
type port struct {
	*transport.TLS
	ln net.Listener
}

func (p port) Close() error {
	_ = p.ln.Close()
	return p.TLS.Close()
}

// network is a node's, with its own key, listening at its address or only dialling.
func (n *tlsNodes) network(s consensus.Server, cert tls.Certificate, listens bool) transport.Network {
	network, err := transport.NewTLS(transport.TLSConfig{NodeID: s.ID, Address: s.Address, Certificate: cert,
		Pins: func() map[string][][32]byte { return n.pins },
		Dial: func(ctx context.Context, _, to string) (net.Conn, error) { return n.links.between(ctx, s.Address, to) }})
	if err != nil {
		n.t.Fatal(err)
	}
	if !listens {
		return network
	}
	ln, err := net.Listen("tcp", s.Address)
	if err != nil {
		n.t.Fatal(err)
	}
	go func() { _ = network.Serve(ln) }()
	return port{network, ln}
}

// turn takes a node's place with its own key: from now on it grants and signs
// everything it is asked and says that it keeps everything it is sent.
func (n *tlsNodes) turn(i int) *consensustest.Peer {
	n.Kill(i)
	p := &consensustest.Peer{Network: n.network(n.Servers[i], n.certs[i], true), As: n.Servers[i]}
	n.t.Cleanup(func() { _ = p.Network.Close() })
	go p.Serve(func(kind transport.Kind, body []byte) []byte { return yes(p, kind, body) })
	return p
}

// yes is a voter's answer that binds it to nothing.
func yes(p *consensustest.Peer, kind transport.Kind, body []byte) []byte {
	cmd, _, err := transport.DecodeRequest(kind, body)
	if err != nil {
		return nil
	}
	var resp any
	var a transport.Answer
	sign := func(s transport.Statement, candidate []byte, term, lastIndex, lastTerm uint64) {
		c := transport.Certificate{Statement: s, Term: term, Candidate: string(candidate), LastIndex: lastIndex, LastTerm: lastTerm}
		a.Token = append(binary.BigEndian.AppendUint64(nil, term-1), p.Network.Sign(c.Message(p.Cluster, p.As.ID, term-1))...)
	}
	switch c := cmd.(type) {
	case *raft.RequestVoteRequest:
		sign(transport.Vote, c.ID, c.Term, c.LastLogIndex, c.LastLogTerm)
		resp = &raft.RequestVoteResponse{Term: c.Term, Granted: true}
	case *raft.RequestPreVoteRequest:
		sign(transport.PreVote, c.ID, c.Term, c.LastLogIndex, c.LastLogTerm)
		resp = &raft.RequestPreVoteResponse{Term: c.Term, Granted: true}
	case *raft.AppendEntriesRequest:
		resp = &raft.AppendEntriesResponse{Term: c.Term, Success: true, LastLog: c.PrevLogEntry + uint64(len(c.Entries))}
	default:
		return nil
	}
	b, _ := transport.EncodeResponse(resp, a)
	return b
}

// payloads of a node.
func (n *tlsNodes) payloads(i int) (out []string) {
	for _, e := range n.KV(i).Entries() {
		out = append(out, e.Payload)
	}
	return out
}

// leaders are the running nodes that lead, by term.
func (n *tlsNodes) leaders() map[uint64][]int {
	out := map[uint64][]int{}
	for i, node := range n.Nodes {
		if node.Log == nil {
			continue
		}
		if st := node.Log.Status(); st.State == "leader" {
			out[st.Term] = append(out[st.Term], i)
		}
	}
	return out
}

// A voter that gives everybody every vote, among four: three are a majority, and two
// majorities share two voters, one of which is honest. So the liar cannot have two
// elected in a term: who is cut off from the honest others commits nothing, they go
// on, and all honest nodes end equal.
//
// Shows: B8, F34, g3
func TestTwoVotesOfOneAmongFour(t *testing.T) {
	n := newTLSNodes(t, 4, 400*time.Millisecond)
	n.Propose(n.Leader(), "honest=1")
	n.Settle()
	liar, lone := 3, 0
	n.turn(liar)
	for _, i := range []int{1, 2} {
		n.links.sever(n.Servers[lone].Address, n.Servers[i].Address)
	}
	n.Propose(1, "majority=1")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := n.Nodes[lone].Log.Propose(ctx, []byte("minority=1")); err == nil {
		t.Error("one honest node and a liar have committed")
	}
	for term, at := range n.leaders() {
		if len(at) > 1 {
			t.Errorf("term %d has leaders %v", term, at)
		}
	}
	n.links.mend()
	n.Propose(lone, "healed=1")
	n.Propose(1, "after=1")
	n.Settle()
	if _, ok := n.KV(1).Get("majority"); !ok {
		t.Error("what was acknowledged is lost")
	}
}

// The same among three, with the two honest nodes cut off from each other: each has
// a majority together with the liar. That is what remains (8 in DESIGN.md): both lead one
// term and both commit. When they hear of each other, each refuses the other, keeps
// what it has committed, and keeps both certificates, which prove to everybody who
// voted twice.
//
// Shows: B8, F34, g3, g4
func TestTwoVotesOfOneAmongThree(t *testing.T) {
	n := newTLSNodes(t, 3, 400*time.Millisecond)
	n.Propose(n.Leader(), "honest=1")
	n.Settle()
	const liar = 2
	n.Kill(liar)
	n.Leader() // the two go on, then lose each other
	n.links.sever(n.Servers[0].Address, n.Servers[1].Address)
	n.Eventually("nobody leads", func() bool { return len(n.leaders()) == 0 })
	n.turn(liar)
	var term uint64
	n.Eventually("both lead one term", func() bool {
		for at, both := range n.leaders() {
			term = at
			return len(both) == 2
		}
		return false
	})
	n.Propose(0, "x=0")
	n.Propose(1, "x=1")
	for i := range 2 {
		if x, _ := n.KV(i).Get("x"); x != fmt.Sprint(i) {
			t.Fatalf("node %d holds x=%s", i, x)
		}
	}
	before := [][]string{n.payloads(0), n.payloads(1)}
	n.links.mend()
	for i := range 2 {
		n.Eventually("it keeps evidence", func() bool { return n.Nodes[i].Log.Status().Evidence > 0 })
		n.accusesTwice(i, liar, term)
		if now := n.payloads(i); !slices.Equal(now[:len(before[i])], before[i]) {
			t.Errorf("node %d held %q, now %q", i, before[i], now)
		}
		if err := n.Nodes[i].Fatal(); err != nil {
			t.Errorf("node %d stopped: %v", i, err)
		}
	}
}

// accusesTwice looks for the evidence of a voter's two votes: both certificates,
// each with a signature of the voter's own key, in one term for two candidates.
func (n *tlsNodes) accusesTwice(keeper, voter int, term uint64) {
	n.t.Helper()
	list, err := n.Nodes[keeper].Log.Evidence()
	if err != nil {
		n.t.Fatal(err)
	}
	verifier := n.network(n.Servers[keeper], n.certs[keeper], false)
	for _, e := range list {
		_, proofs, err := transport.DecodeRequest(e.Kind, e.Body)
		if err != nil {
			n.t.Fatal(err)
		}
		candidates := map[string]bool{}
		for _, raw := range [][]byte{proofs.Term, e.Own} {
			c, err := transport.DecodeCertificate(raw)
			if err != nil || c.Term != term {
				continue
			}
			for _, v := range c.Votes {
				if v.Voter == n.Servers[voter].ID && verifier.Verify(v.Voter, c.Message("", v.Voter, v.Lead), v.Signature) == nil {
					candidates[c.Candidate] = true
				}
			}
		}
		if len(candidates) == 2 && e.Rule == "election" {
			return
		}
	}
	n.t.Errorf("node %d keeps no proof of two votes among %d files", keeper, len(list))
}

// An elected leader that sends one entry to a follower and another of the same
// place and term to the others. Who is sent both refuses the second and keeps
// evidence with both. Who is sent one has no way to know of the other: that is what
// remains (1 in DESIGN.md). After the liar is gone the others elect and go on, differ in that
// one place and in no other, and their states differ, which is what the cosigned
// checkpoints of the ledger above compare.
//
// Shows: B8, F34, g4
func TestTwoEntriesOfOneLeader(t *testing.T) {
	n := newTLSNodes(t, 5, 2*time.Second)
	liar := n.Leader()
	n.Propose(liar, "honest=1")
	n.Settle()
	_, lead, err := transport.KeptProofs(filepath.Join(n.Dir(liar), "term.proof"))
	if err != nil {
		t.Fatal(err)
	}
	st := n.Nodes[liar].Log.Status()
	n.Kill(liar)
	p := &consensustest.Peer{Network: n.network(n.Servers[liar], n.certs[liar], false), As: n.Servers[liar]}
	t.Cleanup(func() { _ = p.Network.Close() })
	place := st.LogLast + 1
	tell := func(to int, payload string) bool {
		answer, err := p.Send(n.Servers[to], &raft.AppendEntriesRequest{RPCHeader: p.Header(), Term: st.Term, PrevLogEntry: st.LogLast, PrevLogTerm: st.Term,
			Entries: []*raft.Log{{Index: place, Term: st.Term, Type: raft.LogCommand, Data: group(payload)}}}, transport.Proofs{Term: lead.Encode()}, nil)
		return err == nil && answer.Status == 0
	}
	honest := others(n.Cluster, liar)
	for i, to := range honest {
		if !tell(to, []string{"split=one", "split=many"}[min(i, 1)]) {
			t.Fatalf("node %d refuses what it cannot know to be one of two", to)
		}
	}
	for i, to := range honest {
		if tell(to, []string{"split=many", "split=one"}[min(i, 1)]) {
			t.Errorf("node %d takes a second entry for one place", to)
		}
		list, err := n.Nodes[to].Log.Evidence()
		if err != nil || len(list) != 1 || list[0].Peer != p.As.ID || list[0].Rule != "committed" || len(list[0].Own) == 0 {
			t.Errorf("node %d keeps %+v, %v", to, list, err)
		}
	}
	n.Eventually("the others elect", func() bool { return len(n.leaders()) == 1 })
	for _, to := range honest {
		n.Propose(to, fmt.Sprintf("after%d=1", to))
	}
	last := n.Nodes[n.Leader()].Log.Status().Applied
	for _, to := range honest {
		n.Eventually("it has applied all", func() bool { return n.Nodes[to].Log.Status().Applied >= last })
	}
	want := n.payloads(honest[1])
	for i, to := range honest {
		have, differ := n.payloads(to), 0
		for k := range min(len(have), len(want)) {
			if have[k] != want[k] {
				differ++
			}
		}
		if len(have) != len(want) || differ != map[bool]int{true: 1, false: 0}[i == 0] {
			t.Errorf("node %d differs in %d places: %q against %q", to, differ, have, want)
		}
		if (n.KV(to).Digest() == n.KV(honest[1]).Digest()) != (i > 0) {
			t.Errorf("node %d: the digest does not tell", to)
		}
		if n.Nodes[to].Fatal() != nil {
			t.Error(n.Nodes[to].Fatal())
		}
	}
}
