package consensus

import (
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// Raft logs every attempt that fails, several a second for a peer that is away. An
// operator wants to know when it went, that it has not come back, and when it has.
const (
	awayReminder = time.Hour
	// awayForgotten: raft tries at least every ten seconds as long as this node leads
	// or stands. After this long without trying nothing is known of the peer.
	awayForgotten = 5 * time.Minute
)

// absences says once that a peer is away, once an hour that it still is, and once that
// it is back.
type absences struct {
	log *slog.Logger
	now func() time.Time

	mu    sync.Mutex
	peers map[raft.ServerID]*absence // guarded by mu
}

type absence struct{ since, said, last time.Time }

func newAbsences(log *slog.Logger) *absences {
	return &absences{log: log, now: time.Now, peers: map[raft.ServerID]*absence{}}
}

// missed notes an attempt that failed.
func (a *absences) missed(id raft.ServerID, why string) {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.peers[id]
	switch {
	case p == nil || now.Sub(p.last) > awayForgotten:
		p = &absence{since: now, said: now}
		a.peers[id] = p
		a.log.Warn("a peer is away", "peer", string(id), "error", why)
	case now.Sub(p.said) >= awayReminder:
		p.said = now
		a.log.Warn("a peer is still away", "peer", string(id), "for", now.Sub(p.since).Round(time.Second), "error", why)
	}
	p.last = now
}

// met notes that a peer answers.
func (a *absences) met(id raft.ServerID) {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.peers[id]
	if p == nil {
		return
	}
	delete(a.peers, id)
	if now.Sub(p.last) <= awayForgotten {
		a.log.Info("a peer is back", "peer", string(id), "away", now.Sub(p.since).Round(time.Second))
	}
}

// hears says whether a line of raft's is about a peer that does not answer, or does
// again, and takes it in; it need not be logged then.
func (a *absences) hears(msg string, args []any) bool {
	switch msg {
	case "failed to appendEntries to", "failed to pipeline appendEntries", "failed to start pipeline replication to",
		"failed to make requestVote RPC", "failed to send snapshot to":
		id, why := about(args)
		if id == "" {
			return false
		}
		a.missed(id, why)
	case "failed to heartbeat to", "failed to contact", "failed to install snapshot":
		// It names an address, or it comes with one of the others.
		id, _ := about(args)
		return id != "" || msg == "failed to heartbeat to"
	case "pipelining replication":
		id, _ := about(args)
		a.met(id)
		return false
	default:
		return false
	}
	return true
}

// about is the peer a line of raft's names, and the error.
func about(args []any) (id raft.ServerID, why string) {
	for i := 0; i+1 < len(args); i += 2 {
		switch v := args[i+1].(type) {
		case raft.Server:
			id = v.ID
		case raft.ServerID:
			id = v
		case error:
			why = v.Error()
		case hclog.Format:
			why = loggable("", v)
		}
	}
	return id, why
}

// observe takes raft's own notices of heartbeats in. Raft calls it while it holds its
// list of observers, so that no notice is lost in a full channel.
func (a *absences) observe(o *raft.Observation) bool {
	switch v := o.Data.(type) {
	case raft.FailedHeartbeatObservation:
		a.missed(v.PeerID, "no answer to a heartbeat")
	case raft.ResumedHeartbeatObservation:
		a.met(v.PeerID)
	case raft.LeaderObservation:
		a.met(v.LeaderID)
	}
	return false
}
