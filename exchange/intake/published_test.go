package intake

import (
	"strings"
	"testing"
)

// Two lists that their publishers wrote for nobody in particular. They name real
// firms and people, so nothing of them may appear here, not even in a failure.
func TestPublishedLists(t *testing.T) {
	opts := Options{AsOf: readManifest(t).asOf(t)}
	for _, f := range []struct {
		mapping, file string
		rows, noEnd   int // records that the file really holds; bounds for open-ended ones
	}{
		{"ebrd", "ebrd-ineligible-entities.csv", 1322, 400},
		{"worldbank", "world-bank-ineligible.xlsx", 1285, 50},
	} {
		t.Run(f.mapping, func(t *testing.T) {
			r, tables := readAll(t, f.mapping, sharedData(t, "published-lists", f.file), opts)
			report := r.Report()
			t.Logf("%s: %d rows, %d new (%d flagged), %d same, %d refused, kinds %v", f.mapping,
				report.Rows, report.New, report.Flagged, report.Same, report.Refused, report.ByKind())
			if report.Rows != f.rows {
				t.Errorf("%d rows, want %d", report.Rows, f.rows)
			}
			if report.Refused > report.Rows/100 {
				t.Errorf("%d of %d rows refused", report.Refused, report.Rows)
			}
			noEnd, noBeginning := 0, 0
			for _, rows := range tables {
				for _, row := range rows {
					if row.Verdict == Refuse {
						continue
					}
					name := row.Values.Text("name")
					if name != strings.TrimSpace(name) || strings.ContainsAny(name, "\t\n") || name == "" {
						t.Errorf("row %d: the name is not trimmed", row.Number)
					}
					if row.SubjectNamespace != "name" || row.SubjectKey.Reveal() != name {
						t.Errorf("row %d: the subject is not its name", row.Number)
					}
					if row.Values.Text("until") == NoEnd {
						noEnd++
					}
					if row.Values.Text("from") == "" {
						noBeginning++
					}
				}
			}
			if noEnd < f.noEnd {
				t.Errorf("%d rows without end, want at least %d", noEnd, f.noEnd)
			}
			t.Logf("%s: %d without end, %d without beginning", f.mapping, noEnd, noBeginning)
		})
	}
}
