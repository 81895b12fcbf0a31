package main

import (
	"context"
	"io"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errReleaseRefused = exchange.Define(exchange.KindRefused, "CLI-039",
	exchange.Text{Zh: "不准予（目录 {catalogue}，{clause}）：{why}", En: "refused (catalogue {catalogue}, {clause}): {why}"},
	exchange.Text{Zh: "{need}；回执 {release} 已在账本", En: "{need}; the receipt {release} is on the ledger"})

// releaseCommand asks for private fields, judges such requests and opens what
// was granted.
func releaseCommand(e *env) *cli.Command {
	judge := func(name, usage string, act func(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error)) *cli.Command {
		return &cli.Command{
			Name: name, ArgsUsage: "ID", Usage: usage,
			Flags: []cli.Flag{&cli.StringFlag{Name: "note", Usage: e.t("附言 `TEXT`", "a note, `TEXT`")}},
			Action: func(c *cli.Context) error {
				r, err := act(c.Context, exchange.ReleaseID(c.Args().First()), c.String("note"))
				if err != nil {
					return err
				}
				return e.showRelease(c, r)
			},
		}
	}
	return &cli.Command{
		Name:     "release",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("授权开放密封的信息项", "opening sealed fields by rule"),
		Subcommands: append(moreReleaseCommands(e), []*cli.Command{askCommand(e), {
			Name:  "list",
			Usage: e.t("全部回执，新的在前", "all receipts, newest first"),
			Flags: []cli.Flag{
				choice("status", "", []string{"refused", "pending", "granted", "denied", "lapsed", "delivered", "opened"}, e.t("状态", "status")),
				&cli.BoolFlag{Name: "emergency", Usage: e.t("只看紧急调用", "only what was asked as an emergency")},
				limitFlag(e),
			},
			Action: func(c *cli.Context) error { return e.listReleases(c) },
		}, {
			Name: "show", ArgsUsage: "ID",
			Usage: e.t("一份回执", "one receipt"),
			Action: func(c *cli.Context) error {
				r, err := e.node().Release(c.Context, exchange.ReleaseID(c.Args().First()))
				if err != nil {
					return err
				}
				return e.showRelease(c, r)
			},
		},
			waitingCommand(e),
			judge("approve", e.t("作为作者单位批准", "consent as the record's author"), func(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error) {
				return e.node().Approve(ctx, id, note)
			}),
			judge("deny", e.t("作为作者单位拒绝", "refuse consent as the record's author"), func(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error) {
				return e.node().Deny(ctx, id, note)
			}), {
				Name: "open", ArgsUsage: "ID",
				Usage:       e.t("领取并显示准予的信息项", "fetch and show the granted fields"),
				Description: e.t("作者节点没有应答而记录有托管时，改由托管方开放。", "Where the author's node does not answer and the record is in custody, its custodians are asked."),
				Flags:       []cli.Flag{&cli.BoolFlag{Name: "custodians", Usage: e.t("不问作者，直接由托管方开放", "do not ask the author: by its custodians")}},
				Action:      func(c *cli.Context) error { return e.openRelease(c) },
			}}...),
	}
}

func askCommand(e *env) *cli.Command {
	basis := choice("basis-kind", "", []string{catalogue.BasisCase, catalogue.BasisDecision, catalogue.BasisConsent, catalogue.BasisStatute},
		e.t("依据种类：案件、决定文书、主体同意、法定职责", "kind of basis"))
	basis.(*cli.GenericFlag).Required = true
	return &cli.Command{
		Name:  "ask",
		Usage: e.t("申请开放一条记录的信息项", "ask to open fields of a record"),
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "record", Required: true, Usage: e.t("记录 `ID`；多次给出则为批量请求，须本单位第二人确认", "`ID` of the record; given several times it is a bulk request, which a second person here confirms")},
			&cli.StringFlag{Name: "from", Required: true, Usage: e.t("作者单位 `MEMBER`", "its author `MEMBER`")},
			&cli.StringSliceFlag{Name: "field", Required: true, Usage: e.t("信息项 `ID`，可多次", "`ID` of a field, repeatable")},
			&cli.StringFlag{Name: "purpose", Required: true, Usage: e.t("用途 `ID`", "`ID` of the purpose")},
			basis,
			&cli.StringFlag{Name: "basis-ref", Required: true, Usage: e.t("依据的案号、文号或条款 `TEXT`", "case number, document number or article, `TEXT`")},
			&cli.StringFlag{Name: "consent", Usage: e.t("写有主体同意的 `FILE`", "`FILE` with the subject's consent")},
			&cli.BoolFlag{Name: "emergency", Usage: e.t("紧急调用：立即生效，各成员可见，须在限期内说明理由", "an emergency: works at once, every member sees it, and it has to be justified in time")},
		},
		Action: func(c *cli.Context) error {
			consent, err := e.consent(c.String("consent"))
			if err != nil {
				return err
			}
			var ids []exchange.RecordID
			for _, id := range c.StringSlice("record") {
				ids = append(ids, exchange.RecordID(id))
			}
			r, err := e.node().AskRelease(c.Context, wire.AskRelease{Consent: consent, Emergency: c.Bool("emergency"), Record: ids[0], More: ids[1:],
				Author: exchange.MemberID(c.String("from")), Fields: c.StringSlice("field"), Purpose: c.String("purpose"),
				Basis: wire.Basis{Kind: c.String("basis-kind"), Ref: c.String("basis-ref")}})
			if err != nil {
				return err
			}
			if err := e.showRelease(c, r); err != nil {
				return err
			}
			return e.refusal(r)
		},
	}
}

