package node

import (
	"errors"
	"testing"
	"time"

	"accord/consensus"
)

// Whose clock is wrong is for the others' signatures to say, never for a
// minority of them, and wherever the clocks stand somebody may lead.
//
// Shows: B7, F18
func TestAClockIsJudgedByTheOthers(t *testing.T) {
	for name, c := range map[string]struct {
		clocks []time.Duration // of all members, this node's first
		away   int             // so many of the others do not answer
		wrong  bool
	}{
		"all agree":                      {clocks: []time.Duration{0, 0, time.Second, -time.Second}},
		"within the window":              {clocks: []time.Duration{0, time.Minute, time.Minute, time.Minute}},
		"an hour ahead":                  {clocks: []time.Duration{time.Hour, 0, 0, 0}, wrong: true},
		"an hour behind":                 {clocks: []time.Duration{-time.Hour, 0, 0, 0}, wrong: true},
		"one liar":                       {clocks: []time.Duration{0, time.Hour, 0, 0}},
		"ahead, one away":                {clocks: []time.Duration{time.Hour, 0, 0, 0}, away: 1, wrong: true},
		"ahead, too few known":           {clocks: []time.Duration{time.Hour, 0, 0, 0}, away: 2},
		"nobody known":                   {clocks: []time.Duration{time.Hour, 0, 0, 0}, away: 3},
		"alone":                          {clocks: []time.Duration{0}},
		"two and two, with those ahead":  {clocks: []time.Duration{time.Hour, time.Hour, 0, 0}, wrong: true},
		"two and two, with those behind": {clocks: []time.Duration{0, 0, time.Hour, time.Hour}},
		"one on each side":               {clocks: []time.Duration{0, time.Hour, -time.Hour, 0}},
	} {
		if got := misled(seen(c.clocks, 0, c.away), len(c.clocks)-1); got != c.wrong {
			t.Errorf("%s: %t", name, got)
		}
	}
	for n := 1; n <= 7; n++ { // every division of n clocks over n hours
		clocks := make([]time.Duration, n)
		for code := range pow(n, n) {
			for i := range clocks {
				clocks[i], code = time.Duration(code%n)*time.Hour, code/n
			}
			fit := false
			for i := range clocks {
				fit = fit || !misled(seen(clocks, i, 0), n-1)
			}
			if !fit {
				t.Fatalf("with the clocks at %v nobody may lead", clocks)
			}
		}
	}
}

// seen is how far the others' clocks are from that of member i, away of them left
// out.
func seen(clocks []time.Duration, i, away int) (offsets []time.Duration) {
	for j, c := range clocks {
		if j != i {
			offsets = append(offsets, c-clocks[i])
		}
	}
	return offsets[away:]
}

func pow(base, exponent int) int {
	out := 1
	for range exponent {
		out *= base
	}
	return out
}

// One look is no verdict, in either direction; two in a row are.
func TestAClockIsNotDoubtedForOneLook(t *testing.T) {
	var c clockWatch
	good, bad := []time.Duration{0, 0, 0}, []time.Duration{-time.Hour, -time.Hour, -time.Hour}
	for i, step := range []struct {
		offsets        []time.Duration
		changed, wrong bool
	}{
		{bad, false, false}, {good, false, false}, {bad, false, false}, {bad, true, true},
		{bad, false, true}, {good, false, true}, {bad, false, true}, {nil, false, true}, {good, true, false}, {good, false, false},
	} {
		if changed := c.look(step.offsets, 3); changed != step.changed || (c.err() != nil) != step.wrong {
			t.Fatalf("look %d: changed %t, %v", i, changed, c.err())
		}
	}
	if err := translate(errors.Join(consensus.ErrUnfit, errClockWrong)); !errors.Is(err, ErrClock) {
		t.Errorf("the operator hears %v", err)
	}
}
