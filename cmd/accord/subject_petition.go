package main

import (
	"io"
	"strings"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// maxTextFile is the longest file with a complaint's or answer's text, in bytes.
const maxTextFile = 16 << 10

// refusalGrounds are the reasons for which an application is refused.
var refusalGrounds = []string{"secret", "not-held", "not-subject", "third-party", "investigation"}

// petitionCommands take complaints and applications, and answer them.
func petitionCommands(e *env, who string) []*cli.Command {
	list := func(name, kind, usage string) *cli.Command {
		return &cli.Command{
			Name: name, ArgsUsage: "[ID]", Usage: usage,
			Flags:  []cli.Flag{choice("status", "", []string{"open", "overdue", "upheld", "rejected", "released", "refused"}, e.t("状态", "status"))},
			Action: func(c *cli.Context) error { return e.petitions(c, kind) },
		}
	}
	return []*cli.Command{{
		Name: "complain", ArgsUsage: "[SUBJECT]", Description: who,
		Usage:  e.t("受理主体对一次查阅的投诉；文本只留在相关两家成员", "take a subject's complaint about an access; the text stays with the two members it concerns"),
		Flags:  append(append(askingFlags(e), &cli.StringFlag{Name: "release", Required: true, Usage: e.t("被投诉的请求 `ID`（见 accord subject log）", "`ID` of the release complained about (see accord subject log)")}), textFlags(e)...),
		Action: func(c *cli.Context) error { return e.complain(c) },
	}, list("complaints", "complaint", e.t("投诉及其办理状态", "complaints and where they stand")), {
		Name: "object", ArgsUsage: "[SUBJECT]",
		Description: who + "\n" + e.t("提名单位或记录作者须在期限内处理；办结前，条目、记录和核查结果都注明有争议。\n文本只留在相关两家成员。联席会议可另行裁定：accord proposal decide objection ID uphold|reject。",
			"Whoever nominated the entry, or authored the record, decides in time; until then entry, record and credit\nchecks say that it is disputed. The text stays with the two members it concerns. The joint meeting may decide\notherwise: accord proposal decide objection ID uphold|reject."),
		Usage: e.t("受理主体对名单条目或记录的异议", "take a subject's objection against an entry on a list or a record"),
		Flags: append(append(askingFlags(e), &cli.StringFlag{Name: "entry", Usage: e.t("名单条目 `ID`", "`ID` of an entry on a list")},
			&cli.StringFlag{Name: "record", Usage: e.t("记录 `ID`", "`ID` of a record")}), textFlags(e)...),
		Action: func(c *cli.Context) error { return e.objectTo(c) },
	}, list("objections", "objection", e.t("异议及其办理状态", "objections and where they stand")), {
		Name: "answer", ArgsUsage: "ID",
		Usage:  e.t("答复对本单位的投诉，或处理对本单位条目、记录的异议", "answer a complaint about this member, or decide an objection against its entry or record"),
		Flags:  append([]cli.Flag{requiredChoice(e, "outcome", []string{"upheld", "rejected"}, e.t("成立、不成立", "upheld, rejected"))}, textFlags(e)...),
		Action: func(c *cli.Context) error { return e.answerComplaint(c) },
	}, {
		Name: "apply", ArgsUsage: "[SUBJECT]", Description: who,
		Usage: e.t("受理主体公开其本人密封信息项的申请", "take a subject's application for sealed fields of its record"),
		Flags: append(askingFlags(e), &cli.StringFlag{Name: "record", Required: true, Usage: e.t("记录 `ID`", "`ID` of the record")},
			&cli.StringSliceFlag{Name: "field", Required: true, Usage: e.t("信息项 `ID`，可多次", "`ID` of a field, repeatable")}),
		Action: func(c *cli.Context) error { return e.applyDisclosure(c) },
	}, list("applications", "application", e.t("公开申请及其办理状态", "applications and where they stand")), {
		Name: "release", ArgsUsage: "ID",
		Usage:  e.t("作为记录作者，向主体提供其申请的信息项：一份可离线验证的文件", "as the record's author, hand out what was applied for: one file that verifies offline"),
		Flags:  []cli.Flag{e.outFlag("")},
		Action: func(c *cli.Context) error { return e.releaseApplication(c) },
	}, {
		Name: "refuse", ArgsUsage: "ID",
		Usage:  e.t("作为记录作者，说明理由不予提供", "as the record's author, refuse an application with reasons"),
		Flags:  append([]cli.Flag{requiredChoice(e, "ground", refusalGrounds, e.t("理由：不予公开、未持有、非本人、涉及第三方、妨碍执法", "ground"))}, textFlags(e)...),
		Action: func(c *cli.Context) error { return e.refuseApplication(c) },
	}}
}

func requiredChoice(_ *env, name string, allowed []string, usage string) cli.Flag {
	f := choice(name, "", allowed, usage)
	f.(*cli.GenericFlag).Required = true
	return f
}

func textFlags(e *env) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "text", Usage: e.t("文本 `TEXT`；涉及个人情况的请用 --text-file", "the text, `TEXT`; use --text-file for what is personal")},
		&cli.StringFlag{Name: "text-file", Usage: e.t("写有文本的 `FILE`，- 为标准输入", "`FILE` with the text, - for standard input")},
	}
}

