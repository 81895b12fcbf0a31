package main

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

var errTotals = exchange.Define(exchange.KindInvalid, "CLI-095",
	exchange.Text{Zh: "{file} 第 {line} 行不是登记总数", En: "line {line} of {file} is no total of registered subjects"},
	exchange.Text{Zh: "首行为 kind,area,registered；area 为 4 位区划代码，空为全部地区；每个主体类型和地区一行", En: "the first line is kind,area,registered; area is 4 digits of GB/T 2260, none for all areas; one line for each kind and area"})

// coverageCommand tells how many subjects have records, of how many there are.
func coverageCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "coverage",
		Usage: e.t("信用记录覆盖率：按主体类型和地区", "coverage of credit records, by kind of subject and area"),
		Description: e.t("统计本节点持有有效记录（及评级）的主体数。--registered 给出登记主体总数（CSV：kind,area,registered），据以计算覆盖率；没有总数的，不算覆盖率。--target 为目标百分比。",
			"Counts subjects with active records, and with ratings, that this node holds. --registered gives the totals of registered subjects (CSV: kind,area,registered) that coverage is reckoned from; where there is no total there is no percentage. --target is the percentage aimed at."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "registered", Usage: e.t("登记主体总数 `FILE`（CSV）", "totals of registered subjects, a CSV `FILE`")},
			&cli.UintFlag{Name: "target", Value: 95, Usage: e.t("目标 `PERCENT`", "the `PERCENT` aimed at")},
		},
		Action: func(c *cli.Context) error { return e.coverage(c) },
	}
}

// place is a kind in an area, "" for all areas.
type place struct{ kind, area string }

// maxTotals is the longest file of totals, in bytes.
const maxTotals = 1 << 20

// totals reads how many subjects are registered. What is not understood is refused,
// with its line.
func (e *env) totals(path string) (map[place]int64, error) {
	all := map[place]int64{}
	if path == "" {
		return all, nil
	}
	text, err := e.read(path, maxTotals)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	in.FieldsPerRecord = 3
	lines, err := in.ReadAll()
	if err != nil || len(lines) == 0 || strings.Join(lines[0], ",") != "kind,area,registered" {
		return nil, errTotals.Wrap(err, "file", path, "line", 1)
	}
	for i, line := range lines[1:] {
		n, err := strconv.ParseInt(line[2], 10, 64)
		at := place{line[0], line[1]}
		_, twice := all[at]
		if err != nil || n < 1 || twice || !exchange.ValidName(at.kind) || at.area != "" && (len(at.area) != 4 || !digits(at.area)) {
			return nil, errTotals.With("file", path, "line", i+2)
		}
		all[at] = n
	}
	return all, nil
}

func (e *env) coverage(c *cli.Context) error {
	registered, err := e.totals(c.String("registered"))
	if err != nil {
		return err
	}
	answer, err := e.node().Coverage(c.Context)
	if err != nil {
		return err
	}
	if err := e.print(coverageRows(answer.Lines, registered, int64(c.Uint("target")))); err != nil {
		return err
	}
	at := humanCell(answer.Known, e.Lang)
	e.note(exchange.Text{Zh: "截至 " + at + " 到达本节点的记录", En: "of what had reached this node by " + at})
	return nil
}

// coverageRows joins what is held with what is registered: a total of a place without
// a record is a line too.
func coverageRows(lines []wire.Covered, registered map[place]int64, target int64) rows {
	list := rows{Columns: []column{
		{ID: "kind", Title: exchange.Text{Zh: "主体类型", En: "KIND"}},
		{ID: "area", Title: exchange.Text{Zh: "地区", En: "AREA"}},
		{ID: "subjects", Title: exchange.Text{Zh: "有记录", En: "WITH RECORDS"}, Right: true},
		{ID: "rated", Title: exchange.Text{Zh: "有评级", En: "RATED"}, Right: true},
		{ID: "registered", Title: exchange.Text{Zh: "登记数", En: "REGISTERED"}, Right: true},
		{ID: "percent", Title: exchange.Text{Zh: "覆盖率%", En: "COVERAGE %"}, Right: true},
		{ID: "reached", Title: exchange.Text{Zh: "达标", En: "REACHED"}},
	}}
	add := func(c wire.Covered) {
		area := any(c.Area)
		switch {
		case c.Whole:
			area = worded{"all", exchange.Text{Zh: "全部", En: "all"}}
		case c.Area == "":
			area = worded{"none", exchange.Text{Zh: "未注明", En: "not named"}}
		}
		at := place{c.Kind, c.Area}
		total, known := registered[at]
		if !known || c.Area == "" && !c.Whole {
			list.add(told(subjectKinds, c.Kind), area, c.Subjects, c.Rated, nil, nil, nil)
			return
		}
		delete(registered, at)
		list.add(told(subjectKinds, c.Kind), area, c.Subjects, c.Rated, total, fmt.Sprintf("%.1f", 100*float64(c.Subjects)/float64(total)), c.Subjects*100 >= target*total)
	}
	for _, c := range lines {
		add(c)
	}
	for _, at := range sortedPlaces(registered) {
		add(wire.Covered{Kind: at.kind, Area: at.area, Whole: at.area == ""})
	}
	return list
}

func sortedPlaces(all map[place]int64) []place {
	return slices.SortedFunc(maps.Keys(all), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.area, b.area))
	})
}
