package api

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/intake"
	"accord/exchange/records"
	"accord/node/config"
	"accord/node/paper"
	"accord/node/wire"
)

// reported issues a report and verifies it as a stranger would.
func (w *world) reported(m exchange.MemberID, subject string) (*bundle.CreditReport, []byte) {
	w.t.Helper()
	file, err := w.client(m, config.Clerk).IssueReport(context.Background(), wire.AskReport{Subject: subject, Purpose: "supervision", Days: 30})
	if err != nil {
		w.t.Fatal(err)
	}
	trust := bundle.DigestOf(w.genesis.Charter)
	report := bundle.VerifyFile(file, bundle.Options{Trust: &trust, Show: true})
	if !report.OK || !report.Anchored {
		w.t.Fatalf("%s: %+v", failedCheck(report), report.Checks)
	}
	return report.Documents[len(report.Documents)-1].Report, file
}

// TestACreditReport: one file with what the node holds and nothing private, its page,
// and a line about it that the subject sees; a newer one takes its place.
func TestACreditReport(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	if err := w.servers["court"].Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	found, err := w.servers["court"].Agency.Records.Find(ctx, records.Question{Author: "association"}, "", 100)
	if err != nil || len(found.Records) == 0 {
		t.Fatal(err)
	}
	bySubject := map[exchange.SubjectID]int{}
	for _, r := range found.Records {
		bySubject[r.Subject]++
	}
	for subject, want := range bySubject {
		got, file := w.reported("court", string(subject))
		if len(got.Documents) != want || got.Purpose != "supervision" || got.Subject != string(subject) || len(got.NotListed) == 0 || len(got.Feeds) == 0 {
			t.Fatalf("%+v", got)
		}
		var page bytes.Buffer
		if err := paper.Write(&page, file, exchange.Zh, paper.Titles{}, w.clock()); err != nil {
			t.Fatal(err)
		}
		for _, canary := range intake.SampleCanaries() {
			if strings.Contains(string(file), canary) || strings.Contains(page.String(), canary) {
				t.Error("a report shows a private value")
			}
		}
		if strings.Contains(page.String(), "<script") || !strings.Contains(page.String(), got.ID) || !strings.Contains(page.String(), "<svg") {
			t.Error("the page is not one")
		}
		log, err := w.client("court", config.Auditor).ReportLog(ctx, string(subject))
		if err != nil || len(log.Reports) != 1 || log.Reports[0].ID != got.ID || log.Reports[0].State != wire.ReportValid ||
			log.Reports[0].Caller != "operator:clerk" || log.Reports[0].Purpose != "supervision" || log.Reports[0].Until.Unix() != got.ValidUntil {
			t.Fatalf("%+v, %v", log, err)
		}
		again, _ := w.reported("court", string(subject))
		if !slices.Equal(again.Replaces, []string{got.ID}) {
			t.Errorf("the second replaces %v", again.Replaces)
		}
		if log, _ = w.client("court", config.Auditor).ReportLog(ctx, string(subject)); len(log.Reports) != 2 || log.Reports[0].State != wire.ReportSuperseded {
			t.Errorf("%+v", log.Reports)
		}
	}
	w.pass(31 * 24 * time.Hour)
	for subject := range bySubject {
		if log, _ := w.client("court", config.Auditor).ReportLog(ctx, string(subject)); log.Reports[1].State != wire.ReportExpired {
			t.Errorf("%+v", log.Reports)
		}
		break
	}
}

func TestAReportIsRefused(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	for name, c := range map[string]struct {
		in   wire.AskReport
		want string
	}{
		"no purpose":         {wire.AskReport{Subject: goodCode, Days: 30}, ErrMember.Code},
		"an unknown purpose": {wire.AskReport{Subject: goodCode, Purpose: "curiosity", Days: 30}, agency.ErrPurpose.Code},
		"for ever":           {wire.AskReport{Subject: goodCode, Purpose: "supervision", Days: 366}, ErrMember.Code},
		"for no time":        {wire.AskReport{Subject: goodCode, Purpose: "supervision"}, ErrMember.Code},
		"a person's number":  {wire.AskReport{Subject: "11010519491231002X", Purpose: "supervision", Days: 30}, ErrUSCC.Code},
		"nobody":             {wire.AskReport{Subject: "x:y", Purpose: "supervision", Days: 30}, ErrMember.Code},
	} {
		if _, err := w.client("court", config.Clerk).IssueReport(ctx, c.in); code(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if log, err := w.client("court", config.Auditor).ReportLog(ctx, goodCode); err != nil || len(log.Reports) != 0 {
		t.Errorf("refused reports are listed: %+v, %v", log, err)
	}
	if got := w.ask("court", caller{}, http.MethodGet, "/api/v1/reports?subject="+goodCode, ""); got.status != http.StatusForbidden {
		t.Errorf("the public reads who had reports: %d", got.status)
	}
}
