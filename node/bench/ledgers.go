package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"accord/exchange"
)

// fillEntries is how many entries a statement has when a ledger is filled.
const fillEntries = 100

// fill puts so many entries on a federation's ledger, within so many in a
// statement; some of their ids are kept for lookups.
func (r *run) fill(ctx context.Context, f *federation, entries, within int) error {
	at, err := f.leader(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, signing := make(chan statement, 64), make(chan error, 1)
	go func() {
		defer close(work)
		for left := (entries + within - 1) / within; left > 0; left -= 64 {
			signed, err := f.signer.many(min(left, 64), within)
			if err != nil {
				signing <- err
				return
			}
			for _, st := range signed {
				select {
				case work <- st:
				case <-ctx.Done():
					signing <- ctx.Err()
					return
				}
			}
		}
		signing <- nil
	}()
	var streams []*stream
	err = untilDry(ctx, batchClients, cancel, func() (worker, error) {
		s, err := newStream(f.socket(at), work)
		streams = append(streams, s)
		return s, err
	})
	for _, s := range streams {
		if s != nil {
			r.keep(within, s.done)
		}
	}
	if serr := <-signing; err == nil {
		err = serr
	}
	return err
}

// untilDry lets workers work until there is nothing left to do.
func untilDry(ctx context.Context, n int, cancel func(), hire func() (worker, error)) error {
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	fail := func(err error) { once.Do(func() { failed = err; cancel() }) }
	for range n {
		w, err := hire()
		if err != nil {
			fail(err)
			break
		}
		wg.Go(func() {
			defer w.close()
			for ctx.Err() == nil {
				if err := w.do(); err == errDry {
					return
				} else if err != nil {
					fail(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}

// fillRival puts so many keys into the rival, as large as an entry's share.
func (r *run) fillRival(ctx context.Context, e *etcd, keys, within int) error {
	at, err := e.leader(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work := make(chan struct{}, (keys+within-1)/within)
	for range cap(work) {
		work <- struct{}{}
	}
	close(work)
	value := r.valueOf(within)
	return untilDry(ctx, batchClients, cancel, func() (worker, error) {
		return &ration{work, &putter{conn: newGRPC(e.client[at]), keys: &e.keys, value: value, within: within}}, nil
	})
}

// ration is a worker with so much to do.
type ration struct {
	work <-chan struct{}
	worker
}

func (w *ration) do() error {
	if _, ok := <-w.work; !ok {
		return errDry
	}
	return w.worker.do()
}

// settle is how long servers rest before their memory is looked at.
func (r *run) settle() time.Duration {
	if r.Quick {
		return 0
	}
	return 10 * time.Second
}

// memory measures how resident memory grows with the entries of a ledger, from
// a tenth of them to all, on the node where it grows most. To begin with an empty
// node would understate it: what that used to derive its keys it never gives
// back, and the first entries go there.
func (r *run) memory(ctx context.Context) error {
	if r.full != nil {
		return nil
	}
	return r.fillUp(ctx, true)
}

// fillUp makes the full ledger that the later measurements need, and measures
// memory on the way when it is asked for.
func (r *run) fillUp(ctx context.Context, measure bool) (err error) {
	if r.full != nil {
		return nil
	}
	r.dismiss()
	if r.full, err = r.found(ctx, "b", r.node()); err != nil {
		return err
	}
	small := make([]int64, len(r.full.nodes)) // resident, with a tenth of the entries
	have := 0
	for _, entries := range []int{r.Entries / 10, r.Entries} {
		r.say("账本写入 %d 条", "filling the ledger with %d entries", entries)
		if err := r.fill(ctx, r.full, entries-have, fillEntries); err != nil {
			return err
		}
		have = entries
		if !measure {
			continue
		}
		time.Sleep(r.settle())
		var most float64
		for i, p := range r.full.nodes {
			now, err := resident(p)
			if err != nil {
				return err
			}
			if entries < r.Entries {
				small[i] = now
				continue
			}
			most = max(most, float64(now-small[i])/float64(entries-entries/10)/1000)
		}
		if entries == r.Entries {
			r.add(hold(fmt.Sprintf("memory/%d", entries), "KB/entry", []float64{most}, "", nil, goal{most: 1.2}))
		}
	}
	return nil
}

// dismiss ends the servers of the first measurements, whose work is done.
func (r *run) dismiss() {
	if r.fed != nil {
		stopAll(r.fed.nodes)
		os.RemoveAll(r.fed.dir)
		r.fed = nil
	}
	if r.rival != nil && r.rival.nodes != nil {
		stopAll(r.rival.nodes)
		r.rival.wipe()
		r.rival.nodes = nil
	}
	r.entries, r.batched = nil, nil
}

// snapshotLimit is how long a snapshot is waited for: nodes look every two to
// four minutes whether there is something to take one of.
const snapshotLimit = 6 * time.Minute

// snapshot measures the longest time no commit is answered while the leader
// takes a snapshot of the full ledger.
func (r *run) snapshot(ctx context.Context) error {
	if r.Quick {
		r.add(Result{Name: "snapshot/pause", Unit: "ms", Goal: goal{most: 50}.String(),
			Note: exchange.Text{Zh: "--quick 不测：快照每两分钟才看一次", En: "not measured with --quick: nodes look for snapshots every two minutes only"}})
		return nil
	}
	if err := r.fillUp(ctx, false); err != nil {
		return err
	}
	at, err := r.full.leader(ctx)
	if err != nil {
		return err
	}
	r.say("等待快照", "waiting for a snapshot")
	ctx, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	seen := make(chan [2]time.Time, 1)
	go watchSnapshot(ctx, filepath.Join(r.full.dataDir(at), "ledger"), func(w [2]time.Time) { seen <- w; cancel() })
	ends, err := r.steady(ctx, at)
	if err != nil {
		return err
	}
	select {
	case window := <-seen:
		r.add(hold("snapshot/pause", "ms", []float64{millis(longest(ends, window))}, "", nil, goal{most: 50}))
		return nil
	default:
		return ErrServer.With("name", r.full.nodes[at].name, "why", "took no snapshot", "log", r.full.dir)
	}
}

// steady commits from a few clients until ctx ends and says when each commit
// was answered.
func (r *run) steady(ctx context.Context, at int) ([]time.Time, error) {
	work := make(chan statement, 256)
	go func() {
		defer close(work)
		for ctx.Err() == nil {
			signed, err := r.full.signer.many(64, 1)
			if err != nil {
				return
			}
			for _, st := range signed {
				select {
				case work <- st:
				case <-ctx.Done():
				}
			}
		}
	}()
	var mu sync.Mutex
	var ends []time.Time
	working, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := untilDry(working, batchClients, cancel, func() (worker, error) {
		s, err := newStream(r.full.socket(at), work)
		return &noting{s, func() { mu.Lock(); ends = append(ends, time.Now()); mu.Unlock() }}, err
	})
	slices.SortFunc(ends, time.Time.Compare)
	return ends, err
}

// noting is a worker whose answers are noted.
type noting struct {
	*stream
	note func()
}

func (w *noting) do() error {
	err := w.stream.do()
	if err == nil {
		w.note()
	}
	return err
}

// longest is the longest time between two commits that touches the window.
func longest(ends []time.Time, window [2]time.Time) time.Duration {
	var most time.Duration
	for i := 1; i < len(ends); i++ {
		if ends[i].After(window[0]) && ends[i-1].Before(window[1]) {
			most = max(most, ends[i].Sub(ends[i-1]))
		}
	}
	return most
}

// watchSnapshot reports when a snapshot was begun and done, by its folder.
func watchSnapshot(ctx context.Context, dir string, report func([2]time.Time)) {
	before := snapshots(dir)
	var begun time.Time
	for ctx.Err() == nil {
		now := snapshots(dir)
		for name, done := range now {
			if _, old := before[name]; old {
				continue
			}
			if begun.IsZero() {
				begun = time.Now()
			}
			if done {
				time.Sleep(time.Second) // what it delayed is answered
				report([2]time.Time{begun.Add(-100 * time.Millisecond), time.Now()})
				return
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// snapshots lists the snapshots below a folder, whether finished.
func snapshots(dir string) map[string]bool {
	out := map[string]bool{}
	found, _ := filepath.Glob(filepath.Join(dir, "*.snapshot*"))
	for _, path := range found {
		name, unfinished := strings.CutSuffix(filepath.Base(path), ".tmp")
		out[name] = !unfinished
	}
	return out
}

// restart measures how long a killed node with the full ledger takes to be
// ready again, against a member of the rival with as many keys.
func (r *run) restart(ctx context.Context) error {
	if err := r.fillUp(ctx, false); err != nil {
		return err
	}
	rounds := r.Rounds
	var ours, rivals []float64
	for range rounds {
		at, err := r.full.leader(ctx)
		if err != nil {
			return err
		}
		at = (at + 1) % len(r.full.nodes)
		r.say("重启 %s", "restarting %s", r.full.nodes[at].name)
		r.full.nodes[at].kill()
		begun := time.Now()
		if err := r.full.nodes[at].start(); err != nil {
			return err
		}
		if err := r.full.ready(ctx, at); err != nil {
			return err
		}
		ours = append(ours, time.Since(begun).Seconds())
	}
	if err := r.fullRival(ctx); err != nil {
		return err
	}
	for range rounds {
		if r.fullOf == nil {
			break
		}
		at, err := r.fullOf.leader(ctx)
		if err != nil {
			return err
		}
		at = (at + 1) % len(r.fullOf.nodes)
		r.fullOf.nodes[at].kill()
		begun := time.Now()
		if err := r.fullOf.nodes[at].start(); err != nil {
			return err
		}
		if err := until(ctx, r.fullOf.nodes[at], 5*time.Millisecond, func() bool { return r.fullOf.answers(ctx, at) }); err != nil {
			return err
		}
		rivals = append(rivals, time.Since(begun).Seconds())
	}
	r.add(hold("restart/ready", "s", ours, r.against("restart to its first linearizable get"), rivals, goal{times: 1, below: true}))
	return nil
}

// fullRival fills the rival with as many keys as the full ledger has entries.
func (r *run) fullRival(ctx context.Context) error {
	if r.rival == nil || r.fullOf != nil {
		return nil
	}
	r.say("etcd 写入 %d 个键", "filling etcd with %d keys", r.Entries)
	e := findEtcd(ctx, filepath.Join(r.home, "e"))
	if err := os.Mkdir(e.dir, 0o700); err != nil {
		return err
	}
	r.fullOf = e
	if err := e.start(ctx); err != nil {
		return err
	}
	return r.fillRival(ctx, e, r.Entries, fillEntries)
}

// answers says whether a member of the rival gives a linearizable get.
func (e *etcd) answers(ctx context.Context, i int) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	g := newGRPC(e.client[i])
	defer g.close()
	_, err := g.call(ctx, methodRange, etcdGet(key(1), false))
	return err == nil
}
