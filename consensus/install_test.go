package consensus_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// stage is one real node n0 of a cluster of three. The other two are played: they
// elect whom the script says and send what the script says.
type stage struct {
	t        *testing.T
	c        *consensustest.Cluster
	networks []transport.Network
	node     consensus.Server
}

func newStage(t *testing.T) *stage { return newStageOf(t, nil) }

func newStageOf(t *testing.T, machine func(int) consensus.Machine) *stage {
	return newStageWith(t, machine, func(*consensus.Config) {})
}

func newStageWith(t *testing.T, machine func(int) consensus.Machine, adjust func(*consensus.Config)) *stage {
	s := &stage{t: t, c: consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Minute, // nobody stands while the script runs
		NewMachine: machine, Adjust: func(cfg *consensus.Config) { cfg.SnapshotInterval = time.Hour; adjust(cfg) }})}
	s.c.Kill(1)
	s.c.Kill(2)
	s.node = s.c.Servers[0]
	for i, m := range s.c.Servers {
		s.networks = append(s.networks, nil)
		if i > 0 {
			s.networks[i] = s.c.Hub.Join(m.ID, m.Address)
		}
	}
	return s
}

func (s *stage) log() *consensus.Log { return s.c.Nodes[0].Log }

// elected is the certificate by which n1 and n2 made one of them leader of a term.
// What it claimed to hold is the founding entry.
func (s *stage) elected(leader int, term uint64) transport.Proofs {
	c := transport.Certificate{Statement: transport.Vote, Term: term, Candidate: s.c.Servers[leader].ID, LastIndex: 1, LastTerm: 1}
	for voter := 1; voter <= 2; voter++ {
		id := s.c.Servers[voter].ID
		c.Votes = append(c.Votes, transport.SignedVote{Voter: id, Signature: s.networks[voter].Sign(c.Message("", id, 0))})
	}
	return transport.Proofs{Term: c.Encode()}
}

func (s *stage) peer(leader int) *consensustest.Peer {
	return &consensustest.Peer{Network: s.networks[leader], As: s.c.Servers[leader]}
}

func group(payload string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0, 1}, uint32(len(payload))), payload...)
}

// entries are commands of a term from one index to another.
func entries(term, from, to uint64) (out []*raft.Log) {
	for i := from; i <= to; i++ {
		out = append(out, &raft.Log{Index: i, Term: term, Type: raft.LogCommand, Data: group(fmt.Sprintf("t%d.%d=1", term, i))})
	}
	return out
}

// append has the leader send entries behind the previous one.
func (s *stage) append(leader int, term, prev, prevTerm, commit uint64, list []*raft.Log) (resp raft.AppendEntriesResponse) {
	s.t.Helper()
	p := s.peer(leader)
	answer, err := p.Send(s.node, &raft.AppendEntriesRequest{RPCHeader: p.Header(), Term: term, PrevLogEntry: prev, PrevLogTerm: prevTerm,
		LeaderCommitIndex: commit, Entries: list}, s.elected(leader, term), nil)
	if err != nil || answer.Status != 0 {
		s.t.Fatalf("entries after %d of term %d: status %d, %v", prev, term, answer.Status, err)
	}
	if _, _, err := transport.DecodeResponse(answer.Body, &resp); err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// install has the leader send the state that its commands from 2 up to an index
// bring about.
func (s *stage) install(leader int, term, at uint64) (taken bool) {
	s.t.Helper()
	m := consensustest.NewMachine(nil)
	for _, e := range entries(term, 2, at) {
		if _, err := m.Apply(e.Index, [][]byte{e.Data[9:]}); err != nil {
			s.t.Fatal(err)
		}
	}
	snap, err := m.Snapshot()
	if err != nil {
		s.t.Fatal(err)
	}
	body := bytes.NewBufferString("accord-state/1\n")
	body.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, at), term))
	if _, err := snap.WriteTo(body); err != nil {
		s.t.Fatal(err)
	}
	var members raft.Configuration
	for _, m := range s.c.Servers {
		members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Address)})
	}
	p := s.peer(leader)
	answer, err := p.Send(s.node, &raft.InstallSnapshotRequest{RPCHeader: p.Header(), SnapshotVersion: 1, Term: term, LastLogIndex: at, LastLogTerm: term,
		ConfigurationIndex: 1, Configuration: raft.EncodeConfiguration(members), Size: int64(body.Len())}, s.elected(leader, term), body.Bytes())
	if errors.Is(err, consensustest.ErrNoAnswer) {
		return true // the node may have stopped over it before it could answer
	}
	var resp raft.InstallSnapshotResponse
	if err == nil && answer.Status == 0 {
		_, _, err = transport.DecodeResponse(answer.Body, &resp)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.Success
}

