package catalogue_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
)

// modern is the small document with all that came with format 2.
func modern() *catalogue.Document {
	d := complete()
	d.Format = catalogue.Format2
	rule := func(id string, approval catalogue.Approval, change func(*catalogue.Rule)) {
		r := catalogue.Rule{ID: id, Title: text(id), Categories: []string{"one"}, Fields: []string{"name", "a", "b", "c"}, Purposes: []string{"review"},
			Basis: catalogue.BasisConsent, Approval: approval, ValidHours: 24}
		change(&r)
		d.Rules = append(d.Rules, r)
	}
	kinds := func(k ...exchange.MemberKind) []exchange.MemberKind { return k }
	rule("consent", catalogue.ApprovalConsent, func(r *catalogue.Rule) { r.Requesters = kinds("insurer"); r.ApprovalHours = 72 })
	rule("two-persons", catalogue.ApprovalPersons, func(r *catalogue.Rule) {
		r.Requesters, r.Persons, r.Approvers = kinds("association"), 2, kinds("regulator", "court")
		r.Bulk = &catalogue.Bulk{Records: 10, Persons: 3}
	})
	rule("meeting", catalogue.ApprovalMeeting, func(r *catalogue.Rule) { r.Requesters = kinds("platform") })
	rule("bulk", catalogue.ApprovalNone, func(r *catalogue.Rule) {
		r.Requesters, r.Bulk, r.PerOperatorDay, r.Authors = kinds("regulator"), &catalogue.Bulk{Records: 5, Persons: 2}, 20, kinds("court")
		r.Purposes = []string{"enforce"}
	})
	rule("alarm", catalogue.ApprovalNone, func(r *catalogue.Rule) {
		r.Requesters, r.Emergency, r.JustifyDays = kinds("platform", "court"), true, 3
	})
	d.Categories[0].Custody = &catalogue.Custody{K: 2, Of: kinds("court", "association"), By: []exchange.MemberID{"xining"}}
	d.Checks = append(d.Checks, catalogue.Check{Title: "bulk", Requester: "regulator", Category: "one", Fields: []string{"a"}, Purpose: "enforce",
		Basis: "consent", Author: "court", Records: 5, Want: catalogue.Pending, Rule: "bulk", Approval: catalogue.ApprovalPersons})
	return d
}

func TestModernIsSound(t *testing.T) {
	for _, f := range catalogue.Lint(modern()) {
		t.Error(f)
	}
	data := encode(t, modern())
	doc, err := catalogue.Parse(data)
	if err != nil || !bytes.Equal(encode(t, doc), data) {
		t.Fatalf("it does not survive a reading: %v", err)
	}
	if doc.MachineVersion() != 4 || small().MachineVersion() != 1 {
		t.Error("machine versions")
	}
}

// TestParseV1 holds the old reader to what builds before machine version 4 answer.
func TestParseV1(t *testing.T) {
	swap := func(doc *catalogue.Document, old, new string) string {
		data := string(encode(t, doc))
		if !strings.Contains(data, old) {
			t.Fatalf("the document has no %q", old)
		}
		return strings.Replace(data, old, new, 1)
	}
	format2 := complete()
	format2.Format = catalogue.Format2
	for name, test := range map[string]struct {
		data        string
		old, modern error
		field       string // of the old answer
	}{
		"format 1":                 {string(encode(t, complete())), nil, nil, ""},
		"format 2, plain":          {string(encode(t, format2)), catalogue.ErrFormat, nil, "/format"},
		"format 2, new members":    {string(encode(t, modern())), catalogue.ErrMalformed, nil, ""},
		"format 1, new members":    {swap(modern(), catalogue.Format2, catalogue.Format), catalogue.ErrMalformed, catalogue.ErrMalformed, ""},
		"format 1, new as nothing": {swap(complete(), `"approval":`, `"persons":0,"approval":`), catalogue.ErrMalformed, catalogue.ErrMalformed, ""},
		"format 1, new as null":    {swap(complete(), `"key":`, `"custody":null,"key":`), catalogue.ErrMalformed, catalogue.ErrMalformed, ""},
		"format 1, new value":      {swap(complete(), `"approval":"author"`, `"approval":"meeting"`), catalogue.ErrUnusable, catalogue.ErrUnusable, "/rules/1/approval"},
		"unknown member":           {swap(format2, `"id":"small"`, `"id":"small","colour":"red"`), catalogue.ErrMalformed, catalogue.ErrMalformed, ""},
		"other format, new":        {swap(modern(), catalogue.Format2, "accord-catalogue/9"), catalogue.ErrMalformed, catalogue.ErrFormat, ""},
		"too long":                 {strings.Repeat(" ", catalogue.MaxBytes+1), catalogue.ErrTooLong, catalogue.ErrTooLong, ""},
	} {
		old, errOld := catalogue.ParseV1([]byte(test.data))
		doc, err := catalogue.Parse([]byte(test.data))
		if !errors.Is(errOld, test.old) || !errors.Is(err, test.modern) || (old == nil) != (test.old != nil) || (doc == nil) != (test.modern != nil) {
			t.Errorf("%s: before %v, now %v", name, errOld, err)
		}
		if test.field != "" && exchange.AsError(errOld).Field != test.field {
			t.Errorf("%s: at %s", name, exchange.AsError(errOld).Field)
		}
	}
}

// members1 are the members of format 1. The list is closed.
const members1 = `categories categories.adverse categories.authors categories.event_field categories.fields categories.fields.class categories.fields.id categories.fields.kind_field categories.fields.names categories.fields.not_before categories.fields.past categories.fields.person_class categories.fields.required categories.fields.required_for categories.fields.title categories.fields.type categories.fields.values categories.fields.values.id categories.fields.values.title categories.id categories.key categories.retention_days categories.source categories.subjects categories.title checks checks.basis checks.category checks.clause checks.fields checks.purpose checks.requester checks.rule checks.subject_kind checks.title checks.want format id limits limits.entries_per_statement limits.fields_per_request limits.money_flag_fen limits.name_characters limits.text_characters lists lists.grounds lists.grounds.categories lists.grounds.id lists.grounds.source lists.grounds.title lists.id lists.kind lists.measures lists.measures.actors lists.measures.id lists.measures.source lists.measures.title lists.nominators lists.notice_ms lists.source lists.subjects lists.term_days_max lists.term_days_min lists.title purposes purposes.id purposes.source purposes.title rules rules.approval rules.basis rules.categories rules.fields rules.id rules.max_fields rules.purposes rules.requesters rules.source rules.title rules.valid_hours source subjects subjects.id subjects.namespace subjects.title title version`

// TestFormat1IsFrozen: the old reader knows these members and no others, and none of
// them changes its bytes in the document of today.
func TestFormat1IsFrozen(t *testing.T) {
	if got := strings.Join(catalogue.Members1(), " "); got != members1 {
		t.Errorf("format 1 has other members now:\n%s", got)
	}
	data, doc := catalogue.Default()
	if old, err := catalogue.Reencode1(data); err != nil || doc.Format == catalogue.Format && !bytes.Equal(old, data) {
		t.Errorf("the same document has other bytes in format 1: %v", err)
	}
	if same, err := strictjson.Marshal(complete()); err != nil {
		t.Error(err)
	} else if old, err := catalogue.Reencode1(same); err != nil || !bytes.Equal(old, same) {
		t.Errorf("a document of format 1 has members of format 2: %v", err)
	}
}
