package records

import (
	"sort"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// Flags are findings that do not keep a record out. Their names are those that
// package intake gives to the same findings in a file.
const (
	FlagInnerCode  = "uscc_inner_check"          // the organisation code inside a USCC fails its own check
	FlagPrivateUse = "private_use_char"          // a name with a character of the private use area
	FlagAmount     = "amount_absurd"             // above the catalogue's money_flag_fen
	FlagMonth      = "date_month_only"           // a date that stops at the month
	FlagMarkup     = "html_in_text"              // free text with markup
	FlagFormula    = "formula_text"              // free text that a spreadsheet would run
	FlagRetention  = "past_retention_enterprise" // an organisation's record past its retention
)

// Problems are all that is wrong with a record's values, in the order of the
// catalogue. Each names its field and never the value.
type Problems []*exchange.Error

// Error lists them by field, without values.
func (p Problems) Error() string {
	var all []string
	for _, e := range p {
		all = append(all, strings.TrimPrefix(e.Field, "/")+": "+e.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap makes errors.Is and errors.As see each problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, e := range p {
		all[i] = e
	}
	return all
}

// beijing is the calendar in which days are judged; China has one zone and no
// summer time, so no zone table is needed.
var beijing = time.FixedZone("UTC+8", 8*60*60)

// Validate checks values in stored form against the catalogue, for rows typed
// by hand or sent to the API; package intake does the same for files after it
// has normalised them. at is the moment at which "future" and retention are
// judged.
//
// It returns flags to store with the record, or Problems (all of them), or one
// error when category or subject kind do not fit.
func Validate(cat *catalogue.Catalogue, category, subjectKind string, values Values, at time.Time) (flags []string, err error) {
	c, err := applicable(cat, category, subjectKind)
	if err != nil {
		return nil, err
	}
	v := &validator{limits: cat.Document().Limits, category: c, values: values, at: at,
		today: at.In(beijing).Format(time.DateOnly), person: cat.Subject(subjectKind).Namespace == exchange.SubjectPerson}
	known := 0
	for i := range c.Fields {
		f := &c.Fields[i]
		if value, ok := values[f.ID]; ok {
			known++
			v.field(f, value)
		} else if f.Required || contains(f.RequiredFor, subjectKind) {
			v.problem(f, ErrMissing.With())
		}
	}
	if known != len(values) {
		v.problems = append(v.problems, exchange.AsError(unknownField(cat, category, values)))
	}
	if len(v.problems) == 0 { // dates are compared only where each is sound
		v.order()
		v.retention()
	}
	if len(v.problems) > 0 {
		return nil, v.problems
	}
	sort.Strings(v.flags)
	return v.flags, nil
}

// validator collects what is wrong with one record.
type validator struct {
	limits   catalogue.Limits
	category *catalogue.Category
	values   Values
	at       time.Time
	today    string // "2006-01-02" in Beijing
	person   bool
	problems Problems
	flags    []string
}

func (v *validator) problem(f *catalogue.Field, e *exchange.Error) {
	v.problems = append(v.problems, e.At(pointer(f.ID)))
}

func (v *validator) flag(name string) {
	if !contains(v.flags, name) {
		v.flags = append(v.flags, name)
	}
}

// order checks not_before pairs.
func (v *validator) order() {
	for i := range v.category.Fields {
		f := &v.category.Fields[i]
		later, earlier := v.values.text(f.ID), v.values.text(f.NotBefore)
		if f.NotBefore == "" || later == "" || earlier == "" {
			continue
		}
		if before(later, earlier) {
			v.problem(f, ErrOrder.With("other", f.NotBefore))
		}
	}
}

// before says whether date or time a lies before b, as far as the coarser of
// the two can tell.
func before(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339, a)
	tb, errB := time.Parse(time.RFC3339, b)
	if errA == nil && errB == nil {
		return ta.Before(tb)
	}
	a, b = day(a), day(b)
	n := min(len(a), len(b))
	return a[:n] < b[:n]
}

// day is the Beijing day of a time, and a date as it is.
func day(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(beijing).Format(time.DateOnly)
	}
	return s
}

// retention applies the category's period: a person's record past it may not
// be stored, an organisation's is flagged.
func (v *validator) retention() {
	if !pastRetention(v.category, v.values.text(v.category.EventField), v.today) {
		return
	}
	if v.person {
		v.problems = append(v.problems, ErrRetention.With().At(pointer(v.category.EventField)))
		return
	}
	v.flag(FlagRetention)
}

// PastRetention says whether the category's period is over at a moment, counted from
// an event's date or time. Without either there is no end.
func PastRetention(c *catalogue.Category, event string, at time.Time) bool {
	return pastRetention(c, event, Day(at))
}

// Day is the Beijing day of a moment.
func Day(at time.Time) string { return at.In(beijing).Format(time.DateOnly) }

func pastRetention(c *catalogue.Category, event, today string) bool {
	if c.RetentionDays <= 0 || event == "" {
		return false
	}
	event = day(event)
	from, err := time.Parse(time.DateOnly, event)
	if err != nil { // month precision: the month's last day counts
		if from, err = time.Parse("2006-01", event); err != nil {
			return false
		}
		from = from.AddDate(0, 1, -1)
	}
	return from.AddDate(0, 0, c.RetentionDays).Format(time.DateOnly) < today
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
