package main

import (
	"bytes"
	"io"
	"path/filepath"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/exchange/intake/pull"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

// warnHeld is given when a source's refused rows are to be read again.
var warnHeld = exchange.Define(exchange.KindPartial, "CLI-085",
	exchange.Text{Zh: "有行被拒收，读取进度停在第一个被拒收的行之前", En: "rows were refused, so reading goes on before the first of them next time"},
	exchange.Text{Zh: "在来源系统中改正；若拒收的行不再需要，在映射中写 refused: pass", En: "mend them in the source; where refused rows need no further reading, say refused: pass in the mapping"})

// pulledFolder holds the progress of each mapping's source, in the data folder.
const pulledFolder = "pulls"

func pullCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "pull", ArgsUsage: "MAPPING",
		Usage: e.t("从数据库或网址读取并导入，来源由映射的 pull 部分说明", "read from a database or an address and import; the mapping's pull part says from where"),
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: e.t("只检查，不写入，进度不变", "check only, write nothing, and stay where reading stands")},
			&cli.StringFlag{Name: "save-plan", Usage: e.t("与 --dry-run 一起：只读一页，把导入计划写入新文件 `FILE`", "with --dry-run: read one page and write the plan to a new `FILE`")},
			&cli.StringFlag{Name: "plan", Usage: e.t("按试运行所得的计划 `FILE` 导入一页，情况有变则不写入", "import one page by the plan `FILE` of a dry run, and nothing if anything moved")},
			&cli.BoolFlag{Name: "restart", Usage: e.t("从头读取；已入库的行不会重复", "read from the beginning; rows already stored are not repeated")},
			&cli.StringFlag{Name: "state", Usage: e.t("进度文件 `FILE`，默认在数据目录的 pulls 中", "progress `FILE`; by default in pulls of the data folder")},
			asOfFlag(e),
			&cli.StringFlag{Name: "errors", Usage: e.t("新文件 `FILE`：逐行说明清单（CSV）", "new `FILE`: a list of the findings (CSV)")},
		},
		Action: func(c *cli.Context) error { return e.pull(c) },
	}
}

// pulling is one run of the command.
type pulling struct {
	e        *env
	c        *cli.Context
	q        client.ImportQuery
	progress *pull.Progress
	meter    *meter
	saved    pull.State // what stands in the progress file
	held     bool
	report   wire.ImportReport
	page     int
}

func (e *env) pull(c *cli.Context) error {
	text, err := e.mapping(c.Args().First())
	if err != nil {
		return err
	}
	m, err := e.mappingUsed(c, text, text)
	if err != nil {
		return err
	}
	p := &pulling{e: e, c: c, q: client.ImportQuery{File: m.Name + "." + string(m.File.Format), Mapping: text,
		DryRun: c.Bool("dry-run"), AsOf: c.String("as-of")}}
	if _, err := e.day(p.q.AsOf); err != nil {
		return err
	}
	if p.q.Plan, err = e.importPlan(c, &p.q); err != nil {
		return err
	}
	path := c.String("state")
	if path == "" {
		path = filepath.Join(e.Dir, pulledFolder, m.Name+".json")
	}
	var at pull.State
	if p.progress, at, err = pull.OpenProgress(path, m, c.Bool("restart")); err != nil {
		return err
	}
	defer p.progress.Close()
	p.saved = at
	source, err := pull.Open(c.Context, m, at, pull.Options{Getenv: e.Getenv})
	if err != nil {
		return err
	}
	defer source.Close()
	p.report = wire.ImportReport{File: p.q.File, Mapping: m.Name, DryRun: p.q.DryRun, Issues: []wire.ImportIssue{}, Kinds: map[string]int{}}
	p.meter = e.meter(exchange.Text{Zh: "导入", En: "importing"}, 0)
	err = p.pages(source)
	p.meter.Stop()
	if err != nil {
		return err
	}
	return p.finish()
}

// pages imports page after page, the only one where a plan is made or kept to.
func (p *pulling) pages(source pull.Source) error {
	for over := false; !over; {
		page, err := source.Next(p.c.Context)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			over, err = p.take(page)
		}
		if err != nil {
			return err
		}
		over = over || p.c.String("save-plan") != "" || p.q.Plan != nil
	}
	return nil
}

// take imports a page and then, not before, writes down that it was.
func (p *pulling) take(page *pull.Page) (over bool, err error) {
	p.page++
	before, seen := p.report.Rows, 0
	report := wire.ImportReport{}
	if len(page.Data) > 0 {
		report, err = p.e.node().Import(p.c.Context, p.q, bytes.NewReader(page.Data), func(done, total int) {
			p.meter.Of(int64(max(page.Total, before+total)))
			p.meter.Add(int64(done - seen))
			seen = done
		})
		if err != nil {
			return false, err
		}
	}
	p.meter.Add(int64(report.Rows - seen))
	now, held, over := page.After(p.saved, report.Rows, firstRefused(report))
	if !p.q.DryRun && !p.held {
		if err := p.progress.Save(now); err != nil {
			return false, err
		}
		p.saved = now
	}
	p.held = p.held || held
	p.add(report)
	return over, nil
}

// firstRefused is the number of the first row that was refused, 0 when none was.
// The report lists findings in the order of rows, up to a bound; where the bound
// hid it, it is taken for the first row.
func firstRefused(r wire.ImportReport) int {
	if r.Refused == 0 {
		return 0
	}
	for _, is := range r.Issues {
		if is.Effect == string(intake.Refuse) {
			return max(is.Row, 1)
		}
	}
	return 1
}

// maxPulledIssues bounds the findings that are kept of all pages together.
const maxPulledIssues = 10_000

// add sums up the reports of pages. A row's place is that in its page.
func (p *pulling) add(r wire.ImportReport) {
	sum := &p.report
	sum.Rows, sum.New, sum.Same, sum.Refused, sum.Flagged = sum.Rows+r.Rows, sum.New+r.New, sum.Same+r.Same, sum.Refused+r.Refused, sum.Flagged+r.Flagged
	for kind, n := range r.Kinds {
		sum.Kinds[kind] += n
	}
	for _, is := range r.Issues[:min(len(r.Issues), maxPulledIssues-len(sum.Issues))] {
		is.Place = pagePlace(p.page, is.Place)
		sum.Issues = append(sum.Issues, is)
	}
	sum.IDs, sum.Plan = append(sum.IDs, r.IDs...), r.Plan
	for _, part := range r.Parts {
		at := -1
		for i := range sum.Parts {
			if sum.Parts[i].Part == part.Part {
				at = i
			}
		}
		if at < 0 {
			at, sum.Parts = len(sum.Parts), append(sum.Parts, wire.ImportPart{Part: part.Part})
		}
		all := &sum.Parts[at]
		all.Rows, all.New, all.Same, all.Refused, all.Flagged = all.Rows+part.Rows, all.New+part.New, all.Same+part.Same, all.Refused+part.Refused, all.Flagged+part.Flagged
	}
}

func (p *pulling) finish() error {
	if out := p.c.String("save-plan"); out != "" {
		if err := p.e.savePlan(out, p.report.Plan); err != nil {
			return err
		}
	}
	if out := p.c.String("errors"); out != "" {
		if err := p.e.save(out, []byte(csvText(p.e.inWords(issueRows(p.report.Issues)), true))); err != nil {
			return err
		}
	}
	if p.held && !p.q.DryRun {
		p.e.warn(warnHeld.With())
	}
	return p.e.showImport(p.report)
}
