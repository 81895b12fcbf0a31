package intake

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"
)

// Limits of a workbook. A part is read as a stream and never further than this,
// whatever the archive's directory claims about its size.
const (
	maxWorkbookBytes = 50 << 20 // the file
	maxUnpackedBytes = 500 << 20
	maxParts         = 200
	maxSmallPart     = 8 << 20   // workbook, relations, styles
	maxStringsPart   = 128 << 20 // shared strings
	maxSheetPart     = maxUnpackedBytes
	maxTokenBytes    = 4 << 20 // one piece of XML
	maxXMLDepth      = 64
	maxMerges        = 200_000
	maxSheetRow      = 1 << 20 // ECMA-376: rows of a worksheet
	maxSheetColumn   = 1 << 14
)

// workbook is the part of an Office Open XML workbook (ECMA-376 part 1) that
// holds data: cells with their types, shared strings, which styles are dates,
// and merges. Reading it ourselves keeps memory flat, shows what libraries hide
// and never allocates by a number that the file states: 50,000 rows of 12 cells
// take as long as with excelize, whose way to a cell's type holds 458 MiB for
// them.
type workbook struct {
	parts    map[string]*zip.File
	sheets   map[string]string // name to part
	order    []string          // names of the sheets, as people see them
	date1904 bool
	strings  []string
	isDate   []bool // by style index
}

func openWorkbook(src io.ReaderAt, size int64) (*workbook, error) {
	if size > maxWorkbookBytes {
		return nil, ErrLimit.With("limit", "50 MiB")
	}
	archive, err := zip.NewReader(src, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are only compared, never written to
		return nil, ErrDamaged.Wrap(err, "where", "zip")
	}
	if len(archive.File) > maxParts {
		return nil, ErrLimit.With("limit", "200 parts")
	}
	wb := &workbook{parts: make(map[string]*zip.File, len(archive.File)), sheets: map[string]string{}}
	unpacked := uint64(0)
	for _, f := range archive.File {
		if unpacked += min(f.UncompressedSize64, maxUnpackedBytes+1); unpacked > maxUnpackedBytes {
			return nil, ErrHostile.With("what", "zip bomb")
		}
		name := partName(f)
		if wb.parts[name] != nil {
			return nil, ErrDamaged.With("where", "zip") // two parts of one name: which one is meant?
		}
		wb.parts[name] = f
		if err := harmless(name, f); err != nil {
			return nil, err
		}
	}
	main, err := wb.mainPart()
	if err != nil {
		return nil, err
	}
	if err := wb.readWorkbook(main); err != nil {
		return nil, err
	}
	return wb, nil
}

// maxRatio is how many times its packed size a part may claim to be; sheets of
// nothing but repetition reach about 40.
const maxRatio = 100

// bigPart is the size below which the ratio is not looked at.
const bigPart = 1 << 20

// harmless refuses what no table of data needs and what could do harm wherever
// the workbook is opened: programs, links to other files, and parts that unpack
// to a multiple no text has. archive/zip fails on a part that is longer than it
// claims.
func harmless(name string, f *zip.File) error {
	switch {
	case strings.Contains(name, "vbaproject") || strings.Contains(name, "/macrosheets/"):
		return ErrHostile.With("what", "macros")
	case strings.HasPrefix(name, "xl/externallinks/"):
		return ErrHostile.With("what", "external links")
	case strings.HasPrefix(name, "xl/embeddings/") || strings.HasPrefix(name, "xl/activex/"):
		return ErrHostile.With("what", "embedded objects")
	case f.UncompressedSize64 > bigPart && f.UncompressedSize64/maxRatio > f.CompressedSize64:
		return ErrHostile.With("what", "zip bomb")
	}
	return nil
}

// partName is the name of a part in one form.
func partName(f *zip.File) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))
}

// relation is one entry of a relations part.
type relation struct{ id, kind, target string }

// relations reads the relations of a part; targets are resolved to part names.
func (wb *workbook) relations(of string) ([]relation, error) {
	dir, file := path.Split(of)
	var all []relation
	err := wb.each(dir+"_rels/"+file+".rels", maxSmallPart, func(x *xmlPart, e *xml.StartElement) error {
		if e.Name.Local != "Relationship" || attr(e, "TargetMode") == "External" {
			return nil
		}
		target := attr(e, "Target")
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", dir, target)
		}
		all = append(all, relation{attr(e, "Id"), path.Base(attr(e, "Type")), strings.TrimPrefix(path.Clean(target), "/")})
		return nil
	})
	return all, err
}

