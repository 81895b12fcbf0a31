package catalogue

import "slices"

// Past is a request that was made, and how it was decided.
type Past struct {
	Request Request
	Was     Decision
}

// Replay decides past requests again under this catalogue and gives the answers, in
// their order. What a day's limit refused is decided without it: who asked how often
// is not in a request.
func (c *Catalogue) Replay(past []Past) []Decision {
	now := make([]Decision, len(past))
	for i := range past {
		now[i] = c.Decide(past[i].Request)
	}
	return now
}

// Flips says whether two answers to one request differ in what they let happen: the
// outcome, or who has to approve.
func Flips(was, now *Decision) bool {
	return was.Outcome != now.Outcome || was.Outcome != Refused &&
		(was.Approval != now.Approval || was.Persons != now.Persons || joined(was.Approvers) != joined(now.Approvers))
}

// Tally counts what a draft changes for one member's requests.
type Tally struct {
	Member    string `json:"member"`
	Requests  int    `json:"requests"`
	Opened    int    `json:"opened"`    // were refused and would not be
	Closed    int    `json:"closed"`    // were not refused and would be
	Approvals int    `json:"approvals"` // would be approved by others than they were
}

// Flipped is how many decisions flip.
func (t Tally) Flipped() int { return t.Opened + t.Closed + t.Approvals }

// TallyOf counts replayed requests by member, in the order of their names.
func TallyOf(members []string, past []Past, now []Decision) []Tally {
	by := map[string]*Tally{}
	for i := range past {
		t := by[members[i]]
		if t == nil {
			t = &Tally{Member: members[i]}
			by[members[i]] = t
		}
		t.Requests++
		was := &past[i].Was
		switch {
		case !Flips(was, &now[i]):
		case was.Outcome == Refused:
			t.Opened++
		case now[i].Outcome == Refused:
			t.Closed++
		default:
			t.Approvals++
		}
	}
	all := make([]Tally, 0, len(by))
	for _, t := range by {
		all = append(all, *t)
	}
	slices.SortFunc(all, func(a, b Tally) int {
		if a.Member < b.Member {
			return -1
		}
		return 1
	})
	return all
}
