package main

import (
	"io"
	"slices"
	"strings"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// subjectCommand speaks for the subjects at the counter: what is held on them, who
// looked, complaints and applications.
func subjectCommand(e *env) *cli.Command {
	who := e.t("SUBJECT 为信用主体标识或统一社会信用代码；自然人的证件号码只从文件读取（--person-file）。经办人以 --proof 写明申请人怎样证明身份，号码只以带密钥摘要记入审计日志。",
		"SUBJECT is a subject id or a unified social credit code; a person's number is only ever read from a file (--person-file). The operator says with --proof how the subject proved who it is; the number goes into the audit log as a keyed digest only.")
	return &cli.Command{
		Name:     "subject",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("信用主体权益：本人记录、查阅日志、投诉、依申请公开", "the subjects' side: own records, who looked, complaints, applications"),
		Subcommands: append([]*cli.Command{{
			Name: "records", ArgsUsage: "[SUBJECT]", Description: who,
			Usage:  e.t("本节点持有的该主体的记录；本单位记录含密封的信息项", "what this node holds on the subject; of own records the sealed fields, too"),
			Flags:  askingFlags(e),
			Action: func(c *cli.Context) error { return e.subjectRecords(c) },
		}, {
			Name: "log", ArgsUsage: "[SUBJECT]", Description: who,
			Usage: e.t("谁查阅过、或试图查阅该主体的记录", "who looked at the subject's records, or tried to"),
			Flags: append(askingFlags(e),
				&cli.StringFlag{Name: "out", Usage: e.t("把全部查阅的证据文件保存到 `FILE`，可离线验证一条不缺", "keep the evidence of all accesses in `FILE`, to verify offline that none is missing")}),
			Action: func(c *cli.Context) error { return e.subjectLog(c) },
		}}, petitionCommands(e, who)...),
	}
}

func askingFlags(e *env) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "person-file", Usage: e.t("写有身份证号的 `FILE`，- 为标准输入", "`FILE` with the resident id, - for standard input")},
		&cli.StringFlag{Name: "proof", Required: true, Usage: e.t("身份证明 `KIND:REF`：id-card 身份证、licence 营业执照、mandate 授权委托书、portal 门户登录；id-card 的号码可写作 id-card:-，取自 --person-file",
			"proof of identity `KIND:REF`: id-card, licence, mandate, portal; id-card:- takes the number from --person-file")},
	}
}

// asking reads who asks about itself from the command line.
func (e *env) asking(c *cli.Context) (wire.AskSubject, error) {
	kind, ref, _ := strings.Cut(c.String("proof"), ":")
	in := wire.AskSubject{Subject: c.Args().First(), Proof: wire.SubjectProof{Kind: kind, Ref: ref}}
	var err error
	if in.PersonID, err = e.personID(c.String("person-file")); err != nil {
		return in, err
	}
	if kind == "id-card" && ref == "-" {
		in.Proof.Ref = in.PersonID
	}
	return in, nil
}

// accessEvents are what the ledger says happened, in words.
var accessEvents = map[string]exchange.Text{
	"custodian-delivered": {Zh: "托管方交付", En: "delivered by a custodian"},
	"requested":           {Zh: "申请", En: "requested"}, "approved": {Zh: "批准", En: "approved"}, "denied": {Zh: "不同意", En: "denied"},
	"delivered": {Zh: "交付", En: "delivered"}, "opened": {Zh: "查阅", En: "opened"}, "complained": {Zh: "投诉", En: "complained"},
	"consented": {Zh: "出示主体同意", En: "consented"}, "seconded": {Zh: "申请单位第二人确认", En: "seconded"}, "justified": {Zh: "说明紧急理由", En: "justified"},
	"answered": {Zh: "答复投诉", En: "answered"}, "applied": {Zh: "申请公开", En: "applied"}, "decided": {Zh: "答复申请", En: "decided"},
	"objected": {Zh: "提出异议", En: "objected"}, "settled": {Zh: "处理异议", En: "settled"},
}

