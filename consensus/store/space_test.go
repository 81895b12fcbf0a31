package store

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"accord/consensus/store/disk"
	"accord/consensus/store/disktest"
)

var errEIO = errors.New("input/output error")

// onSmallDisk is a store on a disk of 1 MiB of which 64 KiB stay free. It never stops.
func onSmallDisk(t *testing.T) (*disktest.Disk, *Store) {
	t.Helper()
	d := disktest.New()
	d.Limit(1 << 20)
	opt := inMemory(d, true)
	opt.Floor = 64 << 10
	opt.Fatal = func(err error) { t.Error("stopped:", err) }
	s, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return d, s
}

// A disk that fills up is noticed while there is still room: first nothing new
// is taken on, then nothing at all, and no call has failed. When there is room
// again the store goes on by itself.
// Shows: F10
func TestDiskFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := onSmallDisk(t)
		look := func() { time.Sleep(lookEvery) }
		i := uint64(1)
		fill(t, s, i, 100)
		look()
		if err := s.Room(); err != nil {
			t.Fatal(err)
		}
		free, _, _ := d.Space()
		d.Limit(1<<20 - free + 60<<10) // somebody else has filled the disk
		look()
		if err := s.Room(); !errors.Is(err, ErrDiskFull) {
			t.Fatalf("under the floor: %v", err)
		}
		holdsEntry := func(i, term uint64) error {
			e := entry(i)
			e.Term += term
			return s.Holds([]*raft.Log{e})
		}
		if err := holdsEntry(101, 0); err != nil {
			t.Fatalf("there is a spare: %v", err)
		}
		files := len(s.segments)
		for i = 101; holdsEntry(i, 0) == nil; i++ { // what is under way is still stored
			fill(t, s, i, i)
		}
		if g := s.segments[len(s.segments)-1]; len(s.segments) != files+1 || g.end+batchSize([]*raft.Log{entry(i)}) <= g.size {
			t.Fatalf("%d entries found room in %d files, %d of %d bytes of the last", i-101, len(s.segments)-files, g.end, g.size)
		}
		if err := holdsEntry(i-1, 0); err != nil {
			t.Errorf("an entry that is here already: %v", err)
		}
		if holdsEntry(i-1, 1) == nil || holdsEntry(i+1, 0) == nil {
			t.Error("there is room for an entry of another term, or beyond the end")
		}
		if err := errors.Join(s.SetUint64([]byte("term"), 7), holds(s, 1, i-1, "")); err != nil {
			t.Fatal(err)
		}
		d.Limit(1 << 20)
		look()
		if err := errors.Join(s.Room(), holdsEntry(i, 0)); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
		fill(t, s, i, i+100)
		if err := errors.Join(s.Room(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if err := holds(openOn(t, d.Crash(nil), false), 1, i+100, ""); err != nil {
			t.Fatal(err)
		}
	})
}

// A disk without a byte left takes votes, and entries as long as the room taken
// ahead lasts: the ballast gives what the state needs, and it is back when there
// is room again.
// Shows: F10
func TestBallast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := onSmallDisk(t)
		fill(t, s, 1, 100)
		for round := range 2 {
			free, _, _ := d.Space()
			d.Limit(1<<20 - free)
			time.Sleep(lookEvery)
			if err := s.Room(); !errors.Is(err, ErrDiskFull) {
				t.Fatalf("no byte is free: %v", err)
			}
			files, last := len(s.segments), s.last
			for term := range uint64(20) {
				if err := s.SetUint64([]byte("term"), term); err != nil {
					t.Fatalf("round %d, term %d: %v", round, term, err)
				}
			}
			for s.Holds([]*raft.Log{entry(s.last + 1)}) == nil {
				fill(t, s, s.last+1, s.last+1)
			}
			if len(s.segments) <= files { // the ballast is larger than these small files
				t.Errorf("round %d: %d entries went into %d new files", round, s.last-last, len(s.segments)-files)
			}
			d.Limit(1 << 20)
			for range 2 { // the floor, then the room
				time.Sleep(lookEvery)
				if err := s.Room(); err != nil {
					t.Fatal(err)
				}
			}
			if names, err := d.List(); err != nil || !slices.Contains(names, ballastName) {
				t.Fatalf("round %d: no ballast in %v: %v", round, names, err)
			}
			fill(t, s, s.last+1, s.last+200)
		}
		last := s.last
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		d.Limit(0)
		s = openOn(t, d.Crash(nil), false)
		if err := holds(s, 1, last, ""); err != nil || s.space.bare.Load() {
			t.Fatalf("opened again: %v, bare %t", err, s.space.bare.Load())
		}
	})
}

// At every call a disk can be full or fail. Whatever happens is either a refusal
// that changed nothing or the end of the node; what was acknowledged is there
// afterwards.
// Shows: F10, F11
func TestErrorAtEveryCall(t *testing.T) {
	whole := disktest.New()
	s := &story{}
	if err := errors.Join(s.begin(whole, true), s.run(4)); err != nil {
		t.Fatal(err)
	}
	for at := range whole.Ops() {
		for name, fail := range map[string]error{"full": disk.ErrFull, "broken": errEIO} {
			if !*long && (name == "full") != (at%2 == 0) { // they take turns
				continue
			}
			d := disktest.New()
			d.Fault(func(op disktest.Op) error {
				if op.N == at {
					return fail
				}
				return nil
			})
			s := &story{now: content{data: map[uint64]string{}}}
			s.next = s.now
			if s.begin(d, true) == nil {
				_ = s.run(4) // what an error leaves behind is judged below
			}
			if err := s.worksOn(d.Crash(disktest.Dice(uint64(at), .5))); err != nil {
				t.Fatalf("call %d, %s: %v", at, name, err)
			}
		}
	}
}
