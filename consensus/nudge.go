package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// nudged remembers how far each peer was told, and when: a group that answers many
// batches is one notice.
type nudged struct {
	mu sync.Mutex
	to map[string]notice
}

type notice struct {
	index uint64
	at    time.Time
}

// nudgeAgain is when a peer that asks is told the same again. Raft would have told it
// by then; a peer that was started anew has forgotten.
const nudgeAgain = 100 * time.Millisecond

func (n *nudged) first(peer string, index uint64, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last := n.to[peer]; last.index >= index && now.Sub(last.at) < nudgeAgain {
		return false
	}
	if n.to == nil {
		n.to = map[string]notice{}
	}
	n.to[peer] = notice{index, now}
	return true
}

// nudge tells a follower at once that index is committed. Raft itself mentions
// it with the next entries, or after 50 to 100 ms when there are none; a follower
// whose client waits for its own write, or for a read point, need not.
//
// The message is an AppendEntries without entries, as the leader of that term
// might send it: "the entry at index is of this term, and it is committed". The
// follower takes it only if it holds that very entry.
func (l *Log) nudge(peer string, index uint64) {
	r := l.raft.Load()
	var e raft.Log
	if index == 0 || index > r.CommitIndex() || l.store.GetLog(index, &e) != nil || r.State() != raft.Leader || e.Term != r.CurrentTerm() {
		return
	}
	if !l.nudged.first(peer, index, time.Now()) {
		return
	}
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if string(s.ID) != peer {
			continue
		}
		req := &raft.AppendEntriesRequest{
			RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(l.cfg.NodeID), Addr: []byte(l.trans.LocalAddr())},
			Term:      e.Term, PrevLogEntry: index, PrevLogTerm: e.Term, LeaderCommitIndex: index}
		go func() { _ = l.trans.AppendEntries(s.ID, s.Address, req, new(raft.AppendEntriesResponse)) }()
		return
	}
}
