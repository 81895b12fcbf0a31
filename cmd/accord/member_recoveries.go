package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/members"

	"github.com/urfave/cli/v2"
)

// recoveriesCommand tells why the log's membership was changed outside the
// ordinary way.
func recoveriesCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "recoveries",
		Usage: e.t("多数节点永久丢失后的恢复：谁丢失，谁签署，从何处继续，可能丢失什么", "recoveries after a quorum was lost for good: who was lost, who signed, where the ledger went on, what may be gone"),
		Action: func(c *cli.Context) error {
			got, err := e.node().Recoveries(c.Context)
			if err != nil {
				return err
			}
			return e.object(got, func(w io.Writer) {
				if len(got.Recoveries) == 0 {
					e.card(w, fact{exchange.Text{Zh: "恢复", En: "recoveries"}, exchange.Text{Zh: "无", En: "none"}})
				}
				for _, r := range got.Recoveries {
					by := exchange.Text{Zh: "尚未记入账本", En: "not on the ledger yet"}
					if r.Seq > 0 {
						by = recoveryText(r.Summary, r.Seq, r.By, r.Between)
					}
					e.card(w,
						fact{labelPlan, r.Digest},
						fact{labelWords, members.Phrase(r.Digest)},
						fact{exchange.Text{Zh: "起草时间", En: "drafted"}, moment(r.Summary.Drafted)},
						fact{exchange.Text{Zh: "理由", En: "reason"}, r.Summary.Reason},
						fact{exchange.Text{Zh: "记录", En: "recorded"}, by},
						fact{exchange.Text{Zh: "永不再启动", En: "never to start again"}, r.Summary.Lost},
						fact{exchange.Text{Zh: "确定保留", En: "certain"}, certain(r.Summary)},
						fact{exchange.Text{Zh: "基准账本根", En: "root it went on from"}, r.Summary.Base.Root})
				}
			})
		},
	}
}

// moment is a plan's time as one, or its text if it is none.
func moment(text string) any {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at
}

// recoveryText is a recovery on one line.
func recoveryText(p members.Plan, seq int64, by []exchange.MemberID, between int64) exchange.Text {
	seats := strings.Join(memberNames(by), ", ")
	t := exchange.Text{
		Zh: fmt.Sprintf("第 %d 条：账本自第 %d 条继续；失去 %s；签署席位 %s；第 %d 条之后曾被确认的内容可能丢失", seq, p.Base.Size, strings.Join(p.Lost, ", "), seats, p.Cosigned),
		En: fmt.Sprintf("number %d: went on from size %d; lost %s; signed by %s; what was acknowledged after %d may be gone", seq, p.Base.Size, strings.Join(p.Lost, ", "), seats, p.Cosigned)}
	if between > 0 {
		t.Zh += fmt.Sprintf("；此前另有 %d 条声明", between)
		t.En += fmt.Sprintf("; %d statements came before this record", between)
	}
	return t
}
