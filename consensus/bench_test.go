package consensus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"accord/consensus/consensustest"
)

// BenchmarkPropose: three nodes in one process, 512-byte payloads, fsync on, all
// clients on the leader or all on a follower. Beside the rate it gives the
// processor time of all three nodes and the clients for each proposal.
func BenchmarkPropose(b *testing.B) {
	for _, role := range []string{"leader", "follower"} {
		for _, clients := range []int{1, 16, 64, 256} {
			b.Run(fmt.Sprintf("%s/clients=%d", role, clients), func(b *testing.B) {
				c := consensustest.New(b, 3, consensustest.Options{Sync: true, Heartbeat: 2 * time.Second})
				node := c.Leader()
				if role == "follower" {
					node = others(c, node)[0]
				}
				c.Propose(node, "warm=1")
				b.ReportAllocs()
				b.ResetTimer()
				began := processorTime()
				propose(b, c.Nodes[node].Log.Propose, clients)
				b.ReportMetric(float64(processorTime()-began)/float64(b.N)/1e3, "cpu-µs/op")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
				b.StopTimer()
			})
		}
	}
}

// propose has clients propose b.N payloads, each the next when one is done.
func propose[R any](b *testing.B, f func(ctx context.Context, payload []byte) (R, error), clients int) {
	var n atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				i := n.Add(1)
				if i > int64(b.N) {
					return
				}
				p := append(make([]byte, 0, 512), fmt.Sprintf("%012d", i)...)
				if _, err := f(b.Context(), p[:512]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
