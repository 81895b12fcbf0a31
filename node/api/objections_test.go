package api

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/subjects"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// TestAnObjectionShowsEverywhere: taken at one member's counter against another's entry,
// it shows on the entry for everybody, in credit checks that verify offline, and in the
// list of all members; the text is read by the two it concerns. The nominator takes the
// entry off before it can uphold.
//
// Shows: B15
func TestAnObjectionShowsEverywhere(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.announced(4)
	entry := exchange.EntryID(w.nominateByName(goodCode))
	counter, officer := w.client("court", config.Clerk), w.client("regulator", config.Officer)
	const text, reply = canary + "公示事由与事实不符", canary + "核实有误，已撤回"
	in := wire.ObjectTo{Subject: goodCode, Proof: shownLicence, Entry: entry, Text: text}
	if got, _, _ := w.checked("association", goodCode); len(got.Objections) != 0 || len(got.NotKept) != 0 {
		t.Errorf("before: %+v, not kept %v", got.Objections, got.NotKept)
	}
	for name, bad := range map[string]func(*wire.ObjectTo){
		"another's entry": func(o *wire.ObjectTo) { o.Subject = otherCode },
		"no entry":        func(o *wire.ObjectTo) { o.Entry = "AAAAAAAAAAAAAAAAAAAAAA" },
	} {
		other := in
		bad(&other)
		if _, err := counter.ObjectTo(ctx, other); code(err) != ErrPetitionUnknown.Code {
			t.Errorf("%s: %v", name, err)
		}
	}
	o, err := counter.ObjectTo(ctx, in)
	if err != nil || o.Status != "open" || !o.Disputed || o.Answers != "regulator" || o.By != "court" || o.Entry != entry || o.Due.Sub(o.At) != 20*24*time.Hour {
		t.Fatalf("%+v %v", o, err)
	}
	public := w.ask("commission", caller{}, "GET", "/api/v1/lists/red/entries", "")
	if shown, err := w.client("association", config.Auditor).Entry(ctx, entry); err != nil || !shown.Disputed || !strings.Contains(public.body, `"disputed":true`) {
		t.Errorf("the entry: %+v, %v; the public sees %s", shown, err, public.body)
	}
	got, report, _ := w.checked("association", goodCode)
	if !slices.Equal(got.Objections, []string{string(o.ID)}) || !report.OK {
		t.Errorf("a credit check tells of %v", got.Objections)
	}
	if read, err := officer.Petition(ctx, o.ID); err != nil || read.Text != text {
		t.Errorf("at the nominator: %+v %v", read, err)
	}
	if read, err := w.client("commission", config.Clerk).Petition(ctx, o.ID); err != nil || read.Text != "" || !read.Disputed {
		t.Errorf("at a third member: %+v %v", read, err)
	}
	if _, err := officer.AnswerComplaint(ctx, o.ID, wire.AnswerPetition{Outcome: "upheld", Text: reply}); code(err) != subjects.ErrStands.Code {
		t.Errorf("upheld and announced all the same: %v", err)
	}
	if _, err := officer.Withdraw(ctx, entry, wire.EndEntry{Text: "核实有误"}); err != nil {
		t.Fatal(err)
	}
	done, err := officer.AnswerComplaint(ctx, o.ID, wire.AnswerPetition{Outcome: "upheld", Text: reply})
	if err != nil || done.Status != "upheld" || done.Disputed || done.Late {
		t.Errorf("%+v %v", done, err)
	}
	if read, err := counter.Petition(ctx, o.ID); err != nil || read.Reply != reply {
		t.Errorf("the answer at the counter: %+v %v", read, err)
	}
	if got, _, _ = w.checked("association", goodCode); len(got.Objections) != 0 || len(got.Hits) != 0 {
		t.Errorf("when it is over: %+v", got)
	}
	w.holdsNowhere(canary, "")
}

// TestAnObjectionToARecord: the record says that it is disputed, at every member that
// holds it; both steps are in the subject's log and its evidence.
func TestAnObjectionToARecord(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.announced(4)
	w.importSample("association", "discipline-sample.xlsx")
	if err := w.servers["court"].Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	rec := w.one("association", "discipline-practitioner")
	counter, officer := w.client("court", config.Clerk), w.client("association", config.Officer)
	in := wire.ObjectTo{Subject: string(rec.Subject), Proof: shownLicence, Record: rec.ID, Text: "处分日期有误"}
	o, err := counter.ObjectTo(ctx, in)
	if err != nil || o.Answers != "association" || o.Record.ID != rec.ID || !o.Disputed {
		t.Fatalf("%+v %v", o, err)
	}
	for _, m := range []exchange.MemberID{"association", "court"} {
		got, err := w.client(m, config.Auditor).Records(ctx, client.RecordQuery{Subject: string(rec.Subject), Limit: 10})
		if err != nil || !slices.ContainsFunc(got.Records, func(r wire.Record) bool { return r.ID == rec.ID && r.Disputed }) {
			t.Errorf("%s: %+v %v", m, got.Records, err)
		}
	}
	if got, _, _ := w.checked("court", string(rec.Subject)); !slices.Equal(got.Objections, []string{string(o.ID)}) {
		t.Errorf("a credit check tells of %v", got.Objections)
	}
	if _, err := counter.ObjectTo(ctx, in); code(err) != subjects.ErrObjected.Code {
		t.Errorf("a second one: %v", err)
	}
	if done, err := officer.AnswerComplaint(ctx, o.ID, wire.AnswerPetition{Outcome: "rejected", Text: "与决定书一致"}); err != nil || done.Status != "rejected" || done.Disputed {
		t.Errorf("%+v %v", done, err)
	}
	log, err := w.client("association", config.Clerk).SubjectLog(ctx, asks(rec.Subject))
	if n := len(log.Accesses); err != nil || n < 2 || log.Accesses[n-2].Event != "objected" || log.Accesses[n-1].Event != "settled" || log.Accesses[n-1].Outcome != "rejected" || log.Accesses[n-1].Ref != o.ID {
		t.Errorf("%+v %v", log.Accesses, err)
	}
	file, err := w.client("association", config.Clerk).SubjectProof(ctx, asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	if report := bundle.Verify(file, bundle.Options{}); !report.OK || report.Accesses.Records[0].Count != int64(len(log.Accesses)) {
		t.Errorf("%s %+v", failedCheck(report), report.Accesses)
	}
	list, err := w.client("regulator", config.Auditor).Petitions(ctx, "objection", "rejected")
	if err != nil || len(list.Petitions) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}
