// Package consensustest runs a small cluster inside one process, over a made-up
// network that can be cut and delayed, for the tests of this package and of those
// built on it.
package consensustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/transport"
)

// Cluster is some nodes and the network between them.
type Cluster struct {
	t       testing.TB
	Hub     *transport.Hub
	dir     string
	Servers []consensus.Server
	Nodes   []*Node
	options Options
}

// Options of a cluster.
type Options struct {
	Heartbeat time.Duration // 300 ms
	// Adjust changes a node's configuration before it opens.
	Adjust func(*consensus.Config)
	// NewMachine makes a node's machine, fresh for each start.
	NewMachine func(node int) consensus.Machine
	// Network makes a node's network; the Hub's without it.
	Network func(node int) transport.Network
	Sync    bool // fsync as in production
	Logger  *slog.Logger
}

// Node is one node of a cluster; Log is nil while it is down.
type Node struct {
	ID      string
	Address string
	Log     *consensus.Log
	Machine consensus.Machine
	started bool

	mu   sync.Mutex
	runs int // starts so far
	err  error
}

// Fatal is why the node has stopped by itself, or nil.
func (n *Node) Fatal() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}

// New is a cluster of size voters, founded and running.
func New(t testing.TB, size int, o Options) *Cluster {
	t.Helper()
	var servers []consensus.Server
	for i := range size {
		servers = append(servers, consensus.Server{ID: fmt.Sprintf("n%d", i), Address: fmt.Sprintf("host%d:1", i), Voter: true})
	}
	return NewWith(t, servers, o)
}

// NewWith is a cluster of the given servers, founded and running.
func NewWith(t testing.TB, servers []consensus.Server, o Options) *Cluster {
	t.Helper()
	if o.Heartbeat == 0 {
		o.Heartbeat = 300 * time.Millisecond
	}
	c := &Cluster{t: t, Hub: transport.NewHub(), dir: t.TempDir(), options: o, Servers: servers}
	for i, s := range c.Servers {
		c.Nodes = append(c.Nodes, &Node{ID: s.ID, Address: s.Address})
		c.Start(i)
	}
	for _, n := range c.Nodes {
		// One that was told by those before it, who may lead by now, is founded.
		if err := n.Log.Bootstrap(); err != nil && !errors.Is(err, consensus.ErrExists) {
			t.Fatalf("found %s: %v", n.ID, err)
		}
	}
	t.Cleanup(c.Stop)
	return c
}

// Add makes a further node, running, that is in no membership yet.
func (c *Cluster) Add() int {
	i := len(c.Nodes)
	c.Nodes = append(c.Nodes, &Node{ID: fmt.Sprintf("n%d", i), Address: fmt.Sprintf("host%d:1", i)})
	c.Start(i)
	return i
}

// Dir is a node's directory.
func (c *Cluster) Dir(i int) string { return filepath.Join(c.dir, c.Nodes[i].ID) }

// Config is what node i opens with.
func (c *Cluster) Config(i int) consensus.Config {
	n := c.Nodes[i]
	n.mu.Lock()
	run := n.runs
	n.mu.Unlock()
	cfg := consensus.Config{Dir: c.Dir(i), NodeID: n.ID, Create: !n.started, Servers: c.Servers,
		Heartbeat: c.options.Heartbeat, NoSync: !c.options.Sync, Logger: c.options.Logger,
		StoreLimit: patience, // a machine that is busy with other tests is no broken disk
		Fatal: func(err error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			if n.runs == run { // one that did not start may still say why
				n.err = err
			}
		}}
	if c.options.Network != nil {
		cfg.Transport = c.options.Network(i)
	} else {
		cfg.Transport = c.Hub.Join(n.ID, n.Address)
	}
	if c.options.Adjust != nil {
		c.options.Adjust(&cfg)
	}
	return cfg
}

// TryStart opens a node that is down.
func (c *Cluster) TryStart(i int) error {
	n := c.Nodes[i]
	n.Machine = NewMachine(nil)
	if c.options.NewMachine != nil {
		n.Machine = c.options.NewMachine(i)
	}
	n.mu.Lock()
	n.runs++
	n.err = nil
	n.mu.Unlock()
	cfg := c.Config(i)
	log, err := consensus.Open(cfg, n.Machine)
	if err != nil {
		_ = cfg.Transport.Close()
		return err
	}
	n.Log, n.started = log, true
	return nil
}

