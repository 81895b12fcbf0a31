package intake

import (
	"context"
	"encoding/xml"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// sheetRows gives the rows of a worksheet as a stream. Hidden rows are rows;
// rows that the file leaves out are blank.
type sheetRows struct {
	ctx     context.Context
	wb      *workbook
	table   *Table
	x       *xmlPart
	closer  io.Closer
	merges  map[place]extent
	carried map[int]*carried // by column: the merged value that goes on downwards
	row     int              // the last row read
	width   int              // columns of the header; 0 before it is read
	covered int              // columns that merges of the header reach
	done    bool             // behind the last row

	rowCount int // row elements of the sheet, for saying how far the reading is
}

// extent is how far a merge reaches.
type extent struct{ lastRow, lastColumn int }

// carried is the value of a merge for the rows below its first.
type carried struct {
	value   cell
	lastRow int
}

// readMerges reads the merged areas; they stand behind the cells, so they need a
// look of their own at the part, which also counts the rows.
func (wb *workbook) readMerges(part string) (merges map[place]extent, rows int, err error) {
	x, closer, err := wb.part(part, maxSheetPart)
	if err != nil {
		return nil, 0, err
	}
	defer closer.Close()
	x.raw = true
	merges = map[place]extent{}
	for {
		tok, err := x.next()
		if err == io.EOF {
			return merges, rows, nil
		}
		if err != nil {
			return nil, 0, err
		}
		e, ok := tok.(xml.StartElement)
		if ok && e.Name.Local == "row" {
			rows++
		}
		if !ok || e.Name.Local != "mergeCell" {
			continue
		}
		from, to, _ := strings.Cut(attr(&e, "ref"), ":")
		a, okA := parsePlace(from)
		b, okB := parsePlace(to)
		if !okA || !okB || b.row < a.row || b.column < a.column {
			return nil, 0, ErrDamaged.With("where", "mergeCell")
		}
		if merges[a] = (extent{b.row, b.column}); len(merges) > maxMerges {
			return nil, 0, ErrLimit.With("limit", "200000 merged cells")
		}
	}
}

// parsePlace reads a reference such as "AB12".
func parsePlace(ref string) (place, bool) {
	var p place
	i := 0
	for ; i < len(ref) && ref[i] >= 'A' && ref[i] <= 'Z' && p.column <= maxSheetColumn; i++ {
		p.column = p.column*26 + int(ref[i]-'A') + 1
	}
	if i == 0 || i == len(ref) || len(ref)-i > 7 || !allDigits(ref[i:]) || ref[i] == '0' {
		return place{}, false
	}
	p.row, _ = strconv.Atoi(ref[i:])
	return p, p.column <= maxSheetColumn && p.row <= maxSheetRow
}

// String is the reference in the way spreadsheets write it, "" outside a
// worksheet.
func (p place) String() string {
	if p.row == 0 {
		return ""
	}
	letters := ""
	for c := p.column; c > 0; c = (c - 1) / 26 {
		letters = string(rune('A'+(c-1)%26)) + letters
	}
	return letters + strconv.Itoa(p.row)
}

// header joins the words of the header's rows; a merged header cell stands above
// every column and row it covers.
func (s *sheetRows) header() ([]string, error) {
	var names []string
	last := s.table.HeaderRow + s.table.HeaderRows - 1
	spread := map[place]string{}
	for s.row < last {
		cells, err := s.read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if s.row > last {
			return nil, ErrHeader.With("missing", "*", "extra", "-")
		}
		if s.row < s.table.HeaderRow {
			continue
		}
		s.spread(spread, cells)
		for i := 0; i < len(cells) || i < s.covered; i++ {
			word, over := spread[place{s.row, i + 1}]
			if !over && i < len(cells) {
				word = cells[i].text
			}
			names = stack(names, i, trim(word))
		}
	}
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	if len(names) == 0 {
		return nil, ErrHeader.With("missing", "*", "extra", "-")
	}
	s.width, s.carried = len(names), map[int]*carried{}
	return names, nil
}

// stack puts a word under those its column already has.
func stack(names []string, column int, word string) []string {
	for len(names) <= column {
		names = append(names, "")
	}
	switch {
	case word == "" || word == names[column]:
	case names[column] == "":
		names[column] = word
	default:
		names[column] += "/" + word
	}
	return names
}

// spread notes the words that merges of a header row put over other cells.
func (s *sheetRows) spread(words map[place]string, cells []cell) {
	for i := range cells {
		at := place{s.row, i + 1}
		m, ok := s.merges[at]
		if !ok {
			continue
		}
		s.covered = max(s.covered, min(m.lastColumn, maxCells))
		for r := at.row; r <= m.lastRow && r < at.row+s.table.HeaderRows; r++ {
			for c := at.column; c <= m.lastColumn && c < at.column+maxCells; c++ {
				words[place{r, c}] = cells[i].text
			}
		}
	}
}

// next gives the next row that has content of its own.
func (s *sheetRows) next() (rawRow, error) {
	for {
		cells, err := s.read()
		if err != nil {
			return rawRow{}, err
		}
		if blank(cells) {
			continue
		}
		return rawRow{cells: s.carry(cells), excelRow: s.row}, nil
	}
}

// carry gives merged values to the rows below and remembers new ones.
func (s *sheetRows) carry(cells []cell) []cell {
	for column, c := range s.carried {
		if c.lastRow < s.row {
			delete(s.carried, column)
			continue
		}
		for len(cells) < column {
			cells = append(cells, cell{})
		}
		cells[column-1] = c.value
	}
	for i := range cells {
		if m, ok := s.merges[place{s.row, i + 1}]; ok && m.lastRow > s.row {
			s.carried[i+1] = &carried{cells[i], m.lastRow}
		}
	}
	return cells
}

// read gives the cells of the next row element, by column. Rows and cells must
// come in ascending order, as the standard has it: anything else could say one
// thing to us and another to a spreadsheet.
func (s *sheetRows) read() ([]cell, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, err
	}
	for {
		tok, err := s.x.next()
		if err != nil {
			return nil, err
		}
		if end, ok := tok.(xml.EndElement); ok && end.Name.Local == "sheetData" {
			s.done = true
		}
		e, ok := tok.(xml.StartElement)
		if !ok || e.Name.Local != "row" || s.done {
			continue // read on to the end all the same: only there is the checksum known to hold
		}
		at := s.row + 1
		if r := attr(&e, "r"); r != "" {
			if at, err = strconv.Atoi(r); err != nil || at <= s.row {
				return nil, ErrDamaged.With("where", "row")
			}
		}
		if at > maxSheetRow {
			return nil, ErrDamaged.With("where", "row")
		}
		s.row = at
		return s.cells()
	}
}

