package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"accord/exchange"
)

// warm is how long a round runs before anything counts.
func (r *run) warm() time.Duration { return r.Duration / 8 }

// small makes sure that the federation and the rival of the first measurements
// run.
func (r *run) small(ctx context.Context) (err error) {
	if r.fed == nil {
		r.say("正在建立三家单位的联合体：%s", "founding a federation of three in %s", r.home)
		if r.fed, err = r.found(ctx, "a", r.node()); err != nil {
			return err
		}
	}
	if r.rival != nil && r.rival.nodes == nil {
		return r.rival.start(ctx)
	}
	return nil
}

func (r *run) found(ctx context.Context, name string, program []string, settings ...string) (*federation, error) {
	dir := filepath.Join(r.home, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := found(ctx, dir, 3)
	if err != nil {
		return nil, err
	}
	if err := f.start(ctx, program, settings...); err != nil {
		stopAll(f.nodes)
		return nil, err
	}
	return f, nil
}

// node is the program of a node: an ordinary one, or one that can be profiled.
func (r *run) node() []string { return nodeProgram(r.Program, r.Profile) }

func nodeProgram(program []string, profiles string) []string {
	if profiles == "" {
		return append(append([]string{}, program...), "node", "run")
	}
	return append(append([]string{}, program...), "bench", "node", "--profiles", profiles)
}

// ours is one round of statements with so many entries each, from so many
// clients, at one node.
func (r *run) ours(ctx context.Context, f *federation, at int, clients, within int, rate *float64) (sample, error) {
	span := r.warm() + r.Duration
	n := max(4*clients, int(*rate*1.5*span.Seconds()))
	signed, err := f.signer.many(n, within)
	if err != nil {
		return sample{}, err
	}
	work := make(chan statement, n)
	for _, st := range signed {
		work <- st
	}
	close(work)
	var workers []worker
	defer func() { closeAll(workers) }()
	for range clients {
		w, err := newStream(f.socket(at), work)
		if err != nil {
			return sample{}, err
		}
		workers = append(workers, w)
	}
	r.profile(f)
	s, err := drive(workers, r.warm(), r.Duration, f.nodes)
	r.profile(f)
	if err != nil {
		return sample{}, err
	}
	*rate = s.rate
	for _, w := range workers {
		r.keep(within, w.(*stream).done)
	}
	return s, nil
}

// keep remembers entries for lookups: whose statement has one, and whose has
// many.
func (r *run) keep(within int, entries []exchange.EntryID) {
	if within == 1 {
		r.entries = append(r.entries, entries...)
	} else {
		r.batched = append(r.batched, entries...)
	}
}

// profile starts the nodes' CPU profiles, and ends them when called again.
func (r *run) profile(f *federation) { profile(r.Profile, f) }

func profile(profiles string, f *federation) {
	if profiles == "" {
		return
	}
	for _, p := range f.nodes {
		_ = p.cmd.Process.Signal(syscall.SIGUSR1)
	}
}

func closeAll(workers []worker) {
	for _, w := range workers {
		w.close()
	}
}

// clientsOnConn is how many clients share a connection to etcd, as in its
// maintainers' own measurements (100 connections for 1,000 clients).
const clientsOnConn = 10

// puts is one round of the rival's puts, within so many in a transaction.
func (r *run) puts(ctx context.Context, at, clients, within int, value []byte) (sample, error) {
	var workers []worker
	defer func() { closeAll(workers) }()
	var conn *grpcConn
	for i := range clients {
		if i%clientsOnConn == 0 {
			conn = newGRPC(r.rival.client[at])
		}
		workers = append(workers, &putter{conn: conn, keys: &r.rival.keys, value: value, within: within})
	}
	return drive(workers, r.warm(), r.Duration, r.rival.nodes)
}

// firstGuess is a rate to sign for before anything was measured.
func firstGuess(clients int) float64 { return min(1500*float64(clients), 12_000) }

// commitSingle measures statements of one entry against puts of as many bytes.
func (r *run) commitSingle(ctx context.Context) error {
	if err := r.small(ctx); err != nil {
		return err
	}
	for _, clients := range r.Clients {
		r.say("commit-single,%d 个客户端", "commit-single, %d clients", clients)
		a, b, err := r.duelSingle(ctx, clients, false)
		if err != nil {
			return err
		}
		name, put := fmt.Sprintf("commit-single/%d", clients), r.against("put")
		least := 1.3
		if clients == 1 {
			least = 1
		}
		rivals := figures(b, sample.perSecond)
		r.add(hold(name+"/rate", "entries/s", figures(a, sample.perSecond), put, rivals, goal{times: least}))
		r.add(hold(name+"/p99", "ms", figures(a, sample.slowest), put, figures(b, sample.slowest), goal{times: 1, below: true}))
		r.add(hold(name+"/cpu", "s per 10,000", figures(a, sample.cost), put, figures(b, sample.cost), goal{times: 1.2, below: true}))
		if best := median(rivals); best > r.best {
			r.best, r.bestAt = best, clients
		}
	}
	clients := r.Clients[len(r.Clients)/2]
	a, b, err := r.duelSingle(ctx, clients, true)
	if err != nil {
		return err
	}
	r.add(hold(fmt.Sprintf("commit-single/%d/at-a-follower", clients), "entries/s", figures(a, sample.perSecond), r.against("put at a follower"), figures(b, sample.perSecond), goal{}))
	return nil
}

func (s sample) perSecond() float64 { return s.rate }
func (s sample) slowest() float64   { return s.p99 }
func (s sample) cost() float64      { return s.cpu }

// duelSingle measures at the leaders, or at followers.
func (r *run) duelSingle(ctx context.Context, clients int, follower bool) (a, b []sample, err error) {
	rate := firstGuess(clients)
	return r.duel(ctx, func() (sample, error) {
		at, err := r.fed.leader(ctx)
		if err != nil {
			return sample{}, err
		}
		if follower {
			at = (at + 1) % len(r.fed.nodes)
		}
		return r.ours(ctx, r.fed, at, clients, 1, &rate)
	}, func() (sample, error) {
		at, err := r.rival.leader(ctx)
		if err != nil {
			return sample{}, err
		}
		if follower {
			at = (at + 1) % len(r.rival.nodes)
		}
		return r.puts(ctx, at, clients, 1, r.valueOf(1))
	})
}

// valueOf is a value as large as one entry's share of a statement with so many.
func (r *run) valueOf(within int) []byte {
	f := r.fed
	if f == nil {
		f = r.full
	}
	st, err := f.signer.many(1, within)
	if err != nil {
		return make([]byte, 1500)
	}
	return st[0].token[:len(st[0].token)/within]
}

// The shape of the batch measurement.
const (
	batchEntries = 100
	batchClients = 16
)

// commitBatch measures many entries under one signature.
func (r *run) commitBatch(ctx context.Context) error {
	if err := r.small(ctx); err != nil {
		return err
	}
	r.say("commit-batch,%d 个客户端，每次签名 %d 条", "commit-batch, %d clients, %d entries a signature", batchClients, batchEntries)
	if r.rival != nil && r.best == 0 { // commit-single was not asked for
		at, err := r.rival.leader(ctx)
		if err != nil {
			return err
		}
		s, err := r.puts(ctx, at, r.Clients[len(r.Clients)-1], 1, r.valueOf(1))
		if err != nil {
			return err
		}
		r.best, r.bestAt = s.rate, r.Clients[len(r.Clients)-1]
	}
	rate, value := 100.0, r.valueOf(batchEntries)
	a, b, err := r.duel(ctx, func() (sample, error) {
		at, err := r.fed.leader(ctx)
		if err != nil {
			return sample{}, err
		}
		return r.ours(ctx, r.fed, at, batchClients, batchEntries, &rate)
	}, func() (sample, error) {
		at, err := r.rival.leader(ctx)
		if err != nil {
			return sample{}, err
		}
		return r.puts(ctx, at, batchClients, batchEntries, value)
	})
	if err != nil {
		return err
	}
	each := func(s sample) float64 { return s.rate * batchEntries }
	ours := figures(a, each)
	var best []float64
	if r.best > 0 {
		best = []float64{r.best}
	}
	r.add(hold("commit-batch/rate", "entries/s", ours, r.against(fmt.Sprintf("put, its best (%d clients)", r.bestAt)), best, goal{times: 3.5}))
	r.add(hold("commit-batch/transactions", "entries/s", ours, r.against("txn of 100 puts"), figures(b, each), goal{times: 0.7}))
	r.add(hold("commit-batch/cpu", "s per 10,000", figures(a, func(s sample) float64 { return s.cpu / batchEntries }), r.against("txn of 100 puts"),
		figures(b, func(s sample) float64 { return s.cpu / batchEntries }), goal{}))
	return nil
}

// readClients is the number of clients of the read and guard measurements.
const readClients = 64

func (r *run) readLocal(ctx context.Context) error {
	return r.read(ctx, "read-local", "", true, "serializable get", 1.5)
}

func (r *run) readLinear(ctx context.Context) error {
	return r.read(ctx, "read-linear", "?read=linear", false, "linearizable get", 1)
}

// read measures lookups of entries with their signed documents.
func (r *run) read(ctx context.Context, name, query string, serializable bool, what string, times float64) error {
	if err := r.small(ctx); err != nil {
		return err
	}
	r.say("%s，%d 个客户端", "%s, %d clients", name, readClients)
	if err := r.someEntries(ctx); err != nil {
		return err
	}
	a, b, err := r.duel(ctx, func() (sample, error) { return r.lookups(ctx, r.entries, query) },
		func() (sample, error) { return r.gets(ctx, serializable) })
	if err != nil {
		return err
	}
	c, _, err := r.duel(ctx, func() (sample, error) { return r.lookups(ctx, r.batched, query) }, nil)
	if err != nil {
		return err
	}
	r.add(hold(name+"/rate", "lookups/s", figures(a, sample.perSecond), r.against(what), figures(b, sample.perSecond), goal{times: times}))
	r.add(hold(name+"/p99", "ms", figures(a, sample.slowest), r.against(what), figures(b, sample.slowest), goal{}))
	r.add(hold(name+"/cpu", "s per 10,000", figures(a, sample.cost), r.against(what), figures(b, sample.cost), goal{}))
	r.add(hold(fmt.Sprintf("%s/of-batches-of-%d", name, batchEntries), "lookups/s", figures(c, sample.perSecond), r.against(what), figures(b, sample.perSecond), goal{}))
	return nil
}

// someEntries sees that there is something to look up on both sides.
func (r *run) someEntries(ctx context.Context) error {
	for _, want := range []struct{ have, within int }{{len(r.entries), 1}, {len(r.batched), batchEntries}} {
		if want.have == 0 {
			if err := r.fill(ctx, r.fed, 2000, want.within); err != nil {
				return err
			}
		}
	}
	if r.rival == nil || r.rival.keys.Load() > 0 {
		return nil
	}
	return r.fillRival(ctx, r.rival, 2000, 1)
}

func (r *run) lookups(ctx context.Context, of []exchange.EntryID, query string) (sample, error) {
	at, err := r.fed.leader(ctx)
	if err != nil {
		return sample{}, err
	}
	var workers []worker
	defer func() { closeAll(workers) }()
	for range readClients {
		w, err := newReader(r.fed.socket(at), func() string {
			return "/api/v1/entries/" + string(of[rand.IntN(len(of))]) + query
		})
		if err != nil {
			return sample{}, err
		}
		workers = append(workers, w)
	}
	r.profile(r.fed)
	defer r.profile(r.fed)
	return drive(workers, r.warm(), r.Duration, r.fed.nodes)
}

func (r *run) gets(ctx context.Context, serializable bool) (sample, error) {
	at, err := r.rival.leader(ctx)
	if err != nil {
		return sample{}, err
	}
	var workers []worker
	defer func() { closeAll(workers) }()
	var conn *grpcConn
	for i := range readClients {
		if i%clientsOnConn == 0 {
			conn = newGRPC(r.rival.client[at])
		}
		workers = append(workers, &getter{conn: conn, keys: r.rival.keys.Load(), serializable: serializable})
	}
	return drive(workers, r.warm(), r.Duration, r.rival.nodes)
}
