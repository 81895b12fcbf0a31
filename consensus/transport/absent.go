package transport

import (
	"errors"
	"time"

	"github.com/hashicorp/raft"
)

// absenceLimit is how long a try to replicate waits for a peer that is away.
const absenceLimit = 30 * time.Second

// Raft doubles its pause after each try to replicate that failed, up to ten seconds,
// and nothing but its end wakes it: a follower that takes six seconds to start got its
// first entry after ten. So a try fails only when the peer has been away for long. It
// waits for the peer's next answer to anybody here, which is that to a heartbeat at the
// latest: those are sent all the time, at half a heartbeat's distance.

// replicates says whether a request is one of the tries that raft counts, and no
// heartbeat.
func replicates(args *raft.AppendEntriesRequest) bool {
	return args.PrevLogEntry > 0 || len(args.Entries) > 0
}

// away is an error of a peer that is not there, or not yet ready to take anything.
func away(err error) bool {
	return errors.Is(err, ErrNotSent) || errors.Is(err, ErrNotYet) || errors.Is(err, ErrPeer)
}

// awaitPeer waits for a peer's next answer; false if none came.
func (t *Transport) awaitPeer(id string) bool {
	t.mu.Lock()
	back := t.absent[id]
	if back == nil {
		back = make(chan struct{})
		t.absent[id] = back
	}
	t.mu.Unlock()
	patience := time.NewTimer(absenceLimit)
	defer patience.Stop()
	select {
	case <-back:
		return true
	case <-patience.C:
	case <-t.ctx.Done():
	}
	return false
}

// answered notes that a peer did what it was asked.
func (t *Transport) answered(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if back := t.absent[id]; back != nil {
		close(back)
		delete(t.absent, id)
	}
}
