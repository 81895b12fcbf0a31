package consensus

import (
	"time"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Status is what a node knows of itself and the log. Local, never waits.
type Status struct {
	NodeID  string
	Leader  string // empty if unknown
	State   string // follower, candidate, leader, shutdown
	Term    uint64
	Commit  uint64 // as far as this node knows; 0 after a start until a leader is heard
	Applied uint64 // last command or membership change applied here
	Voters  int
	Members int
	// LastContact is how long ago the leader was heard: 0 on the leader, negative
	// if never.
	LastContact   time.Duration
	LogBytes      int64
	LogFirst      uint64
	LogLast       uint64
	SnapshotIndex uint64 // 0 if there is none
	SnapshotAge   time.Duration
	// Installs is how many snapshots of peers were taken in the last hour, since
	// start. More than one or two, and the log kept behind a snapshot is too short
	// for the time it takes to write and send one.
	Installs int
	Refusals uint64 // what the guard has refused since start
	Evidence int    // files of evidence against peers, see [Log.Evidence]
	Err      error  // why the node has stopped, or nil
}

// Status of this node.
func (l *Log) Status() Status {
	r := l.raft.Load()
	_, leader := r.LeaderWithID()
	st := Status{NodeID: l.cfg.NodeID, Leader: string(leader), State: stateName(r.State()), Term: r.CurrentTerm(),
		Commit: r.CommitIndex(), LastContact: l.contact(r), LogBytes: l.store.Size(), Err: l.failure()}
	st.Applied, _ = l.fsm.position()
	st.LogFirst, _ = l.store.FirstIndex()
	st.LogLast, _ = l.store.LastIndex()
	for _, s := range l.Servers() {
		st.Members++
		if s.Voter {
			st.Voters++
		}
	}
	st.SnapshotIndex, st.SnapshotAge = l.snaps.Newest()
	st.Installs = l.installs.recent(time.Now())
	for _, n := range l.guard.Refusals() {
		st.Refusals += n
	}
	st.Evidence, _ = l.guard.EvidenceCount()
	return st
}

func stateName(s raft.RaftState) string {
	switch s {
	case raft.Leader:
		return "leader"
	case raft.Candidate:
		return "candidate"
	case raft.Follower:
		return "follower"
	}
	return "shutdown"
}

// Refusals are what the guard refused since start, by peer, kind and rule.
func (l *Log) Refusals() map[transport.RefusalKey]uint64 { return l.guard.Refusals() }

// Delayed are the requests answered "not yet" since start, by peer and reason.
func (l *Log) Delayed() map[transport.RefusalKey]uint64 { return l.guard.Delayed() }

// Evidence is what this node keeps: requests of peers the guard refused that no honest
// peer sends, and, accusing nobody (Peer ""), see [Replaced], oldest first. They lie in the directory "evidence" beside
// the log, bounded in number and size.
func (l *Log) Evidence() ([]*transport.Evidence, error) { return l.guard.Evidence() }

// Snapshot asks for a snapshot now, for instance before an upgrade.
func (l *Log) Snapshot() error {
	err := l.raft.Load().Snapshot().Error()
	if err == raft.ErrNothingNewToSnapshot {
		return nil
	}
	return err
}
