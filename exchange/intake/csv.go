package intake

import (
	"io"
	"strings"
)

// csvSource reads delimited text (RFC 4180) record by record. It differs from
// encoding/csv in what it does with a defect: a record that cannot be read costs
// exactly its own first line, and reading goes on at the next one.
//
// A record may go over several lines inside quotation marks. Whether a mark was
// simply left open shows in what follows: the mark that would close it is
// followed by neither separator nor line end, or the record then has another
// number of cells than the header. In both cases the first line alone is wrong.
//
// With "quotes: repair" a line with undoubled quotation marks is read by the one
// rule that a mark ends a cell only before a separator or the line's end; the
// result stands, flagged, if it has as many cells as the header.
type csvSource struct {
	lines     *lines
	separator byte
	repair    bool
	width     int // cells of the header; 0 before it is known
}

// csvRecord is one record as it stands in the file.
type csvRecord struct {
	cells []string
	line  int
	fault string // kind of finding about the whole record, "" when it is sound
	flag  string // kind of finding that does not refuse it
}

// next gives the next record that is not a blank line, io.EOF at the end.
func (s *csvSource) next() (csvRecord, error) {
	for {
		first, err := s.lines.next()
		if err != nil {
			return csvRecord{}, err
		}
		if strings.Trim(first.text, " \t\r\u00a0\u3000") == "" {
			continue
		}
		return s.record(first)
	}
}

func (s *csvSource) record(first line) (csvRecord, error) {
	if first.fault != "" {
		return csvRecord{line: first.number, fault: first.fault}, nil
	}
	p := csvParser{separator: s.separator}
	rec := csvRecord{line: first.number}
	state := p.feed(first.text)
	if state == csvOpen {
		closed, err := s.close(p)
		if err != nil {
			return rec, err
		}
		if closed != nil {
			rec.cells = closed
			return rec, nil
		}
	}
	rec.cells = p.cells
	if state == csvWhole && s.fits(p.cells) {
		return rec, nil
	}
	if s.repair && s.width > 0 {
		if cells := splitLoosely(first.text, s.separator); len(cells) == s.width {
			rec.cells, rec.flag = cells, "quote_repaired"
			return rec, nil
		}
	}
	switch {
	case state != csvWhole:
		rec.fault = "quote_unbalanced"
	case len(p.cells) < s.width:
		rec.fault = "column_missing"
	default:
		rec.fault = "column_extra"
	}
	return rec, nil
}

func (s *csvSource) fits(cells []string) bool {
	return len(cells) <= maxCells && (s.width == 0 || len(cells) == s.width)
}

// close tries to close an open quotation mark with the lines that follow. When
// that gives no record of the right width, it puts them back and returns nil.
func (s *csvSource) close(p csvParser) ([]string, error) {
	var more []line
	for size := len(p.open); size < maxRecordBytes; {
		next, err := s.lines.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		more = append(more, next)
		if next.fault != "" {
			break
		}
		size += len(next.text) + 1
		state := p.feed(next.text)
		if state == csvWhole && s.fits(p.cells) {
			return p.cells, nil
		}
		if state != csvOpen {
			break
		}
	}
	s.lines.putBack(more)
	return nil, nil
}

type csvState int

const (
	csvWhole csvState = iota // every quotation mark is where it belongs
	csvOpen                  // a quoted cell is not closed yet
	csvWrong                 // a mark inside an unquoted cell, or text behind a closing mark
)

// maxCells is how many cells of a record are looked at; a record with more has
// too many whatever the header says.
const maxCells = 4 * maxColumns

// csvParser cuts one record into cells, line by line.
type csvParser struct {
	separator byte
	cells     []string
	open      []byte // the quoted cell that is not closed yet
	inside    bool
}

// feed takes one more line of the record.
func (p *csvParser) feed(text string) csvState {
	if p.inside {
		p.open = append(p.open, '\n')
		return p.quoted(text)
	}
	return p.plain(text)
}

// plain cuts text that begins outside quotation marks.
func (p *csvParser) plain(text string) csvState {
	for len(p.cells) <= maxCells {
		if strings.HasPrefix(text, `"`) {
			p.open = p.open[:0:0]
			return p.quoted(text[1:])
		}
		i := strings.IndexByte(text, p.separator)
		cell := text
		if i >= 0 {
			cell = text[:i]
		}
		if strings.Contains(cell, `"`) {
			return csvWrong
		}
		p.cells = append(p.cells, cell)
		if i < 0 {
			return csvWhole
		}
		text = text[i+1:]
	}
	return csvWhole
}

// quoted reads up to the closing mark; doubled marks mean one.
func (p *csvParser) quoted(text string) csvState {
	for {
		i := strings.IndexByte(text, '"')
		if i < 0 {
			p.open, p.inside = append(p.open, text...), true
			return csvOpen
		}
		p.open = append(p.open, text[:i]...)
		text = text[i+1:]
		if strings.HasPrefix(text, `"`) {
			p.open = append(p.open, '"')
			text = text[1:]
			continue
		}
		p.cells, p.inside = append(p.cells, string(p.open)), false
		switch {
		case text == "":
			return csvWhole
		case text[0] != p.separator:
			return csvWrong
		}
		return p.plain(text[1:])
	}
}

// splitLoosely cuts a line by the rule of "quotes: repair".
func splitLoosely(text string, separator byte) []string {
	var cells []string
	end := `"` + string(separator)
	for {
		if !strings.HasPrefix(text, `"`) {
			cell, rest, more := strings.Cut(text, string(separator))
			cells = append(cells, cell)
			if !more {
				return cells
			}
			text = rest
			continue
		}
		body := text[1:]
		if i := strings.Index(body, end); i >= 0 {
			cells = append(cells, strings.ReplaceAll(body[:i], `""`, `"`))
			text = body[i+len(end):]
			continue
		}
		if !strings.HasSuffix(body, `"`) {
			return nil
		}
		return append(cells, strings.ReplaceAll(strings.TrimSuffix(body, `"`), `""`, `"`))
	}
}
