package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
	"accord/node/witness"
)

const goodCode = "91639900MA0000001C"

func TestAListingFromNominationToRemoval(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-organisation")
	clerk, officer := w.client("regulator", config.Clerk), w.client("regulator", config.Officer)
	entry, err := clerk.Nominate(ctx, "watch", wire.Nominate{Record: rec.ID, Author: "association", Ground: groundFor(t, w, "watch", rec.Category), TermDays: 365})
	if err != nil {
		t.Fatal(err)
	}
	if entry.Subject != rec.Subject || entry.SubjectKind != rec.SubjectKind || len(entry.Records) != 1 || entry.Records[0].Digest != rec.Digest ||
		entry.Records[0].Author != "association" || entry.Status != "nominated" || entry.Name == "" || entry.Document == "" {
		t.Errorf("%+v", entry)
	}
	if _, err := clerk.Nominate(ctx, "watch", wire.Nominate{Record: rec.ID, Author: "association", Ground: entry.Ground, TermDays: 365}); code(err) != lists.ErrActive.Code {
		t.Errorf("listed twice: %v", err)
	}
	if _, err := officer.Remove(ctx, entry.ID, wire.EndEntry{Reason: "repaired", Text: "已修复", Basis: "1号"}); code(err) != lists.ErrStatus.Code {
		t.Errorf("removed during the notice: %v", err)
	}
	w.pass(catalogue.DemoNoticeMillis * time.Millisecond)
	page, err := clerk.Entries(ctx, "watch", client.EntryQuery{Status: "listed", Subject: string(rec.Subject)})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Document != "" {
		t.Fatalf("%+v %v", page, err)
	}
	if _, err := officer.Remove(ctx, entry.ID, wire.EndEntry{Reason: "repaired", Text: "已修复", Basis: "1号", Expect: 2}); code(err) != lists.ErrExpect.Code {
		t.Errorf("against another version: %v", err)
	}
	ended, err := officer.Remove(ctx, entry.ID, wire.EndEntry{Reason: "repaired", Text: "已修复", Basis: "1号", Expect: 1})
	if err != nil || ended.Status != "removed" || ended.EndedAt == nil || ended.EndReason != "repaired" || ended.Version != 2 {
		t.Errorf("%+v %v", ended, err)
	}
	before, err := clerk.Entries(ctx, "watch", client.EntryQuery{At: entry.NominatedAt.Format(time.RFC3339Nano)})
	if err != nil || len(before.Entries) != 1 || before.Entries[0].Status != "nominated" || before.Entries[0].EndedAt != nil {
		t.Errorf("as it stood then: %+v %v", before, err)
	}
	earlier, err := clerk.Entries(ctx, "watch", client.EntryQuery{At: start.Add(-time.Hour).Format(time.RFC3339)})
	if err != nil || len(earlier.Entries) != 0 {
		t.Errorf("before it was: %+v %v", earlier, err)
	}
	if got := w.ask("court", caller{member: "association"}, "GET", "/api/v1/entries/"+string(entry.ID)+"?at="+start.Add(-time.Hour).Format(time.RFC3339), ""); got.code != agency.ErrEntry.Code {
		t.Errorf("before it was: %s", got.code)
	}
}

// groundFor is a ground of a list that records of a category may carry.
func groundFor(t *testing.T, w *world, list, category string) string {
	t.Helper()
	for _, g := range w.machine.View().Catalogue().List(list).Grounds {
		for _, c := range g.Categories {
			if c == category {
				return g.ID
			}
		}
	}
	t.Fatalf("no ground of %s for %s", list, category)
	return ""
}

