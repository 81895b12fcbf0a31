package machine_test

import (
	"flag"
	"fmt"
	"runtime"
	"testing"

	"accord/exchange/bodies"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

var memoryEntries = flag.Int("memory.entries", 20_000, "entries of the memory benchmark; 1000000 for the table in DESIGN.md")

// shapes are the sizes of a log entry: commands, and list entries in each.
var shapes = []struct{ group, entries int }{{1, 1}, {16, 1}, {64, 1}, {256, 1}, {1, 100}, {10, 100}}

func eachShape(b *testing.B, run func(b *testing.B, m *machine.Machine, groups [][][]byte)) {
	for _, s := range shapes {
		b.Run(fmt.Sprintf("%dx%d", s.group, s.entries), func(b *testing.B) {
			b.StopTimer()
			m := FoundBulk(b, machine.Options{})
			rounds := (b.N + s.group*s.entries - 1) / (s.group * s.entries) // b.N counts list entries
			var groups [][][]byte
			for i := range rounds {
				groups = append(groups, Bulk(b, i*s.group, s.group, s.entries))
			}
			b.ReportAllocs()
			b.StartTimer()
			run(b, m, groups)
		})
	}
}

// BenchmarkCheckAll is what every node does before it stores: ns and
// allocations are per list entry.
func BenchmarkCheckAll(b *testing.B) {
	eachShape(b, func(b *testing.B, m *machine.Machine, groups [][][]byte) {
		for _, g := range groups {
			for _, err := range m.CheckAll(g) {
				Must(b, err)
			}
		}
	})
}

// BenchmarkApply is deciding and recording what was checked before, per list
// entry.
func BenchmarkApply(b *testing.B) {
	eachShape(b, func(b *testing.B, m *machine.Machine, groups [][][]byte) {
		for i, g := range groups {
			b.StopTimer()
			m.CheckAll(g)
			b.StartTimer()
			_, err := m.Apply(uint64(i)+1, g)
			Must(b, err)
		}
	})
}

// BenchmarkApplyUnseen is what a node does that replays its log: check and
// apply at once.
func BenchmarkApplyUnseen(b *testing.B) {
	eachShape(b, func(b *testing.B, m *machine.Machine, groups [][][]byte) {
		for i, g := range groups {
			_, err := m.Apply(uint64(i)+1, g)
			Must(b, err)
		}
	})
}

// BenchmarkMemory is the live heap per list entry, nominated one by one and by
// the hundred.
func BenchmarkMemory(b *testing.B) {
	for _, entries := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d a command", entries), func(b *testing.B) {
			m := FoundBulk(b, machine.Options{Blobs: bodies.In(b.TempDir(), func(err error) { b.Error(err) })}) // once, whatever b.N is
			empty := heap()
			for done, at := 0, 0; done < *memoryEntries; {
				n := max(1, 1000/entries)
				Apply(b, m, Bulk(b, at, n, entries)...)
				done, at = done+n*entries, at+n
			}
			b.ReportMetric(float64(heap()-empty)/float64(*memoryEntries), "B/entry")
			runtime.KeepAlive(m)
		})
	}
}

func heap() uint64 {
	var s runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
