package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/release"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var (
	errRuleFile = exchange.Define(exchange.KindInvalid, "CAT-008",
		exchange.Text{Zh: "规则表须为 .xlsx 或 .csv 文件：{path}", En: "a rule table is an .xlsx or .csv file: {path}"},
		exchange.Text{Zh: "用 accord catalogue rules-export 导出一份", En: "export one with accord catalogue rules-export"})
	errSimulateKinds = exchange.Define(exchange.KindNotFound, "CAT-009",
		exchange.Text{Zh: "节点不认识请求中的成员单位 {member}", En: "the node does not know member {member} of a request"},
		exchange.Text{Zh: "等节点跟上账本后再试", En: "try again when the node has caught up"})
)

const ruleSheet = "规则 Rules"

// rulesCommands show the release rules, and take them to a spreadsheet and back.
func rulesCommands(e *env) []*cli.Command {
	return []*cli.Command{{
		Name:  "rules",
		Usage: e.t("授权规则", "the release rules"),
		Flags: []cli.Flag{catalogueFlag(e, "")},
		Action: func(c *cli.Context) error {
			cat, err := e.catalogue(c)
			if err != nil {
				return err
			}
			return e.print(ruleRows(cat))
		},
	}, {
		Name:  "rules-export",
		Usage: e.t("把规则写成表格（.xlsx 或 .csv）", "write the rules as a table (.xlsx or .csv)"),
		Flags: []cli.Flag{catalogueFlag(e, ""), e.outFlag("")},
		Action: func(c *cli.Context) error {
			cat, err := e.catalogue(c)
			if err != nil {
				return err
			}
			table, err := writeRules(c.String("out"), cat.Document())
			if err != nil {
				return err
			}
			return e.save(c.String("out"), table)
		},
	}, {
		Name: "rules-import", ArgsUsage: "TABLE FILE",
		Usage: e.t("用表格中的规则替换目录文件的规则，写成新的 YAML 文件；注释不保留", "put the rules of a table in place of those of a catalogue file, as a new YAML file; comments are not kept"),
		Flags: []cli.Flag{e.outFlag("")},
		Action: func(c *cli.Context) error {
			doc, err := e.draftCatalogue(c.Context, c.Args().Get(1))
			if err != nil {
				return err
			}
			if doc.Rules, err = e.readRules(c.Context, c.Args().Get(0)); err != nil {
				return err
			}
			if err := catalogue.Validate(doc); err != nil {
				return err
			}
			text, err := catalogue.YAML(doc)
			if err != nil {
				return err
			}
			return e.save(c.String("out"), text)
		},
	}}
}

func writeRules(path string, doc *catalogue.Document) ([]byte, error) {
	grid := catalogue.RuleTable(doc.Rules)
	var b bytes.Buffer
	switch strings.ToLower(filepath.Ext(path)) {
	case ".xlsx":
		err := intake.WriteGrid(&b, ruleSheet, grid)
		return b.Bytes(), err
	case ".csv":
		b.WriteString(byteOrderMark)
		w := csv.NewWriter(&b)
		w.UseCRLF = true
		for _, row := range grid {
			for i, s := range row {
				if isFormula(s) || strings.HasPrefix(s, "'") {
					row[i] = "'" + s // nothing computes in a spreadsheet; taken off again when it is read
				}
			}
			if err := w.Write(row); err != nil {
				return nil, err
			}
		}
		w.Flush()
		return b.Bytes(), w.Error()
	}
	return nil, errRuleFile.With("path", path)
}

