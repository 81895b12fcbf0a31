package api

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"accord/exchange/intake"
	"accord/exchange/records"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// A plan is applied only while everything it was made of stands still.
func TestAPlanHoldsOrNothingIsStored(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	raw, _ := intake.Sample("penalties-sample.csv")
	clerk := w.client("regulator", config.Clerk)
	q := client.ImportQuery{File: "penalties.csv", Mapping: "penalties", AsOf: "2026-11-20"}
	dry := q
	dry.DryRun = true
	report, err := clerk.Import(ctx, dry, bytes.NewReader(raw), nil)
	if err != nil || report.Plan == nil {
		t.Fatalf("%+v %v", report, err)
	}
	plan := *report.Plan
	if plan.Rows != report.Rows || plan.New != report.New || plan.Refused != report.Refused || len(plan.Input) != 64 || len(plan.Outcome) != 64 {
		t.Errorf("%+v of %+v", plan, report)
	}
	stored := func() int64 {
		n, err := w.servers["regulator"].Agency.Records.Count(ctx, records.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	by := func(q client.ImportQuery, p wire.ImportPlan, body []byte) (wire.ImportReport, error) {
		q.Plan = &p
		return clerk.Import(ctx, q, bytes.NewReader(body), nil)
	}
	other := q
	other.AsOf = "2026-11-19"
	for name, try := range map[string]func() (wire.ImportReport, error){
		"another file": func() (wire.ImportReport, error) { return by(q, plan, append(bytes.Clone(raw), '\n')) },
		"another day":  func() (wire.ImportReport, error) { return by(other, plan, raw) },
		"another mapping": func() (wire.ImportReport, error) {
			p := plan
			p.Reading = plan.Input
			return by(q, p, raw)
		},
		"another outcome": func() (wire.ImportReport, error) {
			p := plan
			p.Outcome = plan.Input
			return by(q, p, raw)
		},
	} {
		if got, err := try(); !errors.Is(err, ErrPlanMoved) {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	broken := plan
	broken.Format = "x"
	if _, err := by(q, broken, raw); !errors.Is(err, ErrPlan) {
		t.Errorf("no plan: %v", err)
	}
	if n := stored(); n != 0 {
		t.Fatalf("%d records were stored against their plan", n)
	}
	done, err := by(q, plan, raw)
	if err != nil || done.New != plan.New || stored() != int64(plan.New) || done.Plan != nil {
		t.Fatalf("by the plan: %+v %v", done, err)
	}
	if _, err := by(q, plan, raw); !errors.Is(err, ErrPlanMoved) {
		t.Errorf("by the plan again, now that the records are there: %v", err)
	}
}
