package api

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/subjects"
	"accord/node/config"
	"accord/node/wire"
)

// announced lets the ledger's rules of this build in force.
func (w *world) announced(version int) {
	w.t.Helper()
	for m, s := range w.servers {
		if _, err := s.Agency.Act(context.Background(), "node", exchange.VerbAnnounce, members.AnnounceBody{Node: string(m) + "-1", Machine: version, Build: "test"}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestAComplaintFromTheSameRow: taken at the author's counter about the court's
// request, answered by the court, its texts read by the two and by nobody else, and in
// the log and its evidence.
func TestAComplaintFromTheSameRow(t *testing.T) {
	w, rec, granted, _ := looked(t)
	w.announced(4)
	ctx := context.Background()
	counter, officer := w.client("association", config.Clerk), w.client("court", config.Officer)
	const text, reply = canary + "没有理由查阅我的证件号码", canary + "系误操作，已处理"
	in := wire.ComplainRelease{Subject: string(rec.Subject), Proof: shownLicence, Release: granted.ID, Text: text}
	c, err := counter.ComplainRelease(ctx, in)
	if err != nil || c.Status != "open" || c.Answers != "court" || c.By != "association" || c.Due.Sub(c.At) != 30*24*time.Hour {
		t.Fatalf("%+v %v", c, err)
	}
	w.pass(30 * 24 * time.Hour)
	list, err := w.client("regulator", config.Auditor).Petitions(ctx, "complaint", "overdue")
	if err != nil || len(list.Petitions) != 1 || list.Petitions[0].ID != c.ID || list.Petitions[0].Text != "" {
		t.Errorf("a third member's list: %+v %v", list, err)
	}
	if got, err := officer.Petition(ctx, c.ID); err != nil || got.Text != text {
		t.Errorf("at the member it is about: %+v %v", got, err)
	}
	if got, err := w.client("regulator", config.Clerk).Petition(ctx, c.ID); err != nil || got.Text != "" || got.Status != "overdue" {
		t.Errorf("at a third member: %+v %v", got, err)
	}
	if got := w.ask("association", caller{member: "regulator"}, "POST", "/api/v1/subject/petitions/"+string(c.ID)+"/texts", `{}`); got.code != subjects.ErrComplaint.Code {
		t.Errorf("a third member's node: %d %s", got.status, got.code)
	}
	if _, err := w.client("association", config.Officer).AnswerComplaint(ctx, c.ID, wire.AnswerPetition{Outcome: "upheld", Text: "x"}); code(err) != subjects.ErrNotAgainst.Code {
		t.Errorf("answered by who took it: %v", err)
	}
	if done, err := officer.AnswerComplaint(ctx, c.ID, wire.AnswerPetition{Outcome: "upheld", Text: reply}); err != nil || done.Status != "upheld" || !done.Late {
		t.Errorf("%+v %v", done, err)
	}
	if got, err := counter.Petition(ctx, c.ID); err != nil || got.Text != text || got.Reply != reply {
		t.Errorf("%+v %v", got, err)
	}
	log, err := counter.SubjectLog(ctx, asks(rec.Subject))
	if err != nil || len(log.Accesses) != 6 || log.Accesses[4].Event != "complained" || log.Accesses[5].Outcome != "upheld" {
		t.Errorf("%+v %v", log.Accesses, err)
	}
	file, err := counter.SubjectProof(ctx, asks(rec.Subject))
	if err != nil {
		t.Fatal(err)
	}
	if report := bundle.Verify(file, bundle.Options{}); !report.OK || report.Accesses.Records[0].Count != 6 {
		t.Errorf("%+v", report.Accesses)
	}
	w.holdsNowhere(canary, string(file))
}

// holdsNowhere looks for a private text in all that is written down in clear.
func (w *world) holdsNowhere(text, file string) {
	w.t.Helper()
	if strings.Contains(file, text) || strings.Contains(w.log.String(), text) {
		w.t.Error("a file or a log holds the text")
	}
	for st := range w.machine.View().Statements(0) {
		if strings.Contains(st.JWS, text) {
			w.t.Errorf("statement %d holds the text", st.Seq)
		}
	}
	err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if strings.Contains(string(raw), text) {
			w.t.Errorf("%s holds the text", path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestAnApplicationIsAnsweredByAReleaseOrAReason, and shows when it is not.
func TestAnApplicationIsAnsweredByAReleaseOrAReason(t *testing.T) {
	w := newWorld(t)
	w.announced(4)
	ctx := context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	rec := w.one("association", "discipline-practitioner")
	counter, officer := w.client("association", config.Clerk), w.client("association", config.Officer)
	in := wire.ApplyDisclosure{Subject: string(rec.Subject), Proof: shownLicence, Record: rec.ID, Fields: []string{"resident_id"}}
	p, err := counter.ApplyDisclosure(ctx, in)
	if err != nil || p.Status != "open" || p.Answers != "association" || p.Due.Sub(p.At) != 28*24*time.Hour {
		t.Fatalf("%+v %v", p, err)
	}
	file, err := officer.ReleaseApplication(ctx, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	report := bundle.Verify(file, bundle.Options{Show: true})
	if !report.OK || len(report.Documents) != 1 || len(report.Documents[0].Disclosed) != 1 || len(report.Documents[0].Disclosed[0].Value) != 20 || len(report.Commands) != 2 {
		t.Errorf("%+v", report.Documents)
	}
	if again, err := officer.ReleaseApplication(ctx, p.ID); err != nil || len(again) == 0 {
		t.Errorf("handed out again: %v", err)
	}
	if got, err := counter.Petition(ctx, p.ID); err != nil || got.Status != "released" || got.Late {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := officer.RefuseApplication(ctx, p.ID, wire.AnswerPetition{Ground: "third-party", Text: "x"}); code(err) != subjects.ErrAnswered.Code {
		t.Errorf("refused after the release: %v", err)
	}
	const why = canary + "涉及第三方"
	if p, err = counter.ApplyDisclosure(ctx, in); err != nil {
		t.Fatal(err)
	}
	w.pass(29 * 24 * time.Hour)
	if list, err := w.client("court", config.Auditor).Petitions(ctx, "application", "overdue"); err != nil || len(list.Petitions) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	if got, err := officer.RefuseApplication(ctx, p.ID, wire.AnswerPetition{Ground: "third-party", Text: why}); err != nil || got.Status != "refused" || got.Ground != "third-party" || !got.Late {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := counter.Petition(ctx, p.ID); err != nil || got.Reply != why {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := officer.ReleaseApplication(ctx, p.ID); code(err) != subjects.ErrAnswered.Code {
		t.Errorf("released after the refusal: %v", err)
	}
	if _, err := w.client("court", config.Officer).ReleaseApplication(ctx, p.ID); code(err) != subjects.ErrNotAuthor.Code {
		t.Errorf("released by another: %v", err)
	}
	in.Fields = []string{"degree"} // public
	if _, err := counter.ApplyDisclosure(ctx, in); code(err) != ErrMember.Code {
		t.Errorf("a field that is not sealed: %v", err)
	}
	w.holdsNowhere(canary, "")
}

// TestNoneAndNotYoursAreOneAnswer: a record or release there is not, one that is
// another subject's, and a person nobody knows, are told apart by no byte. So nobody
// who has a number, or an id, learns by it that somebody is known here.
func TestNoneAndNotYoursAreOneAnswer(t *testing.T) {
	w, rec, granted, _ := looked(t)
	w.announced(4)
	const unknown = "AAAAAAAAAAAAAAAAAAAAAA"
	subject := func(id exchange.SubjectID, more string) string {
		return `{"subject":"` + string(id) + `","proof":{"kind":"mandate","ref":"1"}` + more + `}`
	}
	stranger := exchange.SubjectID("person:h1.e4MV3azX8eHh2Koge5XpeezIo7tuS928JNChOsgB-h5")
	for _, c := range []struct{ path, more, theirs string }{
		{"complaints", `,"text":"x","release":"`, string(granted.ID)},
		{"applications", `,"fields":["resident_id"],"record":"`, string(rec.ID)},
	} {
		var answers []string
		for _, body := range []string{
			subject(stranger, c.more+c.theirs+`"`),        // it is there, and another's
			subject(stranger, c.more+unknown+`"`),         // it is not there
			subject(rec.Subject, c.more+unknown+`"`),      // somebody who is known
			subject("org:"+goodCode, c.more+c.theirs+`"`), // another kind of subject
		} {
			got := w.ask("association", as(config.Clerk), "POST", "/api/v1/subject/"+c.path, body)
			if got.code != ErrPetitionUnknown.Code {
				t.Errorf("%s: %d %s", c.path, got.status, got.code)
			}
			answers = append(answers, got.body)
		}
		for _, a := range answers[1:] {
			if a != answers[0] {
				t.Errorf("%s: two answers:\n%s\n%s", c.path, answers[0], a)
			}
		}
	}
	// A log of somebody unknown has the form of that of somebody who was never looked at.
	got, err := w.client("association", config.Clerk).SubjectLog(context.Background(), asks(stranger))
	if err != nil || got.Records == nil || got.Accesses == nil || len(got.Records)+len(got.Accesses) != 0 {
		t.Errorf("%+v %v", got, err)
	}
	// The public asks by a person's number in no way at all; by the blinded id it gets
	// what is published, and the same nothing for who is not listed and who is unknown.
	var bodies []string
	for _, id := range []exchange.SubjectID{rec.Subject, stranger} {
		for _, path := range []string{"/api/v1/entries?subject=", "/api/v1/lists/black/entries?subject="} {
			r := w.ask("association", caller{}, "GET", path+string(id), "")
			if r.status != 200 {
				t.Errorf("%s: %d %s", path, r.status, r.code)
			}
			bodies = append(bodies, strings.ReplaceAll(r.body, string(id)[len("person:"):], "ID"))
		}
	}
	if bodies[0] != bodies[2] || bodies[1] != bodies[3] {
		t.Errorf("the public tells them apart:\n%s", strings.Join(bodies, "\n"))
	}
	for _, path := range []string{"/api/v1/entries?subject=639913196802123517", "/api/v1/lists/black/entries?subject=639913196802123517", "/api/v1/check?subject=639913196802123517"} {
		for _, who := range []caller{{}, as(config.Clerk)} {
			if r := w.ask("association", who, "GET", path, ""); r.status == 200 || strings.Contains(r.body, "639913196802123517") {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
	}
}
