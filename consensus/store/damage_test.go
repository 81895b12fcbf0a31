package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"accord/consensus/store/disktest"

	"github.com/hashicorp/raft"
)

// specimen is a closed store with some of everything: closed segments, one that
// was cut, the one being written, a spare, snapshots, a vote.
func specimen(t testing.TB) (*disktest.Disk, content) {
	t.Helper()
	d := disktest.New()
	s := &story{}
	err := s.begin(d, true)
	if err == nil {
		err = s.run(8)
	}
	if err = errors.Join(err, s.store.Close()); err != nil {
		t.Fatal(err)
	}
	return d, s.now
}

// judge opens a store after damage. It must be refused with a clear error, or
// give back exactly what was acknowledged.
func judge(d *disktest.Disk, want content) (refused bool, err error) {
	s, err := Open(inMemory(d, false))
	if err == nil {
		var snaps *Snapshots
		if snaps, err = OpenSnapshots(inMemory(d, false)); err == nil {
			have, rerr := read(s, snaps)
			if rerr != nil || !same(have, want) {
				return false, fmt.Errorf("opens and holds %d to %d, %w", have.first, have.last, rerr)
			}
			return false, Reconcile(s, snaps)
		}
	}
	if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrFormat) && !errors.Is(err, ErrOwner) {
		return true, fmt.Errorf("damage is reported as %w", err)
	}
	if !strings.Contains(err.Error(), "new node id") && !errors.Is(err, ErrOwner) {
		return true, fmt.Errorf("no advice in %w", err)
	}
	return true, nil
}

func kind(name string) string {
	switch {
	case name == stateName:
		return "state"
	case strings.HasSuffix(name, segmentSuffix):
		return "log"
	case strings.HasSuffix(name, snapSuffix):
		return "snapshot"
	}
	return ""
}

// files are the names of a kind, those that count: the newest snapshot, and the
// parts of the log that hold something.
func files(d *disktest.Disk, k string) (out []string) {
	names, _ := d.List()
	for _, n := range names {
		if kind(n) == k && (k != "log" || !isZero(d.Bytes(n)[segmentHead:])) {
			out = append(out, n)
		}
	}
	if k == "snapshot" {
		out = out[len(out)-1:]
	}
	return out
}

// One flipped bit, anywhere in a file of each kind, is noticed when the store
// opens, or lies where nothing is kept: there is no wrong answer.
// Shows: F15
func TestFlippedBits(t *testing.T) {
	whole, want := specimen(t)
	rng := rand.New(rand.NewPCG(1, 2))
	flips := 200
	if *long {
		flips = 1000
	}
	for _, k := range []string{"state", "log", "snapshot"} {
		names, noticed := files(whole, k), 0
		for range flips {
			d := whole.Crash(nil)
			name := names[rng.IntN(len(names))]
			b := d.Bytes(name)
			used := len(b)
			if k == "log" {
				used = kept(t, whole, name)
			}
			at := rng.IntN(min(len(b), used+used/10))
			b[at] ^= 1 << rng.IntN(8)
			refused, err := judge(d, want)
			if err != nil {
				t.Fatalf("%s, bit at %d: %v", name, at, err)
			}
			if refused {
				noticed++
			} else if at < used {
				t.Fatalf("%s, bit at %d of %d: not noticed", name, at, used)
			}
		}
		t.Logf("%s: %d of %d flips noticed, the others where nothing is kept", k, noticed, flips)
		if noticed < flips/3 {
			t.Fatalf("%s: is anything checked?", k)
		}
	}
}

// kept is where the last record of a segment that counts ends.
func kept(t testing.TB, d *disktest.Disk, name string) int {
	t.Helper()
	st := mustState(t, d)
	for _, x := range st.Segments {
		if segmentName(x.Number) == name {
			r, err := scanSegment(d.Bytes(name), x, st.seed(), 0)
			if err != nil {
				t.Fatal(err)
			}
			return int(r.end)
		}
	}
	t.Fatalf("%s is not part of the log", name)
	return 0
}

// Every bit of the records and seals counts: the newest batch, which a crash
// could have torn, is no exception, because its seal says that it was whole.
// Shows: F15
func TestEveryBitOfTheLastBatch(t *testing.T) {
	d := disktest.New()
	s := openOn(t, d, true)
	fill(t, s, 1, 3)
	at := s.segments[0].end
	fill(t, s, 4, 4)
	want := content{first: 1, last: 4}
	// Not closed: only the seal says so.
	for i := range s.segments[0].end - at {
		for bit := range 8 {
			hurt := d.Crash(nil)
			hurt.Bytes(segmentName(1))[at+i] ^= 1 << bit
			if refused, err := judge(hurt, want); err != nil || !refused {
				t.Fatalf("byte %d, bit %d: refused %v, %v", i, bit, refused, err)
			}
		}
	}
}

// A bit that flips under an open store is noticed when the entry is read.
// Shows: F15
func TestFlippedWhileOpen(t *testing.T) {
	d := disktest.New()
	s := openOn(t, d, true)
	fill(t, s, 1, 100)
	s.recent.clear()
	g := s.segments[0]
	d.Bytes(segmentName(g.Number))[g.spots[5].at+recordHead+2] ^= 4
	var e raft.Log
	if err := s.GetLog(g.First+4, &e); err != nil {
		t.Fatal(err)
	}
	if err := s.GetLog(g.First+5, &e); !errors.Is(err, ErrDamaged) || !errors.Is(s.failed(), ErrLatched) {
		t.Fatalf("%v", err)
	}
}

