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
