package main

import (
	"io"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// cosignedCommand lists the checkpoints that a quorum cosigned.
func (e *env) cosignedCommand() *cli.Command {
	return &cli.Command{
		Name:  "checkpoints",
		Usage: e.t("本节点保存的、达到法定共签数的检查点", "the checkpoints with a quorum of cosignatures that this node kept"),
		Action: func(c *cli.Context) error {
			list := rows{Columns: []column{
				{ID: "size", Title: exchange.Text{Zh: "条数", En: "SIZE"}, Right: true},
				{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
				{ID: "signers", Title: exchange.Text{Zh: "共签单位", En: "COSIGNED BY"}},
				{ID: "root", Title: exchange.Text{Zh: "根", En: "ROOT"}, Whole: true},
				{ID: "index", Title: exchange.Text{Zh: "日志位置", En: "INDEX"}, Bare: true},
				{ID: "note", Title: exchange.Text{Zh: "原文", En: "SIGNED"}, Bare: true},
			}}
			got, err := e.node().Checkpoints(c.Context)
			if err != nil {
				return err
			}
			for _, p := range got.Checkpoints {
				list.add(p.Size, p.At, memberNames(p.Signers), p.Root, p.Index, p.Note)
			}
			return e.print(list)
		},
	}
}

func memberNames(ms []exchange.MemberID) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = string(m)
	}
	return out
}

// policyCommand writes whose signatures make a checkpoint believable.
func (e *env) policyCommand() *cli.Command {
	return &cli.Command{
		Name:  "policy",
		Usage: e.t("共签策略（C2SP tlog-policy）：成员公钥和法定数", "the cosigner policy (C2SP tlog-policy): members' keys and the quorum"),
		Flags: []cli.Flag{e.outFlag("-")},
		Action: func(c *cli.Context) error {
			text, err := e.node().Policy(c.Context)
			if err != nil {
				return err
			}
			return e.save(c.String("out"), text)
		},
	}
}

// proofCommand makes proofs that stand in files of their own.
func (e *env) proofCommand() *cli.Command {
	return &cli.Command{
		Name:  "proof",
		Usage: e.t("账本的包含和一致性证明", "proofs of inclusion and consistency"),
		Subcommands: []*cli.Command{{
			Name:  "inclusion",
			Usage: e.t("一条声明已入账的证明（C2SP tlog-proof）", "that a statement is on the ledger (C2SP tlog-proof)"),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "statement", Usage: e.t("指令编号 `ID`", "the command's `ID`")},
				&cli.StringFlag{Name: "entry", Usage: e.t("名单条目 `ID`", "a list entry's `ID`")},
				&cli.Int64Flag{Name: "seq", Value: -1, Usage: e.t("序号 `N`，0 为章程", "number `N`, 0 is the charter")},
				&cli.Int64Flag{Name: "size", Usage: e.t("前 `N` 条的检查点，默认最新", "under the checkpoint of `N` leaves; default the newest")},
				e.outFlag("-"),
			},
			Action: func(c *cli.Context) error {
				q := client.ProofQuery{Statement: exchange.CommandID(c.String("statement")), Entry: exchange.EntryID(c.String("entry")), Seq: c.Int64("seq"), Size: c.Int64("size")}
				if (q.Statement != "") == (q.Entry != "") && (q.Statement != "" || q.Seq < 0) {
					return errFlagMissing.With("flag", "--statement | --entry | --seq", "example", "--seq=12")
				}
				file, err := e.node().InclusionProof(c.Context, q)
				if err != nil {
					return err
				}
				return e.save(c.String("out"), file)
			},
		}, {
			Name:  "consistency",
			Usage: e.t("旧检查点是新检查点开头的证明", "that an older checkpoint begins a newer one"),
			Flags: []cli.Flag{
				&cli.Int64Flag{Name: "from", Required: true, Usage: e.t("旧检查点的条数 `N`", "the older checkpoint's size `N`")},
				&cli.Int64Flag{Name: "to", Usage: e.t("新检查点的条数 `N`，默认最新", "the newer checkpoint's size `N`; default the newest")},
				e.outFlag("-"),
			},
			Action: func(c *cli.Context) error {
				file, err := e.node().ConsistencyProof(c.Context, c.Int64("from"), c.Int64("to"))
				if err != nil {
					return err
				}
				return e.save(c.String("out"), file)
			},
		}},
	}
}

// forksCommand lists the ledger alarms.
func (e *env) forksCommand() *cli.Command {
	return &cli.Command{
		Name:  "forks",
		Usage: e.t("分叉和其他账本警报", "forks and other ledger alarms"),
		Flags: []cli.Flag{&cli.BoolFlag{Name: "open", Usage: e.t("只列未处理的", "only those not settled")}},
		Action: func(c *cli.Context) error {
			got, err := e.node().Alarms(c.Context)
			if err != nil {
				return err
			}
			if got.Stopped {
				e.note(exchange.Text{Zh: "本节点已因账本警报停止服务", En: "this node has stopped its service over a ledger alarm"})
			}
			return e.print(alarmRows(got.Alarms, c.Bool("open")))
		},
	}
}

