package faulttest_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/faulttest"
)

// The short runs are for every commit. DESIGN.md says which flags the long ones
// take.
var (
	faultRuns = flag.Int("fault.runs", 1, "rounds of each fault")
	faultOps  = flag.Int("fault.ops", 0, "operations before each round's judgement, 0: what the fault takes")
	faultLong = flag.Bool("fault.long", false, "long pauses, full loads, and figures held against the goals")
	faultSeed = flag.Uint64("fault.seed", 1, "seed of faults and clients")
)

func TestMain(m *testing.M) { faulttest.Main(m) }

// heartbeat is the election timeout of the federations here.
const heartbeat = 800 * time.Millisecond

// often makes nodes take snapshots all the time and keep a short tail, so that one
// that was away a while installs one.
func often() faulttest.Options {
	return faulttest.Options{Orders: []string{"snapshots=500ms"}, Seed: *faultSeed,
		Settings: map[string]string{"raft.snapshot_every": "64", "raft.trailing_logs": "512", "raft.promote_after": "1s", "api.request_timeout": "10s"}}
}

// fault is one row of the matrix on a federation of so many nodes, which it
// leaves whole.
type fault struct {
	row, name string
	nodes     int
	run       func(t *testing.T, f *faulttest.Federation)
}

// round is one run of a fault.
type round struct {
	*faulttest.Federation
	load *faulttest.Load
	rng  *rand.Rand
}

// short is a time of the short runs, or the long ones' own.
func short(d, long time.Duration) time.Duration {
	if *faultLong {
		return long
	}
	return d
}

func (r *round) oneOf(members []string) string { return members[r.rng.IntN(len(members))] }

// rounds runs a fault under load and judges each run.
func rounds(t *testing.T, f *faulttest.Federation, run func(r *round)) {
	for i := range *faultRuns {
		once(t, f, uint64(i), run)
	}
}

// once is one of the rounds.
func once(t *testing.T, f *faulttest.Federation, number uint64, run func(r *round)) {
	rest := 10 * time.Millisecond // leave the machine to others
	if *faultLong {
		rest = 0
	}
	seed := *faultSeed + number
	r := &round{Federation: f, load: f.Load(faulttest.LoadOptions{Seed: seed, Rest: rest}), rng: rand.New(rand.NewPCG(seed, 3))}
	r.load.Await(10)
	r.load.Mark()
	run(r)
	r.load.Rest(50 * time.Millisecond) // who was away has to catch up with it
	f.Heal()
	r.load.Await(10)
	r.load.Rest(rest)
	f.Eventually("enough operations", func() bool { return r.load.Operations() >= *faultOps })
	report := r.load.Judge()
	t.Logf("write gap %s", r.load.Gap().Round(time.Millisecond))
	if *faultLong && report.Before < 150 {
		t.Errorf("void: %.0f operations a second before the fault, want 150", report.Before)
	}
	if t.Failed() {
		t.Fatalf("seed %d", seed)
	}
}

// TestFaults runs every fault of the table, most of them under load and judged by
// their histories. The rows share a federation a size, because founding one
// costs more than breaking it.
//
// Shows: F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F15, F16, F18, F19, F20, F21, F28, F38, F42, B7
func TestFaults(t *testing.T) {
	for _, nodes := range []int{3, 5} {
		t.Run(fmt.Sprint(nodes, " nodes"), func(t *testing.T) {
			o := often()
			o.Nodes = nodes
			f := faulttest.Run(t, o)
			rows := slices.Concat(links, clocks, disks, points)
			if *faultLong {
				rows = append(rows, longer...)
			}
			for _, row := range rows {
				if row.nodes == nodes || *faultLong && row.nodes < nodes {
					t.Run(row.row+" "+row.name, func(t *testing.T) {
						f.T = t
						row.run(t, f)
					})
				}
			}
			f.T = t
		})
	}
}

// under runs a fault under load.
func under(run func(r *round)) func(t *testing.T, f *faulttest.Federation) {
	return func(t *testing.T, f *faulttest.Federation) { rounds(t, f, run) }
}

