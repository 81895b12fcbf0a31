package main

import (
	"encoding/json"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// recordPublicCommand shows what the public is shown, to look at or to publish.
func recordPublicCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "public",
		Usage: e.t("目录现在向公众披露的记录和信息项", "the records and fields that the catalogue shows the public now"),
		Description: e.t("到期、更正、撤回的不再出现。给出 --category 时每个信息项一列，可用 -o csv 导出后公布。",
			"What is over, corrected or retracted is not there any more. With --category every field has a column, to be published with -o csv."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "category", Usage: e.t("类别 `ID`", "`ID` of the category")},
			&cli.StringFlag{Name: "subject", Usage: e.t("机构的信用主体标识或统一社会信用代码 `ID`", "subject `ID` of an organisation or its unified social credit code")},
			&cli.StringFlag{Name: "author", Usage: e.t("作者单位 `MEMBER`", "author `MEMBER`")},
			limitFlag(e),
		},
		Action: func(c *cli.Context) error { return e.publicRecords(c) },
	}
}

func (e *env) publicRecords(c *cli.Context) error {
	cat, err := e.catalogueInForce(c)
	if err != nil {
		return err
	}
	fields := publicColumns(cat, c.String("category"))
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "记录", En: "RECORD"}, Whole: true},
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}, Bare: len(fields) > 0},
		{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
		{ID: "subject", Title: exchange.Text{Zh: "信用主体", En: "SUBJECT"}},
		{ID: "subject_kind", Title: exchange.Text{Zh: "主体类型", En: "KIND"}},
		{ID: "issued_at", Title: exchange.Text{Zh: "签发", En: "ISSUED"}, Bare: true},
		{ID: "until", Title: exchange.Text{Zh: "披露至", En: "SHOWN UNTIL"}},
		{ID: "disputed", Title: exchange.Text{Zh: "有争议", En: "DISPUTED"}, Bare: true},
		{ID: "digest", Title: exchange.Text{Zh: "摘要", En: "DIGEST"}, Bare: true},
	}}
	for _, f := range fields {
		list.Columns = append(list.Columns, column{ID: f.ID, Title: f.Title})
	}
	if len(fields) == 0 {
		list.Columns = append(list.Columns, column{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}})
	}
	q := client.PublicQuery{Category: c.String("category"), Subject: c.String("subject"), Author: c.String("author")}
	node := e.node()
	err = pages(int(c.Uint("limit")), func(limit int) (int, bool, error) {
		q.Limit = limit
		page, err := node.PublicRecords(c.Context, q)
		if err != nil {
			return 0, false, err
		}
		for i := range page.Records {
			list.add(e.publicCells(cat, fields, &page.Records[i])...)
		}
		q.Cursor = page.Next
		return len(page.Records), q.Cursor != "", nil
	})
	if err != nil {
		return err
	}
	return e.print(list)
}

// publicColumns are the fields of a category that have a column each.
func publicColumns(cat *catalogue.Catalogue, category string) (out []*catalogue.Field) {
	if c := cat.Category(category); c != nil {
		for i := range c.Fields {
			if f := &c.Fields[i]; f.Class == catalogue.Public && c.Disclosure.Shows(f.ID) {
				out = append(out, f)
			}
		}
	}
	return out
}

func (e *env) publicCells(cat *catalogue.Catalogue, fields []*catalogue.Field, r *wire.PublicRecord) []any {
	cells := []any{r.ID, categoryCell(cat, r.Category), r.Author, r.Subject, told(subjectKinds, r.SubjectKind), r.IssuedAt, pointed(r.Until), r.Disputed, r.Digest}
	value := func(f *catalogue.Field, raw json.RawMessage) any {
		if raw == nil {
			return nil
		}
		return worded{bare(raw), exchange.Text{Zh: shown(f, raw, exchange.Zh), En: shown(f, raw, exchange.En)}}
	}
	if len(fields) > 0 {
		for _, f := range fields {
			cells = append(cells, value(f, r.Fields[f.ID]))
		}
		return cells
	}
	if e.Format == formatJSON {
		return append(cells, r.Fields)
	}
	var zh, en []string
	for _, id := range fieldOrder(cat, r.Category, r.Fields) {
		f := cat.Field(r.Category, id)
		title := fieldTitle(cat, r.Category, id)
		zh, en = append(zh, title.Zh+"："+shown(f, r.Fields[id], exchange.Zh)), append(en, title.En+": "+shown(f, r.Fields[id], exchange.En))
	}
	raw, err := json.Marshal(r.Fields)
	if err != nil {
		return append(cells, nil)
	}
	return append(cells, worded{string(raw), exchange.Text{Zh: strings.Join(zh, "；"), En: strings.Join(en, "; ")}})
}
