package lists

import (
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

// What a catalogue of format 2 says of an entry's times. A list of format 1 says
// nothing of it, and nothing here changes for its entries.

// listedFrom is when an entry nominated now is listed: after the notice, and not
// before the end of the working days in which the subject may be heard (申辩).
func listedFrom(a *members.Act, list *catalogue.List) exchange.Millis {
	from := a.Now + exchange.Millis(list.NoticeMillis)
	if list.HearingDays > 0 {
		from = max(from, a.Catalogue.Document().Calendar.AddWorkingDays(a.Now, list.HearingDays))
	}
	return from
}

// judgeSeverity holds an entry's term against its severity class (国家发展改革委令第36号):
// public for so long at least, and at most so long after what determined it.
func judgeSeverity(a *members.Act, c *Claims, list *catalogue.List) *exchange.Error {
	class := a.Catalogue.SeverityOf(c.List, c.Ground)
	if class == nil {
		return nil
	}
	if c.TermDays < class.DaysMin {
		return ErrTerm.With("min", class.DaysMin, "max", min(list.TermDaysMax, class.DaysMax))
	}
	determined := a.Now
	if c.Decision != nil && c.Decision.Date != "" {
		at, ok := catalogue.StartOfDay(c.Decision.Date)
		if !ok || at > a.Now {
			return ErrDecisionDate.With("date", c.Decision.Date)
		}
		determined = at
	}
	from := listedFrom(a, list)
	// The day of the decision does not count (民法典 201): its last day is DaysMax later.
	last := catalogue.EndOfDay(determined, class.DaysMax)
	if until := from + exchange.Millis(c.TermDays)*day; until > last {
		return ErrSeverity.With("severity", class.ID, "max", class.DaysMax, "days", max(0, int64(last-from)/day))
	}
	return nil
}

// judgeRepair refuses the repair of an entry that has not been listed for the time
// its list, or its severity class, asks for. An entry that fell with its decision, or
// never should have been, goes at once.
func judgeRepair(a *members.Act, e *Entry, reason string) *exchange.Error {
	if reason != Repaired {
		return nil
	}
	if may := RepairFrom(a.Catalogue, e); a.Now < may {
		return ErrRepair.With("day", catalogue.DateOf(may), "list", e.List)
	}
	return nil
}

// RepairFrom is from when an entry may be repaired, as the catalogue in force has it.
func RepairFrom(c *catalogue.Catalogue, e *Entry) exchange.Millis {
	days := 0
	if list := c.List(e.List); list != nil {
		days = list.RepairDaysMin
	}
	if class := c.SeverityOf(e.List, e.Ground); class != nil {
		days = max(days, class.DaysMin)
	}
	return e.ListedFrom + exchange.Millis(days)*day
}
