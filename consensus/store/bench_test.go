package store

import (
	"fmt"
	"testing"

	"accord/consensus/store/disk"

	"github.com/hashicorp/raft"
)

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
				err = f.Reserve(64 << 20)
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
