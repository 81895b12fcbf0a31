package api

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/records"
	"accord/node/config"
	"accord/node/wire"
)

// secretive is a world in which the association authors consumers' data, which no rule
// lets the commission see, and one such record.
func secretive(t testing.TB) (*world, wire.Record) {
	t.Helper()
	w := worldUnder(t, func(doc *catalogue.Document) {
		for i := range doc.Categories {
			if doc.Categories[i].ID == "consumer-basic" {
				doc.Categories[i].Authors = append(slices.Clone(doc.Categories[i].Authors), exchange.KindAssociation)
			}
		}
	})
	rec, err := w.client("association", config.Clerk).AddRecord(context.Background(), wire.AddRecord{Category: "consumer-basic", SubjectKind: "consumer", PersonID: "11010519491231002X",
		Values: map[string]json.RawMessage{"name": []byte(`"张某"`), "id_kind": []byte(`"居民身份证"`), "id_number": []byte(`"11010519491231002X"`)}})
	if err != nil {
		t.Fatal(err)
	}
	return w, rec
}

// TestNoneAndNotAllowedAreOne: a member that may not hold a record, for which the rules
// or its suspension are the reason, learns no more of it than of one that does not
// exist: the answers are equal byte by byte, and each leaves one line in the audit log.
// Who may hold it gets it.
//
// Shows: B15
func TestNoneAndNotAllowedAreOne(t *testing.T) {
	w, rec := secretive(t)
	get := func(m exchange.MemberID, id string) reply {
		return w.ask("association", caller{member: m}, "GET", "/api/v1/records/"+id, "")
	}
	for _, m := range []exchange.MemberID{"regulator", "court"} {
		if got := get(m, string(rec.ID)); got.code != "" {
			t.Errorf("%s may hold it and gets %s", m, got.code)
		}
	}
	lines := func() int {
		text, err := os.ReadFile(filepath.Join(w.dir, "association", "audit.log"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte("\n"))
	}
	unknown := string(rec.ID[1:]) + string(rec.ID[0])
	before := lines()
	none := get("commission", unknown)
	between := lines()
	forbidden := get("commission", string(rec.ID))
	if none.code != records.ErrNotFound.Code || none.status != forbidden.status || alike(t, none.body) != alike(t, forbidden.body) {
		t.Errorf("none: %d %s\nnot allowed: %d %s", none.status, none.body, forbidden.status, forbidden.body)
	}
	if a, b := between-before, lines()-between; a != 1 || b != a {
		t.Errorf("%d lines for none, %d for what is not allowed", a, b)
	}
	log, err := w.client("association", config.Officer).SubjectLog(context.Background(), wire.AskSubject{Subject: string(rec.Subject), Proof: wire.SubjectProof{Kind: "mandate", Ref: "1"}})
	if err != nil || !slices.ContainsFunc(log.Looks, func(l wire.SubjectLook) bool {
		return l.Act == "record.read" && l.Record == rec.ID && l.Caller == "member:commission" && l.Result == records.ErrNotFound.Code
	}) {
		t.Errorf("the subject does not see who tried: %+v, %v", log.Looks, err)
	}
}

// alike is a problem without what is of the request alone.
func alike(t *testing.T, body string) string {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatal(err)
	}
	delete(p, "instance")
	out, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// BenchmarkRefusedRecord shows both refusals in the same time.
func BenchmarkRefusedRecord(b *testing.B) {
	w, rec := secretive(b)
	for name, id := range map[string]string{"none": string(rec.ID[1:]) + string(rec.ID[0]), "not-allowed": string(rec.ID)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				w.ask("association", caller{member: "commission"}, "GET", "/api/v1/records/"+id, "")
			}
		})
	}
}
