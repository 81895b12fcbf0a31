package transport

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func cert(s Statement, candidate string, term uint64, voters ...string) *Certificate {
	return signedBy(Certificate{Statement: s, Term: term, Candidate: candidate, LastIndex: 12, LastTerm: 4}, voters...)
}

// Certificates a voting member with a valid key could come up with, as leader, as
// candidate and in its answers. The node is n0 in term 5 and has seen n1 elected
// in it.
//
// Shows: B4, B8, g3, g4
func TestElectionRule(t *testing.T) {
	forged := cert(Vote, "n2", 6, "n0", "n2")
	forged.Votes[0].Signature = append([]byte(nil), forged.Votes[0].Signature...)
	forged.Votes[0].Signature[50] ^= 1
	swapped := cert(Vote, "n2", 6, "n0", "n1")
	swapped.Votes[0].Signature, swapped.Votes[1].Signature = swapped.Votes[1].Signature, swapped.Votes[0].Signature
	reclaimed := cert(Vote, "n2", 6, "n0", "n2") // the votes were given for another claim
	reclaimed.LastIndex = 3
	doubledVotes := cert(Vote, "n2", 6, "n2")
	doubledVotes.Votes = append(doubledVotes.Votes, doubledVotes.Votes[0])
	otherCluster := &Certificate{Statement: Vote, Term: 6, Candidate: "n2"}
	for _, v := range []string{"n0", "n2"} {
		otherCluster.add(SignedVote{Voter: v, Signature: sign(hubKey(v), otherCluster.Message("another", v, 0))})
	}
	stale := &Certificate{Statement: PreVote, Term: 6, Candidate: "n2"}
	for _, v := range []string{"n0", "n2"} {
		lead := map[string]uint64{"n0": 4, "n2": 1 << 40}[v] // only its own word says it is of today
		stale.add(SignedVote{Voter: v, Lead: lead, Signature: sign(hubKey(v), stale.Message("c", v, lead))})
	}
	app := func(term uint64) any { return appendFrom("n2", term, 12, 4) }
	vote := &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 6, LastLogIndex: 12, LastLogTerm: 4}
	for _, tc := range []struct {
		name     string
		cmd      any
		proofs   Proofs
		ok       bool
		evidence bool
	}{
		{"elected leader of a later term", app(6), Proofs{Term: cert(Vote, "n2", 6, "n0", "n2").Encode()}, true, false},
		{"confirmed by followers", app(6), Proofs{Term: cert(Follow, "n2", 6, "n0", "n1").Encode()}, true, false},
		{"no certificate", app(6), Proofs{}, false, true},
		{"garbage", app(6), Proofs{Term: []byte("certificate")}, false, true},
		{"minority", app(6), Proofs{Term: cert(Vote, "n2", 6, "n2").Encode()}, false, false},
		{"votes of who has none", app(6), Proofs{Term: cert(Vote, "n2", 6, "n2", "n3", "n4", "n5").Encode()}, false, false},
		{"one vote twice", app(6), Proofs{Term: doubledVotes.Encode()}, false, true},
		{"forged vote", app(6), Proofs{Term: forged.Encode()}, false, true},
		{"votes under other names", app(6), Proofs{Term: swapped.Encode()}, false, false},
		{"votes for another claim", app(6), Proofs{Term: reclaimed.Encode()}, false, true},
		{"of another term", app(7), Proofs{Term: cert(Vote, "n2", 6, "n0", "n2").Encode()}, false, true},
		{"another candidate's", app(6), Proofs{Term: cert(Vote, "n1", 6, "n0", "n1").Encode()}, false, true},
		{"pre-votes as votes", app(6), Proofs{Term: cert(PreVote, "n2", 6, "n0", "n2").Encode()}, false, true},
		{"of another cluster", app(6), Proofs{Term: otherCluster.Encode()}, false, true},
		{"second leader of the term", app(5), Proofs{Term: cert(Vote, "n2", 5, "n0", "n2").Encode()}, false, true},
		{"second leader without votes", app(5), Proofs{Term: cert(Vote, "n2", 5, "n2").Encode()}, false, false},
		{"the leader's certificate, replayed", app(5), Proofs{Term: elected("n1", 5)}, false, true},
		{"a leader of the past", app(4), Proofs{}, true, false}, // raft answers with its term and does nothing

		{"candidate with pre-votes", vote, Proofs{Term: preElected("n2", 6)}, true, false},
		{"candidate without", vote, Proofs{}, false, true},
		{"candidate with votes as pre-votes", vote, Proofs{Term: elected("n2", 6)}, false, true},
		{"candidate with pre-votes of a minority", vote, Proofs{Term: cert(PreVote, "n2", 6, "n2").Encode()}, false, false},
		{"candidate with pre-votes for another term", vote, Proofs{Term: preElected("n2", 7)}, false, true},
		{"candidate with saved-up pre-votes", vote, Proofs{Term: stale.Encode()}, false, false},
		{"candidate that claims a term nobody led", &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 9, LastLogIndex: 1, LastLogTerm: 8},
			Proofs{Term: preElected("n2", 9)}, false, false},
		{"and shows who led it", &raft.RequestVoteRequest{RPCHeader: header("n2"), Term: 9, LastLogIndex: 1, LastLogTerm: 8},
			Proofs{Term: preElected("n2", 9), Log: elected("n1", 8)}, true, false},
		{"pre-vote for the next term", &raft.RequestPreVoteRequest{RPCHeader: header("n2"), Term: 6}, Proofs{}, true, false},
		{"pre-vote far ahead", &raft.RequestPreVoteRequest{RPCHeader: header("n2"), Term: 60}, Proofs{}, false, false},
		{"pre-vote far ahead, and why", &raft.RequestPreVoteRequest{RPCHeader: header("n2"), Term: 60}, Proofs{Term: preElected("n1", 59)}, true, false},
	} {
		g := guarded(t, newFakeView())
		if err := g.elections.admitLeader("n1", 5, elected("n1", 5)); err != nil {
			t.Fatal(err)
		}
		kind, body, err := EncodeRequest(tc.cmd, tc.proofs)
		if err != nil {
			t.Fatal(err)
		}
		err = g.admit("n2", kind, tc.cmd, tc.proofs, body)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if !tc.ok && g.Refusals()[RefusalKey{"n2", kind, "election"}] != 1 {
			t.Errorf("%s: refused by another rule: %v", tc.name, err)
		}
		list, err := g.Evidence()
		if err != nil || (len(list) == 1) != tc.evidence {
			t.Errorf("%s: evidence %d, %v", tc.name, len(list), err)
		}
		if id, _ := g.elections.Leader(); !tc.ok && id != "n1" {
			t.Errorf("%s: leader is %s now", tc.name, id)
		}
		if tc.evidence && len(list) == 1 && (list[0].Peer != "n2" || !bytes.Equal(list[0].Body, body) || list[0].Self != "n0") {
			t.Errorf("%s: %+v", tc.name, list[0])
		}
	}
}