func (wb *workbook) mainPart() (string, error) {
	rels, err := wb.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range rels {
		if r.kind == "officeDocument" {
			return r.target, nil
		}
	}
	return "", ErrFormat.With("format", string(XLSX), "why", "officeDocument")
}

func (wb *workbook) readWorkbook(main string) error {
	rels, err := wb.relations(main)
	if err != nil {
		return err
	}
	byID := make(map[string]string, len(rels))
	for _, r := range rels {
		byID[r.id] = r.target
	}
	err = wb.each(main, maxSmallPart, func(x *xmlPart, e *xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			wb.date1904 = isTrue(attr(e, "date1904"))
		case "sheet":
			for _, a := range e.Attr {
				if a.Name.Local == "id" { // r:id; sheetId is another name
					wb.sheets[attr(e, "name")] = byID[a.Value]
					wb.order = append(wb.order, attr(e, "name"))
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rels {
		switch r.kind {
		case "sharedStrings":
			err = wb.readStrings(r.target)
		case "styles":
			err = wb.readStyles(r.target)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readStrings reads the shared strings: runs make one text, phonetic hints are
// none of it.
func (wb *workbook) readStrings(part string) error {
	return wb.each(part, maxStringsPart, func(x *xmlPart, e *xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		s, err := x.richText()
		wb.strings = append(wb.strings, s)
		return err
	})
}

// readStyles finds out which cell styles show a number as a date.
func (wb *workbook) readStyles(part string) error {
	custom, inCells := map[int]string{}, false
	return wb.each(part, maxSmallPart, func(x *xmlPart, e *xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			if id, err := strconv.Atoi(attr(e, "numFmtId")); err == nil {
				custom[id] = attr(e, "formatCode")
			}
		case "cellStyleXfs", "cellStyles", "dxfs":
			inCells = false
		case "cellXfs":
			inCells = true
		case "xf":
			if inCells {
				id, _ := strconv.Atoi(attr(e, "numFmtId"))
				code, ok := custom[id]
				wb.isDate = append(wb.isDate, ok && dateCode(code) || !ok && builtinDate(id))
			}
		}
		return nil
	})
}

// builtinDate says whether a built-in number format (ECMA-376 part 1, 18.8.30,
// with those of Chinese versions) shows a date.
func builtinDate(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 54 || id == 57 || id == 58
}

// dateCode says whether a number format code shows a day or a year: the letters
// y or d outside quotes, brackets and escapes.
func dateCode(code string) bool {
	code, _, _ = strings.Cut(code, ";")
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '"', '[':
			end := map[byte]byte{'"': '"', '[': ']'}[c]
			n := strings.IndexByte(code[i+1:], end)
			if n < 0 {
				return false
			}
			i += n + 1
		case '\\', '_', '*':
			i++
		case 'y', 'Y', 'd', 'D':
			return true
		}
	}
	return false
}

// xmlPart reads one part as XML tokens under the limits.
type xmlPart struct {
	dec   *xml.Decoder
	meter *meter
	depth int
	raw   bool // no namespaces and no matching of tags: for a quick first look
}

// meter stops a part that is longer than its limit or holds one huge token.
type meter struct {
	in          io.Reader
	left, token int64
}

var errTooLong = errors.New("intake: part or token too long")

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 || m.token <= 0 {
		return 0, errTooLong
	}
	n, err := m.in.Read(p[:min(int64(len(p)), m.left, m.token)])
	m.left -= int64(n)
	m.token -= int64(n)
	return n, err
}

// part opens a part of the package.
func (wb *workbook) part(name string, limit int64) (*xmlPart, io.Closer, error) {
	f := wb.parts[strings.ToLower(name)]
	if f == nil {
		return nil, nil, ErrDamaged.With("where", listed([]string{name}))
	}
	rc, err := f.Open()
	if err != nil {
		return nil, nil, ErrDamaged.Wrap(err, "where", listed([]string{name}))
	}
	m := &meter{in: rc, left: limit}
	return &xmlPart{dec: xml.NewDecoder(m), meter: m}, rc, nil
}

// each calls do for every start element of a part.
func (wb *workbook) each(name string, limit int64, do func(*xmlPart, *xml.StartElement) error) error {
	x, closer, err := wb.part(name, limit)
	if err != nil {
		return err
	}
	defer closer.Close()
	for {
		tok, err := x.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			if e, ok := tok.(xml.StartElement); ok {
				err = do(x, &e)
			}
		}
		if err != nil {
			return err
		}
	}
}

// next gives a token; document type declarations are refused.
func (x *xmlPart) next() (tok xml.Token, err error) {
	x.meter.token = maxTokenBytes
	if x.raw {
		tok, err = x.dec.RawToken()
	} else {
		tok, err = x.dec.Token()
	}
	switch {
	case err == io.EOF:
		return nil, io.EOF
	case errors.Is(err, errTooLong):
		return nil, ErrLimit.With("limit", "XML")
	case err != nil:
		return nil, ErrDamaged.Wrap(err, "where", "XML")
	}
	switch tok.(type) {
	case xml.Directive:
		return nil, ErrDamaged.With("where", "DTD")
	case xml.StartElement:
		if x.depth++; x.depth > maxXMLDepth {
			return nil, ErrLimit.With("limit", "XML")
		}
	case xml.EndElement:
		x.depth--
	}
	return tok, nil
}

// richText reads to the end of the current si or is element: the text of its t
// elements, without phonetic runs.
func (x *xmlPart) richText() (string, error) {
	var b strings.Builder
	for depth, phonetic := 1, 0; ; {
		tok, err := x.next()
		if err != nil {
			return "", unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			depth++
			if phonetic == 0 && tok.Name.Local == "rPh" {
				phonetic = depth
			}
			if phonetic == 0 && tok.Name.Local == "t" {
				s, err := x.text()
				if err != nil {
					return "", err
				}
				b.WriteString(s)
				depth--
			}
			if b.Len() > maxTokenBytes {
				return "", ErrLimit.With("limit", "XML")
			}
		case xml.EndElement:
			if depth == phonetic {
				phonetic = 0
			}
			if depth--; depth == 0 {
				return unescapeX(b.String()), nil
			}
		}
	}
}

// text reads the character data up to the end of the current element.
func (x *xmlPart) text() (string, error) {
	var b strings.Builder
	for depth := 1; ; {
		tok, err := x.next()
		if err != nil {
			return "", unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			if b.Len()+len(tok) > maxTokenBytes {
				return "", ErrLimit.With("limit", "XML")
			}
			b.Write(tok)
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				return b.String(), nil
			}
		}
	}
}

func unexpectedEnd(err error) error {
	if err == io.EOF {
		return ErrDamaged.With("where", "XML")
	}
	return err
}

// unescapeX decodes the escapes _xHHHH_ by which strings carry characters that
// XML cannot (ECMA-376 part 1, 22.9.2.19).
func unescapeX(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if len(s)-i >= 7 && s[i] == '_' && s[i+1] == 'x' && s[i+6] == '_' {
			if v, err := strconv.ParseUint(s[i+2:i+6], 16, 16); err == nil {
				b.WriteRune(rune(v)) // a surrogate becomes U+FFFD, a lost character
				i += 7
				continue
			}
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}

func attr(e *xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

func isTrue(s string) bool { return s == "1" || s == "true" || s == "on" }

// lowered is a part's name as workbook.parts knows it.
func lowered(part string) string { return strings.ToLower(part) }

// openSheet opens a workbook and one of its sheets, in this process. Files that
// somebody handed over are opened by openChildSheet.
func openSheet(ctx context.Context, src io.ReaderAt, size int64, t *Table) (*sheetRows, error) {
	wb, err := openWorkbook(src, size)
	if err != nil {
		return nil, err
	}
	part, ok := wb.sheets[t.Sheet]
	if !ok || part == "" {
		return nil, ErrSheet.With("sheet", t.Sheet)
	}
	return wb.rows(ctx, part, t)
}

// rows opens a sheet by its part.
func (wb *workbook) rows(ctx context.Context, part string, t *Table) (s *sheetRows, err error) {
	s = &sheetRows{ctx: ctx, wb: wb, table: t, carried: map[int]*carried{}}
	if s.merges, s.rowCount, err = wb.readMerges(part); err != nil {
		return nil, err
	}
	if s.x, s.closer, err = wb.part(part, maxSheetPart); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *sheetRows) close() { _ = s.closer.Close() } // of a part that was only read
