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
// a small heap collected at every third would be collected all the time. A node that
// starts or joins reads the whole ledger at once, and nearly all it allocates is
// garbage a moment later: until it has caught up it may leave more of it lying.
const (
	heapRoom    = 48 << 20
	readingRoom = 192 << 20
	importRoom  = 64 << 20
	heapPercent = 35
	leastLive   = 4 << 20 // a heap below this is taken for as large
)

// heap is the collector's setting of this process.
var heap struct {
	once    sync.Once
	mu      sync.Mutex
	reading int // nodes that have not caught up
	imports int // that run
	percent int // as it was set last
}

// tightenHeap sets how often this process collects its garbage, anew after each
// collection, and for a node that begins to read the ledger. GOGC, where it is set,
// decides instead. The function it gives says that the node has caught up, or ended;
// it may be called again.
func tightenHeap() (caughtUp func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	heap.once.Do(func() {
		type sentinel struct{ _ [16]byte } // not tiny: a finalizer of its own
		var again func(*sentinel)
		again = func(s *sentinel) {
			setHeap(0, 0)
			runtime.SetFinalizer(s, again)
		}
		again(new(sentinel))
	})
	setHeap(1, 0)
	return sync.OnceFunc(func() { setHeap(-1, 0) })
}

// importHeap leaves more garbage lying while records are imported: nearly all that an
// import allocates is garbage when its batch is stored. What it gives ends that.
func importHeap() (done func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	setHeap(0, 1)
	return sync.OnceFunc(func() { setHeap(0, -1) })
}

// setHeap sets the percentage after so many nodes more have begun to read, and so
// many imports more run.
func setHeap(reading, imports int) {
	heap.mu.Lock()
	defer heap.mu.Unlock()
	heap.reading, heap.imports = heap.reading+reading, heap.imports+imports
	room := uint64(heapRoom)
	switch {
	case heap.reading > 0:
		room = readingRoom
	case heap.imports > 0:
		room = importRoom
	}
	if percent := heapPercentFor(liveHeap(), room); percent != heap.percent {
		heap.percent = percent
		debug.SetGCPercent(percent)
	}
}

func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}

// heapPercentFor is the collector's percentage for a live heap with so much room for
// garbage, in steps so that it is seldom changed.
func heapPercentFor(live, room uint64) int {
	if live == 0 {
		return 100
	}
	percent := int(room * 100 / max(live, leastLive))
	return max(heapPercent, percent-percent%10)
}
