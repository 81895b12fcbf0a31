package main

import (
	"io"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/release"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// urgencies are where the justification of an emergency stands.
var urgencies = map[string]exchange.Text{
	"unjustified":    {Zh: "待说明理由", En: "to be justified"},
	"overdue":        {Zh: "逾期未说明", En: "overdue"},
	"justified":      {Zh: "已说明", En: "justified"},
	"justified-late": {Zh: "逾期说明", En: "justified late"},
	"refused":        {Zh: "未获准予", En: "refused"},
}

func urgencyOf(r wire.Release) string {
	if r.Emergency && r.Urgency == "" {
		return "refused"
	}
	return r.Urgency
}

// moreReleaseCommands are the rarer steps of a release, consents, and tracing.
func moreReleaseCommands(e *env) []*cli.Command {
	note := &cli.StringFlag{Name: "note", Usage: e.t("附言 `TEXT`", "a note, `TEXT`")}
	return []*cli.Command{{
		Name: "second", ArgsUsage: "ID",
		Usage: e.t("作为申请单位的第二人确认批量请求", "stand by a bulk request as the requester's second person"),
		Flags: []cli.Flag{note},
		Action: func(c *cli.Context) error {
			r, err := e.node().Second(c.Context, exchange.ReleaseID(c.Args().First()), c.String("note"))
			if err != nil {
				return err
			}
			return e.showRelease(c, r)
		},
	}, {
		Name: "justify", ArgsUsage: "ID",
		Usage: e.t("事后说明紧急调用的理由", "say afterwards why it was an emergency"),
		Flags: []cli.Flag{&cli.StringFlag{Name: "reason", Required: true, Usage: e.t("理由 `TEXT`，各成员可见，不写个人信息", "why, `TEXT`; every member sees it, so no personal data")}},
		Action: func(c *cli.Context) error {
			r, err := e.node().Justify(c.Context, exchange.ReleaseID(c.Args().First()), c.String("reason"))
			if err != nil {
				return err
			}
			return e.showRelease(c, r)
		},
	}, {
		Name: "consent", ArgsUsage: "ID",
		Usage: e.t("为待批准的请求出示主体同意", "bring the subject's consent to a pending request"),
		Flags: []cli.Flag{&cli.StringFlag{Name: "consent", Required: true, Usage: e.t("写有主体同意的 `FILE`", "`FILE` with the subject's consent")}},
		Action: func(c *cli.Context) error {
			text, err := e.consent(c.String("consent"))
			if err != nil {
				return err
			}
			r, err := e.node().PresentConsent(c.Context, exchange.ReleaseID(c.Args().First()), text)
			if err != nil {
				return err
			}
			return e.showRelease(c, r)
		},
	}, signConsentCommand(e), {
		Name: "consent-withdraw", ArgsUsage: "CONSENT",
		Usage: e.t("主体撤回同意：未查阅的不再交付", "the subject takes its consent back: what is not opened is not delivered"),
		Flags: []cli.Flag{note},
		Action: func(c *cli.Context) error {
			out, err := e.node().WithdrawConsent(c.Context, c.Args().First(), c.String("note"))
			if err != nil {
				return err
			}
			return e.object(out, func(w io.Writer) {
				e.card(w, fact{exchange.Text{Zh: "已撤回的同意", En: "withdrawn consent"}, out.ID}, fact{exchange.Text{Zh: "不再交付", En: "not delivered any more"}, out.Release})
			})
		},
	}, {
		Name: "trace", ArgsUsage: "FILE",
		Usage: e.t("从泄露的文件找到授权开放", "find the release that something leaked came from"),
		Description: e.t("FILE 为找到的文件，- 为标准输入。交付的凭证和带标记的副本可在任一节点追查到一次授权；一条披露（盐、信息项、值）只有记录作者的节点能追查，交付给几家就列出几家。裸值无法追查。",
			"FILE is what was found, - for standard input. A delivered presentation or a copy with its mark leads to one release at any node. A bare disclosure (salt, name, value) is found by the record's author only, and all it was delivered to are candidates. A bare value cannot be traced."),
		Action: func(c *cli.Context) error { return e.traceLeak(c) },
	}}
}

func signConsentCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "consent-sign", ArgsUsage: "[SUBJECT]",
		Usage: e.t("签署主体在本单位柜台或门户作出的同意", "sign the consent a subject gave at this member's counter or portal"),
		Flags: append(askingFlags(e),
			&cli.StringFlag{Name: "category", Required: true, Usage: e.t("类别 `ID`", "`ID` of the category")},
			&cli.StringFlag{Name: "record", Usage: e.t("只限记录 `ID`", "only record `ID`")},
			&cli.StringSliceFlag{Name: "field", Required: true, Usage: e.t("信息项 `ID`，可多次", "`ID` of a field, repeatable")},
			&cli.StringFlag{Name: "purpose", Required: true, Usage: e.t("用途 `ID`", "`ID` of the purpose")},
			&cli.StringFlag{Name: "for", Required: true, Usage: e.t("接收单位 `MEMBER`", "the recipient `MEMBER`")},
			&cli.UintFlag{Name: "days", Value: 30, Usage: e.t("有效 `N` 天，至多 366", "valid for `N` days, at most 366")},
			e.outFlag("consent.jws")),
		Action: func(c *cli.Context) error {
			who, err := e.asking(c)
			if err != nil {
				return err
			}
			out, err := e.node().SignConsent(c.Context, wire.AskConsent{Subject: who.Subject, PersonID: who.PersonID, Proof: who.Proof,
				Category: c.String("category"), Record: exchange.RecordID(c.String("record")), Fields: c.StringSlice("field"), Purpose: c.String("purpose"),
				Recipient: exchange.MemberID(c.String("for")), Until: time.Now().Add(time.Duration(c.Uint("days")) * 24 * time.Hour).UTC()})
			if err == nil {
				err = e.savePaper(c, []byte(out.Consent))
			}
			if err != nil || c.String("out") == "-" {
				return err
			}
			return e.object(out, func(w io.Writer) {
				e.card(w, fact{exchange.Text{Zh: "同意编号", En: "consent"}, out.ID}, fact{exchange.Text{Zh: "有效至", En: "valid until"}, out.Until},
					fact{labelFile, c.String("out")},
					fact{exchange.Text{Zh: "下一步", En: "next"}, exchange.Text{Zh: "交给接收单位，由其用 accord release ask --consent 或 accord release consent 出示",
						En: "hand it to the recipient, which presents it with accord release ask --consent or accord release consent"}})
			})
		},
	}
}

