package subjects_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
	"accord/exchange/subjects"
)

// disputes is a federation of version 4 with an entry of the court's.
func disputes(t *testing.T) (*machine.Machine, exchange.EntryID) {
	t.Helper()
	doc := Document(1)
	doc.Format = catalogue.Format2
	title := exchange.Text{Zh: "期限", En: "deadline"}
	doc.Deadlines = []catalogue.Deadline{{ID: catalogue.DueObjection, Title: title, Days: 3, Natural: true}}
	m := MeetingUnder(t, doc)
	entry := Entry(t, "court", "e", nil)
	if r := Do(t, m, Order{By: "court", ID: "nominate", Verb: exchange.VerbNominate, Body: lists.NominateBody{Entries: []lists.Document{entry}}}); !r.OK {
		t.Fatal(r.Error)
	}
	page, _ := m.View().Entries(lists.Query{Limit: 1})
	return m, page[0].ID
}

func object(by exchange.MemberID, id string, entry exchange.EntryID) Order {
	return Order{By: by, Op: "counter", ID: id, Verb: exchange.VerbSubjectObject, Body: subjects.ObjectBody{Entry: entry, Digest: Hash("text")}}
}

func settle(by exchange.MemberID, id, of string, outcome subjects.Status) Order {
	return Order{By: by, ID: id, Verb: exchange.VerbSubjectSettle, Body: subjects.SettleBody{Objection: exchange.CommandID(ID(of)), Outcome: outcome, Digest: Hash(id)}}
}

// disputed says whether an entry counts as disputed now.
func disputed(m *machine.Machine, entry exchange.EntryID) bool {
	return subjects.DisputedEntry(m.View().Rows(), entry, m.View().Time())
}

// TestAnObjectionAgainstAnEntry: its nominator decides, once, and cannot uphold it as
// long as the entry stands; until then the entry is disputed.
func TestAnObjectionAgainstAnEntry(t *testing.T) {
	m, entry := disputes(t)
	if disputed(m, entry) {
		t.Error("disputed before anybody objected")
	}
	refuses(t, m, object("regulator", "unknown", exchange.EntryID(ID("nothing"))), "SUBJ-141")
	taken := Outcome[subjects.Taken](t, Do(t, m, object("regulator", "o", entry)))
	o, ok := subjects.GetObjection(m.View().Rows(), exchange.CommandID(ID("o")))
	if !ok || o.Against != "court" || o.By != "regulator" || taken.Due != catalogue.EndOfDay(o.At, 3) || !disputed(m, entry) {
		t.Fatalf("%+v, due %d", o, taken.Due)
	}
	if o.Disputes(m.View().Rows(), o.At-1) {
		t.Error("disputed before the objection")
	}
	if got := o.StatusAt(m.View().Rows(), o.Due); got != subjects.Overdue || !o.Disputes(m.View().Rows(), o.Due) {
		t.Errorf("overdue: %s", got)
	}
	refuses(t, m, object("commission", "second", entry), "SUBJ-142")
	refuses(t, m, settle("regulator", "taker", "o", subjects.Rejected), "SUBJ-144")
	refuses(t, m, settle("court", "none", "nothing", subjects.Rejected), "SUBJ-143")
	refuses(t, m, settle("court", "word", "o", subjects.Upheld), "SUBJ-145")
	if r := Do(t, m, Order{By: "court", ID: "off", Verb: exchange.VerbWithdraw, Body: lists.WithdrawBody{Entry: entry, Reason: "依据有误"}}); !r.OK {
		t.Fatal(r.Error)
	}
	Outcome[subjects.Answered](t, Do(t, m, settle("court", "deed", "o", subjects.Upheld)))
	refuses(t, m, settle("court", "again", "o", subjects.Rejected), "SUBJ-104")
	if disputed(m, entry) {
		t.Error("disputed when it is over")
	}
	refuses(t, m, object("regulator", "late", entry), "SUBJ-141")
}

// TestTheMeetingDecidesOtherwise: a rejected objection that the joint meeting upholds
// makes the entry disputed again until its nominator acts; what it had decided stays on
// the row.
func TestTheMeetingDecidesOtherwise(t *testing.T) {
	m, entry := disputes(t)
	Outcome[subjects.Taken](t, Do(t, m, object("regulator", "o", entry)))
	Outcome[subjects.Answered](t, Do(t, m, settle("court", "no", "o", subjects.Rejected)))
	if disputed(m, entry) {
		t.Error("disputed after it was rejected")
	}
	p := Motion("appeal", meeting.Objection, func(b *meeting.ProposeBody) {
		b.Decision = &meeting.Decision{Object: ID("o"), Outcome: meeting.Uphold, Parties: []exchange.MemberID{"court"}}
	})
	voters := Outcome[meeting.Proposed](t, Do(t, m, p)).Voters
	for _, by := range voters[:3] {
		if r := Do(t, m, Ballot(t, m, by, p.ID, meeting.Yes, nil)); !r.OK {
			t.Fatal(r.Error)
		}
	}
	o, _ := subjects.GetObjection(m.View().Rows(), exchange.CommandID(ID("o")))
	if o.StatusAt(m.View().Rows(), m.View().Time()) != subjects.Upheld || !disputed(m, entry) {
		t.Error("the joint meeting is not followed")
	}
	refuses(t, m, settle("court", "stubborn", "o", subjects.Rejected), "SUBJ-104")
	refuses(t, m, settle("court", "word", "o", subjects.Upheld), "SUBJ-145")
	Do(t, m, Order{By: "court", ID: "off", Verb: exchange.VerbWithdraw, Body: lists.WithdrawBody{Entry: entry, Reason: "依据有误"}})
	Outcome[subjects.Answered](t, Do(t, m, settle("court", "deed", "o", subjects.Upheld)))
	refuses(t, m, settle("court", "twice", "o", subjects.Upheld), "SUBJ-104")
	o, _ = subjects.GetObjection(m.View().Rows(), o.ID)
	if disputed(m, entry) || o.Before == nil || o.Before.Outcome != subjects.Rejected || o.Answer.Outcome != subjects.Upheld {
		t.Errorf("%+v", o)
	}
}

