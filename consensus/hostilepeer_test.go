package consensus_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// governed is a machine with governance and vouchers: no server called evil, no
// snapshot without the word "good".
type governed struct{ *consensustest.Machine }

func (governed) Governs(servers []consensus.Server) error {
	for _, s := range servers {
		if strings.HasPrefix(s.ID, "evil") {
			return errors.New("nobody signed that")
		}
	}
	return nil
}

func (governed) Vouch(context.Context, uint64) ([]byte, error) { return []byte("good"), nil }

func (governed) Vet(_ context.Context, voucher []byte, _ io.Reader) error {
	if string(voucher) == "newcomers" {
		return consensus.ErrUnjudged
	}
	if string(voucher) != "good" {
		return errors.New("not cosigned")
	}
	return nil
}

// siege is a cluster with a hostile member.
type siege struct {
	t       *testing.T
	c       *consensustest.Cluster
	servers []consensus.Server
	leader  int
	hostile int
	victim  consensus.Server
	peer    *consensustest.Peer
	st      consensus.Status // the victim's, before
	elected []byte           // the leader's certificate, which every member has
}

func (s *siege) entry(index, term uint64, typ raft.LogType, data string) *raft.AppendEntriesRequest {
	r := &raft.AppendEntriesRequest{RPCHeader: s.peer.Header(), Term: term, LeaderCommitIndex: index,
		Entries: []*raft.Log{{Index: index, Term: term, Type: typ, Data: []byte(data)}}}
	if index > 1 {
		r.PrevLogEntry, r.PrevLogTerm = index-1, min(term, s.st.Term)
	}
	return r
}

const forgedGroup = "\x01\x00\x00\x00\x01\x00\x00\x00\x08forged=1"

// attack is one hostile request; evidence names the rule it must be kept under,
// "" if it accuses nobody.
type attack struct {
	name     string
	cmd      any
	proofs   transport.Proofs
	more     []byte
	evidence string
}

// followerAttacks are what a voting member that does not lead can send with its
// own key: finding 1 of the threat model with every certificate it can come up
// with.
func (s *siege) followerAttacks() []attack {
	h, term, last := s.peer.Header(), s.st.Term, s.st.LogLast
	me, others := s.peer.As.ID, []string{}
	for _, m := range s.servers {
		if m.ID != me {
			others = append(others, m.ID)
		}
	}
	votes := func(t uint64) transport.Certificate {
		return transport.Certificate{Statement: transport.Vote, Term: t, Candidate: me, LastIndex: last, LastTerm: term}
	}
	pre := votes(term + 1)
	pre.Statement = transport.PreVote
	forged := raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "evil", Address: "evil:1"}}})
	certificates := map[string]struct {
		raw      []byte
		evidence string
	}{
		"no certificate":         {nil, "election"},
		"its own vote":           {s.peer.Certify(votes(term+1), me), ""},
		"votes it made up":       {s.peer.Certify(votes(term+1), append(others, me)...), ""},
		"votes of non-members":   {s.peer.Certify(votes(term+1), "evil1", "evil2", me), ""},
		"its own vote twice":     {s.peer.Certify(votes(term+1), me, me), "election"},
		"the leader's, replayed": {s.elected, "election"},
		"of an old term":         {s.peer.Certify(votes(2), me), "election"},
	}
	var out []attack
	for name, c := range certificates {
		p := transport.Proofs{Term: c.raw}
		out = append(out,
			attack{"depose, " + name, &raft.AppendEntriesRequest{RPCHeader: h, Term: term + 1}, p, nil, c.evidence},
			attack{"overwrite a committed entry, " + name, s.entry(3, term+1, raft.LogCommand, forgedGroup), p, nil, c.evidence},
			attack{"append a forged entry, " + name, s.entry(last+1, term+1, raft.LogCommand, forgedGroup), p, nil, c.evidence},
			attack{"install state and membership, " + name, &raft.InstallSnapshotRequest{RPCHeader: h, SnapshotVersion: 1, Term: term + 1,
				LastLogIndex: last + 50, LastLogTerm: term, ConfigurationIndex: 1, Configuration: forged, Size: 4}, p, []byte("evil"), c.evidence},
			attack{"entry of the current term, " + name, s.entry(last+1, term, raft.LogCommand, forgedGroup), p, nil, "election"})
	}
	out = append(out,
		attack{"time-out", &raft.TimeoutNowRequest{RPCHeader: h}, transport.Proofs{}, nil, ""},
		attack{"unknown type", s.entry(last+1, term+1, 99, ""), transport.Proofs{}, nil, "election"},
		attack{"undecodable membership", s.entry(last+1, term+1, raft.LogConfiguration, "\xc1\xc1"), transport.Proofs{}, nil, "election"},
		attack{"vote without pre-votes", &raft.RequestVoteRequest{RPCHeader: h, Term: term + 1, LastLogIndex: 1 << 40, LastLogTerm: term}, transport.Proofs{}, nil, "election"},
		attack{"vote with pre-votes made up", &raft.RequestVoteRequest{RPCHeader: h, Term: term + 1, LastLogIndex: 1 << 40, LastLogTerm: term},
			transport.Proofs{Term: s.peer.Certify(pre, append(others, me)...)}, nil, ""},
		attack{"transfer vote", &raft.RequestVoteRequest{RPCHeader: h, Term: term + 1, LeadershipTransfer: true}, transport.Proofs{}, nil, ""})
	for _, t := range []uint64{0, term + 2, 1 << 31, 1 << 63, 1<<64 - 1} {
		out = append(out,
			attack{fmt.Sprint("vote in term ", t), &raft.RequestVoteRequest{RPCHeader: h, Term: t, LastLogIndex: 1 << 40, LastLogTerm: 1}, transport.Proofs{}, nil, ""},
			attack{fmt.Sprint("pre-vote in term ", t), &raft.RequestPreVoteRequest{RPCHeader: h, Term: t, LastLogIndex: 1 << 40, LastLogTerm: 1}, transport.Proofs{}, nil, ""},
			attack{fmt.Sprint("heartbeat in term ", t), &raft.AppendEntriesRequest{RPCHeader: h, Term: t}, transport.Proofs{}, nil, ""})
	}
	return out
}

