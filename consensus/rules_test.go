package consensus

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"accord/consensus/transport"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// TestRaftVersion fails when the library changes, so that somebody looks again at
// what we work around: heartbeats beside the main loop (raft#695), leadership
// transfer (#696), endless snapshot installs (#697, #704), RestoreCommittedLogs,
// "unexpected command" read as a granted pre-vote, and VerifyLeader.
func TestRaftVersion(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(mod), "github.com/hashicorp/raft v1.8.0") {
		t.Fatal("hashicorp/raft is no longer v1.8.0: go through the list above and DESIGN.md, then change this test")
	}
}

func TestRaftConfiguration(t *testing.T) {
	rc := Config{NodeID: "n1"}.withDefaults().raftConfig(nil, newAbsences(slog.Default()))
	if err := raft.ValidateConfig(rc); err != nil {
		t.Fatal(err)
	}
	if rc.RestoreCommittedLogs || rc.PreVoteDisabled || rc.BatchApplyCh || rc.ShutdownOnRemove || !rc.NoSnapshotRestoreOnStart {
		t.Fatalf("%+v", rc)
	}
	if rc.HeartbeatTimeout > rc.ElectionTimeout || rc.LeaderLeaseTimeout > rc.ElectionTimeout/2 || rc.LeaderLeaseTimeout > rc.HeartbeatTimeout || rc.TrailingLogs == 0 || rc.MaxAppendEntries > 64 {
		t.Fatalf("%+v", rc)
	}
	var _ raft.WithPreVote = (*transport.Transport)(nil)
}

// The heartbeat fast path must stay off: raft offers a handler, nobody takes it.
func TestNoHeartbeatFastPath(t *testing.T) {
	h := transport.NewHub()
	g, err := transport.NewGuard(transport.GuardConfig{Unguarded: true})
	if err != nil {
		t.Fatal(err)
	}
	tr := transport.New(transport.Config{Network: h.Join("n1", "a"), Guard: g})
	defer func() { _ = tr.Close() }()
	tr.SetHeartbeatHandler(func(raft.RPC) { t.Error("called") })
}

// Raft prints whole commands at times; none of their bytes may reach the log.
func TestLoggerWithholdsPayloads(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l := newLogger(log, newAbsences(log))
	l.Error("got unexpected command", "command", hclog.Fmt("%#v", []byte("secret")))
	l.Debug("too much", "term", 1)
	l.Info("entering leader state", "leader", hclog.Fmt("%s", "n1"))
	l.Warn("heartbeat timeout reached, starting election") // as at every founding and stop
	l.Warn("something else")
	if s := out.String(); strings.Contains(s, "secret") || strings.Contains(s, "115, 0x65") || strings.Contains(s, "too much") || !strings.Contains(s, "leader=n1") ||
		!strings.Contains(s, `level=INFO msg="raft: heartbeat timeout`) || !strings.Contains(s, `level=WARN msg="raft: something else"`) {
		t.Fatal(s)
	}
}

func TestGroup(t *testing.T) {
	for _, ps := range [][]string{{}, {"a"}, {"a", "bc", strings.Repeat("x", 1000)}} {
		var payloads [][]byte
		for _, p := range ps {
			payloads = append(payloads, []byte(p))
		}
		b := encodeGroup(payloads)
		got, err := decodeGroup(b, 1000)
		if err != nil || len(got) != len(payloads) || !bytes.Equal(encodeGroup(got), b) {
			t.Fatalf("%v: %v", ps, err)
		}
		for n := range b {
			if _, err := decodeGroup(b[:n], 1000); !errors.Is(err, ErrFormat) {
				t.Fatalf("cut at %d: %v", n, err)
			}
		}
		if _, err := decodeGroup(append(b, 0), 1000); !errors.Is(err, ErrFormat) {
			t.Fatal("trailing byte")
		}
	}
	for name, b := range map[string][]byte{
		"version": {2, 0, 0, 0, 0}, "count": {1, 0xff, 0xff, 0xff, 0xff}, "empty payload": {1, 0, 0, 0, 1, 0, 0, 0, 0},
		"too large": encodeGroup([][]byte{make([]byte, 1001)}), "nothing": {},
	} {
		if ps, err := decodeGroup(b, 1000); !errors.Is(err, ErrFormat) || ps != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzGroup(f *testing.F) {
	f.Add(encodeGroup(nil))
	f.Add(encodeGroup([][]byte{[]byte("a"), []byte("bc")}))
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, err := decodeGroup(b, 1<<10)
		if err != nil {
			if ps != nil {
				t.Fatal("error and a result")
			}
			return
		}
		if !bytes.Equal(encodeGroup(ps), b) {
			t.Fatal("encodes differently")
		}
	})
}

