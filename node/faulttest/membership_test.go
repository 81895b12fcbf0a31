package faulttest_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"accord/consensus"
	"accord/consensus/consensustest"
	"accord/node/faulttest"
	"accord/node/founding"
)

var membershipLoops = flag.Int("membership.loops", 1, "loops of a membership from 3 to 5 to 3")

// TestMembership takes a federation from three to five nodes and back, under load,
// with the network or a node failing in the middle of every change: newcomers are
// added and get their votes, a founder loses its disk and is replaced, one that
// works is taken off, and one that is away is taken off and returns.
//
// Shows: F24, F25, B9, I8
func TestMembership(t *testing.T) {
	f := faulttest.Run(t, faulttest.Options{Seed: *faultSeed, Settings: map[string]string{"raft.promote_after": "1s", "raft.timeout": "1s", "api.request_timeout": "10s"}})
	for i := range *membershipLoops {
		once(t, f, uint64(i), func(r *round) { membershipLoop(r, i) })
		if t.Failed() {
			return
		}
		t.Logf("loop %d done", i+1)
	}
	oneAtATime(t, f, 10)
}

// disturbance is what fails while a change is under way. It leaves a majority
// whole, and everything healed.
type disturbance struct {
	name string
	do   func(r *round, newcomer string)
}

var disturbances = []disturbance{
	{"the leader is cut off", func(r *round, _ string) {
		old := r.Leader()
		r.Wire.CutBetween([]string{old}, r.all(old))
		r.another(old)
		r.load.Await(10)
	}},
	{"the newcomer hears nothing of the leader", func(r *round, newcomer string) {
		if leader := r.Leader(); leader != newcomer {
			r.Wire.Set(leader, newcomer, faulttest.Quality{Cut: true})
		}
		r.load.Await(20)
	}},
	{"the leader is killed", func(r *round, _ string) {
		old := r.Leader()
		r.Kill(old)
		r.another(old)
		r.load.Await(10)
		r.Start(old)
	}},
	{"a follower is cut off", func(r *round, newcomer string) {
		m := r.oneOf(r.Others(r.Leader(), newcomer))
		r.Wire.CutBetween([]string{m}, r.all(m))
		r.load.Await(20)
	}},
	{"only one node hears both sides", func(r *round, newcomer string) {
		order := r.rng.Perm(len(r.Members))
		middle := r.Members[order[0]]
		one := []string{r.Members[order[1]]}
		r.Wire.CutBetween(one, slices.DeleteFunc(r.all(one[0]), func(m string) bool { return m == middle }))
		r.load.Await(20)
	}},
}

// all are all nodes but one, also those that come or go.
func (r *round) all(not string) []string {
	return slices.DeleteFunc(append(r.Others(not), r.Guests...), func(m string) bool { return m == not })
}

func (r *round) another(than string) {
	r.Eventually("another leads", func() bool { l := r.LeaderNow(); return l != "" && l != than })
}

// change enacts a roster and lets something fail while the nodes follow it.
func (r *round) change(number int, seats []string, who string, voters int, change ...string) {
	d := disturbances[number%len(disturbances)]
	r.T.Logf("%s: %s", strings.Join(change, " "), d.name)
	r.Enact(seats, change...)
	d.do(r, who)
	r.Wire.HealAll()
	r.Settled(seats[0], voters)
	r.load.Await(10)
}

// membershipLoop is one round of the life of a membership.
func membershipLoop(r *round, loop int) {
	seats := slices.Clone(r.Members)
	var guests []string
	for i := range 2 {
		guest := fmt.Sprintf("guest-%d-%d", loop, i)
		r.Invite(guest)
		r.Guests = []string{guest}
		r.Enact(seats, "--add", r.Introduction(guest))
		r.Welcome(seats[0], guest)
		r.Start(guest)
		disturbances[(loop+i)%len(disturbances)].do(r, guest)
		r.T.Logf("--add %s: %s", guest, disturbances[(loop+i)%len(disturbances)].name)
		r.Wire.HealAll()
		r.Settled(seats[0], 4+i)
		r.Ready(guest)
		r.load.Join(guest)
		r.Members, r.Guests = append(r.Members, guest), nil
		guests = append(guests, guest)
		r.load.Await(10)
	}
	r.replace(seats, loop+2)
	stays, leaves := guests[0], guests[1]
	if r.Leader() == leaves { // who is away does not lead
		stays, leaves = leaves, stays
	}
	r.takeOffWhileAway(seats, leaves, loop%2 == 0)
	r.drop(stays)
	r.change(loop+3, seats, stays, 3, "--remove", stays)
	r.Stop(stays)
	r.Guests = nil
}