// A vote is signed once a term, also after a restart, whatever raft grants.
//
// Shows: B8, g3
func TestOneVoteATerm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "term.proof")
	open := func() *Elections {
		e, err := OpenElections(ElectionConfig{ID: "n0", Cluster: "c", Network: NewHub().Join("n0", "x"), View: newFakeView(), Path: path})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	e := open()
	req := func(term, last uint64) *raft.RequestVoteRequest {
		return &raft.RequestVoteRequest{Term: term, LastLogIndex: last, LastLogTerm: 4}
	}
	for range 2 { // a vote, and the same again
		if e.grantVote("n1", req(6, 12)) == nil {
			t.Fatal("a vote, or the same again, is not signed")
		}
	}
	for range 2 {
		if e.grantVote("n2", req(6, 12)) != nil || e.grantVote("n1", req(6, 3)) != nil || e.grantVote("n1", req(5, 12)) != nil {
			t.Fatal("a second vote is signed")
		}
		if err := e.admitLeader("n1", 6, elected("n1", 6)); err != nil {
			t.Fatal(err)
		}
		e = open()
		if id, term := e.Leader(); id != "n1" || term != 6 || e.termProof(6) == nil {
			t.Fatal("forgotten after a restart:", id, term)
		}
	}
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e = open(); e.termProof(1) != nil {
		t.Fatal("a damaged file is believed")
	}
	if _, err := os.Stat(path + ".damaged"); err != nil {
		t.Fatal(err)
	}
}

