package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/wire"
	"accord/node/witness"
)

var shownLicence = wire.SubjectProof{Kind: "mandate", Ref: "授权书2026-7号"}

func asks(subject exchange.SubjectID) wire.AskSubject {
	return wire.AskSubject{Subject: string(subject), Proof: shownLicence}
}

// looked is a world in which the court asked for a record twice, once in vain, and
// opened it, and others did other things.
func looked(t *testing.T) (w *world, rec wire.Record, granted, refused wire.Release) {
	t.Helper()
	w = newWorld(t)
	ctx := context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec = w.one("association", "discipline-practitioner")
	clerk := w.client("court", config.Clerk)
	curious := ask(rec.ID)
	curious.Purpose = "curiosity"
	var err error
	if refused, err = clerk.AskRelease(ctx, curious); err != nil || refused.Status != "refused" {
		t.Fatalf("%+v %v", refused, err)
	}
	if granted, err = clerk.AskRelease(ctx, ask(rec.ID)); err != nil {
		t.Fatal(err)
	}
	if _, err := clerk.Open(ctx, granted.ID); err != nil {
		t.Fatal(err)
	}
	return w, rec, granted, refused
}

// TestASubjectSeesWhoLooked: the subject's log is what really happened, refused
// requests included, and the subject's own question is in the next answer.
func TestASubjectSeesWhoLooked(t *testing.T) {
	w, rec, granted, refused := looked(t)
	ctx := context.Background()
	if _, err := w.client("association", config.Clerk).CreditCheck(ctx, string(rec.Subject)); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"?subject=" + url.QueryEscape(string(rec.Subject)), "/" + string(rec.ID), "?category=" + rec.Category, "?status=" + string(records.Retracted)} {
		if got := w.ask("association", as(config.Auditor), "GET", "/api/v1/records"+target, ""); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", target, got.status, got.code)
		}
	}
	counter := w.client("association", config.Clerk)
	gap := audit.Event{At: w.clock(), Act: audit.ActResumed, Caller: "node", Count: 3, Result: resultAllowed}
	if _, err := counter.SubjectRecords(ctx, asks(rec.Subject)); err != nil || w.servers["association"].Audit.Write(gap) != nil {
		t.Fatal(err)
	}
	log, err := counter.SubjectLog(ctx, asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, a := range log.Accesses {
		if a.Record == rec.ID {
			told = append(told, a.Event+" "+a.Outcome+" "+string(a.By))
		}
		if a.Seq < 1 || a.Purpose == "" || len(a.Fields) != 1 || a.BasisRef == "" || a.ByKind == "" {
			t.Errorf("%+v", a)
		}
	}
	if got, want := strings.Join(told, "; "), "requested refused court; requested granted court; delivered delivered association; opened opened court"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if log.Accesses[0].Release != refused.ID || log.Accesses[0].Clause == "" || log.Accesses[3].Release != granted.ID || log.Accesses[2].Operator != "node" || log.Accesses[3].Operator != "person" {
		t.Errorf("%+v", log.Accesses)
	}
	var looks []string
	for _, l := range log.Looks {
		looks = append(looks, l.Act+" "+l.Caller+" "+l.Result)
		if gap := l.Act == audit.ActResumed; gap != (l.Missing == 3) {
			t.Errorf("lines that were not taken: %+v", l)
		}
	}
	if got, want := strings.Join(looks, "; "), "record.find operator allowed; release.deliver member:court allowed; credit.check operator allowed; record.find operator allowed; record.read operator allowed; record.find operator allowed; subject.records operator allowed; audit.resumed node allowed; subject.log operator begun"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Another member's node, which only mirrors or holds nothing, knows what it holds.
	raw, _ := json.Marshal(log)
	for _, secret := range []string{shownLicence.Ref} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the answer repeats %s", secret)
		}
		if n, err := w.audited("association", secret); n != 0 || err != nil {
			t.Errorf("the audit log holds the proof's number: %d %v", n, err)
		}
	}
	if n, err := w.audited("association", `"proof":"mandate"`); n < 3 || err != nil {
		t.Errorf("%d lines tell of the proof, %v", n, err)
	}
}