// leaderAttacks are what the elected leader itself can try, with its certificate:
// forge, reorder, rewrite, poison, name a membership.
func (s *siege) leaderAttacks() []attack {
	h, term, last := s.peer.Header(), s.st.Term, s.st.LogLast
	p := transport.Proofs{Term: s.elected}
	evil := raft.Configuration{}
	for _, m := range s.servers {
		evil.Servers = append(evil.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Address)})
	}
	evil.Servers = append(evil.Servers, raft.Server{ID: "evil", Address: "evil:1"})
	gap := s.entry(last+1, term, raft.LogCommand, forgedGroup)
	gap.Entries = append(gap.Entries, &raft.Log{Index: last + 1, Term: term, Type: raft.LogCommand, Data: []byte(forgedGroup)})
	install := func(size int) *raft.InstallSnapshotRequest {
		return &raft.InstallSnapshotRequest{RPCHeader: h, SnapshotVersion: 1, Term: term, LastLogIndex: last + 50, LastLogTerm: term,
			ConfigurationIndex: 1, Configuration: raft.EncodeConfiguration(raft.Configuration{Servers: evil.Servers[:len(evil.Servers)-1]}), Size: int64(size)}
	}
	state := append([]byte("accord-state/1\n"), make([]byte, 16)...)
	return []attack{
		{"rewrite a committed entry", s.entry(3, term, raft.LogCommand, forgedGroup), p, nil, "committed"},
		{"rewrite the first entry", s.entry(1, term, raft.LogCommand, forgedGroup), p, nil, "committed"},
		{"forge a payload", s.entry(last+1, term, raft.LogCommand, "\x01\x00\x00\x00\x01\x00\x00\x00\x03bad"), p, nil, ""},
		{"entry twice", gap, p, nil, ""},
		{"entry of a later term", s.entry(last+1, term+1, raft.LogCommand, forgedGroup), p, nil, "election"},
		{"undecided membership", s.entry(last+1, term, raft.LogConfiguration, string(raft.EncodeConfiguration(evil))), p, nil, "membership"},
		{"poisoned snapshot", install(len(state)), transport.Proofs{Term: s.elected, Voucher: []byte("evil")}, state, "voucher"},
		{"snapshot that newcomers vouch for", install(len(state)), transport.Proofs{Term: s.elected, Voucher: []byte("newcomers")}, state, ""},
		{"snapshot of no format", install(4), transport.Proofs{Term: s.elected, Voucher: []byte("good")}, []byte("evil"), "voucher"},
		{"snapshot cut short", install(400), transport.Proofs{Term: s.elected, Voucher: []byte("good")}, state, ""},
	}
}

