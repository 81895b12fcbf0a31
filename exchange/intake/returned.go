package intake

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// ResultHeader heads the column that a returned file has beside its own: what is
// wrong with each row. A column of this name is passed over when the file comes
// again, so that mending the cells is all there is to do.
const ResultHeader = "导入结果 Import result"

// resultForm is the header's form for comparison.
var resultForm = headerForm(ResultHeader)

// Note is what a returned file says of one row.
type Note struct {
	Table string `json:"table"` // sheet; "" in a text file
	Row   int    `json:"row"`   // row of the worksheet, or physical line the record begins on
	Text  string `json:"text"`  // without private values
}

// Returned writes the file again with its findings in a column behind the last:
// a workbook for a workbook, with every style, width and other sheet as it was,
// and a text file in its own encoding and line ends for a text file. The formats
// without columns are refused with ErrFormat.
func Returned(ctx context.Context, w io.Writer, src io.ReaderAt, size int64, m *Mapping, notes []Note) error {
	if err := checkMagic(src, size, m.File.Format); err != nil {
		return err
	}
	switch m.File.Format {
	case XLSX:
		return returnByChild(ctx, w, src, size, m, notes)
	case CSV, TSV:
		return returnText(ctx, w, src, size, m, notes)
	}
	return ErrFormat.With("format", string(XLSX), "why", string(m.File.Format))
}

// returnWorkbook copies every part as it is but for the sheets of the mapping.
func returnWorkbook(ctx context.Context, w io.Writer, src io.ReaderAt, size int64, m *Mapping, notes []Note) error {
	wb, err := openWorkbook(src, size)
	if err != nil {
		return err
	}
	sheets := map[*zip.File]*sheetNotes{}
	for i := range m.Tables {
		t := &m.Tables[i]
		part, ok := wb.sheets[t.Sheet]
		if !ok {
			return ErrSheet.With("sheet", t.Sheet)
		}
		s := &sheetNotes{header: t.HeaderRow + t.HeaderRows - 1, texts: map[int]string{}}
		if s.column, err = resultColumn(ctx, src, size, t); err != nil {
			return err
		}
		for _, n := range notes {
			if n.Table == t.Sheet {
				s.texts[n.Row] = joined(s.texts[n.Row], n.Text)
			}
		}
		s.texts[s.header] = ResultHeader
		sheets[wb.parts[strings.ToLower(part)]] = s
	}
	archive, err := zip.NewReader(src, size)
	if err != nil {
		return ErrDamaged.Wrap(err, "where", "zip")
	}
	out := zip.NewWriter(w)
	for _, f := range archive.File {
		s := sheets[wb.parts[partName(f)]]
		if s == nil {
			if err := out.Copy(f); err != nil {
				return ErrDamaged.Wrap(err, "where", "zip")
			}
			continue
		}
		data, err := readPart(f)
		if err != nil {
			return err
		}
		part, err := out.Create(f.Name)
		if err == nil {
			err = s.write(part, data)
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}

func joined(a, b string) string {
	if a == "" {
		return b
	}
	return a + "\n" + b
}

// maxReturned bounds a sheet that is given back, which is held in memory.
const maxReturned = 512 << 20

func readPart(f *zip.File) ([]byte, error) {
	rc, err := f.Open()
	if err != nil {
		return nil, ErrDamaged.Wrap(err, "where", "zip")
	}
	defer rc.Close()
	data, err := io.ReadAll(io.LimitReader(rc, maxReturned+1))
	switch {
	case err != nil:
		return nil, ErrDamaged.Wrap(err, "where", "zip")
	case len(data) > maxReturned:
		return nil, ErrLimit.With("limit", "512 MiB")
	}
	return data, nil
}

// resultColumn is where the findings go: the column that has them already, else
// the first behind the header.
func resultColumn(ctx context.Context, src io.ReaderAt, size int64, t *Table) (int, error) {
	rows, err := openSheet(ctx, src, size, t)
	if err != nil {
		return 0, err
	}
	names, err := rows.header()
	if err != nil {
		return 0, err
	}
	for i, name := range names {
		if headerForm(name) == resultForm {
			return i + 1, nil
		}
	}
	return len(names) + 1, nil
}

// sheetNotes puts texts into one column of a worksheet's XML. Everything else
// stays byte for byte.
type sheetNotes struct {
	header, column int
	texts          map[int]string

	data        []byte
	copied      int // how far data has been written
	row, cellAt int
	place       int // end of the last cell before the column
	cellFrom    int // where a cell of the column begins; -1 outside one
	style       string
	inRow       bool
}

func (s *sheetNotes) write(w io.Writer, data []byte) error {
	out := bufio.NewWriterSize(w, 64<<10)
	s.data, s.cellFrom = data, -1
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		from := int(dec.InputOffset())
		tok, err := dec.RawToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return ErrDamaged.Wrap(err, "where", "XML")
		}
		s.token(out, tok, from, int(dec.InputOffset()))
	}
	_, _ = out.Write(data[s.copied:])
	return out.Flush()
}

