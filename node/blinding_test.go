package node_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/intake"
	"accord/exchange/meeting"
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
	changesHands(t, c, asks, []wire.Record{rec})
}

// changesHands gives the key on to the court and the regulator: the ids stay, also after
// new starts, and whoever held a share before is not needed any more, nor has it.
func changesHands(t *testing.T, c *nodetest.Cluster, asks wire.AskSubject, known []wire.Record) {
	t.Helper()
	ctx, next := t.Context(), []exchange.MemberID{"court", "regulator"}
	decide(t, c, meeting.Decision{Object: "1", Outcome: meeting.Split, Holders: next, Threshold: 2})
	inForce := func() bool {
		for m := range c.Nodes {
			st, err := c.Client(m).BlindingState(ctx)
			if err != nil || len(st.Epochs) != 1 || st.Epochs[0].Version != 1 || st.Epochs[0].Share != slices.Contains(next, exchange.MemberID(m)) {
				return false
			}
		}
		return true
	}
	until(t, "the key has changed hands", inForce)
	for _, m := range []string{"court", "regulator"} {
		c.Stop(m)
		c.Start(m)
	}
	c.Ready()
	until(t, "it has after new starts", inForce)
	if c.Nodes["court"].Status().ShareLost {
		t.Error("the court's share counts as lost")
	}
	page, err := c.Client("association").Records(ctx, client.RecordQuery{Category: "discipline-practitioner", Limit: 2})
	if err != nil || len(page.Records) != 2 {
		t.Fatalf("%+v %v", page, err)
	}
	rec := page.Records[1]
	own, err := c.Client("association").SubjectRecords(ctx, wire.AskSubject{Subject: string(rec.Subject), Proof: asks.Proof})
	if err != nil || len(own.Records) != 1 || rec.ID == known[0].ID {
		t.Fatalf("%+v %v", own, err)
	}
	var number string
	if err := json.Unmarshal(own.Records[0].Opened["resident_id"], &number); err != nil {
		t.Fatal(err)
	}
	c.Stop("commission") // it held a share before
	if got, err := c.Client("court").SubjectRecords(ctx, wire.AskSubject{PersonID: number, Proof: asks.Proof}); err != nil || got.Subject != rec.Subject {
		t.Errorf("the court blinds to %s, the record is of %s, %v", got.Subject, rec.Subject, err)
	}
	c.Start("commission")
	c.Ready()

	decide(t, c, meeting.Decision{Object: "2", Outcome: meeting.Rotate, Holders: []exchange.MemberID{"association", "commission", "court"}, Threshold: 2})
	until(t, "there is a new key", func() bool {
		for m := range c.Nodes {
			st, err := c.Client(m).BlindingState(ctx)
			if err != nil || len(st.Epochs) != 2 || st.Epochs[0].Share != (m != "regulator") || st.Epochs[1].Share != slices.Contains(next, exchange.MemberID(m)) {
				return false
			}
		}
		return true
	})
	got, err := c.Client("association").SubjectRecords(ctx, wire.AskSubject{PersonID: number, Proof: asks.Proof})
	if err != nil || !strings.HasPrefix(string(got.Subject), "person:v2.") || len(got.Records) != 1 || got.Records[0].Record.ID != rec.ID {
		t.Errorf("under the new key the number is %s with %d records, %v", got.Subject, len(got.Records), err)
	}
}

// decide has the joint meeting decide something about the blinding key.
func decide(t *testing.T, c *nodetest.Cluster, d meeting.Decision) {
	t.Helper()
	p, err := c.Client("regulator").Propose(t.Context(), wire.Propose{Kind: meeting.Blinding, Reason: "例", Deadline: time.Now().Add(time.Hour), Decision: &d})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range p.Waiting[:p.Quorum] {
		until(t, string(m)+" has heard of it and votes", func() bool {
			_, err := c.Client(string(m)).CastVote(t.Context(), p.ID, wire.CastVote{Choice: meeting.Yes})
			return err == nil
		})
	}
}
