package agency_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"testing"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/intake"
	"accord/exchange/lists"
	"accord/exchange/records"
)

// sampleRows are the good rows of the disciplinary sample, each time as new.
func sampleRows(t *testing.T, w *world) (*intake.Mapping, []*intake.Row) {
	t.Helper()
	m, rows := readSample(t, w)
	var good []*intake.Row
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		if row.Verdict != intake.Refuse && row.Verdict != intake.Same {
			good = append(good, row)
		}
	}
	return m, good
}

// then yields the rows and after them an error, nil for none.
func then(rows []*intake.Row, err error) iter.Seq2[*intake.Row, error] {
	return func(yield func(*intake.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

// digest is some 64 hexadecimal digits.
func digest(n int) string { return fmt.Sprintf("%064x", n+1) }

// many makes n rows of one, each with a key of its own.
func many(row *intake.Row, n int) []*intake.Row {
	out := make([]*intake.Row, n)
	for i := range out {
		r := *row
		r.RowKey = digest(i)
		r.RowDigest = digest(i)
		out[i] = &r
	}
	return out
}

func TestAnImportThatBreaksOffSaysWhatItStored(t *testing.T) {
	w := newWorld(t)
	m, good := sampleRows(t, w)
	a := w.agency["association"]
	none := func(agency.Imported) error { return nil }
	broken := intake.ErrMapping.With("mapping", "m", "where", "row 300")
	err := a.ImportRows(t.Context(), "li", w.machine.View().Catalogue(), m, then(many(good[0], agency.ImportBatch+76), broken), false, none)
	if !errors.Is(err, agency.ErrPartial) || !errors.Is(err, intake.ErrMapping) {
		t.Fatalf("the file ended in an error after a batch was stored: %v", err)
	}
	e := exchange.AsError(err)
	if e.Kind != exchange.KindPartial || !slices.Contains(e.Args, exchange.Arg{Name: "stored", Value: strconv.Itoa(agency.ImportBatch)}) ||
		!slices.Contains(e.Args, exchange.Arg{Name: "code", Value: intake.ErrMapping.Code}) {
		t.Errorf("it says %+v", e.Args)
	}
	if n, _ := a.Records.Count(t.Context(), records.Filter{}); n != agency.ImportBatch {
		t.Errorf("%d records", n)
	}
	err = a.ImportRows(t.Context(), "li", w.machine.View().Catalogue(), m, then(nil, broken), false, none)
	if errors.Is(err, agency.ErrPartial) || !errors.Is(err, intake.ErrMapping) {
		t.Errorf("nothing was stored: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err = a.ImportRows(ctx, "li", w.machine.View().Catalogue(), m, then(many(good[0], 3*agency.ImportBatch)[agency.ImportBatch+76:], nil), false, func(agency.Imported) error {
		calls++
		cancel()
		return nil
	})
	if !errors.Is(err, agency.ErrPartial) || !errors.Is(err, agency.ErrStopped) || !errors.Is(err, context.Canceled) || calls != agency.ImportBatch {
		t.Errorf("cancelled in the first batch: %d rows, %v", calls, err)
	}
}

// TestOneKeyFromTwoTables: two tables of one file feed one category, and a row
// of each has the same key.
func TestOneKeyFromTwoTables(t *testing.T) {
	w := newWorld(t)
	m, good := sampleRows(t, w)
	same, other := *good[0], *good[0]
	other.RowDigest = digest(1)
	var got []agency.Imported
	err := w.agency["association"].ImportRows(t.Context(), "li", w.machine.View().Catalogue(), m, then([]*intake.Row{good[0], &same, &other}, nil), false,
		func(i agency.Imported) error { got = append(got, i); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if got[0].Record == "" || !got[1].Known || got[1].Record != "" || !got[2].Clash || got[2].Record != "" {
		t.Errorf("%+v", got)
	}
}

// TestOneKeyInTwoBatches: the second batch is read while the first is signed, and
// its rows must still be known by those of the first.
func TestOneKeyInTwoBatches(t *testing.T) {
	w := newWorld(t)
	m, good := sampleRows(t, w)
	rows := many(good[0], agency.ImportBatch+476)
	for i := agency.ImportBatch; i < len(rows); i++ {
		rows[i].RowKey = digest(i - agency.ImportBatch)
		if i%2 == 0 {
			rows[i].RowDigest = digest(i - agency.ImportBatch)
		}
	}
	var known, clashes int
	err := w.agency["association"].ImportRows(t.Context(), "li", w.machine.View().Catalogue(), m, then(rows, nil), false, func(i agency.Imported) error {
		if i.Known {
			known++
		}
		if i.Clash {
			clashes++
		}
		return nil
	})
	if err != nil || known != 238 || clashes != 238 {
		t.Errorf("%d known, %d clash, %v", known, clashes, err)
	}
	if n, _ := w.agency["association"].Records.Count(t.Context(), records.Filter{}); n != agency.ImportBatch {
		t.Errorf("%d records", n)
	}
}

// TestAFalseReferenceSpoilsNoEvidence: any member may nominate on the ground of
// a record that its author never made.
func TestAFalseReferenceSpoilsNoEvidence(t *testing.T) {
	w := newWorld(t)
	ref, claims := recordRef(t, w, firstRecord(t, w))
	ref.ID = "AAAAAAAAAAAAAAAAAAAAAA"
	id, err := w.agency["regulator"].Nominate(t.Context(), "zhao", agency.Nomination{List: "black", Subject: claims.Subject, SubjectKind: claims.SubjectKind,
		Ground: "condemnation", Records: []lists.RecordRef{ref}, TermDays: 730, Measures: []string{"market-exit"}})
	if err != nil {
		t.Fatal(err)
	}
	a := w.agency["association"]
	note := cosigned(t, w, "association")
	if _, err := a.Bundle(t.Context(), note); err != nil {
		t.Errorf("all evidence of the association is lost: %v", err)
	}
	if _, err := a.EntryBundle(t.Context(), id, note); err != nil {
		t.Errorf("the entry's: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Bundle(ended, note); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits for it any more: %v", err)
	}
}