// refusal is the error for a release that the catalogue refused, nil for any
// other. Machines read it in English like every error.
func (e *env) refusal(r wire.Release) error {
	if r.Status != "refused" {
		return nil
	}
	lang := e.Lang
	if e.Format == formatJSON {
		lang = exchange.En
	}
	d := r.Decision
	clause := d.Clause
	if d.Rule != "" {
		clause = d.Rule + "/" + d.Clause
	}
	return errReleaseRefused.With("catalogue", reference(d), "clause", clause, "why", d.Why.In(lang), "need", d.Need.In(lang), "release", r.ID)
}

func reference(d catalogue.Decision) string {
	return d.Catalogue + "@" + humanCell(d.Version, "")
}

func (e *env) listReleases(c *cli.Context) error {
	cat := e.titles(c)
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "回执", En: "RECEIPT"}, Whole: true},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "requester", Title: exchange.Text{Zh: "申请单位", En: "REQUESTER"}},
		{ID: "operator", Title: exchange.Text{Zh: "经办人", En: "OPERATOR"}, Bare: true},
		{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
		{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Bare: true},
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}, Bare: true},
		{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "basis_kind", Title: exchange.Text{Zh: "依据", En: "BASIS"}, Bare: true},
		{ID: "basis_ref", Title: exchange.Text{Zh: "依据", En: "BASIS"}},
		{ID: "rule", Title: exchange.Text{Zh: "规则", En: "RULE"}},
		{ID: "clause", Title: exchange.Text{Zh: "未满足", En: "FAILED"}},
		{ID: "urgency", Title: exchange.Text{Zh: "紧急调用", En: "EMERGENCY"}},
	}}
	node, cursor := e.node(), ""
	err := pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		ask := node.Releases
		if c.Bool("emergency") {
			ask = node.Emergencies
		}
		page, err := ask(c.Context, c.String("status"), cursor, limit)
		if err != nil {
			return 0, false, err
		}
		for _, r := range page.Releases {
			list.add(r.ID, r.At, told(releaseStatuses, r.Status), r.Requester, r.Operator, r.Record.Author, r.Record.ID, r.Record.Category,
				r.Fields, purposeCell(cat, r.Purpose), r.Basis.Kind, r.Basis.Ref, r.Decision.Rule, told(clauses, r.Decision.Clause), told(urgencies, urgencyOf(r)))
		}
		cursor = page.Next
		return len(page.Releases), page.Next != "", nil
	})
	if err != nil {
		return err
	}
	return e.print(list)
}

func (e *env) showRelease(c *cli.Context, r wire.Release) error {
	cat := e.titles(c)
	return e.object(r, func(w io.Writer) { e.releaseCard(w, cat, r) })
}

