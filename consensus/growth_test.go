package consensus

import "testing"

// A node that is far behind what the leader says is committed waits longer for its
// next snapshot, and no longer once it has nearly caught up.
func TestGrowthWhileCatchingUp(t *testing.T) {
	const size = 100
	for _, c := range []struct {
		what  string
		known uint64
		due   uint64 // the entry that makes a snapshot due
	}{
		{"nothing is known", 0, 10},
		{"level", 10, 10},
		{"lagging a little", 10 + behind, 10},
		{"far behind", 10_000, 10 * catchingUp},
		{"caught up on the way", 20 + behind, 20},
	} {
		g := newGrowth(10*size, "")
		g.known.Store(c.known)
		for i := uint64(1); i <= c.due; i++ {
			if len(g.due) > 0 {
				t.Fatalf("%s: due at entry %d, want %d", c.what, i-1, c.due)
			}
			g.applied(i, size)
		}
		if len(g.due) == 0 {
			t.Errorf("%s: not due at entry %d", c.what, c.due)
		}
	}
}