func (e *env) readRules(ctx context.Context, path string) ([]catalogue.Rule, error) {
	const most = 16 << 20
	ext := strings.ToLower(filepath.Ext(path))
	if ext != ".xlsx" && ext != ".csv" {
		return nil, errRuleFile.With("path", path)
	}
	data, err := e.read(path, most)
	if err != nil {
		return nil, err
	}
	if ext == ".xlsx" {
		grid, err := intake.ReadGrid(ctx, bytes.NewReader(data), int64(len(data)), ruleSheet)
		if err != nil {
			return nil, err
		}
		return catalogue.ReadRuleTable(grid)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte(byteOrderMark))))
	grid, err := r.ReadAll()
	if err != nil {
		return nil, errRuleFile.Wrap(err, "path", path)
	}
	for _, row := range grid {
		for i := range row {
			row[i] = strings.TrimPrefix(row[i], "'")
		}
	}
	return catalogue.ReadRuleTable(grid)
}

// fmtCommand writes a catalogue file in the one form.
func fmtCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "fmt", ArgsUsage: "FILE",
		Usage: e.t("把目录文件写成统一格式的 YAML；注释不保留", "write a catalogue file as YAML in its one form; comments are not kept"),
		Flags: []cli.Flag{e.outFlag("-")},
		Action: func(c *cli.Context) error {
			doc, err := e.draftCatalogue(c.Context, c.Args().First())
			if err != nil {
				return err
			}
			text, err := catalogue.YAML(doc)
			if err != nil {
				return err
			}
			return e.save(c.String("out"), text)
		},
	}
}

// simulated is what `catalogue simulate` says.
type simulated struct {
	Catalogue string            `json:"catalogue"`
	Since     time.Time         `json:"since"`
	Requests  int               `json:"requests"`
	Members   []catalogue.Tally `json:"members"`
	Flips     []flip            `json:"flips"`
}

// flip is a request that a draft would decide otherwise.
type flip struct {
	Release   exchange.ReleaseID `json:"release"`
	At        time.Time          `json:"at"`
	Requester exchange.MemberID  `json:"requester"`
	Category  string             `json:"category"`
	Fields    []string           `json:"fields"`
	Purpose   string             `json:"purpose"`
	Was       catalogue.Decision `json:"was"`
	Now       catalogue.Decision `json:"now"`
}

// simulateCommand replays the ledger's requests under a draft.
func simulateCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "simulate", ArgsUsage: "FILE",
		Usage: e.t("用目录草案重新裁决近日的请求：哪些结果会改变，涉及哪些成员单位", "decide the requests of the last days again under a draft: which decisions flip, for which member"),
		Flags: []cli.Flag{&cli.UintFlag{Name: "days", Value: 30, Usage: e.t("最近 `N` 天", "the last `N` days")}},
		Action: func(c *cli.Context) error {
			document, err := e.catalogueFile(c.Context, c.Args().First())
			if err != nil {
				return err
			}
			draft, err := catalogue.Load(document)
			if err != nil {
				return err
			}
			out, err := e.simulate(c.Context, draft, time.Now().AddDate(0, 0, -int(c.Uint("days"))))
			if err != nil {
				return err
			}
			return e.printSimulated(draft, out)
		},
	}
}

func (e *env) simulate(ctx context.Context, draft *catalogue.Catalogue, since time.Time) (simulated, error) {
	out := simulated{Catalogue: draft.Reference(), Since: since.UTC().Truncate(time.Second), Flips: []flip{}}
	releases, err := e.releasesSince(ctx, since)
	if err != nil {
		return out, err
	}
	kinds, err := e.memberKinds(ctx)
	if err != nil {
		return out, err
	}
	slices.Reverse(releases) // the oldest first, as they were made
	past, members := make([]catalogue.Past, len(releases)), make([]string, len(releases))
	for i, r := range releases {
		for _, id := range []exchange.MemberID{r.Requester, r.Record.Author} {
			if kinds[id] == "" {
				return out, errSimulateKinds.With("member", id)
			}
		}
		members[i] = string(r.Requester)
		past[i] = catalogue.Past{Was: r.Decision, Request: catalogue.Request{Requester: kinds[r.Requester], Author: kinds[r.Record.Author],
			Category: r.Record.Category, Fields: r.Fields, Purpose: r.Purpose, BasisKind: r.Basis.Kind, BasisRef: r.Basis.Ref, Emergency: r.Emergency, Records: r.Records},
			By: string(r.Requester) + "/" + string(r.Operator), Day: release.DayOf(exchange.MillisOf(r.At))}
	}
	now := draft.Replay(past)
	out.Requests, out.Members = len(past), catalogue.TallyOf(members, past, now)
	for i, r := range slices.Backward(releases) {
		if catalogue.Flips(&r.Decision, &now[i]) {
			out.Flips = append(out.Flips, flip{r.ID, r.At, r.Requester, r.Record.Category, r.Fields, r.Purpose, r.Decision, now[i]})
		}
	}
	return out, nil
}