// accessOutcomes are what came of it.
var accessOutcomes = map[string]exchange.Text{
	"granted": {Zh: "准予", En: "granted"}, "pending": {Zh: "待批准", En: "pending"}, "refused": {Zh: "不予准予", En: "refused"},
	"upheld": {Zh: "成立", En: "upheld"}, "rejected": {Zh: "不成立", En: "rejected"}, "released": {Zh: "已提供", En: "released"},
	"not-provided": {Zh: "不予提供", En: "refused"},
	"open":         {Zh: "办理中", En: "open"}, "overdue": {Zh: "逾期", En: "overdue"},
}

// outcomeText is an outcome in words; a step without one of its own is its own.
func outcomeText(outcome string) any {
	if _, ok := accessOutcomes[outcome]; ok {
		return told(accessOutcomes, outcome)
	}
	return told(accessEvents, outcome)
}

func (e *env) subjectLog(c *cli.Context) error {
	in, err := e.asking(c)
	if err != nil {
		return err
	}
	log, err := e.node().SubjectLog(c.Context, in)
	if err != nil {
		return err
	}
	if out := c.String("out"); out != "" {
		file, err := e.node().SubjectProof(c.Context, in)
		if err != nil {
			return err
		}
		if report := bundle.Verify(file, bundle.Options{}); !report.OK || report.Accesses == nil {
			return errUnverified.With("file", out, "checks", strings.Join(failedChecks(report), ", "))
		}
		if err := e.save(out, file); err != nil || out == "-" {
			return err
		}
	}
	cat := e.titles(c)
	accesses := e.accessRows(cat, log.Accesses)
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(accesses)
	}
	return e.object(log, func(w io.Writer) {
		e.card(w, fact{exchange.Text{Zh: "信用主体", En: "subject"}, log.Subject},
			fact{exchange.Text{Zh: "账本位置", En: "ledger position"}, log.Position},
			fact{exchange.Text{Zh: "证据文件", En: "evidence"}, c.String("out")})
		receipts := rows{Columns: []column{
			{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Whole: true},
			{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
			{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
			{ID: "count", Title: exchange.Text{Zh: "查阅条数", En: "ACCESSES"}, Right: true},
		}}
		for _, r := range log.Records {
			receipts.add(r.Record, categoryCell(cat, r.Category), r.Author, r.Count)
		}
		e.section(w, exchange.Text{Zh: "记录", En: "Records"}, receipts)
		e.section(w, exchange.Text{Zh: "账本上的查阅", En: "Accesses on the ledger"}, accesses)
		e.section(w, exchange.Text{Zh: "本节点的审计日志", En: "This node's audit log"}, e.lookRows(cat, log.Looks))
	})
}

func (e *env) accessRows(cat *catalogue.Catalogue, accesses []wire.SubjectAccess) rows {
	list := rows{Columns: []column{
		{ID: "number", Title: exchange.Text{Zh: "序号", En: "NO"}, Right: true},
		{ID: "seq", Title: exchange.Text{Zh: "账本条目", En: "LEAF"}, Right: true},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "event", Title: exchange.Text{Zh: "事项", En: "EVENT"}},
		{ID: "outcome", Title: exchange.Text{Zh: "结果", En: "OUTCOME"}},
		{ID: "clause", Title: exchange.Text{Zh: "未满足", En: "FAILED"}},
		{ID: "by", Title: exchange.Text{Zh: "单位", En: "MEMBER"}},
		{ID: "by_kind", Title: exchange.Text{Zh: "单位类型", En: "KIND"}, Bare: true},
		{ID: "operator", Title: exchange.Text{Zh: "经办", En: "BY"}, Bare: true},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "basis_kind", Title: exchange.Text{Zh: "依据种类", En: "BASIS KIND"}, Bare: true},
		{ID: "basis_ref", Title: exchange.Text{Zh: "依据", En: "BASIS"}},
		{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}},
		{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Bare: true},
		{ID: "release", Title: exchange.Text{Zh: "回执", En: "RECEIPT"}, Whole: true},
	}}
	for _, a := range accesses {
		list.add(a.Number, a.Seq, a.At, told(accessEvents, a.Event), outcomeText(a.Outcome), told(clauses, a.Clause), a.By, string(a.ByKind), a.Operator,
			purposeCell(cat, a.Purpose), a.BasisKind, a.BasisRef, a.Fields, a.Record, a.Release)
	}
	return list
}

