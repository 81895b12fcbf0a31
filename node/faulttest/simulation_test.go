package faulttest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/consensus/store/disktest"
	"accord/crypto/blind"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/machine/machinetest"
)

var (
	simRuns    = flag.Int("fault.sim", 1, "simulated federations")
	simSeconds = flag.Int("fault.sim-seconds", 30, "virtual seconds of faults in each")
)

// TestSimulatedNodes runs federations of whole nodes (log, guard, store, machine,
// agency) in virtual time over a made-up network and disks that forget what was
// not synced, under cuts, one-way cuts, delays, power cuts, restarts, snapshots
// and wrong clocks drawn from a seed. Checked as it happens: equal state after
// each entry on all nodes (I2) with one root a size (I7), no read point that
// lacks an acknowledged write (I3), ledger positions that never go back; at the
// end each acknowledged write is there once (I1) and the machine stands an audit.
//
// The schedule follows from the seed, raft's goroutines do not: a red seed is to
// be run again and again,
//
//	go test ./node/faulttest -run SimulatedNodes -fault.seed N -fault.sim 1 -count 50
//
// Shows: F1, F2, F4, F5, F7, F14, F18, F27
func TestSimulatedNodes(t *testing.T) {
	begun := time.Now()
	for i := range *simRuns {
		seed := *faultSeed + uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
	if *simRuns > 10 {
		t.Logf("%.1f federations a minute of %d virtual seconds", float64(*simRuns)/time.Since(begun).Minutes(), *simSeconds)
	}
}

// world is a simulated federation and what has been seen of it.
type world struct {
	*consensustest.Cluster
	t       *testing.T
	begun   time.Time
	disks   []*disktest.Disk
	actors  []*actor
	entered chan struct{} // a client holds a place while it acts; a restart takes all

	mu    sync.Mutex
	after map[uint64]string             // state digest after an entry, as first seen
	roots map[int64]string              // tree root of a size
	acked map[exchange.EntryID]struct{} // nominations
	index map[exchange.EntryID]uint64
	ends  map[exchange.EntryID]int
}

// actor is one node above its log.
type actor struct {
	w       *world
	node    int
	member  exchange.MemberID
	agency  *agency.Agency
	machine atomic.Pointer[machine.Machine]
	offset  atomic.Int64 // of its clock
	reached atomic.Uint64
}

func (a *actor) now() time.Time {
	return machinetest.Start.Time().Add(time.Since(a.w.begun)).Add(time.Duration(a.offset.Load()))
}

// View and Propose are what the agency sees of its node.
func (a *actor) View() *machine.View { return a.machine.Load().View() }

func (a *actor) Propose(ctx context.Context, payload []byte) ([]byte, error) {
	res, err := a.w.Nodes[a.node].Log.Propose(ctx, payload)
	return res.Value, err
}

type seats exchange.MemberID

func (s seats) Key(use keys.Use) (keys.Private, error) {
	return machinetest.Key(exchange.MemberID(s), use), nil
}

// witness is the machine as the log drives it, under observation.
type witness struct {
	*machine.Machine
	a *actor
}

func (m witness) Snapshot() (consensus.Snapshot, error) { return m.Machine.Snapshot() }

// Admit is the ±60 s of the leader's clock.
func (m witness) Admit(payload []byte) error {
	token, err := jws.Parse(string(payload))
	if err != nil {
		return err
	}
	cmd, err := exchange.DecodeCommand(token.Payload)
	if err != nil {
		return err
	}
	if off := m.a.now().Sub(cmd.At.Time()); off.Abs() > time.Minute {
		return errors.New("too far from this clock")
	}
	return nil
}

func (m witness) Apply(index uint64, payloads [][]byte) ([][]byte, error) {
	results, err := m.Machine.Apply(index, payloads)
	if err == nil {
		m.a.w.see(m.a.node, m.View())
	}
	return results, err
}

func (m witness) Restore(r io.Reader) error {
	err := m.Machine.Restore(r)
	if err == nil {
		m.a.w.see(m.a.node, m.View())
	}
	return err
}

// see compares a state with what other nodes had there.
func (w *world) see(node int, v *machine.View) {
	w.mu.Lock()
	defer w.mu.Unlock()
	digest, root := v.Digest().String(), fmt.Sprintf("%x", v.Root())
	if before, known := w.after[v.Index()]; known && before != digest {
		w.t.Errorf("I2: node %d has state %s after entry %d, another had %s", node, digest, v.Index(), before)
	}
	if before, known := w.roots[v.Size()]; known && before != root {
		w.t.Errorf("I7: node %d has root %s at size %d, another had %s", node, root, v.Size(), before)
	}
	w.after[v.Index()], w.roots[v.Size()] = digest, root
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, begun: time.Now(), after: map[uint64]string{}, roots: map[int64]string{}, entered: make(chan struct{}, 9),
		acked: map[exchange.EntryID]struct{}{}, index: map[exchange.EntryID]uint64{}, ends: map[exchange.EntryID]int{}}
	blinder, err := blind.NewHMAC(cryptotest.Secret("federation", "blind"))
	machinetest.Must(t, err)
	for i, member := range []exchange.MemberID{"regulator", "association", "court"} {
		a := &actor{w: w, node: i, member: member}
		a.agency, err = agency.New(agency.Config{Federation: machinetest.Federation, Self: member, Keys: seats(member),
			Storage: cryptotest.Secret(string(member), "storage"), Blinder: blinder, Ledger: a, Proposer: a, Clock: a.now, Rand: rand.Reader})
		machinetest.Must(t, err)
		w.actors, w.disks = append(w.actors, a), append(w.disks, disktest.New())
	}
	w.Cluster = consensustest.New(t, len(w.actors), consensustest.Options{Heartbeat: time.Second, Sync: true,
		NewMachine: func(node int) consensus.Machine {
			m := machinetest.New(t)
			w.actors[node].machine.Store(m)
			return witness{m, w.actors[node]}
		},
		Adjust: func(cfg *consensus.Config) {
			cfg.SnapshotInterval, cfg.SnapshotThreshold, cfg.TrailingLogs = 2*time.Second, 40, 20
			for i, s := range []string{"n0", "n1", "n2"} {
				if cfg.NodeID == s {
					cfg.Disk = w.disks[i]
				}
			}
		}})
	return w
}

