package main

import (
	"io"

	"accord/exchange"
)

// fact is one line of a card: what it is, and a value as in a table's cell.
type fact struct {
	label exchange.Text
	value any
}

// The labels that stand on several cards: one thing has one name.
var (
	labelNext       = exchange.Text{Zh: "下一步", En: "next"}
	labelDigest     = exchange.Text{Zh: "摘要", En: "digest"}
	labelFile       = exchange.Text{Zh: "文件", En: "file"}
	labelFederation = exchange.Text{Zh: "联合体", En: "federation"}
	labelWords      = exchange.Text{Zh: "口令词", En: "words"}
	labelSize       = exchange.Text{Zh: "账本条数", En: "ledger size"}
	labelRoot       = exchange.Text{Zh: "账本根", En: "ledger root"}
	labelNode       = exchange.Text{Zh: "节点", En: "node"}
	labelCharter    = exchange.Text{Zh: "章程摘要", En: "charter digest"}
	labelMember     = exchange.Text{Zh: "成员单位", En: "member"}
	labelState      = exchange.Text{Zh: "状态摘要", En: "state digest"}
	labelStatus     = exchange.Text{Zh: "状态", En: "status"}
	labelPlan       = exchange.Text{Zh: "方案", En: "plan"}
	labelOperator   = exchange.Text{Zh: "经办人", En: "operator"}
	labelAuthor     = exchange.Text{Zh: "作者单位", En: "author"}
	labelCategory   = exchange.Text{Zh: "类别", En: "category"}
	labelRecord     = exchange.Text{Zh: "记录", En: "record"}
	labelName       = exchange.Text{Zh: "名称", En: "name"}
)

// card writes one thing for people: its facts one below the other, without
// those that have no value.
func (e *env) card(w io.Writer, facts ...fact) {
	cond, wide := e.widths(), 0
	var lines [][2]string
	for _, f := range facts {
		value := clean(humanCell(f.value, e.Lang))
		if value == "" {
			continue
		}
		label := e.say(f.label)
		wide = max(wide, cond.StringWidth(label))
		lines = append(lines, [2]string{label, value})
	}
	for _, line := range lines {
		io.WriteString(w, cond.FillRight(line[0], wide)+columnGap+line[1]+"\n")
	}
}

// section writes a table below a card, with a title; an empty one is left out.
func (e *env) section(w io.Writer, title exchange.Text, r rows) {
	if len(r.Cells) > 0 {
		io.WriteString(w, "\n"+e.paint(bold, e.say(title))+"\n"+e.tableText(r))
	}
}