// cells reads the cells of the current row element.
func (s *sheetRows) cells() ([]cell, error) {
	var cells []cell
	column := 0
	for depth := 1; ; {
		tok, err := s.x.next()
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		switch e := tok.(type) {
		case xml.EndElement:
			if depth--; depth == 0 {
				return cells, nil
			}
		case xml.StartElement:
			if e.Name.Local != "c" {
				depth++
				continue
			}
			column++
			if ref := attr(&e, "r"); ref != "" {
				p, ok := parsePlace(ref)
				if !ok || p.row != s.row || p.column < column {
					return nil, ErrDamaged.With("where", "c")
				}
				column = p.column
			}
			c, err := s.cell(&e)
			if err != nil {
				return nil, err
			}
			if cells, err = s.put(cells, column, c); err != nil {
				return nil, err
			}
		}
	}
}

// put places a cell at its column. Beyond the header's width only the first cell
// with content is kept, to be reported: a sheet is not made as wide as one stray
// cell says.
func (s *sheetRows) put(cells []cell, column int, c cell) ([]cell, error) {
	if c.kind == cellEmpty {
		return cells, nil
	}
	c.at = place{s.row, column}
	if s.width > 0 && column > s.width {
		if len(cells) > s.width || c.kind == cellText && trim(c.text) == "" {
			return cells, nil
		}
		column = s.width + 1
	}
	if column > maxCells {
		return nil, ErrLimit.With("limit", "columns")
	}
	for len(cells) < column-1 {
		cells = append(cells, cell{})
	}
	return append(cells, c), nil
}

