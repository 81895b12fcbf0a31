package catalogue_test

import (
	"errors"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// TestLint spoils the small document in one place each and looks for the
// finding there. An error makes the document unusable, a warning does not.
func TestLint(t *testing.T) {
	const bad, doubtful = catalogue.SeverityError, catalogue.SeverityWarning
	type doc = *catalogue.Document
	for _, test := range []struct {
		severity   catalogue.Severity
		code, path string
		spoil      func(doc)
	}{
		{bad, "format", "/format", func(d doc) { d.Format = "accord-catalogue/3" }},
		{bad, "bad-id", "/id", func(d doc) { d.ID = "a b" }},
		{bad, "bad-number", "/version", func(d doc) { d.Version = 0 }},
		{bad, "no-title", "/title", func(d doc) { d.Title.En = "" }},
		{doubtful, "no-source", "/source", func(d doc) { d.Source = "" }},
		{bad, "empty", "/categories", func(d doc) { d.Categories, d.Rules = nil, nil }},
		{bad, "bad-number", "/limits/name_characters", func(d doc) { d.Limits.NameCharacters = 0 }},
		{bad, "bad-number", "/limits/fields_per_request", func(d doc) { d.Limits.FieldsPerAsk = 65 }},
		{bad, "bad-number", "/limits/money_flag_fen", func(d doc) { d.Limits.MoneyFlagFen = -1 }},

		{bad, "duplicate-id", "/subjects/1/id", func(d doc) { d.Subjects[1].ID = "firm" }},
		{bad, "unknown-reference", "/subjects/0/namespace", func(d doc) { d.Subjects[0].Namespace = "planet" }},
		{bad, "duplicate-id", "/purposes/1/id", func(d doc) { d.Purposes[1].ID = "review" }},
		{doubtful, "unused", "/purposes/2", func(d doc) { d.Purposes = append(d.Purposes, catalogue.Purpose{ID: "idle", Title: text("idle")}) }},

		{bad, "duplicate-id", "/categories/1/id", func(d doc) { d.Categories[1].ID = "one" }},
		{bad, "no-title", "/categories/0/title", func(d doc) { d.Categories[0].Title.Zh = "" }},
		{doubtful, "no-source", "/categories/0/source", func(d doc) { d.Categories[0].Source = "" }},
		{bad, "unknown-reference", "/categories/0/subjects/0", func(d doc) { d.Categories[0].Subjects[0] = "alien" }},
		{bad, "empty", "/categories/2/subjects", func(d doc) { d.Categories[2].Subjects = nil }},
		{bad, "unknown-reference", "/categories/0/authors/1", func(d doc) { d.Categories[0].Authors[1] = "mayor" }},
		{bad, "duplicate-reference", "/categories/0/authors/1", func(d doc) { d.Categories[0].Authors[1] = "regulator" }},
		{bad, "no-key", "/categories/0/key", func(d doc) { d.Categories[0].Key = nil }},
		{bad, "unknown-reference", "/categories/0/key/0", func(d doc) { d.Categories[0].Key[0] = "nothing" }},
		{doubtful, "optional-key", "/categories/0/key", func(d doc) { d.Categories[0].Key[0] = "a" }},
		{bad, "bad-number", "/categories/0/retention_days", func(d doc) { d.Categories[0].RetentionDays = -1 }},
		{bad, "no-event-date", "/categories/0/event_field", func(d doc) { d.Categories[0].RetentionDays = 5 }},
		{bad, "unknown-reference", "/categories/0/event_field", func(d doc) { d.Categories[0].EventField = "a" }},
		{doubtful, "adverse-forever", "/categories/0/retention_days", func(d doc) { d.Categories[0].Adverse = true }},

		{bad, "duplicate-id", "/categories/0/fields/3/id", func(d doc) { d.Categories[0].Fields[3].ID = "a" }},
		{bad, "reserved-id", "/categories/2/fields/0/id", func(d doc) { d.Categories[2].Fields[0].ID = "iss"; d.Categories[2].Key[0] = "iss" }},
		{bad, "unknown-type", "/categories/0/fields/2/type", func(d doc) { d.Categories[0].Fields[2].Type = "picture" }},
		{bad, "unknown-class", "/categories/0/fields/2/class", func(d doc) { d.Categories[0].Fields[2].Class = "open" }},
		{bad, "unknown-class", "/categories/0/fields/1/person_class", func(d doc) { d.Categories[0].Fields[1].PersonClass = "open" }},
		{bad, "person-class", "/categories/0/fields/2/person_class", func(d doc) { d.Categories[0].Fields[2].PersonClass = catalogue.Public }},
		{doubtful, "person-class", "/categories/2/fields/0/person_class", func(d doc) {
			d.Categories[2].Fields[0].PersonClass = catalogue.Shared
			d.Rules[0].Categories, d.Rules[0].Fields = append(d.Rules[0].Categories, "open"), append(d.Rules[0].Fields, "number")
		}},
		{bad, "personal-public", "/categories/0/fields/1/class", func(d doc) { d.Categories[0].Fields[1].PersonClass = "" }},
		{bad, "personal-public", "/categories/0/fields/1/class", func(d doc) { d.Categories[0].Fields[1].Names = catalogue.NamesPerson }},
		{bad, "personal-public", "/categories/2/fields/0/class", func(d doc) { d.Categories[2].Fields[0].Type = catalogue.TypeResidentID }},
		{bad, "personal-public", "/categories/2/fields/0/class", func(d doc) { d.Categories[2].Fields[0].Type = catalogue.TypePhone }},
		{doubtful, "whose-name", "/categories/2/fields/0/names", func(d doc) { d.Categories[2].Fields[0].Type = catalogue.TypeName }},
		{bad, "unknown-reference", "/categories/0/fields/1/names", func(d doc) { d.Categories[0].Fields[1].Names = "ship" }},
		{bad, "misplaced", "/categories/0/fields/2/names", func(d doc) { d.Categories[0].Fields[2].Names = catalogue.NamesPerson }},
		{bad, "values", "/categories/0/fields/2/values", func(d doc) { d.Categories[0].Fields[2].Type = catalogue.TypeCode }},
		{bad, "values", "/categories/0/fields/2/values", func(d doc) { d.Categories[0].Fields[2].Values = []catalogue.Value{{ID: "v", Title: text("v")}} }},
		{bad, "duplicate-id", "/categories/0/fields/2/values/1/title/zh", func(d doc) {
			d.Categories[0].Fields[2].Type = catalogue.TypeCode
			d.Categories[0].Fields[2].Values = []catalogue.Value{{ID: "v", Title: text("v")}, {ID: "w", Title: text("v")}}
		}},
		{bad, "kind-field", "/categories/0/fields/2/kind_field", func(d doc) { d.Categories[0].Fields[2].Type = catalogue.TypeIDNumber }},
		{bad, "kind-field", "/categories/0/fields/2/kind_field", func(d doc) { d.Categories[0].Fields[2].KindField = "b" }},
		{bad, "unknown-reference", "/categories/0/fields/2/kind_field", func(d doc) {
			d.Categories[0].Fields[2].Type, d.Categories[0].Fields[2].KindField = catalogue.TypeIDNumber, "name"
		}},
		{bad, "misplaced", "/categories/0/fields/2", func(d doc) { d.Categories[0].Fields[2].Past = true }},
		{bad, "unknown-reference", "/categories/0/fields/2/not_before", func(d doc) {
			d.Categories[0].Fields[2].Type, d.Categories[0].Fields[2].NotBefore = catalogue.TypeDate, "b"
		}},
		{bad, "circular", "/categories/0/fields/3/not_before", func(d doc) {
			for i, other := range map[int]string{2: "b", 3: "c", 4: "a"} {
				d.Categories[0].Fields[i].Type, d.Categories[0].Fields[i].NotBefore = catalogue.TypeDate, other
			}
		}},
		{bad, "unknown-reference", "/categories/0/fields/2/required_for/0", func(d doc) { d.Categories[0].Fields[2].RequiredFor = []string{"alien"} }},
		{bad, "no-rule", "/categories/0/fields/4", func(d doc) { d.Rules[1].Fields, d.Rules[2].Fields = []string{"name", "a"}, []string{"a"} }},
		{bad, "no-rule", "/categories/0/fields/1", func(d doc) {
			for i := range d.Rules {
				if d.Rules[i].Fields[0] == "name" {
					d.Rules[i].Fields = d.Rules[i].Fields[1:]
				}
			}
		}},

		{bad, "duplicate-id", "/rules/1/id", func(d doc) { d.Rules[1].ID = "court" }},
		{bad, "unknown-reference", "/rules/0/categories/0", func(d doc) { d.Rules[0].Categories[0] = "three" }},
		{bad, "unknown-reference", "/rules/0/fields/0", func(d doc) { d.Rules[0].Fields[0] = "z" }},
		{bad, "unknown-reference", "/rules/4/fields/0", func(d doc) { d.Rules[4].Fields[0] = "c" }}, // a field, but of another category
		{bad, "empty", "/rules/0/requesters", func(d doc) { d.Rules[0].Requesters = nil }},
		{bad, "unknown-reference", "/rules/0/requesters/0", func(d doc) { d.Rules[0].Requesters[0] = "mayor" }},
		{bad, "empty", "/rules/0/purposes", func(d doc) { d.Rules[0].Purposes = nil }},
		{bad, "unknown-reference", "/rules/0/purposes/0", func(d doc) { d.Rules[0].Purposes[0] = "fun" }},
		{bad, "unknown-reference", "/rules/0/basis", func(d doc) { d.Rules[0].Basis = "rumour" }},
		{bad, "unknown-reference", "/rules/0/approval", func(d doc) { d.Rules[0].Approval = "" }},
		{bad, "bad-number", "/rules/0/valid_hours", func(d doc) { d.Rules[0].ValidHours = 0 }},
		{bad, "bad-number", "/rules/2/max_fields", func(d doc) { d.Rules[2].MaxFields = -1 }},
		{bad, "secret-rule", "/rules/0/fields/3", func(d doc) { d.Rules[0].Fields = append(d.Rules[0].Fields, "s") }},
		{doubtful, "public-rule", "/rules/0/fields/3", func(d doc) { d.Rules[0].Fields = append(d.Rules[0].Fields, "number") }},
		{doubtful, "idle", "/rules/0/categories/2", func(d doc) { d.Rules[0].Categories = append(d.Rules[0].Categories, "open") }},
		{bad, "contradiction", "/rules/1", func(d doc) { d.Rules[1].Basis = catalogue.BasisDecision }},
		{doubtful, "unreachable", "/rules/6", func(d doc) {
			again := d.Rules[0]
			again.ID, again.MaxFields, again.Purposes = "again", 1, []string{"enforce"}
			d.Rules = append(d.Rules, again)
		}},

		{bad, "unknown-reference", "/lists/0/kind", func(d doc) { d.Lists[0].Kind = "grey" }},
		{bad, "unknown-reference", "/lists/0/subjects/0", func(d doc) { d.Lists[0].Subjects[0] = "alien" }},
		{bad, "empty", "/lists/0/nominators", func(d doc) { d.Lists[0].Nominators = nil }},
		{bad, "bad-number", "/lists/0/notice_ms", func(d doc) { d.Lists[0].NoticeMillis = -1 }},
		{doubtful, "no-notice", "/lists/0/notice_ms", func(d doc) { d.Lists[0].NoticeMillis = 0 }},
		{bad, "bad-number", "/lists/0/term_days_max", func(d doc) { d.Lists[0].TermDaysMax = 1 }},
		{bad, "empty", "/lists/0/grounds", func(d doc) { d.Lists[0].Grounds = nil }},
		{bad, "unknown-reference", "/lists/0/grounds/0/categories/0", func(d doc) { d.Lists[0].Grounds[0].Categories[0] = "three" }},
		{bad, "foreign-subject", "/lists/0/grounds/0/categories/0", func(d doc) { d.Lists[0].Grounds[0].Categories[0] = "two" }},
		{bad, "unknown-reference", "/lists/0/measures/0/actors/0", func(d doc) { d.Lists[0].Measures[0].Actors[0] = "mayor" }},
		{bad, "check-failed", "/checks/0", func(d doc) { d.Checks[0].Want = catalogue.Refused }},
		{bad, "check-failed", "/checks/0", func(d doc) { d.Checks[0].Rule = "wide" }},
	} {
		d := complete()
		test.spoil(d)
		found := false
		for _, f := range catalogue.Lint(d) {
			if f.Code == test.code && f.Path == test.path {
				found = true
				if f.Severity != test.severity || f.Text.Zh == "" || f.Text.En == "" {
					t.Errorf("%s %s: %+v", test.code, test.path, f)
				}
			} else if test.severity == doubtful && f.Severity == bad {
				t.Errorf("%s %s: a further error %v", test.code, test.path, f)
			}
		}
		if !found {
			t.Errorf("%s at %s was not found; got %v", test.code, test.path, catalogue.Lint(d))
		}
		_, err := catalogue.Parse(encode(t, d))
		if (err != nil) != (test.severity == bad) {
			t.Errorf("%s %s: Parse says %v", test.code, test.path, err)
		}
		if err != nil && !errors.Is(err, catalogue.ErrUnusable) && !errors.Is(err, catalogue.ErrFormat) {
			t.Errorf("%s %s: %v", test.code, test.path, err)
		}
	}
}

// complete is the small document with a list and a check.
func complete() *catalogue.Document {
	d := small()
	d.Lists = []catalogue.List{{ID: "black", Kind: "black", Title: text("black"), Subjects: []string{"firm"},
		Nominators: []exchange.MemberKind{exchange.KindRegulator}, NoticeMillis: 1000, TermDaysMin: 10, TermDaysMax: 20,
		Grounds:  []catalogue.Ground{{ID: "g", Title: text("g"), Categories: []string{"one"}}},
		Measures: []catalogue.Measure{{ID: "m", Title: text("m"), Actors: []exchange.MemberKind{exchange.KindCourt}}}}}
	d.Checks = []catalogue.Check{{Title: "court", Requester: "court", Category: "one", Fields: []string{"a"}, Purpose: "enforce",
		Basis: "case", Want: catalogue.Granted, Rule: "court"}}
	return d
}

func TestLintFindsNothingInTheSmallDocument(t *testing.T) {
	for _, f := range catalogue.Lint(complete()) {
		t.Error(f)
	}
}
