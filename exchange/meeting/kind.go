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
	Admit     Kind = "admit"     // 接纳: a member joins
	Expel     Kind = "expel"     // 除名: a member leaves
	Suspend   Kind = "suspend"   // 暂停
	Restore   Kind = "restore"   // 恢复
	Seat      Kind = "seat"      // 席位与表决节点: who has a seat, whose node votes in the log
	Keys      Kind = "keys"      // 密钥与登记: keys, nodes, addresses, names
	Charter   Kind = "charter"   // 章程: the quorums
	Catalogue Kind = "catalogue" // 目录
	Objection Kind = "objection" // 异议裁定
	Release   Kind = "release"   // 授权开放裁定
	Recovery  Kind = "recovery"  // 恢复方案
	Peering   Kind = "peering"   // 联合体互联
)

// Kinds lists all kinds, those of rosters first.
func Kinds() []Kind {
	return []Kind{Admit, Expel, Suspend, Restore, Seat, Keys, Charter, Catalogue, Objection, Release, Recovery, Peering}
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
	case k.Decision() && f.DecideQuorum > 0:
		return f.DecideQuorum
	}
	return f.RosterQuorum
}

// KindsOf says what a roster makes of the one before: more than one kind is more
// than one matter. Quorums that only follow the number of seats and members, as
// [members.Roster.Fit] moves them, are no matter of their own.
func KindsOf(before, next *members.Roster) []Kind {
	found := map[Kind]bool{}
	for _, m := range next.Members {
		was, known := before.Member(m.ID)
		if !known {
			found[Admit] = true
			continue
		}
		found[Suspend] = found[Suspend] || m.Suspended && !was.Suspended
		found[Restore] = found[Restore] || was.Suspended && !m.Suspended
		found[Seat] = found[Seat] || m.Seat != was.Seat || m.Node.Votes() != was.Node.Votes()
		found[Keys] = found[Keys] || relisted(was, m)
	}
	for _, m := range before.Members {
		if _, stays := next.Member(m.ID); !stays {
			found[Expel] = true
		}
	}
	fitted := *next
	fitted.Quorums = before.Quorums
	fitted.Fit()
	found[Charter] = next.Quorums != before.Quorums && next.Quorums != fitted.Quorums
	var all []Kind
	for _, k := range Kinds() {
		if found[k] {
			all = append(all, k)
		}
	}
	return all
}

// relisted says whether keys, node, address or registration differ.
func relisted(a, b members.Founder) bool {
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