func (e *env) releaseCard(w io.Writer, cat *catalogue.Catalogue, r wire.Release) {
	var fields []string
	for _, f := range r.Fields {
		fields = append(fields, e.say(fieldTitle(cat, r.Record.Category, f)))
	}
	who := ""
	if a := r.Decision.Approval; r.Status == "pending" && (a == catalogue.ApprovalAuthor || a == "") {
		who = string(r.Record.Author)
	}
	facts := []fact{
		{exchange.Text{Zh: "回执", En: "receipt"}, r.ID},
		{exchange.Text{Zh: "状态", En: "status"}, told(releaseStatuses, r.Status)},
		{exchange.Text{Zh: "须批准的单位", En: "must approve"}, who},
		{exchange.Text{Zh: "申请单位", En: "requester"}, r.Requester},
		{exchange.Text{Zh: "经办人", En: "operator"}, r.Operator},
		{exchange.Text{Zh: "作者单位", En: "author"}, r.Record.Author},
		{exchange.Text{Zh: "记录", En: "record"}, r.Record.ID},
		{exchange.Text{Zh: "类别", En: "category"}, categoryCell(cat, r.Record.Category)},
		{exchange.Text{Zh: "信息项", En: "fields"}, strings.Join(fields, e.t("、", ", "))},
		{exchange.Text{Zh: "用途", En: "purpose"}, purposeCell(cat, r.Purpose)},
		{exchange.Text{Zh: "依据", En: "basis"}, e.say(word(bases, r.Basis.Kind)) + " " + r.Basis.Ref},
		{exchange.Text{Zh: "目录", En: "catalogue"}, reference(r.Decision)},
		{exchange.Text{Zh: "规则", En: "rule"}, r.Decision.Rule},
		{exchange.Text{Zh: "未满足", En: "failed clause"}, toldAll(clauses, failedOf(r.Decision))},
		{exchange.Text{Zh: "理由", En: "why"}, r.Decision.Why},
		{exchange.Text{Zh: "所需", En: "needed"}, r.Decision.Need},
		{exchange.Text{Zh: "申请时间", En: "asked"}, r.At},
		{exchange.Text{Zh: "有效至", En: "valid until"}, pointed(r.Until)},
	}
	facts = append(facts, e.moreFacts(r)...)
	for _, a := range r.Approvals {
		verdict := exchange.Text{Zh: "拒绝", En: "denied by"}
		if a.Approve {
			verdict = exchange.Text{Zh: "批准", En: "approved by"}
		}
		facts = append(facts, fact{verdict, strings.TrimSpace(string(a.By) + "/" + string(a.Operator) + " " + humanCell(a.At, e.Lang) + " " + a.Note)})
	}
	for _, side := range []struct {
		title   exchange.Text
		receipt *wire.Receipt
	}{
		{exchange.Text{Zh: "交付", En: "delivered"}, r.Delivered}, {exchange.Text{Zh: "查阅", En: "opened"}, r.Opened},
	} {
		if side.receipt != nil {
			facts = append(facts, fact{side.title, humanCell(side.receipt.At, e.Lang) + " " + side.receipt.Digest})
		}
	}
	for _, d := range r.Custody {
		title := exchange.Text{Zh: "托管方交付", En: "custodian delivered"}
		if d.Opened {
			title = exchange.Text{Zh: "托管方交付、已查阅", En: "custodian delivered, opened"}
		}
		facts = append(facts, fact{title, string(d.Custodian) + " " + humanCell(d.At, e.Lang) + " " + d.Digest})
	}
	e.card(w, facts...)
}

// failedOf is every clause that failed, or the one that a refusal without a
// near rule names.
func failedOf(d catalogue.Decision) []string {
	if len(d.Failed) == 0 && d.Clause != "" {
		return []string{d.Clause}
	}
	return d.Failed
}

// openRelease shows private values. They go to stdout and nowhere else.
func (e *env) openRelease(c *cli.Context) error {
	open := e.node().Open
	if c.Bool("custodians") {
		open = e.node().OpenByCustodians
	}
	opened, err := open(c.Context, exchange.ReleaseID(c.Args().First()))
	if err != nil {
		return err
	}
	category, cat := opened.Release.Record.Category, e.titles(c)
	fields := func() rows {
		if len(opened.Records) == 0 {
			return e.fieldRows(cat, category, opened.Fields)
		}
		return e.bulkRows(cat, category, opened.Records)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(markedRows(fields(), opened))
	}
	return e.object(opened, func(w io.Writer) {
		e.card(w, append([]fact{
			{exchange.Text{Zh: "回执", En: "receipt"}, opened.Release.ID},
			{labelAuthor, opened.Issuer},
			{labelCategory, categoryCell(cat, category)},
			{exchange.Text{Zh: "签名有效", En: "verified"}, opened.Verified},
			{exchange.Text{Zh: "副本标记", En: "mark of this copy"}, opened.Copy}}, e.openedBy(opened)...)...)
		e.section(w, exchange.Text{Zh: "准予的信息项", En: "Granted fields"}, fields())
	})
}
