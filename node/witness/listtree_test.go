package witness

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/machine/machinetest"
)

// TestTheTreeOfWhoIsListed: brought forward from an older base, by any steps, it is the
// tree that all entries give, and the old base stays what it was.
func TestTheTreeOfWhoIsListed(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	moved := 0
	for seed := uint64(1); seed <= 6; seed++ {
		m := machinetest.New(t)
		var first, last exchange.Millis
		for _, p := range machinetest.History(t, seed, 300) {
			if m.Check(p) == nil {
				machinetest.Apply(t, m, p)
			}
		}
		view := m.View()
		for e := range lists.All(view.Rows()) {
			first = e.NominatedAt
			last = max(last, e.ListedUntil)
		}
		if last == 0 {
			t.Fatal("a history without entries")
		}
		for range 60 {
			size, at := 1+rnd.Int64N(view.Size()), first-1000+exchange.Millis(rnd.Int64N(int64(last-first)+2000))
			base := newBase(view, machinetest.Federation, size, at)
			before := base.tree.Checkpoint(machinetest.Federation, 1, 1)
			for step := base; step.size < view.Size() || step.at < last; {
				size, at = step.size+rnd.Int64N(view.Size()-step.size+1), step.at+exchange.Millis(rnd.Int64N(int64(max(last-step.at, 1))+1))
				if rnd.IntN(4) == 0 {
					size, at = view.Size(), max(at, last)
				}
				next, whole := step.forward(view, machinetest.Federation, size, at), newBase(view, machinetest.Federation, size, at)
				if !slices.Equal(next.keys, whole.keys) || next.rows != whole.rows || next.tree.Checkpoint(machinetest.Federation, 1, 1) != whole.tree.Checkpoint(machinetest.Federation, 1, 1) {
					t.Fatalf("history %d, from %d at %d to %d at %d: %d keys, want %d", seed, step.size, step.at, size, at, len(next.keys), len(whole.keys))
				}
				if len(next.keys) != len(step.keys) {
					moved++
				}
				step = next
			}
			if base.tree.Checkpoint(machinetest.Federation, 1, 1) != before {
				t.Fatal("a base changed")
			}
		}
	}
	if moved < 100 {
		t.Errorf("only %d steps in which somebody came or went", moved)
	}
}

// As long as nobody came or went an answer makes no tree and reads no entry.
func TestNothingIsReadWhereNothingChanged(t *testing.T) {
	m := machinetest.FoundBulk(t, machine.Options{})
	machinetest.Apply(t, m, machinetest.Bulk(t, 0, 20, 100)...)
	view := m.View()
	base := newBase(view, machinetest.Federation, view.Size(), machinetest.Start+1)
	if n := testing.AllocsPerRun(10, func() { base.forward(view, machinetest.Federation, view.Size(), machinetest.Start+60_000) }); n > 20 {
		t.Errorf("%v allocations for two thousand entries", n)
	}
	if next := base.forward(view, machinetest.Federation, view.Size(), machinetest.Start+60_000); next.tree != base.tree {
		t.Error("a new tree of the same keys")
	}
}

// A member asks about now. What is long over would cost a look at every entry.
func TestTheTimeOfAWordOnListsIsBounded(t *testing.T) {
	w := newWorld(t)
	p := w.open("court")
	now := exchange.MillisOf(w.clock())
	for at, want := range map[exchange.Millis]bool{now: true, now.Add(-listsAge): true, now.Add(-listsAge) - 1: false, now.Add(time.Minute): true, now.Add(time.Minute) + 1: false, 0: false} {
		if _, err := p.SignLists(t.Context(), 1, at); (err == nil) != want {
			t.Errorf("%d ms from now: %v", at-now, err)
		}
	}
}

// BenchmarkListTree is the members' word at a million entries: the first tree, the
// same a minute later, and with one entry more.
func BenchmarkListTree(b *testing.B) {
	const entries = 1_000_000
	m := machinetest.FoundBulk(b, machine.Options{})
	for n := 0; n < entries/100; n += 10 {
		machinetest.Apply(b, m, machinetest.Bulk(b, n, 10, 100)...)
	}
	old := m.View()
	machinetest.Apply(b, m, machinetest.Bulk(b, entries, 1, 1)...)
	view := m.View()
	heap := func() uint64 {
		var st runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&st)
		return st.HeapAlloc
	}
	before := heap()
	base := newBase(old, machinetest.Federation, old.Size(), machinetest.Start+1)
	b.Logf("%d keys, %d MB", len(base.keys), (heap()-before)>>20)
	b.Run("all entries", func(b *testing.B) {
		for b.Loop() {
			newBase(old, machinetest.Federation, old.Size(), machinetest.Start+1)
		}
	})
	b.Run("a minute later", func(b *testing.B) {
		for b.Loop() {
			base.forward(old, machinetest.Federation, old.Size(), machinetest.Start+60_000)
		}
	})
	b.Run("one entry more", func(b *testing.B) {
		for b.Loop() {
			base.forward(view, machinetest.Federation, view.Size(), machinetest.Start+60_000)
		}
	})
	b.Run("an absence", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := base.tree.Absent(machinetest.Federation, "red", "org:91350100M000100Y43"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