// token writes what has to change at a token; the writer keeps the first error.
func (s *sheetNotes) token(out *bufio.Writer, tok xml.Token, from, to int) {
	switch e := tok.(type) {
	case xml.StartElement:
		switch {
		case e.Name.Local == "row":
			s.row++
			if r, err := strconv.Atoi(attr(&e, "r")); err == nil {
				s.row = r
			}
			s.inRow, s.cellAt, s.place, s.style = true, 0, to, ""
			if bytes.HasSuffix(s.data[from:to], []byte("/>")) && s.texts[s.row] != "" {
				_, _ = out.Write(s.data[s.copied : to-2])
				_, _ = out.WriteString(">" + s.cell() + "</row>")
				s.copied, s.inRow = to, false
			}
		case e.Name.Local == "c" && s.inRow:
			s.cellAt++
			if p, ok := parsePlace(attr(&e, "r")); ok {
				s.cellAt = p.column
			}
			if s.cellAt == s.column {
				s.cellFrom = from
			} else if s.cellAt < s.column {
				s.style = attr(&e, "s")
			}
		}
	case xml.EndElement:
		switch {
		case e.Name.Local == "c" && s.inRow && s.cellFrom >= 0: // an old finding
			_, _ = out.Write(s.data[s.copied:s.cellFrom])
			s.copied, s.cellFrom = to, -1
			s.place = to
		case e.Name.Local == "c" && s.inRow && s.cellAt < s.column:
			s.place = to
		case e.Name.Local == "row" && s.inRow:
			if s.inRow = false; s.texts[s.row] != "" {
				at := max(s.place, s.copied)
				_, _ = out.Write(s.data[s.copied:at])
				_, _ = out.WriteString(s.cell())
				s.copied = at
			}
		}
	}
}

// cell is the finding's cell of the current row.
func (s *sheetNotes) cell() string {
	style := ""
	if s.row == s.header && s.style != "" {
		style = ` s="` + s.style + `"`
	}
	return `<c r="` + place{s.row, s.column}.String() + `"` + style + ` t="inlineStr"><is><t xml:space="preserve">` +
		escapeXML(s.texts[s.row]) + `</t></is></c>`
}

func escapeXML(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder never fails
	return b.String()
}