// run sends the attacks and looks at what they did: nothing.
func (s *siege) run(attacks []attack) {
	t, c := s.t, s.c
	log := c.Nodes[s.index(s.victim.ID)].Log
	before := log.Status()
	digests := map[int]string{}
	for i := range c.Nodes {
		digests[i] = c.KV(i).Digest()
	}
	wanted := map[string]bool{}
	for _, a := range attacks {
		if install, ok := a.cmd.(*raft.InstallSnapshotRequest); ok && int64(len(a.more)) < install.Size {
			let, err := s.peer.Start(s.victim, a.cmd, a.proofs, a.more)
			if err != nil {
				t.Errorf("%s: %v", a.name, err)
				continue
			}
			let() // the victim waits for the rest in vain
			continue
		}
		answer, err := s.peer.Send(s.victim, a.cmd, a.proofs, a.more)
		obeyed := err == nil && answer.Status == 0
		switch a.cmd.(type) {
		case *raft.RequestVoteRequest, *raft.RequestPreVoteRequest:
			obeyed = obeyed && answer.Body[8] == 1 // raft may answer, not grant
		}
		if obeyed {
			t.Errorf("%s: obeyed by %s: %v", a.name, s.victim.ID, answer)
		}
		if a.evidence != "" {
			wanted[a.evidence] = true
		}
		if now := log.Status(); now.Term != before.Term || now.Leader != before.Leader {
			t.Fatalf("%s: term %d and leader %q became %d and %q", a.name, before.Term, before.Leader, now.Term, now.Leader)
		}
	}
	for i, n := range c.Nodes {
		if n.Fatal() != nil || c.KV(i).Digest() != digests[i] || len(n.Log.Servers()) != len(s.servers) {
			t.Errorf("node %d harmed: %v", i, n.Fatal())
		}
	}
	list, err := log.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Peer != s.peer.As.ID || e.Self != s.victim.ID {
			t.Errorf("evidence against %s kept by %s", e.Peer, e.Self)
		}
		delete(wanted, e.Rule)
	}
	if len(wanted) > 0 {
		t.Errorf("no evidence of %v; %d kept", wanted, len(list))
	}
	if log.Status().Evidence != len(list) {
		t.Error("Status counts another number of evidence")
	}
}

func (s *siege) index(id string) int {
	for i, m := range s.servers {
		if m.ID == id {
			return i
		}
	}
	s.t.Fatal(id)
	return 0
}

// besiege makes a cluster, on the hub or over TLS, and a peer with the key of one
// of its members.
func besiege(t *testing.T, overTLS bool, pick func(leader int) (hostile, victim int)) *siege {
	s := &siege{t: t}
	machine := func(int) consensus.Machine { return governed{consensustest.NewMachine(nil)} }
	network := func(i int, _ ...tls.Certificate) transport.Network {
		return s.c.Hub.Join(s.servers[i].ID, "second-home:1")
	}
	if overTLS {
		s.c, network = tlsCluster(t, machine)
	} else {
		s.c = consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second, NewMachine: machine})
	}
	s.servers = s.c.Servers
	s.leader = s.c.Leader()
	for i := range 5 {
		s.c.Propose(s.leader, fmt.Sprintf("honest=%d", i))
	}
	s.c.Settle()
	hostile, victim := pick(s.leader)
	s.hostile, s.victim = hostile, s.servers[victim]
	s.peer = &consensustest.Peer{Network: network(hostile), As: s.servers[hostile]}
	s.st = s.c.Nodes[victim].Log.Status()
	_, elected, err := transport.KeptProofs(filepath.Join(s.c.Dir(hostile), "term.proof"))
	if err != nil {
		t.Fatal(err)
	}
	s.elected = elected.Encode()
	return s
}

// A member with its own valid key, following or leading, against a follower and
// against the leader, over real sockets and in process: nothing it sends is
// obeyed, what accuses it is kept, nobody is deposed, and the cluster goes on.
//
// Shows: B1, B4, B5, B8, B9, F32, F33, g1, g2, g3, g4, g5, g6, g7, g8, g9
func TestHostileMember(t *testing.T) {
	for _, overTLS := range []bool{false, true} {
		for name, pick := range map[string]func(int) (int, int){
			"follower against leader":   func(l int) (int, int) { return (l + 1) % 3, l },
			"follower against follower": func(l int) (int, int) { return (l + 1) % 3, (l + 2) % 3 },
			"leader against follower":   func(l int) (int, int) { return l, (l + 1) % 3 },
		} {
			t.Run(fmt.Sprintf("tls=%v/%s", overTLS, name), func(t *testing.T) {
				s := besiege(t, overTLS, pick)
				if s.hostile == s.leader {
					s.run(s.leaderAttacks())
				} else {
					s.run(s.followerAttacks())
				}
				s.frames()
				s.c.Propose(s.leader, "after=1")
				s.c.Settle()
				if now := s.c.Nodes[s.leader].Log.Status(); now.Term != s.st.Term || now.State != "leader" {
					t.Errorf("an election was caused: %+v", now)
				}
				if v, _ := s.c.KV(s.leader).Get("honest"); v != "4" {
					t.Error("a committed entry is gone")
				}
			})
		}
	}
}

