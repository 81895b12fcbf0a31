package main

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

const (
	columnGap = "  "
	// leastWidth is the narrowest a column is cut to; below it a cell tells
	// nothing, and the terminal had better wrap the line.
	leastWidth = 8
)

// widths measures text in terminal columns, with ambiguous characters as wide
// as the user's terminal draws them. It does not look at the locale.
func (e *env) widths() *runewidth.Condition {
	return &runewidth.Condition{EastAsianWidth: e.Ambiguous == 2, StrictEmojiNeutral: true}
}

// tableText is a list for people: aligned by display width, cut to the
// terminal if there is one.
func (e *env) tableText(r rows) string {
	cond := e.widths()
	r = r.forPeople()
	text := make([][]string, 1, len(r.Cells)+1)
	for _, c := range r.Columns {
		text[0] = append(text[0], e.say(c.Title))
	}
	for _, row := range r.Cells {
		var line []string
		for _, cell := range row {
			line = append(line, clean(humanCell(cell, e.Lang)))
		}
		text = append(text, line)
	}
	wide := columnWidths(cond, text)
	if e.IsTTY(e.Stdout) && e.Width() > 0 {
		shrink(wide, r.Columns, e.Width())
	}
	var b strings.Builder
	for i, line := range text {
		s := alignLine(cond, r.Columns, wide, line)
		if i == 0 {
			s = e.paint(bold, s)
		}
		b.WriteString(s + "\n")
	}
	return b.String()
}

func columnWidths(cond *runewidth.Condition, text [][]string) []int {
	wide := make([]int, len(text[0]))
	for _, line := range text {
		for i, cell := range line {
			wide[i] = max(wide[i], cond.StringWidth(cell))
		}
	}
	return wide
}

// shrink takes columns from the widest that may be cut until the line fits or
// nothing is left to take.
func shrink(wide []int, columns []column, room int) {
	total := (len(wide) - 1) * len(columnGap)
	for _, w := range wide {
		total += w
	}
	for ; total > room; total-- {
		widest := -1
		for i, w := range wide {
			if !columns[i].Whole && w > leastWidth && (widest < 0 || w > wide[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		wide[widest]--
	}
}

// alignLine sets one line, without blanks at its end.
func alignLine(cond *runewidth.Condition, columns []column, wide []int, line []string) string {
	var cells []string
	for i, cell := range line {
		if cond.StringWidth(cell) > wide[i] {
			cell = cond.Truncate(cell, wide[i], "…")
		}
		if columns[i].Right {
			cell = cond.FillLeft(cell, wide[i])
		} else {
			cell = cond.FillRight(cell, wide[i])
		}
		cells = append(cells, cell)
	}
	return strings.TrimRight(strings.Join(cells, columnGap), " ")
}

// clean makes text from outside safe for a terminal and for one line: what is
// not printable (controls, escapes, direction marks, broken UTF-8) is shown as
// its code instead of obeyed. Joiners stay, since Mongolian and emoji need
// them.
func clean(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\ufffd"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) || r == '\u3000' || r == '\u200c' || r == '\u200d' || r == '\u180e':
			b.WriteRune(r)
		case r == '\n' || r == '\t' || r == '\u00a0':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