// petitionText reads a text from the command line or a file.
func (e *env) petitionText(c *cli.Context) (string, error) {
	if path := c.String("text-file"); path != "" {
		raw, err := e.read(path, maxTextFile)
		return strings.TrimSpace(string(raw)), err
	}
	if c.String("text") == "" {
		return "", errFlagMissing.With("flag", "--text-file", "example", "complaint.txt")
	}
	return c.String("text"), nil
}

func (e *env) complain(c *cli.Context) error {
	in, err := e.asking(c)
	if err != nil {
		return err
	}
	text, err := e.petitionText(c)
	if err != nil {
		return err
	}
	p, err := e.node().ComplainRelease(c.Context, wire.ComplainRelease{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof,
		Release: exchange.ReleaseID(c.String("release")), Text: text})
	if err != nil {
		return err
	}
	return e.showPetition(c, p)
}

func (e *env) objectTo(c *cli.Context) error {
	in, err := e.asking(c)
	if err != nil {
		return err
	}
	if (c.String("entry") == "") == (c.String("record") == "") {
		return errFlagMissing.With("flag", "--entry", "example", "ID")
	}
	text, err := e.petitionText(c)
	if err != nil {
		return err
	}
	p, err := e.node().ObjectTo(c.Context, wire.ObjectTo{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof,
		Entry: exchange.EntryID(c.String("entry")), Record: exchange.RecordID(c.String("record")), Text: text})
	if err != nil {
		return err
	}
	return e.showPetition(c, p)
}

func (e *env) applyDisclosure(c *cli.Context) error {
	in, err := e.asking(c)
	if err != nil {
		return err
	}
	p, err := e.node().ApplyDisclosure(c.Context, wire.ApplyDisclosure{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof,
		Record: exchange.RecordID(c.String("record")), Fields: c.StringSlice("field")})
	if err != nil {
		return err
	}
	return e.showPetition(c, p)
}

func (e *env) answerComplaint(c *cli.Context) error {
	text, err := e.petitionText(c)
	if err != nil {
		return err
	}
	p, err := e.node().AnswerComplaint(c.Context, exchange.CommandID(c.Args().First()), wire.AnswerPetition{Outcome: c.String("outcome"), Text: text})
	if err != nil {
		return err
	}
	return e.showPetition(c, p)
}

func (e *env) refuseApplication(c *cli.Context) error {
	text, err := e.petitionText(c)
	if err != nil {
		return err
	}
	p, err := e.node().RefuseApplication(c.Context, exchange.CommandID(c.Args().First()), wire.AnswerPetition{Ground: c.String("ground"), Text: text})
	if err != nil {
		return err
	}
	return e.showPetition(c, p)
}

// releaseApplication writes private values into the file that the subject gets, and
// shows none.
func (e *env) releaseApplication(c *cli.Context) error {
	file, err := e.node().ReleaseApplication(c.Context, exchange.CommandID(c.Args().First()))
	if err != nil {
		return err
	}
	return e.saveEvidence(c.String("out"), file)
}

