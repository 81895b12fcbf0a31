package machine_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

func trusted(m *machine.Machine) machine.Trusted {
	return machine.Trusted{Size: m.View().Size(), Root: m.View().Root()}
}

// TestPrepare: a snapshot is judged against a trusted checkpoint and against
// what the node has seen itself, before anything changes.
//
// Shows: B9
func TestPrepare(t *testing.T) {
	ctx := context.Background()
	m := lived(t, 30)
	data := written(t, m)
	fresh, behind, fork := New(t), lived(t, 12), New(t)
	for _, p := range History(t, 77, 12) {
		Apply(t, fork, p)
	}
	for name, node := range map[string]*machine.Machine{"new": fresh, "behind": behind, "the same": m} {
		before := node.View()
		p, err := node.Prepare(ctx, bytes.NewReader(data), trusted(m), true)
		Must(t, err)
		if node.View() != before || p.Index != m.View().Index() || p.Size != m.View().Size() || p.Root != m.View().Root() {
			t.Errorf("%s: %+v", name, p)
		}
		Must(t, node.Restore(bytes.NewReader(data)))
		if markOf(t, node) != markOf(t, m) {
			t.Errorf("%s: the restored state differs", name)
		}
	}
	wrongSize, wrongRoot := trusted(m), trusted(m)
	wrongSize.Size--
	wrongRoot.Root[3] ^= 1
	done, cancel := context.WithCancel(ctx)
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		node *machine.Machine
		data []byte
		t    machine.Trusted
	}{
		"another size":   {ctx, New(t), data, wrongSize},
		"another root":   {ctx, New(t), data, wrongRoot},
		"a fork":         {ctx, fork, data, trusted(m)},
		"cut short":      {ctx, New(t), data[:len(data)-1], trusted(m)},
		"nothing":        {ctx, New(t), nil, trusted(m)},
		"given up":       {done, New(t), data, trusted(m)},
		"one more byte":  {ctx, New(t), append(bytes.Clone(data), 0), trusted(m)},
		"a flipped byte": {ctx, New(t), resummed(data, func(b []byte) { b[len(b)/2] ^= 1 }), trusted(m)},
	} {
		before := c.node.View()
		if p, err := c.node.Prepare(c.ctx, bytes.NewReader(c.data), c.t, false); !errors.Is(err, machine.ErrSnapshot) || p != nil || c.node.View() != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPreparedIsWhatIsRestored: what was judged is restored without being built
// again, and nothing else passes as it.
func TestPreparedIsWhatIsRestored(t *testing.T) {
	ctx := context.Background()
	m, older := lived(t, 30), lived(t, 12)
	data := written(t, m)
	node := New(t)
	prepare := func() {
		t.Helper()
		_, err := node.Prepare(ctx, bytes.NewReader(data), trusted(m), false)
		Must(t, err)
	}
	prepare()
	before := node.View()
	swapped := resummed(data, func(b []byte) { b[len(b)-40] ^= 1 })
	if err := node.Restore(bytes.NewReader(swapped)); !errors.Is(err, machine.ErrSnapshot) || node.View() != before {
		t.Errorf("another stream under the same header: %v", err)
	}
	prepare()
	Must(t, node.Restore(bytes.NewReader(written(t, older)))) // another snapshot is built as usual
	if markOf(t, node) != markOf(t, older) {
		t.Error("the prepared state replaced another one")
	}
	prepare()
	Apply(t, node, History(t, 5, 13)[12]) // the node goes on meanwhile
	Must(t, node.Restore(bytes.NewReader(data)))
	if markOf(t, node) != markOf(t, m) {
		t.Error("the restored state differs")
	}
	prepare()
	node.Forget()
	Must(t, node.Restore(bytes.NewReader(data)))
}

// TestPrepareFindsPoison: rows that no command brought about are found by the
// audit, though checksum, tree and root are right.
//
// Shows: B9
func TestPrepareFindsPoison(t *testing.T) {
	m := Found(t, machine.Options{})
	Do(t, m, Order{By: "court", ID: "n", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "1", nil))})
	Must(t, machine.Poison(m, "court", exchange.EntryID(ID("entry 1"))))
	data := written(t, m)
	if _, err := New(t).Prepare(context.Background(), bytes.NewReader(data), trusted(m), true); !errors.Is(err, machine.ErrSnapshot) {
		t.Errorf("not found: %v", err)
	}
	node := New(t)
	_, err := node.Prepare(context.Background(), bytes.NewReader(data), trusted(m), false)
	Must(t, err) // without the audit it cannot be seen
	Must(t, node.Restore(bytes.NewReader(data)))
	if e, _ := node.View().Entry(exchange.EntryID(ID("entry 1"))); e.StatusAt(Start) != lists.Withdrawn {
		t.Error("the test's poison has no effect")
	}
}

func TestSizeAt(t *testing.T) {
	m := New(t)
	sizes := []int64{1}
	for i, p := range History(t, 8, 12) {
		if i%4 == 3 {
			_, err := m.Apply(m.View().Index()+1, nil)
			Must(t, err)
			sizes = append(sizes, m.View().Size())
		}
		Apply(t, m, p)
		sizes = append(sizes, m.View().Size())
	}
	v := reborn(t, lives[0], m).View()
	for i, want := range sizes {
		if got := v.SizeAt(uint64(i)); got != want {
			t.Errorf("size at %d: %d, want %d", i, got, want)
		}
	}
	if got := v.SizeAt(v.Index() + 1); got != 0 {
		t.Errorf("size at an index that is not here: %d", got)
	}
}

// TestHookSeesEveryPoint: fault tests rely on the names.
func TestHookSeesEveryPoint(t *testing.T) {
	seen := map[string]int{}
	m := Found(t, machine.Options{Hook: func(p string) { seen[p]++ }})
	Apply(t, m, Sign(t, withdrawal("w")))
	Must(t, m.Restore(bytes.NewReader(written(t, m))))
	for _, p := range []string{"machine.apply.begin", "machine.apply.commit", "machine.apply.committed", "machine.apply.published",
		"machine.snapshot.taken", "machine.snapshot.write.before", "machine.snapshot.write.seal",
		"machine.restore.before", "machine.restore.swap", "machine.restore.after"} {
		if seen[p] != 1 {
			t.Errorf("%s was passed %d times", p, seen[p])
		}
		delete(seen, p)
	}
	if len(seen) != 0 {
		t.Errorf("points without a name in the list: %v", seen)
	}
}
