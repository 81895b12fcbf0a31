package transport

import (
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"github.com/hashicorp/raft"
)

// model is a follower as raft would be behind the guard: what the guard lets
// through, it does, as raft does it. Its view is what the guard goes by.
type model struct {
	fakeView
	term   uint64
	leader string
	commit uint64
	log    []raft.Log // entry i at i-1
}

func (m *model) Term() uint64      { return m.term }
func (m *model) Leader() string    { return m.leader }
func (m *model) Floor() uint64     { return m.commit }
func (m *model) LastIndex() uint64 { return uint64(len(m.log)) }
func (m *model) Stored(i uint64) (raft.Log, bool) {
	if i == 0 || i > uint64(len(m.log)) {
		return raft.Log{}, false
	}
	return m.log[i-1], true
}

// obey does what raft does with an AppendEntries or a vote.
func (m *model) obey(t *testing.T, cmd any) {
	switch c := cmd.(type) {
	case *raft.RequestVoteRequest:
		if c.Term > m.term && m.leader == "" {
			m.term = c.Term
		}
	case *raft.AppendEntriesRequest:
		if c.Term < m.term {
			return
		}
		m.term, m.leader = c.Term, string(c.ID)
		if prev, ok := m.Stored(c.PrevLogEntry); c.PrevLogEntry > 0 && (!ok || prev.Term != c.PrevLogTerm) {
			return
		}
		for _, e := range c.Entries {
			if have, ok := m.Stored(e.Index); ok && have.Term == e.Term {
				continue
			} else if ok {
				if e.Index <= m.commit {
					t.Fatalf("entry %d, committed up to %d, is cut", e.Index, m.commit)
				}
				m.log = m.log[:e.Index-1]
			}
			m.log = append(m.log, *e)
		}
		m.commit = max(m.commit, min(c.LeaderCommitIndex, m.LastIndex()))
	}
}

// FuzzSequence plays arbitrary sequences of plausible messages of two hostile
// voters of five, who share all they have, against a follower behind the guard.
// Honest voters have signed two elections, of n1 in term 5 and of n3 in term 7,
// and the pre-votes for them. Whatever the sequence:
//
//   - what was committed before stays as it is;
//   - the term is one of those a majority signed for, and the leader the one it elected;
//   - nothing the elected leader claimed to hold is cut by it.
//
// Shows: B4, B8, g3, g4
func FuzzSequence(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31})
	f.Add([]byte("append entries of term nine with stolen votes, then vote"))
	f.Fuzz(func(t *testing.T, script []byte) { playSequence(t, script) })
}

// pool is what the two hostile voters have: honest signatures, and their own.
var pool = sync.OnceValue(func() [][]byte {
	claim := Certificate{Statement: Vote, Term: 5, Candidate: "n1", LastIndex: 10, LastTerm: 4}
	later := Certificate{Statement: Vote, Term: 7, Candidate: "n3", LastIndex: 10, LastTerm: 4}
	asked := later
	asked.Statement = PreVote
	return [][]byte{nil,
		signedBy(claim, "n0", "n1", "n2").Encode(), signedBy(later, "n0", "n2", "n3").Encode(), signedBy(asked, "n0", "n2", "n3").Encode(),
		signedBy(Certificate{Statement: Vote, Term: 6, Candidate: "n3"}, "n1", "n3").Encode(),
		signedBy(Certificate{Statement: PreVote, Term: 9, Candidate: "n1"}, "n1", "n3").Encode(),
		signedBy(Certificate{Statement: Vote, Term: 7, Candidate: "n1", LastIndex: 10, LastTerm: 4}, "n1", "n3").Encode()}
})

func playSequence(t *testing.T, script []byte) {
	m := &model{term: 5, commit: 6}
	for i, id := range []string{"n0", "n1", "n2", "n3", "n4"} {
		m.servers = append(m.servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress(fmt.Sprintf("host-n%d", i))})
	}
	for i := range uint64(10) {
		m.log = append(m.log, raft.Log{Index: i + 1, Term: 4, Type: raft.LogCommand, Data: []byte("stored")})
	}
	e, err := OpenElections(ElectionConfig{ID: "n0", Cluster: "c", Network: NewHub().Join("n0", "host-n0"), View: m})
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGuard(GuardConfig{ID: "n0", View: m, Elections: e})
	if err != nil {
		t.Fatal(err)
	}
	pool := pool()
	allowed := map[uint64]map[string]bool{5: {"": true, "n1": true}, 7: {"": true, "n3": true, "n1": true}}
	for len(script) >= 6 {
		b := script[:6]
		script = script[6:]
		peer := []string{"n1", "n3"}[b[0]&1]
		term := []uint64{0, 4, 5, 6, 7, 8, 9, 1 << 63}[b[1]&7]
		proofs := Proofs{Term: pool[int(b[2])%len(pool)], Log: pool[int(b[2]>>4)%len(pool)]}
		index := uint64(b[3] % 14)
		prev, own := uint64(b[4]&7), uint64(b[4]>>5)
		if b[0]&32 != 0 { // an elected leader's, as far as it goes
			peer, term, proofs.Term = "n1", 5, pool[1]
			if b[1]&1 != 0 {
				peer, term, proofs.Term = "n3", 7, pool[2]
			}
			e, _ := m.Stored(index)
			prev, own = e.Term, term
		}
		var cmd any
		switch b[0] >> 6 {
		case 0:
			cmd = &raft.RequestVoteRequest{RPCHeader: header(peer), Term: term, LastLogIndex: 10, LastLogTerm: uint64(b[4] & 7)}
		default:
			a := appendFrom(peer, term, index, prev)
			a.LeaderCommitIndex = uint64(b[5] & 15)
			for i := range uint64(b[5] >> 6) {
				e := variant(index+i+1, max(prev, own), binary.BigEndian.Uint16(b[4:]))
				a.Entries = append(a.Entries, e)
			}
			cmd = a
		}
		kind, body, err := EncodeRequest(cmd, proofs)
		if err != nil || g.admit(peer, kind, cmd, proofs, body) != nil {
			continue
		}
		m.obey(t, cmd)
		if !allowed[m.term][m.leader] {
			t.Fatalf("term %d, leader %q after %s of %s", m.term, m.leader, kind, peer)
		}
		for i := range uint64(10) { // claimed by both leaders
			if e, ok := m.Stored(i + 1); !ok || string(e.Data) != "stored" {
				t.Fatalf("entry %d is %v %q", i+1, ok, e.Data)
			}
		}
	}
}

func variant(index, term uint64, n uint16) *raft.Log {
	e := cmd(index, term, fmt.Sprint("forged", n))
	if n%5 == 0 {
		e.Data = []byte("stored")
	}
	return e
}

// TestSequences plays many random scripts, also where nobody fuzzes.
func TestSequences(t *testing.T) {
	seed := uint64(1)
	for range 60 {
		script := make([]byte, 300)
		for i := range script {
			seed = seed*6364136223846793005 + 1442695040888963407
			script[i] = byte(seed >> 56)
		}
		playSequence(t, script)
	}
}
