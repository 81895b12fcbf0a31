package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// disclosing is a world in which the public is shown penalties.
func disclosing(t *testing.T, d *catalogue.Disclosure) *world {
	w := worldUnder(t, func(doc *catalogue.Document) {
		doc.Format = catalogue.Format2
		for i := range doc.Categories {
			if c := &doc.Categories[i]; c.ID == "admin-penalty" {
				c.Disclosure = d
			}
		}
	})
	w.importSample("regulator", "penalties-sample.csv")
	w.mirror("regulator", "association")
	return w
}

// shownTo is what the public is shown by a member's node.
func (w *world) shownTo(m exchange.MemberID, q client.PublicQuery) (all []wire.PublicRecord) {
	w.t.Helper()
	for {
		page, err := w.serve(m, caller{}).PublicRecords(context.Background(), q)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page.Records...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

// TestThePublicIsShownWhatTheCatalogueSays: of own and mirrored records alike, nothing
// that is sealed, nothing that names a person, and nothing when the time is over.
func TestThePublicIsShownWhatTheCatalogueSays(t *testing.T) {
	w := disclosing(t, &catalogue.Disclosure{ForDays: 365})
	_, doc := catalogue.Demo()
	cat, penalties := catalogue.New(doc), client.PublicQuery{Category: "admin-penalty"}
	for _, m := range []exchange.MemberID{"regulator", "association"} {
		all := w.shownTo(m, penalties)
		if len(all) < 4 {
			t.Fatalf("%s shows %d", m, len(all))
		}
		for _, r := range all {
			for field, value := range r.Fields {
				if class, ok := cat.ClassOf("admin-penalty", field, r.SubjectKind); !ok || class != catalogue.Public || strings.Contains(string(value), "内部备注") {
					t.Errorf("%s of %s is shown: %s", field, r.SubjectKind, value)
				}
			}
			person := r.SubjectKind == "practitioner"
			if person != (r.Subject == "") || person && r.Document != "" || !person && !strings.HasSuffix(r.Document, "~") || r.Until == nil || r.Author != "regulator" {
				t.Errorf("%+v", r)
			}
		}
		one := all[slices.IndexFunc(all, func(r wire.PublicRecord) bool { return r.Subject != "" })]
		if got := w.shownTo(m, client.PublicQuery{Subject: string(one.Subject), Author: "regulator", Limit: 1}); len(got) != 1 || got[0].ID != one.ID {
			t.Errorf("by subject: %+v", got)
		}
		if got := w.shownTo(m, client.PublicQuery{Author: "court"}); len(got) != 0 {
			t.Errorf("by another author: %+v", got)
		}
		person := w.personal(m)
		if got := w.shownTo(m, client.PublicQuery{Subject: string(person)}); len(got) != 0 {
			t.Errorf("a person's records can be asked for by its id: %+v", got)
		}
		for _, query := range []string{"?category=x", "?status=retracted", "?subject=639916199010253068", "?limit=0"} {
			if got := w.ask(m, caller{}, http.MethodGet, "/api/v1/records/public"+query, ""); got.status != http.StatusBadRequest {
				t.Errorf("%s: %d", query, got.status)
			}
		}
	}
	before := w.shownTo("regulator", penalties)
	if _, err := w.client("regulator", config.Clerk).RetractRecord(context.Background(), before[0].ID, wire.CorrectRecord{Reason: "登记有误"}); err != nil {
		t.Fatal(err)
	}
	if left := w.shownTo("regulator", penalties); len(left) != len(before)-1 || slices.ContainsFunc(left, func(r wire.PublicRecord) bool { return r.ID == before[0].ID }) {
		t.Errorf("a retracted record is among %d of %d", len(left), len(before))
	}
	last := before[0]
	for _, r := range before {
		if r.Until.After(*last.Until) {
			last = r
		}
	}
	w.pass(last.Until.Sub(w.clock()) - time.Minute)
	if left := w.shownTo("association", penalties); len(left) == 0 || len(left) >= len(before) {
		t.Errorf("a minute before the last one's end %d of %d are shown", len(left), len(before))
	}
	w.pass(2 * time.Minute)
	for _, m := range []exchange.MemberID{"regulator", "association"} {
		if left := w.shownTo(m, penalties); len(left) != 0 {
			t.Errorf("%s still shows %d", m, len(left))
		}
	}
}

// personal is the id of a person on whom a node holds a record.
func (w *world) personal(m exchange.MemberID) exchange.SubjectID {
	w.t.Helper()
	page, err := w.client(m, config.Auditor).Records(context.Background(), client.RecordQuery{Category: "admin-penalty"})
	at := slices.IndexFunc(page.Records, func(r wire.Record) bool { return r.SubjectKind == "practitioner" })
	if err != nil || at < 0 {
		w.t.Fatal(err)
	}
	return page.Records[at].Subject
}

// TestThePublicIsShownNamedFields: where the catalogue names fields, others are not
// there, and neither is the document in which they stand.
func TestThePublicIsShownNamedFields(t *testing.T) {
	w := disclosing(t, &catalogue.Disclosure{Fields: []string{"severity", "decided_on"}, AfterDays: 7})
	all := w.shownTo("association", client.PublicQuery{Category: "admin-penalty"})
	if len(all) == 0 {
		t.Fatal("nothing is shown")
	}
	for _, r := range all {
		if len(r.Fields) != 2 || r.Fields["severity"] == nil || r.Fields["decided_on"] == nil || r.Document != "" || r.Until != nil {
			t.Errorf("%+v", r)
		}
	}
}
