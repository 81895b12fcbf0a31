package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/wire"
)

// TestAnAuthorIsGoneForGood does what the RUNBOOK says of it with real processes: the
// association's records are in custody, its machine burns down, and the court asks for
// a field and opens it by two of three custodians, itself being one. What the two
// others hold on their disks, logs included, shows no value.
//
// Shows: B3, B5
func TestAnAuthorIsGoneForGood(t *testing.T) {
	raw, _ := catalogue.Full() // with rules of its own, so that everything can happen to one field
	doc, err := catalogue.Parse(raw)
	must(t, err)
	for i := range doc.Categories {
		if doc.Categories[i].ID == "discipline-practitioner" {
			doc.Categories[i].Custody = &catalogue.Custody{K: 2, Of: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindCourt}}
		}
	}
	doc.Rules = append(doc.Rules,
		catalogue.Rule{ID: "urgent", Title: exchange.Text{Zh: "紧急", En: "urgent"}, Categories: []string{"discipline-practitioner"}, Fields: []string{"resident_id"},
			Requesters: []exchange.MemberKind{exchange.KindCourt}, Purposes: []string{"enforcement"}, Basis: catalogue.BasisDecision,
			Approval: catalogue.ApprovalNone, ValidHours: 2, Emergency: true, JustifyDays: 2},
		catalogue.Rule{ID: "consented", Title: exchange.Text{Zh: "主体同意", En: "by consent"}, Categories: []string{"discipline-practitioner"}, Fields: []string{"resident_id"},
			Requesters: []exchange.MemberKind{exchange.KindCourt}, Purposes: []string{"objection-handling"}, Basis: catalogue.BasisConsent,
			Approval: catalogue.ApprovalConsent, ValidHours: 2},
		catalogue.Rule{ID: "several", Title: exchange.Text{Zh: "批量", En: "in bulk"}, Categories: []string{"discipline-practitioner"}, Fields: []string{"resident_id"},
			Requesters: []exchange.MemberKind{exchange.KindCourt}, Purposes: []string{"credit-repair"}, Basis: catalogue.BasisDecision,
			Approval: catalogue.ApprovalPersons, Persons: 2, Approvers: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission},
			ValidHours: 2, Bulk: &catalogue.Bulk{Records: 3, Persons: 2}})
	document, err := strictjson.Marshal(doc)
	must(t, err)
	f := newFederationUnder(t, document, func(dir string) { // each member has a second person
		for _, m := range members4 {
			path := filepath.Join(dir, m, "accord.yaml")
			settings, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, []byte(strings.Replace(string(settings), "operators:\n", "operators:\n  - {name: second-"+m+", roles: [clerk, officer]}\n", 1)), 0o600))
		}
	})
	ctx := t.Context()
	sample, err := intake.Sample("discipline-sample.xlsx")
	must(t, err)
	_, err = f.client("association").Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "auto"}, strings.NewReader(string(sample)), nil)
	must(t, err)
	until := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(patience); !ok(); time.Sleep(100 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal(what + ": not in time\n" + f.cli("association", "custody", "status"))
			}
		}
	}
	until("custody", func() bool {
		var st wire.CustodyStatus
		must(t, json.Unmarshal([]byte(f.cli("association", "custody", "status", "--output", "json")), &st))
		return slices.ContainsFunc(st.Categories, func(c wire.CustodyCategory) bool { return c.Records > 0 && c.Complete == c.Records })
	})
	size := int64(0)
	until("the mirror", func() bool {
		st, err := f.client("court").Feeds(ctx)
		must(t, err)
		for _, row := range st.Feeds {
			if row.Author == "association" {
				size = row.Size
			}
		}
		own, err := f.client("association").Feeds(ctx)
		must(t, err)
		for _, row := range own.Feeds {
			if row.Own && row.Size != size {
				return false
			}
		}
		return size > 0
	})
	page, err := f.client("association").Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Status: "active", Limit: 2})
	must(t, err)
	record := string(page.Records[0].ID)
	for _, format := range []string{"table", "json", "csv"} {
		for _, args := range [][]string{{"custody", "status"}, {"custody", "show", record}} {
			if out := f.cli("association", append(args, "--output", format)...); !strings.Contains(out, "regulator") {
				t.Errorf("%v as %s: %s", args, format, out)
			}
		}
	}
	f.otherWaysToOpen(record)
	f.openSeveral(record, string(page.Records[1].ID))
	must(t, f.sup.Kill("association"))
	must(t, os.RemoveAll(f.sup.Dir("association")))
	ask := []string{"release", "ask", "--record", record, "--from", "association", "--field", "resident_id", "--purpose", "enforcement",
		"--basis-kind", "case", "--basis-ref", "(2026)青9901执1号", "--output", "json"}
	var rel wire.Release
	until("a leader without the association", func() bool {
		out, err := f.try("court", ask...)
		return err == nil && json.Unmarshal([]byte(out), &rel) == nil && rel.Status == "granted"
	})
	var opened wire.Opened
	must(t, json.Unmarshal([]byte(f.cli("court", "release", "open", string(rel.ID), "--output", "json")), &opened))
	value := strings.Trim(string(opened.Fields["resident_id"]), `"`)
	if len(opened.Fields) != 1 || len(value) < 15 || !opened.Verified || len(opened.Custodians) != 2 || opened.Release.Status != "opened" {
		t.Errorf("%d fields, by %v, %s", len(opened.Fields), opened.Custodians, opened.Release.Status)
	}
	f.cli("regulator", "ledger", "status", "--linear")
	if out := f.cli("regulator", "release", "show", string(rel.ID)); !strings.Contains(out, "custodian delivered") {
		t.Errorf("the receipt: %s", out)
	}
	for _, m := range []string{"regulator", "commission"} {
		must(t, filepath.WalkDir(f.sup.Dir(m), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return nil // what the node removes meanwhile
			}
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), value) {
				t.Errorf("%s holds a value", path)
			}
			return nil
		}))
		log, _ := os.ReadFile(f.sup.LogPath(m))
		if strings.Contains(string(log), value) {
			t.Errorf("%s logs a value", m)
		}
	}
}

