package agency_test

import (
	"slices"
	"testing"
	"time"

	"accord/exchange/catalogue"
)

// TestWhatBecomesSecretIsKeptFromItsSubject: a record is older than the catalogue that
// keeps one of its fields from everybody.
func TestWhatBecomesSecretIsKeptFromItsSubject(t *testing.T) {
	w := newWorld(t)
	a := w.agency["association"]
	rec, err := a.Records.Get(t.Context(), firstRecord(t, w))
	if err != nil {
		t.Fatal(err)
	}
	shown := func() (names []string) {
		t.Helper()
		all, err := a.OpenForSubject(w.machine.View(), rec)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			names = append(names, d.Name())
		}
		return names
	}
	const field = "facts"
	if !slices.Contains(shown(), field) {
		t.Fatalf("before: %v", shown())
	}
	document, doc := catalogue.Demo()
	next, err := catalogue.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	next.Version, next.Checks = doc.Version+1, nil
	for i := range next.Categories {
		for j := range next.Categories[i].Fields {
			if f := &next.Categories[i].Fields[j]; f.ID == field { // rules are about several categories
				f.Class, f.PersonClass = catalogue.Secret, ""
			}
		}
	}
	for i := range next.Rules {
		next.Rules[i].Fields = slices.DeleteFunc(next.Rules[i].Fields, func(f string) bool { return f == field })
	}
	w.adopt(t, next)
	w.now = w.now.Add(2 * time.Hour)
	if got := shown(); slices.Contains(got, field) || len(got) == 0 {
		t.Errorf("after: %v", got)
	}
}
