package main

import (
	"context"
	"io"
	"log/slog"

	"accord/exchange"
	"accord/node"
	"accord/node/founding"
	"accord/node/witness"

	"github.com/urfave/cli/v2"
)

// verifyLedgerCommand replays a node's whole ledger.
func (e *env) verifyLedgerCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: e.t("重放并核对本节点的全部账本历史", "replay this node's whole ledger and compare"),
		Description: e.t("节点停止时直接读数据目录；节点运行时通过接口逐条读取。核对每条声明的签名和结果、每份文书、每一叶、每一行和所存的共签检查点。",
			"Reads the data folder of a stopped node, or asks a running one for every statement. Compares every signature and answer, every document, leaf and row, and the cosigned checkpoints kept."),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "offline", Usage: e.t("只读数据目录；节点须已停止", "read the data folder only; the node must be stopped")}},
		Action: func(c *cli.Context) error {
			report, err := e.verifyLedger(c.Context, c.Bool("offline"))
			if err != nil {
				return err
			}
			return e.object(report, func(w io.Writer) { e.historyCard(w, report) })
		},
	}
}

func (e *env) verifyLedger(ctx context.Context, offline bool) (witness.HistoryReport, error) {
	if !offline {
		if conn, err := e.Dial(ctx, e.Socket()); err == nil {
			conn.Close()
			return e.verifyOnline(ctx)
		}
	}
	cfg, err := e.config()
	if err != nil {
		return witness.HistoryReport{}, err
	}
	var m *meter
	report, err := node.VerifyHistory(ctx, cfg, node.Options{Logger: slog.New(slog.DiscardHandler), Clock: e.Now}, func(done, total int64) {
		if m == nil {
			m = e.meter(exchange.Text{Zh: "核对", En: "verify"}, total)
		}
		m.Add(done - m.done())
	})
	if m != nil {
		m.Stop()
	}
	return report, err
}

// verifyOnline asks a running node for everything and believes none of it: only
// the genesis comes from the folder.
func (e *env) verifyOnline(ctx context.Context) (witness.HistoryReport, error) {
	var none witness.HistoryReport
	genesis, err := founding.ReadGenesis(e.Dir)
	if err != nil {
		return none, err
	}
	h, err := witness.NewHistory(genesis)
	if err != nil {
		return none, err
	}
	client := e.node()
	points, err := client.Checkpoints(ctx)
	if err != nil {
		return none, err
	}
	at, err := client.Ledger(ctx, false)
	if err != nil {
		return none, err
	}
	m := e.meter(exchange.Text{Zh: "核对", En: "verify"}, at.Size-1)
	defer m.Stop()
	for h.Seq() < at.Size-1 {
		page, err := client.Statements(ctx, h.Seq(), int(min(pageSize, at.Size-1-h.Seq())))
		if err != nil {
			return none, err
		}
		batch := make([]witness.Stated, len(page.Statements))
		for i, s := range page.Statements {
			batch[i] = witness.Stated{Seq: s.Seq, JWS: s.JWS, OK: s.OK}
		}
		if len(batch) == 0 {
			return none, witness.ErrHistory.With("seq", h.Seq()+1, "why", "the node does not show it")
		}
		if err := h.Add(batch); err != nil {
			return none, err
		}
		m.Add(int64(len(batch)))
	}
	if report := h.Report(); report.Digest != at.Digest {
		return none, witness.ErrHistory.With("seq", h.Seq(), "why", "replaying the statements gives another state than the node tells")
	}
	for _, p := range points.Checkpoints {
		if p.Size > at.Size {
			continue
		}
		if err := h.Cosigned([]byte(p.Note)); err != nil {
			return none, err
		}
	}
	return h.Report(), nil
}

func (e *env) historyCard(w io.Writer, r witness.HistoryReport) {
	facts := []fact{
		{exchange.Text{Zh: "结论", En: "result"}, exchange.Text{Zh: "全部历史成立", En: "the whole history holds"}},
		{exchange.Text{Zh: "联合体", En: "federation"}, r.Federation},
		{exchange.Text{Zh: "章程摘要", En: "charter digest"}, r.Charter},
		{exchange.Text{Zh: "声明", En: "statements"}, r.Statements},
		{exchange.Text{Zh: "其中被规则拒绝", En: "refused by rules"}, r.Refused},
		{exchange.Text{Zh: "成员单位", En: "members"}, r.Members},
		{exchange.Text{Zh: "根", En: "root"}, r.Root.String()},
		{exchange.Text{Zh: "状态摘要", En: "state digest"}, r.Digest},
		{exchange.Text{Zh: "共签检查点", En: "cosigned checkpoints"}, r.Checkpoints},
		{exchange.Text{Zh: "共签至条数", En: "cosigned up to size"}, r.Cosigned},
		{exchange.Text{Zh: "其后尚未共签", En: "not cosigned yet"}, r.Beyond},
	}
	if r.Uncertain > 0 {
		facts = append(facts, fact{exchange.Text{Zh: "本地所存、未必已提交", En: "stored here, perhaps never committed"}, r.Uncertain})
	}
	for _, p := range r.Recoveries {
		facts = append(facts, fact{exchange.Text{Zh: "多数丢失后恢复", En: "recovered after a loss"}, recoveryText(p.Plan, p.Seq, p.By, p.Between())})
	}
	e.card(w, facts...)
}
