package meeting

import (
	"slices"

	"accord/exchange"
	"accord/exchange/members"
)

// Kind is what a proposal is about.
type Kind string

// The kinds. Those of a roster are found from what it changes; what the proposal
// says must be the same.
const (
	Admit          = Kind(members.Admit)
	Expel          = Kind(members.Expel)
	Suspend        = Kind(members.Suspend)
	Restore        = Kind(members.Restore)
	Seat           = Kind(members.Seat)
	Keys           = Kind(members.Rekey)
	Charter        = Kind(members.Recast)
	Catalogue Kind = "catalogue" // 目录
	Objection Kind = "objection" // 异议裁定
	Release   Kind = "release"   // 授权开放裁定
	Recovery  Kind = "recovery"  // 恢复方案
	Peering   Kind = "peering"   // 联合体互联
	Blinding  Kind = "blinding"  // 盲化密钥持有方
)

// Kinds lists all kinds, those of rosters first.
func Kinds() []Kind {
	return []Kind{Admit, Expel, Suspend, Restore, Seat, Keys, Charter, Catalogue, Objection, Release, Recovery, Peering, Blinding}
}

// Roster says whether the matter is a roster.
func (k Kind) Roster() bool { return slices.Contains(Kinds()[:7], k) }

// Decision says whether the matter is neither a roster nor a catalogue.
func (k Kind) Decision() bool { return slices.Contains(Kinds()[8:], k) }

// Quorum is how many seats must say yes.
func (k Kind) Quorum(f *members.Federation) int {
	switch {
	case k == Catalogue:
		return f.AdoptQuorum
	case k == Blinding: // who holds the key together can try all numbers
		return members.Quorums{Roster: f.RosterQuorum, Kinds: f.KindQuorums}.For(members.Recast)
	case k.Decision() && f.DecideQuorum > 0:
		return f.DecideQuorum
	case k.Roster():
		return members.Quorums{Roster: f.RosterQuorum, Kinds: f.KindQuorums}.For(members.Matter(k))
	}
	return f.RosterQuorum
}

// KindsOf says what a roster makes of the one before: more than one kind is more
// than one matter.
func KindsOf(before, next *members.Roster) (kinds []Kind) {
	for _, m := range members.MattersOf(before, next) {
		kinds = append(kinds, Kind(m))
	}
	return kinds
}

// barred are the members whose own place or seat a roster takes or gives: they do
// not vote on it.
func barred(before, next *members.Roster) (ids []exchange.MemberID) {
	for _, was := range before.Members {
		now, stays := next.Member(was.ID)
		if !stays || now.Seat != was.Seat || now.Suspended != was.Suspended {
			ids = append(ids, was.ID)
		}
	}
	return ids
}
