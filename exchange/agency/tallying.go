package agency

import (
	"strconv"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/records"
)

// maxLag is the longest time between an event and its record that is told apart,
// in days.
const maxLag = 36_500

// tallies sums up what became of rows and of what records were made. It takes
// field names, kinds and numbers of days from a row, and no value.
type tallies struct {
	cat *catalogue.Catalogue
	day int64
	all map[records.Tally]int64
}

func newTallies(cat *catalogue.Catalogue, at exchange.Millis) *tallies {
	return &tallies{cat: cat, day: records.TallyDay(at), all: map[records.Tally]int64{}}
}

func (t *tallies) add(source, category, measure, item string) {
	t.all[records.Tally{Day: t.day, Source: source, Category: category, Measure: measure, Item: item}]++
}

// record counts a record by its values: which fields it has, and how long after
// its event it was made.
func (t *tallies) record(source, category string, values records.Values) {
	t.add(source, category, records.TallyRecord, "")
	for field := range values {
		t.add(source, category, records.TallyFilled, field)
	}
	c := t.cat.Category(category)
	if c == nil || c.EventField == "" {
		return
	}
	text, _ := values[c.EventField].(string)
	if lag, ok := LagOf(text, t.day); ok {
		t.add(source, category, records.TallyLag, strconv.FormatInt(lag, 10))
	}
}

// LagOf is how many days after its event a record of a day was made. An event of
// which only the month is known, or that is still to come, has none.
func LagOf(event string, day int64) (days int64, ok bool) {
	at, err := time.Parse(time.DateOnly, event)
	happened := at.Unix() / 86_400
	if err != nil {
		if at, err = time.Parse(time.RFC3339, event); err != nil {
			return 0, false
		}
		happened = records.TallyDay(exchange.MillisOf(at))
	}
	return min(day-happened, maxLag), day >= happened
}

// row counts a row of a source.
func (t *tallies) row(source string, done Imported) {
	row := done.Row
	what := records.RowNew
	switch {
	case row.Verdict == intake.Refuse:
		what = records.RowRefused
	case row.Verdict == intake.Same:
		what = records.RowDuplicate
	case done.Clash:
		what = records.RowConflict
	case done.Known:
		what = records.RowKnown
	}
	t.add(source, row.Category, records.TallyRow, what)
	if what == records.RowNew && row.Verdict == intake.Flag {
		t.add(source, row.Category, records.TallyRow, records.RowFlagged)
	}
	if what == records.RowKnown || what == records.RowConflict {
		return // what is wrong with it was counted when it came first
	}
	seen := map[string]bool{}
	for _, is := range row.Issues {
		if item := string(is.Effect) + "/" + is.Kind; is.Effect != intake.Accept && !seen[item] {
			seen[item] = true
			t.add(source, row.Category, records.TallyFinding, item)
		}
	}
}

func (t *tallies) list() []records.Tally {
	out := make([]records.Tally, 0, len(t.all))
	for one, n := range t.all {
		one.Count = n
		out = append(out, one)
	}
	return out
}