// Crash stops a node whose disk has failed: how it closes says nothing.
func (c *Cluster) Crash(i int) {
	if n := c.Nodes[i]; n.Log != nil {
		_ = n.Log.Close()
		n.Log = nil
	}
}

// Start is TryStart that must succeed.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	if err := c.TryStart(i); err != nil {
		c.t.Fatalf("start %s: %v", c.Nodes[i].ID, err)
	}
}

// Kill stops a node.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	if n := c.Nodes[i]; n.Log != nil {
		if err := n.Log.Close(); err != nil {
			c.t.Errorf("close %s: %v", n.ID, err)
		}
		n.Log = nil
	}
}

// Stop stops all nodes.
func (c *Cluster) Stop() {
	for i := range c.Nodes {
		c.Kill(i)
	}
}

// KV is node i's machine, if it is the one of this package or has it embedded.
func (c *Cluster) KV(i int) *Machine { return c.Nodes[i].Machine.(interface{ KV() *Machine }).KV() }

// patience bounds every wait of a test; nothing depends on how long it takes.
const patience = 60 * time.Second

// Eventually waits until f is true.
func (c *Cluster) Eventually(what string, f func() bool) {
	c.t.Helper()
	for end := time.Now().Add(patience); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("never: %s\n%s", what, c.state())
		}
	}
}

// state says how the nodes stand, for a test that failed.
func (c *Cluster) state() string {
	var b strings.Builder
	for _, n := range c.Nodes {
		if n.Log == nil {
			fmt.Fprintf(&b, "%s is down\n", n.ID)
			continue
		}
		fmt.Fprintf(&b, "%s: %+v\n  refused %v\n  delayed %v\n", n.ID, n.Log.Status(), n.Log.Refusals(), n.Log.Delayed())
	}
	return b.String()
}

// Leader waits for a node that leads and that a majority follows.
func (c *Cluster) Leader() int {
	c.t.Helper()
	found := -1
	c.Eventually("a leader that a majority follows", func() bool {
		for i, n := range c.Nodes {
			if n.Log == nil || n.Log.Status().State != "leader" {
				continue
			}
			followers := 0
			for _, m := range c.Nodes {
				if m.Log != nil && m.Log.Status().Leader == n.ID {
					followers++
				}
			}
			if followers > n.Log.Status().Voters/2 {
				found = i
				return true
			}
		}
		return false
	})
	return found
}

// Propose must succeed; it repeats while the outcome is unknown.
func (c *Cluster) Propose(i int, payload string) consensus.Result {
	c.t.Helper()
	for end := time.Now().Add(patience); ; {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		res, err := c.Nodes[i].Log.Propose(ctx, []byte(payload))
		cancel()
		if err == nil {
			return res
		}
		if time.Now().After(end) {
			c.t.Fatalf("propose %q on %s: %v", payload, c.Nodes[i].ID, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Settle waits until all running nodes have applied what the leader has, and
// fails as soon as two of their machines differ in any payload.
func (c *Cluster) Settle() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leader, index := 0, uint64(0)
	c.Eventually("a leader gives a read point", func() (ok bool) {
		leader = c.Leader()
		var err error
		index, err = c.Nodes[leader].Log.Barrier(ctx)
		return err == nil
	})
	for _, n := range c.Nodes {
		if err := n.Fatal(); err != nil {
			c.t.Fatalf("%s has stopped: %v", n.ID, err)
		}
		if n.Log != nil {
			c.Eventually(n.ID+" catches up", func() bool {
				if err := n.Fatal(); err != nil {
					c.t.Fatalf("%s has stopped: %v", n.ID, err)
				}
				return n.Log.Status().Applied >= index
			})
		}
	}
	c.Eventually("all nodes hold the same payloads", func() bool {
		want := c.KV(leader).Entries()
		same := true
		for i, n := range c.Nodes {
			if n.Log == nil {
				continue
			}
			have := c.KV(i).Entries()
			for k := range min(len(have), len(want)) {
				if have[k] != want[k] {
					c.t.Fatalf("payload %d is %v on %s and %v on %s", k, have[k], n.ID, want[k], c.Nodes[leader].ID)
				}
			}
			same = same && len(have) == len(want)
		}
		return same
	})
}