func simulate(t *testing.T, seed uint64) {
	w := newWorld(t)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range w.actors {
		for n := range 3 {
			rng := mrand.New(mrand.NewPCG(seed, uint64(10*i+n)))
			clients.Go(func() { w.client(stop, w.actors[i], rng) })
		}
	}
	w.shake(mrand.New(mrand.NewPCG(seed, 7)))
	w.Hub.MendAll()
	for _, a := range w.actors {
		a.offset.Store(0)
	}
	close(stop)
	clients.Wait()
	w.end()
	w.Stop()
	synctest.Wait()
}

// client nominates, withdraws and reads on one node.
func (w *world) client(stop chan struct{}, a *actor, rng *mrand.Rand) {
	var mine []exchange.EntryID
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(40+rng.IntN(120)) * time.Millisecond):
		}
		w.entered <- struct{}{}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		switch rng.IntN(4) {
		case 0, 1:
			if id, ok := w.nominate(ctx, a, rng); ok {
				mine = append(mine, id)
			}
		case 2:
			w.read(ctx, a)
		default:
			if len(mine) > 0 {
				w.withdraw(ctx, a, mine[rng.IntN(len(mine))])
			}
		}
		cancel()
		<-w.entered
	}
}

func (w *world) nominate(ctx context.Context, a *actor, rng *mrand.Rand) (exchange.EntryID, bool) {
	n := agency.Nomination{List: "red", Ground: "honest", Subject: exchange.SubjectID(fmt.Sprintf("org:9163990%dMA0000001X", rng.IntN(8))),
		SubjectKind: "enterprise", Name: "某公司", TermDays: 365, Decision: &lists.DecisionRef{Number: "1", Authority: "某局"}}
	if a.member == "court" {
		n.List, n.Ground, n.Decision, n.Records = "black", "default", nil, []lists.RecordRef{machinetest.Record("record", "court")}
		n.TermDays = 730
	}
	id, err := a.agency.Nominate(ctx, "clerk", n)
	if err != nil {
		w.excused(err)
		return "", false
	}
	row, ok := a.View().Entry(id)
	if !ok {
		w.t.Errorf("I3: node %d does not read its own write", a.node)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[id], w.index[id] = struct{}{}, a.View().IndexOf(row.Seq)
	return id, true
}

func (w *world) withdraw(ctx context.Context, a *actor, id exchange.EntryID) {
	err := a.agency.Withdraw(ctx, "clerk", lists.WithdrawBody{Entry: id, Reason: "误报", Expect: 1})
	if err != nil {
		w.excused(err)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ends[id]++; w.ends[id] > 1 {
		w.t.Errorf("I3: entry %s was withdrawn at version 1 twice", id)
	}
}

// excused are the errors that a run like this may bring.
func (w *world) excused(err error) {
	if errors.Is(err, consensus.ErrUnknownOutcome) || errors.Is(err, consensus.ErrNoQuorum) || errors.Is(err, consensus.ErrRefused) ||
		errors.Is(err, consensus.ErrClosed) {
		return
	}
	switch exchange.AsError(err).Code {
	case lists.ErrActive.Code, lists.ErrExpect.Code, lists.ErrStatus.Code, lists.ErrTime.Code:
	default:
		w.t.Errorf("unexpected: %v", err)
	}
}

// read takes a read point: whatever was acknowledged before is there after. The
// node's position never goes back.
func (w *world) read(ctx context.Context, a *actor) {
	w.mu.Lock()
	before := make([]exchange.EntryID, 0, len(w.acked))
	for id := range w.acked {
		before = append(before, id)
	}
	ended := map[exchange.EntryID]bool{}
	for id := range w.ends {
		ended[id] = true
	}
	w.mu.Unlock()
	index, err := w.Nodes[a.node].Log.Barrier(ctx)
	if err != nil {
		return
	}
	last := a.reached.Load() // before the view: others on this node read meanwhile
	v := a.View()
	for _, id := range before {
		row, ok := v.Entry(id)
		if !ok || ended[id] && row.End == nil {
			w.t.Errorf("I3: stale read on node %d at read point %d: entry %s, acknowledged before, there %t", a.node, index, id, ok)
		}
	}
	if last > v.Index() {
		w.t.Errorf("I3: node %d went back from %d to %d", a.node, last, v.Index())
	}
	for seen := a.reached.Load(); seen < v.Index() && !a.reached.CompareAndSwap(seen, v.Index()); seen = a.reached.Load() {
	}
}

// shake makes trouble until the time is over.
func (w *world) shake(rng *mrand.Rand) {
	end := time.Now().Add(time.Duration(*simSeconds) * time.Second)
	id := func() string { return w.Nodes[rng.IntN(len(w.Nodes))].ID }
	for time.Now().Before(end) {
		time.Sleep(time.Duration(200+rng.IntN(2500)) * time.Millisecond)
		switch rng.IntN(10) {
		case 0:
			w.Hub.Isolate(id())
		case 1:
			w.Hub.Cut(id(), id())
		case 2:
			w.Hub.Delay(id(), id(), time.Duration(rng.IntN(400))*time.Millisecond)
		case 3:
			w.Hub.Mend(id(), id())
		case 4, 5:
			w.down([]int{rng.IntN(len(w.Nodes))}, rng)
		case 6:
			w.down(rng.Perm(len(w.Nodes)), rng) // all at once, back in another order
		case 7:
			w.actors[rng.IntN(len(w.actors))].offset.Store(rng.Int64N(int64(4*time.Hour)) - int64(2*time.Hour))
		default:
			w.Hub.MendAll()
			for _, a := range w.actors {
				a.offset.Store(0)
			}
		}
	}
}

// down cuts the power of some nodes, or ends their processes, and starts them
// again a while later.
func (w *world) down(nodes []int, rng *mrand.Rand) {
	for range cap(w.entered) {
		w.entered <- struct{}{}
	}
	power := rng.IntN(2) == 0
	for _, i := range nodes {
		w.disks[i].Fault(func(disktest.Op) error { return disktest.ErrCut })
		w.Crash(i)
	}
	time.Sleep(time.Duration(rng.IntN(3000)) * time.Millisecond)
	for _, i := range nodes {
		var lost func() bool
		if power {
			lost = disktest.Dice(rng.Uint64(), 0.5)
		}
		w.disks[i] = w.disks[i].Crash(lost)
		w.actors[i].reached.Store(0) // a node that starts serves nothing before it has caught up
		w.Start(i)
	}
	for range cap(w.entered) {
		<-w.entered
	}
}

// end holds all nodes against each other and against what clients were told.
func (w *world) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var index uint64
	w.Eventually("a read point", func() (ok bool) {
		var err error
		index, err = w.Nodes[w.Leader()].Log.Barrier(ctx)
		return err == nil
	})
	for i, n := range w.Nodes {
		w.Eventually(n.ID+" catches up", func() bool { return n.Log.Status().Applied >= index })
		if err := n.Fatal(); err != nil {
			w.t.Errorf("%s stopped: %v", n.ID, err)
		}
		v := w.actors[i].View()
		for id := range w.acked {
			row, ok := v.Entry(id)
			if !ok || w.ends[id] > 0 && row.End == nil {
				w.t.Errorf("I1: entry %s or its end, acknowledged, is not on node %d", id, i)
			}
			if ok && v.IndexOf(row.Seq) != w.index[id] {
				w.t.Errorf("I2: entry %s is at %d on node %d and was acknowledged at %d", id, v.IndexOf(row.Seq), i, w.index[id])
			}
		}
	}
	if err := w.actors[0].machine.Load().Audit(); err != nil {
		w.t.Errorf("I5: %v", err)
	}
	if len(w.acked) < *simSeconds/4 {
		w.t.Errorf("%d writes acknowledged in %d s: the run proves nothing", len(w.acked), *simSeconds)
	}
	w.t.Logf("%d nominations and %d withdrawals acknowledged, %d entries of the log", len(w.acked), len(w.ends), index)
}
