package intake

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cellKind is what stands in a cell, before any field's type is known.
type cellKind uint8

const (
	cellEmpty   cellKind = iota
	cellText             // text as written
	cellNumber           // a number in a workbook or in JSON; text holds its digits
	cellDate             // a date cell of a workbook; text is 2006-01-02
	cellBool             // true or false
	cellError            // #N/A and the like
	cellFormula          // a formula without a stored value
	cellList             // a JSON array of strings, or an XML element that repeats
	cellOther            // an object, or an array of something else
	cellEach             // one cell for each member of a list; see cells
)

// cell is one value of a record as the source has it.
type cell struct {
	kind  cellKind
	text  string
	items []string
	cells []cell // of cellEach
	at    place  // in a worksheet
	json  bool   // from NDJSON or JSON
	more  bool   // the path led to further values, which were left out
	day   string // a workbook's number read as a day, "" when it cannot be one
}

// place is a worksheet cell's row and column, from 1; zero outside workbooks.
type place struct{ row, column int }

// record is one data record, its cells in the order of the mapping's columns.
type record struct {
	number, line, excelRow int
	cells                  []cell
	findings               []finding // about the record as a whole or its bytes
}

// finding is a kind of issue at a place.
type finding struct {
	kind, column, cell string
}

// source gives the data records of one table, io.EOF at the end.
type source interface {
	next() (*record, error)
}

// rawRow is a row of a table before its columns are known.
type rawRow struct {
	cells          []cell
	line, excelRow int
	fault, flag    string
}

// rowSource gives a table's physical rows from the header's on. A row's cells
// are good until the next call.
type rowSource interface {
	next() (rawRow, error)
	header() (names []string, err error)
}

// tabular turns physical rows into records: it finds the mapping's columns in
// the header, leaves out blank rows and footers, and looks at what concerns
// every cell whether it is mapped or not.
type tabular struct {
	rows     rowSource
	table    *Table
	names    []string // header words as in the file
	at       []int    // position of each mapping column
	count    int
	workbook bool
}

func newTabular(rows rowSource, table *Table, workbook bool) (*tabular, error) {
	names, err := rows.header()
	if err != nil {
		return nil, err
	}
	t := &tabular{rows: rows, table: table, names: names, workbook: workbook}
	byName := make(map[string]int, len(names))
	var missing, extra []string
	for i, name := range names {
		form := headerForm(name)
		if _, twice := byName[form]; twice && form != "" {
			extra = append(extra, position(i))
		}
		byName[form] = i
	}
	known := make(map[string]bool, len(table.Columns))
	for _, c := range table.Columns {
		form := headerForm(c.Source)
		known[form] = true
		at, ok := byName[form]
		if !ok {
			missing = append(missing, c.Source)
		}
		t.at = append(t.at, at)
	}
	for i, name := range names {
		if form := headerForm(name); form != "" && form != resultForm && !known[form] && table.Extra == "refuse" {
			extra = append(extra, position(i))
		}
	}
	if len(missing)+len(extra) > 0 {
		return nil, ErrHeader.With("missing", listed(missing), "extra", listed(extra))
	}
	return t, nil
}

// position names a column of a header that is not understood by its place and
// never by its text: in a file that lost its header row the text is the first
// person's data.
func position(i int) string { return "#" + strconv.Itoa(i+1) }

