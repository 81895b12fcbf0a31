package members

// Matter is what a roster changes in the one before it. Each may ask for a number of
// seats of its own ([Quorums].Kinds).
type Matter string

// The matters of rosters.
const (
	Admit   Matter = "admit"   // 接纳: a member joins
	Expel   Matter = "expel"   // 除名: a member leaves
	Suspend Matter = "suspend" // 暂停
	Restore Matter = "restore" // 恢复
	Seat    Matter = "seat"    // 席位与表决节点: who has a seat, whose node votes in the log
	Rekey   Matter = "keys"    // 密钥与登记: keys, nodes, addresses, names
	Recast  Matter = "charter" // 章程: the quorums
)

// Matters lists them in the order of telling.
func Matters() []Matter { return []Matter{Admit, Expel, Suspend, Restore, Seat, Rekey, Recast} }

// KindQuorums are the seats that must endorse a roster by what it changes: no fewer than
// Quorums.Roster, which 0 stands for. With fewer, two seats could give a third new keys
// and speak for it. From machine version 4.
type KindQuorums struct {
	Admit   int `json:"admit,omitzero"`
	Expel   int `json:"expel,omitzero"`
	Suspend int `json:"suspend,omitzero"`
	Restore int `json:"restore,omitzero"`
	Seat    int `json:"seat,omitzero"`
	Keys    int `json:"keys,omitzero"`
	Charter int `json:"charter,omitzero"`
}

// Of is the number of a matter, for reading and for setting; nil for none.
func (q *KindQuorums) Of(m Matter) *int {
	switch m {
	case Admit:
		return &q.Admit
	case Expel:
		return &q.Expel
	case Suspend:
		return &q.Suspend
	case Restore:
		return &q.Restore
	case Seat:
		return &q.Seat
	case Rekey:
		return &q.Keys
	case Recast:
		return &q.Charter
	}
	return nil
}

// For is how many seats must endorse a roster that changes this much: what the
// strictest of its matters asks for.
func (q Quorums) For(matters ...Matter) int {
	if len(matters) == 0 {
		return q.Roster
	}
	need := 0
	for _, m := range matters {
		of := q.Kinds.Of(m)
		if of == nil || *of == 0 {
			of = &q.Roster
		}
		need = max(need, *of)
	}
	return need
}

// guarded says whether changing the quorums takes as many seats as the strictest of the
// numbers. It does not keep those who reach Roster from making seats of their own first,
// by admitting members or exchanging keys: who wants a strict number sets it for these
// matters, too.
func (q Quorums) guarded() bool {
	return q.Kinds == KindQuorums{} || q.For(Recast) >= max(q.For(Matters()...), q.Adopt, q.Decide)
}

// lower says whether a number is lower than another membership's.
func (q KindQuorums) lower(than KindQuorums) bool {
	for _, m := range Matters() {
		if *q.Of(m) < *than.Of(m) {
			return true
		}
	}
	return false
}

// MattersOf says what a roster makes of the one before. Quorums that only follow the
// number of seats and members, as [Roster.Fit] moves them, are no matter of their own:
// except that taking seats away until a number by kind is out of reach lowers that
// number, and takes as many seats as lowering it in words.
func MattersOf(before, next *Roster) []Matter {
	found := map[Matter]bool{}
	for _, m := range next.Members {
		was, known := before.Member(m.ID)
		if !known {
			found[Admit] = true
			continue
		}
		found[Suspend] = found[Suspend] || m.Suspended && !was.Suspended
		found[Restore] = found[Restore] || was.Suspended && !m.Suspended
		found[Seat] = found[Seat] || m.Seat != was.Seat || m.Node.Votes() != was.Node.Votes()
		found[Rekey] = found[Rekey] || relisted(was, m)
	}
	for _, m := range before.Members {
		if _, stays := next.Member(m.ID); !stays {
			found[Expel] = true
		}
	}
	fitted := *next
	fitted.Quorums = before.Quorums
	fitted.Fit()
	found[Recast] = next.Quorums != before.Quorums && next.Quorums != fitted.Quorums || fitted.Quorums.Kinds.lower(before.Quorums.Kinds)
	var all []Matter
	for _, m := range Matters() {
		if found[m] {
			all = append(all, m)
		}
	}
	return all
}

// relisted says whether keys, node, address or registration differ.
func relisted(a, b Founder) bool {
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