func TestWithdrawDuringTheNotice(t *testing.T) {
	w := newWorld(t)
	id := w.nominateByName(goodCode)
	got, err := w.client("regulator", config.Officer).Withdraw(context.Background(), exchange.EntryID(id), wire.EndEntry{Text: "依据有误"})
	if err != nil || got.Status != "withdrawn" {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := w.client("court", config.Officer).Withdraw(context.Background(), exchange.EntryID(id), wire.EndEntry{Text: "x"}); code(err) != lists.ErrNotYours.Code {
		t.Errorf("another's entry: %v", err)
	}
}

func TestPagesOfEntries(t *testing.T) {
	w := newWorld(t)
	codes := []string{goodCode, "91639911MA6T008137"}
	for _, c := range codes {
		w.nominateByName(c)
	}
	reader := w.client("court", config.Auditor)
	first, err := reader.Entries(context.Background(), "red", client.EntryQuery{Limit: 1})
	if err != nil || len(first.Entries) != 1 || first.Next == "" {
		t.Fatalf("%+v %v", first, err)
	}
	second, err := reader.Entries(context.Background(), "red", client.EntryQuery{Limit: 1, Cursor: first.Next, Linear: true})
	if err != nil || len(second.Entries) != 1 || second.Next != "" || second.Entries[0].ID == first.Entries[0].ID {
		t.Errorf("%+v %v", second, err)
	}
	if w.nodes["court"].barriers != 1 {
		t.Errorf("%d barriers for one linear read", w.nodes["court"].barriers)
	}
	if _, err := reader.Entries(context.Background(), "black", client.EntryQuery{Cursor: first.Next}); code(err) != ErrQuery.Code {
		t.Errorf("a cursor of another list: %v", err)
	}
	bare, err := reader.Entries(context.Background(), "red", client.EntryQuery{Subject: strings.ToLower(goodCode)})
	if err != nil || len(bare.Entries) != 1 || bare.Entries[0].Subject != "org:"+goodCode {
		t.Errorf("by a bare code: %+v %v", bare, err)
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/lists/green/entries", ""); got.code != ErrNoList.Code {
		t.Errorf("an unknown list: %s", got.code)
	}
	got := w.ask("court", caller{}, "GET", "/api/v1/lists/red/entries", "")
	if got.header.Get(wire.HeaderIndex) != "2" {
		t.Errorf("the answer stands on index %q", got.header.Get(wire.HeaderIndex))
	}
}

// lying is a peer that serves what it likes.
type lying struct {
	Peer
	record     func(wire.Record) wire.Record
	delivery   func(wire.Delivery) wire.Delivery
	checkpoint func(wire.Checkpoint) wire.Checkpoint
}

func (l lying) Record(ctx context.Context, id exchange.RecordID, author exchange.MemberID) (wire.Record, error) {
	r, err := l.Peer.Record(ctx, id, author)
	if err == nil && l.record != nil {
		r = l.record(r)
	}
	return r, err
}

func (l lying) Deliver(ctx context.Context, id exchange.ReleaseID) (wire.Delivery, error) {
	d, err := l.Peer.Deliver(ctx, id)
	if err == nil && l.delivery != nil {
		d = l.delivery(d)
	}
	return d, err
}

func (l lying) Checkpoint(ctx context.Context, size int64) (wire.Checkpoint, error) {
	c, err := l.Peer.Checkpoint(ctx, size)
	if err == nil && l.checkpoint != nil {
		c = l.checkpoint(c)
	}
	return c, err
}

// lie puts a liar between a member's node and its peers.
func (w *world) lie(m exchange.MemberID, l lying) {
	n := w.nodes[m]
	n.peer = func(to exchange.MemberID) (Peer, error) {
		honest, err := (&fakeNode{w: w, self: m}).Peer(to)
		l := l
		l.Peer = honest
		return l, err
	}
}

func TestAnothersRecordIsVerifiedHere(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	page, err := w.client("association", config.Auditor).Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 2})
	if err != nil || len(page.Records) < 2 {
		t.Fatal(err)
	}
	other, err := w.client("association", config.Auditor).Record(ctx, page.Records[1].ID, "")
	if err != nil {
		t.Fatal(err)
	}
	reader := w.client("court", config.Auditor)
	got, err := reader.Record(ctx, rec.ID, "association")
	if err != nil || !got.Verified || got.Author != "association" || got.Status != "active" || got.Digest != rec.Digest {
		t.Fatalf("%+v %v", got, err)
	}
	if !contains(got.PrivateFields, "resident_id") || strings.Contains(string(got.PublicFields), "resident_id") || got.Flags != nil {
		t.Errorf("public %s, private %v", got.PublicFields, got.PrivateFields)
	}
	for name, lie := range map[string]func(wire.Record) wire.Record{
		"another record":   func(wire.Record) wire.Record { return other },
		"a changed one":    func(r wire.Record) wire.Record { r.Document = r.Document[:40] + "A" + r.Document[41:]; return r },
		"disclosures":      func(r wire.Record) wire.Record { r.Document += "WyJhIiwiYiIsImMiXQ~"; return r },
		"no document":      func(r wire.Record) wire.Record { r.Document = ""; return r },
		"an odd status":    func(r wire.Record) wire.Record { r.Status = "blessed"; return r },
		"a hostile cousin": func(r wire.Record) wire.Record { r.ReplacedBy = "<script>"; return r },
	} {
		w.lie("court", lying{record: lie})
		if _, err := reader.Record(ctx, rec.ID, "association"); code(err) != agency.ErrDelivery.Code {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.lie("court", lying{record: func(r wire.Record) wire.Record {
		r.PublicFields, r.Subject, r.Category = json.RawMessage(`{"name":"x"}`), "org:x", "court-defaulter"
		return r
	}})
	if got, err := reader.Record(ctx, rec.ID, "association"); err != nil || got.Subject != rec.Subject || got.Category != rec.Category || strings.Contains(string(got.PublicFields), `"x"`) {
		t.Errorf("what the peer says beside the document was believed: %+v %v", got, err)
	}
	w.nodes["court"].peer = nil
	if _, err := w.client("association", config.Clerk).RetractRecord(ctx, rec.ID, wire.CorrectRecord{Reason: "误录"}); err != nil {
		t.Fatal(err)
	}
	_, err = w.client("court", config.Clerk).AskRelease(ctx, ask(rec.ID))
	if err != nil {
		t.Errorf("asking for a retracted record is the author's to refuse: %v", err)
	}
	_, err = w.client("regulator", config.Clerk).Nominate(ctx, "watch", wire.Nominate{Record: rec.ID, Author: "association", Ground: "x", TermDays: 365})
	if code(err) != records.ErrNotActive.Code {
		t.Errorf("a nomination by a retracted record: %v", err)
	}
}

func ask(id exchange.RecordID) wire.AskRelease {
	return wire.AskRelease{Record: id, Author: "association", Fields: []string{"resident_id"}, Purpose: "enforcement",
		Basis: wire.Basis{Kind: "case", Ref: "(2026)青9901执1号"}}
}

// A member asks by its own mirror, also while the author's node is away; one that has
// not mirrored the record has to ask there.
func TestAskingByTheMirror(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	w.mirror("association", "court")
	author := w.servers["association"]
	delete(w.servers, "association")
	rel, err := w.client("court", config.Clerk).AskRelease(ctx, ask(rec.ID))
	if err != nil || rel.Status != "granted" {
		t.Fatalf("%+v %v", rel, err)
	}
	if _, err := w.client("commission", config.Clerk).AskRelease(ctx, ask(rec.ID)); code(err) != errNoPeer.Code {
		t.Errorf("without a mirror: %v", err)
	}
	w.servers["association"] = author
	if opened, err := w.client("court", config.Clerk).Open(ctx, rel.ID); err != nil || !opened.Verified {
		t.Errorf("%+v %v", opened, err)
	}
}

func TestAReleaseFromRequestToOpening(t *testing.T) {
	doc, _ := catalogue.Demo()
	w, ctx := foundWorld(t, genesisOf(t, doc, members.MachineMeeting)), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	clerk := w.client("court", config.Clerk)
	rel, err := clerk.AskRelease(ctx, ask(rec.ID))
	if err != nil || rel.Status != "granted" || rel.Until == nil || rel.Decision.Why.Zh == "" {
		t.Fatalf("%+v %v", rel, err)
	}
	w.lie("court", lying{delivery: func(d wire.Delivery) wire.Delivery { d.Release = "AAAAAAAAAAAAAAAAAAAAAA"; return d }})
	opened, err := clerk.Open(ctx, rel.ID)
	if code(err) != agency.ErrDelivery.Code || len(opened.Fields) != 0 {
		t.Errorf("an envelope for another release: %v", err)
	}
	w.nodes["court"].peer = nil
	if _, err := w.client("regulator", config.Clerk).Open(ctx, rel.ID); code(err) != agency.ErrNotParty.Code {
		t.Errorf("opened by a third member: %v", err)
	}
	calls := 0
	w.nodes["regulator"].peer = func(exchange.MemberID) (Peer, error) { calls++; return nil, errNoPeer.With() }
	if _, err := w.client("regulator", config.Clerk).Open(ctx, rel.ID); code(err) != agency.ErrNotParty.Code || calls != 0 {
		t.Errorf("a third member's node asked the author %d times: %v", calls, err)
	}
	// what the liar swallowed is sent again
	if opened, err = clerk.Open(ctx, rel.ID); err != nil || !opened.Verified || len(opened.Fields) != 1 || len(opened.Fields["resident_id"]) != 20 ||
		opened.Issuer != "association" || opened.Release.Status != "opened" || opened.Release.Opened.Digest != opened.Release.Delivered.Digest {
		t.Errorf("%d fields, %+v, %v", len(opened.Fields), opened.Release, err)
	}
	if _, err := clerk.Open(ctx, rel.ID); code(err) != agency.ErrNotGranted.Code {
		t.Errorf("opened twice: %v", err)
	}
	page, err := w.client("commission", config.Auditor).Releases(ctx, "opened", "", 10)
	if err != nil || len(page.Releases) != 1 || page.Releases[0].ID != rel.ID {
		t.Errorf("%+v %v", page, err)
	}
	if n, err := w.audited("association", "release.deliver"); n < 2 || err != nil {
		t.Errorf("%d lines on the delivery, %v", n, err)
	}
	if n, err := w.audited("court", `"release.open"`); n < 2 || err != nil {
		t.Errorf("%d lines on the opening, %v", n, err)
	}
}

// Shows: B3
func TestARefusalIsAnAnswer(t *testing.T) {
	w := newWorld(t)
	w.importSample("association", "discipline-sample.xlsx")
	in := ask(w.one("association", "discipline-practitioner").ID)
	in.Purpose = "curiosity"
	rel, err := w.client("court", config.Clerk).AskRelease(context.Background(), in)
	if err != nil || rel.Status != "refused" || rel.Decision.Clause == "" || rel.Decision.Need.En == "" {
		t.Errorf("%+v %v", rel, err)
	}
	if _, err := w.client("court", config.Clerk).Open(context.Background(), rel.ID); code(err) != agency.ErrNotGranted.Code {
		t.Errorf("a refused one was opened: %v", err)
	}
	in.Author = "court"
	if _, err := w.client("court", config.Clerk).AskRelease(context.Background(), in); code(err) != release.ErrOwn.Code {
		t.Errorf("an own record: %v", err)
	}
}

func TestApproveAndDeny(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	in, m := w.needsApproval(rec)
	for _, yes := range []bool{true, false} {
		rel, err := w.client(m, config.Clerk).AskRelease(ctx, in)
		if err != nil || rel.Status != "pending" {
			t.Fatalf("%+v %v", rel, err)
		}
		if _, err := w.client(m, config.Clerk).Open(ctx, rel.ID); code(err) != agency.ErrNotGranted.Code {
			t.Errorf("opened before it was approved: %v", err)
		}
		if _, err := w.client(m, config.Officer).Approve(ctx, rel.ID, "自批"); code(err) != release.ErrNotAuthor.Code {
			t.Errorf("approved by the requester: %v", err)
		}
		officer := w.client("association", config.Officer)
		w.waitsOnlyFor(officer, m, rel, rec)
		if yes {
			rel, err = officer.Approve(ctx, rel.ID, "同意")
		} else {
			rel, err = officer.Deny(ctx, rel.ID, "理由不足")
		}
		want := map[bool]string{true: "granted", false: "denied"}[yes]
		if err != nil || rel.Status != want || len(rel.Approvals) != 1 || rel.Approvals[0].Approve != yes {
			t.Errorf("%+v %v", rel, err)
		}
		if _, err := w.client(m, config.Clerk).Open(ctx, rel.ID); (err == nil) != yes {
			t.Errorf("opened after %s: %v", want, err)
		}
	}
}

// waitsOnlyFor: the officer who is asked sees what it is about and not who asks; the
// requester's sees nothing.
func (w *world) waitsOnlyFor(officer *client.Client, requester exchange.MemberID, rel wire.Release, rec wire.Record) {
	w.t.Helper()
	out, err := officer.WaitingReleases(w.t.Context(), 10)
	want := wire.WaitingRelease{ID: rel.ID, Recipient: requester, Category: rel.Record.Category, Fields: rel.Fields, Purpose: rel.Purpose,
		Subjects: []wire.WaitingSubject{{Subject: rec.Subject, Kind: rec.SubjectKind}}, Records: 1, Until: *rel.Until}
	if err != nil || len(out.Waiting) != 1 || !reflect.DeepEqual(out.Waiting[0], want) {
		w.t.Errorf("waiting: %+v, want %+v, %v", out.Waiting, want, err)
	}
	if out, err = w.client(requester, config.Officer).WaitingReleases(w.t.Context(), 10); err != nil || len(out.Waiting) > 0 {
		w.t.Errorf("the requester's officer is asked for its word: %+v %v", out.Waiting, err)
	}
}

// needsApproval finds a request for a field of a record that a rule leaves to
// its author, and a member who may make it.
func (w *world) needsApproval(rec wire.Record) (wire.AskRelease, exchange.MemberID) {
	w.t.Helper()
	cat := w.machine.View().Catalogue()
	for _, rule := range cat.Document().Rules {
		if rule.Approval != catalogue.ApprovalAuthor || !contains(rule.Categories, rec.Category) {
			continue
		}
		for _, m := range memberKinds {
			for _, field := range rule.Fields {
				if m.id != "association" && hasKind(rule.Requesters, m.kind) && contains(rec.PrivateFields, field) {
					return wire.AskRelease{Record: rec.ID, Author: "association", Fields: []string{field}, Purpose: rule.Purposes[0],
						Basis: wire.Basis{Kind: rule.Basis, Ref: "1号"}}, m.id
				}
			}
		}
	}
	w.t.Fatal("no rule leaves a field to the author")
	return wire.AskRelease{}, ""
}

func hasKind(kinds []exchange.MemberKind, k exchange.MemberKind) bool {
	for _, x := range kinds {
		if x == k {
			return true
		}
	}
	return false
}

func TestRecordsByHand(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	clerk := w.client("association", config.Clerk)
	w.importSample("association", "discipline-sample.xlsx")
	model := w.one("association", "discipline-organisation")
	var values map[string]json.RawMessage
	if err := json.Unmarshal(model.PublicFields, &values); err != nil {
		t.Fatal(err)
	}
	in := wire.AddRecord{Category: model.Category, SubjectKind: model.SubjectKind, USCC: strings.TrimPrefix(string(model.Subject), "org:"), Values: values}
	rec, err := clerk.AddRecord(ctx, in)
	if err != nil || !rec.Verified || rec.Operator != "clerk" || rec.Status != "active" || rec.Subject != model.Subject {
		t.Fatalf("%+v %v", rec, err)
	}
	other := in
	other.USCC = goodCode
	if _, err := clerk.AddRecord(ctx, other); code(err) != agency.ErrOtherSubject.Code {
		t.Errorf("values about another subject: %v", err)
	}
	if _, err := w.client("court", config.Clerk).AddRecord(ctx, in); code(err) != agency.ErrAuthorKind.Code {
		t.Errorf("by a member that may not author it: %v", err)
	}
	values["degree"] = json.RawMessage(`"` + canary + `"`)
	got := w.ask("association", as(config.Clerk), "POST", "/api/v1/records/"+string(rec.ID)+"/correct", body2(t, wire.CorrectRecord{Values: values, Reason: "有误"}))
	if got.code != records.ErrValue.Code || strings.Contains(got.body, canary) || !strings.Contains(got.body, `"field":"/values/degree"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	values["degree"] = json.RawMessage(`"warning"`)
	corrected, err := clerk.CorrectRecord(ctx, rec.ID, wire.CorrectRecord{Values: values, Reason: "种类有误"})
	if err != nil || corrected.Replaces != rec.ID || corrected.ID == rec.ID || corrected.Status != "active" {
		t.Fatalf("%+v %v", corrected, err)
	}
	if old, err := clerk.Record(ctx, rec.ID, ""); err != nil || old.Status != "corrected" || old.ReplacedBy != corrected.ID {
		t.Errorf("%+v %v", old, err)
	}
	if _, err := clerk.CorrectRecord(ctx, rec.ID, wire.CorrectRecord{Values: values, Reason: "再改"}); code(err) != records.ErrNotActive.Code {
		t.Errorf("corrected twice: %v", err)
	}
	gone, err := clerk.RetractRecord(ctx, corrected.ID, wire.CorrectRecord{Reason: "误录"})
	if err != nil || gone.Status != "retracted" {
		t.Errorf("%+v %v", gone, err)
	}
	if _, err := clerk.RetractRecord(ctx, corrected.ID, wire.CorrectRecord{Reason: "再撤"}); code(err) != records.ErrNotActive.Code {
		t.Errorf("taken back twice: %v", err)
	}
	page, err := clerk.Records(ctx, client.RecordQuery{Status: "retracted"})
	if err != nil || len(page.Records) != 1 || page.Records[0].ID != corrected.ID || !page.Records[0].Verified {
		t.Errorf("%+v %v", page, err)
	}
}

func body2(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A correction keeps the source row, so that the file imported again neither
// revives the old content nor makes a second record.
func TestACorrectedRowIsNotImportedAgain(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	first := w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-organisation")
	var values map[string]json.RawMessage
	if err := json.Unmarshal(rec.PublicFields, &values); err != nil {
		t.Fatal(err)
	}
	if _, err := w.client("association", config.Clerk).CorrectRecord(ctx, rec.ID, wire.CorrectRecord{Values: values, Reason: "核对无误后重签"}); err != nil {
		t.Fatal(err)
	}
	again := w.importSample("association", "discipline-sample.xlsx")
	if again.New != 0 || again.Same != first.New+first.Same || again.Refused != first.Refused {
		t.Errorf("first %d new %d same %d refused, again %d new %d same %d refused", first.New, first.Same, first.Refused, again.New, again.Same, again.Refused)
	}
}

func TestEndorseAndAdopt(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	_, doc := catalogue.Demo()
	next := *doc
	next.Version = 2
	text, err := json.Marshal(next)
	if err != nil {
		t.Fatal(err)
	}
	adopt := wire.AdoptCatalogue{Document: string(text)}
	for _, m := range []exchange.MemberID{"regulator", "commission", "association"} {
		e, err := w.client(m, config.Officer).Endorse(ctx, string(text))
		if err != nil || e.Member != m || e.Version != 2 || e.Digest != catalogue.Digest(text) {
			t.Fatalf("%+v %v", e, err)
		}
		adopt.Endorsements = append(adopt.Endorsements, e.Signature)
	}
	if _, err := w.client("court", config.Officer).Endorse(ctx, string(text)); code(err) != agency.ErrNoSeat.Code {
		t.Errorf("a member without a seat: %v", err)
	}
	next.Version = 5
	far, _ := json.Marshal(next)
	if _, err := w.client("regulator", config.Officer).Endorse(ctx, string(far)); code(err) != members.ErrAdoptVersion.Code {
		t.Errorf("a version out of turn: %v", err)
	}
	short := adopt
	short.Endorsements = adopt.Endorsements[:2]
	if _, err := w.client("court", config.Officer).AdoptCatalogue(ctx, short); code(err) != members.ErrAdoptQuorum.Code {
		t.Errorf("two of three: %v", err)
	}
	done, err := w.client("court", config.Officer).AdoptCatalogue(ctx, adopt)
	if err != nil || done.Seq == 0 {
		t.Fatalf("%+v %v", done, err)
	}
	now, err := w.client("regulator", config.Auditor).Catalogue(ctx)
	if err != nil || !bytes.Equal(now, text) {
		t.Errorf("in force is something else: %v", err)
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/catalogue/1", ""); got.status != http.StatusOK || catalogue.Digest([]byte(got.body)) == catalogue.Digest(text) {
		t.Errorf("version 1: %d", got.status)
	}
	for _, none := range []string{"0", "3", "01", "-1", "x", "99999999999999999999"} {
		if got := w.ask("court", caller{}, "GET", "/api/v1/catalogue/"+none, ""); got.code != ErrNoVersion.Code {
			t.Errorf("version %s: %s", none, got.code)
		}
	}
	f, err := w.client("court", config.Auditor).Federation(ctx)
	if err != nil || f.CatalogueVersion != 2 || len(f.Members) != 4 || f.Phrase.Zh == "" || len(f.Members[0].Keys) == 0 {
		t.Errorf("%+v %v", f, err)
	}
}

func TestStatementsAndCheckpoints(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.nominateByName(goodCode)
	w.nominateByName("91639911MA6T008137")
	reader := w.client("court", config.Admin)
	page, err := reader.Statements(ctx, 0, 1)
	if err != nil || len(page.Statements) != 1 || page.Next != 1 || page.Size != 3 || page.Statements[0].JWS == "" || page.Statements[0].Index != 1 {
		t.Fatalf("%+v %v", page, err)
	}
	page, err = reader.Statements(ctx, page.Next, 10)
	if err != nil || len(page.Statements) != 1 || page.Next != 2 {
		t.Errorf("%+v %v", page, err)
	}
	end, err := reader.Statements(ctx, 2, 10)
	if err != nil || len(end.Statements) != 0 || end.Next != 2 {
		t.Errorf("%+v %v", end, err)
	}
	c, err := reader.Checkpoint(ctx, 0)
	if err != nil || c.Size != 3 {
		t.Errorf("%+v %v", c, err)
	}
	if _, err := reader.Checkpoint(ctx, 4); code(err) != witness.ErrSize.Code {
		t.Errorf("a size that is not: %v", err)
	}
	if got := w.ask("court", caller{member: "regulator"}, "GET", "/api/v1/ledger/checkpoint?size=4", ""); got.code != witness.ErrSize.Code || w.nodes["court"].barriers != 1 {
		t.Errorf("for a member the node did not catch up first: %s, %d", got.code, w.nodes["court"].barriers)
	}
	l, err := reader.Ledger(ctx, true)
	if err != nil || l.Size != 3 || l.Index != 2 || len(l.Root) != 64 {
		t.Errorf("%+v %v", l, err)
	}
}

// Shows: B10, B15, I4, D28
func TestPrivateValuesAreNowhere(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	report := w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	seen := body2(t, report)
	for _, m := range []exchange.MemberID{"association", "court"} {
		r, err := w.client(m, config.Auditor).Record(ctx, rec.ID, "association")
		if err != nil {
			t.Fatal(err)
		}
		seen += body2(t, r) + string(r.PublicFields)
	}
	seen += w.log.String()
	for i, c := range intake.SampleCanaries() {
		if strings.Contains(seen, c) {
			t.Errorf("private value %d shows", i)
		}
	}
}