// The sequence of raft#697, message by message, with the follower's divergent tail
// ending before, at and behind the snapshot: n1 leads term 2 and leaves a tail that
// nobody else has, n2 leads term 3 and sends a snapshot. Where raft would go on
// believing in the tail, the node stops at the first installation, says why, and
// after a restart takes the next entries without another one.
//
// Shows: F27
func TestDivergentTailAndSnapshot(t *testing.T) {
	const snapshot = 6
	for _, tc := range []struct {
		name  string
		tail  uint64 // the last entry of n1's
		stops bool
	}{
		{"tail ends before the snapshot", snapshot - 1, false},
		{"tail ends at the snapshot", snapshot, true},
		{"tail goes on behind the snapshot", snapshot + 4, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t)
			if r := s.append(1, 2, 1, 1, 1, entries(2, 2, tc.tail)); !r.Success {
				t.Fatalf("the tail is not taken: %+v", r)
			}
			if r := s.append(2, 3, snapshot, 3, snapshot, nil); r.Success {
				t.Fatal("n2's entries are there before they were sent")
			}
			if !s.install(2, 3, snapshot) {
				t.Fatal("the snapshot is not taken")
			}
			if tc.stops {
				s.c.Eventually("the node stops", func() bool { return s.c.Nodes[0].Fatal() != nil })
				if err := s.log().Status().Err; !errors.Is(err, consensus.ErrStranded) || !errors.Is(s.c.Nodes[0].Fatal(), consensus.ErrStranded) {
					t.Fatalf("stopped with %v", err)
				}
				s.c.Kill(0)
				s.c.Start(0)
			} else if err := s.c.Nodes[0].Fatal(); err != nil {
				t.Fatal(err)
			}
			if r := s.append(2, 3, snapshot, 3, snapshot+1, entries(3, snapshot+1, snapshot+1)); !r.Success {
				t.Fatalf("the entry after the snapshot is refused: %+v", r)
			}
			s.c.Eventually("it is applied", func() bool { return s.log().Status().Applied == snapshot+1 })
			for i, e := range s.c.KV(0).Entries() {
				if want := fmt.Sprintf("t3.%d=1", i+2); e.Payload != want {
					t.Errorf("payload %d is %q, want %q", i, e.Payload, want)
				}
			}
			if n := s.log().Status().Installs; n > 1 || !tc.stops && n != 1 {
				t.Errorf("%d snapshots installed", n)
			}
		})
	}
}

// A leader that lost count, because answers did not reach it, sends a snapshot of
// what the follower has in its log, committed as far as it knows or not. The
// follower says that it has it and keeps what it has: nothing is thrown away that
// the leader may count on, and nobody waits for the next snapshot.
//
// Shows: F27
func TestSnapshotOfWhatIsThere(t *testing.T) {
	for _, commit := range []uint64{1, 4, 6, 9} {
		t.Run(fmt.Sprint("committed up to ", commit), func(t *testing.T) {
			s := newStage(t)
			if r := s.append(2, 3, 1, 1, commit, entries(3, 2, 9)); !r.Success {
				t.Fatalf("%+v", r)
			}
			s.c.Eventually("what is committed is applied", func() bool { return s.log().Status().Applied == commit })
			if !s.install(2, 3, 6) {
				t.Fatal("refused")
			}
			st := s.log().Status()
			if st.LogFirst != 1 || st.LogLast != 9 || st.SnapshotIndex != 0 || st.Applied != commit || st.Err != nil {
				t.Fatalf("%+v", st)
			}
			if r := s.append(2, 3, 6, 3, 10, entries(3, 7, 10)); !r.Success {
				t.Fatalf("%+v", r)
			}
			s.c.Eventually("it goes on", func() bool { return s.log().Status().Applied == 10 })
			if st := s.log().Status(); st.Installs != 0 || st.Evidence != 0 || s.c.Nodes[0].Fatal() != nil {
				t.Errorf("%+v", st)
			}
		})
	}
}

