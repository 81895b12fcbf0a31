package main

import (
	"io"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// feedCommand looks at what this node holds of the members' records.
func feedCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "feed",
		Category: e.t("证据", "evidence"),
		Usage:    e.t("各单位的记录流和镜像", "the members' feeds and this node's mirrors of them"),
		Subcommands: []*cli.Command{{
			Name:  "status",
			Usage: e.t("各记录流的位置、锚点和警报", "where every feed stands: place, anchor, alarms"),
			Description: e.t("“不可持有”由目录决定并照数清点；“缺失”是记录单位应给而未给的。",
				"What is withheld the catalogue decides, and it is counted; what is missing its author should have given."),
			Action: func(c *cli.Context) error {
				st, err := e.node().Feeds(c.Context)
				if err != nil {
					return err
				}
				return e.showFeeds(st)
			},
		}, {
			Name:  "alarms",
			Usage: e.t("记录流警报及证据文件", "the feed alarms, with their evidence files"),
			Action: func(c *cli.Context) error {
				st, err := e.node().Feeds(c.Context)
				if err != nil {
					return err
				}
				return e.print(feedAlarms(st, true))
			},
		}, {
			Name:      "settle",
			Usage:     e.t("处理完毕后关闭一个记录流警报", "close a feed alarm that was dealt with"),
			ArgsUsage: "ALARM",
			Flags:     []cli.Flag{reasonFlag(e)},
			Action: func(c *cli.Context) error {
				a, err := e.node().SettleFeedAlarm(c.Context, c.Args().First(), wire.Settle{Reason: c.String("reason")})
				if err != nil {
					return err
				}
				return e.object(a, func(w io.Writer) {
					e.card(w,
						fact{exchange.Text{Zh: "警报", En: "alarm"}, a.ID},
						fact{exchange.Text{Zh: "处理人", En: "settled by"}, a.SettledBy})
				})
			},
		}, {
			Name:      "receipts",
			Usage:     e.t("各单位对一次清除的签名回执", "the members' signed receipts for an erasure"),
			ArgsUsage: "ERASURE",
			Action:    func(c *cli.Context) error { return e.showReceipts(c) },
		}, feedExport(e), feedImport(e)},
	}
}

func (e *env) showFeeds(st wire.FeedsStatus) error {
	list := rows{Columns: []column{
		{ID: "author", Title: exchange.Text{Zh: "单位", En: "AUTHOR"}},
		{ID: "own", Title: exchange.Text{Zh: "本单位", En: "OWN"}},
		{ID: "size", Title: exchange.Text{Zh: "条数", En: "ENTRIES"}, Right: true},
		{ID: "seen", Title: exchange.Text{Zh: "所见条数", En: "SEEN"}, Right: true},
		{ID: "anchor", Title: exchange.Text{Zh: "锚点", En: "ANCHOR"}, Right: true},
		{ID: "anchored_at", Title: exchange.Text{Zh: "锚定时间", En: "ANCHORED"}},
		{ID: "withheld", Title: exchange.Text{Zh: "不可持有", En: "WITHHELD"}, Right: true},
		{ID: "erased", Title: exchange.Text{Zh: "已清除", En: "ERASED"}, Right: true},
		{ID: "missing", Title: exchange.Text{Zh: "缺失", En: "MISSING"}, Right: true},
		{ID: "well_at", Title: exchange.Text{Zh: "最近成功", En: "LAST WELL"}},
		{ID: "alarms", Title: exchange.Text{Zh: "警报", En: "ALARMS"}, Right: true},
		{ID: "root", Title: exchange.Text{Zh: "根", En: "ROOT"}, Bare: true},
		{ID: "polled_at", Title: exchange.Text{Zh: "最近轮询", En: "POLLED"}, Bare: true},
	}}
	for _, f := range st.Feeds {
		list.add(f.Author, f.Own, f.Size, f.Seen, f.Anchor, timeOf(f.AnchoredAt), f.Withheld, f.Erased, f.Missing, timeOf(f.WellAt),
			f.Alarms, f.Root, timeOf(f.PolledAt))
	}
	if err := e.print(list); err != nil || !e.chatty() {
		return err
	}
	if open := feedAlarms(st, false); len(open.Cells) > 0 {
		_, err := io.WriteString(e.Stdout, "\n"+e.tableText(open))
		return err
	}
	return nil
}

