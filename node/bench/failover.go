package bench

import (
	"context"
	"sync"
	"time"
)

// failover measures the time in which nothing is written after the leader's
// process is killed, as a writer at one of the survivors sees it.
func (r *run) failover(ctx context.Context) error {
	if err := r.small(ctx); err != nil {
		return err
	}
	var ours, rivals []float64
	for i := range r.Failovers {
		r.say("主节点故障 %d/%d", "failover %d of %d", i+1, r.Failovers)
		gap, err := r.failOurs(ctx)
		if err != nil {
			return err
		}
		ours = append(ours, gap.Seconds())
		if r.rival == nil {
			continue
		}
		if gap, err = r.failRival(ctx); err != nil {
			return err
		}
		rivals = append(rivals, gap.Seconds())
	}
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		res := hold("failover/"+q.name, "s", quantiles(ours, q.at), r.against("leader killed"), quantiles(rivals, q.at), goal{times: 1, below: true})
		res.Spread, res.RivalSpread = spread(ours), spread(rivals)
		r.add(res)
	}
	return nil
}

func quantiles(seconds []float64, q float64) []float64 {
	if len(seconds) == 0 {
		return nil
	}
	return []float64{sorted(seconds)[min(len(seconds)-1, int(q*float64(len(seconds))))]}
}

// failOurs kills the leader while both others are written to, and brings it
// back when the first write was answered.
func (r *run) failOurs(ctx context.Context) (time.Duration, error) {
	at, err := r.fed.leader(ctx)
	if err != nil {
		return 0, err
	}
	var survivors []func() error
	for i := range r.fed.nodes {
		if i == at {
			continue
		}
		signed, err := r.fed.signer.many(200, 1)
		if err != nil {
			return 0, err
		}
		survivors = append(survivors, r.writer(i, signed))
	}
	gap, err := gapAfter(ctx, r.fed.nodes[at].kill, survivors)
	if err != nil {
		return 0, err
	}
	if err := r.fed.nodes[at].start(); err != nil {
		return 0, err
	}
	return gap, r.fed.ready(ctx, at)
}

// patience is how long a writer at a survivor waits for an answer before it asks
// again: what it asked may be on its way to the leader that is gone.
const patience = electionTimeout / 4

// writer writes to a survivor again and again; after an error it sends the same
// statement on a new stream.
func (r *run) writer(at int, signed []statement) func() error {
	var s *stream
	return func() (err error) {
		if s == nil {
			if s, err = newStream(r.fed.socket(at), nil); err != nil {
				return err
			}
		}
		if len(signed) == 0 {
			return errDry
		}
		st := signed[0]
		_ = s.conn.SetDeadline(time.Now().Add(patience))
		if err = s.submit(st.token); err != nil {
			s.close()
			s = nil
			return err
		}
		signed = signed[1:]
		return nil
	}
}

func (r *run) failRival(ctx context.Context) (time.Duration, error) {
	at, err := r.rival.leader(ctx)
	if err != nil {
		return 0, err
	}
	value := r.valueOf(1)
	var survivors []func() error
	for i := range r.rival.nodes {
		if i != at {
			g := newGRPC(r.rival.client[i])
			defer g.close()
			survivors = append(survivors, func() error {
				ctx, cancel := context.WithTimeout(ctx, patience)
				defer cancel()
				_, err := g.call(ctx, methodPut, etcdPut(key(r.rival.keys.Add(1)), value))
				return err
			})
		}
	}
	gap, err := gapAfter(ctx, r.rival.nodes[at].kill, survivors)
	if err != nil {
		return 0, err
	}
	if err := r.rival.nodes[at].start(); err != nil {
		return 0, err
	}
	return gap, until(ctx, r.rival.nodes[at], 5*time.Millisecond, func() bool { return r.rival.answers(ctx, at) })
}

// gapLimit is how long writes may stay away.
const gapLimit = time.Minute

// gapAfter lets every writer write once, kills, and measures until the first
// write that began after the kill is answered.
func gapAfter(ctx context.Context, kill func(), writers []func() error) (time.Duration, error) {
	for _, write := range writers {
		if err := write(); err != nil {
			return 0, err
		}
	}
	kill()
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, gapLimit)
	defer cancel()
	answered := make(chan time.Time, len(writers))
	var wg sync.WaitGroup
	for _, write := range writers {
		wg.Go(func() {
			for ctx.Err() == nil {
				if write() == nil {
					answered <- time.Now()
					return
				}
				time.Sleep(2 * time.Millisecond)
			}
		})
	}
	wg.Wait()
	close(answered)
	first, ok := <-answered
	if !ok {
		return 0, ErrServer.With("name", "the federation", "why", "takes no write after its leader was killed", "log", "")
	}
	return first.Sub(begun), nil
}
