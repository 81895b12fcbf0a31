package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/store"
)

func others(c *consensustest.Cluster, not int) (out []int) {
	for i := range c.Nodes {
		if i != not {
			out = append(out, i)
		}
	}
	return out
}

// distinct counts payloads once: the cluster's Propose repeats when the outcome
// is unknown, as a client must.
func distinct(c *consensustest.Cluster, node int) int {
	seen := map[string]bool{}
	for _, e := range c.KV(node).Entries() {
		seen[e.Payload] = true
	}
	return len(seen)
}

// The leader dies: another takes over, nothing acknowledged is lost, and the old
// one catches up when it comes back.
//
// Shows: F1
func TestLeaderDies(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	old := c.Leader()
	for i := range 20 {
		c.Propose(old, fmt.Sprintf("before%d=1", i))
	}
	c.Kill(old)
	next := c.Leader()
	if next == old {
		t.Fatal("a dead node leads")
	}
	for i := range 20 {
		if v, ok := c.KV(next).Get(fmt.Sprintf("before%d", i)); !ok || v != "1" {
			// Known to the leader only once it has committed in its own term.
			if _, err := c.Nodes[next].Log.Barrier(within(t)); err != nil {
				t.Fatal(err)
			}
			if _, ok := c.KV(next).Get(fmt.Sprintf("before%d", i)); !ok {
				t.Fatalf("acknowledged write %d is lost", i)
			}
		}
		c.Propose(others(c, old)[0], fmt.Sprintf("after%d=1", i))
	}
	c.Start(old)
	c.Settle()
	if n := distinct(c, old); n != 40 {
		t.Fatalf("%d payloads after the restart, want 40", n)
	}
}

// A leader cut off from the others acknowledges nothing and gives no read point,
// while they go on; after the cut heals its read point is not stale.
//
// Shows: F4, I3
func TestLeaderInMinority(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	old := c.Leader()
	c.Propose(old, "x=1")
	c.Hub.Isolate(c.Nodes[old].ID)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if i, err := c.Nodes[old].Log.Barrier(ctx); err == nil {
		t.Fatalf("a leader nobody hears gave read point %d", i)
	}
	_, err := c.Nodes[old].Log.Propose(within(t), []byte("lost=1"))
	if !errors.Is(err, consensus.ErrUnknownOutcome) && !errors.Is(err, consensus.ErrNoQuorum) {
		t.Fatalf("proposal in the minority: %v", err)
	}
	alive := others(c, old)
	c.Propose(alive[0], "x=2")
	c.Hub.MendAll()
	if _, err := c.Nodes[old].Log.Barrier(within(t)); err != nil {
		t.Fatal(err)
	}
	if v, _ := c.KV(old).Get("x"); v != "2" {
		t.Fatalf("stale read after a barrier: x=%s", v)
	}
	c.Settle()
}

// A follower that hears nothing but is heard must not depose anybody for long.
//
// Shows: F5
func TestOneWayCut(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	leader := c.Leader()
	deaf := others(c, leader)[0]
	term := c.Nodes[leader].Log.Status().Term
	c.Hub.Cut(c.Nodes[leader].ID, c.Nodes[deaf].ID)
	for i := range 30 {
		c.Propose(others(c, deaf)[i%2], fmt.Sprintf("k%d=1", i))
	}
	c.Hub.MendAll()
	c.Settle()
	if now := c.Nodes[c.Leader()].Log.Status().Term; now > term+2 {
		t.Fatalf("the term went from %d to %d over one deaf follower", term, now)
	}
}

// Shows: F2
func TestAllRestart(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Sync: true})
	for i := range 30 {
		c.Propose(i%3, fmt.Sprintf("k%d=%d", i, i))
	}
	for range 3 {
		c.Stop()
		for i := range c.Nodes {
			c.Start(i)
		}
		c.Settle()
	}
	if n := distinct(c, 0); n != 30 {
		t.Fatalf("%d payloads, want 30", n)
	}
}

// A follower that was away while the log was compacted gets a snapshot, works on
// from it, and starts from it.
func TestSnapshotInstalled(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Adjust: func(cfg *consensus.Config) {
		cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 20*time.Millisecond, 10, 4
	}})
	leader := c.Leader()
	away := others(c, leader)[0]
	c.Propose(away, "first=1")
	c.Kill(away)
	for i := range 60 {
		c.Propose(leader, fmt.Sprintf("k%d=1", i))
	}
	c.Eventually("the leader compacts", func() bool { return c.Nodes[leader].Log.Status().LogFirst > 30 })
	for round := range 2 {
		c.Start(away)
		c.Settle()
		if n := distinct(c, away); n != 61+round {
			t.Fatalf("%d payloads, want %d", n, 61+round)
		}
		c.Propose(leader, fmt.Sprintf("onward%d=1", round)) // its log goes on from the snapshot
		c.Settle()
		c.Kill(away)
	}
	c.Start(away)
	c.Propose(away, "last=1")
	c.Settle()
}

