package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"testing"

	"accord/consensus/store/disktest"

	"github.com/hashicorp/raft"
)

// content is what a store was told and has acknowledged.
type content struct {
	first, last uint64
	data        map[uint64]string
	vote        string
	snapshot    uint64
}

func (c content) clone() content {
	c.data = maps.Clone(c.data)
	return c
}

func (c *content) drop(lo, hi uint64) {
	for i := lo; i <= hi; i++ {
		delete(c.data, i)
	}
	switch {
	case lo <= c.first && hi >= c.last:
		c.first, c.last = 0, 0
	case lo <= c.first:
		c.first = hi + 1
	default:
		c.last = lo - 1
	}
}

// story is a store under work: now is what it has acknowledged, next what the
// call under way makes of it.
type story struct {
	store     *Store
	snaps     *Snapshots
	rng       *rand.Rand
	now, next content
}

func (s *story) does(change func(*content), act func() error) error {
	s.next = s.now.clone()
	change(&s.next)
	if err := act(); err != nil {
		return err
	}
	s.now = s.next
	return nil
}

func (s *story) append(from uint64, n int) error {
	var list []*raft.Log
	for i := range n {
		data := bytes.Repeat([]byte{byte(s.rng.Uint32())}, s.rng.IntN(700))
		list = append(list, &raft.Log{Index: from + uint64(i), Term: 1, Type: raft.LogCommand, Data: data})
	}
	return s.does(func(c *content) {
		if c.first == 0 {
			c.first = from
		}
		for _, e := range list {
			c.data[e.Index], c.last = string(e.Data), e.Index
		}
	}, func() error {
		if s.rng.IntN(2) == 0 {
			return s.store.StoreLogs(list)
		}
		return errors.Join(s.store.StoreAhead(list), s.store.Durable(list[n-1].Index))
	})
}

func (s *story) delete(lo, hi uint64) error {
	return s.does(func(c *content) { c.drop(lo, hi) }, func() error { return s.store.DeleteRange(lo, hi) })
}

func (s *story) vote(v string) error {
	return s.does(func(c *content) { c.vote = v }, func() error { return s.store.Set([]byte("vote"), []byte(v)) })
}

func (s *story) snap(index uint64) error {
	return s.does(func(c *content) { c.snapshot = index }, func() error {
		sink, err := s.snaps.Create(raft.SnapshotVersionMax, index, 1, membership, 1, nil)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(sink, fmt.Sprint("state at ", index)); err != nil {
			return err
		}
		return sink.Close()
	})
}

// rounds of appends, votes, a follower's conflict, snapshot with compaction, and
// an installed snapshot that replaces the log.
func (s *story) run(rounds int) error {
	var errs error
	for r := range rounds {
		do := func(err error) bool { errs = errors.Join(errs, err); return errs == nil }
		for range 4 {
			if !do(s.append(s.now.last+1, 1+s.rng.IntN(4))) {
				return errs
			}
		}
		last := s.now.last
		ok := do(s.vote(fmt.Sprint("n", r))) &&
			do(s.delete(last-uint64(s.rng.IntN(6)), last)) &&
			do(s.append(s.now.last+1, 3)) &&
			do(s.snap(s.now.last-2)) &&
			do(s.delete(s.now.first, s.now.last-5))
		if ok && r%3 == 2 {
			ok = do(s.snap(s.now.last+50)) && do(s.delete(s.now.first, s.now.last)) && do(s.append(s.now.snapshot+1, 2))
		}
		if !ok {
			return errs
		}
	}
	return nil
}

func (s *story) begin(d *disktest.Disk, create bool) (err error) {
	s.rng, s.now = rand.New(rand.NewPCG(5, 6)), content{data: map[uint64]string{}}
	s.next = s.now
	if s.store, err = Open(inMemory(d, create)); err == nil {
		s.snaps, err = OpenSnapshots(inMemory(d, false))
	}
	return err
}

// read is what a store holds after a start.
func read(s *Store, snaps *Snapshots) (c content, err error) {
	c = content{data: map[uint64]string{}}
	c.first, _ = s.FirstIndex()
	c.last, _ = s.LastIndex()
	for i := c.first; i <= c.last && i > 0; i++ {
		var e raft.Log
		if err := s.GetLog(i, &e); err != nil || e.Index != i {
			return c, fmt.Errorf("entry %d: %w", i, err)
		}
		c.data[i] = string(e.Data)
	}
	v, err := s.Get([]byte("vote"))
	c.vote = string(v)
	c.snapshot, _ = snaps.Newest()
	return c, err
}

func same(a, b content) bool {
	return a.first == b.first && a.last == b.last && a.vote == b.vote && a.snapshot == b.snapshot && maps.Equal(a.data, b.data)
}

