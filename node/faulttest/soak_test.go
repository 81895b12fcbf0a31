package faulttest_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"accord/node/faulttest"
)

var (
	faultSoak  = flag.Duration("fault.soak", 0, "how long to soak, with a random fault now and then; 0: not at all")
	faultEvery = flag.Duration("fault.every", 2*time.Minute, "time between two faults of a soak")
)

// TestSoak runs the faults of the table in random order, each judged by itself,
// for as long as -fault.soak says, and watches what only time shows: goroutines,
// descriptors and memory of every node once it has settled (I10).
//
// Shows: F1, F2, F3, F4, F5, F7, F8, F13
func TestSoak(t *testing.T) {
	if *faultSoak == 0 {
		return // by flag only
	}
	f := faulttest.Run(t, often())
	rng := rand.New(rand.NewPCG(*faultSeed, 13))
	var first map[string]footprint
	for end, n := time.Now().Add(*faultSoak), 1; time.Now().Before(end); n++ {
		rows := append(append([]fault{}, links...), disks[3]) // the slow disk; the others leave no even course
		row := rows[rng.IntN(len(rows))]
		if row.nodes != len(f.Members) {
			continue
		}
		*faultSeed++
		t.Run(fmt.Sprintf("%d %s %s", n, row.row, row.name), func(t *testing.T) {
			f.T = t
			row.run(t, f)
		})
		f.T = t
		settled := map[string]footprint{}
		for _, m := range f.Members {
			settled[m] = footprintOf(t, f.PID(m), func() ([]byte, error) { return f.Client(m).Raw(context.Background(), "/metrics") })
		}
		t.Log(settled)
		if first == nil {
			first = settled
		}
		for m, now := range settled {
			if before := first[m]; now.goroutines > 2*before.goroutines+50 || now.descriptors > 2*before.descriptors+50 {
				t.Errorf("I10: %s has %+v, after the first fault it had %+v", m, now, before)
			}
		}
		if t.Failed() {
			return
		}
		time.Sleep(min(*faultEvery, time.Until(end)))
	}
}

// footprint is what a process holds.
type footprint struct{ goroutines, descriptors, residentMiB int }

var goroutines = regexp.MustCompile(`(?m)^go_goroutines (\d+)`)

func footprintOf(t *testing.T, pid int, metrics func() ([]byte, error)) (out footprint) {
	t.Helper()
	if page, err := metrics(); err == nil {
		if m := goroutines.FindSubmatch(page); m != nil {
			out.goroutines, _ = strconv.Atoi(string(m[1]))
		}
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Error(err)
	}
	out.descriptors, out.residentMiB = len(fds), int(residentBytes(t, pid)>>20)
	return out
}
