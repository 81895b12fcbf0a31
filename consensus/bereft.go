package consensus

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// gone is told that a peer has ended its last stream to this node.
func (l *Log) gone(peer string) {
	select {
	case l.left <- peer:
	default: // the one before is looked into; if it leads, this one does not
	}
}

// runDoubts doubts a leader whose streams have ended before its silence alone would
// make this node doubt it: the system of a process that died closes what it had open,
// so its followers know at once and need not wait out a heartbeat timeout.
func (l *Log) runDoubts() {
	for {
		select {
		case peer := <-l.left:
			if l.bereft(peer) {
				l.cfg.Logger.Info("the leader ended its streams and has been silent since: it is doubted before its time", "leader", peer)
				l.standUp()
			}
		case <-l.stop:
			return
		}
	}
}

// bereft waits for this node's turn to doubt peer, and says whether there is still
// reason to.
func (l *Log) bereft(peer string) bool {
	r := l.raft.Load()
	leads := func() bool {
		_, id := r.LeaderWithID()
		return string(id) == peer && r.State() == raft.Follower
	}
	if !leads() {
		return false
	}
	turn := l.turn(r, peer)
	if turn < 0 {
		return false
	}
	for wait := l.cfg.Lease + turn; ; {
		select {
		case <-time.After(wait):
		case <-l.stop:
			return false
		}
		if !leads() {
			return false
		}
		// What was on its way when the streams ended may have been taken since, which
		// is a moment ago; later word is of a leader that has come back.
		if wait = l.cfg.Lease - time.Since(r.LastContact()); wait < 0 {
			return true
		} else if wait > l.cfg.Lease/2 {
			return false
		}
		wait += time.Millisecond
	}
}

// turn is how long this node lets others go before it, -1 if it has no vote. A voter
// that still knows a leader grants no vote, and two that ask at the same moment split
// them: one after the other, and the one that completes a majority is elected.
func (l *Log) turn(r *raft.Raft, leader string) time.Duration {
	var voters []string
	for _, s := range r.GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter && string(s.ID) != leader {
			voters = append(voters, string(s.ID))
		}
	}
	at := slices.Index(inTurn(voters, r.CurrentTerm()), l.cfg.NodeID)
	if at < 0 {
		return -1
	}
	return time.Duration(at) * l.cfg.Heartbeat / turns
}

// inTurn orders voters the same way on all of them, and in another way in each term: a
// leader that has just failed must not be the one that is always elected.
func inTurn(voters []string, term uint64) []string {
	rank := func(id string) []byte {
		sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, term), id...))
		return sum[:]
	}
	slices.SortFunc(voters, func(a, b string) int { return bytes.Compare(rank(a), rank(b)) })
	return voters
}

// turns is into how many a heartbeat timeout is parted. One must be enough to store a
// vote and answer.
const turns = 20

// standUp makes raft look at the silence of its leader now, with a measure that it
// exceeds; a lower heartbeat timeout is what makes it look. The old one is put back
// when raft has done so.
func (l *Log) standUp() {
	r := l.raft.Load()
	was := r.ReloadableConfig()
	if was.HeartbeatTimeout <= l.cfg.Lease {
		return // then silence alone is noticed as early
	}
	short := was
	short.HeartbeatTimeout = l.cfg.Lease
	if err := r.ReloadConfig(short); err != nil {
		l.cfg.Logger.Warn("could not doubt the leader before its time", "error", err)
		return
	}
	for end := time.Now().Add(l.cfg.Heartbeat); time.Now().Before(end); {
		if _, id := r.LeaderWithID(); id == "" || r.State() != raft.Follower {
			break
		}
		select {
		case <-time.After(l.cfg.Heartbeat / turns):
		case <-l.stop:
			return
		}
	}
	if err := r.ReloadConfig(was); err != nil {
		l.cfg.Logger.Warn("could not put the heartbeat timeout back", "error", err)
	}
}
