package consensus_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// attacker speaks our protocol with nothing of our honesty.
func attacker(t *testing.T, n transport.Network) *transport.Transport {
	g, err := transport.NewGuard(transport.GuardConfig{Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	tr := transport.New(transport.Config{Network: n, Guard: g, HeartbeatTimeout: 5 * time.Second, Timeout: 10 * time.Second})
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// hostileRequests are the attacks that plain raft obeyed when they were tried on
// it, made for a victim in the given term with entries up to last.
func hostileRequests(as raft.Server, term, last uint64) map[string]any {
	h := raft.RPCHeader{ProtocolVersion: 3, ID: []byte(as.ID), Addr: []byte(as.Address)}
	entry := func(index uint64, typ raft.LogType, data string) *raft.AppendEntriesRequest {
		r := &raft.AppendEntriesRequest{RPCHeader: h, Term: term + 100, LeaderCommitIndex: index,
			Entries: []*raft.Log{{Index: index, Term: term + 100, Type: typ, Data: []byte(data)}}}
		if index > 1 {
			r.PrevLogEntry, r.PrevLogTerm = index-1, term
		}
		return r
	}
	forged := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "evil", Address: "evil:1"}}})
	group := "\x01\x00\x00\x00\x01\x00\x00\x00\x08forged=1"
	return map[string]any{
		"depose the leader":            &raft.AppendEntriesRequest{RPCHeader: h, Term: term + 100},
		"overwrite a committed entry":  entry(3, raft.LogCommand, group),
		"replace state and membership": &raft.InstallSnapshotRequest{RPCHeader: h, SnapshotVersion: 1, Term: term + 100, LastLogIndex: last + 50, LastLogTerm: term + 100, ConfigurationIndex: 1, Configuration: forged, Size: 4},
		"force an election":            &raft.TimeoutNowRequest{RPCHeader: h},
		"unknown entry type":           entry(last+1, 99, ""),
		"undecodable configuration":    entry(last+1, raft.LogConfiguration, "\xc1\xc1"),
		"burn the terms":               &raft.RequestVoteRequest{RPCHeader: h, Term: 1 << 63, LastLogIndex: 1 << 40, LastLogTerm: term},
		"vote against a living leader": &raft.RequestVoteRequest{RPCHeader: h, Term: term + 1, LastLogIndex: 1 << 40, LastLogTerm: term + 1, LeadershipTransfer: true},
		"command that fails the check": entry(last+1, raft.LogCommand, "\x01\x00\x00\x00\x01\x00\x00\x00\x03bad"),
		"group of no known format":     entry(last+1, raft.LogCommand, "\x63"),
	}
}

// server is a node of a cluster as raft names it.
func server(c *consensustest.Cluster, i int) raft.Server {
	return raft.Server{ID: raft.ServerID(c.Nodes[i].ID), Address: raft.ServerAddress(c.Nodes[i].Address)}
}

func send(tr *transport.Transport, to raft.Server, cmd any) error {
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		return tr.AppendEntries(to.ID, to.Address, c, new(raft.AppendEntriesResponse))
	case *raft.RequestVoteRequest:
		return tr.RequestVote(to.ID, to.Address, c, new(raft.RequestVoteResponse))
	case *raft.TimeoutNowRequest:
		return tr.TimeoutNow(to.ID, to.Address, c, new(raft.TimeoutNowResponse))
	case *raft.InstallSnapshotRequest:
		return tr.InstallSnapshot(to.ID, to.Address, c, new(raft.InstallSnapshotResponse), bytes.NewReader(make([]byte, c.Size)))
	}
	return nil
}