// The leader misses every answer: it sends its snapshot again, and the entries behind
// it again and again, from the snapshot on. The follower takes the snapshot once and
// the entries as often as they come.
//
// Shows: F27
func TestLostAnswersAfterASnapshot(t *testing.T) {
	s := newStage(t)
	s.append(2, 3, 6, 3, 0, nil) // n2 leads
	for range 3 {
		if !s.install(2, 3, 6) {
			t.Fatal("the snapshot is refused")
		}
	}
	for to := uint64(7); to < 10; to++ {
		for range 2 {
			if r := s.append(2, 3, 6, 3, 6, entries(3, 7, to)); !r.Success {
				t.Fatalf("entries up to %d behind the snapshot are refused", to)
			}
		}
		if !s.install(2, 3, 6) {
			t.Fatal("the snapshot is refused, now that the log goes on")
		}
	}
	st := s.log().Status()
	if st.LogFirst != 7 || st.LogLast != 9 || st.Installs != 1 || st.Evidence != 0 || st.Refusals != 0 {
		t.Errorf("%+v", st)
	}
}

// Raft cuts off what it takes for the tail of a leader that failed, also after a
// restart, when it does not know any more how far it had committed. Where the user has
// a proof that the entries were committed, they are kept as evidence and the user is
// told; where it has none, they are such a tail and nothing is said.
//
// Shows: F41, B14
func TestCommittedEntriesThatAreCutOffAreKept(t *testing.T) {
	for settled, want := range map[uint64][]consensus.Replaced{0: nil, 3: nil, 4: {{From: 4, To: 4, Leader: "n2"}}, 9: {{From: 4, To: 5, Leader: "n2"}}} {
		t.Run(fmt.Sprint("known up to ", settled), func(t *testing.T) {
			var told []consensus.Replaced
			s := newStageWith(t, nil, func(cfg *consensus.Config) {
				cfg.Settled, cfg.Replaced = func() uint64 { return settled }, func(r consensus.Replaced) { told = append(told, r) }
			})
			if r := s.append(1, 2, 1, 1, 5, entries(2, 2, 5)); !r.Success {
				t.Fatalf("%+v", r)
			}
			s.c.Eventually("it is applied", func() bool { return s.log().Status().Applied == 5 })
			s.c.Kill(0)
			s.c.Start(0)
			s.append(2, 3, 9, 3, 0, nil) // n2 leads now
			if r := s.append(2, 3, 3, 2, 5, entries(3, 4, 6)); !r.Success {
				t.Fatalf("the leader's entries: %+v", r)
			}
			s.c.Eventually("it goes on", func() bool { return s.log().Status().Applied == 5 })
			if !slices.Equal(told, want) {
				t.Errorf("told %+v, want %+v", told, want)
			}
			list, err := s.log().Evidence()
			if err != nil || len(list) != len(want) {
				t.Fatalf("evidence %+v, %v", list, err)
			}
			for _, e := range list {
				if e.Peer != "" || e.Rule != "disk" || !bytes.Contains(e.Body, []byte("t2.4=1")) || bytes.Contains(e.Body, []byte("t2.3=1")) {
					t.Errorf("evidence %+v", e)
				}
			}
		})
	}
}

