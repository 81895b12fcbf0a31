package node

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// How much garbage may lie beside the live heap before it is collected: a third
// of it, but never less than a little. The ledger's rows hold no pointers, so
// collecting often costs little, and memory is what limits how many a node holds;
// a small heap collected at every third would be collected all the time.
const (
	heapRoom    = 16 << 20
	heapPercent = 35
)

var tightenOnce sync.Once

// tightenHeap sets how often this process collects its garbage, anew after each
// collection. GOGC, where it is set, decides instead.
func tightenHeap() {
	tightenOnce.Do(func() {
		if os.Getenv("GOGC") != "" {
			return
		}
		type sentinel struct{ _ [16]byte } // not tiny: a finalizer of its own
		var again func(*sentinel)
		last := 0
		again = func(s *sentinel) {
			if percent := heapPercentFor(liveHeap()); percent != last {
				last = percent
				debug.SetGCPercent(percent)
			}
			runtime.SetFinalizer(s, again)
		}
		again(new(sentinel))
	})
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// heapPercentFor is the collector's percentage for a live heap, in steps so that
// it is seldom changed.
func heapPercentFor(live uint64) int {
	if live == 0 {
		return 100
	}
	percent := int(min(heapRoom*100/live, 400))
	return max(heapPercent, percent-percent%10)
}
