package machine_test

import (
	"bytes"
	"testing"

	"accord/exchange/bodies"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// BenchmarkRestore is reading the newest snapshot, most of a node's start, with
// its entries nominated by the hundred: ns/entry is per list entry.
func BenchmarkRestore(b *testing.B) {
	on := func() machine.Options {
		return machine.Options{Blobs: bodies.In(b.TempDir(), func(err error) { b.Error(err) })}
	}
	m := FoundBulk(b, on())
	for at := 0; at*100 < *memoryEntries; at += 10 {
		Apply(b, m, Bulk(b, at, 10, 100)...)
	}
	data := written(b, m)
	fresh := FoundBulk(b, on())
	b.ReportAllocs()
	for b.Loop() {
		Must(b, fresh.Restore(bytes.NewReader(data)))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(*memoryEntries), "ns/entry")
}

// BenchmarkAudit is replaying every command, most of what a newcomer does: ns/entry
// as above.
func BenchmarkAudit(b *testing.B) {
	m := FoundBulk(b, machine.Options{Blobs: bodies.In(b.TempDir(), func(err error) { b.Error(err) })})
	for at := 0; at*100 < *memoryEntries; at += 10 {
		Apply(b, m, Bulk(b, at, 10, 100)...)
	}
	b.ReportAllocs()
	for b.Loop() {
		Must(b, m.Audit())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(*memoryEntries), "ns/entry")
}
