package consensus_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
)

var (
	simRuns    = flag.Int("sim.runs", 3, "simulated clusters")
	simSeconds = flag.Int("sim.seconds", 60, "virtual seconds of faults in each")
	simSeed    = flag.Uint64("sim.seed", 1, "seed of the first; the next ones follow")
)

// judge checks the invariants as payloads are applied, on all nodes together:
// equal payloads at equal places, and places never go back.
type judge struct {
	mu    sync.Mutex
	t     *testing.T
	truth map[uint64][]string // the payloads of an entry, in order, as first seen
	acked map[string]uint64
}

func (j *judge) applied(node int, at map[uint64]int) func(uint64, []byte) {
	return func(index uint64, payload []byte) {
		j.mu.Lock()
		defer j.mu.Unlock()
		k := at[index]
		at[index]++
		if have := j.truth[index]; k < len(have) {
			if have[k] != string(payload) {
				j.t.Errorf("node %d applies %q as payload %d of entry %d, another node %q", node, payload, k, index, have[k])
			}
			return
		}
		j.truth[index] = append(j.truth[index], string(payload))
	}
}

// gate keeps clients out while a node restarts. It is made of a channel because
// waiting for a mutex stops virtual time.
type gate chan struct{}

func (g gate) enter() { g <- struct{}{} }
func (g gate) leave() { <-g }

func (g gate) shut() {
	for range cap(g) {
		g.enter()
	}
}

func (g gate) open() {
	for range cap(g) {
		g.leave()
	}
}

// TestSimulation runs clusters in virtual time under cuts, one-way cuts, delays
// and restarts drawn from a seed, with writers and readers on all nodes. The
// schedule of faults follows from the seed; raft's own goroutines and timers do
// not, so a failing seed is to be run many times over:
//
//	go test ./consensus -run Simulation -sim.seed N -sim.runs 1 -count 50
//
// Shows: F6, I1, I2, I3, C3
func TestSimulation(t *testing.T) {
	for i := range *simRuns {
		seed := *simSeed + uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	j := &judge{t: t, truth: map[uint64][]string{}, acked: map[string]uint64{}}
	c := consensustest.New(t, 3, consensustest.Options{Heartbeat: time.Second,
		NewMachine: func(node int) consensus.Machine {
			return consensustest.NewMachine(j.applied(node, map[uint64]int{}))
		},
		Adjust: func(cfg *consensus.Config) {
			cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 2*time.Second, 40, 20
		}})
	lock := make(gate, 3*len(c.Nodes))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for node := range c.Nodes {
		for worker := range 2 {
			clients.Go(func() { write(c, j, lock, stop, node, worker) })
		}
		clients.Go(func() { read(c, j, lock, stop, node) })
	}
	shake(c, lock, rand.New(rand.NewPCG(seed, 7)))
	c.Hub.MendAll()
	close(stop)
	clients.Wait()
	c.Settle()
	leader := c.KV(c.Leader())
	for key := range j.acked {
		if _, ok := leader.Get(key); !ok {
			t.Errorf("acknowledged write %q is lost", key)
		}
	}
	for i, n := range c.Nodes {
		if err := n.Fatal(); err != nil {
			t.Errorf("node %d stopped: %v", i, err)
		}
		if list, err := n.Log.Evidence(); err != nil || len(list) > 0 { // all are honest
			t.Errorf("node %d accuses: %+v, %v", i, list, err)
		}
	}
	if len(j.acked) < *simSeconds/2 {
		t.Errorf("only %d writes acknowledged in %d s: the run proves nothing", len(j.acked), *simSeconds)
	}
	c.Stop()
	synctest.Wait()
}

// write proposes payloads that no other proposes; one whose outcome is unknown is
// left in doubt.
func write(c *consensustest.Cluster, j *judge, lock gate, stop chan struct{}, node, worker int) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
		key := fmt.Sprintf("w%d.%d.%d", node, worker, n)
		lock.enter()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		res, err := c.Nodes[node].Log.Propose(ctx, []byte(key+"=1"))
		if err == nil {
			if _, ok := c.KV(node).Get(key); !ok {
				j.t.Errorf("node %d does not read its own write %q", node, key)
			}
			j.mu.Lock()
			j.acked[key] = res.Index
			j.mu.Unlock()
		} else if !errors.Is(err, consensus.ErrUnknownOutcome) && !errors.Is(err, consensus.ErrNoQuorum) {
			j.t.Errorf("propose: %v", err)
		}
		cancel()
		lock.leave()
	}
}

// read takes read points: whatever was acknowledged before must be there after.
func read(c *consensustest.Cluster, j *judge, lock gate, stop chan struct{}, node int) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond):
		}
		lock.enter()
		j.mu.Lock()
		newest, at := "", uint64(0)
		for k, i := range j.acked {
			if i > at {
				newest, at = k, i
			}
		}
		j.mu.Unlock()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		index, err := c.Nodes[node].Log.Barrier(ctx)
		if err == nil {
			if _, ok := c.KV(node).Get(newest); newest != "" && (!ok || index < at) {
				j.t.Errorf("stale read on node %d: read point %d, acknowledged before it: %q at %d", node, index, newest, at)
			}
		}
		cancel()
		lock.leave()
	}
}

// shake makes trouble until the time is over.
func shake(c *consensustest.Cluster, lock gate, rng *rand.Rand) {
	end := time.Now().Add(time.Duration(*simSeconds) * time.Second)
	id := func() string { return c.Nodes[rng.IntN(len(c.Nodes))].ID }
	for time.Now().Before(end) {
		time.Sleep(time.Duration(200+rng.IntN(2500)) * time.Millisecond)
		switch rng.IntN(7) {
		case 0:
			c.Hub.Isolate(id())
		case 1:
			c.Hub.Cut(id(), id())
		case 2:
			c.Hub.Delay(id(), id(), time.Duration(rng.IntN(400))*time.Millisecond)
		case 3:
			c.Hub.Mend(id(), id())
		case 4:
			lock.shut()
			i := rng.IntN(len(c.Nodes))
			c.Kill(i)
			time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
			c.Start(i)
			lock.open()
		default:
			c.Hub.MendAll()
		}
	}
}
