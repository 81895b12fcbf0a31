package records_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/records"
)

// Counts add up, with their records or not at all.
func testTallies(t *testing.T, open opener) {
	ctx, s := context.Background(), open(t, "store")
	const category = "discipline-practitioner"
	row := func(day int64, item string, n int64) records.Tally {
		return records.Tally{Day: day, Source: "discipline", Category: category, Measure: records.TallyRow, Item: item, Count: n}
	}
	var many []records.Tally // more than go in with one statement, and one of them twice
	for i := range 250 {
		many = append(many, records.Tally{Day: 3, Category: category, Measure: records.TallyLag, Item: fmt.Sprint(i), Count: 1})
	}
	many = append(many, many[7])
	for _, add := range []struct {
		batch  []records.Record
		counts []records.Tally
	}{
		{[]records.Record{sample(t, 1, "x")}, []records.Tally{row(1, records.RowNew, 1), row(1, records.RowRefused, 4), row(1, records.RowNew, 2)}},
		{nil, []records.Tally{row(2, records.RowRefused, 5)}},
		{nil, []records.Tally{row(1, records.RowRefused, 1)}},
		{nil, many}, {nil, nil},
	} {
		if err := s.InsertCounted(ctx, add.batch, add.counts); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.InsertCounted(ctx, []records.Record{sample(t, 1, "x")}, []records.Tally{row(1, records.RowNew, 100)}); !errors.Is(err, records.ErrDuplicate) {
		t.Errorf("a record twice: %v", err)
	}
	for name, bad := range map[string]records.Tally{
		"no count": row(1, records.RowNew, 0), "a measure": {Category: category, Measure: "guess", Count: 1},
		"a category": {Measure: records.TallyRow, Count: 1}, "an item": row(1, "a\nb", 1), "a long item": row(1, strings.Repeat("x", 1000), 1),
	} {
		if err := s.InsertCounted(ctx, nil, []records.Tally{bad}); !errors.Is(err, records.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.Close()
	s = open(t, "store")
	source, byHand := "discipline", ""
	for _, c := range []struct {
		f    records.TallyFilter
		want []string
	}{
		{records.TallyFilter{Until: 100, Source: &source}, []string{"1 new 3", "1 refused 10"}},
		{records.TallyFilter{From: 2, Until: 3}, []string{"2 refused 5"}},
		{records.TallyFilter{From: 4, Until: 100}, nil},
		{records.TallyFilter{Until: 100, Category: "other"}, nil},
	} {
		all, err := s.Tallies(ctx, c.f)
		var got []string
		for _, one := range all {
			got = append(got, fmt.Sprintf("%d %s %d", one.Day, one.Item, one.Count))
		}
		slices.Sort(got)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %q, want %q, %v", c.f, got, c.want, err)
		}
	}
	if all, err := s.Tallies(ctx, records.TallyFilter{Until: 100, Source: &byHand}); err != nil || len(all) != 250 {
		t.Errorf("%d counts of records by hand, %v", len(all), err)
	}
	if err := s.MarkReplaced(ctx, recordID(1), recordID(2), "mended"); err != nil {
		t.Fatal(err)
	}
	stand, err := s.CountStatuses(ctx, records.Filter{Author: "association"})
	if err != nil || len(stand) != 1 || stand[0].Status != records.Corrected || stand[0].Count != 1 || stand[0].Category != category {
		t.Errorf("%+v, %v", stand, err)
	}
}

func TestTallyDay(t *testing.T) {
	for at, want := range map[exchange.Millis]int64{0: 0, 16*3600_000 - 1: 0, 16 * 3600_000: 1} {
		if got := records.TallyDay(at); got != want {
			t.Errorf("%d is of day %d, want %d", at, got, want)
		}
	}
}