var links = []fault{
	{"F1", "the leader is killed", 3, under(func(r *round) {
		old := r.Leader()
		r.Kill(old)
		r.load.Await(10)
	})},
	{"F2", "all are killed at once", 3, under(func(r *round) {
		for _, m := range r.Members {
			r.Kill(m)
		}
		for _, i := range r.rng.Perm(len(r.Members)) {
			r.Start(r.Members[i])
		}
	})},
	{"F3", "the leader is paused with reads under way", 3, under(func(r *round) {
		old := r.Leader()
		r.Pause(old)
		r.Eventually("another leads", func() bool { l := r.LeaderNow(); return l != "" && l != old })
		r.load.Await(10)
		time.Sleep(short(0, time.Duration(500+r.rng.IntN(59_500))*time.Millisecond))
		r.Continue(old) // its clients' reads, asked before and during the pause, are answered now
		r.load.Await(10)
	})},
	{"F4", "the leader is in the minority", 3, under(func(r *round) {
		old := r.Leader()
		r.Wire.CutBetween([]string{old}, r.Others(old))
		r.Eventually("another leads", func() bool { l := r.LeaderNow(); return l != "" && l != old })
		r.load.Await(10)
		if err := r.nominate(old); err == nil {
			r.T.Error("a leader without quorum acknowledged a write")
		}
	})},
	{"F5", "one direction is cut", 3, under(func(r *round) {
		leader := r.Leader()
		deaf := r.oneOf(r.Others(leader))
		before := r.term(leader)
		r.Wire.Set(leader, deaf, faulttest.Quality{Cut: true})
		r.load.Await(20)
		time.Sleep(short(2*heartbeat, 10*time.Second))
		r.Wire.HealAll()
		r.Wire.Set(deaf, leader, faulttest.Quality{Refuse: true}) // it cannot dial, but is dialled
		r.load.Await(20)
		r.Heal()
		if now := r.term(r.Leader()); now > before+2 {
			r.T.Errorf("the term went from %d to %d over one deaf node", before, now)
		}
	})},
	{"F7", "delay", 3, under(func(r *round) {
		r.Wire.SetAll(faulttest.Quality{Delay: short(25*time.Millisecond, 150*time.Millisecond), Jitter: short(12*time.Millisecond, 75*time.Millisecond)}, r.Members...)
		r.load.Await(15)
		time.Sleep(short(0, time.Minute))
	})},
	{"F8", "loss, resets and half open ends", 3, under(func(r *round) {
		r.Wire.SetAll(faulttest.Quality{Stall: 0.01, Reset: 0.002}, r.Members...)
		r.load.Await(15)
		victim := r.oneOf(r.Members)
		for _, m := range r.Others(victim) {
			r.Wire.Set(m, victim, faulttest.Quality{Silent: true})
		}
		r.load.Await(5)
		time.Sleep(short(0, time.Minute))
	})},
	{"F9", "a thin line, over which a snapshot comes", 3, under(func(r *round) {
		away := r.oneOf(r.Others(r.Leader()))
		r.Kill(away)
		r.load.Await(100)
		r.load.Rest(100 * time.Millisecond) // or the line carries nothing but the newest entries
		term := r.term(r.Leader())
		rate := 1_000_000
		if *faultLong {
			rate, r.Patience = 125_000, 20*time.Minute // 1 Mbit/s
		}
		r.Wire.SetAll(faulttest.Quality{Rate: rate}, r.Members...)
		r.Start(away)
		r.Ready(away)
		if now := r.term(r.Leader()); now > term+1 {
			r.T.Errorf("the term went from %d to %d over a thin line", term, now)
		}
	})},
	{"F28", "a transfer of the lead is asked for while the network is cut", 3, under(transfer)},
	{"F19", "a follower is suspended", 3, under(func(r *round) {
		m := r.oneOf(r.Others(r.Leader()))
		r.Pause(m)
		r.load.Await(30)
		time.Sleep(short(0, 10*time.Minute))
		r.Continue(m)
	})},
	{"F6", "two are cut off, then a bridge, then a ring", 5, under(func(r *round) {
		order := r.rng.Perm(len(r.Members))
		at := func(i int) string { return r.Members[order[i]] }
		r.Wire.CutBetween([]string{at(0), at(1)}, []string{at(2), at(3), at(4)})
		r.load.Await(10)
		r.Wire.HealAll()
		r.Wire.CutBetween([]string{at(0), at(1)}, []string{at(3), at(4)}) // at(2) hears both sides
		r.load.Await(10)
		r.Wire.HealAll()
		for i := range 5 { // each hears its two neighbours only
			r.Wire.CutBetween([]string{at(i)}, []string{at((i + 2) % 5)})
		}
		time.Sleep(short(2*heartbeat, 20*time.Second)) // no majority hears anybody: writes may stand still
	})},
	{"F6", "links clog one after the other and heal in another order", 5, under(func(r *round) {
		var pairs [][2]string
		for i, a := range r.Members {
			for _, b := range r.Members[:i] {
				pairs = append(pairs, [2]string{a, b})
			}
		}
		for _, shuffle := range []func(a, b string){
			func(a, b string) { r.Wire.CutBetween([]string{a}, []string{b}) },
			func(a, b string) { r.Wire.Heal(a, b) },
		} {
			r.rng.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
			for _, p := range pairs {
				shuffle(p[0], p[1])
				time.Sleep(short(150*time.Millisecond, time.Second))
			}
		}
	})},
}

