package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/catalogue"
	sheet "accord/node/paper"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// reportCommand issues credit reports, draws them and tells who had them.
func reportCommand(e *env) *cli.Command {
	html := &cli.StringFlag{Name: "html", Usage: e.t("把可打印的页面写入 `FILE`", "write the page to print to `FILE`")}
	return &cli.Command{
		Name:     "report",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("信用报告：一份签名文件，可打印，可离线验证", "credit reports: one signed file, to print and to verify offline"),
		Subcommands: []*cli.Command{{
			Name: "issue", ArgsUsage: "SUBJECT",
			Usage: e.t("出具报告，并记入该主体的出具登记", "issue a report, and note it in the subject's register of reports"),
			Flags: []cli.Flag{
				&cli.StringFlag{Name: "purpose", Usage: e.t("用途标识 `ID`（目录规定）", "purpose `ID`, of the catalogue")},
				&cli.UintFlag{Name: "days", Value: 30, Usage: e.t("有效天数 `N`", "valid for `N` days")},
				e.outFlag(""), html,
			},
			Action: func(c *cli.Context) error { return e.issueReport(c) },
		}, {
			Name: "page", ArgsUsage: "FILE",
			Usage:  e.t("由报告文件生成可打印的页面，无需节点", "draw the page to print from a report's file, without a node"),
			Flags:  []cli.Flag{html, catalogueFlag(e, "")},
			Action: func(c *cli.Context) error { return e.reportPage(c) },
		}, {
			Name: "log", ArgsUsage: "SUBJECT",
			Usage:  e.t("本节点就该主体出具过的全部报告，供该主体查阅", "every report this node issued on the subject, for the subject to see"),
			Action: func(c *cli.Context) error { return e.reportLog(c) },
		}, coverageCommand(e)},
	}
}

func (e *env) issueReport(c *cli.Context) error {
	purpose := c.String("purpose")
	if purpose == "" {
		return errFlagMissing.With("flag", "--purpose", "example", "supervision")
	}
	file, err := e.node().IssueReport(c.Context, wire.AskReport{Subject: c.Args().First(), Purpose: purpose, Days: int(c.Uint("days"))})
	if err != nil {
		return err
	}
	if err := e.saveEvidence(c.String("out"), file); err != nil {
		return err
	}
	if path := c.String("html"); path != "" {
		return e.drawReport(path, file, e.titles(c))
	}
	return nil
}

func (e *env) reportPage(c *cli.Context) error {
	path := c.String("html")
	if path == "" {
		return errFlagMissing.With("flag", "--html", "example", "report.html")
	}
	file, err := e.read(c.Args().First(), bundle.MaxFile)
	if err != nil {
		return err
	}
	cat := e.titles(c)
	if c.IsSet("catalogue") {
		if cat, err = e.catalogue(c); err != nil {
			return err
		}
	}
	if err := e.drawReport(path, file, cat); err != nil || path == "-" {
		return err
	}
	return e.object(struct {
		File string `json:"file"`
	}{path}, func(w io.Writer) { e.card(w, fact{labelFile, path}) })
}

func (e *env) drawReport(path string, file []byte, cat *catalogue.Catalogue) error {
	var page bytes.Buffer
	if err := sheet.Write(&page, file, e.Lang, e.paperTitles(cat), time.Now()); err != nil {
		return err
	}
	return e.save(path, page.Bytes())
}

// paperTitles are the catalogue's words, where there is one.
func (e *env) paperTitles(cat *catalogue.Catalogue) sheet.Titles {
	if cat == nil {
		return sheet.Titles{}
	}
	return sheet.Titles{
		List: func(id string) string {
			if l := cat.List(id); l != nil {
				return e.say(l.Title)
			}
			return ""
		},
		Ground: func(list, id string) string { return humanCell(groundCell(cat, list, id), e.Lang) },
		Measure: func(list, id string) string {
			return strings.Join(e.measures(cat, wire.Entry{List: list, Measures: []string{id}}), "")
		},
		Category: func(id string) string { return humanCell(categoryCell(cat, id), e.Lang) },
		Field: func(category, id string) string {
			if f := cat.Field(category, id); f != nil {
				return e.say(f.Title)
			}
			return ""
		},
		Value: func(category, id string, value json.RawMessage) string {
			return shown(cat.Field(category, id), value, e.Lang)
		},
		Purpose: func(id string) string {
			if p := cat.Purpose(id); p != nil {
				return e.say(p.Title)
			}
			return ""
		},
	}
}

// reportStates are the states of a report, in words.
var reportStates = map[string]exchange.Text{
	wire.ReportValid:      {Zh: "有效", En: "valid"},
	wire.ReportSuperseded: {Zh: "已被取代", En: "superseded"},
	wire.ReportExpired:    {Zh: "已过期", En: "expired"},
}

func (e *env) reportLog(c *cli.Context) error {
	log, err := e.node().ReportLog(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "报告", En: "REPORT"}, Whole: true},
		{ID: "at", Title: exchange.Text{Zh: "出具", En: "ISSUED"}},
		{ID: "caller", Title: exchange.Text{Zh: "经办", En: "BY"}},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "until", Title: exchange.Text{Zh: "有效期至", En: "UNTIL"}},
		{ID: "state", Title: exchange.Text{Zh: "状态", En: "STATE"}},
	}}
	for _, r := range log.Reports {
		list.add(r.ID, r.At, callerCell(r.Caller), purposeCell(e.titles(c), r.Purpose), r.Until, told(reportStates, r.State))
	}
	return e.print(list)
}
