package catalogue

import "accord/exchange"

// disclosures says what the public will be shown, or no longer, of what is public by its
// class before and after.
func (d *differ) disclosures(before, after *Document) {
	was := New(before)
	for i := range after.Categories {
		now := &after.Categories[i]
		old := was.Category(now.ID)
		if old == nil {
			continue
		}
		path := "categories/" + now.ID
		for j := range now.Fields {
			f := &now.Fields[j]
			g := old.field(f.ID)
			if g == nil || f.Class != Public || g.Class != Public {
				continue
			}
			what := exchange.Text{Zh: "“" + now.Title.Zh + "”的“" + f.Title.Zh + "”", En: f.Title.En + " of " + now.Title.En}
			switch had, has := old.Disclosure.Shows(f.ID), now.Disclosure.Shows(f.ID); {
			case has && !had:
				d.add(Opened, path+"/fields/"+f.ID, "今后向公众披露"+what.Zh, "the public will be shown "+what.En)
			case had && !has:
				d.add(Closed, path+"/fields/"+f.ID, "今后不向公众披露"+what.Zh, "the public will no longer be shown "+what.En)
			}
		}
		then, next := termsOf(old), termsOf(now)
		if next.beyond(then) {
			d.add(Opened, path+"/disclosure", "“"+now.Title.Zh+"”今后可能更早或更久向公众披露", now.Title.En+" may be shown to the public earlier or longer")
		}
		if then.beyond(next) {
			d.add(Closed, path+"/disclosure", "“"+now.Title.Zh+"”今后可能更晚或更短时间向公众披露", now.Title.En+" may be shown to the public later or for less long")
		}
	}
}

// term is from when and until when the public sees a category's records.
type term struct {
	event, until string // fields that say so
	after, days  int
}

func termsOf(c *Category) term {
	d := c.Disclosure
	if d == nil {
		return term{event: c.EventField}
	}
	return term{c.EventField, d.UntilField, d.AfterDays, d.ForDays}
}

// beyond says whether some record may be seen under t at a time at which it is not under
// other. Another date may be any.
func (t term) beyond(other term) bool {
	switch {
	case t.after < other.after, other.days > 0 && (t.days == 0 || t.days > other.days), other.until != "" && t.until != other.until:
		return true
	}
	return t.event != other.event && (other.after > 0 || other.days > 0)
}