// drop takes a node off the test's list and its clients off it; it runs on.
func (r *round) drop(member string) {
	r.load.Leave(member)
	r.Members = r.Others(member)
	r.Guests = []string{member}
}

// replace wipes a founder and has another node take its place, while something
// else fails.
func (r *round) replace(seats []string, number int) {
	victim := r.oneOf(seats[1:])
	r.Kill(victim)
	r.Wipe(victim)
	r.Enact(r.Others(victim)[:3], "--replace", r.Introduction(victim))
	r.Start(victim)
	r.Guests = []string{victim}
	d := disturbances[number%len(disturbances)]
	r.T.Logf("--replace %s: %s", victim, d.name)
	d.do(r, victim)
	r.Wire.HealAll()
	r.Guests = nil
	r.Settled(seats[0], 5)
	r.Ready(victim)
	r.load.Await(10)
}

// takeOffWhileAway removes a node that is cut off, or dead, and lets it return: it
// learns that it left, and costs the others no election.
func (r *round) takeOffWhileAway(seats []string, member string, cut bool) {
	r.T.Logf("--remove %s, which is away (cut off %t)", member, cut)
	if cut {
		r.Wire.CutBetween([]string{member}, r.Others(member))
	} else {
		r.Kill(member)
	}
	r.drop(member)
	r.Enact(seats, "--remove", member)
	r.Settled(seats[0], 4)
	leader := r.Leader()
	term := r.term(leader)
	r.Wire.HealAll()
	r.Start(member)
	r.LearnsThatItLeft(member)
	r.load.Await(50)
	if now := r.term(leader); now != term || r.Leader() != leader {
		r.T.Errorf("the return of %s cost %d elections", member, now-term)
	}
	r.Stop(member)
	r.Guests = nil
}

// oneAtATime holds the memberships in a node's log against the rule: each differs
// from the one before by one server, so that any two quorums meet; and no leader
// began a change before the one before it was over.
func oneAtATime(t *testing.T, f *faulttest.Federation, least int) {
	t.Helper()
	member := f.Members[0]
	f.Stop(member)
	id, err := founding.ReadIdentity(f.DataDir(member))
	if err != nil {
		t.Fatal(err)
	}
	all, at, err := consensustest.Memberships(filepath.Join(f.DataDir(member), "ledger"), id.Node)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(all); i++ {
		if n := differences(all[i-1], all[i]); n > 1 {
			t.Errorf("I8: the membership at entry %d differs by %d servers from the one before: %v, %v", at[i], n, all[i-1], all[i])
		}
	}
	if len(all) < least {
		t.Errorf("%d memberships in the log: the run says nothing", len(all))
	}
	t.Logf("%d memberships in the log of %s", len(all), member)
	logs, err := filepath.Glob(filepath.Join(f.Dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range logs {
		inFlight(t, path)
	}
}

func differences(a, b []consensus.Server) (n int) {
	for _, s := range a {
		if !slices.Contains(b, s) && !slices.ContainsFunc(b, func(o consensus.Server) bool { return o.ID == s.ID }) {
			n++
		}
	}
	for _, s := range b {
		if !slices.Contains(a, s) {
			n++
		}
	}
	return n
}

// inFlight reads in a node's log how it changed the membership while it led.
func inFlight(t *testing.T, path string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	open := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.Contains(line, "raft: updating configuration"):
			if open {
				t.Errorf("%s: a change began before the one before it was over: %s", filepath.Base(path), line)
			}
			open = true
		case strings.Contains(line, "the membership changed"), strings.Contains(line, "a change of the membership was refused"), strings.HasPrefix(line, "=== started"):
			open = false
		}
	}
}
