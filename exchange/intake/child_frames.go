package intake

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"accord/crypto/strictjson"
	"accord/exchange"
)

// Frames: one byte of kind, four of length (big endian), the payload. Anything
// that does not follow this ends the reading.
const (
	frameHeader = 'H' // JSON childHeader, first
	frameRows   = 'R' // rows, see appendRow
	frameSheets = 'B' // JSON []childBeginning, alone
	frameBytes  = 'D' // bytes of a workbook that is given back
	frameError  = 'E' // JSON childFailure, last
	frameEnd    = 'Z' // the number of rows, or of bytes, 8 bytes, last
)

const (
	maxFrame  = 32 << 20
	fullFrame = 64 << 10 // from which a frame of rows is sent
)

type childHeader struct {
	Names []string `json:"names"`
	Rows  int      `json:"rows"`
}

type childFailure struct {
	Code string         `json:"code"`
	Args []exchange.Arg `json:"args"`
}

type childBeginning struct {
	Sheet  string     `json:"sheet"`
	Rows   []childRow `json:"rows"`
	Merges [][4]int   `json:"merges"` // row, column, last row, last column
}

type childRow struct {
	Number int         `json:"number"`
	Wide   bool        `json:"wide"`
	Cells  []childCell `json:"cells"`
}

type childCell struct {
	Kind int    `json:"kind"`
	Text string `json:"text"`
}

// frameWriter is the child's end.
type frameWriter struct{ w io.Writer }

func (f *frameWriter) send(kind byte, payload []byte) error {
	if len(payload) > maxFrame {
		return ErrLimit.With("limit", "32 MiB")
	}
	head := append([]byte{kind}, binary.BigEndian.AppendUint32(nil, uint32(len(payload)))...)
	if _, err := f.w.Write(head); err != nil {
		return err
	}
	_, err := f.w.Write(payload)
	return err
}

func (f *frameWriter) json(kind byte, v any) error {
	data, err := strictjson.Marshal(v)
	if err != nil {
		return ErrDamaged.With("where", "UTF-8")
	}
	return f.send(kind, data)
}

func (f *frameWriter) failed(err error) error {
	e := exchange.AsError(err)
	return f.json(frameError, childFailure{Code: e.Code, Args: e.Args})
}

