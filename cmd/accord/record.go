package main

import (
	"encoding/json"
	"io"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// recordCommand enters, imports and reads credit records.
func recordCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:        "record",
		Category:    e.t("信用信息", "credit information"),
		Usage:       e.t("信用记录", "credit records"),
		Subcommands: []*cli.Command{importCommand(e), pullCommand(e), addCommand(e), recordListCommand(e), recordFindCommand(e), recordPublicCommand(e), recordShowCommand(e), qualityCommand(e), correctCommand(e), retractCommand(e), eraseCommand(e), templateCommand(e), mappingsCommand(e, "mappings")},
	}
}

func recordListCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "list",
		Usage: e.t("本单位的记录，新的在前", "this member's records, newest first"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "category", Usage: e.t("类别 `ID`", "`ID` of the category")},
			&cli.StringFlag{Name: "subject", Usage: e.t("信用主体标识或统一社会信用代码 `ID`", "subject `ID` or unified social credit code")},
			&cli.StringFlag{Name: "subject-kind", Usage: e.t("信用主体类型 `ID`", "`ID` of the kind of subject")},
			choice("status", "", []string{"active", "corrected", "retracted"}, e.t("状态", "status")),
			limitFlag(e),
		},
		Action: func(c *cli.Context) error { return e.listRecords(c) },
	}
}

func recordShowCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "show", ArgsUsage: "ID",
		Usage: e.t("一条记录的已签名部分", "the signed part of one record"),
		Flags: []cli.Flag{&cli.StringFlag{Name: "from", Usage: e.t("作者单位 `MEMBER`，默认本单位", "its author `MEMBER`; default this member")}},
		Action: func(c *cli.Context) error {
			r, err := e.node().Record(c.Context, exchange.RecordID(c.Args().First()), exchange.MemberID(c.String("from")))
			if err != nil {
				return err
			}
			return e.showRecord(c, r)
		},
	}
}

func (e *env) showRecord(c *cli.Context, r wire.Record) error {
	cat := e.titles(c)
	return e.object(r, func(w io.Writer) {
		e.card(w,
			fact{labelRecord, r.ID},
			fact{labelCategory, categoryCell(cat, r.Category)},
			fact{exchange.Text{Zh: "信用主体", En: "subject"}, r.Subject},
			fact{exchange.Text{Zh: "主体类型", En: "subject kind"}, told(subjectKinds, r.SubjectKind)},
			fact{labelAuthor, r.Author},
			fact{labelOperator, r.Operator},
			fact{exchange.Text{Zh: "签发时间", En: "issued"}, r.IssuedAt},
			fact{labelStatus, told(recordStatuses, r.Status)},
			fact{exchange.Text{Zh: "取代", En: "replaces"}, r.Replaces},
			fact{exchange.Text{Zh: "被取代", En: "replaced by"}, r.ReplacedBy},
			fact{exchange.Text{Zh: "来源", En: "source"}, r.Source},
			fact{exchange.Text{Zh: "存疑", En: "flags"}, strings.Join(r.Flags, ", ")},
			fact{exchange.Text{Zh: "有争议", En: "disputed"}, disputedText(e, r.Disputed)},
			fact{exchange.Text{Zh: "签名有效", En: "verified"}, r.Verified},
			fact{labelDigest, r.Digest})
		e.section(w, exchange.Text{Zh: "公开信息项", En: "Public fields"}, e.fieldRows(cat, r.Category, publicFields(r)))
		list := rows{Columns: []column{
			{ID: "field", Title: exchange.Text{Zh: "信息项", En: "FIELD"}, Whole: true},
			{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		}}
		for _, f := range r.PrivateFields {
			list.add(f, fieldTitle(cat, r.Category, f))
		}
		e.section(w, exchange.Text{Zh: "密封的信息项（用 accord release ask 申请）", En: "Sealed fields (ask with accord release ask)"}, list)
	})
}

func publicFields(r wire.Record) map[string]json.RawMessage {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.PublicFields, &fields) != nil {
		return nil
	}
	return fields
}

// titles is the catalogue in force, for names beside ids in what people read;
// nil where nobody reads or it cannot be had.
func (e *env) titles(c *cli.Context) *catalogue.Catalogue {
	if e.Format != formatTable {
		return nil
	}
	cat, err := e.catalogueInForce(c)
	if err != nil {
		return nil
	}
	return cat
}

func categoryCell(cat *catalogue.Catalogue, id string) any {
	if cat != nil {
		if c := cat.Category(id); c != nil {
			return titled(id, exchange.Text{Zh: c.Title.Zh + " (" + id + ")", En: c.Title.En + " (" + id + ")"})
		}
	}
	return id
}

// mappingsCommand lists the mappings that come with the product.
func mappingsCommand(e *env, name string) *cli.Command {
	return &cli.Command{
		Name:  name,
		Usage: e.t("内置的导入映射", "the built-in import mappings"),
		Action: func(*cli.Context) error {
			list := rows{Columns: []column{
				{ID: "name", Title: exchange.Text{Zh: "映射", En: "MAPPING"}, Whole: true},
				{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
				{ID: "format", Title: exchange.Text{Zh: "格式", En: "FORMAT"}},
				{ID: "grade", Title: exchange.Text{Zh: "可信度", En: "GRADE"}},
				{ID: "categories", Title: exchange.Text{Zh: "类别", En: "CATEGORIES"}},
				{ID: "source", Title: exchange.Text{Zh: "来源", En: "SOURCE"}},
			}}
			for _, name := range intake.Builtins() {
				m, err := intake.Builtin(name)
				if err != nil {
					return err
				}
				var categories []string
				for _, t := range m.Tables {
					categories = append(categories, t.Category)
				}
				list.add(m.Name, m.Title, m.File.Format, m.Source.Grade, categories, m.Source.Name)
			}
			return e.print(list)
		},
	}
}