func (e *env) lookRows(cat *catalogue.Catalogue, lines []wire.SubjectLook) rows {
	gaps := slices.ContainsFunc(lines, func(l wire.SubjectLook) bool { return l.Missing > 0 })
	list := rows{Columns: []column{
		{ID: "line", Title: exchange.Text{Zh: "行", En: "LINE"}, Right: true},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "act", Title: exchange.Text{Zh: "事项", En: "ACT"}},
		{ID: "caller", Title: exchange.Text{Zh: "何人", En: "BY"}},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Bare: true},
		{ID: "report", Title: exchange.Text{Zh: "报告", En: "REPORT"}, Bare: true},
		{ID: "missing", Title: exchange.Text{Zh: "此前缺行", En: "MISSING"}, Right: true, Bare: !gaps},
		{ID: "result", Title: exchange.Text{Zh: "结果", En: "RESULT"}},
	}}
	for _, l := range lines {
		act := told(verbs, l.Act)
		if _, own := looks[l.Act]; own {
			act = told(looks, l.Act)
		}
		var missing any
		if l.Missing > 0 {
			missing = l.Missing
		}
		list.add(l.Line, l.At, act, callerCell(l.Caller), purposeCell(cat, l.Purpose), l.Record, l.Report, missing, told(lookResults, l.Result))
	}
	return list
}

// subjectRecords shows private values. They go to stdout and nowhere else.
func (e *env) subjectRecords(c *cli.Context) error {
	in, err := e.asking(c)
	if err != nil {
		return err
	}
	held, err := e.node().SubjectRecords(c.Context, in)
	if err != nil {
		return err
	}
	cat := e.titles(c)
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		list := rows{Columns: []column{
			{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}}, {ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
			{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}}, {ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
			{ID: "sealed", Title: exchange.Text{Zh: "仍密封的信息项", En: "STILL SEALED"}},
		}}
		for _, r := range held.Records {
			list.add(r.Record.ID, r.Record.Category, r.Record.Author, told(recordStatuses, r.Record.Status), stillSealed(r))
		}
		return e.print(list)
	}
	return e.object(held, func(w io.Writer) {
		e.card(w, fact{exchange.Text{Zh: "信用主体", En: "subject"}, held.Subject}, fact{exchange.Text{Zh: "记录", En: "records"}, len(held.Records)})
		for _, r := range held.Records {
			e.card(w, fact{exchange.Text{Zh: "记录", En: "record"}, r.Record.ID}, fact{labelCategory, categoryCell(cat, r.Record.Category)},
				fact{labelAuthor, r.Record.Author}, fact{exchange.Text{Zh: "状态", En: "status"}, told(recordStatuses, r.Record.Status)},
				fact{exchange.Text{Zh: "仍密封", En: "still sealed"}, strings.Join(stillSealed(r), ", ")})
			if len(r.Opened) > 0 {
				e.section(w, exchange.Text{Zh: "密封的信息项", En: "Sealed fields"}, e.fieldRows(cat, r.Record.Category, r.Opened))
			}
		}
	})
}

// stillSealed are the fields of a record that this answer does not open.
func stillSealed(r wire.SubjectRecord) (names []string) {
	for _, f := range r.Record.PrivateFields {
		if _, shown := r.Opened[f]; !shown {
			names = append(names, f)
		}
	}
	return names
}