// sheet sends a whole sheet.
func (f *frameWriter) sheet(s *sheetRows) error {
	names, err := s.header()
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = strings.ToValidUTF8(names[i], "?")
	}
	if err := f.json(frameHeader, childHeader{Names: names, Rows: s.rowCount}); err != nil {
		return err
	}
	var buf []byte
	count := uint64(0)
	for {
		row, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		buf = appendRow(buf, &row)
		count++
		if len(buf) >= fullFrame {
			if err := f.send(frameRows, buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	if len(buf) > 0 {
		if err := f.send(frameRows, buf); err != nil {
			return err
		}
	}
	return f.send(frameEnd, binary.BigEndian.AppendUint64(nil, count))
}

func (f *frameWriter) beginnings(all []beginning) error {
	var out []childBeginning
	for _, b := range all {
		one := childBeginning{Sheet: b.Sheet}
		for at, m := range b.Merges {
			one.Merges = append(one.Merges, [4]int{at.row, at.column, m.lastRow, m.lastColumn})
		}
		for _, r := range b.Rows {
			row := childRow{Number: r.number, Wide: r.wide}
			for _, c := range r.cells {
				row.Cells = append(row.Cells, childCell{Kind: int(c.kind), Text: strings.ToValidUTF8(shortened(c.text), "?")})
			}
			one.Rows = append(one.Rows, row)
		}
		out = append(out, one)
	}
	if err := f.json(frameSheets, out); err != nil {
		return err
	}
	return f.send(frameEnd, make([]byte, 8))
}

// shortened is enough of a text for telling what a column holds.
func shortened(s string) string { return s[:min(len(s), 400)] }

// appendRow is one row: its number, the number of its cells, and for each cell
// kind, row and column, text, day.
func appendRow(b []byte, r *rawRow) []byte {
	b = binary.AppendUvarint(b, uint64(r.excelRow))
	b = binary.AppendUvarint(b, uint64(len(r.cells)))
	for i := range r.cells {
		c := &r.cells[i]
		b = append(b, byte(c.kind))
		b = binary.AppendUvarint(b, uint64(c.at.row))
		b = binary.AppendUvarint(b, uint64(c.at.column))
		for _, text := range []string{c.text, c.day} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
	}
	return b
}

var errFrame = errors.New("intake: the child broke the framing")

// frameReader is the parent's end. It trusts nothing.
type frameReader struct {
	r    io.Reader
	in   *bufio.Reader
	rows []byte // of the frame being read
	last int    // row given last
	seen uint64
	done bool
}

// next gives a frame, io.ErrUnexpectedEOF when the child ended without one.
func (f *frameReader) next() (kind byte, payload []byte, err error) {
	if f.in == nil {
		f.in = bufio.NewReaderSize(f.r, 64<<10)
	}
	var head [5]byte
	if _, err := io.ReadFull(f.in, head[:]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > maxFrame {
		return 0, nil, errFrame
	}
	payload, err = io.ReadAll(io.LimitReader(f.in, int64(size))) // grows with what comes, not with what is claimed
	if err == nil && len(payload) != int(size) {
		err = io.ErrUnexpectedEOF
	}
	return head[0], payload, err
}

// want reads a frame of one kind, or the child's error.
func (f *frameReader) want(kind byte, v any) error {
	got, payload, err := f.next()
	switch {
	case err != nil:
		return err
	case got == frameError:
		return childError(payload)
	case got != kind:
		return errFrame
	}
	if err := strictjson.Unmarshal(payload, v); err != nil {
		return errFrame
	}
	return nil
}

// childError is what the child said is wrong with the file: only errors of this
// package, with texts that can be shown.
func childError(payload []byte) error {
	var said childFailure
	if err := strictjson.Unmarshal(payload, &said); err != nil || !strings.HasPrefix(said.Code, "INTAKE-") || len(said.Args) > 8 {
		return errFrame
	}
	d := exchange.Lookup(said.Code)
	if d == nil {
		return errFrame
	}
	e := d.With()
	for _, a := range said.Args {
		e.Args = append(e.Args, exchange.Arg{Name: a.Name, Value: listed([]string{oneLine(a.Value)})})
	}
	return e
}

// row gives the next row, io.EOF after the last one.
func (f *frameReader) row() (rawRow, error) {
	for len(f.rows) == 0 {
		if f.done {
			return rawRow{}, io.EOF
		}
		kind, payload, err := f.next()
		switch {
		case err != nil:
			return rawRow{}, err
		case kind == frameError:
			return rawRow{}, childError(payload)
		case kind == frameEnd && len(payload) == 8 && binary.BigEndian.Uint64(payload) == f.seen:
			f.done = true
		case kind == frameRows && len(payload) > 0:
			f.rows = payload
		default:
			return rawRow{}, errFrame
		}
	}
	row, rest, ok := parseRow(f.rows)
	if !ok || row.excelRow <= f.last {
		return rawRow{}, errFrame
	}
	f.rows, f.last = rest, row.excelRow
	f.seen++
	return row, nil
}

// parseRow reads what appendRow wrote.
func parseRow(b []byte) (row rawRow, rest []byte, ok bool) {
	number := func(most uint64) int {
		v, n := binary.Uvarint(b)
		if n <= 0 || v > most {
			ok = false
			return 0
		}
		b = b[n:]
		return int(v)
	}
	text := func() string {
		n := number(uint64(len(b)))
		if !ok || n > len(b) {
			ok = false
			return ""
		}
		s := string(b[:n])
		b = b[n:]
		return s
	}
	ok = true
	row.excelRow = number(maxSheetRow)
	count := number(maxCells + 1)
	for i := 0; i < count && ok; i++ {
		if len(b) == 0 || cellKind(b[0]) > cellOther {
			return rawRow{}, nil, false
		}
		c := cell{kind: cellKind(b[0])}
		b = b[1:]
		c.at = place{row: number(maxSheetRow), column: number(maxSheetColumn)}
		c.text, c.day = text(), text()
		if c.day != "" && len(c.day) != len(dayLayout) || !utf8.ValidString(c.day) {
			ok = false
		}
		row.cells = append(row.cells, c)
	}
	return row, b, ok && row.excelRow > 0
}

// parsed checks what a child says of the sheets' beginnings.
func parsedBeginnings(said []childBeginning) (all []beginning, err error) {
	if len(said) > maxSampledSheets {
		return nil, errFrame
	}
	for _, s := range said {
		b := beginning{Sheet: s.Sheet, Merges: map[place]extent{}}
		if len(s.Rows) > sampleRows {
			return nil, errFrame
		}
		for _, m := range s.Merges {
			b.Merges[place{m[0], m[1]}] = extent{min(m[2], maxSheetRow), min(m[3], maxSheetColumn)}
		}
		for _, r := range s.Rows {
			row := sampleRow{number: r.Number, wide: r.Wide}
			if len(r.Cells) > maxCells || r.Number < 1 || r.Number > maxSheetRow {
				return nil, errFrame
			}
			for _, c := range r.Cells {
				if c.Kind < 0 || cellKind(c.Kind) > cellOther {
					return nil, errFrame
				}
				row.cells = append(row.cells, cell{kind: cellKind(c.Kind), text: c.Text})
			}
			b.Rows = append(b.Rows, row)
		}
		all = append(all, b)
	}
	return all, nil
}