// consent reads a consent's JWS from a file, "" for none.
func (e *env) consent(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := e.read(path, release.MaxConsent)
	return strings.TrimSpace(string(text)), err
}

// moreFacts are what only some releases have.
func (e *env) moreFacts(r wire.Release) []fact {
	facts := []fact{}
	if r.Records > 1 {
		facts = append(facts, fact{exchange.Text{Zh: "记录条数", En: "records"}, r.Records})
	}
	word := func(title exchange.Text, a *wire.Approval) {
		if a != nil {
			facts = append(facts, fact{title, strings.TrimSpace(string(a.By) + "/" + string(a.Operator) + " " + humanCell(a.At, e.Lang) + " " + a.Note)})
		}
	}
	word(exchange.Text{Zh: "申请单位第二人", En: "seconded by"}, r.Second)
	if c := r.Consent; c != nil {
		facts = append(facts, fact{exchange.Text{Zh: "主体同意", En: "subject's consent"}, c.ID + " " + string(c.Issuer) + "/" + string(c.Operator)})
	}
	if r.Emergency {
		facts = append(facts, fact{exchange.Text{Zh: "紧急调用", En: "emergency"}, told(urgencies, urgencyOf(r))},
			fact{exchange.Text{Zh: "说明期限", En: "to be justified by"}, pointed(r.JustifyBy)})
	}
	word(exchange.Text{Zh: "紧急理由", En: "justified by"}, r.Justified)
	return facts
}

