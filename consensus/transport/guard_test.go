package transport

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// fakeView is a follower n0 in term 5 that follows n1, with entries 1 to 10
// committed and 12 in the log; n2 votes, n3 does not.
type fakeView struct {
	servers []raft.Server
}

func newFakeView() *fakeView {
	v := &fakeView{}
	for i, id := range []string{"n0", "n1", "n2", "n3"} {
		s := raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress("host-" + id)}
		if i == 3 {
			s.Suffrage = raft.Nonvoter
		}
		v.servers = append(v.servers, s)
	}
	return v
}

func (v *fakeView) Memberships() [][]raft.Server { return [][]raft.Server{v.servers} }
func (v *fakeView) Leader() string               { return "n1" }
func (v *fakeView) Term() uint64                 { return 5 }
func (v *fakeView) Floor() uint64                { return 10 }
func (v *fakeView) LastIndex() uint64            { return 12 }
func (v *fakeView) Governs(servers []raft.Server) error {
	if len(servers) > 4 {
		return errors.New("nobody signed that")
	}
	return nil
}
func (v *fakeView) Stored(i uint64) (raft.Log, bool) {
	if i < 3 || i > 12 {
		return raft.Log{}, false // 1 and 2 are compacted away
	}
	return raft.Log{Index: i, Term: 4, Type: raft.LogCommand, Data: []byte("stored")}, true
}
func (v *fakeView) Covered() (index, term uint64) { return 2, 3 }
func (v *fakeView) Check(es []*raft.Log) error {
	for _, e := range es {
		if bytes.HasPrefix(e.Data, []byte("bad")) {
			return errors.New("bad command")
		}
	}
	return nil
}

// guarded is a guard of node n0 of cluster "c".
func guarded(t testing.TB, v View) *Guard { return guardedAs(t, "n0", v) }

func guardedAs(t testing.TB, id string, v View) *Guard {
	t.Helper()
	e, err := OpenElections(ElectionConfig{ID: id, Cluster: "c", Network: NewHub().Join(id, "host-"+id), View: v})
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGuard(GuardConfig{ID: id, View: v, Elections: e, MaxSnapshot: 1 << 20, Evidence: t.TempDir(), NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// leading is the guard of a node that was elected in term 5.
func leading(t testing.TB, id string) *Guard {
	g := guardedAs(t, id, newFakeView())
	if err := g.elections.admitLeader(id, 5, elected(id, 5)); err != nil {
		t.Fatal(err)
	}
	return g
}

// signedBy makes a certificate with the signatures of these voters, who had seen
// the leader of the term before.
func signedBy(c Certificate, voters ...string) *Certificate {
	for _, v := range voters {
		c.add(SignedVote{Voter: v, Lead: c.Term - 1, Signature: sign(hubKey(v), c.Message("c", v, c.Term-1))})
	}
	return &c
}

// elected is an honest candidate's certificate of a term, with its last entry of
// an earlier term at index 10.
func elected(candidate string, term uint64) []byte {
	return signedBy(Certificate{Statement: Vote, Term: term, Candidate: candidate, LastIndex: 10, LastTerm: 4}, "n0", "n1", "n2").Encode()
}

func preElected(candidate string, term uint64) []byte {
	return signedBy(Certificate{Statement: PreVote, Term: term, Candidate: candidate, LastIndex: 12, LastTerm: 4}, "n0", "n2").Encode()
}

// honest is what an honest sender would show with a request.
func honest(cmd any) Proofs {
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		return Proofs{Term: elected(string(c.ID), c.Term)}
	case *raft.InstallSnapshotRequest:
		return Proofs{Term: elected(string(c.ID), c.Term)}
	case *raft.RequestVoteRequest:
		return Proofs{Term: preElected(string(c.ID), c.Term)}
	}
	return Proofs{}
}

func header(id string) raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: 3, ID: []byte(id), Addr: []byte("host-" + id)}
}

func appendFrom(id string, term, prev, prevTerm uint64, es ...*raft.Log) *raft.AppendEntriesRequest {
	return &raft.AppendEntriesRequest{RPCHeader: header(id), Term: term, PrevLogEntry: prev, PrevLogTerm: prevTerm, Entries: es}
}

func cmd(index, term uint64, data string) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: []byte(data)}
}

func typed(e *raft.Log, t raft.LogType) *raft.Log { e.Type = t; return e }

func goodConfiguration() []byte {
	return raft.EncodeConfiguration(raft.Configuration{Servers: newFakeView().servers})
}

