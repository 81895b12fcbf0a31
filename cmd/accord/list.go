package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// listCommand reads lists and puts subjects on them and off them.
func listCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "list",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("红名单、黑名单、重点关注名单", "red, black and watch lists"),
		Subcommands: []*cli.Command{{
			Name: "show", ArgsUsage: "LIST",
			Usage: e.t("名单条目", "the entries of a list"),
			Flags: []cli.Flag{
				choice("status", "", []string{"nominated", "listed", "expired", "withdrawn", "removed"}, e.t("状态", "status")),
				&cli.StringFlag{Name: "subject", Usage: e.t("信用主体标识或统一社会信用代码 `ID`", "subject `ID` or unified social credit code")},
				&cli.StringFlag{Name: "at", Usage: e.t("某一时刻 `TIME` 的名单；日期指当日零时（北京时间）", "the list as of `TIME`; a day means its beginning in Beijing")},
				linearFlag(e), staleFlag(e), limitFlag(e),
			},
			Action: func(c *cli.Context) error { return e.showList(c) },
		}, {
			Name: "entry", ArgsUsage: "ID",
			Usage:  e.t("一个名单条目", "one entry"),
			Flags:  append(entryTimeFlags(e), staleFlag(e)),
			Action: func(c *cli.Context) error { return e.findEntry(c) },
		}, listFindCommand(e), {
			Name:  "kinds",
			Usage: e.t("目录规定的名单、事由、期限和措施", "the catalogue's lists, grounds, terms and measures"),
			Flags: []cli.Flag{catalogueFlag(e, "")},
			Action: func(c *cli.Context) error {
				cat, err := e.catalogue(c)
				if err != nil {
					return err
				}
				return e.listKinds(cat)
			},
		}, nominateCommand(e), withdrawCommand(e), removeCommand(e), {
			Name: "export", ArgsUsage: "ID",
			Usage: e.t("把一个条目导出为证据文件", "export one entry as an evidence file"),
			Flags: []cli.Flag{e.outFlag("")},
			Action: func(c *cli.Context) error {
				evidence, err := e.node().EntryBundle(c.Context, exchange.EntryID(c.Args().First()))
				if err != nil {
					return err
				}
				return e.saveEvidence(c.String("out"), evidence)
			},
		}},
	}
}

// instant reads a time as people type it: RFC 3339, or a day for its beginning
// in Beijing. It comes out in RFC 3339.
func (e *env) instant(flag, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, beijing); err == nil {
		return day.UTC().Format(time.RFC3339), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "", errBadValue.With("flag", e.line.source(dashed(flag)), "value", text, "example", "2026-11-20, 2026-11-20T17:00:00+08:00")
	}
	return at.UTC().Format(time.RFC3339Nano), nil
}

func (e *env) showList(c *cli.Context) error {
	list, q := c.Args().First(), client.EntryQuery{Subject: c.String("subject"), Status: c.String("status"), Linear: c.Bool("linear")}
	node, err := e.reader(c)
	if err != nil {
		return err
	}
	if q.At, err = e.instant("at", c.String("at")); err != nil {
		return err
	}
	var entries []wire.Entry
	var first wire.Entries
	err = pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		q.Limit = limit
		page, err := node.Entries(c.Context, list, q)
		if err != nil {
			return 0, false, err
		}
		if first.At.IsZero() { // all pages show the list of one moment
			first, q.At = page, page.At.UTC().Format(time.RFC3339Nano)
		}
		entries = append(entries, page.Entries...)
		q.Cursor, q.Linear = page.Next, false
		return len(page.Entries), page.Next != "", nil
	})
	if err != nil {
		return err
	}
	if err := e.print(entryRows(e.titles(c), entries)); err != nil {
		return err
	}
	at := humanCell(first.At, e.Lang)
	e.note(exchange.Text{Zh: "截至 " + at, En: "as of " + at})
	return nil
}