// restart opens what a crash left and says whether it is what was acknowledged,
// or that and the whole of the call under way.
func (s *story) restart(d *disktest.Disk) (*story, error) {
	n := &story{}
	if err := n.begin(d, s.now.vote == "" && s.now.last == 0); err != nil {
		return nil, fmt.Errorf("does not open: %w", err)
	}
	have, err := read(n.store, n.snaps)
	if err != nil {
		return nil, err
	}
	if !same(have, s.now) && !same(have, s.next) {
		return nil, fmt.Errorf("holds %d to %d, vote %q, snapshot %d; acknowledged %d to %d, %q, %d; under way %d to %d, %q, %d",
			have.first, have.last, have.vote, have.snapshot, s.now.first, s.now.last, s.now.vote, s.now.snapshot, s.next.first, s.next.last, s.next.vote, s.next.snapshot)
	}
	if err := Reconcile(n.store, n.snaps); err != nil {
		return nil, err
	}
	n.now, err = read(n.store, n.snaps)
	n.next = n.now
	return n, err
}

// A crash at every single call of the disk in appends, votes, conflicts,
// snapshots, compactions and installed snapshots: whatever part of what was not
// synced survives, in whatever order, the store opens, holds all that was
// acknowledged and nothing that was not asked for, and works on. So it does when
// the next crash comes while it opens.
// Shows: F14, F2, F42
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	d, seeds, starts := disktest.New(), 1, 0
	if *long {
		seeds = 100
	}
	s := &story{now: content{data: map[uint64]string{}}}
	s.next = s.now
	// The disk is looked at before each call; what the call before has written
	// is as unsynced then as in the middle of it.
	d.Fault(func(op disktest.Op) error {
		crashes := map[string]func() bool{"the process dies": nil}
		if *long || op.N%2 == 0 {
			crashes["all lost"] = disktest.Dice(0, 2)
		} else {
			crashes["nothing lost"] = disktest.Dice(0, -1)
		}
		for seed := range seeds {
			crashes[fmt.Sprint("dice ", seed)] = disktest.Dice(uint64(op.N*1000+seed), []float64{.5, .1, .9}[(op.N+seed)%3])
		}
		if !*long { // one or two of the three at each call; which, goes round
			switch op.N % 3 {
			case 0:
				delete(crashes, "the process dies")
			case 1:
				delete(crashes, "all lost")
				delete(crashes, "nothing lost")
			default:
				delete(crashes, "the process dies")
				delete(crashes, "dice 0")
			}
		}
		for name, lost := range crashes {
			starts++
			if err := s.survives(d.Crash(lost), op.N); err != nil {
				t.Fatalf("crash before call %d (%s %s), %s: %v", op.N, op.Kind, op.Name, name, err)
			}
		}
		return nil
	})
	if err := s.begin(d, true); err != nil {
		t.Fatal(err)
	}
	if err := s.run(9); err != nil {
		t.Fatal(err)
	}
	if d.Ops() < 500 {
		t.Fatalf("only %d calls", d.Ops())
	}
	t.Logf("%d calls of the disk, %d crashes", d.Ops(), starts)
}

// survives starts again from a crashed disk, once with a second crash on the
// way, and works on.
func (s *story) survives(d *disktest.Disk, at int) error {
	if !*long && at%3 != 0 {
		return s.worksOn(d)
	}
	again := d.Crash(nil)
	again.Fault(func(op disktest.Op) error {
		if op.N >= at/3%7 {
			return disktest.ErrCut
		}
		return nil
	})
	told := s
	if n := (&story{}); n.begin(again, s.now.vote == "" && s.now.last == 0) == nil {
		// It told raft what it holds: from now on that must last.
		now, err := read(n.store, n.snaps)
		if err != nil {
			return err
		}
		told = &story{now: now, next: now}
	}
	if err := s.worksOn(d); err != nil {
		return err
	}
	for _, lost := range []func() bool{disktest.Dice(uint64(at), .5), disktest.Dice(0, 2)} {
		if err := told.worksOn(again.Crash(lost)); err != nil {
			return fmt.Errorf("second crash: %w", err)
		}
	}
	return nil
}

func (s *story) worksOn(d *disktest.Disk) error {
	n, err := s.restart(d)
	if err != nil {
		return err
	}
	if err := n.append(max(n.now.last, n.now.snapshot)+1, 2); err != nil {
		return fmt.Errorf("works on: %w", err)
	}
	if err := n.store.Close(); err != nil {
		return fmt.Errorf("closes: %w", err)
	}
	if _, err := n.restart(d.Crash(disktest.Dice(0, 2))); err != nil {
		return fmt.Errorf("second start: %w", err)
	}
	return nil
}
