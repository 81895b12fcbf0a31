package consensus_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/store/disktest"
)

// onDisks is a cluster on disks in memory, which outlive the nodes.
func onDisks(t *testing.T, adjust func(*consensus.Config)) (*consensustest.Cluster, map[string]*disktest.Disk) {
	disks := map[string]*disktest.Disk{"n0": disktest.New(), "n1": disktest.New(), "n2": disktest.New()}
	return consensustest.New(t, 3, consensustest.Options{Sync: true, Adjust: func(cfg *consensus.Config) {
		cfg.Disk = disks[cfg.NodeID]
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil { // for what is not the store's
			t.Fatal(err)
		}
		if adjust != nil {
			adjust(cfg)
		}
	}}), disks
}

// The leader's disk fills up: it takes nothing new on and says why, another
// leads, nothing is lost, and when there is room again it is one of them again,
// without a restart or a repair. All disks full: nothing is written, everything
// is read.
//
// Shows: F10
func TestDiskFull(t *testing.T) {
	c, disks := onDisks(t, nil)
	old := c.Leader()
	c.Propose(old, "before=1")
	c.Settle()
	fill := func(i int) { disks[c.Nodes[i].ID].Limit(33 << 20) } // two segments and little else
	fill(old)
	c.Eventually("it takes nothing on", func() bool {
		_, err := c.Nodes[old].Log.Propose(within(t), []byte(fmt.Sprint("full=", time.Now().UnixNano())))
		return errors.Is(err, consensus.ErrDiskFull)
	})
	c.Eventually("another leads", func() bool { return c.Leader() != old })
	for i := range 20 {
		c.Propose(others(c, old)[i%2], fmt.Sprintf("meanwhile%d=1", i))
	}
	for _, i := range others(c, old) {
		fill(i)
	}
	c.Eventually("nobody takes anything on", func() bool {
		for i := range c.Nodes {
			if _, err := c.Nodes[i].Log.Propose(within(t), []byte(fmt.Sprint("full=", time.Now().UnixNano()))); !errors.Is(err, consensus.ErrDiskFull) {
				return false
			}
		}
		return true
	})
	for i, n := range c.Nodes {
		if v, _ := c.KV(i).Get("before"); v != "1" || n.Fatal() != nil {
			t.Fatalf("node %d reads %q, stopped by %v", i, v, n.Fatal())
		}
		disks[n.ID].Limit(0)
	}
	c.Propose(old, "after=1")
	c.Settle()
	if v, _ := c.KV(old).Get("meanwhile19"); v != "1" {
		t.Fatal("it has not caught up")
	}
}

// A leader that is not fit to lead takes nothing on and another leads; it follows,
// stores what is committed, and is one of them again once it is fit.
func TestUnfitLeader(t *testing.T) {
	var unfit [3]atomic.Bool
	c := consensustest.New(t, 3, consensustest.Options{Adjust: func(cfg *consensus.Config) {
		me := &unfit[cfg.NodeID[1]-'0']
		cfg.Unfit = func() error {
			if me.Load() {
				return errors.New("test: its clock")
			}
			return nil
		}
	}})
	old := c.Leader()
	c.Propose(old, "before=1")
	unfit[old].Store(true)
	if _, err := c.Nodes[old].Log.Propose(within(t), []byte("refused=1")); !errors.Is(err, consensus.ErrUnfit) {
		t.Fatalf("Propose = %v", err)
	}
	c.Eventually("another leads", func() bool { return c.Leader() != old })
	for i := range 10 {
		c.Propose(others(c, old)[i%2], fmt.Sprintf("meanwhile%d=1", i))
	}
	c.Settle()
	if v, _ := c.KV(old).Get("meanwhile9"); v != "1" {
		t.Fatal("it does not follow")
	}
	unfit[old].Store(false)
	c.Propose(old, "after=1")
}

// stall lets the disk's syncs of log files wait until it is called off.
func stall(d *disktest.Disk) (off func()) {
	on := make(chan struct{})
	d.Fault(func(op disktest.Op) error {
		if op.Kind == "sync" && strings.Contains(op.Name, ".log") {
			<-on
		}
		return nil
	})
	return func() { d.Fault(nil); close(on) }
}

// still is how long a test looks at something that must not happen.
const still = 300 * time.Millisecond

// A leader sends entries while they are on their way to its disk, and nothing is
// committed before they are there, whatever the others say.
//
// Shows: F2
func TestNothingIsCommittedAheadOfTheLeadersDisk(t *testing.T) {
	c, disks := onDisks(t, nil)
	for attempt := 0; !nothingIsCommittedAhead(t, c, disks, attempt); attempt++ {
		if attempt == 20 {
			t.Fatal("another leader each time")
		}
	}
}