func entryRows(cat *catalogue.Catalogue, entries []wire.Entry) rows {
	annulled := slices.ContainsFunc(entries, func(x wire.Entry) bool { return x.AnnulledAt != nil })
	disputed := slices.ContainsFunc(entries, func(x wire.Entry) bool { return x.Disputed })
	list := rows{Columns: []column{
		{ID: "seq", Title: exchange.Text{Zh: "编号", En: "NO."}, Right: true},
		{ID: "list", Title: exchange.Text{Zh: "名单", En: "LIST"}, Bare: true},
		{ID: "name", Title: exchange.Text{Zh: "名称", En: "NAME"}, Bare: true},
		{ID: "subject", Title: exchange.Text{Zh: "信用主体", En: "SUBJECT"}},
		{ID: "subject_kind", Title: exchange.Text{Zh: "主体类型", En: "KIND"}, Bare: true},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "listed_from", Title: exchange.Text{Zh: "列入", En: "SINCE"}},
		{ID: "listed_until", Title: exchange.Text{Zh: "到期", En: "UNTIL"}},
		{ID: "ground", Title: exchange.Text{Zh: "事由", En: "GROUND"}},
		{ID: "measures", Title: exchange.Text{Zh: "措施", En: "MEASURES"}, Bare: true},
		{ID: "by", Title: exchange.Text{Zh: "提名单位", En: "BY"}},
		{ID: "ended_at", Title: exchange.Text{Zh: "结束", En: "ENDED"}, Bare: true},
		{ID: "end_reason", Title: exchange.Text{Zh: "结束原因", En: "REASON"}, Bare: true},
		{ID: "annulled_at", Title: exchange.Text{Zh: "后被撤回", En: "ANNULLED"}, Bare: !annulled},
		{ID: "annul_reason", Title: exchange.Text{Zh: "撤回原因", En: "WHY"}, Bare: !annulled},
		{ID: "disputed", Title: exchange.Text{Zh: "有争议", En: "DISPUTED"}, Bare: !disputed},
		{ID: "id", Title: exchange.Text{Zh: "条目", En: "ENTRY"}, Whole: true},
	}}
	for _, x := range entries {
		list.add(x.Seq, x.List, x.Name, subjectCell(x), told(subjectKinds, x.SubjectKind), told(entryStatuses, x.Status), x.ListedFrom, x.ListedUntil,
			groundCell(cat, x.List, x.Ground), x.Measures, x.By, pointed(x.EndedAt), x.EndReason,
			pointed(x.AnnulledAt), told(endReasons, x.AnnulReason), x.Disputed, x.ID)
	}
	return list
}

// subjectCell is the name for people, where there is one, and the id for
// machines.
func subjectCell(x wire.Entry) any {
	if x.Name == "" {
		return string(x.Subject)
	}
	return titled(x.Subject, exchange.Text{Zh: x.Name, En: x.Name})
}