// A snapshot that contradicts what is committed here accuses its leader.
//
// Shows: B9, F32, g7
func TestSnapshotAgainstACommittedEntry(t *testing.T) {
	s := newStage(t)
	if r := s.append(1, 2, 1, 1, 5, entries(2, 2, 5)); !r.Success {
		t.Fatalf("%+v", r)
	}
	s.c.Eventually("it is applied", func() bool { return s.log().Status().Applied == 5 })
	s.append(2, 3, 9, 3, 0, nil) // n2 leads now
	before := s.c.KV(0).Digest()
	if s.install(2, 3, 4) {
		t.Fatal("obeyed")
	}
	list, err := s.log().Evidence()
	if err != nil || len(list) != 1 || list[0].Peer != "n2" || list[0].Rule != "snapshot" || len(list[0].Own) == 0 {
		t.Errorf("evidence %+v, %v", list, err)
	}
	if s.c.KV(0).Digest() != before {
		t.Error("the state has changed")
	}
}

// The same as it comes about among three nodes, in virtual time: a leader cut off
// from the others keeps a tail nobody has; they go on, take a snapshot that ends
// inside the tail and drop the log before it. The node that was cut off finds out
// within a minute of the healing, its operator (here: ten seconds later) starts it
// again as the service manager would, and two minutes after the healing it has
// caught up. Nobody is sent more than three snapshots.
//
// Shows: F27
func TestDivergentTailInACluster(t *testing.T) {
	for _, extra := range []int{0, 3} {
		t.Run(fmt.Sprint("the others go on by ", extra), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { divergentTail(t, extra) })
		})
	}
}

func divergentTail(t *testing.T, extra int) {
	c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second, Adjust: func(cfg *consensus.Config) {
		cfg.SnapshotInterval, cfg.TrailingLogs = time.Hour, 1
	}})
	old := c.Leader()
	c.Propose(old, "x=1")
	c.Settle()
	common := c.Nodes[old].Log.Status().LogLast
	c.Hub.Isolate(c.Nodes[old].ID)
	// A group and a change of members are what a leader has under way at most.
	var doomed sync.WaitGroup
	doomed.Go(func() { _, _ = c.Nodes[old].Log.Propose(within(t), []byte("lost=1")) })
	doomed.Go(func() { _ = c.Nodes[old].Log.AddNonvoter("n9", "host9:1") })
	c.Eventually("a tail of two", func() bool { return c.Nodes[old].Log.Status().LogLast == common+2 })
	next := -1
	c.Eventually("another leads and has committed in its term", func() bool {
		for _, i := range others(c, old) {
			if st := c.Nodes[i].Log.Status(); st.State == "leader" && st.Applied == common+2 {
				next = i
			}
		}
		return next >= 0
	})
	if err := c.Nodes[next].Log.Snapshot(); err != nil {
		t.Fatal(err)
	}
	if st := c.Nodes[next].Log.Status(); st.SnapshotIndex != common+2 || st.LogFirst != common+2 {
		t.Fatalf("the scene is another: snapshot at %d, log from %d, tail to %d", st.SnapshotIndex, st.LogFirst, common+2)
	}
	for i := range extra {
		c.Propose(next, fmt.Sprintf("onward%d=1", i))
	}
	doomed.Wait()
	time.Sleep(time.Minute) // nothing that was sent before the snapshot is under way any more
	c.Hub.MendAll()
	healed := time.Now()
	c.Eventually("the node finds out", func() bool { return c.Nodes[old].Fatal() != nil })
	if took := time.Since(healed); took > time.Minute || !errors.Is(c.Nodes[old].Log.Status().Err, consensus.ErrStranded) {
		t.Fatalf("after %v: %v", took, c.Nodes[old].Log.Status().Err)
	}
	installs := c.Nodes[old].Log.Status().Installs
	time.Sleep(10 * time.Second)
	c.Kill(old)
	c.Start(old)
	c.Settle()
	took := time.Since(healed)
	c.Propose(old, "after=1")
	c.Settle()
	installs += c.Nodes[old].Log.Status().Installs
	if took > 2*time.Minute || installs > 3 {
		t.Errorf("caught up after %v and %d snapshots", took, installs)
	}
	t.Logf("caught up %v after the healing, %d snapshots", took, installs)
	if _, ok := c.KV(old).Get("lost"); ok {
		t.Error("what nobody committed is there")
	}
	c.Stop()
	synctest.Wait()
}
