package catalogue

import "accord/exchange"

// What came with format 2 beside the release rules: times, terms, publicity and
// evaluation, as data. Other parts act on them.

// Deadline is how long something may take (办理期限).
type Deadline struct {
	ID      string        `json:"id"` // one of the Due constants
	Title   exchange.Text `json:"title"`
	Days    int           `json:"days"`             // working days by the catalogue's calendar
	Natural bool          `json:"natural,omitzero"` // natural days instead
	Source  string        `json:"source,omitempty"`
}

// What a deadline is for; the set is closed.
const (
	DueComplaint        = "complaint"         // a complaint to its result
	DueCorrection       = "correction"        // a decision annulled or changed to the corrected record
	DueDisclosure       = "disclosure"        // an application for disclosure to its answer
	DueFeedback         = "feedback"          // a listing to what a member did about its measure
	DueObjection        = "objection"         // an objection to its decision
	DueObjectionFlag    = "objection-flag"    // an objection to the flag on all copies
	DuePublication      = "publication"       // a decision to its publication
	DueRepair           = "repair"            // an application for repair to its decision
	DueRepairPropagated = "repair-propagated" // a repair to all copies
	DueTipAccepted      = "tip-accepted"      // a tip to whether it is taken up
	DueTip              = "tip"               // a tip to its result
)

func dueKnown(id string) bool {
	switch id {
	case DueComplaint, DueCorrection, DueDisclosure, DueFeedback, DueObjection, DueObjectionFlag, DuePublication,
		DueRepair, DueRepairPropagated, DueTipAccepted, DueTip:
		return true
	}
	return false
}

// SeverityClass (失信严重程度) bounds how long what is adverse stays public, counted
// from the document that determined it.
type SeverityClass struct {
	ID      string        `json:"id"`
	Title   exchange.Text `json:"title"`
	DaysMin int           `json:"days_min"`        // public at least so long; repair before it is refused
	DaysMax int           `json:"days_max"`        // and then no longer, whatever else
	Hidden  bool          `json:"hidden,omitzero"` // not made public unless its author asks for it
	Source  string        `json:"source,omitempty"`
}

// Disclosure (披露) says what the public sees of a category's records, from when and for
// how long; see [Catalogue.Publication].
type Disclosure struct {
	Fields     []string `json:"fields,omitempty"`      // these public fields; empty: all public ones
	AfterDays  int      `json:"after_days,omitzero"`   // working days after the event
	ForDays    int      `json:"for_days,omitzero"`     // natural days after the event; 0: as long as the record stands
	UntilField string   `json:"until_field,omitempty"` // public date that is the last day, where it comes first
	Source     string   `json:"source,omitempty"`
}

// Indicator (评价指标) makes points of the records on a subject. All numbers are
// integers: every member computes the same.
type Indicator struct {
	ID         string        `json:"id"`
	Title      exchange.Text `json:"title"`
	Subjects   []string      `json:"subjects"`
	Categories []string      `json:"categories,omitempty"` // records that count; empty: Lists
	Lists      []string      `json:"lists,omitempty"`      // entries that count
	Field      string        `json:"field,omitempty"`      // only records in which this public coded field
	Values     []string      `json:"values,omitempty"`     // has one of these values
	Points     int           `json:"points"`               // of each; negative for what is adverse
	Most       int           `json:"most"`                 // the indicator changes the score by no more
	Decay      []DecayStep   `json:"decay,omitempty"`      // by age; without, a record counts in full for ever
	Source     string        `json:"source,omitempty"`
}

// DecayStep: records younger than Days count with Percent of their points. What is
// older than the last step counts nothing.
type DecayStep struct {
	Days    int `json:"days"`
	Percent int `json:"percent"`
}

// Grade (信用等级) is what a score amounts to, and what follows (分类分级监管).
type Grade struct {
	ID       string        `json:"id"`
	Title    exchange.Text `json:"title"`
	From     int           `json:"from"`               // the lowest score of the grade
	Measures []string      `json:"measures,omitempty"` // ids of measures of the lists
	Source   string        `json:"source,omitempty"`
}

// Evaluation (信用评价) is how a score comes about: Base and the indicators, within
// 0 and Full.
type Evaluation struct {
	Base       int         `json:"base"`
	Full       int         `json:"full"`
	Indicators []Indicator `json:"indicators"`
	Grades     []Grade     `json:"grades"` // from the best to the worst; the last begins at 0
	Source     string      `json:"source,omitempty"`
}

// GradeOf is the grade of a score, nil when there is none.
func (e *Evaluation) GradeOf(score int) *Grade {
	if e == nil {
		return nil
	}
	for i := range e.Grades {
		if score >= e.Grades[i].From {
			return &e.Grades[i]
		}
	}
	return nil
}

// Percent is the share of its points that a record of the given age in days has.
func (i *Indicator) Percent(age int) int {
	if len(i.Decay) == 0 {
		return 100
	}
	for _, step := range i.Decay {
		if age < step.Days {
			return step.Percent
		}
	}
	return 0
}

// Deadline finds a deadline by what it is for, nil when there is none.
func (c *Catalogue) Deadline(id string) *Deadline {
	for i := range c.doc.Deadlines {
		if c.doc.Deadlines[i].ID == id {
			return &c.doc.Deadlines[i]
		}
	}
	return nil
}

// Severity finds a severity class, nil when there is none.
func (c *Catalogue) Severity(id string) *SeverityClass {
	for i := range c.doc.Severities {
		if c.doc.Severities[i].ID == id {
			return &c.doc.Severities[i]
		}
	}
	return nil
}

// SeverityOf is the severity class of entries on a list for a ground: the ground's,
// or the list's; nil where neither names one.
func (c *Catalogue) SeverityOf(list, ground string) *SeverityClass {
	l := c.List(list)
	if l == nil {
		return nil
	}
	if g := l.GroundOf(ground); g != nil && g.Severity != "" {
		return c.Severity(g.Severity)
	}
	return c.Severity(l.Severity)
}

// Timely says whether a record made on a day is in time for an event of another, both
// counted from 1970-01-01 in China, by the category's TimelyDays; set is false where it
// has none.
func (c *Catalogue) Timely(category string, event, made int64) (timely, set bool) {
	cat := c.Category(category)
	if cat == nil || cat.TimelyDays == 0 {
		return false, false
	}
	return startOf(made) < c.doc.Calendar.AddWorkingDays(startOf(event), cat.TimelyDays), true
}

// Due is when something begun at a time must be done: the end of its last day in
// China. ok is false where the catalogue sets no such deadline.
func (c *Catalogue) Due(id string, from exchange.Millis) (until exchange.Millis, ok bool) {
	d := c.Deadline(id)
	switch {
	case d == nil:
		return 0, false
	case d.Natural:
		return EndOfDay(from, d.Days), true
	}
	return c.doc.Calendar.AddWorkingDays(from, d.Days), true
}