// frames sends what is no message, and keeps streams open that say nothing.
func (s *siege) frames() {
	var many []byte // a million entries in a body that could not hold them
	kind, body, err := transport.EncodeRequest(&raft.AppendEntriesRequest{RPCHeader: s.peer.Header(), Term: s.st.Term}, transport.Proofs{Term: s.elected})
	if err != nil {
		s.t.Fatal(err)
	}
	many = append(many, byte(kind))
	many = binary.BigEndian.AppendUint32(many, uint32(len(body)))
	many = append(many, body...)
	binary.BigEndian.PutUint32(many[len(many)-4:], 1_000_000)
	for name, b := range map[string][]byte{
		"a million entries": many,
		"16 MiB announced":  {byte(transport.KindAppendEntries), 0xff, 0, 0, 0},
		"no kind":           {77, 0, 0, 0, 0},
		"garbage":           append([]byte{byte(transport.KindRequestVote), 0, 0, 0, 64}, bytes.Repeat([]byte{0xa5}, 64)...),
	} {
		if a, err := s.peer.Raw(s.victim, b); err == nil && a.Status == 0 {
			s.t.Errorf("%s: obeyed", name)
		}
	}
	for n := range 8 {
		let, err := s.peer.Hold(s.victim, []byte{byte(transport.KindAppendEntries), 0, 0x7f, 0xff, 0xff, byte(n)}[:1+n%6])
		if err == nil { // at the cap of streams it is turned away, which is as good
			defer let()
		}
	}
	s.c.Propose(s.leader, "beside=1") // while they are open
}

// A follower that answers everything with a higher term, with the proofs it has
// or makes up, deposes nobody; a voter that grants everybody everything counts
// once.
//
// Shows: B4, g3
func TestFollowerThatNamesHigherTerms(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Heartbeat: 500 * time.Millisecond})
	leader := c.Leader()
	c.Propose(leader, "x=1")
	c.Settle()
	before := c.Nodes[leader].Log.Status()
	liar := others(c, leader)[0]
	_, elected, err := transport.KeptProofs(filepath.Join(c.Dir(liar), "term.proof"))
	if err != nil {
		t.Fatal(err)
	}
	c.Kill(liar)
	peer := &consensustest.Peer{Network: c.Hub.Join(c.Servers[liar].ID, c.Servers[liar].Address), As: c.Servers[liar]}
	t.Cleanup(func() { _ = peer.Network.Close() })
	var asked atomic.Uint64
	heard := make(chan struct{}, 1000)
	go peer.Serve(func(kind transport.Kind, _ []byte) []byte {
		n := asked.Add(1)
		select {
		case heard <- struct{}{}:
		default:
		}
		proof := [][]byte{nil, elected.Encode(), peer.Certify(transport.Certificate{Statement: transport.Vote, Term: before.Term + 1, Candidate: peer.As.ID}, peer.As.ID)}[n%3]
		term := before.Term + []uint64{1, 1000, 1 << 40, 1 << 62}[n%4]
		var resp any = &raft.AppendEntriesResponse{Term: term}
		switch kind {
		case transport.KindRequestVote:
			resp = &raft.RequestVoteResponse{Term: term, Granted: true}
		case transport.KindPreVote:
			resp = &raft.RequestPreVoteResponse{Term: term, Granted: true}
		case transport.KindInstallSnapshot:
			resp = &raft.InstallSnapshotResponse{Term: term}
		}
		b, _ := transport.EncodeResponse(resp, transport.Answer{Proof: proof})
		return b
	})
	for range 30 {
		<-heard
	}
	for i := range 20 {
		c.Propose(leader, fmt.Sprintf("k%d=1", i))
	}
	if now := c.Nodes[leader].Log.Status(); now.Term != before.Term || now.State != "leader" {
		t.Fatalf("before %+v, now %+v", before, now)
	}
	if c.Nodes[leader].Log.Status().Refusals == 0 {
		t.Error("nothing refused")
	}
}
