package catalogue

import (
	"strconv"

	"accord/exchange"
)

// Publication is what the public sees of a record, and when (R06: what, from when, for
// how long).
type Publication struct {
	Fields []string        // in the category's order
	From   exchange.Millis // 0: from the beginning
	Until  exchange.Millis // from then on no more; 0: as long as the record stands
}

// At says whether the public sees anything of the record at a time.
func (p Publication) At(at exchange.Millis) bool {
	return len(p.Fields) > 0 && at >= p.From && (p.Until == 0 || at < p.Until)
}

// Publication gives what the public sees of a record of a category, on a subject of a
// kind, in which value finds what the public fields say. It begins at the end of so many
// working days after the event, and ends with so many natural days after it or with the
// day that the record itself names, whichever is earlier. ok is false where the category
// is unknown, or a date that counts cannot be read: then the public sees nothing.
func (c *Catalogue) Publication(category, subjectKind string, value func(field string) string) (p Publication, ok bool) {
	cat := c.Category(category)
	if cat == nil {
		return p, false
	}
	d := cat.Disclosure
	for i := range cat.Fields {
		f := &cat.Fields[i]
		if c.classOf(f, subjectKind) == Public && d.Shows(f.ID) {
			p.Fields = append(p.Fields, f.ID)
		}
	}
	if d == nil {
		return p, true
	}
	if d.AfterDays > 0 || d.ForDays > 0 {
		first, last, ok := daysOf(value(cat.EventField))
		if !ok {
			return Publication{}, false
		}
		if d.AfterDays > 0 {
			p.From = c.doc.Calendar.AddWorkingDays(last, d.AfterDays)
		}
		if d.ForDays > 0 {
			p.Until = EndOfDay(first, d.ForDays)
		}
	}
	if d.UntilField == "" || value(d.UntilField) == "" {
		return p, true
	}
	day, _, ok := daysOf(value(d.UntilField))
	if !ok {
		return Publication{}, false
	}
	if end := EndOfDay(day, 0); p.Until == 0 || end < p.Until {
		p.Until = end
	}
	return p, true
}

// daysOf gives the day of a date, or the first and the last one of a month: where only
// the month is known the public sees nothing on days on which it might not.
func daysOf(date string) (first, last exchange.Millis, ok bool) {
	if len(date) != len("2006-01") {
		first, ok = StartOfDay(date)
		return first, first, ok
	}
	if first, ok = StartOfDay(date + "-01"); !ok {
		return 0, 0, false
	}
	for last = first; DateOf(last + msPerDay)[:len(date)] == date; last += msPerDay {
	}
	return first, last, true
}

// Shows says whether a public field is among those the public is shown.
func (d *Disclosure) Shows(field string) bool {
	return d == nil || len(d.Fields) == 0 || contains(d.Fields, field)
}

// told is what is said of a public field, with what the disclosure makes of it.
func (d *Disclosure) told(field string, public exchange.Text) exchange.Text {
	switch {
	case d == nil:
		return public
	case !d.Shows(field):
		return exchange.Text{Zh: "公开，但不向公众披露：持有该记录的成员单位可见", En: "public, but not among what the public is shown: members that hold the record see it"}
	}
	if d.AfterDays > 0 {
		public.Zh += "，事件后满" + strconv.Itoa(d.AfterDays) + "个工作日起"
		public.En += ", from " + strconv.Itoa(d.AfterDays) + " working days after the event"
	}
	if d.ForDays > 0 {
		public.Zh += "，至事件后" + strconv.Itoa(d.ForDays) + "日止"
		public.En += ", until " + strconv.Itoa(d.ForDays) + " days after the event"
	}
	if d.UntilField != "" {
		public.Zh += "，至 " + d.UntilField + " 当日止"
		public.En += ", until the day in " + d.UntilField
	}
	return public
}