func installFrom(id string, change func(*raft.InstallSnapshotRequest)) *raft.InstallSnapshotRequest {
	r := &raft.InstallSnapshotRequest{RPCHeader: header(id), SnapshotVersion: 1, Term: 5, LastLogIndex: 20, LastLogTerm: 5,
		ConfigurationIndex: 1, Configuration: goodConfiguration(), Size: 100}
	if change != nil {
		change(r)
	}
	return r
}

// Every rule: what an honest peer sends passes, what the rule is there for does
// not, and the rule that refuses is the one meant.
//
// Shows: B4, g1, g2, g4, g5, g6, g8
func TestGuardRules(t *testing.T) {
	noBytes := raft.RPCHeader{ProtocolVersion: 3}
	moved := header("n1")
	moved.Addr = []byte("host-n2")
	old := header("n1")
	old.ProtocolVersion = 2
	broken := goodConfiguration()
	broken = broken[:len(broken)-3]
	for _, tc := range []struct {
		name string
		peer string
		cmd  any
		rule string // empty: passes
	}{
		{"heartbeat of the leader", "n1", appendFrom("n1", 5, 0, 0), ""},
		{"new entries", "n1", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), typed(cmd(14, 5, ""), raft.LogNoop)), ""},
		{"entries it has", "n1", appendFrom("n1", 5, 8, 4, cmd(9, 4, "stored"), cmd(10, 4, "stored"), cmd(11, 5, "other")), ""},
		{"a membership", "n1", appendFrom("n1", 5, 12, 4, &raft.Log{Index: 13, Term: 5, Type: raft.LogConfiguration, Data: goodConfiguration()}), ""},
		{"vote of a candidate", "n2", &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 6}, ""},
		{"pre-vote of a candidate", "n2", &raft.RequestPreVoteRequest{RPCHeader: header("n2"), Term: 6}, ""},
		{"snapshot of the leader", "n1", installFrom("n1", nil), ""},
		{"entries before the log's start, raft answers itself", "n1", appendFrom("n1", 5, 1, 1, cmd(2, 1, "x")), ""},

		{"entries of a leader of the past, others in their place: raft answers", "n2", appendFrom("n2", 4, 4, 4, cmd(5, 4, "replaced")), ""},

		{"outsider", "evil", appendFrom("evil", 105, 0, 0), "sender"},
		{"claims to be the leader", "n2", appendFrom("n1", 105, 0, 0), "sender"},
		{"no name", "n2", &raft.RequestVoteRequest{RPCHeader: noBytes, Term: 6}, "sender"},
		{"other address", "n1", &raft.RequestVoteRequest{RPCHeader: moved, Term: 6}, "sender"},
		{"old protocol", "n1", &raft.RequestVoteRequest{RPCHeader: old, Term: 6}, "sender"},
		{"non-voter appends", "n3", appendFrom("n3", 6, 0, 0), "role"},
		{"non-voter stands", "n3", &raft.RequestVoteRequest{RPCHeader: header("n3"), Term: 6}, "role"},
		{"non-voter pre-stands", "n3", &raft.RequestPreVoteRequest{RPCHeader: header("n3"), Term: 6}, "role"},
		{"timeout-now of a member", "n2", &raft.TimeoutNowRequest{RPCHeader: header("n2")}, "transfer"},
		{"timeout-now of the leader", "n1", &raft.TimeoutNowRequest{RPCHeader: header("n1")}, "transfer"},
		{"transfer vote", "n2", &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 6, LeadershipTransfer: true}, "transfer"},
		{"huge term, vote", "n2", &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 1 << 63}, "term"},
		{"huge term, append", "n2", appendFrom("n2", 1<<63, 0, 0), "term"},
		{"term zero", "n2", appendFrom("n2", 0, 0, 0), "term"},
		{"overwrites a committed entry", "n2", appendFrom("n2", 6, 4, 4, cmd(5, 6, "forged")), "committed"},
		{"same term, other data", "n2", appendFrom("n2", 6, 4, 4, cmd(5, 4, "forged")), "committed"},
		{"same data, other type", "n2", appendFrom("n2", 6, 4, 4, typed(cmd(5, 4, ""), raft.LogNoop)), "committed"},
		{"from the very start", "n2", appendFrom("n2", 6, 0, 0, cmd(1, 6, "forged")), "committed"},
		{"unknown entry type", "n1", appendFrom("n1", 5, 12, 4, typed(cmd(13, 5, "x"), 77)), "entries"},
		{"deprecated entry type", "n1", appendFrom("n1", 5, 12, 4, typed(cmd(13, 5, "x"), raft.LogAddPeerDeprecated)), "entries"},
		{"barrier entry", "n1", appendFrom("n1", 5, 12, 4, typed(cmd(13, 5, ""), raft.LogBarrier)), "entries"},
		{"undecodable membership", "n1", appendFrom("n1", 5, 12, 4, &raft.Log{Index: 13, Term: 5, Type: raft.LogConfiguration, Data: broken}), "entries"},
		{"membership without voters", "n1", appendFrom("n1", 5, 12, 4, &raft.Log{Index: 13, Term: 5, Type: raft.LogConfiguration,
			Data: raft.EncodeConfiguration(raft.Configuration{})}), "entries"},
		{"gap", "n1", appendFrom("n1", 5, 12, 4, cmd(14, 5, "x")), "entries"},
		{"backwards", "n1", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), cmd(12, 5, "x")), "entries"},
		{"entry term falls", "n1", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), cmd(14, 4, "x")), "entries"},
		{"entry term beyond the sender's", "n1", appendFrom("n1", 5, 12, 4, cmd(13, 6, "x")), "entries"},
		{"previous term beyond the sender's", "n1", appendFrom("n1", 5, 12, 9), "entries"},
		{"command that fails the check", "n1", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), cmd(14, 5, "bad")), "commands"},
		{"snapshot of a follower", "n2", installFrom("n2", nil), "snapshot"},
		{"snapshot of a later term out of nowhere", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.Term = 9 }), "snapshot"},
		{"snapshot behind us", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.LastLogIndex = 10 }), "snapshot"},
		{"snapshot too large", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.Size = 1 << 40 }), "snapshot"},
		{"snapshot with a broken membership", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.Configuration = broken }), "snapshot"},
		{"snapshot version 0", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.SnapshotVersion = 0 }), "snapshot"},
		{"snapshot term ahead", "n1", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.LastLogTerm = 6 }), "snapshot"},
	} {
		g := guarded(t, newFakeView())
		kind, body, err := EncodeRequest(tc.cmd, honest(tc.cmd))
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		decoded, proofs, err := DecodeRequest(kind, body)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		err = g.admit(tc.peer, kind, decoded, proofs, body)
		switch {
		case tc.rule == "" && err != nil:
			t.Errorf("%s: refused: %v", tc.name, err)
		case tc.rule != "" && err == nil:
			t.Errorf("%s: passes", tc.name)
		case tc.rule != "" && g.Refusals()[RefusalKey{tc.peer, kind, tc.rule}] != 1:
			t.Errorf("%s: refused by another rule than %q: %v", tc.name, tc.rule, err)
		}
	}
}

