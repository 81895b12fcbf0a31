package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/intake"
	"accord/node/api"
	"accord/node/client"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var (
	errImportPartly = exchange.Define(exchange.KindPartial, "CLI-036",
		exchange.Text{Zh: "{file}：{rows} 行中有 {refused} 行被拒收", En: "{file}: {refused} of {rows} rows were refused"},
		exchange.Text{Zh: "改正这些行后再次导入整个文件，已入库的行不会重复", En: "mend those rows and import the whole file again; rows already stored are not repeated"})
	errMappingLong = exchange.Define(exchange.KindInvalid, "CLI-037",
		exchange.Text{Zh: "映射文件 {path} 超过 {limit} 字节", En: "the mapping {path} is longer than {limit} bytes"},
		exchange.Text{Zh: "去掉注释，或拆成几个映射", En: "take comments out, or split it"})
)

func importCommand(e *env) *cli.Command {
	return &cli.Command{
		Name: "import", ArgsUsage: "FILE",
		Usage: e.t("导入文件，好的行入库，坏的行逐行说明", "import a file: good rows are kept, the others explained one by one"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "mapping", Value: "auto", Usage: e.t("内置映射名或映射文件 `NAME`；auto 按文件名选择", "built-in mapping or mapping file `NAME`; auto goes by the file's name")},
			&cli.BoolFlag{Name: "dry-run", Usage: e.t("只检查，不写入", "check only, write nothing")},
			&cli.StringFlag{Name: "save-plan", Usage: e.t("与 --dry-run 一起：把导入计划写入新文件 `FILE`", "with --dry-run: write the plan to a new `FILE`")},
			&cli.StringFlag{Name: "plan", Usage: e.t("按试运行所得的计划 `FILE` 导入，情况有变则不写入", "import by the plan `FILE` of a dry run, and nothing if anything moved")},
			asOfFlag(e),
			&cli.StringFlag{Name: "errors", Usage: e.t("新文件 `FILE`：扩展名与来源相同时为附有逐行说明的原表，否则为说明清单（CSV）", "new `FILE`: the same table with a column of findings where its extension is the source's, else a list of them (CSV)")},
		},
		Action: func(c *cli.Context) error { return e.importFile(c) },
	}
}

func (e *env) importFile(c *cli.Context) error {
	path := c.Args().First()
	q := client.ImportQuery{File: filepath.Base(path), DryRun: c.Bool("dry-run"), AsOf: c.String("as-of")}
	_, err := e.day(q.AsOf)
	if err != nil {
		return err
	}
	if q.Mapping, err = e.mapping(c.String("mapping")); err != nil {
		return err
	}
	file := e.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil {
			return err
		} else if info.IsDir() {
			return errFileKind.With("path", path)
		}
		file = f
	}
	if q.Plan, err = e.importPlan(c, &q); err != nil {
		return err
	}
	m := e.meter(exchange.Text{Zh: "导入", En: "importing"}, 0)
	var seen int
	report, err := e.node().Import(c.Context, q, file, func(done, total int) {
		m.Of(int64(total))
		m.Add(int64(done - seen)) // fewer again where a plan is checked first
		seen = done
	})
	m.Stop()
	if err != nil {
		return err
	}
	if out := c.String("save-plan"); out != "" {
		if err := e.savePlan(out, report.Plan); err != nil {
			return err
		}
	}
	if out := c.String("errors"); out != "" {
		if returnable(path, out) {
			err = e.giveBack(c, path, out, q.Mapping, report)
		} else {
			err = e.save(out, []byte(csvText(e.inWords(issueRows(report.Issues)), true)))
		}
		if err != nil {
			return err
		}
	}
	return e.showImport(report)
}

// day is the day that --as-of names, or today.
func (e *env) day(text string) (time.Time, error) {
	if text == "" {
		return e.Now(), nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, errBadValue.With("flag", e.line.source("--as-of"), "value", text, "example", "2026-11-20")
	}
	return t.Add(4 * time.Hour), nil // noon in Beijing
}