// nothingIsCommittedAhead tries once; false if another node came to lead
// meanwhile, whose own disk answers: then nothing was shown.
func nothingIsCommittedAhead(t *testing.T, c *consensustest.Cluster, disks map[string]*disktest.Disk, attempt int) bool {
	t.Helper()
	leader := c.Leader()
	c.Propose(leader, fmt.Sprintf("before-%d=1", attempt))
	c.Settle()
	key := fmt.Sprintf("ahead-%d", attempt)
	before := c.Nodes[leader].Log.Status()
	off := stall(disks[c.Nodes[leader].ID])
	answered := make(chan error, 1)
	go func() {
		_, err := c.Nodes[leader].Log.Propose(within(t), []byte(key+"=1"))
		answered <- err
	}()
	c.Eventually("the others have it", func() bool {
		for _, i := range others(c, leader) {
			if c.Nodes[i].Log.Status().LogLast <= before.LogLast {
				return false
			}
		}
		return true
	})
	var early error
	var errs []string
	select {
	case err := <-answered:
		early = fmt.Errorf("answered before it is on the leader's disk: %v", err)
	case <-time.After(still):
	}
	for i, n := range c.Nodes {
		if st := n.Log.Status(); st.Commit > before.Commit {
			errs = append(errs, fmt.Sprintf("node %d: commit index %d, was %d", i, st.Commit, before.Commit))
		}
		if v, _ := c.KV(i).Get(key); v != "" {
			errs = append(errs, fmt.Sprintf("node %d has applied it", i))
		}
	}
	after := c.Nodes[leader].Log.Status()
	off()
	led := before.State == "leader" && after.State == "leader" && before.Term == after.Term
	if early == nil {
		if err := <-answered; err != nil && led {
			t.Fatal(err)
		}
	}
	c.Settle()
	if led && (early != nil || len(errs) > 0) {
		t.Fatal(early, errs)
	}
	return led
}

// Alone, nobody else's success is waited for: the disk is, before anything else.
//
// Shows: F2
func TestAloneTheDiskComesFirst(t *testing.T) {
	d := disktest.New()
	c := consensustest.New(t, 1, consensustest.Options{Sync: true, Adjust: func(cfg *consensus.Config) {
		cfg.Disk = d
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}})
	c.Propose(c.Leader(), "before=1")
	before := c.Nodes[0].Log.Status()
	off := stall(d)
	answered := make(chan error, 1)
	go func() {
		_, err := c.Nodes[0].Log.Propose(within(t), []byte("ahead=1"))
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatal("answered before it is on the disk:", err)
	case <-time.After(still):
	}
	if st := c.Nodes[0].Log.Status(); st.Commit > before.Commit {
		t.Errorf("commit index %d before it is on the disk, was %d", st.Commit, before.Commit)
	}
	off()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
}

// Power cuts on all nodes at once, again and again, each losing what was not
// synced: what was acknowledged is there on all of them afterwards.
//
// Shows: F2, F14
func TestPowerCuts(t *testing.T) {
	c, disks := onDisks(t, func(cfg *consensus.Config) {
		cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 20*time.Millisecond, 20, 10
	})
	n := 0
	for round := range 4 {
		for range 25 {
			c.Propose(n%3, fmt.Sprintf("k%d=1", n))
			n++
		}
		// All disks stand still, are as the power cut leaves them, and what the
		// nodes write afterwards is written to disks nobody looks at again.
		on := make(chan struct{})
		for _, d := range disks {
			d.Fault(func(disktest.Op) error { <-on; return nil })
		}
		left := map[string]*disktest.Disk{}
		for i, node := range c.Nodes {
			left[node.ID] = disks[node.ID].Crash(disktest.Dice(uint64(round*3+i), .7))
		}
		close(on)
		c.Stop()
		maps.Copy(disks, left)
		for i := range c.Nodes {
			c.Start(i)
		}
		c.Settle()
		if have := distinct(c, 0); have != n {
			t.Fatalf("round %d: %d payloads, want %d", round, have, n)
		}
	}
}

// A disk that fails while raft starts is a reason that Open gives, not the panic raft
// makes of it, and the node starts once the disk is well.
func TestDiskFailsWhileRaftStarts(t *testing.T) {
	broken := errors.New("the disk is broken")
	var armed atomic.Value // the node whose disk it is
	var reached atomic.Bool
	var disks map[string]*disktest.Disk
	c, disks := onDisks(t, func(cfg *consensus.Config) {
		id := cfg.NodeID
		cfg.Hook = func(point string) {
			if point == "store.set.before" && armed.Load() == id {
				reached.Store(true)
				disks[id].Fault(func(disktest.Op) error { return broken })
			}
		}
	})
	at := others(c, c.Leader())[0]
	c.Kill(at)
	armed.Store(c.Nodes[at].ID)
	err := c.TryStart(at)
	if !reached.Load() || !errors.Is(err, broken) {
		t.Fatalf("reached %v: %v", reached.Load(), err)
	}
	armed.Store("")
	disks[c.Nodes[at].ID].Fault(nil)
	c.Start(at)
	c.Propose(c.Leader(), "after=1")
	c.Settle()
}