// Shows: F24
func TestMembershipChanges(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	leader := c.Leader()
	c.Propose(leader, "x=1")
	n := c.Add()
	fresh := c.Nodes[n]
	log := c.Nodes[leader].Log
	if err := log.AddVoter(fresh.ID, fresh.Address); !errors.Is(err, consensus.ErrConfig) {
		t.Fatalf("a vote for a node that is not a member: %v", err)
	}
	if err := c.Nodes[others(c, leader)[0]].Log.AddNonvoter(fresh.ID, fresh.Address); !errors.Is(err, consensus.ErrNotLeader) {
		t.Fatalf("a change on a follower: %v", err)
	}
	if err := log.AddNonvoter(fresh.ID, fresh.Address); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	c.Propose(n, "from=nonvoter")
	c.Hub.Isolate(c.Nodes[others(c, leader)[0]].ID)
	if err := log.AddVoter(fresh.ID, fresh.Address); !errors.Is(err, consensus.ErrNotReady) {
		t.Fatalf("a vote while a voter is away: %v", err)
	}
	c.Hub.MendAll()
	c.Settle()
	if err := log.AddVoter(fresh.ID, fresh.Address); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	gone := others(c, leader)[0]
	if err := log.Remove(c.Nodes[gone].ID); err != nil {
		t.Fatal(err)
	}
	if len(log.Servers()) != 3 {
		t.Fatalf("servers: %v", log.Servers())
	}
	// The removed node is refused by the others: it can neither read nor write.
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := c.Nodes[gone].Log.Propose(ctx, []byte("ghost=1")); err == nil {
		t.Fatal("a removed node proposed")
	}
	c.Kill(gone)
	c.Propose(n, "y=1")
	c.Settle()
}

func TestRefusals(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Adjust: func(cfg *consensus.Config) { cfg.MaxEntry = 100 }})
	leader := c.Leader()
	for _, i := range []int{leader, others(c, leader)[0]} {
		log := c.Nodes[i].Log
		for _, tc := range []struct {
			payload string
			want    error
		}{{"bad", consensus.ErrRefused}, {"", consensus.ErrTooLarge}, {strings.Repeat("x", 101), consensus.ErrTooLarge}} {
			if _, err := log.Propose(within(t), []byte(tc.payload)); !errors.Is(err, tc.want) {
				t.Errorf("Propose(%.5q) = %v, want %v", tc.payload, err, tc.want)
			}
		}
	}
	c.Kill(leader)
	c.Kill(others(c, leader)[0])
	left := c.Nodes[others(c, leader)[1]].Log
	if _, err := left.Propose(within(t), []byte("x=1")); !errors.Is(err, consensus.ErrNoQuorum) && !errors.Is(err, consensus.ErrUnknownOutcome) {
		t.Errorf("Propose without quorum = %v", err)
	}
	if _, err := left.Barrier(within(t)); !errors.Is(err, consensus.ErrNoQuorum) {
		t.Errorf("Barrier without quorum = %v", err)
	}
}

// A machine that cannot apply an entry stops its node there: nothing after the
// entry is applied, and no caller is told it was.
func TestMachineFails(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	c.Propose(0, "x=1")
	c.Settle()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Nodes[c.Leader()].Log.Propose(ctx, []byte("die")); !errors.Is(err, consensus.ErrUnknownOutcome) {
		t.Fatalf("Propose = %v", err)
	}
	stopped := func() (n int) {
		for _, n2 := range c.Nodes {
			if n2.Fatal() != nil {
				n++
			}
		}
		return n
	}
	c.Eventually("the nodes that learn of the commit stop", func() bool { return stopped() >= 1 })
	for i, n := range c.Nodes {
		if err := n.Fatal(); err != nil && !errors.Is(err, consensus.ErrMachine) {
			t.Errorf("node %d stopped with %v", i, err)
		}
		if e := c.KV(i).Entries(); len(e) != 1 {
			t.Errorf("node %d applied %v", i, e)
		}
	}
}

// What a node must refuse to start from.
//
// Shows: B14, F17
func TestStartRefusals(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{})
	c.Propose(0, "x=1")
	if err := c.Nodes[0].Log.Bootstrap(); !errors.Is(err, consensus.ErrExists) {
		t.Errorf("second founding: %v", err)
	}
	c.Kill(0)
	dir := c.Dir(0)
	if err := os.Rename(dir, dir+".gone"); err != nil {
		t.Fatal(err)
	}
	if err := c.TryStart(0); !errors.Is(err, store.ErrNoState) {
		t.Errorf("start with a wiped directory: %v", err)
	}
	c.Kill(1)
	if err := os.Rename(c.Dir(1), dir); err != nil {
		t.Fatal(err)
	}
	if err := c.TryStart(0); !errors.Is(err, store.ErrOwner) {
		t.Errorf("start with another node's directory: %v", err)
	}
}

