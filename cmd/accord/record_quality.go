package main

import (
	"io"
	"strconv"

	"accord/exchange"
	"accord/node/wire"

	"github.com/urfave/cli/v2"
)

func qualityCommand(e *env) *cli.Command {
	return &cli.Command{
		Name:  "quality",
		Usage: e.t("数据质量：各来源和各成员单位的完整、有效、及时、重复和更正情况", "how good the data is: completeness, validity, timeliness, duplicates and corrections, by source and by member"),
		Description: e.t("来源按导入时逐日留存的计数统计，不留存行的内容；重复读取的行每次都计。成员单位按本节点持有的记录统计，其中公开信息项和及时性取最新的 1000 条。",
			"Sources are judged by counts kept of each day's rows, not by the rows, which are not kept; a row counts each time it is read. Members are judged by the records this node holds; of public fields and timeliness the newest 1,000 are looked at."),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "source", Usage: e.t("只看一个来源（映射名）`NAME`", "one source, by its mapping's `NAME`")},
			&cli.StringFlag{Name: "member", Usage: e.t("只看一个成员单位 `MEMBER`", "one `MEMBER`")},
			&cli.StringFlag{Name: "category", Usage: e.t("只看一个类别 `ID`", "`ID` of one category")},
			&cli.StringFlag{Name: "from", Usage: e.t("自 `DATE` 起", "from `DATE` on")},
			&cli.StringFlag{Name: "to", Usage: e.t("至 `DATE` 止，默认今天", "up to `DATE`; default today")},
			&cli.UintFlag{Name: "within", Usage: e.t("事件发生后 `N` 天内共享算及时；默认按目录规定的工作日，未规定的为 7 天", "a record is on time within `N` days of its event; default: the catalogue's working days, or 7 days where it sets none")},
		},
		Action: func(c *cli.Context) error {
			query := map[string]string{}
			if c.IsSet("within") {
				query["within"] = strconv.FormatUint(uint64(c.Uint("within")), 10)
			}
			for _, name := range []string{"source", "member", "category", "from", "to"} {
				query[name] = c.String(name)
			}
			for _, name := range []string{"from", "to"} {
				if _, err := e.day(query[name]); err != nil {
					return errBadValue.With("flag", e.line.source("--"+name), "value", query[name], "example", "2026-11-20")
				}
			}
			q, err := e.node().Quality(c.Context, query)
			if err != nil {
				return err
			}
			return e.showQuality(q)
		},
	}
}

func (e *env) showQuality(q wire.Quality) error {
	if e.Format == formatCSV || e.Format == formatCSVBOM {
		return e.print(qualityRows(q))
	}
	return e.object(q, func(w io.Writer) {
		e.card(w,
			fact{exchange.Text{Zh: "自", En: "from"}, q.From},
			fact{exchange.Text{Zh: "至", En: "to"}, q.To},
			fact{exchange.Text{Zh: "计数始于", En: "rows counted since"}, q.Since},
			fact{exchange.Text{Zh: "及时的天数", En: "days on time"}, q.WithinDays})
		e.section(w, exchange.Text{Zh: "来源与成员单位", En: "Sources and members"}, qualityRows(q))
		reasons := rows{Columns: []column{
			{ID: "source", Title: exchange.Text{Zh: "来源", En: "SOURCE"}},
			{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}, Whole: true},
			{ID: "effect", Title: exchange.Text{Zh: "处理", En: "EFFECT"}},
			{ID: "kind", Title: exchange.Text{Zh: "代码", En: "KIND"}, Whole: true},
			{ID: "rows", Title: exchange.Text{Zh: "行", En: "ROWS"}, Right: true},
		}}
		for _, s := range q.Sources {
			for _, f := range s.Findings {
				reasons.add(sourceCell(s.Source), s.Category, told(effects, f.Effect), f.Kind, f.Rows)
			}
		}
		e.section(w, exchange.Text{Zh: "拒收、存疑和重复的原因", En: "Why rows were refused, flagged or taken once"}, reasons)
	})
}

// qualityRows is one row a source and category, then one a member and category.
func qualityRows(q wire.Quality) rows {
	num := func(id, zh, en string) column {
		return column{ID: id, Title: exchange.Text{Zh: zh, En: en}, Right: true}
	}
	list := rows{Columns: []column{
		{ID: "member", Title: exchange.Text{Zh: "成员单位", En: "MEMBER"}},
		{ID: "source", Title: exchange.Text{Zh: "来源", En: "SOURCE"}},
		{ID: "category", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}, Whole: true},
		num("read", "读取", "READ"), num("new", "入库", "NEW"), num("refused", "拒收", "REFUSED"), num("flagged", "存疑", "FLAGGED"),
		num("duplicates", "重复", "DUPLICATES"), num("conflicts", "冲突", "CONFLICTS"),
		num("required", "必填完整", "REQUIRED"), num("optional", "选填完整", "OPTIONAL"), num("public", "公开项完整", "PUBLIC"),
		num("median", "中位天数", "MEDIAN"), num("p90", "九成天数", "P90"), num("on_time", "及时", "ON TIME"),
		num("active", "有效", "ACTIVE"), num("corrected", "更正", "CORRECTED"), num("retracted", "撤回", "RETRACTED"),
	}}
	for _, s := range q.Sources {
		list.add(string(q.Member), sourceCell(s.Source), s.Category, s.Read, s.New, s.Refused, s.Flagged, s.Duplicates, s.Conflicts,
			shareCell(s.Required.Filled, s.Required.Of), shareCell(s.Optional.Filled, s.Optional.Of), nil,
			daysCell(s.Timeliness.Median), daysCell(s.Timeliness.P90), shareCell(s.Timeliness.Within, s.Timeliness.Dated), s.Active, s.Corrected, s.Retracted)
	}
	for _, m := range q.Members {
		list.add(string(m.Member), nil, m.Category, nil, nil, nil, nil, nil, nil, nil, nil, shareCell(m.Public.Filled, m.Public.Of),
			daysCell(m.Timeliness.Median), daysCell(m.Timeliness.P90), shareCell(m.Timeliness.Within, m.Timeliness.Dated), m.Active, m.Corrected, m.Retracted)
	}
	return list
}

// sourceCell names records that no file brought.
func sourceCell(source string) any {
	if source == "" {
		return worded{"", exchange.Text{Zh: "手工录入", En: "by hand"}}
	}
	return source
}

// shareCell is a share in percent, cut to one digit so that only all is 100.
func shareCell(part, of int64) any {
	if of == 0 {
		return nil
	}
	tenths := part * 1000 / of
	return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + "%"
}

func daysCell(days *int64) any {
	if days == nil {
		return nil
	}
	return *days
}
