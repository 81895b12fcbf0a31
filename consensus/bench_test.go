package consensus_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus/consensustest"
)

// BenchmarkPropose: three nodes in one process, 512-byte payloads, fsync on, all
// clients on the leader or all on a follower.
func BenchmarkPropose(b *testing.B) {
	for _, role := range []string{"leader", "follower"} {
		for _, clients := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/clients=%d", role, clients), func(b *testing.B) {
				c := consensustest.New(b, 3, consensustest.Options{Sync: true, Heartbeat: 2 * time.Second})
				node := c.Leader()
				if role == "follower" {
					node = others(c, node)[0]
				}
				c.Propose(node, "warm=1")
				var n atomic.Int64
				pad := make([]byte, 500)
				b.SetParallelism((clients + 1) / 2) // two processors
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						p := append(fmt.Appendf(nil, "%012d", n.Add(1)), pad...)
						if _, err := c.Nodes[node].Log.Propose(b.Context(), p); err != nil {
							b.Error(err)
						}
					}
				})
				b.StopTimer()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
			})
		}
	}
}