// feedAlarms is a row for each alarm, the settled ones too where all are wanted.
func feedAlarms(st wire.FeedsStatus, all bool) rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "警报", En: "ALARM"}, Whole: true},
		{ID: "author", Title: exchange.Text{Zh: "单位", En: "AUTHOR"}},
		{ID: "kind", Title: exchange.Text{Zh: "情形", En: "WHAT"}},
		{ID: "found_at", Title: exchange.Text{Zh: "发现时间", En: "FOUND"}},
		{ID: "size", Title: exchange.Text{Zh: "位置", En: "AT"}, Right: true},
		{ID: "evidence", Title: exchange.Text{Zh: "证据文件", En: "EVIDENCE"}, Whole: true},
		{ID: "settled_by", Title: exchange.Text{Zh: "处理人", En: "SETTLED BY"}},
		{ID: "why", Title: exchange.Text{Zh: "说明", En: "WHY"}, Bare: true},
		{ID: "reason", Title: exchange.Text{Zh: "处理", En: "REASON"}, Bare: true},
	}}
	for _, a := range st.Alarms {
		if all || a.SettledBy == "" {
			list.add(a.ID, a.Author, told(feedAlarmKinds, a.Kind), a.FoundAt, a.Size, a.Evidence, a.SettledBy, a.Why, a.Reason)
		}
	}
	return list
}

func (e *env) showReceipts(c *cli.Context) error {
	got, err := e.node().FeedReceipts(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "member", Title: exchange.Text{Zh: "单位", En: "MEMBER"}},
		{ID: "at", Title: exchange.Text{Zh: "收到时间", En: "RECEIVED"}},
		{ID: "jws", Title: exchange.Text{Zh: "原文", En: "SIGNED"}, Bare: true},
	}}
	for _, r := range got.Receipts {
		list.add(r.Member, r.At, r.JWS)
	}
	for _, m := range got.Awaited {
		list.add(m, nil, "")
	}
	return e.print(list)
}

// eraseCommand has an own record destroyed on every node.
func eraseCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "erase", ArgsUsage: "ID",
		Usage: e.t("在所有节点清除一条记录", "destroy a record on every node"),
		Description: e.t("密钥和正文在本节点和各镜像销毁，各单位签署回执；已有的证明仍然成立。无法撤销。",
			"Keys and bodies are destroyed here and on every mirror, and each member signs a receipt; proofs of everything else still hold. It cannot be undone."),
		Flags: []cli.Flag{
			choice("ground", "", feed.Grounds(), e.t("依据的种类", "kind of ground")),
			&cli.StringFlag{Name: "ref", Required: true, Usage: e.t("决定文书编号 `TEXT`；只在本单位审计日志中留摘要", "number of the decision, `TEXT`; only its digest is kept, in this member's audit log")},
			yesFlag(e),
		},
		Action: func(c *cli.Context) error {
			if c.String("ground") == "" {
				return errFlagMissing.With("flag", dashed("ground"), "example", feed.GroundOrder)
			}
			if err := e.confirm(c.Bool("yes"), exchange.Text{Zh: "确认在所有节点永久清除该记录？", En: "Destroy this record on every node, for good?"}); err != nil {
				return err
			}
			d, err := e.node().EraseRecord(c.Context, exchange.RecordID(c.Args().First()), wire.EraseRecord{Ground: c.String("ground"), Reference: c.String("ref")})
			if err != nil {
				return err
			}
			return e.object(d, func(w io.Writer) {
				e.card(w,
					fact{exchange.Text{Zh: "清除", En: "erasure"}, d.ID},
					fact{labelRecord, d.Record},
					fact{exchange.Text{Zh: "依据", En: "ground"}, word(grounds, d.Ground)})
			})
		},
	}
}
