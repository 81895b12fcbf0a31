package members

import (
	"slices"

	"accord/exchange"
)

// Next is a draft of the roster that follows the line: the same members under the
// next version, for the caller to change.
func (l *Lineage) Next() *Roster {
	r := *l.roster
	r.Charter, r.Previous, r.Version = l.charter, l.digest, l.Version()+1
	r.Members = slices.Clone(r.Members)
	return &r
}

// Put lists a member as given, in the place of its former listing or as the last.
func (r *Roster) Put(f Founder) {
	for i := range r.Members {
		if r.Members[i].ID == f.ID {
			r.Members[i] = f
			return
		}
	}
	r.Members = append(r.Members, f)
}

// Drop takes a member off and says whether it was there.
func (r *Roster) Drop(id exchange.MemberID) bool {
	n := len(r.Members)
	r.Members = slices.DeleteFunc(r.Members, func(f Founder) bool { return f.ID == id })
	return len(r.Members) < n
}

// Fit moves the quorums as far as a changed membership makes it necessary: each
// stays at more than half and can still be reached.
func (r *Roster) Fit() {
	fit := func(q *int, n int) { *q = min(n, max(*q, n/2+1)) }
	fit(&r.Quorums.Roster, r.Seats())
	fit(&r.Quorums.Adopt, r.Seats())
	fit(&r.Quorums.Cosign, len(r.Members))
	if r.Quorums.Decide > 0 {
		fit(&r.Quorums.Decide, r.Seats())
	}
	for _, m := range Matters() {
		if q := r.Quorums.Kinds.Of(m); *q > 0 {
			fit(q, r.Seats())
		}
	}
}