// otherWaysToOpen opens a field at the court in an emergency and with the subject's
// consent, and traces a copy, from the command line.
func (f *federation) otherWaysToOpen(record string) {
	f.t.Helper()
	ask := func(more ...string) (r wire.Release) {
		f.t.Helper()
		must(f.t, json.Unmarshal([]byte(f.cli("court", append([]string{"release", "ask", "--record", record, "--from", "association", "--field", "resident_id",
			"--basis-ref", "(2026)青9901执2号", "--output", "json"}, more...)...)), &r))
		return r
	}
	open := func(id exchange.ReleaseID) (copied string, opened wire.Opened) {
		f.t.Helper()
		copied = f.cli("court", "release", "open", string(id), "--output", "json")
		must(f.t, json.Unmarshal([]byte(copied), &opened))
		return copied, opened
	}
	urgent := ask("--purpose", "enforcement", "--basis-kind", "decision", "--emergency")
	copied, opened := open(urgent.ID)
	if urgent.Status != "granted" || urgent.Urgency != "unjustified" || len(opened.Fields) != 1 {
		f.t.Fatalf("an emergency: %s, %s", urgent.Status, urgent.Urgency)
	}
	f.cli("commission", "ledger", "status", "--linear")
	if out := f.cli("commission", "release", "list", "--emergency"); !strings.Contains(out, string(urgent.ID)) || !strings.Contains(out, "to be justified") {
		f.t.Errorf("at another member: %s", out)
	}
	if out := f.cli("court", "release", "justify", string(urgent.ID), "--reason", "财产正在转移"); !strings.Contains(out, "justified") {
		f.t.Errorf("justified: %s", out)
	}
	number := f.paper("number")
	must(f.t, os.WriteFile(number, []byte(strings.Trim(string(opened.Fields["resident_id"]), `"`)), 0o600))
	waiting := ask("--purpose", "objection-handling", "--basis-kind", "consent")
	f.cli("association", "release", "consent-sign", "--person-file", number, "--proof", "id-card:-", "--category", "discipline-practitioner",
		"--field", "resident_id", "--purpose", "objection-handling", "--for", "court", "--out", f.paper("consent"))
	if out := f.cli("court", "release", "consent", string(waiting.ID), "--consent", f.paper("consent")); waiting.Status != "pending" || !strings.Contains(out, "granted") {
		f.t.Errorf("with the subject's consent: was %s, is %s", waiting.Status, out)
	}
	if _, again := open(waiting.ID); len(again.Fields) != 1 {
		f.t.Error("the subject consented, and nothing opens")
	}
	f.cli("association", "ledger", "status", "--linear")
	access := f.cli("association", "subject", "log", "--person-file", number, "--proof", "id-card:-", "--out", f.paper("access"))
	for _, said := range []string{string(urgent.ID), string(waiting.ID), "opened", "consented", "justified"} {
		if !strings.Contains(access, said) {
			f.t.Errorf("the subject's log lacks %s: %s", said, access)
		}
	}
	if out := f.cli("commission", "verify", f.paper("access")); strings.Contains(strings.ToLower(out), "failed") {
		f.t.Errorf("the subject's log elsewhere: %s", out)
	}
	must(f.t, os.WriteFile(f.paper("leak"), []byte(copied), 0o600))
	if out := f.cli("regulator", "release", "trace", f.paper("leak"), "--output", "json"); !strings.Contains(out, string(urgent.ID)) || strings.Contains(out, string(waiting.ID)) {
		f.t.Errorf("the copy is traced to %s", out)
	}
}