// bulkRows are the granted fields of several records.
func (e *env) bulkRows(cat *catalogue.Catalogue, category string, records []wire.OpenedRecord) rows {
	var all rows
	for _, one := range records {
		part := e.fieldRows(cat, category, one.Fields)
		if all.Columns == nil {
			all.Columns = append([]column{{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Whole: true}}, part.Columns...)
		}
		for _, r := range part.Cells {
			all.add(append([]any{one.Record}, r...)...)
		}
	}
	return all
}

// markedRows puts the mark of a copy under its fields, so that an exported table has it.
func markedRows(list rows, opened wire.Opened) rows {
	cells := make([]any, len(list.Columns))
	for i := range cells {
		cells[i] = ""
	}
	cells[0], cells[len(cells)-1] = "accord-copy", opened.Copy
	list.add(cells...)
	return list
}

func (e *env) traceLeak(c *cli.Context) error {
	text, err := e.read(c.Args().First(), agency.MaxTrace)
	if err != nil {
		return err
	}
	out, err := e.node().Trace(c.Context, strings.ToValidUTF8(string(text), "?"))
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "release", Title: exchange.Text{Zh: "回执", En: "RELEASE"}, Whole: true},
		{ID: "recipient", Title: exchange.Text{Zh: "接收单位", En: "RECIPIENT"}},
		{ID: "operator", Title: exchange.Text{Zh: "经办人", En: "OPERATOR"}},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "kind", Title: exchange.Text{Zh: "形式", En: "FOUND AS"}},
		{ID: "proved", Title: exchange.Text{Zh: "有签名证明", En: "PROVED"}},
		{ID: "field", Title: exchange.Text{Zh: "信息项", En: "FIELD"}},
		{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Bare: true},
	}}
	for _, t := range out.Found {
		list.add(t.Release, t.Recipient, t.Operator, pointed(t.At), told(traceKinds, t.Kind), t.Proved, t.Field, t.Record)
	}
	return e.print(list)
}

var traceKinds = map[string]exchange.Text{
	agency.TracePresentation: {Zh: "交付的凭证", En: "presentation"},
	agency.TraceCopy:         {Zh: "带标记的副本", En: "marked copy"},
	agency.TraceDisclosure:   {Zh: "披露", En: "disclosure"},
}

// waitingCommand lists what an officer is asked about, and nothing beside.
func waitingCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "waiting",
		Usage:       e.t("等待您批准的请求", "the requests that wait for your word"),
		Description: e.t("只列出接收单位、信息项、用途、主体与条数；用 approve 或 deny 答复。", "Who gets which fields, for what purpose, about whom and how many; answer with approve or deny."),
		Flags:       []cli.Flag{limitFlag(e)},
		Action: func(c *cli.Context) error {
			out, err := e.node().WaitingReleases(c.Context, int(c.Uint("limit")))
			if err != nil {
				return err
			}
			cat := e.titles(c)
			list := rows{Columns: []column{
				{ID: "id", Title: exchange.Text{Zh: "编号", En: "ID"}},
				{ID: "recipient", Title: exchange.Text{Zh: "接收单位", En: "TO"}},
				{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}},
				{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
				{ID: "subject", Title: exchange.Text{Zh: "主体", En: "SUBJECT"}},
				{ID: "records", Title: exchange.Text{Zh: "记录数", En: "RECORDS"}},
				{ID: "until", Title: exchange.Text{Zh: "有效至", En: "UNTIL"}},
			}}
			for _, w := range out.Waiting {
				list.add(w.ID, w.Recipient, fieldsCell(cat, w.Category, w.Fields), purposeCell(cat, w.Purpose), subjectsCell(w.Subjects), w.Records, w.Until)
			}
			return e.print(list)
		},
	}
}

// fieldsCell are a category's fields with their titles; cat may be nil.
func fieldsCell(cat *catalogue.Catalogue, category string, ids []string) (out wordedList) {
	for _, id := range ids {
		out = append(out, worded{id, fieldTitle(cat, category, id)})
	}
	return out
}

// subjectsCell names subjects, by their ids where their names are not public.
func subjectsCell(all []wire.WaitingSubject) []string {
	var out []string
	for _, s := range all {
		if len(s.Names) > 0 {
			out = append(out, s.Names[0])
		} else {
			out = append(out, string(s.Subject))
		}
	}
	return out
}
