package lists_test

import (
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
)

// severe is the small catalogue with format 2's terms: entries of the black list are
// public for 366 to 500 days, for fraud for 400 to 2000; the subject is heard in five
// working days, the first of which is a holiday here.
func severe(t *testing.T) *machine.Machine {
	t.Helper()
	doc := Document(1)
	doc.Format = catalogue.Format2
	title := exchange.Text{Zh: "程度", En: "severity"}
	doc.Severities = []catalogue.SeverityClass{{ID: "serious", Title: title, DaysMin: 366, DaysMax: 500}, {ID: "grave", Title: title, DaysMin: 400, DaysMax: 2000}}
	black := &doc.Lists[1]
	black.TermDaysMax, black.RepairDaysMin, black.Severity, black.Grounds[1].Severity = 500, 380, "serious", "grave"
	black.NoticeMillis = int64(2 * Day)
	black.HearingDays = 5
	next := (*catalogue.Calendar)(nil).AddWorkingDays(Start, 1) - 1
	doc.Calendar = &catalogue.Calendar{Holidays: []string{catalogue.DateOf(next)}, Workdays: []string{}}
	return MeetingUnder(t, doc)
}

// listing is from when an entry nominated at Start is on the list: the notice is
// shorter than the hearing, which a holiday makes a day longer.
func listing() exchange.Millis {
	return (*catalogue.Calendar)(nil).AddWorkingDays(Start, 6)
}

// TestTermsOfSeverity: an entry stays public for as long as its severity class says,
// counted from the document that determined it, and is listed when its subject could
// be heard.
func TestTermsOfSeverity(t *testing.T) {
	decided := func(days int) *lists.DecisionRef {
		return &lists.DecisionRef{Number: "（2016）青01执1号", Authority: "某法院", Date: catalogue.DateOf(Start - exchange.Millis(days)*Day)}
	}
	left := int((catalogue.EndOfDay(Start, 500) - listing()) / Day)
	for name, c := range map[string]struct {
		edit edit
		want string
	}{
		"the shortest":              {func(c *lists.Claims) { c.TermDays = 366 }, ""},
		"shorter":                   {func(c *lists.Claims) { c.TermDays = 365 }, "LIST-010"},
		"to the last day":           {func(c *lists.Claims) { c.TermDays = left }, ""},
		"a day longer":              {func(c *lists.Claims) { c.TermDays = left + 1 }, "LIST-021"},
		"decided a month ago":       {func(c *lists.Claims) { c.Decision, c.TermDays = decided(30), left-30 }, ""},
		"a day more than that":      {func(c *lists.Claims) { c.Decision, c.TermDays = decided(30), left-29 }, "LIST-021"},
		"too long ago":              {func(c *lists.Claims) { c.Decision, c.TermDays = decided(400), 366 }, "LIST-021"},
		"decided today":             {func(c *lists.Claims) { c.Decision, c.TermDays = decided(0), left }, ""},
		"decided tomorrow":          {func(c *lists.Claims) { c.Decision, c.TermDays = decided(-1), 366 }, "LIST-020"},
		"a decision without a date": {func(c *lists.Claims) { c.Decision = decided(400); c.Decision.Date, c.TermDays = "", left }, ""},
		"the ground's own class":    {func(c *lists.Claims) { c.Ground, c.TermDays = "fraud", 400 }, ""},
		"shorter than that":         {func(c *lists.Claims) { c.Ground, c.TermDays = "fraud", 399 }, "LIST-010"},
		"the ground's, long ago":    {func(c *lists.Claims) { c.Ground, c.Decision, c.TermDays = "fraud", decided(900), 500 }, ""},
	} {
		m := severe(t)
		r := Do(t, m, nomination("court", "n", Entry(t, "court", "1", c.edit)))
		if Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
		}
		if e, ok := m.View().Entry(exchange.EntryID(ID("entry 1"))); ok && e.ListedFrom != listing() {
			t.Errorf("%s: listed from %s, want %s", name, catalogue.DateOf(e.ListedFrom), catalogue.DateOf(listing()))
		}
	}
}

// TestRepairWaits: nobody repairs an entry before its shortest publicity is over; an
// entry that fell or was wrong goes at once.
func TestRepairWaits(t *testing.T) {
	for name, c := range map[string]struct {
		ground, reason string
		days           exchange.Millis
		want           string
	}{
		"the list's time":          {"default", lists.Repaired, 380, ""},
		"the list's, a day early":  {"default", lists.Repaired, 379, "LIST-022"},
		"the class's time":         {"fraud", lists.Repaired, 400, ""},
		"the class's, a day early": {"fraud", lists.Repaired, 399, "LIST-022"},
		"revoked":                  {"default", lists.Revoked, 1, ""},
		"error":                    {"fraud", lists.Error, 1, ""},
	} {
		m := severe(t)
		Do(t, m, nomination("court", "n", Entry(t, "court", "1", func(e *lists.Claims) { e.Ground, e.TermDays = c.ground, 450 })))
		o := remove("court", "r", listing()+c.days*Day, 0)
		b := o.Body.(lists.RemoveBody)
		b.Reason = c.reason
		o.Body = b
		if r := Do(t, m, o); Code(r) != c.want {
			t.Errorf("%s: %q, want %q", name, Code(r), c.want)
		}
	}
}