// openSeveral opens a field of two records with one request, from the command line: a
// second person of the court stands by it, and one person each at two other members
// approves.
func (f *federation) openSeveral(records ...string) {
	f.t.Helper()
	ask := []string{"release", "ask", "--from", "association", "--field", "resident_id", "--purpose", "credit-repair", "--basis-kind", "decision",
		"--basis-ref", "例信修〔2026〕3号", "--output", "json"}
	for _, r := range records {
		ask = append(ask, "--record", r)
	}
	var rel wire.Release
	must(f.t, json.Unmarshal([]byte(f.cli("court", ask...)), &rel))
	as := func(m string, args ...string) string {
		f.t.Helper()
		cmd := exec.Command(accordBinary(f.t), append(args, "--dir", f.sup.Dir(m), "--operator", "second-"+m, "--lang", "en", "--output", "json")...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			f.t.Fatalf("accord %s at %s: %v\n%s", strings.Join(args, " "), m, err, out)
		}
		return string(out)
	}
	if out, err := f.try("court", "release", "second", string(rel.ID)); err == nil {
		f.t.Errorf("who asked stands by its own request: %s", out)
	}
	as("court", "release", "second", string(rel.ID))
	as("regulator", "release", "approve", string(rel.ID))
	if out, err := f.try("court", "release", "open", string(rel.ID)); err == nil || !strings.Contains(out, "pending") {
		f.t.Errorf("with one approval of two: %s", out)
	}
	must(f.t, json.Unmarshal([]byte(as("commission", "release", "approve", string(rel.ID))), &rel))
	opened := f.cli("court", "release", "open", string(rel.ID), "--output", "csv")
	if rel.Status != "granted" || strings.Count(opened, ",resident_id,") != len(records) || !strings.Contains(opened, "accord-copy") {
		f.t.Fatalf("%s, then %d lines", rel.Status, strings.Count(opened, "\n"))
	}
	for _, r := range records {
		if strings.Count(opened, r) != 1 {
			f.t.Errorf("record %s stands in %d lines", r, strings.Count(opened, r))
		}
	}
	f.cli("regulator", "ledger", "status", "--linear") // it has what the court has now
	must(f.t, json.Unmarshal([]byte(f.cli("regulator", "release", "show", string(rel.ID), "--output", "json")), &rel))
	if rel.Status != "opened" || rel.Records != len(records) || rel.Second == nil {
		f.t.Errorf("the receipt elsewhere: %s, %d records", rel.Status, rel.Records)
	}
}
