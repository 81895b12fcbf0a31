package node

import "testing"

func TestHeapPercent(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 1 << 20: 400, 16 << 20: 100, 40 << 20: 40, 100 << 20: heapPercent, 1 << 40: heapPercent} {
		if got := heapPercentFor(live); got != want {
			t.Errorf("%d bytes: %d %%, want %d", live, got, want)
		}
	}
	if liveHeap() == 0 && heapPercentFor(liveHeap()) != 100 {
		t.Error("before the first collection")
	}
}
