package consensus_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/consensustest"
)

func unguarded(cfg *consensus.Config) { cfg.Unguarded = true }

// The switch for measuring takes the guard out and leaves a log that works.
func TestUnguarded(t *testing.T) {
	c := consensustest.New(t, 3, consensustest.Options{Adjust: unguarded})
	for i := range 5 {
		c.Propose(i%3, fmt.Sprintf("k%d=1", i))
	}
	c.Settle()
	if err := send(attacker(t, c.Hub.Join(c.Nodes[0].ID, "second-home:1")), server(c, 1), hostileRequests(server(c, 0), 1000, 1)["depose the leader"]); err != nil {
		t.Errorf("the guard is there: %v", err)
	}
}

// BenchmarkGuard is the price of the guard: the same log with it and without, on
// the hub, 64 clients on the leader. The machine's Check is next to nothing here,
// so this is the guard's own part.
func BenchmarkGuard(b *testing.B) {
	for _, mode := range []string{"with", "without"} {
		b.Run(mode, func(b *testing.B) {
			o := consensustest.Options{Sync: true, Heartbeat: 2 * time.Second}
			if mode == "without" {
				o.Adjust = unguarded
			}
			c := consensustest.New(b, 3, o)
			node := c.Leader()
			c.Propose(node, "warm=1")
			var n atomic.Int64
			pad := make([]byte, 500)
			b.ReportAllocs()
			b.SetParallelism(32) // two processors
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.Nodes[node].Log.Propose(b.Context(), append(fmt.Appendf(nil, "%012d", n.Add(1)), pad...)); err != nil {
						b.Error(err)
					}
				}
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
		})
	}
}