// TestReceiptsAreGapless: the numbers of a record's rows have no gap, the evidence
// file holds each of them and verifies at a stranger's, and a file or a node that
// leaves one out is noticed.
func TestReceiptsAreGapless(t *testing.T) {
	w, rec, _, _ := looked(t)
	ctx := context.Background()
	counter := w.client("association", config.Officer)
	log, err := counter.SubjectLog(ctx, asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	next := map[exchange.RecordID]int64{}
	for _, a := range log.Accesses {
		if next[a.Record]++; a.Number != next[a.Record] {
			t.Errorf("record %s goes from %d to %d", a.Record, next[a.Record]-1, a.Number)
		}
	}
	for _, r := range log.Records {
		if r.Count != next[r.Record] {
			t.Errorf("%+v, %d rows", r, next[r.Record])
		}
	}
	file, err := counter.SubjectProof(ctx, asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	report := bundle.Verify(file, bundle.Options{Trust: &trust})
	if !report.OK || report.Accesses == nil || len(report.Accesses.Cosigners) != 4 || len(report.Accesses.Records) != len(log.Records) {
		t.Fatalf("%+v", report.Accesses)
	}
	b, err := bundle.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Commands {
		short := *b
		short.Commands = append(append([]bundle.Command(nil), b.Commands[:i]...), b.Commands[i+1:]...)
		raw, err := short.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if bundle.Verify(raw, bundle.Options{Trust: &trust}).OK {
			t.Errorf("a file without command %d verifies", b.Commands[i].Index)
		}
	}
}

// TestANodeThatDropsARowStandsAlone: a node whose tree lacks a statement finds no
// quorum that says the same, and hands nothing out.
func TestANodeThatDropsARowStandsAlone(t *testing.T) {
	w, rec, _, _ := looked(t)
	w.nodes["association"].peer = func(m exchange.MemberID) (Peer, error) {
		honest, err := (&fakeNode{w: w, self: "association"}).Peer(m)
		return dropped{honest}, err
	}
	_, err := w.client("association", config.Officer).SubjectProof(context.Background(), asks(rec.Subject))
	if code(err) != witness.ErrAccesses.Code {
		t.Errorf("%v", err)
	}
}

// dropped is a peer as a node sees it whose own tree is another: no word of the
// peer's is over the root it asks about.
type dropped struct{ Peer }

func (d dropped) AccessesWord(ctx context.Context, size int64) ([]byte, error) {
	return d.Peer.AccessesWord(ctx, size-1)
}

// TestASubjectsOwnRecords: sealed fields of own records are opened for the subject at
// the author's counter, and at no other's.
func TestASubjectsOwnRecords(t *testing.T) {
	w := newWorld(t)
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	got, err := w.client("association", config.Clerk).SubjectRecords(context.Background(), asks(rec.Subject))
	if err != nil || len(got.Records) != 1 || len(got.Records[0].Opened["resident_id"]) != 20 {
		t.Fatalf("%+v, %v", got.Records, err)
	}
	var number string
	if err := json.Unmarshal(got.Records[0].Opened["resident_id"], &number); err != nil {
		t.Fatal(err)
	}
	byNumber, err := w.client("association", config.Clerk).SubjectRecords(context.Background(), wire.AskSubject{PersonID: number, Proof: wire.SubjectProof{Kind: "id-card", Ref: number}})
	if err != nil || byNumber.Subject != rec.Subject || len(byNumber.Records) != 1 {
		t.Errorf("%+v %v", byNumber.Subject, err)
	}
	for m := range w.servers {
		if n, err := w.audited(m, number); n != 0 || err != nil {
			t.Errorf("%s's audit log holds a person's number: %d %v", m, n, err)
		}
	}
	if strings.Contains(w.log.String(), number) {
		t.Error("a log holds a person's number")
	}
	empty, err := w.client("court", config.Clerk).SubjectRecords(context.Background(), asks(rec.Subject))
	if err != nil || len(empty.Records) != 0 {
		t.Errorf("%+v %v", empty, err)
	}
}

func TestSubjectsMustProveWhoTheyAre(t *testing.T) {
	w := newWorld(t)
	for body, want := range map[string]string{
		`{"subject":"91639900MA0000001C"}`:                                                             ErrMember.Code,
		`{"subject":"91639900MA0000001C","proof":{"kind":"word","ref":"1"}}`:                           ErrMember.Code,
		`{"subject":"91639900MA0000001C","proof":{"kind":"licence","ref":""}}`:                         ErrMember.Code,
		`{"subject":"91639900MA0000001C","person_id":"1","proof":{"kind":"licence","ref":"1"}}`:        ErrMember.Code,
		`{"subject":"11010519491231002X","proof":{"kind":"licence","ref":"1"}}`:                        ErrUSCC.Code,
		`{"person_id":"11010519491231002Y","proof":{"kind":"licence","ref":"1"}}`:                      ErrPersonID.Code,
		`{"subject":"else:91639900MA0000001C","proof":{"kind":"licence","ref":"1"}}`:                   ErrMember.Code,
		`{"subject":"91639900MA0000001C","proof":{"kind":"licence","ref":"1"},"unknown":"everything"}`: ErrBody.Code,
	} {
		for _, route := range []string{"log", "records", "proof"} {
			if got := w.ask("court", as(config.Clerk), "POST", "/api/v1/subject/"+route, body); got.code != want {
				t.Errorf("%s %s: %d %s, want %s", route, body, got.status, got.code, want)
			}
		}
	}
}

// TestAProofAfterAVotedRoster: where the joint meeting changed the roster, the file
// holds the proposal and the votes by which a stranger follows it.
func TestAProofAfterAVotedRoster(t *testing.T) {
	w, rec, _, _ := looked(t)
	w.meet()
	w.decided(wire.Propose{Kind: meeting.Suspend, Document: w.roster(func(r *members.Roster) {
		f, _ := r.Member("court")
		f.Suspended = true
		r.Put(f)
	})}, "association", "commission")
	file, err := w.client("association", config.Officer).SubjectProof(context.Background(), asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	if report := bundle.Verify(file, bundle.Options{Trust: &trust}); !report.OK || !report.Anchored {
		t.Errorf("%s: %+v", failedCheck(report), report.Checks)
	}
}
