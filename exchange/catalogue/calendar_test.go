package catalogue_test

import (
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

var china = time.FixedZone("CST", 8*3600)

func millis(t *testing.T, at string) exchange.Millis {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04:05.000", at, china)
	if err != nil {
		t.Fatal(err)
	}
	return exchange.MillisOf(v)
}

// year2026 is the calendar of the State Council's notice for 2026.
func year2026() *catalogue.Calendar {
	return &catalogue.Calendar{
		Holidays: []string{"2026-01-01", "2026-01-02", "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20", "2026-02-23"},
		Workdays: []string{"2026-01-04", "2026-02-14", "2026-02-28"},
	}
}

func TestAddWorkingDays(t *testing.T) {
	for _, test := range []struct {
		calendar *catalogue.Calendar
		from     string
		n        int
		until    string // the end of the term: midnight after its last day
	}{
		{nil, "2026-03-02 09:00:00.000", 1, "2026-03-04 00:00:00.000"},        // Monday: Tuesday is the first day
		{nil, "2026-03-06 23:59:59.999", 1, "2026-03-10 00:00:00.000"},        // Friday: Monday
		{nil, "2026-03-07 00:00:00.000", 1, "2026-03-10 00:00:00.000"},        // Saturday: Monday
		{nil, "2026-03-02 00:00:00.000", 0, "2026-03-03 00:00:00.000"},        // none: the day itself
		{nil, "2026-03-02 00:00:00.000", -5, "2026-03-03 00:00:00.000"},       // nor fewer
		{nil, "2026-01-01 12:00:00.000", 2, "2026-01-06 00:00:00.000"},        // without a calendar no holidays
		{year2026(), "2025-12-31 12:00:00.000", 1, "2026-01-05 00:00:00.000"}, // Sunday 4 January is worked
		{year2026(), "2026-02-13 12:00:00.000", 1, "2026-02-15 00:00:00.000"}, // Saturday 14 February is worked
		{year2026(), "2026-02-14 12:00:00.000", 1, "2026-02-25 00:00:00.000"}, // then nine days are not
		{year2026(), "2026-02-26 12:00:00.000", 2, "2026-03-01 00:00:00.000"}, // Saturday 28 February is worked
		{year2026(), "2027-12-31 12:00:00.000", 1, "2028-01-04 00:00:00.000"}, // a year it says nothing about
		{nil, "2028-02-28 12:00:00.000", 1, "2028-03-01 00:00:00.000"},        // a leap day is a day
		{nil, "2026-03-02 12:00:00.000", 250, "2027-02-16 00:00:00.000"},      // fifty weeks
	} {
		got := test.calendar.AddWorkingDays(millis(t, test.from), test.n)
		if got != millis(t, test.until) {
			t.Errorf("%d working days from %s: %s, want %s", test.n, test.from, time.UnixMilli(int64(got)).In(china), test.until)
		}
	}
}

// TestEnds: the year of the last date of either kind, to its end.
func TestEnds(t *testing.T) {
	later := year2026()
	later.Workdays = append(later.Workdays, "2027-02-06")
	for want, c := range map[string]*catalogue.Calendar{"2026-12-31": year2026(), "2027-12-31": later} {
		if got := c.Ends(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for _, c := range []*catalogue.Calendar{nil, {}} {
		if got := c.Ends(); got != "" {
			t.Errorf("a calendar without a date ends on %s", got)
		}
	}
}

// TestWorkingAgainstTime goes through four centuries beside the standard library.
func TestWorkingAgainstTime(t *testing.T) {
	var plain *catalogue.Calendar
	day := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := int64(0); n < 146_097; n++ {
		date := day.Format(time.DateOnly)
		if got, ok := catalogue.ParseDay(date); !ok || got != n {
			t.Fatalf("%s is day %d, %v", date, got, ok)
		}
		if weekday := day.Weekday(); plain.Working(n) != (weekday != time.Saturday && weekday != time.Sunday) {
			t.Fatalf("%s is a %s", date, weekday)
		}
		day = day.AddDate(0, 0, 1)
	}
	for _, bad := range []string{"", "2026-1-01", "2026-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "1969-12-31", "2026/01/01", "2026-01-0x", "202a-01-01", "2026-01-32"} {
		if _, ok := catalogue.ParseDay(bad); ok {
			t.Errorf("%q is a day", bad)
		}
	}
}

func TestDue(t *testing.T) {
	doc := modern()
	doc.Calendar = year2026()
	doc.Deadlines = []catalogue.Deadline{{ID: catalogue.DueRepair, Title: text("repair"), Days: 10, Source: "x"},
		{ID: catalogue.DueFeedback, Title: text("feedback"), Days: 3, Natural: true, Source: "x"}}
	cat := catalogue.New(doc)
	from := millis(t, "2026-02-13 10:00:00.000")
	for id, want := range map[string]string{catalogue.DueRepair: "2026-03-06 00:00:00.000", catalogue.DueFeedback: "2026-02-17 00:00:00.000"} {
		if got, ok := cat.Due(id, from); !ok || got != millis(t, want) {
			t.Errorf("%s is due %s", id, time.UnixMilli(int64(got)).In(china))
		}
	}
	if _, ok := cat.Due(catalogue.DueTip, from); ok {
		t.Error("a deadline out of nothing")
	}
}
