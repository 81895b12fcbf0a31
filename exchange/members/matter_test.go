package members_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/strictjson"
	"accord/exchange"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

// TestMattersOfTwoReaders holds what the ledger makes of a roster against what the
// verifier of evidence does, which has its own code: the same matters, the same number
// of seats.
func TestMattersOfTwoReaders(t *testing.T) {
	line, err := Genesis(t).Lineage()
	Must(t, err)
	rnd := rand.New(rand.NewPCG(7, 7))
	seen := map[members.Matter]int{}
	before := line.Next()
	for i := range 400 {
		next := *before
		next.Members = slices.Clone(before.Members)
		for range 1 + rnd.IntN(3) {
			change(rnd, &next, i)
		}
		if next.Validate() != nil {
			continue
		}
		a, err := strictjson.Marshal(before)
		Must(t, err)
		b, err := strictjson.Marshal(&next)
		Must(t, err)
		want := members.MattersOf(before, &next)
		names, need, err := bundle.RosterMatters(a, b)
		Must(t, err)
		var got []members.Matter
		for _, n := range names {
			got = append(got, members.Matter(n))
		}
		if !slices.Equal(got, want) || need != before.Quorums.For(want...) {
			t.Fatalf("the ledger: %v by %d seats; evidence: %v by %d\n%s\n%s", want, before.Quorums.For(want...), got, need, a, b)
		}
		for _, m := range want {
			seen[m]++
		}
		if len(next.Members) > 3 && next.Seats() > 2 {
			before = &next
		}
	}
	for _, m := range members.Matters() {
		if seen[m] < 5 {
			t.Errorf("%s came up %d times", m, seen[m])
		}
	}
}

// change makes one random change of a roster.
func change(rnd *rand.Rand, r *members.Roster, n int) {
	m := r.Members[rnd.IntN(len(r.Members))]
	switch rnd.IntN(11) {
	case 0:
		if len(r.Members) < 9 {
			id := exchange.MemberID(fmt.Sprint("newcomer", n))
			r.Put(Newcomer(id, n%250))
		}
		return
	case 1:
		r.Drop(m.ID)
		r.Fit()
		return
	case 2:
		m.Suspended = !m.Suspended
	case 3:
		m.Seat = !m.Seat
	case 4:
		m.Node.Role = map[bool]members.Role{true: members.Nonvoter, false: members.Voter}[m.Node.Votes()]
	case 5:
		m.Node.Address = fmt.Sprint("10.0.0.1:", 1000+n)
	case 6:
		m.Name.Zh += "新"
	case 7, 8:
		r.Quorums.Decide, r.Quorums.Kinds.Charter = rnd.IntN(4), 4
		*r.Quorums.Kinds.Of(members.Matters()[rnd.IntN(6)]) = rnd.IntN(5)
		return
	case 9:
		r.Quorums.Kinds = members.KindQuorums{}
		return
	default:
		r.Fit()
		return
	}
	r.Put(m)
	if rnd.IntN(2) == 0 {
		r.Fit()
	}
}

// TestQuorumsByKind: each number asks for its own matter, the strictest of several
// counts, and none can be lowered by fewer seats than it asks for.
func TestQuorumsByKind(t *testing.T) {
	q := members.Quorums{Roster: 3, Adopt: 3, Cosign: 3, Kinds: members.KindQuorums{Expel: 4, Keys: 2, Charter: 4}}
	for _, c := range []struct {
		matters []members.Matter
		want    int
	}{
		{nil, 3}, {[]members.Matter{members.Admit}, 3}, {[]members.Matter{members.Expel}, 4}, {[]members.Matter{members.Rekey}, 2},
		{[]members.Matter{members.Rekey, members.Seat}, 3}, {[]members.Matter{members.Admit, members.Expel, members.Rekey}, 4},
		{[]members.Matter{members.Recast}, 4},
	} {
		if got := q.For(c.matters...); got != c.want {
			t.Errorf("%v: %d, want %d", c.matters, got, c.want)
		}
	}
	line, err := Genesis(t).Lineage()
	Must(t, err)
	for name, c := range map[string]struct {
		edit func(*members.Quorums)
		ok   bool
	}{
		"as it was":                  {func(*members.Quorums) {}, true},
		"guarded":                    {func(q *members.Quorums) { q.Kinds.Expel, q.Kinds.Charter = 4, 4 }, true},
		"not guarded":                {func(q *members.Quorums) { q.Kinds.Expel = 4 }, false},
		"guarded by fewer":           {func(q *members.Quorums) { q.Kinds.Expel, q.Kinds.Charter = 4, 3 }, false},
		"the charter's own is lower": {func(q *members.Quorums) { q.Kinds.Charter = 2 }, false},
		"an easier one":              {func(q *members.Quorums) { q.Kinds.Keys = 2 }, false},
		"out of reach":               {func(q *members.Quorums) { q.Kinds.Expel, q.Kinds.Charter = 5, 5 }, false},
		"less than none":             {func(q *members.Quorums) { q.Kinds.Keys = -1 }, false},
	} {
		r := line.Next()
		c.edit(&r.Quorums)
		if err := r.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
