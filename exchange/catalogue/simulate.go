package catalogue

import "slices"

// Past is a request that was made, and how it was decided.
type Past struct {
	Request Request
	Was     Decision
	By      string // who made it, for limits by operator
	Day     int64  // on which day
}

// Replay decides past requests again under this catalogue, given and answered the oldest
// first: how many of them a rule's limit for a day lets through depends on their order.
func (c *Catalogue) Replay(past []Past) []Decision {
	type limited struct {
		by, rule string
		day      int64
	}
	now, made := make([]Decision, len(past)), map[limited]int{}
	for i := range past {
		d := c.Decide(past[i].Request)
		if d.Outcome != Refused && d.PerOperatorDay != 0 {
			key := limited{past[i].By, d.Rule, past[i].Day}
			if made[key] == d.PerOperatorDay {
				d = c.TooMany(d)
			} else {
				made[key]++
			}
		}
		now[i] = d
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
