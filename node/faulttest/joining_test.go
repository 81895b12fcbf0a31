package faulttest_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"accord/node/faulttest"
)

// joining are the points at which a newcomer crashes in the short run, in the order
// in which it comes by them.
var joining = []string{"store.create.after", "node.start.founded", "witness.vet", "machine.restore.swap", "membership.rosters.before", "machine.apply.commit", "witness.sign.before"}

// TestCrashWhileJoining has a fifth node join while it crashes at one point after
// the other, and the leader at those where it changes the membership. The newcomer
// stays without a vote until it has crashed at all of them.
//
// Shows: F42, F24
func TestCrashWhileJoining(t *testing.T) {
	o := often()
	o.Nodes = 4
	f := faulttest.Run(t, o)
	d := newDesk(f)
	d.load.Await(10)
	d.load.Mark()
	d.fallBehind() // so that the newcomer is sent a snapshot
	const guest = "guest"
	seats := slices.Clone(f.Members)
	f.Invite(guest)
	f.Guests = []string{guest}
	d.overChange("membership.move.before", func() { f.Enact(f.Others(f.Leader())[:3], "--add", f.Introduction(guest), "--as", "nonvoter") })
	f.Welcome(seats[0], guest)

	points := joining
	if *faultPoints != "" {
		points = inOrderOfJoining(chosen())
	}
	reached := []string{}
	for _, point := range points {
		if cannot(point, joins) != "" {
			continue
		}
		if strings.HasPrefix(point, "machine.restore.") {
			f.Ready(guest) // it has a snapshot of its own then
		}
		d.author = guest
		follows := strings.HasPrefix(point, "feeds.")
		if follows {
			d.author = "association" // whom it follows
		}
		if (follows || d.whose(point) == guest) && d.opened != d.author {
			f.Ready(guest)
			d.open()
		}
		if d.crashAt(guest, point, f.Patience) { // it comes by all of them, however slowly
			reached = append(reached, point)
		} else {
			t.Errorf("no joiner reached %s", point)
		}
	}
	f.Settled(seats[0], 4)
	d.overChange("membership.move.after", func() { f.Enact(f.Others(f.Leader())[:3], "--role", guest+"=voter") })
	f.Settled(seats[0], 5)
	f.Members, f.Guests = append(f.Members, guest), nil
	f.Heal()
	d.load.Await(10)
	d.load.Judge()
	t.Logf("a joiner crashed at %v", reached)
}

// inOrderOfJoining puts the points of a first start first, then those of taking a
// state over, as a node without anything comes by them.
func inOrderOfJoining(points []string) []string {
	rank := func(p string) int {
		for i, begin := range []string{"node.start.network", "node.start.ledger", "store.create.before", "store.create.after", "store.open",
			"node.start.found", "node.start.founded", "store.state.", "store.set.", "store.append.", "witness.vet", "snapshot.", "machine.restore."} {
			if strings.HasPrefix(p, begin) {
				return i
			}
		}
		return 100
	}
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b string) int { return rank(a) - rank(b) })
	return points
}

// overChange has whoever leads crash at a point of a change of the membership that a
// roster brings about; whoever leads then goes on with it.
func (d *desk) overChange(point string, enact func()) {
	f := d.f
	f.T.Helper()
	voters := slices.Clone(f.Members)
	for _, m := range voters { // who leads now may not lead any more when it comes to the change
		f.Order(m, point+"=crash")
	}
	var change sync.WaitGroup
	change.Go(func() {
		f.Eventually("a leader crashes at "+point, func() bool {
			return slices.ContainsFunc(voters, func(m string) bool { return !f.Running(m) && slices.Contains(f.Fired(m), point) })
		})
		for _, m := range voters { // before the next one leads
			f.Order(m)
		}
	})
	enact()
	change.Wait()
	for _, m := range voters {
		if !f.Running(m) {
			f.Start(m)
		}
	}
	f.Ready(voters...)
}