func TestGuardAnswersAndCalls(t *testing.T) {
	g := guarded(t, newFakeView())
	if err := g.admitAnswer("n2", KindAppendEntries, 5, 1<<63, elected("n2", 1<<63)); err == nil {
		t.Error("an answer may push the term to the end of the world")
	}
	if err := g.admitAnswer("n2", KindAppendEntries, 5, 7, nil); err == nil {
		t.Error("an answer may depose without proof")
	}
	if err := g.admitAnswer("n2", KindAppendEntries, 5, 7, elected("n2", 7)); err != nil {
		t.Error(err)
	}
	if g.admitCall("n3", KindPropose) != nil || g.admitCall("evil", KindPropose) == nil {
		t.Error("calls: members only")
	}
}

// node is one transport on a hub with a raft loop that counts what reaches it.
// echo answers a call with the caller's name and what it said.
func echo(_ context.Context, peer string, _ Kind, body []byte) ([]byte, error) {
	return append([]byte(peer+":"), body...), nil
}

func node(t *testing.T, h *Hub, id string, g *Guard) (*Transport, chan any) {
	tr := New(Config{Network: h.Join(id, "host-"+id), Guard: g, HeartbeatTimeout: time.Second, Timeout: 2 * time.Second,
		Calls: echo})
	reached := make(chan any, 100)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case rpc := <-tr.Consumer():
				reached <- rpc.Command
				switch c := rpc.Command.(type) {
				case *raft.AppendEntriesRequest:
					rpc.Respond(&raft.AppendEntriesResponse{Term: 5, Success: true, LastLog: c.PrevLogEntry + uint64(len(c.Entries))}, nil)
				case *raft.RequestVoteRequest:
					rpc.Respond(&raft.RequestVoteResponse{Term: 5}, errors.New("unexpected command")) // what raft reads as a granted pre-vote
				case *raft.RequestPreVoteRequest:
					rpc.Respond(&raft.RequestPreVoteResponse{Term: 5, Granted: true}, nil)
				case *raft.InstallSnapshotRequest:
					b := new(bytes.Buffer)
					_, err := b.ReadFrom(rpc.Reader)
					rpc.Respond(&raft.InstallSnapshotResponse{Term: 5, Success: b.Len() == int(c.Size)}, err)
				}
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() { _ = tr.Close(); close(done) })
	return tr, reached
}

