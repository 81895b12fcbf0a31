package catalogue_test

import (
	"testing"

	"accord/exchange/catalogue"
)

// TestReplayCountsTheDay: a draft's limit for a day refuses what comes after it, by
// operator, rule and day, and counts nothing that is refused anyway.
func TestReplayCountsTheDay(t *testing.T) {
	_, doc := catalogue.Default()
	was := catalogue.New(doc)
	var good catalogue.Request
	for _, r := range doc.Rules {
		if r.Approval != catalogue.ApprovalNone || len(r.Fields) == 0 || r.Fields[0] == "*" {
			continue
		}
		good = catalogue.Request{Requester: r.Requesters[0], Author: "regulator", Category: r.Categories[0], Fields: r.Fields[:1],
			Purpose: r.Purposes[0], BasisKind: r.Basis, BasisRef: "x"}
		if was.Decide(good).Outcome == catalogue.Granted {
			break
		}
	}
	if was.Decide(good).Outcome != catalogue.Granted {
		t.Fatal("no rule of the default catalogue grants by itself")
	}
	bad := good
	bad.BasisRef = ""
	raw, _ := catalogue.Default()
	edited, err := catalogue.ParseV1(raw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range edited.Rules {
		edited.Rules[i].PerOperatorDay = 2
	}
	draft := catalogue.New(edited)
	ask := func(q catalogue.Request, by string, day int64) catalogue.Past {
		return catalogue.Past{Request: q, Was: was.Decide(q), By: by, Day: day}
	}
	past := []catalogue.Past{ask(good, "a", 1), ask(bad, "a", 1), ask(good, "b", 1), ask(good, "a", 1), ask(good, "a", 1), ask(good, "a", 2), ask(good, "b", 1)}
	want := []catalogue.Outcome{catalogue.Granted, catalogue.Refused, catalogue.Granted, catalogue.Granted, catalogue.Refused, catalogue.Granted, catalogue.Granted}
	for i, d := range draft.Replay(past) {
		if d.Outcome != want[i] || i == 4 && d.Clause != catalogue.ClauseRate {
			t.Errorf("request %d: %s %s, want %s", i, d.Outcome, d.Clause, want[i])
		}
	}
	for i, d := range was.Replay(past) {
		if catalogue.Flips(&past[i].Was, &d) {
			t.Errorf("request %d flips without a limit: %+v", i, d)
		}
	}
}