// cannotRestore is a machine that finds a snapshot wrong.
type cannotRestore struct{ *consensustest.Machine }

func (cannotRestore) Restore(io.Reader) error { return errors.New("state does not match its digest") }

// A snapshot the machine cannot take over stops the node and is set aside; the
// state it had, and the log, are still good.
func TestSnapshotRefused(t *testing.T) {
	fail := false
	c := consensustest.New(t, 3, consensustest.Options{
		NewMachine: func(int) consensus.Machine {
			if m := consensustest.NewMachine(nil); !fail {
				return m
			} else {
				return cannotRestore{m}
			}
		},
		Adjust: func(cfg *consensus.Config) {
			cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 20*time.Millisecond, 10, 4
		}})
	leader := c.Leader()
	away := others(c, leader)[0]
	c.Propose(away, "first=1")
	c.Kill(away)
	for i := range 40 {
		c.Propose(leader, fmt.Sprintf("k%d=1", i))
	}
	c.Eventually("the leader compacts", func() bool { return c.Nodes[leader].Log.Status().LogFirst > 20 })
	fail = true
	c.Start(away)
	c.Eventually("the node stops", func() bool { return c.Nodes[away].Fatal() != nil })
	if err := c.Nodes[away].Fatal(); !errors.Is(err, consensus.ErrMachine) {
		t.Fatal(err)
	}
	c.Kill(away)
	aside, err := filepath.Glob(filepath.Join(c.Dir(away), "*.refused"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	fail = false
	c.Start(away)
	c.Settle()
}

// panics is a machine that one payload kills.
type panics struct{ *consensustest.Machine }

func (m panics) Apply(index uint64, payloads [][]byte) ([][]byte, error) {
	for _, p := range payloads {
		if strings.HasPrefix(string(p), "poison") {
			panic("secret of the payload: " + string(p))
		}
	}
	return m.Machine.Apply(index, payloads)
}

// An entry that makes the machine panic stops the nodes that apply it, in order;
// after the third time they refuse to start and leave the entry in a file. A
// machine that can apply it goes on from there.
//
// Shows: F36
func TestPoisonEntry(t *testing.T) {
	weak := map[int]bool{0: true, 1: true, 2: true}
	c := consensustest.New(t, 3, consensustest.Options{NewMachine: func(node int) consensus.Machine {
		if m := consensustest.NewMachine(nil); weak[node] {
			return panics{m}
		} else {
			return m
		}
	}})
	kv := func(i int) []consensustest.Applied {
		if m, ok := c.Nodes[i].Machine.(panics); ok {
			return m.Entries()
		}
		return c.KV(i).Entries()
	}
	leader := c.Leader()
	if _, err := c.Nodes[leader].Log.Propose(within(t), []byte("before=1")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Nodes[leader].Log.Propose(within(t), []byte("poison=1")); !errors.Is(err, consensus.ErrUnknownOutcome) {
		t.Fatalf("Propose = %v", err)
	}
	out := map[int]bool{}
	refused := func(i int) bool {
		c.Eventually("the node stops", func() bool { // or follows, or is alone with those that stopped
			status := c.Nodes[i].Log.Status()
			return c.Nodes[i].Fatal() != nil || status.Leader != "" && status.State == "follower" ||
				!slices.ContainsFunc(others(c, i), func(j int) bool { return !out[j] && c.Nodes[j].Fatal() == nil })
		})
		err := c.Nodes[i].Fatal()
		if err != nil && (!errors.Is(err, consensus.ErrMachine) || strings.Contains(err.Error(), "secret")) {
			t.Fatalf("stopped with %v", err)
		}
		c.Kill(i)
		err = c.TryStart(i)
		if err != nil && !errors.Is(err, store.ErrPoisoned) {
			t.Fatal(err)
		}
		return err != nil
	}
	for round := 0; len(out) < 2; round++ {
		if round > 40 {
			t.Fatal("they start for ever")
		}
		for i := range c.Nodes {
			if len(out) < 2 && !out[i] && refused(i) {
				out[i] = true
			}
		}
	}
	for i := range out {
		files, _ := filepath.Glob(filepath.Join(c.Dir(i), "entry-*.quarantine"))
		if len(files) != 1 {
			t.Fatalf("node %d left %v", i, files)
		}
		if n := len(kv(i)); n > 1 {
			t.Fatalf("node %d applied %d payloads", i, n)
		}
	}
	for i := range c.Nodes {
		weak[i] = false
		c.Kill(i)
		_ = os.Remove(filepath.Join(c.Dir(i), "poison")) // as another build would: it has its own attempts
		c.Start(i)
	}
	c.Settle()
	if v, _ := c.KV(0).Get("poison"); v != "1" {
		t.Fatal("the entry is not applied by a machine that can")
	}
}
