package main

import (
	"io"
	"strings"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// custodyCommand looks at who keeps the fields of records open without their author.
func custodyCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "custody",
		Category: e.t("证据", "evidence"),
		Usage:    e.t("密封信息项的密钥托管", "custody of sealed fields, so that they open without their author"),
		Subcommands: []*cli.Command{{
			Name:  "status",
			Usage: e.t("本单位记录的托管进度、各托管方尚缺多少、本单位为他人保管多少", "how far own records are in custody, which custodian lacks how many, and what is kept here for others"),
			Description: e.t("哪些类别托管、由谁托管由信息目录决定。“完整”是每个托管方都已签收。",
				"Which categories are in custody, and with whom, the catalogue decides. Complete is what every custodian has signed for."),
			Action: func(c *cli.Context) error { return e.showCustody(c) },
		}, {
			Name: "show", ArgsUsage: "RECORD",
			Usage: e.t("一条记录的托管方与签收、销毁回执", "a record's custodians, with their receipts for what they keep and destroyed"),
			Flags: []cli.Flag{&cli.StringFlag{Name: "from", Usage: e.t("作者单位 `MEMBER`；不写为本单位", "its author `MEMBER`; without it this member")}},
			Action: func(c *cli.Context) error {
				got, err := e.node().RecordCustody(c.Context, exchange.RecordID(c.Args().First()), exchange.MemberID(c.String("from")))
				if err != nil {
					return err
				}
				return e.showRecordCustody(got)
			},
		}},
	}
}

func (e *env) showCustody(c *cli.Context) error {
	st, err := e.node().Custody(c.Context)
	if err != nil {
		return err
	}
	cat := e.titles(c)
	categories := rows{Columns: []column{
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
		{ID: "k", Title: exchange.Text{Zh: "需几份", En: "ANY"}, Right: true},
		{ID: "custodians", Title: exchange.Text{Zh: "托管方", En: "OF"}},
		{ID: "enough", Title: exchange.Text{Zh: "足够", En: "ENOUGH"}},
		{ID: "records", Title: exchange.Text{Zh: "记录", En: "RECORDS"}, Right: true},
		{ID: "dealt", Title: exchange.Text{Zh: "已分割", En: "SPLIT"}, Right: true},
		{ID: "complete", Title: exchange.Text{Zh: "完整", En: "COMPLETE"}, Right: true},
	}}
	for _, r := range st.Categories {
		categories.add(categoryCell(cat, r.Category), r.K, r.Custodians, r.Enough, r.Records, r.Dealt, r.Complete)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(categories)
	}
	custodians := rows{Columns: []column{
		{ID: "member", Title: exchange.Text{Zh: "托管方", En: "CUSTODIAN"}},
		{ID: "lacks", Title: exchange.Text{Zh: "尚缺", En: "LACKS"}, Right: true},
		{ID: "keeps", Title: exchange.Text{Zh: "已签收", En: "KEEPS"}, Right: true},
		{ID: "retires", Title: exchange.Text{Zh: "待销毁", En: "TO DESTROY"}, Right: true},
		{ID: "retired", Title: exchange.Text{Zh: "已销毁", En: "DESTROYED"}, Right: true},
		{ID: "why", Title: exchange.Text{Zh: "上次失败", En: "LAST FAILURE"}},
	}}
	for _, m := range st.Custodians {
		custodians.add(m.Member, m.Lacks, m.Keeps, m.Retires, m.Retired, m.Why)
	}
	kept := rows{Columns: []column{
		{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
		{ID: "records", Title: exchange.Text{Zh: "保管份数", En: "KEPT"}, Right: true},
	}}
	for _, k := range st.Kept {
		kept.add(k.Author, k.Records)
	}
	return e.object(st, func(w io.Writer) {
		e.section(w, exchange.Text{Zh: "本单位记录的托管", En: "Custody of own records"}, categories)
		e.section(w, exchange.Text{Zh: "托管方", En: "Custodians"}, custodians)
		e.section(w, exchange.Text{Zh: "为其他单位保管", En: "Kept for others"}, kept)
	})
}

func (e *env) showRecordCustody(got wire.RecordCustody) error {
	hands := rows{Columns: []column{
		{ID: "generation", Title: exchange.Text{Zh: "代", En: "GENERATION"}, Right: true},
		{ID: "member", Title: exchange.Text{Zh: "托管方", En: "CUSTODIAN"}},
		{ID: "state", Title: exchange.Text{Zh: "状态", En: "STATE"}},
		{ID: "kept", Title: exchange.Text{Zh: "签收回执", En: "KEEPS, SIGNED"}, Bare: true},
		{ID: "destroyed", Title: exchange.Text{Zh: "销毁回执", En: "DESTROYED, SIGNED"}, Bare: true},
	}}
	for _, h := range got.Hands {
		hands.add(h.Generation, h.Member, told(handStates, h.State), h.Kept, h.Destroyed)
	}
	generations := rows{Columns: []column{
		{ID: "generation", Title: exchange.Text{Zh: "代", En: "GENERATION"}, Right: true},
		{ID: "k", Title: exchange.Text{Zh: "需几份", En: "ANY"}, Right: true},
		{ID: "custodians", Title: exchange.Text{Zh: "托管方", En: "OF"}},
		{ID: "digest", Title: exchange.Text{Zh: "声明摘要", En: "STATEMENT"}},
	}}
	for _, g := range got.Generations {
		generations.add(g.Generation, g.K, g.Custodians, g.Digest)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(generations)
	}
	return e.object(got, func(w io.Writer) {
		e.card(w, fact{labelAuthor, got.Author}, fact{exchange.Text{Zh: "记录", En: "record"}, got.Record})
		e.section(w, exchange.Text{Zh: "账本上的托管", En: "On the ledger"}, generations)
		if len(got.Hands) > 0 {
			e.section(w, exchange.Text{Zh: "回执", En: "Receipts"}, hands)
		}
	})
}

// handStates are the words for where a custodian's part stands.
var handStates = map[string]exchange.Text{
	"due":     {Zh: "待送达", En: "to be handed over"},
	"kept":    {Zh: "已签收", En: "kept"},
	"retire":  {Zh: "待销毁", En: "to be destroyed"},
	"retired": {Zh: "已销毁", En: "destroyed"},
}

// openedBy are the facts about by whom a release was opened without its author.
func (e *env) openedBy(opened wire.Opened) []fact {
	if len(opened.Custodians) == 0 {
		return nil
	}
	names := make([]string, len(opened.Custodians))
	for i, m := range opened.Custodians {
		names[i] = string(m)
	}
	facts := []fact{{exchange.Text{Zh: "由托管方开放", En: "opened by custodians"}, strings.Join(names, ", ")}}
	for _, f := range opened.Faults {
		facts = append(facts, fact{exchange.Text{Zh: "未给出有效份额", En: "gave nothing usable"}, string(f.Custodian) + " (" + e.say(exchange.Reason(f.Why)) + ")"})
	}
	return facts
}