func alarmRows(alarms []wire.Alarm, open bool) rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "警报", En: "ALARM"}, Whole: true},
		{ID: "kind", Title: exchange.Text{Zh: "种类", En: "KIND"}},
		{ID: "found_at", Title: exchange.Text{Zh: "发现时间", En: "FOUND"}},
		{ID: "member", Title: exchange.Text{Zh: "单位", En: "MEMBER"}},
		{ID: "verdict", Title: exchange.Text{Zh: "结论", En: "WRONG"}},
		{ID: "stops", Title: exchange.Text{Zh: "停服", En: "STOPS"}},
		{ID: "settled_at", Title: exchange.Text{Zh: "已处理", En: "SETTLED"}},
		{ID: "evidence", Title: exchange.Text{Zh: "证据文件", En: "EVIDENCE"}, Whole: true},
		{ID: "size", Title: exchange.Text{Zh: "条数", En: "SIZE"}, Right: true, Bare: true},
		{ID: "index", Title: exchange.Text{Zh: "日志位置", En: "INDEX"}, Bare: true},
		{ID: "with", Title: exchange.Text{Zh: "同本节点", En: "WITH"}, Bare: true},
		{ID: "against", Title: exchange.Text{Zh: "不同", En: "AGAINST"}, Bare: true},
		{ID: "ours", Title: exchange.Text{Zh: "本节点", En: "OURS"}, Bare: true},
		{ID: "theirs", Title: exchange.Text{Zh: "对方", En: "THEIRS"}, Bare: true},
		{ID: "why", Title: exchange.Text{Zh: "说明", En: "WHY"}, Bare: true},
		{ID: "settled_by", Title: exchange.Text{Zh: "处理人", En: "BY"}, Bare: true},
		{ID: "reason", Title: exchange.Text{Zh: "处理说明", En: "REASON"}, Bare: true},
	}}
	for _, a := range alarms {
		if open && a.SettledAt != nil {
			continue
		}
		var settled any
		if a.SettledAt != nil {
			settled = *a.SettledAt
		}
		list.add(a.ID, told(alarmKinds, a.Kind), a.FoundAt, a.Member, told(verdicts, a.Verdict), a.Stops, settled, a.Evidence,
			a.Size, a.Index, memberNames(a.With), memberNames(a.Against), a.Ours, a.Theirs, a.Why, a.SettledBy, a.Reason)
	}
	return list
}

// forkEvidenceCommand writes an alarm's evidence file.
func (e *env) forkEvidenceCommand() *cli.Command {
	return &cli.Command{
		Name:      "fork-evidence",
		Usage:     e.t("取出警报的证据文件，可用 accord verify 离线验证", "get an alarm's evidence file; accord verify judges it offline"),
		ArgsUsage: "ALARM",
		Flags:     []cli.Flag{e.outFlag("-")},
		Action: func(c *cli.Context) error {
			file, err := e.node().AlarmEvidence(c.Context, c.Args().First())
			if err != nil {
				return err
			}
			return e.save(c.String("out"), file)
		},
	}
}

// settleCommand closes an alarm, after which a stopped node serves again.
func (e *env) settleCommand() *cli.Command {
	return &cli.Command{
		Name:  "settle",
		Usage: e.t("处理完毕后关闭一个账本警报", "close a ledger alarm that was dealt with"),
		Description: e.t("停止服务的节点在最后一个警报关闭后恢复；分歧若仍存在，会立即再次报警。先按运行手册“分叉警报”查明原因。",
			"A stopped node serves again when the last alarm that stopped it is closed; a difference that is still there is found again at once. Find the cause first: runbook, \"fork alarm\"."),
		ArgsUsage: "ALARM",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "reason", Required: true, Usage: e.t("查明的原因和处理，`TEXT`", "what it was and what was done, `TEXT`")},
			yesFlag(e),
		},
		Action: func(c *cli.Context) error {
			if err := e.confirm(c.Bool("yes"), exchange.Text{Zh: "确认该警报已查明并处理？", En: "Was the cause of this alarm found and dealt with?"}); err != nil {
				return err
			}
			a, err := e.node().SettleAlarm(c.Context, c.Args().First(), wire.Settle{Reason: c.String("reason")})
			if err != nil {
				return err
			}
			return e.object(a, func(w io.Writer) {
				e.card(w,
					fact{exchange.Text{Zh: "警报", En: "alarm"}, a.ID},
					fact{exchange.Text{Zh: "已处理", En: "settled"}, timeOf(a.SettledAt)},
					fact{exchange.Text{Zh: "处理人", En: "by"}, a.SettledBy})
			})
		},
	}
}

func timeOf(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

// complaintsCommand lists whose statements were kept off the ledger.
func (e *env) complaintsCommand() *cli.Command {
	return &cli.Command{
		Name:  "complaints",
		Usage: e.t("成员申诉：逾时未入账的声明", "complaints: statements that were not taken in time"),
		Action: func(c *cli.Context) error {
			got, err := e.node().Complaints(c.Context)
			if err != nil {
				return err
			}
			list := rows{Columns: []column{
				{ID: "id", Title: exchange.Text{Zh: "指令", En: "COMMAND"}, Whole: true},
				{ID: "member", Title: exchange.Text{Zh: "单位", En: "MEMBER"}},
				{ID: "since", Title: exchange.Text{Zh: "首次提交", En: "FIRST TRIED"}},
				{ID: "at", Title: exchange.Text{Zh: "申诉时间", En: "COMPLAINED"}},
				{ID: "leaders", Title: exchange.Text{Zh: "当时主节点", En: "LEADERS"}},
				{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
				{ID: "seq", Title: exchange.Text{Zh: "序号", En: "NO."}, Right: true},
				{ID: "digest", Title: exchange.Text{Zh: "摘要", En: "DIGEST"}, Bare: true},
			}}
			for _, x := range got.Complaints {
				var seq any
				if x.Seq > 0 {
					seq = x.Seq
				}
				list.add(x.ID, x.Member, x.Since, x.At, memberNames(x.Leaders), told(complaintStatuses, x.Status), seq, x.Digest)
			}
			return e.print(list)
		},
	}
}
