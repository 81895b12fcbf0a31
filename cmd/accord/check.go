package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"accord/crypto/bundle"
	"accord/exchange"

	"github.com/urfave/cli/v2"
)

// checkCommand answers what there is about a subject, as one signed file.
func checkCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "check", ArgsUsage: "SUBJECT",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("信用核查：名单、措施、评级、记录数与完整性，一份签名答复", "credit check: lists, measures, ratings, counts of records and how complete, as one signed answer"),
		Description: e.t("SUBJECT 为信用主体标识或统一社会信用代码。用 --out 保存的文件可离线验证（accord verify、accord-verify），未列入名单由多家成员共签的名单摘要证明。",
			"SUBJECT is a subject id or a unified social credit code. The file that --out keeps is verified offline (accord verify, accord-verify); that the subject is on no list is proven under a digest of the lists that members cosigned."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: e.t("把答复保存到 `FILE`", "keep the answer in `FILE`")},
			&cli.BoolFlag{Name: "jws", Usage: e.t("只要本单位的签名答复（JWS），不带证明；供频繁核查的系统使用", "this member's signed answer alone, a JWS without proofs, for systems that ask often")}},
		Action: func(c *cli.Context) error {
			if c.Bool("jws") {
				return e.creditAnswer(c)
			}
			return e.creditCheck(c)
		},
	}
}

// checked is an answer as the command tells it.
type checked struct {
	*bundle.CreditCheck
	Verified  bool   `json:"verified"`
	Cosigners int    `json:"cosigners"` // of the lists
	File      string `json:"file,omitempty"`
}

// creditAnswer writes the signed answer as it came.
func (e *env) creditAnswer(c *cli.Context) error {
	token, err := e.node().CreditAnswer(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	out := c.String("out")
	if out == "" {
		out = "-"
	}
	return e.save(out, []byte(token+"\n"))
}

func (e *env) creditCheck(c *cli.Context) error {
	evidence, err := e.node().CreditCheck(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	report := bundle.Verify(evidence, bundle.Options{Show: true})
	out := checked{Verified: report.OK}
	for _, d := range report.Documents {
		if d.Answer != nil {
			out.CreditCheck = d.Answer
		}
	}
	if !report.OK || out.CreditCheck == nil || report.Lists == nil {
		return errUnverified.With("file", c.Args().First(), "checks", strings.Join(failedChecks(report), ", "))
	}
	out.Cosigners = len(report.Lists.Cosigners)
	if out.File = c.String("out"); out.File != "" {
		if err := e.save(out.File, evidence); err != nil || out.File == "-" {
			return err
		}
	}
	return e.object(out, func(w io.Writer) { e.checkCard(w, out) })
}

func (e *env) checkCard(w io.Writer, out checked) {
	comma := e.t("、", ", ")
	var measures, grades, feeds []string
	for _, m := range out.Measures {
		measures = append(measures, m.List+"/"+m.Measure)
	}
	for _, g := range out.Grades {
		grades = append(grades, g.Grade+" ("+g.Author+")")
	}
	for _, f := range out.Feeds {
		feeds = append(feeds, e.t(fmt.Sprintf("%s 至第 %d 条", f.Author, f.Entries), fmt.Sprintf("%s up to %d", f.Author, f.Entries))+e.lacking(f))
	}
	objections := exchange.Text{Zh: "无", En: "none"}
	switch {
	case slices.Contains(out.NotKept, "objections"):
		objections = exchange.Text{Zh: "本联合体尚未登记异议", En: "this federation keeps no account of them yet"}
	case len(out.Objections) > 0:
		objections = exchange.Text{Zh: strings.Join(out.Objections, "、"), En: strings.Join(out.Objections, ", ")}
	}
	e.card(w,
		fact{exchange.Text{Zh: "信用主体", En: "subject"}, out.Subject},
		fact{exchange.Text{Zh: "名单命中", En: "on lists"}, len(out.Hits)},
		fact{exchange.Text{Zh: "已证明未列入", En: "proven not to be on"}, strings.Join(out.NotListed, comma)},
		fact{exchange.Text{Zh: "措施", En: "measures"}, strings.Join(measures, comma)},
		fact{exchange.Text{Zh: "评级", En: "ratings"}, strings.Join(grades, comma)},
		fact{exchange.Text{Zh: "未决异议", En: "open objections"}, objections},
		fact{exchange.Text{Zh: "账本位置", En: "ledger position"}, out.Ledger.Size},
		fact{exchange.Text{Zh: "名单时刻", En: "lists as of"}, exchange.Millis(out.Ledger.At)},
		fact{exchange.Text{Zh: "共签名单摘要", En: "cosigned the lists"}, out.Cosigners},
		fact{exchange.Text{Zh: "记录查至", En: "records looked at"}, strings.Join(feeds, comma)},
		fact{exchange.Text{Zh: "出具单位", En: "by"}, out.Issuer},
		fact{exchange.Text{Zh: "已验证", En: "verified"}, out.Verified},
		fact{exchange.Text{Zh: "文件", En: "file"}, out.File})
	hits := rows{Columns: []column{
		{ID: "entry", Title: exchange.Text{Zh: "条目", En: "ENTRY"}, Whole: true},
		{ID: "list", Title: exchange.Text{Zh: "名单", En: "LIST"}},
		{ID: "status", Title: exchange.Text{Zh: "状态", En: "STATUS"}},
		{ID: "by", Title: exchange.Text{Zh: "提名单位", En: "BY"}},
		{ID: "from", Title: exchange.Text{Zh: "列入", En: "SINCE"}},
		{ID: "until", Title: exchange.Text{Zh: "到期", En: "UNTIL"}},
	}}
	for _, h := range out.Hits {
		hits.add(h.Entry, h.List, told(entryStatuses, h.Status), h.By, exchange.Millis(h.From), exchange.Millis(h.Until))
	}
	e.section(w, exchange.Text{Zh: "名单条目", En: "List entries"}, hits)
	held := rows{Columns: []column{
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
		{ID: "author", Title: exchange.Text{Zh: "作者单位", En: "AUTHOR"}},
		{ID: "active", Title: exchange.Text{Zh: "有效记录", En: "ACTIVE"}, Right: true},
		{ID: "adverse", Title: exchange.Text{Zh: "失信类", En: "ADVERSE"}},
	}}
	for _, r := range out.Records {
		held.add(r.Category, r.Author, r.Active, r.Adverse)
	}
	e.section(w, exchange.Text{Zh: "记录", En: "Records"}, held)
}

// lacking says what of a feed is not here.
func (e *env) lacking(f bundle.CheckFeed) string {
	if f.Withheld+f.Erased+f.Missing == 0 {
		return ""
	}
	return e.t(fmt.Sprintf("（目录不予共享 %d，已删除 %d，缺 %d）", f.Withheld, f.Erased, f.Missing),
		fmt.Sprintf(" (withheld %d, erased %d, missing %d)", f.Withheld, f.Erased, f.Missing))
}