func FuzzVerdicts(f *testing.F) {
	f.Add(encodeVerdicts([]verdict{{outcome: committed, index: 7}, {outcome: refused, text: "no"}}), 2)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		vs, err := decodeVerdicts(b, max(0, min(n, 2000)))
		if err == nil && !bytes.Equal(encodeVerdicts(vs), b) {
			t.Fatal("encodes differently")
		}
	})
}

// The guard's check of groups is the apply path's decoder: what it lets through
// can be applied.
func TestViewChecksGroups(t *testing.T) {
	l := &Log{cfg: Config{MaxEntry: 10}, fsm: newFSM(refuseBad{}, Config{MaxEntry: 10}, func(error) {})}
	v := &view{l: l}
	for data, ok := range map[string]bool{
		string(encodeGroup(nil)):                                  true,
		string(encodeGroup([][]byte{[]byte("a")})):                true,
		string(encodeGroup([][]byte{[]byte("a"), []byte("bad")})): false,
		string(encodeGroup([][]byte{make([]byte, 11)})):           false,
		"": false,
	} {
		if err := v.Check([]*raft.Log{{Data: []byte(data)}}); (err == nil) != ok {
			t.Errorf("%q: %v", data, err)
		}
	}
}

type refuseBad struct{ Machine }

func (refuseBad) Check(p []byte) error {
	if string(p) == "bad" {
		return errors.New("bad")
	}
	return nil
}

// Payloads are cut into parts of about as many bytes, none is lost, and little is
// not cut at all.
func TestParts(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		most  int
		want  []int
	}{
		{[]int{1, 2, 3}, 4, []int{3}},
		{[]int{partBytes, partBytes, partBytes, partBytes}, 2, []int{2, 2}},
		{[]int{partBytes, partBytes, partBytes, partBytes}, 1, []int{4}},
		{[]int{4 * partBytes, 1, 1}, 4, []int{1, 2}},
		{[]int{1, 1, 4 * partBytes}, 4, []int{3}},
		{[]int{partBytes / 2, partBytes / 2, partBytes / 2}, 8, []int{3}},
		{nil, 8, nil},
	} {
		var payloads [][]byte
		for _, n := range c.sizes {
			payloads = append(payloads, make([]byte, n))
		}
		var got []int
		next := 0
		for i, part := range parts(payloads, c.most) {
			if i != len(got) {
				t.Errorf("%v: part %d is numbered %d", c.sizes, len(got), i)
			}
			next += len(part)
			got = append(got, len(part))
		}
		if !slices.Equal(got, c.want) || next != len(payloads) {
			t.Errorf("%v in at most %d: %v, want %v", c.sizes, c.most, got, c.want)
		}
	}
}

// announcing is a machine whose payloads pass if one before them, in its call or an
// earlier one, announced them.
type announcing struct {
	Machine
	mu    sync.Mutex
	known map[byte]bool
}

func (m *announcing) CheckAll(payloads [][]byte) []error {
	out := make([]error, len(payloads))
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, p := range payloads {
		if p[0] == 'a' {
			m.known[p[1]] = true
		} else if !m.known[p[1]] {
			out[i] = errors.New("nobody announced it")
		}
	}
	return out
}

// What passes in order passes, on however many processors it is checked.
func TestPartsKeepTheOrder(t *testing.T) {
	var payloads [][]byte
	add := func(name string) { payloads = append(payloads, append([]byte(name), make([]byte, 2*partBytes)...)) }
	for i := range 8 {
		add("a" + string(rune('0'+i)))
	}
	for i := range 8 {
		add("u" + string(rune('0'+i)))
	}
	for range 50 {
		for i, err := range check(&announcing{known: map[byte]bool{}}, payloads) {
			if err != nil {
				t.Fatalf("payload %d: %v", i, err)
			}
		}
	}
	payloads[0][1] = 'x' // nobody announces 0
	for i, err := range check(&announcing{known: map[byte]bool{}}, payloads) {
		if (err != nil) != (i == 8) {
			t.Errorf("payload %d: %v", i, err)
		}
	}
}
