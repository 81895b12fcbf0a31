package witness

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"accord/exchange"
	"accord/exchange/machine"
)

// TestScrub: a bit turns in a stored body, or a row changes in memory behind
// the machine's back, on one node. It stops; the others go on and say why.
//
// Shows: F41, F15
func TestScrub(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(p *party)
		kind  string
		seen  bool // by the others, too
	}{
		"nothing":           {func(*party) {}, "", false},
		"a byte of a body":  {func(p *party) { p.rotten.Store(2) }, KindStatement, false},
		"a row of a member": {func(p *party) { spoilRow(p.machine) }, KindState, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.grow(3)
				for _, id := range everyone {
					p := w.member[id]
					cfg := p.config()
					cfg.Clock, cfg.Scrub = time.Now, 8*time.Minute
					wit, err := Open(cfg)
					if err != nil {
						t.Fatal(err)
					}
					p.Witness = wit
				}
				w.run(25 * time.Second) // the first rounds
				c.spoil(w.member["court"])
				w.run(50 * time.Second)
				for _, id := range everyone {
					p := w.member[id]
					if p.Stopped() != (id == "court" && c.kind != "") {
						t.Errorf("%s: stopped %v, %+v", id, p.Stopped(), p.Alarms())
					}
					if id != "court" && (p.OpenAlarms() > 0) != c.seen {
						t.Errorf("%s: %+v", id, p.Alarms())
					}
					if c.kind == "" && p.ScrubRounds() == 0 {
						t.Errorf("%s finished no round", id)
					}
				}
				if alarms := w.member["court"].Alarms(); c.kind != "" && (alarms[0].Kind != c.kind || alarms[0].Verdict != VerdictSelf ||
					!strings.HasSuffix(alarms[0].Evidence, ".json")) {
					t.Errorf("%+v", alarms)
				}
			})
		})
	}
}

// run lets every witness work for a while.
func (w *world) run(d time.Duration) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	for _, id := range everyone {
		wg.Go(func() { w.member[id].Run(ctx) })
	}
	time.Sleep(d)
	cancel()
	wg.Wait()
}

// spoilRow changes a member's row in place.
func spoilRow(m *machine.Machine) {
	row, _ := m.View().Member("regulator")
	row.Keys[0].From += exchange.Millis(1)
}

// TestStatesAreComparedAtEqualSizes: under traffic two nodes rarely stand at
// one size; they hold views of marked entries to find one.
func TestStatesAreComparedAtEqualSizes(t *testing.T) {
	w := newWorld(t)
	w.grow(1, "association", "commission", "regulator")
	court := w.member["court"]
	if court.scrubOthers(t.Context()) {
		t.Error("states of different sizes were called equal")
	}
	if len(court.Alarms()) != 0 {
		t.Errorf("%+v", court.Alarms())
	}
}
