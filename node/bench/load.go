package bench

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// worker does one thing at a time; each call is one operation that counts, or
// errDry when there is nothing left to do.
type worker interface {
	do() error
	close()
}

// errDry ends a client whose prepared work is used up.
var errDry = errors.New("bench: nothing left to do")

// sample is what one round measured.
type sample struct {
	rate float64 // operations a second
	p50  float64 // ms
	p99  float64 // ms
	cpu  float64 // CPU seconds of the servers per 10,000 operations
	ops  int
}

// drive lets the clients work side by side, for warm before anything counts and
// then for d, and measures the servers meanwhile. An error of any worker ends
// the round. The window ends early when a client runs dry.
func drive(clients []worker, warm, d time.Duration, servers []*process) (sample, error) {
	var (
		wg    sync.WaitGroup
		once  sync.Once
		stop  = make(chan struct{})
		logs  = make([][]done, len(clients))
		errs  = make([]error, len(clients))
		start = time.Now()
	)
	end := func() { once.Do(func() { close(stop) }) }
	for i, c := range clients {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				begun := time.Now()
				if err := c.do(); err != nil {
					if !errors.Is(err, errDry) {
						errs[i] = err
					}
					end()
					return
				}
				now := time.Now()
				logs[i] = append(logs[i], done{now.Sub(start), now.Sub(begun)})
			}
		})
	}
	pause(warm, stop)
	from, before := time.Since(start), cpu(servers)
	if warm == 0 {
		from = 0 // what was done before this line counts, too
	}
	pause(d, stop)
	to, after := time.Since(start), cpu(servers)
	end()
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return sample{}, err
		}
	}
	s := summary(logs, from, to, after-before)
	if s.ops == 0 {
		return sample{}, errors.New("bench: nothing was done within a round")
	}
	return s, nil
}

// done is one operation: when it ended and how long it took.
type done struct{ at, took time.Duration }

func pause(d time.Duration, stop <-chan struct{}) {
	select {
	case <-stop:
	case <-time.After(d):
	}
}

func summary(logs [][]done, from, to time.Duration, cpu float64) sample {
	var took []time.Duration
	for _, l := range logs {
		for _, op := range l {
			if op.at > from && op.at <= to {
				took = append(took, op.took)
			}
		}
	}
	if len(took) == 0 {
		return sample{}
	}
	slices.Sort(took)
	n := float64(len(took))
	return sample{rate: n / (to - from).Seconds(), p50: millis(quantile(took, 0.5)), p99: millis(quantile(took, 0.99)),
		cpu: cpu / n * 10_000, ops: len(took)}
}

// quantile of sorted durations, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