// releasesSince are the requests on the ledger from a time on, newest first.
func (e *env) releasesSince(ctx context.Context, since time.Time) (all []wire.Release, err error) {
	node, cursor := e.node(), ""
	for {
		page, err := node.Releases(ctx, "", cursor, 200)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Releases {
			if r.At.Before(since) {
				return all, nil
			}
			all = append(all, r)
		}
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}

func (e *env) memberKinds(ctx context.Context) (map[exchange.MemberID]exchange.MemberKind, error) {
	fed, err := e.node().Federation(ctx)
	if err != nil {
		return nil, err
	}
	kinds := map[exchange.MemberID]exchange.MemberKind{}
	for _, m := range fed.Members {
		kinds[m.ID] = m.Kind
	}
	return kinds, nil
}

func (e *env) printSimulated(draft *catalogue.Catalogue, out simulated) error {
	tallies := rows{Columns: []column{
		{ID: "member", Title: exchange.Text{Zh: "成员单位", En: "MEMBER"}},
		{ID: "requests", Title: exchange.Text{Zh: "请求", En: "REQUESTS"}, Right: true},
		{ID: "opened", Title: exchange.Text{Zh: "改为可予开放", En: "OPENED"}, Right: true},
		{ID: "closed", Title: exchange.Text{Zh: "改为不准", En: "CLOSED"}, Right: true},
		{ID: "approvals", Title: exchange.Text{Zh: "改由他人批准", En: "OTHER APPROVAL"}, Right: true},
	}}
	for _, t := range out.Members {
		tallies.add(t.Member, t.Requests, t.Opened, t.Closed, t.Approvals)
	}
	flips := rows{Columns: []column{
		{ID: "release", Title: exchange.Text{Zh: "回执", En: "RECEIPT"}, Whole: true, Bare: true},
		{ID: "at", Title: exchange.Text{Zh: "时间", En: "TIME"}},
		{ID: "requester", Title: exchange.Text{Zh: "申请单位", En: "REQUESTER"}},
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}},
		{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "was", Title: exchange.Text{Zh: "原为", En: "WAS"}},
		{ID: "now", Title: exchange.Text{Zh: "将为", En: "WOULD BE"}},
		{ID: "why", Title: exchange.Text{Zh: "说明", En: "WHY"}},
	}}
	for _, f := range out.Flips {
		flips.add(f.Release, f.At, f.Requester, f.Category, f.Fields, purposeCell(draft, f.Purpose),
			told(releaseStatuses, f.Was.Outcome), told(releaseStatuses, f.Now.Outcome), f.Now.Why)
	}
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(flips)
	}
	return e.object(out, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "目录草案", En: "draft"}, out.Catalogue},
			fact{exchange.Text{Zh: "自", En: "since"}, out.Since},
			fact{exchange.Text{Zh: "请求", En: "requests"}, out.Requests},
			fact{exchange.Text{Zh: "结果改变", En: "flipped"}, len(out.Flips)})
		e.section(w, exchange.Text{Zh: "按成员单位", En: "By member"}, tallies)
		e.section(w, exchange.Text{Zh: "结果改变的请求", En: "Requests decided otherwise"}, flips)
	})
}