// TestAnObjectionAgainstARecord is among what the ledger says of the record, each step of
// it, and travels in snapshots.
func TestAnObjectionAgainstARecord(t *testing.T) {
	m, _ := disputes(t)
	ref := Record("record", "court")
	o := object("regulator", "o", "")
	o.Body = subjects.ObjectBody{Record: &ref, Digest: Hash("text")}
	Outcome[subjects.Taken](t, Do(t, m, o))
	rows := m.View().Rows()
	if all := subjects.DisputedRecords(rows, m.View().Time()); len(all) != 1 || !subjects.DisputedRecord(rows, ref.ID, m.View().Time()) || subjects.DisputedRecord(rows, "other", m.View().Time()) {
		t.Errorf("%+v", all)
	}
	stranger, another := o, Record("record", "stranger")
	stranger.ID, stranger.Body = "s", subjects.ObjectBody{Record: &another, Digest: Hash("text")}
	refuses(t, m, stranger, "SUBJ-105")
	Outcome[subjects.Answered](t, Do(t, m, settle("court", "no", "o", subjects.Rejected)))
	if len(subjects.DisputedRecords(m.View().Rows(), m.View().Time())) != 0 {
		t.Error("disputed after it was rejected")
	}
	p := Motion("appeal", meeting.Objection, func(b *meeting.ProposeBody) {
		b.Decision = &meeting.Decision{Object: ID("o"), Outcome: meeting.Uphold}
	})
	for _, by := range Outcome[meeting.Proposed](t, Do(t, m, p)).Voters[:3] {
		Do(t, m, Ballot(t, m, by, p.ID, meeting.Yes, nil))
	}
	if all := subjects.DisputedRecords(m.View().Rows(), m.View().Time()); len(all) != 1 {
		t.Errorf("after the joint meeting: %+v", all)
	}
	Outcome[subjects.Answered](t, Do(t, m, settle("court", "yes", "o", subjects.Upheld)))
	var kinds []string
	for _, s := range subjects.OfRecord(m.View().Rows(), ref.ID) {
		kinds = append(kinds, s.Kind)
	}
	slices.Sort(kinds)
	if got := strings.Join(kinds, " "); got != "objected settled settled" || len(subjects.DisputedRecords(m.View().Rows(), m.View().Time())) != 0 {
		t.Errorf("steps: %s", got)
	}
	s, err := m.Snapshot()
	Must(t, err)
	defer s.Release()
	var snapshot bytes.Buffer
	_, err = s.WriteTo(&snapshot)
	Must(t, err)
	other, err := machine.New(m.Genesis(), machine.Options{Frozen: true})
	Must(t, err)
	Must(t, other.Restore(bytes.NewReader(snapshot.Bytes())))
	if other.View().Digest() != m.View().Digest() || len(subjects.Objections(other.View().Rows())) != 1 {
		t.Error("the restored machine is another")
	}
	Must(t, m.VerifyFrozen())
}

// TestObjectionBodies: the decoders take no other form.
func TestObjectionBodies(t *testing.T) {
	id, digest := ID("q"), Hash("e")
	record := `{"id":"` + id + `","digest":"` + digest + `","author":"court","category":"penalty"}`
	for _, good := range []string{`{"entry":"` + id + `","digest":"` + digest + `"}`, `{"record":` + record + `,"digest":"` + digest + `"}`} {
		if _, err := subjects.DecodeObject([]byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{`{}`, `{"digest":"` + digest + `"}`, `{"entry":"` + id + `","record":` + record + `,"digest":"` + digest + `"}`, `{"entry":"x y","digest":"` + digest + `"}`,
		`{"entry":"` + id + `","digest":"x"}`, `{"record":{"id":"` + id + `"},"digest":"` + digest + `"}`, `{"entry":"` + id + `","digest":"` + digest + `","text":"x"}`} {
		if _, err := subjects.DecodeObject([]byte(bad)); err == nil {
			t.Errorf("took %s", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"objection":"` + id + `","outcome":"released","digest":"` + digest + `"}`, `{"objection":"x y","outcome":"upheld","digest":"` + digest + `"}`} {
		if _, err := subjects.DecodeSettle([]byte(bad)); err == nil {
			t.Errorf("took %s", bad)
		}
	}
}
