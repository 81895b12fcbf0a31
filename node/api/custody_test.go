package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// custodyWorld is the federation under a catalogue by which any two of the regulator,
// the commission and the court keep the association's records of practitioners, with
// one of them in custody and mirrored by all.
func custodyWorld(t *testing.T) (*world, wire.Record) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	w := worldUnder(t, func(doc *catalogue.Document) {
		doc.Format = catalogue.Format2
		for i := range doc.Categories {
			if doc.Categories[i].ID == "discipline-practitioner" {
				doc.Categories[i].Custody = &catalogue.Custody{K: 2, Of: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindCourt}}
			}
		}
	})
	w.importSample("association", "discipline-sample.xlsx")
	ctx, a := t.Context(), w.servers["association"].Agency
	for more := true; more; {
		var err error
		more, err = a.DealCustody(ctx)
		must(err)
		must(a.AnchorCustody(ctx, "node"))
	}
	for _, m := range []exchange.MemberID{"court", "commission", "regulator"} {
		c := client.New(&http.Client{Transport: through{w.servers[m].Handler(), caller{member: "association"}}}, string(m), "", exchange.En)
		_, err := a.HandOver(ctx, m, c)
		must(err)
	}
	w.mirror("association", "court", "commission")
	return w, w.one("association", "discipline-practitioner")
}

// TestCustodyOverTheWire: with the author's node gone, a clerk asks by the mirror and
// opens by the custodians without knowing the difference; the receipts name them, the
// author's status says who has what, and no log or audit line holds a value.
//
// Shows: B3, B5
func TestCustodyOverTheWire(t *testing.T) {
	w, rec := custodyWorld(t)
	ctx := t.Context()
	st, err := w.client("association", config.Admin).Custody(ctx)
	if err != nil || len(st.Categories) != 1 || len(st.Custodians) != 3 {
		t.Fatalf("%+v %v", st, err)
	}
	if c := st.Categories[0]; c.K != 2 || !c.Enough || c.Records == 0 || c.Dealt != c.Records || c.Complete != c.Records {
		t.Errorf("%+v", c)
	}
	for _, m := range st.Custodians {
		if m.Lacks != 0 || m.Keeps != st.Categories[0].Records || m.Why != "" {
			t.Errorf("%+v", m)
		}
	}
	if st, err := w.client("court", config.Admin).Custody(ctx); err != nil || len(st.Kept) != 1 || st.Kept[0].Author != "association" {
		t.Errorf("%+v %v", st, err)
	}
	show, err := w.client("association", config.Clerk).RecordCustody(ctx, rec.ID, "")
	if err != nil || len(show.Generations) != 1 || len(show.Hands) != 3 || show.Hands[0].State != "kept" || show.Hands[0].Kept == "" {
		t.Errorf("%+v %v", show, err)
	}
	clerk := w.client("court", config.Clerk)
	ask := func() wire.Release {
		t.Helper()
		rel, err := clerk.AskRelease(ctx, wire.AskRelease{Record: rec.ID, Author: "association", Fields: []string{"resident_id"}, Purpose: "enforcement",
			Basis: wire.Basis{Kind: "case", Ref: "1"}})
		if err != nil || rel.Status != "granted" {
			t.Fatal(rel.Status, err)
		}
		return rel
	}
	early := ask()
	here := w.servers["association"]
	delete(w.servers, "association") // for good
	rel := ask()
	opened, err := clerk.Open(ctx, rel.ID)
	if err != nil || len(opened.Fields) != 1 || !opened.Verified || len(opened.Custodians) != 2 || opened.Release.Status != "opened" || len(opened.Release.Custody) < 2 {
		t.Fatalf("%+v %v", opened.Release, err)
	}
	if again, err := clerk.OpenByCustodians(ctx, rel.ID); err == nil {
		t.Errorf("opened twice: %+v", again.Release)
	}
	value := strings.Trim(string(opened.Fields["resident_id"]), `"`)
	if value == "" || strings.Contains(w.log.String(), value) {
		t.Error("a value is in a log")
	}
	w.servers["association"] = here
	if opened, err := clerk.Open(ctx, early.ID); err != nil || len(opened.Custodians) != 0 {
		t.Errorf("with its author there: %v %v", opened.Custodians, err)
	}
	// A member asks a custodian with another member's release.
	other := client.New(&http.Client{Transport: through{w.servers["court"].Handler(), caller{member: "commission"}}}, "court", "", exchange.En)
	last := ask()
	if _, err := other.AnswerCustody(ctx, last.ID, 1); code(err) != "OPEN-003" {
		t.Error(err)
	}
	w.pass(73 * time.Hour)
	if _, err := clerk.OpenByCustodians(ctx, last.ID); code(err) != custody.ErrNotGranted.Code {
		t.Error("lapsed:", err)
	}
	if got := w.ask("court", caller{member: "association"}, "POST", "/api/v1/custody/deposits", `{"deposits":[]}`); got.status != http.StatusBadRequest {
		t.Errorf("%d %s", got.status, got.code)
	}
	if got := w.ask("court", caller{member: "association"}, "POST", "/api/v1/custody/retire", `{"generations":[{"record":"`+string(rec.ID)+`","generation":1,"digest":"`+show.Generations[0].Digest+`"}]}`); got.body != `{"receipts":[]}` {
		t.Errorf("the newest generation was destroyed: %s", got.body)
	}
}
