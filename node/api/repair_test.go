package api

import (
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange/catalogue"
	"accord/node/config"
	"accord/node/wire"
)

// TestWhenAnEntryMayBeRepaired: whoever may see an entry sees from when it may be
// repaired, where its list asks for a time; not before and not where there is none.
func TestWhenAnEntryMayBeRepaired(t *testing.T) {
	for days, want := range map[int]bool{0: false, 90: true} {
		raw, _ := catalogue.Demo()
		doc, err := catalogue.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		doc.Format = catalogue.Format2
		for i := range doc.Lists {
			doc.Lists[i].RepairDaysMin = days
		}
		data, err := strictjson.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		w := foundWorld(t, genesisOf(t, data, 4))
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
	}
}
