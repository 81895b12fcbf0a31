package records_test

import (
	"context"
	"slices"
	"testing"

	"accord/exchange"
	"accord/exchange/records"
)

// A subject counts once however many records it has, and not for those that were taken
// back; the line of a kind counts it once too where its records name two areas.
func testCoverage(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	of := func(n int, subject exchange.SubjectID, kind, category string, area int64) records.Record {
		return one(t, n, func(r *records.Record) {
			r.Subject, r.SubjectKind, r.Category, r.Area = subject, kind, category, area
		})
	}
	insert(t, s,
		of(1, "org:1", "enterprise", "penalty", 630102), of(2, "org:1", "enterprise", "rating", 630104), of(3, "org:1", "enterprise", "penalty", 632221),
		of(4, "org:2", "enterprise", "penalty", 630102), of(5, "org:3", "enterprise", "rating", 630102),
		of(6, "person:h1.a", "practitioner", "penalty", 0))
	if err := s.MarkRetracted(ctx, takenBack(recordID(5)), "why"); err != nil {
		t.Fatal(err)
	}
	want := []records.Covered{{Kind: "enterprise", Whole: true, Subjects: 2, Rated: 1}, {Kind: "enterprise", Area: "6301", Subjects: 2, Rated: 1},
		{Kind: "enterprise", Area: "6322", Subjects: 1}, {Kind: "practitioner", Whole: true, Subjects: 1}, {Kind: "practitioner", Subjects: 1}}
	if got, known, err := s.Coverage(ctx, []string{"rating", "grading"}); err != nil || known == 0 || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range want {
		want[i].Rated = 0
	}
	if got, _, err := s.Coverage(ctx, nil); err != nil || !slices.Equal(got, want) {
		t.Errorf("no category rates: %+v, %v", got, err)
	}
}