// The attacks, first from a node outside the membership, then from a voting member
// that follows.
//
// Shows: B1, B4, B9, F32, g1, g8
func TestHostilePeers(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second})
	leader := c.Leader()
	for i := range 5 {
		c.Propose(leader, fmt.Sprintf("honest=%d", i))
	}
	c.Settle()
	victim, member := others(c, leader)[0], others(c, leader)[1]
	to, as := server(c, victim), server(c, member)
	st := c.Nodes[victim].Log.Status()
	digest := c.KV(victim).Digest()

	outsider := attacker(t, c.Hub.Join("evil", "evil:1"))
	insider := attacker(t, c.Hub.Join(string(as.ID), "second-home:1")) // the member's own key, from elsewhere
	for name, cmd := range hostileRequests(raft.Server{ID: "evil", Address: "evil:1"}, st.Term, st.LogLast) {
		if err := send(outsider, to, cmd); err == nil {
			t.Errorf("outsider: %s: obeyed", name)
		}
	}
	for name, cmd := range hostileRequests(as, st.Term, st.LogLast) {
		if err := send(outsider, to, cmd); err == nil {
			t.Errorf("outsider under a member's name: %s: obeyed", name)
		}
		if err := send(insider, to, cmd); err == nil {
			t.Errorf("member: %s: obeyed", name)
		}
	}
	now := c.Nodes[victim].Log.Status()
	if now.Term != st.Term || now.Leader != st.Leader || c.KV(victim).Digest() != digest {
		t.Fatalf("before %+v, after %+v", st, now)
	}
	if len(c.Nodes[victim].Log.Servers()) != 3 || c.Nodes[victim].Fatal() != nil {
		t.Fatal("membership or process harmed")
	}
	if now.Refusals < 25 {
		t.Fatalf("%d refusals counted", now.Refusals)
	}

	c.Propose(leader, "after=1")
	c.Settle()
	if v, _ := c.KV(victim).Get("honest"); v != "4" {
		t.Fatal("a committed entry is gone")
	}
}

// keyed makes a certificate and its pin.
func keyed(t *testing.T) (tls.Certificate, [32]byte) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, transport.Pin(leaf)
}

// tlsCluster is three nodes over real sockets, and a way to a further network under
// a member's name and address, with the member's certificate or another.
func tlsCluster(t *testing.T, machine func(int) consensus.Machine) (*consensustest.Cluster, func(i int, other ...tls.Certificate) transport.Network) {
	const size = 3
	pins := map[string][][32]byte{}
	certs, listeners := make([]tls.Certificate, size), make([]net.Listener, size)
	var servers []consensus.Server
	for i := range size {
		var pin [32]byte
		certs[i], pin = keyed(t)
		pins[string(rune('a'+i))] = [][32]byte{pin}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		listeners[i] = ln
		servers = append(servers, consensus.Server{ID: string(rune('a' + i)), Address: ln.Addr().String(), Voter: true})
	}
	network := func(i int, cert tls.Certificate) *transport.TLS {
		n, err := transport.NewTLS(transport.TLSConfig{NodeID: servers[i].ID, Address: servers[i].Address, Certificate: cert,
			Pins: func() map[string][][32]byte { return pins }})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	c := consensustest.NewWith(t, servers, consensustest.Options{Heartbeat: 500 * time.Millisecond, NewMachine: machine, Network: func(i int) transport.Network {
		n := network(i, certs[i])
		go func() { _ = n.Serve(listeners[i]) }()
		return n
	}})
	return c, func(i int, other ...tls.Certificate) transport.Network { return network(i, append(other, certs[i])[0]) }
}

// A cluster over real sockets and TLS; a stranger's certificate gets nowhere, and
// member n1 cannot speak as n2.
//
// Shows: B1, B4, F32, g1
func TestClusterOverTLS(t *testing.T) {
	const size = 3
	c, network := tlsCluster(t, nil)
	servers := c.Servers
	for i := range 9 {
		c.Propose(i%size, fmt.Sprintf("k%d=v", i))
	}
	c.Settle()
	leader := c.Leader()
	st := c.Nodes[leader].Log.Status()
	to := raft.Server{ID: raft.ServerID(servers[leader].ID), Address: raft.ServerAddress(servers[leader].Address)}

	foreign, _ := keyed(t)
	stranger := attacker(t, network((leader+1)%size, foreign))
	member := attacker(t, network((leader+1)%size))
	victim := raft.Server{ID: raft.ServerID(servers[(leader+2)%size].ID), Address: raft.ServerAddress(servers[(leader+2)%size].Address)}
	for name, cmd := range hostileRequests(victim, st.Term, st.LogLast) {
		if err := send(stranger, to, cmd); err == nil {
			t.Errorf("foreign certificate: %s: obeyed", name)
		}
		if err := send(member, to, cmd); err == nil {
			t.Errorf("member under another's name: %s: obeyed", name)
		}
	}
	if now := c.Nodes[leader].Log.Status(); now.Term != st.Term || now.State != "leader" {
		t.Fatalf("before %+v, after %+v", st, now)
	}
}
