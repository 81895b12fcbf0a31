package main

import (
	"encoding/json"
	"os"
	"path/filepath"
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
	raw, _ := catalogue.Demo()
	doc, err := catalogue.Parse(raw)
	must(t, err)
	doc.Format = catalogue.Format2
	for i := range doc.Categories {
		if doc.Categories[i].ID == "discipline-practitioner" {
			doc.Categories[i].Custody = &catalogue.Custody{K: 2, Of: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindCourt}}
		}
	}
	document, err := strictjson.Marshal(doc)
	must(t, err)
	f := newFederationUnder(t, document, func(string) {})
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
		return len(st.Categories) == 1 && st.Categories[0].Records > 0 && st.Categories[0].Complete == st.Categories[0].Records
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
	page, err := f.client("association").Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 1})
	must(t, err)
	record := string(page.Records[0].ID)
	for _, format := range []string{"table", "json", "csv"} {
		for _, args := range [][]string{{"custody", "status"}, {"custody", "show", record}} {
			if out := f.cli("association", append(args, "--output", format)...); !strings.Contains(out, "regulator") {
				t.Errorf("%v as %s: %s", args, format, out)
			}
		}
	}
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
