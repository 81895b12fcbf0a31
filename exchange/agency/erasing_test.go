package agency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/identifiers"
	"accord/exchange/records"
	"accord/exchange/release"
)

// TestRetentionErases: on the day after a person's record has been kept as long as
// the catalogue says it is erased, corrected or not, with an erasure in the feed; an
// organisation's stays; and what was on its way to a requester is sent no more.
func TestRetentionErases(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	a := w.agency["association"]
	ids := importSample(t, w)
	told := map[exchange.RecordID]bool{}
	before := func(id exchange.RecordID, _ string) error { told[id] = true; return nil }
	if n, err := a.ErasePast(ctx, before); n != 0 || err != nil || len(told) != 0 {
		t.Fatalf("erased %d in time: %v", n, err)
	}
	persons, err := a.Records.Count(ctx, records.Filter{SubjectKind: "practitioner"})
	if err != nil || persons == 0 {
		t.Fatal(err)
	}
	all, _ := a.Records.Count(ctx, records.Filter{})
	refuse := errors.New("the audit log is full")
	w.now = w.now.AddDate(7, 0, 0)
	ref, _ := recordRef(t, w, ids[0])
	id, err := w.agency["court"].AskRelease(ctx, "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Deliver(ctx, "node", "court", id); err != nil {
		t.Fatal(err)
	}
	if n, err := a.ErasePast(ctx, func(exchange.RecordID, string) error { return refuse }); n != 0 || !errors.Is(err, refuse) {
		t.Errorf("erased %d that nothing knows of: %v", n, err)
	}
	n, err := a.ErasePast(ctx, before)
	left, _ := a.Records.Count(ctx, records.Filter{})
	if err != nil || int64(n) != persons || len(told) != n || left != all-persons {
		t.Errorf("erased %d of %d persons, told of %d, %d of %d left: %v", n, persons, len(told), left, all, err)
	}
	own, _ := a.Records.Feed(ctx, "association")
	items, err := a.Records.FeedItems(ctx, "association", own.Edge.Size()-1, 1)
	if err != nil || len(items) != 1 || items[0].Entry.Kind != feed.Erasure {
		t.Fatalf("%+v %v", items, err)
	}
	d, err := feed.ReadDocument(items[0].Entry, "association", "qinghai", items[0].JWT)
	if err != nil || d.Ground != feed.GroundRetention {
		t.Errorf("%+v %v", d, err)
	}
	if envelope, err := a.Deliver(ctx, "node", "court", id); envelope != "" || !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an erased record is delivered again: %v", err)
	}
}

// TestRetentionOfAPrivateDate: where the date is not public it is opened for this.
func TestRetentionOfAPrivateDate(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.open(t, "insurer", exchange.KindInsurer)
	a := w.agency["insurer"]
	check, err := identifiers.ResidentCheck("63990019900101123")
	if err != nil {
		t.Fatal(err)
	}
	person := "63990019900101123" + string(check)
	cat := w.machine.View().Catalogue()
	c := cat.Category("consumer-claim")
	for _, f := range c.Fields {
		if f.ID == c.EventField && f.Class == catalogue.Public {
			t.Fatal("the date is public; the test is about nothing")
		}
	}
	values := records.Values{"claim_number": "LP1", "policy_number": "BD1", "name": "例某", "id_number": person,
		"insurer_uscc": "91639901MA6T000127", "reported_on": records.Day(w.now.AddDate(0, 0, -c.RetentionDays)), "outcome": "paid"}
	subject, err := a.SubjectID(ctx, exchange.SubjectPerson, person)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := a.Add(ctx, "zhang", agency.Addition{Category: c.ID, SubjectKind: "consumer", Subject: subject, Values: values})
	if err != nil {
		t.Fatal(err)
	}
	nothing := func(exchange.RecordID, string) error { return nil }
	if n, err := a.ErasePast(ctx, nothing); n != 0 || err != nil {
		t.Errorf("on the last day: %d %v", n, err)
	}
	w.now = w.now.Add(24 * time.Hour)
	if n, err := a.ErasePast(ctx, nothing); n != 1 || err != nil {
		t.Errorf("on the day after: %d %v", n, err)
	}
	if _, err := a.Records.Get(ctx, rec.ID); !errors.Is(err, records.ErrNotFound) {
		t.Error(err)
	}
}
