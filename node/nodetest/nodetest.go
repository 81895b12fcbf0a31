// Package nodetest runs a whole federation of four in one process for tests:
// real keys, real TLS over loopback, real durable storage, no child processes.
package nodetest

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"testing"
	"time"

	"accord/exchange"
	"accord/node"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
)

// Cluster is a federation of four nodes.
type Cluster struct {
	T     testing.TB
	Dir   string
	Plan  demo.Plan
	Nodes map[string]*node.Node // running ones, by member
	Log   *Log
	Tune  Tune
}

// Patience is how long anything may take before it counts as never. Nothing is judged
// by how long it takes, and with the race detector on a machine that does other things
// too, four nodes that check signatures are slow: three of four may need several
// elections until they agree.
const Patience = 5 * time.Minute

// Tune changes how a member's node is started; nil changes nothing.
type Tune func(member string, cfg *config.Config, o *node.Options)

// New founds a federation in a temporary folder and starts its nodes.
func New(t testing.TB) *Cluster {
	t.Helper()
	return NewTuned(t, nil)
}

// NewTuned is New with nodes that are started otherwise.
func NewTuned(t testing.TB, tune Tune) *Cluster {
	t.Helper()
	return NewPlanned(t, tune, func(*demo.Plan) {})
}

// NewPlanned is NewTuned with a federation that is founded otherwise.
func NewPlanned(t testing.TB, tune Tune, plan func(*demo.Plan)) *Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "ac") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{T: t, Dir: dir, Plan: demo.Plan{Nodes: demo.Agencies()}, Nodes: map[string]*node.Node{}, Log: new(Log), Tune: tune}
	t.Cleanup(func() {
		if t.Failed() {
			said := c.Log.String()
			t.Log("the end of what the nodes logged:\n" + said[max(0, len(said)-logShown):])
		}
		for m := range c.Nodes {
			c.Stop(m)
		}
		os.RemoveAll(dir)
	})
	addresses, err := demo.FreeAddresses(len(c.Plan.Nodes))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Plan.Nodes {
		c.Plan.Nodes[i].Listen, c.Plan.Nodes[i].Advertise = addresses[i], addresses[i]
	}
	plan(&c.Plan)
	if err := demo.Found(t.Context(), dir, c.Plan); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Plan.Nodes {
		c.Start(n.Member)
	}
	c.Ready()
	return c
}

// logShown is how many bytes of the nodes' log a test that failed shows.
const logShown = 16 << 10

// Config is a member's configuration.
func (c *Cluster) Config(member string) config.Config {
	c.T.Helper()
	cfg, _, err := config.Load(filepath.Join(c.Dir, member), func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		c.T.Fatal(err)
	}
	return cfg
}

// Start opens a member's node.
func (c *Cluster) Start(member string) {
	c.T.Helper()
	cfg, options := c.Config(member), node.Options{Version: "test", Cosign: time.Second,
		Logger: slog.New(slog.NewTextHandler(c.Log, &slog.HandlerOptions{Level: slog.LevelInfo})).With("node", member)}
	if c.Tune != nil {
		c.Tune(member, &cfg, &options)
	}
	n, err := node.Open(cfg, options)
	if err != nil {
		c.T.Fatalf("%s: %v", member, err)
	}
	c.Nodes[member] = n
}

// Stop closes a member's node.
func (c *Cluster) Stop(member string) {
	if n := c.Nodes[member]; n != nil {
		delete(c.Nodes, member)
		closed := make(chan error, 1)
		go func() { closed <- n.Close() }()
		select {
		case err := <-closed:
			if err != nil {
				c.T.Errorf("close %s: %v", member, err)
			}
		case <-time.After(closeLimit):
			stacks := new(bytes.Buffer)
			_ = pprof.Lookup("goroutine").WriteTo(stacks, 2)
			c.T.Fatalf("%s does not close\n%s", member, stacks)
		}
	}
}

// closeLimit is far more than a node may take to close on a busy machine.
const closeLimit = 2 * time.Minute

// Client speaks to a member's node over its local socket.
func (c *Cluster) Client(member string) *client.Client {
	return client.Local(config.SocketPath(filepath.Join(c.Dir, member)), demo.Operator, exchange.En)
}

// Address is where a member's node listens.
func (c *Cluster) Address(member string) string {
	for _, n := range c.Plan.Nodes {
		if n.Member == member {
			return n.Listen
		}
	}
	return ""
}

// Ready waits until every running node is ready.
func (c *Cluster) Ready() {
	c.T.Helper()
	ctx, cancel := context.WithTimeout(c.T.Context(), Patience)
	defer cancel()
	for m := range c.Nodes {
		for !c.Nodes[m].Status().Ready {
			select {
			case <-ctx.Done():
				c.T.Fatalf("%s is not ready: %s\n%s", m, c.Nodes[m].Status().Why, c.Log.String())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

// Log keeps what all nodes logged.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
