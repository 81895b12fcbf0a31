package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"

	"github.com/urfave/cli/v2"
)

// mappingCommand makes and tries the documents that say how a source's file
// becomes records. It works on files alone; only the catalogue may be a node's.
func mappingCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:     "mapping",
		Category: e.t("信用信息", "credit information"),
		Usage:    e.t("导入映射：来源文件的列与信息项的对应", "import mappings: how a source's columns become fields"),
		Subcommands: []*cli.Command{mappingsCommand(e, "list"), {
			Name: "init", ArgsUsage: "FILE",
			Usage: e.t("根据表头和前若干行为文件拟定映射", "propose a mapping from a file's header and first rows"),
			Flags: []cli.Flag{catalogueFlag(e, ""), e.outFlag("-"),
				&cli.StringFlag{Name: "category", Usage: e.t("类别 `ID`，默认由表头判断", "`ID` of the category; by default the header tells")}},
			Action: func(c *cli.Context) error { return e.proposeMapping(c) },
		}, {
			Name: "test", ArgsUsage: "FILE",
			Usage: e.t("用映射试读文件的前几行，不写入", "read the first rows of a file by a mapping, without storing anything"),
			Flags: []cli.Flag{catalogueFlag(e, ""), asOfFlag(e),
				&cli.StringFlag{Name: "mapping", Required: true, Usage: e.t("内置映射名或映射文件 `NAME`", "built-in mapping or mapping file `NAME`")},
				&cli.UintFlag{Name: "rows", Value: 5, Usage: e.t("试读 `N` 行", "how many rows, `N`")}},
			Action: func(c *cli.Context) error { return e.tryMapping(c) },
		}},
	}
}

func asOfFlag(e *env) cli.Flag {
	return &cli.StringFlag{Name: "as-of", Usage: e.t("以 `DATE` 为今天判断未来日期和保存期限", "take `DATE` for today when judging future dates and retention")}
}

// source opens the file that a command is about.
func (e *env) source(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errFileKind.With("path", path)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func (e *env) proposeMapping(c *cli.Context) error {
	cat, err := e.catalogue(c)
	if err != nil {
		return err
	}
	if id := c.String("category"); id != "" && cat.Category(id) == nil {
		return errNoCategory.With("category", id, "try", "accord catalogue show")
	}
	path := c.Args().First()
	f, size, err := e.source(path)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := intake.Propose(c.Context, f, size, cat.Document(), intake.ProposeOptions{
		File: filepath.Base(path), Category: c.String("category"), AsOf: e.Now()})
	if err != nil {
		return err
	}
	if err := e.save(c.String("out"), []byte(p.Text)); err != nil {
		return err
	}
	for _, n := range p.Notes {
		e.note(n)
	}
	return nil
}

func (e *env) tryMapping(c *cli.Context) error {
	cat, err := e.catalogue(c)
	if err != nil {
		return err
	}
	asOf, err := e.day(c.String("as-of"))
	if err != nil {
		return err
	}
	name := c.String("mapping")
	text, err := e.mapping(name)
	if err != nil {
		return err
	}
	m, err := e.mappingUsed(c, text, name)
	if err != nil {
		return err
	}
	f, size, err := e.source(c.Args().First())
	if err != nil {
		return err
	}
	defer f.Close()
	tried, err := intake.Try(c.Context, f, size, m, cat.Document(), intake.Options{AsOf: asOf}, int(c.Uint("rows")))
	if err != nil {
		return err
	}
	return e.print(triedRows(cat, tried))
}

func triedRows(cat *catalogue.Catalogue, tried []intake.Tried) rows {
	list := rows{Columns: []column{
		{ID: "table", Title: exchange.Text{Zh: "表", En: "TABLE"}},
		{ID: "row", Title: exchange.Text{Zh: "行", En: "ROW"}, Right: true},
		{ID: "verdict", Title: exchange.Text{Zh: "处理", En: "VERDICT"}},
		{ID: "column", Title: exchange.Text{Zh: "列", En: "COLUMN"}},
		{ID: "field", Title: exchange.Text{Zh: "信息项", En: "FIELD"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "value", Title: exchange.Text{Zh: "读得的值", En: "VALUE"}},
		{ID: "finding", Title: exchange.Text{Zh: "说明", En: "FINDING"}},
	}}
	for _, t := range tried {
		var finding any
		if t.Finding != (exchange.Text{}) {
			finding = t.Finding
		}
		list.add(t.Table, t.Row, told(effects, string(t.Verdict)), t.Column, t.Field, fieldTitle(cat, t.Category, t.Field), triedValue(t.Value), finding)
	}
	return list
}

// triedValue is a normalised value as people read it.
func triedValue(v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case []string:
		return strings.Join(v, "; ")
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v)
}
