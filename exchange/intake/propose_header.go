package intake

import (
	"slices"
	"strings"
)

// sampleRow is a row before anybody knows which one is the header.
type sampleRow struct {
	number int
	cells  []cell
	wide   bool // a cell of it is merged over several columns, and not with rows below
}

// footerWords begin rows that are no data.
var footerWords = []string{"合计", "小计", "总计", "制表", "填表", "填报人", "审核人", "注:", "说明:", "total", "note:", "source:"}

// tableOf finds the header among the first rows: the row that holds most words
// that name fields, else the first one that is full of text.
func tableOf(rows []sampleRow, merged map[place]extent, words *dictionary) (sampled, bool) {
	at, most := -1, 0
	for i := 0; i < len(rows) && i < headerSearch; i++ {
		known := 0
		for _, c := range rows[i].cells {
			if c.kind == cellText && words.knows(c.text) {
				known++
			}
		}
		if known > most {
			at, most = i, known
		}
	}
	if most < 2 {
		at = slices.IndexFunc(rows[:min(len(rows), headerSearch)], headerLike)
	}
	if at < 0 {
		return sampled{}, false
	}
	t := sampled{table: Table{HeaderRow: rows[at].number, HeaderRows: 1}}
	names := headerNames(rows, at, merged)
	if rows[at].wide && at+1 < len(rows) {
		t.table.HeaderRows = 2
	}
	for _, name := range names {
		t.columns = append(t.columns, sampledColumn{name: name})
	}
	footers := map[string]bool{}
	for _, row := range rows[min(at+t.table.HeaderRows, len(rows)):] {
		if word, is := footerOf(row, len(names)); is {
			footers[word] = true
			continue
		}
		t.rows++
		for i, c := range row.cells {
			if i < len(t.columns) {
				t.columns[i].add(c)
			}
		}
	}
	for _, w := range footerWords {
		if footers[w] {
			t.table.Footers = append(t.table.Footers, w)
		}
	}
	t.columns = parted(t.columns, words)
	for len(t.columns) > 0 && t.columns[len(t.columns)-1].name == "" && t.columns[len(t.columns)-1].filled == 0 {
		t.columns = t.columns[:len(t.columns)-1]
	}
	return t, len(t.columns) > 0
}

// headerLike says whether a row could be a header: at least two cells, all text,
// all different.
func headerLike(row sampleRow) bool {
	seen := map[string]bool{}
	for _, c := range row.cells {
		if c.kind == cellEmpty {
			continue
		}
		form := headerForm(c.text)
		if c.kind != cellText || seen[form] || allDigits(form) {
			return false
		}
		seen[form] = true
	}
	return len(seen) >= 2
}

// headerNames are the words of the header, those of its second row joined to
// them as the reader of workbooks joins them.
func headerNames(rows []sampleRow, at int, merged map[place]extent) (names []string) {
	for i, c := range rows[at].cells {
		names = stack(names, i, trim(c.text))
	}
	if !rows[at].wide || at+1 >= len(rows) {
		return names
	}
	for i := range rows[at].cells {
		if m, ok := merged[place{rows[at].number, i + 1}]; ok {
			for c := i + 2; c <= m.lastColumn && c < maxCells; c++ {
				names = stack(names, c-1, trim(rows[at].cells[i].text))
			}
		}
	}
	for i, c := range rows[at+1].cells {
		names = stack(names, i, trim(c.text))
	}
	return names
}

func footerOf(row sampleRow, width int) (word string, is bool) {
	filled, text := 0, ""
	for _, c := range row.cells {
		if c.kind != cellEmpty && trim(c.text) != "" {
			if filled++; filled == 1 {
				text = strings.ToLower(headerForm(c.text))
			}
		}
	}
	if filled*2 > width+1 {
		return "", false
	}
	for _, w := range footerWords {
		if strings.HasPrefix(text, w) {
			return w, true
		}
	}
	return "", false
}
