package machine_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"accord/exchange"
	"accord/exchange/lists"
	. "accord/exchange/machine/machinetest"
)

// TestDocumentsAreCheckedBehindTheCommands: what the commit path leaves out the
// background finds, with whose fault it is, and nothing bad passes as evidence
// before or after.
//
// Shows: B5
func TestDocumentsAreCheckedBehindTheCommands(t *testing.T) {
	m := New(t)
	var want []exchange.EntryID
	for i := range 7 {
		fraud := func(c *lists.Claims) { c.Subject = exchange.SubjectID("org:S" + ID(string(rune('a'+i)))) }
		label := ID(string(rune('a' + i)))
		docs := []lists.Document{Entry(t, "court", label, fraud), Entry(t, "court", label+"2", func(c *lists.Claims) { fraud(c); c.Ground = "fraud" })}
		if i%3 == 1 {
			docs[1].Doc = docs[1].Doc[:len(docs[1].Doc)-8] + "AAAAAA" + docs[1].Doc[len(docs[1].Doc)-2:]
			want = append(want, exchange.EntryID(ID("entry "+label+"2")))
		}
		if r := Do(t, m, Order{By: "court", ID: label, Verb: exchange.VerbNominate, Body: Nominate(docs...)}); !r.OK {
			t.Fatal(r.Error)
		}
	}
	slices.Sort(want)
	judge := func(stage string) {
		t.Helper()
		v := m.View()
		for e := range lists.All(v.Rows()) {
			doc, err := v.EntryDocument(&e)
			Must(t, err)
			if err := v.VerifyDocument(&e, doc); errors.Is(err, lists.ErrSignature) != slices.Contains(want, e.ID) {
				t.Errorf("%s: %s: %v", stage, e.ID, err)
			}
		}
	}
	judge("unchecked")
	total := 0
	for range 100 {
		n, err := m.CheckDocuments(3)
		Must(t, err)
		if n == 0 {
			break
		}
		if total += n; total < 14 && total%2 != 0 {
			t.Error("a statement was taken apart")
		}
		judge("half way")
	}
	d := m.View().Documents()
	if total != 14 || d.Checked != 14 || d.Seq != 7 || len(d.Faults) != len(want) {
		t.Fatalf("%d checked, %+v", total, d)
	}
	for i, f := range d.Faults {
		if f.Entry != want[i] || f.By != "court" || f.Seq == 0 || !m.View().DocumentFaulty(f.Entry) {
			t.Errorf("%+v", f)
		}
	}
	judge("checked")
	before := markOf(t, m)
	Must(t, m.Restore(bytes.NewReader(written(t, m))))
	if d := m.View().Documents(); d.Checked != 0 || len(d.Faults) != 0 || markOf(t, m) != before {
		t.Errorf("after a restore: %+v", d)
	}
	judge("restored")
}
