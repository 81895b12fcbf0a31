package catalogue_test

import (
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// full is the modern document with terms, calendar and evaluation.
func full() *catalogue.Document {
	d := modern()
	d.Severities = []catalogue.SeverityClass{{ID: "general", Title: text("general"), DaysMin: 5, DaysMax: 20}, {ID: "serious", Title: text("serious"), DaysMin: 10, DaysMax: 30}}
	d.Deadlines = []catalogue.Deadline{{ID: catalogue.DueRepair, Title: text("repair"), Days: 10, Source: "x"}}
	d.Calendar = year2026()
	d.Lists[0].Severity, d.Lists[0].RepairDaysMin, d.Lists[0].HearingDays = "general", 5, 3
	d.Lists[0].Grounds[0].Severity = "serious"
	date := catalogue.Field{ID: "on", Title: text("on"), Type: catalogue.TypeDate, Class: catalogue.Public}
	d.Categories[0].Fields = append(d.Categories[0].Fields, date)
	d.Categories[0].EventField, d.Categories[0].TimelyDays = "on", 7
	d.Categories[0].Disclosure = &catalogue.Disclosure{Fields: []string{"number", "on"}, AfterDays: 7, ForDays: 365}
	d.Evaluation = &catalogue.Evaluation{Base: 700, Full: 1000,
		Indicators: []catalogue.Indicator{
			{ID: "i", Title: text("i"), Subjects: []string{"firm"}, Categories: []string{"one"}, Points: -50, Most: 200, Decay: []catalogue.DecayStep{{Days: 365, Percent: 100}, {Days: 1095, Percent: 50}}},
			{ID: "j", Title: text("j"), Subjects: []string{"firm"}, Lists: []string{"black"}, Points: -300, Most: 300}},
		Grades: []catalogue.Grade{{ID: "a", Title: text("a"), From: 900}, {ID: "b", Title: text("b"), From: 500, Measures: []string{"m"}}, {ID: "c", Title: text("c")}}}
	return d
}

// TestLint2 spoils the full document in one place each, as TestLint does.
func TestLint2(t *testing.T) {
	const bad, doubtful = catalogue.SeverityError, catalogue.SeverityWarning
	type doc = *catalogue.Document
	const consent, persons, meeting, bulk, alarm = 6, 7, 8, 9, 10 // rules of modern
	for _, f := range catalogue.Lint(full()) {
		t.Fatal(f)
	}
	for _, test := range []struct {
		severity   catalogue.Severity
		code, path string
		spoil      func(doc)
	}{
		{bad, "unknown-reference", "/rules/6/approval", func(d doc) { d.Rules[consent].Approval = "oracle" }},
		{bad, "bad-number", "/rules/7/persons", func(d doc) { d.Rules[persons].Persons = 0 }},
		{bad, "misplaced", "/rules/6/persons", func(d doc) { d.Rules[consent].Persons = 2 }},
		{bad, "misplaced", "/rules/6/approvers", func(d doc) { d.Rules[consent].Approvers = []exchange.MemberKind{"court"} }},
		{bad, "unknown-reference", "/rules/7/approvers/0", func(d doc) { d.Rules[persons].Approvers[0] = "mayor" }},
		{bad, "misplaced", "/rules/0/approval_hours", func(d doc) { d.Rules[0].ApprovalHours = 3 }},
		{bad, "bad-number", "/rules/6/approval_hours", func(d doc) { d.Rules[consent].ApprovalHours = -1 }},
		{bad, "bad-number", "/rules/9/per_operator_day", func(d doc) { d.Rules[bulk].PerOperatorDay = -1 }},
		{bad, "bad-number", "/rules/9/bulk/records", func(d doc) { d.Rules[bulk].Bulk.Records = 1 }},
		{bad, "bad-number", "/rules/9/bulk/persons", func(d doc) { d.Rules[bulk].Bulk.Persons = 1 }},
		{bad, "misplaced", "/rules/8/bulk", func(d doc) { d.Rules[meeting].Bulk = &catalogue.Bulk{Records: 2, Persons: 2} }},
		{bad, "bad-number", "/rules/10/justify_days", func(d doc) { d.Rules[alarm].JustifyDays = 0 }},
		{bad, "misplaced", "/rules/10/emergency", func(d doc) { d.Rules[alarm].Approval = catalogue.ApprovalAuthor }},
		{bad, "misplaced", "/rules/9/justify_days", func(d doc) { d.Rules[bulk].JustifyDays = 2 }},
		{bad, "idle", "/rules/9/authors/0", func(d doc) { d.Rules[bulk].Authors[0] = "insurer" }},
		{bad, "unknown-reference", "/rules/9/authors/0", func(d doc) { d.Rules[bulk].Authors[0] = "mayor" }},
		{bad, "contradiction", "/rules/11", func(d doc) {
			r := d.Rules[meeting]
			r.ID, r.Approval = "short-cut", catalogue.ApprovalConsent
			d.Rules = append(d.Rules, r)
		}},
		{bad, "contradiction", "/rules/8", func(d doc) {
			r := d.Rules[meeting]
			r.ID, r.Approval = "short-cut", catalogue.ApprovalNone
			d.Rules = append(d.Rules, r)
		}},
		{doubtful, "unreachable", "/rules/11", func(d doc) { r := d.Rules[meeting]; r.ID = "again"; d.Rules = append(d.Rules, r) }},
		{bad, "bad-number", "/categories/0/custody/k", func(d doc) { d.Categories[0].Custody.K = 1 }},
		{bad, "empty", "/categories/0/custody/of", func(d doc) { d.Categories[0].Custody = &catalogue.Custody{K: 2} }},
		{bad, "unknown-reference", "/categories/0/custody/of/0", func(d doc) { d.Categories[0].Custody.Of[0] = "mayor" }},
		{bad, "unknown-reference", "/categories/0/custody/by/0", func(d doc) { d.Categories[0].Custody.By[0] = "a b" }},
		{doubtful, "idle", "/categories/2/custody", func(d doc) { d.Categories[2].Custody = d.Categories[0].Custody }},
		{bad, "duplicate-id", "/severities/1/id", func(d doc) { d.Severities[1].ID = "general" }},
		{bad, "bad-number", "/severities/1/days_max", func(d doc) { d.Severities[1].DaysMax = 9 }},
		{bad, "unknown-reference", "/deadlines/0/id", func(d doc) { d.Deadlines[0].ID = "lunch" }},
		{bad, "bad-number", "/deadlines/0/days", func(d doc) { d.Deadlines[0].Days = 0 }},
		{doubtful, "no-source", "/deadlines/0/source", func(d doc) { d.Deadlines[0].Source = "" }},
		{bad, "bad-date", "/calendar/holidays/0", func(d doc) { d.Calendar.Holidays[0] = "2026-02-30" }},
		{bad, "order", "/calendar/holidays/1", func(d doc) { d.Calendar.Holidays[1] = "2026-01-01" }},
		{doubtful, "idle", "/calendar/workdays/0", func(d doc) { d.Calendar.Workdays[0] = "2026-01-05" }},
		{bad, "unknown-reference", "/categories/0/disclosure/fields/0", func(d doc) { d.Categories[0].Disclosure.Fields[0] = "x" }},
		{bad, "sealed-shown", "/categories/0/disclosure/fields/0", func(d doc) { d.Categories[0].Disclosure.Fields[0] = "a" }},
		{bad, "duplicate-reference", "/categories/0/disclosure/fields/1", func(d doc) { d.Categories[0].Disclosure.Fields[1] = "number" }},
		{bad, "no-event-date", "/categories/2/event_field", func(d doc) { d.Categories[2].Disclosure = &catalogue.Disclosure{ForDays: 3} }},
		{bad, "no-date", "/categories/0/disclosure/until_field", func(d doc) { d.Categories[0].Disclosure.UntilField = "number" }},
		{bad, "sealed-date", "/categories/0/event_field", func(d doc) {
			d.Categories[0].Disclosure.ForDays = 3
			for i := range d.Categories[0].Fields {
				if f := &d.Categories[0].Fields[i]; f.ID == d.Categories[0].EventField {
					f.PersonClass = catalogue.Shared
				}
			}
		}},
		{bad, "bad-number", "/categories/0/timely_days", func(d doc) { d.Categories[0].TimelyDays = -1 }},
		{bad, "hidden-list", "/lists/0/severity", func(d doc) { d.Severities[0].Hidden, d.Lists[0].Severity = true, d.Severities[0].ID }},
		{bad, "too-late", "/lists/0/repair_days_min", func(d doc) { d.Lists[0].RepairDaysMin = 21 }},
		{bad, "beyond-severity", "/lists/0/repair_days_min", func(d doc) { d.Lists[0].RepairDaysMin = 4 }},
		{bad, "beyond-severity", "/lists/0/term_days_max", func(d doc) { d.Lists[0].TermDaysMax = 21 }},
		{bad, "unknown-reference", "/lists/0/severity", func(d doc) { d.Lists[0].Severity = "x" }},
		{bad, "unknown-reference", "/lists/0/grounds/0/severity", func(d doc) { d.Lists[0].Grounds[0].Severity = "x" }},
		{bad, "bad-number", "/evaluation/base", func(d doc) { d.Evaluation.Base = 1001 }},
		{bad, "what-counts", "/evaluation/indicators/0/categories", func(d doc) { d.Evaluation.Indicators[0].Lists = []string{"black"} }},
		{bad, "what-counts", "/evaluation/indicators/1/categories", func(d doc) { d.Evaluation.Indicators[1].Lists = nil }},
		{bad, "bad-number", "/evaluation/indicators/0/points", func(d doc) { d.Evaluation.Indicators[0].Points = 0 }},
		{bad, "bad-number", "/evaluation/indicators/0/most", func(d doc) { d.Evaluation.Indicators[0].Most = 49 }},
		{bad, "order", "/evaluation/indicators/0/decay/1", func(d doc) { d.Evaluation.Indicators[0].Decay[1].Percent = 100 }},
		{bad, "foreign-subject", "/evaluation/indicators/0/categories/0", func(d doc) { d.Evaluation.Indicators[0].Categories[0] = "two" }},
		{bad, "no-event-date", "/evaluation/indicators/0/categories/0", func(d doc) { d.Evaluation.Indicators[0].Categories[0] = "open" }},
		{bad, "values", "/evaluation/indicators/0/values", func(d doc) { d.Evaluation.Indicators[0].Values = []string{"x"} }},
		{bad, "unknown-reference", "/evaluation/indicators/0/field", func(d doc) { d.Evaluation.Indicators[0].Field = "a"; d.Evaluation.Indicators[0].Values = []string{"x"} }},
		{bad, "order", "/evaluation/grades/1/from", func(d doc) { d.Evaluation.Grades[1].From = 900 }},
		{bad, "gap", "/evaluation/grades/2/from", func(d doc) { d.Evaluation.Grades[2].From = 1 }},
		{bad, "unknown-reference", "/evaluation/grades/1/measures/0", func(d doc) { d.Evaluation.Grades[1].Measures[0] = "x" }},
	} {
		d := full()
		test.spoil(d)
		found := false
		for _, f := range catalogue.Lint(d) {
			if f.Code == test.code && f.Path == test.path {
				found = f.Severity == test.severity && f.Text.Zh != "" && f.Text.En != ""
			}
		}
		if !found {
			t.Errorf("%s at %s was not found; got %v", test.code, test.path, catalogue.Lint(d))
		}
		if _, err := catalogue.Parse(encode(t, d)); (err != nil) != (test.severity == bad) {
			t.Errorf("%s %s: Parse says %v", test.code, test.path, err)
		}
	}
}

func TestEvaluationData(t *testing.T) {
	cat := catalogue.New(full())
	e := cat.Document().Evaluation
	for score, want := range map[int]string{1000: "a", 900: "a", 899: "b", 499: "c", 0: "c"} {
		if g := e.GradeOf(score); g == nil || g.ID != want {
			t.Errorf("%d is %+v", score, g)
		}
	}
	for age, want := range map[int]int{0: 100, 364: 100, 365: 50, 1094: 50, 1095: 0} {
		if got := e.Indicators[0].Percent(age); got != want {
			t.Errorf("after %d days %d%%", age, got)
		}
	}
	if e.Indicators[1].Percent(99999) != 100 || (*catalogue.Evaluation)(nil).GradeOf(1) != nil {
		t.Error("no decay, no evaluation")
	}
	if cat.SeverityOf("black", "g").ID != "serious" || cat.SeverityOf("black", "").ID != "general" || cat.SeverityOf("x", "g") != nil {
		t.Error("severities")
	}
}