// nominate puts a fresh subject on the red list through a node.
func (r *round) nominate(member string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_, err := r.Client(member).Nominate(ctx, "red", faulttest.Nomination())
	return err
}

func (r *round) term(member string) uint64 {
	s, err := r.Client(member).Status(context.Background())
	if err != nil {
		r.T.Error(err)
	}
	return s.Term
}

// clocks are F18: one node has a wrong clock. Commands it signs are refused where
// the leader's clock says otherwise; nothing on the ledger depends on whose clock
// is right.
var clocks = []fault{
	{"F18", "an hour behind on the leader", 3, under(func(r *round) { wrongClock(r, -time.Hour, true) })},
	{"F18", "an hour ahead on a follower", 3, under(func(r *round) { wrongClock(r, time.Hour, false) })},
	{"F18", "before 1971 on a follower", 3, under(func(r *round) { wrongClock(r, -490_000*time.Hour, false) })},
	{"F18", "half a minute ahead on a follower", 3, under(func(r *round) { wrongClock(r, 30*time.Second, false) })}, // behind might be before the founding
}

// longer are the rows of long runs only.
var longer = []fault{
	{"F18", "an hour ahead on the leader", 3, under(leaderAhead)},
}

// leaderAhead: what it takes of its own clients no other stores, so it has to go.
func leaderAhead(r *round) {
	old := r.Leader()
	r.Order(old, "clock=1h")
	r.Eventually("another leads", func() bool { l := r.LeaderNow(); return l != "" && l != old })
	r.load.Await(10)
	r.Eventually("it takes nothing on and says why", func() bool {
		return exchange.AsError(r.nominate(old)).Code == "LEDGER-031"
	})
	if _, err := r.Client(old).Entries(context.Background(), "red", client.EntryQuery{Linear: true}); err != nil {
		r.T.Errorf("a read on a node with a wrong clock: %v", err)
	}
	r.Order(old, "clock=0s")
	r.Eventually("it takes writes again", func() bool { return r.nominate(old) == nil })
}

func wrongClock(r *round, offset time.Duration, leads bool) {
	leader := r.Leader()
	wrong := leader
	if !leads {
		wrong = r.oneOf(r.Others(leader))
	}
	r.Order(wrong, "clock="+offset.String())
	refused := offset.Abs() > time.Minute
	signer := wrong
	if leads {
		signer = r.oneOf(r.Others(leader))
	}
	if !refused {
		r.Eventually("a command within the window is taken", func() bool { return r.nominate(signer) == nil })
		return
	}
	err := r.nominate(signer)
	if r.Leader() != leader {
		r.T.Log("the leader changed meanwhile: no word on the refusal")
	} else if err == nil {
		r.T.Errorf("a command %s from the leader's clock: %v", offset, err)
	}
	if !leads && offset < -5*time.Minute {
		r.load.Await(10) // it stores nothing that is ahead of it, and the others go on
		return
	}
	r.Eventually("a node with a wrong clock reads", func() bool { // while another is elected it has to wait
		_, err := r.Client(wrong).Entries(context.Background(), "red", client.EntryQuery{Linear: true})
		return err == nil
	})
	if !leads {
		r.load.Await(10)
	}
}
