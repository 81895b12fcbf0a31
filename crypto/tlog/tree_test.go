package tlog

import (
	"bytes"
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const oracleSize = 300

func testLeaf(i int64) Hash { return LeafHash(fmt.Appendf(nil, "leaf %d", i)) }

func testTree(size int64) *Tree {
	t := new(Tree)
	for i := range size {
		t.Append(testLeaf(i))
	}
	return t
}

// The definitions of RFC 6962 section 2.1, word for word and nothing shared
// with the code under test: MTH, PATH and PROOF/SUBPROOF.

func mth(d []Hash) Hash {
	switch len(d) {
	case 0:
		return EmptyRoot()
	case 1:
		return d[0]
	}
	k := 1 << (bits.Len(uint(len(d)-1)) - 1) // largest power of two below len(d)
	return NodeHash(mth(d[:k]), mth(d[k:]))
}

func rfcPath(m int, d []Hash) []Hash {
	if len(d) == 1 {
		return nil
	}
	k := 1 << (bits.Len(uint(len(d)-1)) - 1)
	if m < k {
		return append(rfcPath(m, d[:k]), mth(d[k:]))
	}
	return append(rfcPath(m-k, d[k:]), mth(d[:k]))
}

func rfcSubproof(m int, d []Hash, known bool) []Hash {
	if m == len(d) {
		if known {
			return nil
		}
		return []Hash{mth(d)}
	}
	k := 1 << (bits.Len(uint(len(d)-1)) - 1)
	if m <= k {
		return append(rfcSubproof(m, d[:k], known), mth(d[k:]))
	}
	return append(rfcSubproof(m-k, d[k:], false), mth(d[:k]))
}

// TestAgainstRFC compares roots, both kinds of proofs and frontiers with the
// RFC's recursive definitions at sizes that cover every shape up to 70, and
// checks that every proof verifies.
func TestAgainstRFC(t *testing.T) {
	const max = 70
	v := testTree(max).View()
	leaves := make([]Hash, max)
	for i := range leaves {
		leaves[i] = testLeaf(int64(i))
	}
	roots := make([]Hash, max+1)
	for n := range roots {
		roots[n] = mth(leaves[:n])
		if got, err := v.RootAt(int64(n)); err != nil || got != roots[n] {
			t.Fatalf("RootAt(%d) = %v, %v", n, got, err)
		}
	}
	for n := 1; n <= max; n++ {
		for m := range n {
			got, err := v.ProveInclusion(int64(m), int64(n))
			if err != nil || !equalHashes(got, rfcPath(m, leaves[:n])) {
				t.Fatalf("ProveInclusion(%d, %d): %v", m, n, err)
			}
			if err := CheckInclusion(got, int64(n), int64(m), roots[n], leaves[m]); err != nil {
				t.Fatal(err)
			}
			got, err = v.ProveConsistency(int64(m), int64(n))
			var want []Hash
			if m > 0 {
				want = rfcSubproof(m, leaves[:n], true)
			}
			if err != nil || !equalHashes(got, want) {
				t.Fatalf("ProveConsistency(%d, %d): %v", m, n, err)
			}
			if err := CheckConsistency(got, int64(m), roots[m], int64(n), roots[n]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAgainstMod compares every size up to oracleSize with x/mod's own storage
// scheme kept in a plain slice, across a chunk border of the tree.
func TestAgainstMod(t *testing.T) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(ix []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(ix))
		for i, x := range ix {
			out[i] = stored[x]
		}
		return out, nil
	})
	var tree Tree
	var f Frontier
	for n := int64(0); n < chunkLen; n++ {
		more, err := tlog.StoredHashes(n, fmt.Appendf(nil, "leaf %d", n), reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
		if tree.Append(testLeaf(n)) != n || f.Append(testLeaf(n)) != n {
			t.Fatalf("index of leaf %d", n)
		}
		v := tree.View()
		want, _ := tlog.TreeHash(n+1, reader)
		vf := v.Frontier()
		if v.Root() != Hash(want) || f.Root() != Hash(want) || vf.Root() != Hash(want) || f.Size() != n+1 {
			t.Fatalf("roots differ at size %d", n+1)
		}
		if v.count != int64(len(stored)) {
			t.Fatalf("%d stored hashes, want %d", v.count, len(stored))
		}
		if n >= oracleSize {
			continue
		}
		for m := int64(0); m <= n; m++ {
			p1, _ := tlog.ProveRecord(n+1, m, reader)
			got1, err1 := v.ProveInclusion(m, n+1)
			p2, _ := tlog.ProveTree(n+1, m+1, reader)
			got2, err2 := v.ProveConsistency(m+1, n+1)
			if err1 != nil || err2 != nil || !equalHashes(got1, fromMod(p1)) || !equalHashes(got2, fromMod(p2)) {
				t.Fatalf("proofs of %d in %d differ", m, n+1)
			}
		}
	}
}

// TestTamperedProofs changes every part of valid proofs; none may still hold.
func TestTamperedProofs(t *testing.T) {
	const n = 37
	v := testTree(n).View()
	root := v.Root()
	for m := range int64(n) {
		leaf, _ := v.Leaf(m)
		p, _ := v.ProveInclusion(m, n)
		bad := func(what string, p []Hash, size, index int64, root, leaf Hash) {
			t.Helper()
			err := CheckInclusion(p, size, index, root, leaf)
			if !errors.Is(err, ErrProof) && !errors.Is(err, ErrRange) {
				t.Errorf("inclusion of %d, %s: %v", m, what, err)
			}
		}
		for i := range p {
			q := append([]Hash(nil), p...)
			q[i][m%32] ^= 1
			bad("flipped bit", q, n, m, root, leaf)
		}
		bad("short", p[:len(p)-1], n, m, root, leaf)
		bad("long", append(append([]Hash(nil), p...), root), n, m, root, leaf)
		bad("long in front", append([]Hash{leaf}, p...), n, m, root, leaf)
		bad("index+1", p, n, m+1, root, leaf)
		bad("index-1", p, n, m-1, root, leaf)
		bad("other leaf", p, n, m, root, testLeaf(m+1))
		bad("other root", p, n, m, leaf, leaf)
		bad("double size", p, 2*n, m, root, leaf)
		old, _ := v.RootAt(m)
		q, _ := v.ProveConsistency(m, n)
		badTree := func(what string, p []Hash, from int64, old Hash, to int64, root Hash) {
			t.Helper()
			err := CheckConsistency(p, from, old, to, root)
			if !errors.Is(err, ErrProof) && !errors.Is(err, ErrRange) {
				t.Errorf("consistency of %d, %s: %v", m, what, err)
			}
		}
		badTree("long", append(append([]Hash(nil), q...), root), m, old, n, root)
		badTree("other old root", q, m, leaf, n, root)
		if m > 0 {
			badTree("other new root", q, m, old, n, leaf)
			badTree("short", q[:len(q)-1], m, old, n, root)
		}
		badTree("backwards", q, n, root, m, old)
	}
}

// TestHugeSizes asks for sizes at which x/mod's arithmetic would not end.
func TestHugeSizes(t *testing.T) {
	for _, size := range []int64{MaxSize + 1, 1 << 62, 1<<62 + 1, 1<<63 - 1, -1, -1 << 63} {
		if err := CheckInclusion(nil, size, 0, Hash{}, Hash{}); !errors.Is(err, ErrRange) {
			t.Errorf("inclusion in %d: %v", size, err)
		}
		if err := CheckConsistency(nil, 1, Hash{}, size, Hash{}); !errors.Is(err, ErrRange) {
			t.Errorf("consistency to %d: %v", size, err)
		}
	}
	if err := CheckInclusion(make([]Hash, 60), MaxSize, MaxSize-1, Hash{}, Hash{}); !errors.Is(err, ErrProof) {
		t.Errorf("at MaxSize: %v", err)
	}
}

func TestEmptyTree(t *testing.T) {
	var tree Tree
	if tree.Size() != 0 || tree.Root() != EmptyRoot() {
		t.Error("zero Tree is not the empty tree")
	}
	one := testTree(1).View()
	p, err := one.ProveConsistency(0, 1)
	if err != nil || p == nil || len(p) != 0 || CheckConsistency(p, 0, EmptyRoot(), 1, one.Root()) != nil {
		t.Errorf("from the empty tree: %v, %v", p, err)
	}
	if CheckConsistency(nil, 0, one.Root(), 1, one.Root()) == nil ||
		CheckConsistency(nil, 0, EmptyRoot(), 0, one.Root()) == nil ||
		CheckConsistency([]Hash{{}}, 0, EmptyRoot(), 1, one.Root()) == nil {
		t.Error("believed a lie about the empty tree")
	}
	for _, err := range []error{
		second(tree.RootAt(1)), second(tree.RootAt(-1)), second(tree.ProveInclusion(0, 0)),
		second(tree.ProveInclusion(0, 1)), second(tree.ProveConsistency(0, 1)), second(tree.ProveConsistency(1, 0)),
		second(tree.View().Leaf(0)), second(one.Leaf(-1)),
	} {
		if !errors.Is(err, ErrRange) {
			t.Errorf("out of range: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestViews lets readers verify proofs against views of every age while the
// writer appends; the race detector watches.
func TestViews(t *testing.T) {
	const total = 3000
	var tree Tree
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			first := tree.View()
			for {
				v := tree.View()
				if n := v.Size(); n > 0 {
					leaf, _ := v.Leaf(n / 2)
					p, err := v.ProveInclusion(n/2, n)
					if err != nil || leaf != testLeaf(n/2) || CheckInclusion(p, n, n/2, v.Root(), leaf) != nil {
						t.Errorf("view of %d: %v", n, err)
					}
				}
				old, _ := v.RootAt(first.Size())
				if old != first.Root() {
					t.Error("an old view changed")
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := range int64(total) {
		tree.Append(testLeaf(i))
	}
	close(done)
	wg.Wait()
}

func TestMarshalTree(t *testing.T) {
	for _, n := range []int64{0, 1, 2, 3, 255, 256, 257, 1500} {
		v := testTree(n).View()
		data, err := v.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		back, err := UnmarshalTree(data)
		if err != nil || back.Size() != n || back.Root() != v.Root() {
			t.Fatalf("size %d: %v", n, err)
		}
		if again, _ := back.View().MarshalBinary(); !bytes.Equal(again, data) {
			t.Errorf("size %d: marshals differently", n)
		}
		for i := range data {
			if i > treeHeader+64 && i < len(data)-64 {
				continue
			}
			bad := bytes.Clone(data)
			bad[i] ^= 0x10
			if tr, err := UnmarshalTree(bad); err == nil || tr != nil {
				t.Fatalf("size %d: accepted with byte %d changed", n, i)
			}
		}
		for _, bad := range [][]byte{data[:len(data)-1], append(bytes.Clone(data), 0), nil} {
			if tr, err := UnmarshalTree(bad); err == nil || tr != nil {
				t.Fatalf("size %d: accepted %d bytes", n, len(bad))
			}
		}
		if _, err := ReadTree(bytes.NewReader(data), n-1); !errors.Is(err, ErrRange) {
			t.Errorf("size %d: limit ignored: %v", n, err)
		}
		// A snapshot reader goes on behind the tree.
		r := bytes.NewReader(append(bytes.Clone(data), "next"...))
		if _, err := ReadTree(r, n); err != nil || r.Len() != 4 {
			t.Errorf("size %d: read past the end: %d left, %v", n, r.Len(), err)
		}
	}
}

func TestMarshalFrontier(t *testing.T) {
	v := testTree(300).View()
	for n := int64(0); n <= 300; n++ {
		f := testTree(n).View().Frontier()
		data, _ := f.MarshalBinary()
		var back Frontier
		if err := back.UnmarshalBinary(data); err != nil || back.Size() != n {
			t.Fatalf("size %d: %v", n, err)
		}
		if want, _ := v.RootAt(n); back.Root() != want {
			t.Fatalf("size %d: root", n)
		}
		copied := back
		back.Append(testLeaf(n))
		copied.Append(testLeaf(-1)) // must not disturb the first
		if want, err := v.RootAt(n + 1); err == nil && back.Root() != want {
			t.Fatalf("size %d: root after append", n)
		}
		if back.UnmarshalBinary(append(data, 0)) == nil || n > 0 && back.UnmarshalBinary(data[:len(data)-1]) == nil {
			t.Fatalf("size %d: bad length accepted", n)
		}
	}
}

// TestSound flips every bit of every stored hash: some leaf sees it. And a tree
// that has lost its last hash is noticed by every leaf.
//
// Shows: F41
func TestSound(t *testing.T) {
	const size = 37
	tree := testTree(size)
	sound := func(v View) bool {
		for i := range v.Size() {
			if !v.Sound(i, testLeaf(i)) {
				return false
			}
		}
		return true
	}
	v := tree.View()
	if !sound(v) || v.Sound(-1, Hash{}) || v.Sound(size, testLeaf(size)) || v.Sound(3, testLeaf(4)) {
		t.Fatal("a sound tree is not, or a wrong leaf is")
	}
	for i := range v.count {
		for bit := range 256 {
			stored := &v.chunks[i/chunkLen][i%chunkLen]
			stored[bit/8] ^= 1 << (bit % 8)
			if sound(v) {
				t.Fatalf("bit %d of hash %d turned unnoticed", bit, i)
			}
			stored[bit/8] ^= 1 << (bit % 8)
		}
	}
	v.count--
	if v.Sound(0, testLeaf(0)) {
		t.Error("a lost hash is not noticed")
	}
}

// TestWith: a view with more leaves is the tree that will be, at every size around
// the end of a chunk, and changes nothing in the tree that is.
func TestWith(t *testing.T) {
	for _, size := range []int64{0, 1, 7, 511, 512, 513, 1023} {
		tree, want := testTree(size), testTree(size+9)
		root := tree.Root()
		var more []Hash
		for i := range int64(9) {
			more = append(more, testLeaf(size+i))
		}
		v := tree.View().With(more)
		if v.Size() != size+9 || v.Root() != want.Root() || tree.Root() != root {
			t.Errorf("at size %d", size)
		}
		tree.Append(LeafHash([]byte("another")))
		if v.Root() != want.Root() || !v.Sound(size, testLeaf(size)) {
			t.Errorf("at size %d: the tree went on into the view", size)
		}
	}
}
