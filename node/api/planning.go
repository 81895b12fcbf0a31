package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/wire"
)

// The errors of plans.
var (
	ErrPlan = exchange.Define(exchange.KindInvalid, "API-013",
		exchange.Text{Zh: "导入计划无效", En: "the import plan is not valid"},
		exchange.Text{Zh: "用 --dry-run --save-plan 重新生成", En: "make it again with --dry-run --save-plan"})
	ErrPlanMoved = exchange.Define(exchange.KindConflict, "API-014",
		exchange.Text{Zh: "导入计划已不适用，没有写入：{what}", En: "the import plan no longer holds, nothing was stored: {what}"},
		exchange.Text{Zh: "重新试运行（--dry-run），核对后再按新计划导入", En: "do the dry run again (--dry-run), look at it, and import by the new plan"})
)

// maxPlan is the longest plan a query carries, in bytes.
const maxPlan = 4 << 10

func readPlan(text string) (*wire.ImportPlan, error) {
	var p wire.ImportPlan
	if err := strictjson.Unmarshal([]byte(text), &p); err != nil || p.Format != wire.ImportPlanFormat {
		return nil, ErrPlan.Wrap(err)
	}
	return &p, nil
}

// planFor is the plan of what is about to be read, as far as it is known before
// the first row. With a plan to keep to, what differs already is refused here.
func (s *Server) planFor(ctx context.Context, in importQuery, m *intake.Mapping, reader *intake.Reader) (wire.ImportPlan, error) {
	reading, err := m.Digest()
	if err != nil {
		return wire.ImportPlan{}, exchange.ErrInternal.Wrap(err)
	}
	own, err := s.Agency.Records.Feed(ctx, s.Agency.Self)
	if err != nil {
		return wire.ImportPlan{}, err
	}
	root := sha256.Sum256([]byte(fmt.Sprint(own.Edge.Root())))
	p := wire.ImportPlan{Format: wire.ImportPlanFormat, File: in.file, Input: reader.Digest(), Mapping: m.Name, Reading: reading,
		Catalogue: in.cat.Digest(), AsOf: in.asOf.In(beijing).Format("2006-01-02"),
		Position: fmt.Sprintf("%d:%s", own.Edge.Size(), hex.EncodeToString(root[:8]))}
	if in.plan == nil {
		return p, nil
	}
	for _, part := range []struct{ what, have, want string }{
		{"another file", p.Input, in.plan.Input},
		{"another mapping", p.Reading, in.plan.Reading},
		{"another catalogue is in force", p.Catalogue, in.plan.Catalogue},
		{"another day", p.AsOf, in.plan.AsOf},
		{"records were added, corrected or taken back since", p.Position, in.plan.Position},
	} {
		if part.have != part.want {
			return p, ErrPlanMoved.With("what", part.what)
		}
	}
	return p, nil
}

// plan completes a plan with what became of the rows.
func (t *tally) plan(p wire.ImportPlan) wire.ImportPlan {
	r := &t.report
	p.Rows, p.New, p.Same, p.Refused, p.Flagged, p.Outcome = r.Rows, r.New, r.Same, r.Refused, r.Flagged, t.outcome.Sum()
	return p
}

// moved says what of a plan does not hold any more, "" when all of it does.
func moved(plan, now wire.ImportPlan) string {
	if plan.Outcome != now.Outcome || plan.Rows != now.Rows || plan.New != now.New || plan.Refused != now.Refused {
		return "rows would fare otherwise, as registers changed"
	}
	return ""
}
