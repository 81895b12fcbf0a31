package main

import (
	"net/url"
	"strings"

	"accord/exchange"
	"accord/exchange/records"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errPair = exchange.Define(exchange.KindInvalid, "CLI-090",
	exchange.Text{Zh: "筛选条件应写成 项=值，而不是 {argument}", En: "a filter is written key=value, not {argument}"},
	exchange.Text{Zh: "可用的项：{allowed}", En: "the keys there are: {allowed}"})

func recordFindCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "find", ArgsUsage: "[KEY=VALUE...]",
		Usage: e.t("在本节点持有的全部记录（本单位的和镜像的）中查询", "ask all records this node holds, own and mirrored"),
		Description: e.t("筛选项："+strings.Join(records.QuestionKeys(), "、")+"。与 API 和翻页链接同一写法。按名称查询时，同名在前，别名其次，近似最后，并说明理由。",
			"Keys: "+strings.Join(records.QuestionKeys(), ", ")+"; the same in the API and in links between pages. By name, the same comes before other names of a subject and these before what is like it, each with the reason."),
		Flags: append(timeFlags(
			e.t("按作者单位的日期，记录在 `TIME` 时的状况", "how records stood at `TIME` by their authors' dates"),
			e.t("截至 `TIME` 已到达本节点的内容", "only what had reached this node by `TIME`")), limitFlag(e)),
		Action: func(c *cli.Context) error { return e.findRecords(c) },
	}
}

// timeFlags are the two axes of time of a question, each with what it means there.
func timeFlags(asOf, knownAt string) []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "as-of", Usage: asOf}, &cli.StringFlag{Name: "known-at", Usage: knownAt}}
}

// pairsOf reads a question from arguments, and the flags for times.
func pairsOf[Q any](c *cli.Context, args, keys []string, parse func(url.Values) (Q, error)) (url.Values, error) {
	pairs := url.Values{}
	for _, arg := range args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || key == "" {
			return nil, errPair.With("argument", arg, "allowed", strings.Join(keys, ", "))
		}
		pairs.Add(key, value)
	}
	for _, flag := range []string{"as-of", "known-at"} {
		if v := c.String(flag); v != "" {
			pairs.Add(flag, v)
		}
	}
	_, err := parse(pairs) // here, where nobody has to be asked
	return pairs, err
}

func (e *env) findRecords(c *cli.Context) error {
	pairs, err := pairsOf(c, c.Args().Slice(), records.QuestionKeys(), records.ParseQuestion)
	if err != nil {
		return err
	}
	node := e.node()
	return e.printRecords(c, func(cursor string, limit int) (wire.Records, error) {
		return node.Find(c.Context, pairs, cursor, limit)
	}, pairs.Has("name"))
}

// printRecords shows the pages of an answer as one list.
func (e *env) printRecords(c *cli.Context, ask func(cursor string, limit int) (wire.Records, error), named bool) error {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Whole: true},
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
		{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
		{ID: "subject", Title: exchange.Text{Zh: "信用主体", En: "SUBJECT"}},
		{ID: "subject_kind", Title: exchange.Text{Zh: "主体类型", En: "KIND"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "issued_at", Title: exchange.Text{Zh: "签发", En: "ISSUED"}},
		{ID: "name", Title: exchange.Text{Zh: "名称", En: "NAME"}, Bare: !named},
		{ID: "level", Title: exchange.Text{Zh: "匹配", En: "MATCH"}, Bare: !named},
		{ID: "reason", Title: exchange.Text{Zh: "理由", En: "WHY"}, Bare: !named},
		{ID: "flags", Title: exchange.Text{Zh: "存疑", En: "FLAGS"}, Bare: named},
		{ID: "source", Title: exchange.Text{Zh: "来源", En: "SOURCE"}, Bare: true},
		{ID: "digest", Title: exchange.Text{Zh: "摘要", En: "DIGEST"}, Bare: true},
	}}
	cursor, more := "", false
	var first wire.Records
	err := pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		page, err := ask(cursor, limit)
		if err != nil {
			return 0, false, err
		}
		if cursor == "" {
			first = page
		}
		by := map[exchange.SubjectID]wire.NamedSubject{}
		for _, n := range page.Names {
			by[n.Subject] = n
		}
		for _, r := range page.Records {
			n := by[r.Subject]
			list.add(r.ID, r.Category, r.Author, r.Subject, told(subjectKinds, r.SubjectKind), told(recordStatuses, r.Status), r.IssuedAt,
				n.Name, told(matchLevels, n.Level), worded{n.Reason, n.Why}, r.Flags, r.Source, r.Digest)
		}
		cursor, more = page.Next, more || page.More
		return len(page.Records), cursor != "", nil
	})
	if err != nil {
		return err
	}
	if err := e.print(list); err != nil {
		return err
	}
	if more {
		e.note(exchange.Text{Zh: "还有更多主体与该名称相近；请写全名称", En: "more subjects answer to the name; give more of it"})
	}
	at := humanCell(first.Known, e.Lang)
	e.note(exchange.Text{Zh: "截至 " + at + " 到达本节点的记录", En: "of what had reached this node by " + at})
	return nil
}

// listRecords is a question about this member's own.
func (e *env) listRecords(c *cli.Context) error {
	node := e.node()
	status, err := node.Status(c.Context)
	if err != nil {
		return err
	}
	q := client.RecordQuery{Category: c.String("category"), Subject: c.String("subject"), Kind: c.String("subject-kind"), Status: c.String("status"), Author: string(status.Member)}
	return e.printRecords(c, func(cursor string, limit int) (wire.Records, error) {
		q.Cursor, q.Limit = cursor, limit
		return node.Records(c.Context, q)
	}, false)
}