// importPlan reads the plan that an import is to keep to: a plan, or the JSON
// that a dry run printed. The day is the plan's unless one is given.
func (e *env) importPlan(c *cli.Context, q *client.ImportQuery) (*wire.ImportPlan, error) {
	if c.String("save-plan") != "" && !q.DryRun {
		return nil, errFlagMissing.With("flag", "--dry-run", "example", "--dry-run --save-plan "+c.String("save-plan"))
	}
	path := c.String("plan")
	if path == "" {
		return nil, nil
	}
	text, err := e.read(path, maxPaper)
	if err != nil {
		return nil, err
	}
	var printed struct {
		wire.ImportPlan
		Report *wire.ImportPlan `json:"plan"`
	}
	if err := json.Unmarshal(text, &printed); err != nil {
		return nil, api.ErrPlan.Wrap(err)
	}
	plan := &printed.ImportPlan
	if printed.Report != nil {
		plan = printed.Report
	}
	if plan.Format != wire.ImportPlanFormat {
		return nil, api.ErrPlan.With()
	}
	if q.AsOf == "" {
		q.AsOf = plan.AsOf
	}
	return plan, nil
}

func (e *env) savePlan(path string, plan *wire.ImportPlan) error {
	if plan == nil {
		return nil // a node that makes none
	}
	text, err := json.MarshalIndent(plan, "", "  ")
	if err != nil {
		return exchange.ErrInternal.Wrap(err)
	}
	return e.save(path, append(text, '\n'))
}

// returnable says whether a source can be given back in the wanted form: a
// workbook as a workbook, delimited text as such.
func returnable(path, out string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return path != "-" && out != "-" && ext == strings.ToLower(filepath.Ext(out)) && slices.Contains([]string{".xlsx", ".csv", ".tsv"}, ext)
}

// giveBack writes the source again with a column that says what is wrong with
// each row.
func (e *env) giveBack(c *cli.Context, path, out, sent string, report wire.ImportReport) error {
	m, err := e.mappingUsed(c, sent, report.Mapping)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var notes []intake.Note
	for _, is := range report.Issues {
		row, err := strconv.Atoi(strings.TrimLeftFunc(is.Place, func(r rune) bool { return r < '0' || r > '9' }))
		if err != nil {
			continue // a place that is no row of the file
		}
		note := intake.Note{Row: row, Text: effectText(is.Effect) + ": " + is.Message.Zh + " / " + is.Message.En}
		if m.File.Format == intake.XLSX {
			note.Table = is.Part
		}
		notes = append(notes, note)
	}
	var b bytes.Buffer
	if err := intake.Returned(c.Context, &b, f, info.Size(), m, notes); err != nil {
		return err
	}
	return e.save(out, b.Bytes())
}

// mappingUsed is the mapping that the node read a file by: the one sent to it,
// a built-in one, or that of a template.
func (e *env) mappingUsed(c *cli.Context, sent, name string) (*intake.Mapping, error) {
	if strings.Contains(sent, "\n") {
		return intake.ParseMapping([]byte(sent))
	}
	category, template := strings.CutPrefix(name, "template.")
	if !template {
		return intake.Builtin(name)
	}
	cat, err := e.catalogueInForce(c)
	if err != nil {
		return nil, err
	}
	return intake.TemplateMapping(cat.Document(), category)
}

// maxMapping is the longest mapping that API v1 takes along with a file.
const maxMapping = 256 << 10

// mapping is the name of a built-in mapping or the text of one in a file. A
// mapping's text has a line end; a name has none.
func (e *env) mapping(name string) (string, error) {
	if name == "auto" || slices.Contains(intake.Builtins(), name) {
		return name, nil
	}
	text, err := e.read(name, maxPaper)
	if errors.Is(err, fs.ErrNotExist) {
		return "", intake.ErrNoMapping.With("mapping", name)
	}
	if err != nil {
		return "", err
	}
	if _, err := intake.ParseMapping(text); err != nil {
		return "", err
	}
	if len(text) > maxMapping {
		return "", errMappingLong.With("path", name, "limit", maxMapping)
	}
	return string(text), nil
}

