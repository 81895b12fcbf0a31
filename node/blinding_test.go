package node_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/demo"
	"accord/node/nodetest"
	"accord/node/wire"
)

// TestNumbersAreBlindedByOthers: a federation whose blinding key is split among three
// members, two of whom must evaluate. A member without a share gives a person the same
// id as one with a share, through the nodes; the holders' audit logs count what was
// asked for, and nothing anywhere holds the number. What the court then asked for is in
// the subject's log, whose evidence a quorum of real nodes signed.
func TestNumbersAreBlindedByOthers(t *testing.T) {
	c := nodetest.NewPlanned(t, nil, func(p *demo.Plan) {
		p.Holders, p.Threshold = []exchange.MemberID{"regulator", "commission", "association"}, 2
	})
	ctx := t.Context()
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	author := c.Client("association")
	if report, err := author.Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "auto", AsOf: "2026-11-20"}, bytes.NewReader(raw), nil); err != nil || report.New == 0 {
		t.Fatalf("%+v %v", report, err)
	}
	page, err := author.Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 1})
	if err != nil || len(page.Records) != 1 || !strings.HasPrefix(string(page.Records[0].Subject), "person:v1.") {
		t.Fatalf("%+v %v", page, err)
	}
	rec := page.Records[0]
	asks := wire.AskSubject{Subject: string(rec.Subject), Proof: wire.SubjectProof{Kind: "mandate", Ref: "1"}}
	own, err := author.SubjectRecords(ctx, asks)
	if err != nil || len(own.Records) != 1 {
		t.Fatalf("%d records, %v", len(own.Records), err)
	}
	var number string
	if err := json.Unmarshal(own.Records[0].Opened["resident_id"], &number); err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"court", "commission"} {
		got, err := c.Client(m).SubjectRecords(ctx, wire.AskSubject{PersonID: number, Proof: asks.Proof})
		if err != nil || got.Subject != rec.Subject {
			t.Errorf("%s blinds to %s, %v", m, got.Subject, err)
		}
	}
	counted := 0
	for _, m := range []string{"regulator", "commission", "association", "court"} {
		err := filepath.WalkDir(filepath.Join(c.Dir, m), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(number)) {
				t.Errorf("%s holds the number", path)
			}
			if strings.HasSuffix(path, "audit.log") {
				counted += bytes.Count(text, []byte(`"act":"blinding.evaluate"`))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if counted < 2*2 { // begun and ended, of two askings
		t.Errorf("%d lines of audit tell of evaluations", counted)
	}
	if _, err := c.Client("court").AskRelease(ctx, wire.AskRelease{Record: rec.ID, Author: "association", Fields: []string{"resident_id"}, Purpose: "curiosity",
		Basis: wire.Basis{Kind: "case", Ref: "1"}}); err != nil {
		t.Fatal(err)
	}
	file, err := author.SubjectProof(ctx, asks)
	if err != nil {
		t.Fatal(err)
	}
	report := bundle.Verify(file, bundle.Options{})
	if !report.OK || report.Accesses == nil || len(report.Accesses.Records) != 1 || report.Accesses.Records[0].Count != 1 || len(report.Accesses.Cosigners) < 3 {
		t.Errorf("%v %+v", report.OK, report.Accesses)
	}
}