// Files cut at every record, one byte before and after, or emptied, are refused:
// a segment has its full length from the start.
// Shows: F16
func TestTruncated(t *testing.T) {
	whole, want := specimen(t)
	for _, k := range []string{"state", "log", "snapshot"} {
		for _, name := range files(whole, k) {
			b := whole.Bytes(name)
			cuts := []int{0, 1, len(b) / 2, len(b) - 1}
			for at := segmentHead; k == "log" && at < len(b); at += align {
				if _, err := decodeHead(b[at:], seedOf(mustState(t, whole).Salt)); err == nil {
					cuts = append(cuts, at-1, at, at+1)
				}
			}
			for _, n := range cuts {
				d := whole.Crash(nil)
				d.Put(name, b[:n])
				if refused, err := judge(d, want); err != nil || !refused {
					t.Fatalf("%s cut at %d: refused %v, %v", name, n, refused, err)
				}
			}
			d := whole.Crash(nil)
			d.Put(name, append(slices.Clone(b), 0))
			if refused, err := judge(d, want); err != nil || !refused {
				t.Fatalf("%s is longer: refused %v, %v", name, refused, err)
			}
		}
	}
}

func mustState(t testing.TB, d *disktest.Disk) *state {
	t.Helper()
	st, err := decodeState(d.Bytes(stateName))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// Files that are whole but not the right ones.
// Shows: F16
func TestSwappedFiles(t *testing.T) {
	whole, want := specimen(t)
	other, _ := specimen(t) // the same words under another salt
	logs := files(whole, "log")
	early := disktest.New()
	s := &story{}
	if err := errors.Join(s.begin(early, true), s.run(1)); err != nil {
		t.Fatal(err)
	}
	oldState := bytes.Clone(early.Bytes(stateName))
	if err := s.run(1); err != nil {
		t.Fatal(err)
	}
	now := s.now
	for name, hurt := range map[string]func(*disktest.Disk){
		"two segments swapped": func(d *disktest.Disk) {
			a, b := bytes.Clone(d.Bytes(logs[0])), bytes.Clone(d.Bytes(logs[1]))
			d.Put(logs[0], b)
			d.Put(logs[1], a)
		},
		"another store's segment": func(d *disktest.Disk) { d.Put(logs[0], other.Bytes(logs[0])) },
		"another store's state":   func(d *disktest.Disk) { d.Put(stateName, other.Bytes(stateName)) },
		"a segment is missing":    func(d *disktest.Disk) { _ = d.Remove(logs[0]) },
		"the last segment is missing": func(d *disktest.Disk) {
			_ = d.Remove(logs[len(logs)-1])
		},
		"the state is missing": func(d *disktest.Disk) { _ = d.Remove(stateName) },
		"all segments are missing": func(d *disktest.Disk) {
			for _, n := range logs {
				_ = d.Remove(n)
			}
		},
		"the last sector that was written is zeros": func(d *disktest.Disk) {
			b := d.Bytes(logs[len(logs)-1])
			end := len(bytes.TrimRight(b, "\x00"))
			clear(b[(end-1)/512*512:])
		},
	} {
		d := whole.Crash(nil)
		hurt(d)
		if refused, err := judge(d, want); err != nil || !refused {
			t.Errorf("%s: refused %v, %v", name, refused, err)
		}
	}
	early.Put(stateName, oldState)
	if refused, err := judge(early.Crash(nil), now); err != nil || !refused {
		t.Errorf("an older state: refused %v, %v", refused, err)
	}
}

// A batch that does not read, with whole ones behind it, is damage and not what
// a crash left, sealed or not.
func TestHoleInTheLog(t *testing.T) {
	d := disktest.New()
	s := openOn(t, d, true)
	fill(t, s, 1, 1)
	at := s.segments[0].end
	fill(t, s, 2, 12)
	clear(d.Bytes(segmentName(1))[at : at+512])
	if refused, err := judge(d.Crash(nil), content{}); err != nil || !refused {
		t.Fatalf("refused %v, %v", refused, err)
	}
}

// A snapshot that cannot be written for want of room is given up; nothing else
// happens, and the next one succeeds.
// Shows: F10
func TestSnapshotOnFullDisk(t *testing.T) {
	d := disktest.New()
	opt := inMemory(d, true)
	var fatal error
	opt.Fatal = func(err error) { fatal = err }
	opt.Floor = 4 << 10
	s, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	snaps, err := OpenSnapshots(opt)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 1, 20)
	free := uint64(0)
	names, _ := d.List()
	for _, n := range names {
		free += uint64(len(d.Bytes(n)))
	}
	d.Limit(free + 100<<10)
	sink, err := snaps.Create(raft.SnapshotVersionMax, 10, 1, membership, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = io.WriteString(sink, strings.Repeat("x", 64<<10))
	}
	if err = errors.Join(err, sink.Cancel()); !errors.Is(err, ErrDiskFull) || fatal != nil {
		t.Fatalf("%v, fatal %v", err, fatal)
	}
	d.Limit(free + 1<<10)
	if _, err := snaps.Create(raft.SnapshotVersionMax, 10, 1, membership, 1, nil); !errors.Is(err, ErrDiskFull) || fatal != nil {
		t.Fatalf("under the floor: %v, fatal %v", err, fatal)
	}
	d.Limit(free + 100<<10)
	snapshot(t, snaps, 10, "state")
	if list, err := snaps.List(); err != nil || len(list) != 1 || fatal != nil {
		t.Fatal(list, err, fatal)
	}
}
