package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/wire"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestClerk runs the clerk's path against a real federation, and then carries what the
// clerk entered to a member whose node the network does not reach.
//
// Shows: I4
func TestClerk(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("needs python3")
	}
	f := newFederationWith(t, func(dir string) { byHand(t, filepath.Join(dir, "court"), "association") })
	for _, script := range []string{"clerk", "airgap"} {
		t.Run(script, func(t *testing.T) {
			testscript.Run(t, testscript.Params{Dir: filepath.Join("testdata", script), RequireExplicitExec: true, Setup: func(e *testscript.Env) error {
				e.Setenv("ACCORD_DIR", f.sup.Dir("association"))
				e.Setenv("ASSOCIATION", f.sup.Dir("association"))
				e.Setenv("COURT", f.sup.Dir("court"))
				e.Setenv("ACCORD_OPERATOR", string(demo.Operator))
				return takesProgram(e)
			}})
		})
	}
}

// byHand has a node wait for files of a member's feed instead of asking its node.
func byHand(t *testing.T, dir, author string) {
	t.Helper()
	path := config.FilePath(dir)
	raw, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(raw, []byte("by_hand: \"\"")) {
		t.Fatalf("%v: %s", err, raw)
	}
	if err := os.WriteFile(path, bytes.Replace(raw, []byte("by_hand: \"\""), []byte("by_hand: \""+author+"\""), 1), 0o600); err != nil {
		t.Fatal(err)
	}
}

// disciplined is a table of decisions about organisations, none like another.
func disciplined(rows int) string {
	var b strings.Builder
	b.WriteString("机构名称,机构代码,惩戒种类,惩戒文号,违规事实,依据,作出日期,公示截止,备注\n")
	for i := range rows {
		fmt.Fprintf(&b, "例湖第%d保险代理有限公司,%s,警告,青例协惩〔2026〕%d号,未按约定报送,自律公约第三条,2026-03-01,2027-03-01,\n", i, fictionalUSCC(i), i)
	}
	return b.String()
}

const disciplinedMapping = `format: accord-mapping/1
name: disciplined
title: {zh: 惩戒, en: Discipline}
source: {name: {zh: 协会, en: Association}, grade: A}
file: {format: csv}
tables:
  - category: discipline-organisation
    columns:
      - {source: 机构名称, field: name}
      - {source: 机构代码, field: uscc}
      - {source: 惩戒种类, field: degree}
      - {source: 惩戒文号, field: document_number}
      - {source: 违规事实, field: facts}
      - {source: 依据, field: basis}
      - {source: 作出日期, field: decided_on}
      - {source: 公示截止, field: disclosure_until}
      - {source: 备注, field: remark}
    subject: {cases: [{kind: enterprise, namespace: org, key: uscc, name: name}]}
`

// TestAnImportSurvivesItsNodesDeath kills the importing node, hard, at random
// moments of one import and imports the same file again each time: in the end
// every row is a record once, and the feed holds each once.
func TestAnImportSurvivesItsNodesDeath(t *testing.T) {
	const rows = 6000
	f := newFederation(t)
	text := disciplined(rows)
	q := client.ImportQuery{File: "d.csv", Mapping: disciplinedMapping, AsOf: "2026-11-20"}
	kills, broken := 0, 0
	for kills < 4 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		done := make(chan error, 1)
		go func() {
			_, err := f.client("association").Import(ctx, q, strings.NewReader(text), nil)
			done <- err
		}()
		wait := time.Duration(50+rand.IntN(400)) * time.Millisecond
		select {
		case <-time.After(wait):
		case err := <-done:
			done <- err
		}
		if err := f.sup.Kill("association"); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			broken++
		}
		cancel()
		kills++
		if err := f.sup.Start("association"); err != nil {
			t.Fatal(err)
		}
		f.ready()
		t.Logf("killed after %v: %d of %d records", wait, len(f.records(t)), rows)
	}
	if broken == 0 {
		t.Fatal("no import was interrupted: the run says nothing")
	}
	report, err := f.client("association").Import(t.Context(), q, strings.NewReader(text), nil)
	if err != nil || report.New+report.Same != rows || report.Refused != 0 {
		t.Fatalf("the last import: %d new, %d same, %d refused: %v", report.New, report.Same, report.Refused, err)
	}
	have := f.records(t)
	subjects := map[exchange.SubjectID]int{}
	for _, r := range have {
		subjects[r.Subject]++
	}
	if len(have) != rows || len(subjects) != rows {
		t.Errorf("%d records of %d organisations, want %d", len(have), len(subjects), rows)
	}
	again, err := f.client("association").Import(t.Context(), q, strings.NewReader(text), nil)
	if err != nil || again.Same != rows || again.New != 0 {
		t.Errorf("once more: %d new, %d same: %v", again.New, again.Same, err)
	}
}

// records are the association's records.
func (f *federation) records(t *testing.T) (all []wire.Record) {
	t.Helper()
	q := client.RecordQuery{Category: "discipline-organisation", Limit: 500}
	for {
		page, err := f.client("association").Records(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Records...)
		if page.Next == "" {
			return all
		}
		q.Cursor = page.Next
	}
}