// A leader steps down for a proof of today, and for an old one seldom.
func TestAnswersDepose(t *testing.T) {
	e := leading(t, "n1").elections
	e.cfg.Patience = time.Hour
	if err := e.admitAnswer(KindAppendEntries, 5, 6, nil); !errors.Is(err, ErrUnproven) {
		t.Error("without proof:", err)
	}
	if err := e.admitAnswer(KindAppendEntries, 5, 7, preElected("n2", 6)); !errors.Is(err, ErrUnproven) {
		t.Error("proof of a lower term:", err)
	}
	old := &Certificate{Statement: PreVote, Term: 6, Candidate: "n2"}
	for _, v := range []string{"n0", "n2"} {
		old.add(SignedVote{Voter: v, Lead: 4, Signature: sign(hubKey(v), old.Message("c", v, 4))})
	}
	if err := e.admitAnswer(KindAppendEntries, 5, 6, old.Encode()); !errors.Is(err, ErrUnproven) {
		t.Error("saved up:", err)
	}
	if err := e.admitAnswer(KindAppendEntries, 5, 6, preElected("n2", 6)); err != nil {
		t.Error("pre-votes of who had seen this leader:", err)
	}
	if err := e.admitAnswer(KindAppendEntries, 5, 6, elected("n2", 6)); err != nil {
		t.Error("an election:", err)
	}
	e.deposed = time.Now().Add(-21 * time.Hour)
	if err := e.admitAnswer(KindAppendEntries, 5, 8, signedBy(Certificate{Statement: PreVote, Term: 8, Candidate: "n2"}, "n0", "n2").Encode()); err != nil {
		t.Error(err)
	}
	// Without any proof only a candidate moves, a modest step, after patience.
	if e.admitAnswer(KindPreVote, 6, 9, nil) == nil {
		t.Error("at once")
	}
	e.bent = time.Now().Add(-2 * time.Hour)
	if e.admitAnswer(KindPreVote, 6, 6+termSlack+1, nil) == nil || e.admitAnswer(KindAppendEntries, 6, 9, nil) == nil {
		t.Error("too far, or a leader")
	}
	if err := e.admitAnswer(KindPreVote, 6, 9, nil); err != nil {
		t.Error("after patience:", err)
	}
	if e.admitAnswer(KindPreVote, 6, 10, nil) == nil {
		t.Error("twice")
	}
}

// A leader's certificate is made anew of its followers' word; votes nobody gave
// do not count.
func TestRenew(t *testing.T) {
	lead, follower := leading(t, "n1").elections, guarded(t, newFakeView()).elections
	if follower.SignFollow(5) != nil {
		t.Fatal("follows whom it has not seen elected")
	}
	if err := follower.admitLeader("n1", 5, elected("n1", 5)); err != nil {
		t.Fatal(err)
	}
	if lead.Renew(5, map[string][]byte{"n2": follower.SignFollow(5)}) || lead.Renew(6, map[string][]byte{"n0": follower.SignFollow(5)}) {
		t.Fatal("renewed by a signature under another name, or in another term")
	}
	if !lead.Renew(5, map[string][]byte{"n0": follower.SignFollow(5)}) {
		t.Fatal("not renewed")
	}
	raw, err := lead.leadership(5)
	if err != nil {
		t.Fatal(err)
	}
	if err := follower.admitLeader("n1", 5, raw); err != nil || !bytes.Equal(follower.leadRaw(), raw) {
		t.Fatal(err)
	}
}

// After the first message of a term the guard compares bytes.
func TestElectionHotPath(t *testing.T) {
	g := guarded(t, newFakeView())
	req, raw := appendFrom("n1", 5, 12, 4, cmd(13, 5, "x")), elected("n1", 5)
	p := Proofs{Term: raw}
	if err := g.admit("n1", KindAppendEntries, req, p, nil); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if g.elections.admitLeader("n1", 5, raw) != nil {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

// Evidence is kept once, a bounded number of it for each peer, and read back.
//
// Shows: g4
func TestEvidence(t *testing.T) {
	dir := t.TempDir()
	open := func() *archive {
		a, err := openArchive(dir, true)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	make := func(peer string, n byte) *Evidence {
		body := []byte{n, 2, 3}
		return &Evidence{Time: time.Unix(int64(n), 5).UTC(), Self: "n0", Peer: peer, Kind: KindAppendEntries, Rule: "committed", Why: "w",
			Body: body, Size: 3, Digest: sumOf(body), Own: []byte("own")}
	}
	for i := range byte(40) {
		if _, err := a.keep(make("n1", i)); err != nil {
			t.Fatal(err)
		}
		if kept, _ := a.keep(make("n1", i)); kept {
			t.Fatal("kept twice")
		}
	}
	if kept, err := a.keep(make("n2", 1)); err != nil || !kept {
		t.Fatal("one peer takes another's room:", err)
	}
	for range 2 {
		if n, _ := a.count(); n != maxEvidenceOfPeer+1 {
			t.Fatal(n)
		}
		list, err := a.list()
		if err != nil || len(list) != maxEvidenceOfPeer+1 || list[0].Body[0] != 0 || string(list[0].Own) != "own" {
			t.Fatal(err, len(list))
		}
		a = open()
	}
}
