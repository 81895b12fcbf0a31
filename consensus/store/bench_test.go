package store

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"accord/consensus/store/disk"

	"github.com/hashicorp/raft"
)

// BenchmarkAppendBesideSnapshot appends while a snapshot of 256 MiB is written and
// gives the longest time one append took, beside the longest without: how long a
// snapshot holds commits up.
func BenchmarkAppendBesideSnapshot(b *testing.B) {
	for b.Loop() {
		opt := Options{Dir: b.TempDir(), NodeID: "n1", Create: true, Fatal: func(err error) { b.Error(err) }}
		s, err := Open(opt)
		if err != nil {
			b.Fatal(err)
		}
		snaps, err := OpenSnapshots(opt)
		if err != nil {
			b.Fatal(err)
		}
		next := uint64(1)
		longest := func(done func() bool) (ms float64) {
			for !done() {
				began := time.Now()
				if err := s.StoreLog(&raft.Log{Index: next, Term: 1, Data: make([]byte, 600)}); err != nil {
					b.Fatal(err)
				}
				next++
				ms = max(ms, time.Since(began).Seconds()*1e3)
			}
			return ms
		}
		quiet := time.Now()
		b.ReportMetric(longest(func() bool { return time.Since(quiet) > 2*time.Second }), "ms-longest-without")
		var over atomic.Bool
		go func() {
			defer over.Store(true)
			sink, err := snaps.Create(raft.SnapshotVersionMax, 1, 1, membership, 1, nil)
			part := make([]byte, 64<<10)
			for i := 0; err == nil && i < 256<<20/len(part); i++ {
				_, err = sink.Write(part)
			}
			if err != nil || sink.Close() != nil {
				b.Error(err)
			}
		}()
		b.ReportMetric(longest(over.Load), "ms-longest-beside")
		_ = s.Close()
	}
}

// BenchmarkAppend is one StoreLogs of n entries of 600 bytes, durable, beside
// what the machine's disk does in one write and one sync of as many bytes.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("store/entries=%d", n), func(b *testing.B) {
			s, err := Open(Options{Dir: b.TempDir(), NodeID: "n1", Create: true, Fatal: func(err error) { b.Error(err) }})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			list, next := make([]*raft.Log, n), uint64(1)
			for b.Loop() {
				for i := range list {
					list[i] = &raft.Log{Index: next, Term: 1, Data: make([]byte, 600)}
					next++
				}
				if err := s.StoreLogs(list); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			_ = s.Close()
		})
		b.Run(fmt.Sprintf("disk/entries=%d", n), func(b *testing.B) {
			f, err := disk.Dir(b.TempDir(), true).Create("f")
			if err == nil {
				err = f.Reserve(64<<20, true)
			}
			if err == nil {
				err = f.Sync()
			}
			if err != nil {
				b.Fatal(err)
			}
			p, at := make([]byte, n*aligned(recordHead+600)), int64(0)
			for b.Loop() {
				if _, err := f.WriteAt(p, at); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
				at = (at + int64(len(p))) % (63 << 20)
			}
		})
	}
}
