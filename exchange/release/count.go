package release

import (
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/exchange/state"
)

// DayCount is how many requests of an operator one rule took on one day: a row for each
// operator and rule, begun anew every day.
type DayCount struct {
	ID  string `json:"id"`  // member/operator/rule
	Day int64  `json:"day"` // in China, since 1970-01-01
	N   int    `json:"n"`
}

var counts = state.NewTable("release.counts", func(c *DayCount) string { return c.ID }).Later()

// counted is the row that counts the request, nil when its rule has no limit. One
// too many is refused.
func (r *Release) counted(a *members.Act) *DayCount {
	if r.Decision.Outcome == catalogue.Refused || r.Decision.PerOperatorDay == 0 {
		return nil
	}
	c := DayCount{ID: string(r.Requester) + "/" + string(r.Operator) + "/" + r.Decision.Rule, Day: DayOf(a.Now), N: 1}
	if before, ok := counts.Get(a.Tx, c.ID); ok && before.Day == c.Day {
		c.N += before.N
	}
	if c.N > r.Decision.PerOperatorDay {
		r.Decision = a.Catalogue.TooMany(r.Decision)
		return nil
	}
	return &c
}

// DayOf is the day in China that a time of the ledger lies in.
func DayOf(at exchange.Millis) int64 { return (int64(at) + 8*3_600_000) / 86_400_000 }