// returnText appends a cell to every record of a text file.
func returnText(ctx context.Context, w io.Writer, src io.ReaderAt, size int64, m *Mapping, notes []Note) error {
	texts := map[int]string{}
	for _, n := range notes {
		if text := strings.NewReplacer("\n", " ", `"`, "'").Replace(n.Text); texts[n.Row] == "" {
			texts[n.Row] = text
		} else {
			texts[n.Row] += "; " + text
		}
	}
	encoding, _, err := detect(src, size, m.File.Encoding)
	if err != nil {
		return err
	}
	cells, again, err := resultCells(ctx, src, size, m, texts)
	if err != nil {
		return err
	}
	in, out := bufio.NewReaderSize(io.NewSectionReader(src, 0, size), 64<<10), bufio.NewWriterSize(w, 64<<10)
	for number := 1; ; number++ {
		raw, end := textLine(in, encoding)
		if len(raw)+len(end) == 0 {
			return out.Flush()
		}
		cell, err := encoded(cells[number], encoding)
		if err != nil {
			return ErrFormat.Wrap(err, "format", string(m.File.Format), "why", string(encoding))
		}
		if again && len(cell) > 0 {
			raw = withoutLast(raw, encoding, m.File.Separator)
		}
		_, _ = out.Write(raw)
		_, _ = out.Write(cell)
		_, _ = out.Write(end)
	}
}

// textLine reads one physical line and its end as they stand, empty at the end
// of the file. The size of a line is bounded by the file's, which was read once
// under its limits.
func textLine(in *bufio.Reader, e Encoding) (raw, end []byte) {
	ends := [][]byte{{'\r', '\n'}, {'\n'}}
	if e == UTF16LE {
		ends = [][]byte{{'\r', 0, '\n', 0}, {'\n', 0}}
	}
	for {
		part, err := in.ReadBytes(ends[1][len(ends[1])-1])
		raw = append(raw, part...)
		if err != nil {
			return raw, nil
		}
		if e == UTF16LE && len(raw)%2 != 0 {
			continue // the second byte of another character
		}
		for _, mark := range ends {
			if bytes.HasSuffix(raw, mark) {
				return raw[:len(raw)-len(mark)], mark
			}
		}
	}
}

func encoded(text string, e Encoding) ([]byte, error) {
	switch e {
	case GB18030:
		return simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(text))
	case UTF16LE:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder().Bytes([]byte(text))
	}
	return []byte(text), nil
}

// withoutLast cuts the last cell off a line. The cell is one of ours: it holds
// no quotation mark, and a separator only between two.
func withoutLast(raw []byte, e Encoding, separator string) []byte {
	mark, err := encoded(`"`, e)
	if err == nil && bytes.HasSuffix(raw, mark) {
		separator += `"`
	}
	cut, err := encoded(separator, e)
	if err != nil {
		return raw
	}
	for end := len(raw); ; {
		at := bytes.LastIndex(raw[:end], cut)
		if at < 0 {
			return raw
		}
		if e != UTF16LE || at%2 == 0 {
			return raw[:at]
		}
		end = at + len(cut) - 1
	}
}

// resultCells says what to append to which physical line: to the last of every
// record, so that all have one more cell. again says that the last column is
// such a one already and is to be replaced; elsewhere in the file it is refused.
func resultCells(ctx context.Context, src io.ReaderAt, size int64, m *Mapping, texts map[int]string) (cells map[int]string, again bool, err error) {
	l, err := newLines(ctx, src, size, m.File.Encoding)
	if err != nil {
		return nil, false, err
	}
	csv := &csvSource{lines: l, separator: m.File.Separator[0], repair: m.File.Quotes == "repair"}
	rows := &csvRows{csv: csv, headerRow: m.Tables[0].HeaderRow}
	names, err := rows.header()
	if err != nil {
		return nil, false, err
	}
	for i, name := range names {
		if headerForm(name) != resultForm {
			continue
		}
		if again = i == len(names)-1; !again {
			return nil, false, ErrHeader.With("missing", "-", "extra", position(i))
		}
	}
	cells = map[int]string{l.number: m.File.Separator + ResultHeader}
	for {
		rec, err := csv.next()
		if err == io.EOF {
			return cells, again, nil
		}
		if err != nil {
			return nil, false, err
		}
		cells[max(l.number-len(l.back), rec.line)] = m.File.Separator + quoted(texts[rec.line])
	}
}

// quoted is a text as a cell of delimited text.
func quoted(text string) string {
	if text == "" {
		return ""
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
