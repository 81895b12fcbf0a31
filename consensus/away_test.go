package consensus

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// What raft says of a peer that is away for two and a half hours, three times a second
// and in several voices, is four lines for the operator.
func TestAPeerThatIsAwayIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	away := newAbsences(log)
	now := time.Unix(1_000_000, 0)
	away.now = func() time.Time { return now }
	raftLog := newLogger(log, away)
	b := raft.Server{ID: "node-b", Address: "b:1"}
	refused := errors.New("connection refused")
	for range 3 * 9000 {
		now = now.Add(time.Second / 3)
		raftLog.Error("failed to heartbeat to", "peer", b.Address, "backoff time", time.Second, "error", refused)
		away.observe(&raft.Observation{Data: raft.FailedHeartbeatObservation{PeerID: b.ID}})
		raftLog.Error("failed to appendEntries to", "peer", b, "error", refused)
		raftLog.Warn("failed to contact", "server-id", b.ID, "time", time.Second)
	}
	away.observe(&raft.Observation{Data: raft.ResumedHeartbeatObservation{PeerID: b.ID}})
	raftLog.Error("failed to get log", "index", 7, "error", errors.New("disk"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	want := []string{`level=WARN msg="a peer is away" peer=node-b`, `level=WARN msg="a peer is still away" peer=node-b for=1h0m`,
		`level=WARN msg="a peer is still away" peer=node-b for=2h0m`, `level=INFO msg="a peer is back" peer=node-b away=2h`,
		`level=ERROR msg="raft: failed to get log"`}
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(want), out.String()[:min(out.Len(), 2000)])
	}
	for i, w := range want {
		if !strings.Contains(lines[i], w) {
			t.Errorf("line %d is %q, want %q", i, lines[i], w)
		}
	}
}

// A peer that was last missed when this node last led, long ago, is neither still away
// nor back.
func TestAnOldAbsenceIsForgotten(t *testing.T) {
	var out bytes.Buffer
	away := newAbsences(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Unix(1_000_000, 0)
	away.now = func() time.Time { return now }
	away.missed("node-b", "x")
	now = now.Add(2 * time.Hour)
	away.met("node-b")
	if got := out.String(); strings.Count(got, "\n") != 1 || strings.Contains(got, "back") {
		t.Errorf("said %q", got)
	}
}