func (e *env) petitions(c *cli.Context, kind string) error {
	if id := c.Args().First(); id != "" {
		p, err := e.node().Petition(c.Context, exchange.CommandID(id))
		if err != nil {
			return err
		}
		return e.showPetition(c, p)
	}
	all, err := e.node().Petitions(c.Context, kind, c.String("status"))
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "编号", En: "ID"}, Whole: true},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "at", Title: exchange.Text{Zh: "受理", En: "TAKEN"}},
		{ID: "due", Title: exchange.Text{Zh: "期限", En: "DUE"}},
		{ID: "by", Title: exchange.Text{Zh: "受理单位", En: "TAKEN BY"}},
		{ID: "answers", Title: exchange.Text{Zh: "答复单位", En: "ANSWERS"}},
		{ID: "late", Title: exchange.Text{Zh: "逾期答复", En: "LATE"}},
		{ID: "ground", Title: exchange.Text{Zh: "理由", En: "GROUND"}},
		{ID: "record", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Bare: true},
		{ID: "release", Title: exchange.Text{Zh: "请求", En: "RELEASE"}, Bare: true},
		{ID: "entry", Title: exchange.Text{Zh: "条目", En: "ENTRY"}, Bare: true},
		{ID: "disputed", Title: exchange.Text{Zh: "有争议", En: "DISPUTED"}, Bare: true},
	}}
	for _, p := range all.Petitions {
		list.add(p.ID, told(accessOutcomes, petitionStatus(p)), p.At, p.Due, p.By, p.Answers, p.Late, told(groundWords, p.Ground), p.Record.ID, p.Release, p.Entry, p.Disputed)
	}
	return e.print(list)
}

// disputedText says that something is disputed, and nothing where it is not.
func disputedText(e *env, disputed bool) string {
	if !disputed {
		return ""
	}
	return e.t("是：异议未办结（accord subject objections）", "yes: an objection is not decided (accord subject objections)")
}

// groundWords are the grounds of a refusal, in words.
var groundWords = map[string]exchange.Text{
	"secret": {Zh: "依法不予公开", En: "kept from everybody"}, "not-held": {Zh: "信息不存在", En: "not held"}, "not-subject": {Zh: "非本人或其代理人", En: "not the subject"},
	"third-party": {Zh: "涉及第三方", En: "concerns a third party"}, "investigation": {Zh: "妨碍执法", En: "an investigation"},
}

// petitionStatus tells a refused application from a refused request.
func petitionStatus(p wire.Petition) string {
	if p.Status == "refused" {
		return "not-provided"
	}
	return p.Status
}

func (e *env) showPetition(c *cli.Context, p wire.Petition) error {
	cat := e.titles(c)
	return e.object(p, func(w io.Writer) {
		var fields []string
		for _, f := range p.Fields {
			fields = append(fields, e.say(fieldTitle(cat, p.Record.Category, f)))
		}
		e.card(w,
			fact{exchange.Text{Zh: "编号", En: "id"}, p.ID},
			fact{exchange.Text{Zh: "状态", En: "status"}, told(accessOutcomes, petitionStatus(p))},
			fact{exchange.Text{Zh: "条目", En: "entry"}, p.Entry},
			fact{exchange.Text{Zh: "有争议", En: "disputed"}, disputedText(e, p.Disputed)},
			fact{exchange.Text{Zh: "记录", En: "record"}, p.Record.ID},
			fact{labelCategory, categoryCell(cat, p.Record.Category)},
			fact{exchange.Text{Zh: "被投诉的请求", En: "release"}, p.Release},
			fact{exchange.Text{Zh: "申请的信息项", En: "fields"}, strings.Join(fields, e.t("、", ", "))},
			fact{exchange.Text{Zh: "受理单位", En: "taken by"}, p.By},
			fact{exchange.Text{Zh: "答复单位", En: "answers"}, p.Answers},
			fact{exchange.Text{Zh: "受理", En: "taken"}, p.At},
			fact{exchange.Text{Zh: "期限", En: "due"}, p.Due},
			fact{exchange.Text{Zh: "答复", En: "answered"}, pointed(p.Answered)},
			fact{exchange.Text{Zh: "理由", En: "ground"}, told(groundWords, p.Ground)},
			fact{exchange.Text{Zh: "文本", En: "text"}, p.Text},
			fact{exchange.Text{Zh: "答复文本", En: "reply"}, p.Reply})
	})
}
