package tlog

import "testing"

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	var t Tree
	leaf := testLeaf(1)
	for b.Loop() {
		t.Append(leaf)
	}
}

func BenchmarkProveInclusion(b *testing.B) {
	const size = 1 << 17
	v := testTree(size).View()
	root := v.Root()
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		p, _ := v.ProveInclusion(i%size, size)
		if len(p) != 17 || root == (Hash{}) {
			b.Fatal("no proof")
		}
	}
}
