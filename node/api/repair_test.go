package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accord/exchange/catalogue"
	"accord/node/config"
	"accord/node/wire"
)

// TestWhenAnEntryMayBeRepaired: an entry shows from when it may be repaired where its list
// asks for a time, and nothing where it asks for none; members and the public see it.
func TestWhenAnEntryMayBeRepaired(t *testing.T) {
	for days, want := range map[int]bool{0: false, 90: true} {
		w := worldUnder(t, func(doc *catalogue.Document) {
			doc.Format = catalogue.Format2
			for i := range doc.Lists {
				doc.Lists[i].RepairDaysMin = days
			}
		})
		w.importSample("association", "discipline-sample.xlsx")
		rec := w.one("association", "discipline-practitioner")
		clerk := w.client("regulator", config.Clerk)
		entry, err := clerk.Nominate(t.Context(), "watch", wire.Nominate{Record: rec.ID, Author: "association", Ground: groundFor(t, w, "watch", rec.Category), TermDays: 365})
		if err != nil {
			t.Fatal(err)
		}
		got, err := clerk.Entry(t.Context(), entry.ID)
		if err != nil || (got.RepairFrom != nil) != want {
			t.Fatalf("%d days: %+v %v", days, got, err)
		}
		if want && !got.RepairFrom.Equal(got.ListedFrom.AddDate(0, 0, days)) {
			t.Errorf("listed from %s, repaired from %s", got.ListedFrom, got.RepairFrom)
		}
		w.pass(catalogue.DemoNoticeMillis * time.Millisecond)
		shown := w.ask("regulator", caller{}, "GET", "/api/v1/entries/"+string(entry.ID), "")
		if shown.status != http.StatusOK || strings.Contains(shown.body, `"repair_from"`) != want {
			t.Errorf("%d days: the public is shown %d %s", days, shown.status, shown.body)
		}
	}
}