func TestTransportCarries(t *testing.T) {
	h := NewHub()
	_, reached := node(t, h, "n0", guarded(t, newFakeView()))
	n1, _ := node(t, h, "n1", leading(t, "n1"))
	var app raft.AppendEntriesResponse
	if err := n1.AppendEntries("n0", "host-n0", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x")), &app); err != nil || !app.Success || app.LastLog != 13 {
		t.Fatal(err, app)
	}
	if c := (<-reached).(*raft.AppendEntriesRequest); string(c.Entries[0].Data) != "x" || string(c.ID) != "n1" {
		t.Fatalf("arrived: %+v", c)
	}
	var pre raft.RequestPreVoteResponse
	if err := n1.RequestPreVote("n0", "host-n0", &raft.RequestPreVoteRequest{RPCHeader: header("n1"), Term: 6}, &pre); err != nil || !pre.Granted {
		t.Fatal(err, pre)
	}
	// No word of a peer's error travels: raft takes "unexpected command" for a vote.
	err := n1.RequestVote("n0", "host-n0", &raft.RequestVoteRequest{RPCHeader: header("n1"), Term: 6}, new(raft.RequestVoteResponse))
	if !errors.Is(err, ErrPeer) || strings.Contains(err.Error(), "unexpected") {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("snap"), 100_000)
	var inst raft.InstallSnapshotResponse
	err = n1.InstallSnapshot("n0", "host-n0", installFrom("n1", func(r *raft.InstallSnapshotRequest) { r.Size = int64(len(data)) }), &inst, bytes.NewReader(data))
	if err != nil || !inst.Success {
		t.Fatal(err, inst)
	}
	answer, err := n1.Call(t.Context(), "n0", "host-n0", KindReadIndex, []byte("hello"))
	if err != nil || string(answer) != "n1:hello" {
		t.Fatal(err, string(answer))
	}
	if _, err := n1.Call(t.Context(), "nobody", "nowhere", KindReadIndex, nil); !errors.Is(err, ErrNotSent) {
		t.Fatal(err)
	}
}

// Raft hears of no success, and a peer of none, before this node's own disk has what
// it is about.
func TestSuccessWaitsForTheOwnDisk(t *testing.T) {
	for name, slow := range map[string]string{"the leader's": "n1", "the follower's": "n0"} {
		t.Run(name, func(t *testing.T) {
			h, asked, let := NewHub(), make(chan uint64, 10), make(chan error)
			disk := func(index uint64) error { asked <- index; return <-let }
			n0, _ := node(t, h, "n0", guarded(t, newFakeView()))
			n1, _ := node(t, h, "n1", leading(t, "n1"))
			want := uint64(14)
			if slow == "n1" {
				n1.cfg.Durable = disk
			} else {
				n0.cfg.Durable, want = disk, math.MaxUint64
			}
			p, err := n1.AppendEntriesPipeline("n0", "host-n0")
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for _, send := range []func() error{
				func() error {
					return n1.AppendEntries("n0", "host-n0", appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), cmd(14, 5, "y")), new(raft.AppendEntriesResponse))
				},
				func() error {
					if _, err := p.AppendEntries(appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), cmd(14, 5, "y")), new(raft.AppendEntriesResponse)); err != nil {
						return err
					}
					return (<-p.Consumer()).Error()
				},
			} {
				for _, ill := range []error{nil, errors.New("test: no disk")} {
					done := make(chan error, 1)
					go func() { done <- send() }()
					select {
					case got := <-asked:
						if got != want {
							t.Error("asked for", got)
						}
					case <-done:
						t.Fatal("did not ask")
					}
					select {
					case <-done:
						t.Fatal("did not wait")
					case <-time.After(20 * time.Millisecond):
					}
					let <- ill
					if err := <-done; (err == nil) != (ill == nil) {
						t.Errorf("the disk says %v: %v", ill, err)
					}
				}
			}
		})
	}
}

