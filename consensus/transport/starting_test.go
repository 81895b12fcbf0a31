package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// A node that is starting has not read its membership yet. It puts its peers off, lets
// nothing through and accuses nobody.
func TestAStartingNodePutsPeersOff(t *testing.T) {
	view := newFakeView()
	view.servers = nil
	g, err := NewGuard(GuardConfig{ID: "n0", View: startingView{view}, Elections: &Elections{}})
	if err != nil {
		t.Fatal(err)
	}
	err = g.admit("n1", KindAppendEntries, &raft.AppendEntriesRequest{RPCHeader: header("n1"), Term: 5}, Proofs{}, nil)
	if !errors.Is(err, ErrNotYet) || !errors.Is(g.admitCall("n1", KindPropose), ErrNotYet) || len(g.Refusals()) > 0 {
		t.Errorf("answered %v, refused %v", err, g.Refusals())
	}
	if n := g.Delayed()[RefusalKey{Peer: "n1", Rule: laterStarting}]; n != 2 || refusalStatus(err) != statusNotYet {
		t.Errorf("put off %v, status %d", g.Delayed(), refusalStatus(err))
	}
}

type startingView struct{ *fakeView }

func (startingView) Memberships() [][]raft.Server { return nil }

// Before there is a log the port answers what peers ask with "not yet" and holds no
// stream back; once there is one, the same streams are served and lose nothing.
func TestStreamsBeforeThereIsALog(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	n0, addr := server(t, "n0", c0, pins, 3)
	n1, _ := server(t, "n1", c1, pins, 0)
	g, err := NewGuard(GuardConfig{ID: "n1", View: newFakeView(), Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	asker := New(Config{Network: n1, Guard: g, HeartbeatTimeout: 10 * time.Second, Timeout: 10 * time.Second})
	t.Cleanup(func() { _ = asker.Close() })
	for range 20 { // more than the streams n1 may have
		if _, err := asker.Call(t.Context(), "n0", addr, KindPropose, []byte("x")); !errors.Is(err, ErrNotYet) {
			t.Fatalf("a call: %v", err)
		}
		if err := asker.AppendEntries("n0", raft.ServerAddress(addr), appendFrom("n1", 5, 0, 0), new(raft.AppendEntriesResponse)); !errors.Is(err, ErrNotYet) {
			t.Fatalf("a heartbeat: %v", err)
		}
		install := installFrom("n1", nil)
		if err := asker.InstallSnapshot("n0", raft.ServerAddress(addr), install, new(raft.InstallSnapshotResponse), strings.NewReader(strings.Repeat("s", int(install.Size)))); err == nil {
			t.Fatal("a snapshot was taken")
		}
	}
	if n := n0.Delayed()[RefusalKey{Peer: "n1", Rule: laterStarting}]; n != 60 || len(n0.Refused()) != 0 {
		t.Errorf("put off %v, refused %v", n0.Delayed(), n0.Refused())
	}
	g0, err := NewGuard(GuardConfig{ID: "n0", View: newFakeView(), Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	log := New(Config{Network: n0, Guard: g0, HeartbeatTimeout: 10 * time.Second, Timeout: 10 * time.Second, Calls: echo})
	t.Cleanup(func() { _ = log.Close() })
	var answer []byte
	for err = ErrNotYet; errors.Is(err, ErrNotYet); {
		answer, err = asker.Call(t.Context(), "n0", addr, KindPropose, bytes.Repeat([]byte("y"), 1<<20))
	}
	if err != nil || len(answer) != 3+1<<20 || string(answer[:4]) != "n1:y" {
		t.Errorf("once there is a log: %d bytes, %v", len(answer), err)
	}
}

// While Raft takes nothing, installing a snapshot say, a request waits for as long as
// its sender does, is put off, and leaves no stream behind.
func TestRaftThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		g := guarded(t, newFakeView())
		busy := New(Config{Network: h.Join("n0", "host-n0"), Guard: g, HeartbeatTimeout: time.Second, Timeout: 2 * time.Second, Calls: echo})
		leader := New(Config{Network: h.Join("n1", "host-n1"), Guard: leading(t, "n1"), HeartbeatTimeout: time.Second, Timeout: 2 * time.Second, Calls: echo})
		for range 50 {
			if leader.AppendEntries("n0", "host-n0", appendFrom("n1", 5, 0, 0), new(raft.AppendEntriesResponse)) == nil {
				t.Fatal("answered")
			}
		}
		time.Sleep(2 * time.Second)
		if n := g.Delayed()[RefusalKey{Peer: "n1", Rule: laterBusy}]; n != 50 {
			t.Errorf("put off %v", g.Delayed())
		}
		busy.mu.Lock()
		if n := len(busy.active); n > maxIdlePerPeer {
			t.Errorf("%d streams are left", n)
		}
		busy.mu.Unlock()
		_, _ = leader.Close(), busy.Close()
	})
}

// A snapshot this node cannot judge is put off; one that it has judged is evidence.
//
// Shows: B9, g7
func TestAnUnjudgedSnapshotAccusesNobody(t *testing.T) {
	h := NewHub()
	g := guarded(t, newFakeView())
	verdict := ErrNotYet
	follower := New(Config{Network: h.Join("n0", "host-n0"), Guard: g, HeartbeatTimeout: 10 * time.Second, Timeout: 10 * time.Second, Calls: echo, Spool: t.TempDir(),
		Vet: func(context.Context, *raft.InstallSnapshotRequest, []byte, io.Reader) error { return verdict }})
	leader := New(Config{Network: h.Join("n1", "host-n1"), Guard: leading(t, "n1"), HeartbeatTimeout: 10 * time.Second, Timeout: 10 * time.Second, Calls: echo})
	t.Cleanup(func() { _, _ = leader.Close(), follower.Close() })
	send := func() error {
		req := installFrom("n1", nil)
		return leader.InstallSnapshot("n0", "host-n0", req, new(raft.InstallSnapshotResponse), strings.NewReader(strings.Repeat("s", int(req.Size))))
	}
	if err := send(); !errors.Is(err, ErrNotYet) {
		t.Errorf("not to be judged: %v", err)
	}
	if n, _ := g.EvidenceCount(); n != 0 || len(g.Refusals()) != 0 {
		t.Errorf("not to be judged: %d files of evidence, refused %v", n, g.Refusals())
	}
	verdict = errors.New("a forged signature")
	if err := send(); !errors.Is(err, ErrRefused) {
		t.Errorf("forged: %v", err)
	}
	if n, _ := g.EvidenceCount(); n != 1 {
		t.Errorf("forged: %d files of evidence", n)
	}
}

// What repeats is said once, then hourly with its number; hosts beyond the bound are
// one line.
func TestTally(t *testing.T) {
	var c tally
	now := time.Now()
	key := RefusalKey{Peer: "n1", Rule: "r"}
	for i, want := range []uint64{1, 0, 0} {
		if got := c.note(key, now.Add(time.Duration(i)*time.Minute)); got != want {
			t.Errorf("note %d speaks of %d", i, got)
		}
	}
	if got := c.note(key, now.Add(tallyReminder)); got != 3 || c.counts()[key] != 4 {
		t.Errorf("after an hour it speaks of %d, counts %v", got, c.counts())
	}
	for i := range 2 * maxTally {
		c.note(RefusalKey{Peer: strings.Repeat("h", i)}, now)
	}
	if n := len(c.counts()); n > maxTally+2 || c.counts()[RefusalKey{Peer: tallyOther}] == 0 {
		t.Errorf("%d lines", n)
	}
}

// A member that hammers the port fills no log.
//
// Shows: B1, g9
func TestHammeringFillsNoLog(t *testing.T) {
	var out bytes.Buffer
	pins := &book{}
	c0, _ := certificate(t)
	n0, err := NewTLS(TLSConfig{NodeID: "n0", Address: "x", Certificate: c0, Pins: pins.get, Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGuard(GuardConfig{ID: "n0", View: newFakeView(), Elections: &Elections{}, Logger: n0.cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	for range 10_000 {
		n0.refuse("n1", refusedStreams)
		_ = g.refuse("n1", KindPreVote, "role", errors.New("not a voter"), nil)
		_ = g.later("n1", KindPreVote, laterBusy, nil)
	}
	if n := strings.Count(out.String(), "\n"); n != 3 {
		t.Errorf("%d lines:\n%.2000s", n, out.String())
	}
}
