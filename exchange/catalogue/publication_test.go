package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

func publishing(d *catalogue.Disclosure) *catalogue.Document {
	_, doc := catalogue.Full()
	copied := *doc
	copied.Categories = slices.Clone(doc.Categories)
	for i := range copied.Categories {
		if copied.Categories[i].ID == "admin-penalty" {
			copied.Categories[i].Disclosure = d
		}
	}
	return &copied
}

// TestWhatThePublicSees: which fields, from when and until when, by every term there
// is; and nothing where a date that counts cannot be read.
func TestWhatThePublicSees(t *testing.T) {
	day := func(date string) exchange.Millis {
		at, ok := catalogue.StartOfDay(date)
		if !ok {
			t.Fatal(date)
		}
		return at
	}
	for name, c := range map[string]struct {
		d           *catalogue.Disclosure
		event, last string
		from, until exchange.Millis
		never       bool
	}{
		"no disclosure":        {nil, "", "", 0, 0, false},
		"no term":              {&catalogue.Disclosure{}, "x", "", 0, 0, false},
		"after working days":   {&catalogue.Disclosure{AfterDays: 2}, "2026-09-30", "", day("2026-10-10"), 0, false}, // 8 and 9 October
		"for a year":           {&catalogue.Disclosure{ForDays: 365}, "2026-01-01", "", 0, day("2027-01-02"), false},
		"until its own day":    {&catalogue.Disclosure{ForDays: 365, UntilField: "disclosure_until"}, "2026-01-01", "2026-03-01", 0, day("2026-03-02"), false},
		"its own day is later": {&catalogue.Disclosure{ForDays: 365, UntilField: "disclosure_until"}, "2026-01-01", "2036-03-01", 0, day("2027-01-02"), false},
		"it names no day":      {&catalogue.Disclosure{UntilField: "disclosure_until"}, "2026-01-01", "", 0, 0, false},
		"only its month":       {&catalogue.Disclosure{AfterDays: 1, ForDays: 40}, "2026-02", "", day("2026-03-03"), day("2026-03-14"), false}, // the 2nd is a Monday
		"no event":             {&catalogue.Disclosure{ForDays: 1}, "", "", 0, 0, true},
		"no date":              {&catalogue.Disclosure{UntilField: "disclosure_until"}, "2026-01-01", "2026-02-30", 0, 0, true},
		"no month":             {&catalogue.Disclosure{ForDays: 1}, "2026-13", "", 0, 0, true},
	} {
		value := func(field string) string {
			return map[string]string{"decided_on": c.event, "disclosure_until": c.last}[field]
		}
		p, ok := catalogue.New(publishing(c.d)).Publication("admin-penalty", "enterprise", value)
		if ok == c.never || p.From != c.from || p.Until != c.until {
			t.Errorf("%s: %s to %s, %t", name, catalogue.DateOf(p.From), catalogue.DateOf(p.Until), ok)
		}
		if p.At(day("2026-10-12")) == c.never && c.until == 0 {
			t.Errorf("%s: shown: %t", name, !c.never)
		}
		if c.until != 0 && (p.At(c.until) || !p.At(c.until-1)) || c.from != 0 && (p.At(c.from-1) || !p.At(c.from)) {
			t.Errorf("%s: not at its bounds", name)
		}
	}
}

// TestThePublicSeesPublicFieldsOnly: of persons fewer, and only those that are named.
func TestThePublicSeesPublicFieldsOnly(t *testing.T) {
	none := func(string) string { return "" }
	cat := catalogue.New(publishing(nil))
	of := func(kind string) []string {
		p, ok := cat.Publication("admin-penalty", kind, none)
		if !ok {
			t.Fatal(kind)
		}
		return p.Fields
	}
	for _, kind := range []string{"enterprise", "practitioner", "unheard of"} {
		for _, f := range of(kind) {
			if class, ok := cat.ClassOf("admin-penalty", f, kind); !ok || class != catalogue.Public {
				t.Errorf("%s of %s is %s and shown", f, kind, class)
			}
		}
	}
	if len(of("practitioner")) >= len(of("enterprise")) || len(of("unheard of")) > len(of("practitioner")) {
		t.Errorf("%v, of persons %v", of("enterprise"), of("practitioner"))
	}
	p, ok := catalogue.New(publishing(&catalogue.Disclosure{Fields: []string{"severity", "decided_on"}})).Publication("admin-penalty", "enterprise", none)
	if got := strings.Join(p.Fields, " "); !ok || got != "decided_on severity" {
		t.Error(got)
	}
	if p, ok := cat.Publication("x", "enterprise", none); ok || p.At(0) {
		t.Error("an unknown category is shown")
	}
}

// TestDiffOfDisclosures: who votes learns what the public will be shown, and showing
// more is an opening, which waits.
func TestDiffOfDisclosures(t *testing.T) {
	type d = catalogue.Disclosure
	for name, c := range map[string]struct {
		before, after  *d
		opened, closed bool
	}{
		"the same":        {&d{ForDays: 9, Source: "a"}, &d{ForDays: 9, Source: "b"}, false, false},
		"first":           {nil, &d{ForDays: 9}, false, true},
		"none any more":   {&d{ForDays: 9}, nil, true, false},
		"longer":          {&d{ForDays: 9}, &d{ForDays: 10}, true, false},
		"for ever":        {&d{ForDays: 9}, &d{}, true, false},
		"earlier":         {&d{AfterDays: 9}, &d{AfterDays: 8}, true, false},
		"earlier, less":   {&d{AfterDays: 9, ForDays: 30}, &d{AfterDays: 8, ForDays: 20}, true, true},
		"until a day":     {&d{ForDays: 9}, &d{ForDays: 9, UntilField: "valid_until"}, false, true},
		"another day":     {&d{UntilField: "disclosure_until"}, &d{UntilField: "valid_until"}, true, true},
		"one field":       {&d{}, &d{Fields: []string{"severity"}}, false, true},
		"one field more":  {&d{Fields: []string{"severity"}}, &d{Fields: []string{"severity", "decided_on"}}, true, false},
		"another's field": {&d{Fields: []string{"severity"}}, &d{Fields: []string{"decided_on"}}, true, true},
	} {
		var opened, closed bool
		for _, change := range catalogue.Diff(publishing(c.before), publishing(c.after)) {
			opened, closed = opened || change.Kind == catalogue.Opened, closed || change.Kind == catalogue.Closed
		}
		if opened != c.opened || closed != c.closed {
			t.Errorf("%s: opened %t closed %t", name, opened, closed)
		}
	}
	told := func(d *d, field string) string {
		e, err := catalogue.Explain(publishing(d), "admin-penalty", field)
		if err != nil {
			t.Fatal(err)
		}
		return e.Text.En
	}
	if text := told(&d{Fields: []string{"severity"}}, "decided_on"); !strings.Contains(text, "not among") {
		t.Error(text)
	}
	if text := told(&d{AfterDays: 2, ForDays: 9, UntilField: "disclosure_until"}, "decided_on"); !strings.HasSuffix(text,
		"from 2 working days after the event, until 9 days after the event, until the day in disclosure_until") {
		t.Error(text)
	}
}
