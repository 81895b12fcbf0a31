package node

import "testing"

func TestHeapPercent(t *testing.T) {
	for _, c := range []struct {
		live, room uint64
		want       int
	}{
		{0, heapRoom, 100},
		{1 << 20, heapRoom, 1200},
		{16 << 20, heapRoom, 300},
		{40 << 20, heapRoom, 120},
		{100 << 20, heapRoom, 40},
		{200 << 20, heapRoom, heapPercent},
		{1 << 40, heapRoom, heapPercent},
		{4 << 20, readingRoom, 4800},
		{100 << 20, readingRoom, 190},
		{1 << 30, readingRoom, heapPercent},
	} {
		if got := heapPercentFor(c.live, c.room); got != c.want {
			t.Errorf("%d bytes, room for %d: %d %%, want %d", c.live, c.room, got, c.want)
		}
	}
	if liveHeap() == 0 && heapPercentFor(liveHeap(), heapRoom) != 100 {
		t.Error("before the first collection")
	}
}

// TestHeapWhileReading: there is more room from when the first node begins to read
// until the last one has caught up, whoever says it how often.
func TestHeapWhileReading(t *testing.T) {
	t.Setenv("GOGC", "")
	before := heap.reading
	one, other := tightenHeap(), tightenHeap()
	for i, c := range []struct {
		say  func()
		want int
	}{{func() {}, 2}, {one, 1}, {one, 1}, {other, 0}} {
		if c.say(); heap.reading-before != c.want {
			t.Errorf("step %d: %d nodes read, want %d", i, heap.reading-before, c.want)
		}
	}
	running := heap.imports
	done := importHeap()
	if during := heap.imports - running; during != 1 {
		t.Errorf("%d imports run", during)
	}
	done()
	if done(); heap.imports != running {
		t.Error("an import never ends")
	}
}
