package bench

import (
	"context"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/names"
)

func TestWithoutPostgreSQLItsRowsSaySo(t *testing.T) {
	r := &recordRun{RecordOptions: RecordOptions{Stores: Stores(), Rival: true, Say: func(exchange.Text) {}}}
	var on []string
	err := r.onEach(t.Context(), "import", func(_ context.Context, store string) error { on = append(on, store); return nil })
	if err != nil || strings.Join(on, " ") != onSQLite {
		t.Errorf("measured on %v, %v", on, err)
	}
	if len(r.results) != 1 || r.results[0].Name != "import/postgres" || r.results[0].Value != nil || !strings.Contains(r.results[0].Note.En, "PostgreSQL is not on this machine") {
		t.Errorf("%+v", r.results)
	}
	if r.rivalName() != noPostgres {
		t.Errorf("the rival is %q", r.rivalName())
	}
}

func TestRecordOptionsAreHeldBeforeAnythingIsMade(t *testing.T) {
	for _, o := range []RecordOptions{{Only: []string{"luck"}}, {Stores: []string{"oracle"}}} {
		o.Dir = t.TempDir()
		if _, err := RunRecords(t.Context(), o); exchange.AsError(err).Code != ErrOnly.Code {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// The labelled set is the same in every run, of every variant, and each question is
// another name than the one that is meant, as a search must see it.
func TestLabelledNames(t *testing.T) {
	set, again := labelledSet(220, 5000), labelledSet(220, 5000)
	count := map[string]int{}
	for i, q := range set {
		count[q.variant]++
		if q != again[i] {
			t.Fatalf("question %d is %+v and %+v", i, q, again[i])
		}
		if (q.asked == q.meant) != (q.variant == "same") || names.NewQuery(q.asked).Normal() == "" {
			t.Errorf("%+v", q)
		}
	}
	for _, v := range variants {
		if count[v.name] != 20 {
			t.Errorf("%d of %s", count[v.name], v.name)
		}
	}
	if a, b := nameOf(7), nameOf(7); a != b || a == nameOf(8) {
		t.Errorf("%s, %s, %s", a, b, nameOf(8))
	}
}

func TestPrivateFieldsOfARowHaveTwentyBytes(t *testing.T) {
	row, err := rowOf(123456)
	if err != nil || len(row) != len(rowColumns) {
		t.Fatalf("%v, %v", row, err)
	}
	for _, column := range []string{"投诉人", "投诉人电话", "涉及人员执业证号", "投诉内容"} {
		for i, c := range rowColumns {
			if c == column && len(row[i]) != 20 {
				t.Errorf("%s has %d bytes: %s", column, len(row[i]), row[i])
			}
		}
	}
}

func TestEverySubjectOfALookupHasAsManyRecords(t *testing.T) {
	about := map[int]int{}
	for i := range 3000 {
		about[subjectOf(i, 1000)]++
		if i > 0 && subjectOf(i-1, 1000) == subjectOf(i, 1000) {
			t.Fatalf("records %d and %d are about one subject", i-1, i)
		}
	}
	for subject, n := range about {
		if n != recordsAbout {
			t.Errorf("%d records about subject %d", n, subject)
		}
	}
}
