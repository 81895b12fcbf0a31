package bundle

import "accord/crypto/strictjson"

// rosterQuorums are the numbers that go with a membership.
type rosterQuorums struct {
	Roster int         `json:"roster"`
	Adopt  int         `json:"adopt"`
	Cosign int         `json:"cosign"`
	Decide int         `json:"decide"`
	Kinds  kindQuorums `json:"kinds"`
}

// kindQuorums are the seats that must endorse a roster by what it changes; 0 stands
// for rosterQuorums.Roster.
type kindQuorums struct {
	Admit   int `json:"admit"`
	Expel   int `json:"expel"`
	Suspend int `json:"suspend"`
	Restore int `json:"restore"`
	Seat    int `json:"seat"`
	Keys    int `json:"keys"`
	Charter int `json:"charter"`
}

// matter is something a roster may change, and its own number of seats.
type matter struct {
	name  string
	found bool
	own   int
}

// need is how many seats must endorse a roster of these matters: what the strictest
// that was found asks for.
func (q rosterQuorums) need(all []matter) int {
	need, any := 0, false
	for _, m := range all {
		if !m.found {
			continue
		}
		any = true
		if m.own == 0 {
			m.own = q.Roster
		}
		need = max(need, m.own)
	}
	if !any {
		return q.Roster
	}
	return need
}

// fitted are the quorums as a changed membership moves them by itself: more than half,
// and within reach.
func (q rosterQuorums) fitted(seats, members int) rosterQuorums {
	fit := func(q *int, n int) { *q = min(n, max(*q, n/2+1)) }
	fit(&q.Roster, seats)
	fit(&q.Adopt, seats)
	fit(&q.Cosign, members)
	k := &q.Kinds
	for _, own := range []*int{&q.Decide, &k.Admit, &k.Expel, &k.Suspend, &k.Restore, &k.Seat, &k.Keys, &k.Charter} {
		if *own > 0 {
			fit(own, seats)
		}
	}
	return q
}

// lower says whether a number is lower than before.
func (k kindQuorums) lower(than kindQuorums) bool {
	return k.Admit < than.Admit || k.Expel < than.Expel || k.Suspend < than.Suspend || k.Restore < than.Restore ||
		k.Seat < than.Seat || k.Keys < than.Keys || k.Charter < than.Charter
}

// matters says what a roster changes in the membership and quorums before it, as the
// ledger does (members.MattersOf).
func matters(before map[string]charterMember, quorums rosterQuorums, next *roster) []matter {
	var admit, expel, suspend, restore, seat, keys bool
	stays, seats := map[string]bool{}, 0
	for _, m := range next.Members {
		stays[m.ID] = true
		if m.sits() {
			seats++
		}
		was, known := before[m.ID]
		if !known {
			admit = true
			continue
		}
		suspend = suspend || m.Suspended && !was.Suspended
		restore = restore || was.Suspended && !m.Suspended
		seat = seat || m.Seat != was.Seat || m.Node.votes() != was.Node.votes()
		keys = keys || relisted(was, m)
	}
	for id := range before {
		expel = expel || !stays[id]
	}
	fitted := quorums.fitted(seats, len(next.Members))
	recast := next.Quorums != quorums && next.Quorums != fitted || fitted.Kinds.lower(quorums.Kinds)
	own := quorums.Kinds
	return []matter{{"admit", admit, own.Admit}, {"expel", expel, own.Expel}, {"suspend", suspend, own.Suspend}, {"restore", restore, own.Restore},
		{"seat", seat, own.Seat}, {"keys", keys, own.Keys}, {"charter", recast, own.Charter}}
}

// relisted says whether keys, node, address or registration differ.
func relisted(a, b charterMember) bool {
	if a.Kind != b.Kind || a.Name != b.Name || a.USCC != b.USCC || a.Node.ID != b.Node.ID || a.Node.Address != b.Node.Address || len(a.Keys) != len(b.Keys) {
		return true
	}
	for i := range a.Keys {
		if !a.Keys[i].Equal(b.Keys[i]) {
			return true
		}
	}
	return false
}

// RosterMatters names what one roster's bytes make of another's, and how many seats of
// the first must endorse that. It verifies nothing; it is there so that the ledger's own
// rule can be held against this one.
func RosterMatters(before, next []byte) (names []string, need int, err error) {
	var a, b roster
	if err := strictjson.UnmarshalLoose(before, &a); err != nil {
		return nil, 0, err
	}
	if err := strictjson.UnmarshalLoose(next, &b); err != nil {
		return nil, 0, err
	}
	was := map[string]charterMember{}
	for _, m := range a.Members {
		was[m.ID] = m
	}
	all := matters(was, a.Quorums, &b)
	for _, m := range all {
		if m.found {
			names = append(names, m.name)
		}
	}
	return names, a.Quorums.need(all), nil
}