// cell reads one c element (ECMA-376 part 1, 18.3.1.4).
func (s *sheetRows) cell(start *xml.StartElement) (cell, error) {
	var v string
	var inline, hasValue, formula bool
	for depth := 1; depth > 0; {
		tok, err := s.x.next()
		if err != nil {
			return cell{}, unexpectedEnd(err)
		}
		switch e := tok.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			switch e.Name.Local {
			case "v":
				hasValue = true
				v, err = s.x.text()
			case "is":
				inline = true
				v, err = s.x.richText()
			case "f":
				formula = true
				_, err = s.x.text()
			default:
				depth++
			}
			if err != nil {
				return cell{}, err
			}
		}
	}
	c := s.typed(attr(start, "t"), attr(start, "s"), v, inline)
	switch {
	case formula && c.kind == cellEmpty && (attr(start, "t") != "str" || !hasValue):
		c = cell{kind: cellFormula}
	case formula && c.kind != cellError: // what it shows was computed elsewhere, perhaps from another file
		c = cell{kind: cellFormula, text: "="}
	}
	return c, nil
}

// typed makes the cell of a value by the type the file states for it.
func (s *sheetRows) typed(kind, style, v string, inline bool) cell {
	textCell := func(text string) cell {
		if text == "" {
			return cell{}
		}
		return cell{kind: cellText, text: text}
	}
	switch kind {
	case "inlineStr":
		if !inline {
			v = ""
		}
		return textCell(v)
	case "str", "d":
		return textCell(unescapeX(v))
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(v))
		if v == "" {
			return cell{}
		}
		if err != nil || i < 0 || i >= len(s.wb.strings) {
			return cell{kind: cellOther}
		}
		return textCell(s.wb.strings[i])
	case "b":
		return cell{kind: cellBool, text: strconv.FormatBool(strings.TrimSpace(v) == "1")}
	case "e":
		return cell{kind: cellError, text: v}
	case "", "n":
		return s.number(style, strings.TrimSpace(v))
	}
	return cell{kind: cellOther}
}

func (s *sheetRows) number(style, v string) cell {
	if v == "" {
		return cell{}
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || strings.Trim(v, "0123456789.+-eE") != "" {
		return cell{kind: cellOther} // ParseFloat takes more than xsd:double's digits
	}
	c := cell{kind: cellNumber, text: v, day: serialDay(f, s.wb.date1904)}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.wb.isDate) && s.wb.isDate[i] && c.day != "" {
		c.kind, c.text = cellDate, c.day
		if seconds := int(math.Round((f - math.Floor(f)) * 86400)); seconds > 0 && seconds < 86400 {
			c.text += " " + time.Unix(int64(seconds), 0).UTC().Format("15:04:05")
		}
	}
	return c
}

// serialDay is the day a workbook's serial number means: days since 1899-12-30,
// or 1904-01-01 in the other date system. The 1900 system counts a 29 February
// 1900 that never was as day 60; that day is none, and those before it are one
// more than the count says.
func serialDay(serial float64, date1904 bool) string {
	day := int(math.Floor(serial))
	base := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	switch {
	case math.IsNaN(serial) || serial < 0 || serial >= 2_958_466: // 10000-01-01
		return ""
	case date1904:
		base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	case day == 0 || day == 60:
		return ""
	case day < 60:
		day++
	}
	t := base.AddDate(0, 0, day)
	if t.Year() > 9999 {
		return ""
	}
	return t.Format(dayLayout)
}