// listed names a few words of a header, cut to what a person reads.
func listed(words []string) string {
	if len(words) == 0 {
		return "-"
	}
	const most = 8
	var b strings.Builder
	for i, w := range words {
		if i == most {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		if r := []rune(strings.ToValidUTF8(w, "?")); len(r) > 40 {
			w = string(r[:40]) + "…"
		} else {
			w = string(r)
		}
		b.WriteString(w)
	}
	return b.String()
}

func (t *tabular) next() (*record, error) {
	for {
		raw, err := t.rows.next()
		if err != nil {
			return nil, err
		}
		if raw.fault == "" && (blank(raw.cells) || t.footer(raw.cells)) {
			continue
		}
		t.count++
		if t.count > maxRows {
			return nil, ErrLimit.With("limit", "5000000 rows")
		}
		rec := &record{number: t.count, line: raw.line, excelRow: raw.excelRow}
		t.fill(rec, raw)
		return rec, nil
	}
}

func (t *tabular) fill(rec *record, raw rawRow) {
	if raw.fault != "" {
		rec.findings = append(rec.findings, finding{kind: raw.fault, column: "*"})
		return
	}
	if raw.flag != "" {
		rec.findings = append(rec.findings, finding{kind: raw.flag, column: "*"})
	}
	if t.repeatsHeader(raw.cells) {
		rec.findings = append(rec.findings, finding{kind: "repeated_header", column: "*"})
		return
	}
	rec.findings = append(rec.findings, t.rawFindings(raw)...)
	rec.cells = make([]cell, len(t.at))
	for i, at := range t.at {
		if at < len(raw.cells) {
			rec.cells[i] = raw.cells[at]
		}
		if t.workbook {
			rec.cells[i].at = place{rec.excelRow, at + 1}
		}
	}
}

// rawFindings looks at bytes no field may hold, in every column of the file.
func (t *tabular) rawFindings(raw rawRow) (found []finding) {
	hurt := 0
	for i, c := range raw.cells {
		name := "*"
		if i < len(t.names) {
			name = t.names[i]
		} else if c.kind != cellEmpty && t.workbook {
			found = append(found, finding{kind: "column_extra", column: "*", cell: c.at.String()})
		}
		if !utf8.ValidString(c.text) {
			if hurt++; hurt == 1 {
				found = append(found, finding{kind: "bad_encoding", column: name, cell: c.at.String()})
			}
		}
		if strings.IndexByte(c.text, 0) >= 0 {
			found = append(found, finding{kind: "nul_byte", column: name, cell: c.at.String()})
		}
	}
	if hurt > 1 {
		for i := range found {
			if found[i].kind == "bad_encoding" {
				found[i].column = "*" // the row as a whole is in another encoding
			}
		}
	}
	return found
}

func blank(cells []cell) bool {
	for _, c := range cells {
		if c.kind != cellEmpty && (c.kind != cellText || trim(c.text) != "") {
			return false
		}
	}
	return true
}

func (t *tabular) footer(cells []cell) bool {
	for _, c := range cells {
		if c.kind == cellEmpty || trim(c.text) == "" {
			continue
		}
		text := headerForm(c.text)
		for _, f := range t.table.Footers {
			if c.kind == cellText && strings.HasPrefix(text, headerForm(f)) {
				return true
			}
		}
		return false
	}
	return false
}

func (t *tabular) repeatsHeader(cells []cell) bool {
	if len(t.names) < 2 || len(cells) < len(t.names) {
		return false
	}
	for i, name := range t.names {
		if headerForm(cells[i].text) != headerForm(name) {
			return false
		}
	}
	return true
}

// headerForm is how headers are compared: half width, without white space, line
// breaks and invisible characters.
func headerForm(s string) string {
	var b strings.Builder
	for _, r := range s {
		if !isBlank(r) && !isInvisible(r) {
			b.WriteRune(halfWidth(r))
		}
	}
	return b.String()
}

// csvRows gives a csvSource's records as rows.
type csvRows struct {
	csv       *csvSource
	headerRow int
	cells     []cell // of the row given last
}

func (r *csvRows) header() ([]string, error) {
	for r.csv.lines.number+1 < r.headerRow {
		if _, err := r.csv.lines.next(); err != nil {
			return nil, ErrHeader.With("missing", "*", "extra", "-")
		}
	}
	rec, err := r.csv.next()
	if err != nil || rec.fault != "" || len(rec.cells) > maxCells {
		return nil, ErrHeader.With("missing", "*", "extra", "-")
	}
	r.csv.width = len(rec.cells)
	return rec.cells, nil
}

func (r *csvRows) next() (rawRow, error) {
	rec, err := r.csv.next()
	if err != nil {
		return rawRow{}, err
	}
	row := rawRow{line: rec.line, fault: rec.fault, flag: rec.flag}
	if row.fault != "" {
		return row, nil
	}
	r.cells = r.cells[:0]
	for _, text := range rec.cells {
		c := cell{}
		if text != "" {
			c = cell{kind: cellText, text: text}
		}
		r.cells = append(r.cells, c)
	}
	row.cells = r.cells
	return row, nil
}