func TestPipeline(t *testing.T) {
	h := NewHub()
	_, reached := node(t, h, "n0", guarded(t, newFakeView()))
	n1, _ := node(t, h, "n1", leading(t, "n1"))
	p, err := n1.AppendEntriesPipeline("n0", "host-n0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for i := range uint64(20) {
			if _, err := p.AppendEntries(appendFrom("n1", 5, 12+i, 5, cmd(13+i, 5, "x")), new(raft.AppendEntriesResponse)); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range uint64(20) {
		f := <-p.Consumer()
		if err := f.Error(); err != nil || f.Response().LastLog != 13+i || (<-reached).(*raft.AppendEntriesRequest).PrevLogEntry != 12+i {
			t.Fatal(i, err, f.Response())
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AppendEntries(appendFrom("n1", 5, 0, 0), new(raft.AppendEntriesResponse)); err == nil {
		t.Fatal("a closed pipeline sends")
	}
}

// Frames no client of ours would send: the stream ends, nothing reaches raft,
// nothing is allocated on a promise.
func TestRawFrames(t *testing.T) {
	h := NewHub()
	_, reached := node(t, h, "n0", guarded(t, newFakeView()))
	evil := h.Join("n2", "host-n2")
	for name, raw := range map[string][]byte{
		"unknown kind":  {99, 0, 0, 0, 0},
		"kind zero":     {0, 0, 0, 0, 0},
		"huge body":     {byte(KindAppendEntries), 0xff, 0xff, 0xff, 0xff},
		"huge vote":     {byte(KindRequestVote), 0, 2, 0, 0},
		"garbage":       append([]byte{byte(KindAppendEntries), 0, 0, 0, 8}, "\x83\xa2ID\x00zz!"...),
		"trailing byte": append([]byte{byte(KindTimeoutNow), 0, 0, 0, 10}, "\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"...),
	} {
		c, err := evil.Dial(t.Context(), "n0", "host-n0")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(raw); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 5)
		if n, err := c.Read(b); err != nil || n == 0 || b[0] != statusRefused {
			t.Errorf("%s: answer %v, %v", name, b[:n], err)
		}
		_ = c.Close()
	}
	select {
	case c := <-reached:
		t.Fatalf("reached raft: %T", c)
	default:
	}
}

// A list of entries larger than a body is cut short, never to nothing, and what
// is left is what raft will believe to have sent.
func TestTrim(t *testing.T) {
	req := &raft.AppendEntriesRequest{RPCHeader: header("n1"), Term: 5}
	for i := range uint64(64) {
		req.Entries = append(req.Entries, &raft.Log{Index: i + 1, Term: 5, Data: make([]byte, MaxEntryData)})
	}
	if err := trim(req, nil); err != nil {
		t.Fatal(err)
	}
	if len(req.Entries) != 1 {
		t.Fatalf("%d entries", len(req.Entries))
	}
	if _, _, err := EncodeRequest(req, Proofs{}); err != nil {
		t.Fatal(err)
	}
}

func FuzzRequest(f *testing.F) {
	for _, c := range []any{
		appendFrom("n1", 5, 12, 4, cmd(13, 5, "x"), typed(cmd(14, 5, ""), raft.LogNoop)),
		appendFrom("n1", 5, 8, 4, cmd(9, 4, "stored")),
		&raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 6, LeadershipTransfer: true},
		&raft.RequestPreVoteRequest{RPCHeader: header("n2"), Term: 6},
		installFrom("n1", nil),
		&raft.TimeoutNowRequest{RPCHeader: header("n2")},
	} {
		kind, body, err := EncodeRequest(c, honest(c))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(kind), body)
	}
	g := guarded(f, newFakeView())
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		c, proofs, err := DecodeRequest(Kind(kind), body)
		if err != nil {
			if c != nil {
				t.Fatal("error and a result")
			}
			return
		}
		k, again, err := EncodeRequest(c, proofs)
		if err != nil || byte(k) != kind || !bytes.Equal(again, body) {
			t.Fatalf("encodes differently: %v", err)
		}
		for _, peer := range []string{"n1", "n2", "n3", "evil"} {
			if g.admit(peer, k, c, proofs, body) != nil {
				continue
			}
			// Whatever passes must be what raft can take without ending the process.
			if peer != "n1" && peer != "n2" {
				t.Fatalf("%s passes with a %s", peer, k)
			}
			if a, ok := c.(*raft.AppendEntriesRequest); ok {
				for _, e := range a.Entries {
					if e.Type == raft.LogConfiguration {
						raft.DecodeConfiguration(e.Data)
					} else if e.Type != raft.LogCommand && e.Type != raft.LogNoop {
						t.Fatalf("entry of type %d passes", e.Type)
					}
				}
			}
		}
	})
}
