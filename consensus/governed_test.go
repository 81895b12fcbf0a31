package consensus_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"

	"github.com/hashicorp/raft"
)

// heeding is a governor that learns from commands it is asked to check or recall:
// "admit.ID=…" lets the server ID in, beside the founders.
type heeding struct {
	*consensustest.Machine
	mu       sync.Mutex
	admitted map[string]bool
}

func newHeeding() *heeding {
	return &heeding{Machine: consensustest.NewMachine(nil), admitted: map[string]bool{"n0": true, "n1": true, "n2": true}}
}

func (h *heeding) learn(payload []byte) {
	var id string
	if _, err := fmt.Sscanf(string(payload), "admit %s", &id); err == nil {
		h.mu.Lock()
		h.admitted[id] = true
		h.mu.Unlock()
	}
}

func (h *heeding) Check(payload []byte) error {
	h.learn(payload)
	return h.Machine.Check(payload)
}

func (h *heeding) Governs(servers []consensus.Server) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range servers {
		if !h.admitted[s.ID] {
			return fmt.Errorf("nobody admitted %s", s.ID)
		}
	}
	return nil
}

// choosing is one that picks by itself what to learn after a restart.
type choosing struct {
	*heeding
	recalled *[]string
}

func (c choosing) Recall(payload []byte) {
	*c.recalled = append(*c.recalled, string(payload))
	c.learn(payload)
}

// with is a membership entry: the founders and these.
func (s *stage) with(index, term uint64, ids ...string) *raft.Log {
	var c raft.Configuration
	for _, m := range s.c.Servers {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(m.ID), Address: raft.ServerAddress(m.Address)})
	}
	for _, id := range ids {
		c.Servers = append(c.Servers, raft.Server{ID: raft.ServerID(id), Address: raft.ServerAddress("host-" + id), Suffrage: raft.Nonvoter})
	}
	return &raft.Log{Index: index, Term: term, Type: raft.LogConfiguration, Data: raft.EncodeConfiguration(c)}
}

func command(index, term uint64, payload string) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: group(payload)}
}

// offer sends entries of n1, who leads term 2, behind the entry before the first,
// and says whether they were taken.
func (s *stage) offer(list ...*raft.Log) bool {
	s.t.Helper()
	p := s.peer(1)
	prev := list[0].Index - 1
	answer, err := p.Send(s.node, &raft.AppendEntriesRequest{RPCHeader: p.Header(), Term: 2, PrevLogEntry: prev, PrevLogTerm: min(prev, 2),
		Entries: list}, s.elected(1, 2), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.Status == 0 && s.log().Status().LogLast == list[len(list)-1].Index
}

// A batch that brings the governance together with the membership that follows from
// it is taken, in whatever order the two stand; one that brings the membership
// alone is not. After a restart the node still knows what the entries in its log
// announced although none is applied, whether it judges them again or recalls
// them, and forgets nothing of it when a membership comes.
//
// Shows: B9, g5, g6
func TestGovernanceInABatchAndAfterARestart(t *testing.T) {
	for _, picks := range []bool{false, true} {
		t.Run(fmt.Sprint("recaller=", picks), func(t *testing.T) {
			var recalled []string
			s := newStageOf(t, func(int) consensus.Machine {
				if h := newHeeding(); picks {
					return choosing{h, &recalled}
				} else {
					return h
				}
			})
			if s.offer(s.with(2, 2, "n3")) || s.offer(command(2, 2, "x=1"), s.with(3, 2, "n3")) {
				t.Fatal("a membership nobody decided is taken")
			}
			if n := s.log().Status().Evidence; n != 2 {
				t.Errorf("%d files of evidence", n)
			}
			if !s.offer(command(2, 2, "admit n3"), s.with(3, 2, "n3")) {
				t.Fatal("governance and membership in one batch are refused")
			}
			if !s.offer(s.with(4, 2, "n3", "n4"), command(5, 2, "admit n4")) {
				t.Fatal("membership and governance in one batch are refused")
			}
			if !s.offer(command(6, 2, "admit n5")) {
				t.Fatal("governance is refused")
			}
			for restart := range 2 {
				s.c.Kill(0)
				s.c.Start(0)
				if st := s.log().Status(); st.Applied > 1 || st.LogLast != 6+uint64(restart) {
					t.Fatalf("the scene is another: %+v", st)
				}
				next := 7 + uint64(restart)
				if s.offer(s.with(next, 2, "n6")) {
					t.Fatal("a membership nobody decided is taken after a restart")
				}
				ids := []string{"n5", "n4"}[:1+restart]
				if !s.offer(s.with(next, 2, ids...)) {
					t.Fatalf("restart %d: the node has forgotten what its log announces", restart+1)
				}
			}
			if picks && !slices.Equal(recalled[:3], []string{"admit n3", "admit n4", "admit n5"}) {
				t.Errorf("recalled: %q", recalled)
			}
		})
	}
}
