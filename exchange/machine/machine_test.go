package machine_test

import (
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
)

func TestNominateEndToEnd(t *testing.T) {
	m := newMachine(t)
	before := m.View()
	r := do(t, m, order{by: "court", id: "c1", verb: exchange.VerbNominate, body: nominate(entry(t, "court", "1", nil))})
	if !r.OK || r.Seq != 1 || r.Index != 1 {
		t.Fatalf("%+v %v", r, r.Error)
	}
	v := m.View()
	page, next := v.Entries(lists.Query{List: "black", Status: lists.Nominated, At: v.Time()})
	if len(page) != 1 || next != "" || page[0].By != "court" || page[0].ListedFrom != founded+11*day {
		t.Fatalf("%+v", page)
	}
	doc, err := v.EntryDocument(&page[0])
	must(t, err)
	if doc != entry(t, "court", "1", nil).Doc {
		t.Error("the document is not the one that was signed")
	}
	if v.Size() != 2 || v.Seq() != 1 || v.IndexOf(1) != 1 || v.Digest() == before.Digest() {
		t.Error("the journal did not move")
	}
	<-before.Changed()
	must(t, m.VerifyFrozen())
	must(t, m.Audit())
}