func (e *env) showImport(r wire.ImportReport) error {
	issues := issueRows(r.Issues)
	var err error
	switch e.Format {
	case formatCSV, formatCSVBOM:
		err = e.print(issues)
	default:
		err = e.object(r, func(w io.Writer) { e.importPage(w, r) })
	}
	if err == nil && r.Refused > 0 {
		err = errImportPartly.With("file", r.File, "rows", r.Rows, "refused", r.Refused)
	}
	return err
}

// inWords is a list for a person's spreadsheet: titles and texts in the tool's
// language.
func (e *env) inWords(r rows) rows {
	var said rows
	for _, c := range r.Columns {
		said.Columns = append(said.Columns, column{ID: e.say(c.Title)})
	}
	for _, row := range r.Cells {
		var cells []any
		for _, cell := range row {
			cells = append(cells, humanCell(cell, e.Lang))
		}
		said.Cells = append(said.Cells, cells)
	}
	return said
}

// importPage shows the counts and then every row that needs a person.
func (e *env) importPage(w io.Writer, r wire.ImportReport) {
	if r.DryRun {
		io.WriteString(w, e.t("只检查，没有写入\n", "checked only, nothing was written\n"))
	}
	io.WriteString(w, e.tableText(partRows(r)))
	var worth []wire.ImportIssue
	for _, i := range r.Issues {
		if i.Effect != string(intake.Same) {
			worth = append(worth, i)
		}
	}
	e.section(w, exchange.Text{Zh: "逐行说明", En: "Rows to look at"}, issueRows(worth))
}

func partRows(r wire.ImportReport) rows {
	list := rows{Columns: []column{
		{ID: "part", Title: exchange.Text{Zh: "部分", En: "PART"}},
		{ID: "rows", Title: exchange.Text{Zh: "行", En: "ROWS"}, Right: true},
		{ID: "new", Title: exchange.Text{Zh: "新增", En: "NEW"}, Right: true},
		{ID: "same", Title: exchange.Text{Zh: "已有", En: "SAME"}, Right: true},
		{ID: "refused", Title: exchange.Text{Zh: "拒收", En: "REFUSED"}, Right: true},
		{ID: "flagged", Title: exchange.Text{Zh: "存疑", En: "FLAGGED"}, Right: true},
	}}
	for _, p := range r.Parts {
		list.add(p.Part, p.Rows, p.New, p.Same, p.Refused, p.Flagged)
	}
	if len(r.Parts) != 1 {
		list.add(exchange.Text{Zh: "合计", En: "total"}, r.Rows, r.New, r.Same, r.Refused, r.Flagged)
	}
	return list
}

func issueRows(issues []wire.ImportIssue) rows {
	list := rows{Columns: []column{
		{ID: "part", Title: exchange.Text{Zh: "部分", En: "PART"}},
		{ID: "row", Title: exchange.Text{Zh: "行", En: "ROW"}, Right: true},
		{ID: "place", Title: exchange.Text{Zh: "位置", En: "PLACE"}},
		{ID: "column", Title: exchange.Text{Zh: "列", En: "COLUMN"}},
		{ID: "effect", Title: exchange.Text{Zh: "处理", En: "EFFECT"}},
		{ID: "kind", Title: exchange.Text{Zh: "代码", En: "KIND"}, Whole: true},
		{ID: "message", Title: exchange.Text{Zh: "原因", En: "REASON"}},
	}}
	for _, i := range issues {
		list.add(i.Part, i.Row, placeCell(i.Place), i.Column, told(effects, i.Effect), i.Kind, i.Message)
	}
	return list
}

// placeCell is a line or a cell of the file; people are told of lines in their
// language.
func placeCell(place string) any {
	page, rest, paged := strings.Cut(place, ", ")
	if !paged || !strings.HasPrefix(page, "page ") {
		page, rest = "", place
	}
	line, ok := strings.CutPrefix(rest, "line ")
	if !ok {
		return place
	}
	zh := "第 " + line + " 行"
	if page != "" {
		zh = "第 " + strings.TrimPrefix(page, "page ") + " 页" + zh
	}
	return titled(place, exchange.Text{Zh: zh, En: place})
}

// pagePlace is a place in a page of a source.
func pagePlace(page int, place string) string { return "page " + strconv.Itoa(page) + ", " + place }