// pointed is a time that may be missing, as a cell.
func pointed(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

func (e *env) showEntry(c *cli.Context, x wire.Entry) error {
	cat := e.titles(c)
	return e.object(x, func(w io.Writer) {
		decision := ""
		if d := x.Decision; d != nil {
			decision = strings.TrimSpace(d.Authority + " " + d.Number + " " + d.Date)
		}
		e.card(w,
			fact{exchange.Text{Zh: "条目", En: "entry"}, x.ID},
			fact{exchange.Text{Zh: "名单", En: "list"}, x.List},
			fact{exchange.Text{Zh: "编号", En: "number"}, x.Seq},
			fact{labelStatus, told(entryStatuses, x.Status)},
			fact{labelName, x.Name},
			fact{exchange.Text{Zh: "信用主体", En: "subject"}, x.Subject},
			fact{exchange.Text{Zh: "主体类型", En: "subject kind"}, told(subjectKinds, x.SubjectKind)},
			fact{exchange.Text{Zh: "事由", En: "ground"}, groundCell(cat, x.List, x.Ground)},
			fact{exchange.Text{Zh: "决定文书", En: "decision"}, decision},
			fact{exchange.Text{Zh: "措施", En: "measures"}, strings.Join(e.measures(cat, x), ", ")},
			fact{exchange.Text{Zh: "提名单位", En: "by"}, x.By},
			fact{labelOperator, x.Operator},
			fact{exchange.Text{Zh: "拟列入时间", En: "nominated"}, x.NominatedAt},
			fact{exchange.Text{Zh: "列入", En: "listed from"}, x.ListedFrom},
			fact{exchange.Text{Zh: "到期", En: "listed until"}, x.ListedUntil},
			fact{exchange.Text{Zh: "最早可修复", En: "repaired from"}, pointed(x.RepairFrom)},
			fact{exchange.Text{Zh: "结束时间", En: "ended"}, pointed(x.EndedAt)},
			fact{exchange.Text{Zh: "结束原因", En: "why ended"}, told(endReasons, x.EndReason)},
			fact{exchange.Text{Zh: "后被撤回", En: "annulled"}, pointed(x.AnnulledAt)},
			fact{exchange.Text{Zh: "撤回原因", En: "why annulled"}, told(endReasons, x.AnnulReason)},
			fact{exchange.Text{Zh: "有争议", En: "disputed"}, disputedText(e, x.Disputed)},
			fact{exchange.Text{Zh: "版本", En: "version"}, x.Version})
		list := rows{Columns: []column{
			{ID: "id", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Whole: true},
			{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
			{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
			{ID: "digest", Title: exchange.Text{Zh: "摘要", En: "DIGEST"}, Whole: true},
		}}
		for _, r := range x.Records {
			list.add(r.ID, categoryCell(cat, r.Category), r.Author, r.Digest)
		}
		e.section(w, exchange.Text{Zh: "所依据的记录", En: "Records it rests on"}, list)
	})
}

func (e *env) measures(cat *catalogue.Catalogue, x wire.Entry) []string {
	var titles []string
	for _, id := range x.Measures {
		title := id
		if cat != nil && cat.List(x.List) != nil {
			if m := cat.List(x.List).MeasureOf(id); m != nil {
				title = e.say(m.Title)
			}
		}
		titles = append(titles, title)
	}
	return titles
}

// listKinds shows what the catalogue says about lists, one rule a row.
func (e *env) listKinds(cat *catalogue.Catalogue) error {
	list := rows{Columns: []column{
		{ID: "list", Title: exchange.Text{Zh: "名单", En: "LIST"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "what", Title: exchange.Text{Zh: "内容", En: "WHAT"}},
		{ID: "id", Title: exchange.Text{Zh: "标识", En: "ID"}, Whole: true},
		{ID: "text", Title: exchange.Text{Zh: "说明", En: "TEXT"}},
		{ID: "source", Title: exchange.Text{Zh: "出处", En: "SOURCE"}},
	}}
	for _, l := range cat.Document().Lists {
		list.add(l.ID, l.Title, worded{"notice", exchange.Text{Zh: "公示期", En: "notice"}}, nil, noticeCell(l.NoticeMillis), l.Source)
		list.add(l.ID, l.Title, worded{"term_days", exchange.Text{Zh: "期限（天）", En: "term (days)"}}, nil, fmt.Sprintf("%d-%d", l.TermDaysMin, l.TermDaysMax), nil)
		list.add(l.ID, l.Title, worded{"nominators", exchange.Text{Zh: "提名单位", En: "nominators"}}, nil, kindsOf(l.Nominators).joined(), nil)
		list.add(l.ID, l.Title, worded{"subjects", exchange.Text{Zh: "信用主体", En: "subjects"}}, nil, toldAll(subjectKinds, l.Subjects).joined(), nil)
		for _, g := range l.Grounds {
			list.add(l.ID, l.Title, worded{"ground", exchange.Text{Zh: "事由", En: "ground"}}, g.ID, g.Title, g.Source)
		}
		for _, m := range l.Measures {
			list.add(l.ID, l.Title, worded{"measure", exchange.Text{Zh: "措施", En: "measure"}}, m.ID, m.Title, m.Source)
		}
	}
	return e.print(list)
}

// noticeCell is how long a notice runs: a duration for machines, days for people
// where it is whole days.
func noticeCell(millis int64) any {
	d := time.Duration(millis) * time.Millisecond
	const day = 24 * time.Hour
	if d <= 0 || d%day != 0 {
		return d.String()
	}
	return worded{d.String(), exchange.Text{Zh: fmt.Sprintf("%d 天", d/day), En: fmt.Sprintf("%d days", d/day)}}
}
