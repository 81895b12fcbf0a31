package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// sampled is the beginning of one table.
type sampled struct {
	table   Table // sheet, header rows, path of the rows, footers
	columns []sampledColumn
}

// sampledColumn is a column's name and its first cells with content.
type sampledColumn struct {
	name   string
	cells  []cell
	filled int // rows with content, of those sampled
	list   bool
}

const (
	sampleRows    = 500 // rows that a proposal looks at
	headerSearch  = 20  // rows among which the header is looked for
	sampleWords   = 40  // distinct words of a value table
	sampleJSONTop = 1 << 20
)

func (c *sampledColumn) add(v cell) {
	if v.kind == cellEmpty || v.kind == cellText && trim(v.text) == "" {
		return
	}
	c.filled++
	if v.kind == cellEach {
		c.list = true
		for _, one := range v.cells {
			if one.kind != cellEmpty {
				c.cells = append(c.cells, one)
			}
		}
		return
	}
	c.list = c.list || v.kind == cellList
	c.cells = append(c.cells, v)
}

// distinct are the different words of a column, in order of appearance.
func (c *sampledColumn) distinct(split string) (words []string) {
	seen := map[string]bool{}
	add := func(word string) {
		word = trim(word)
		if word == "" || seen[fold(word)] || len(words) >= sampleWords || slices.Contains(defaultEmpty, word) || longerThan(word, 40) {
			return
		}
		seen[fold(word)] = true
		words = append(words, word)
	}
	for _, v := range c.cells {
		items := v.items
		if v.kind != cellList {
			items = []string{v.text}
			if split != "" {
				items = strings.Split(v.text, split)
			}
		}
		for _, item := range items {
			add(item)
		}
	}
	return words
}

// dates is the order of the column's dates in digits, "" where the year stands
// first or nothing tells.
func (c *sampledColumn) dates() string {
	dayFirst, monthFirst, yearLast := false, false, 0
	for _, v := range c.cells {
		parts := strings.FieldsFunc(strings.SplitN(trim(v.text), " ", 2)[0], func(r rune) bool { return r == '/' || r == '-' || r == '.' })
		if len(parts) != 3 || len(parts[2]) != 4 || !allDigits(parts[0]) || !allDigits(parts[1]) || !allDigits(parts[2]) ||
			len(parts[0]) > 2 || len(parts[1]) > 2 {
			continue
		}
		yearLast++
		dayFirst = dayFirst || parts[0] > "12" && len(parts[0]) == 2
		monthFirst = monthFirst || parts[1] > "12" && len(parts[1]) == 2
	}
	switch {
	case yearLast == 0 || dayFirst == monthFirst:
		return ""
	case dayFirst:
		return datesDMY
	}
	return datesMDY
}

// sample reads the beginning of a file whose format nobody stated.
func sample(ctx context.Context, src io.ReaderAt, size int64, name string, words *dictionary) (File, []sampled, error) {
	head := make([]byte, min(size, sampleBytes))
	if _, err := src.ReadAt(head, 0); err != nil && err != io.EOF {
		return File{}, nil, ErrRead.Wrap(err)
	}
	ext := strings.ToLower(filepath.Ext(name))
	encoding, _, err := detect(src, size, Auto)
	if err != nil {
		return File{}, nil, err
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, bomUTF8), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte(magicOLE)):
		return File{}, nil, ErrFormat.With("format", string(XLSX), "why", "xls / encrypted")
	case bytes.HasPrefix(head, []byte(magicZip)):
		tables, err := sampleWorkbook(ctx, src, size, words)
		return File{Format: XLSX}, tables, err
	case bytes.HasPrefix(text, []byte("<")):
		return sampleXML(ctx, src, size, encoding)
	case ext == ".ndjson" || ext == ".jsonl":
		return sampleNDJSON(ctx, src, size)
	case bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")):
		line, _, _ := bytes.Cut(text, []byte("\n"))
		if json.Valid(line) && bytes.HasPrefix(line, []byte("{")) && ext != ".json" {
			return sampleNDJSON(ctx, src, size)
		}
		return sampleJSON(ctx, src, size, encoding)
	}
	return sampleText(ctx, src, size, encoding, ext, words)
}

// sampleText reads delimited text. The separator is the one that cuts most lines
// into the same number of cells.
func sampleText(ctx context.Context, src io.ReaderAt, size int64, encoding Encoding, ext string, words *dictionary) (File, []sampled, error) {
	f := File{Format: CSV, Encoding: encoding}
	best := -1
	for _, sep := range []string{",", "\t", ";", "|"} {
		records, err := textRecords(ctx, src, size, encoding, sep, headerSearch)
		if err != nil {
			return f, nil, err
		}
		widths := map[int]int{}
		for _, r := range records {
			if len(r.cells) > 1 {
				widths[len(r.cells)]++
			}
		}
		score := 0
		for width, n := range widths {
			score = max(score, n*min(width, 50))
		}
		if score > best {
			best, f.Separator = score, sep
		}
	}
	if f.Separator == "\t" {
		f.Format = TSV
	}
	records, err := textRecords(ctx, src, size, encoding, f.Separator, sampleRows+headerSearch)
	if err != nil {
		return f, nil, err
	}
	var rows []sampleRow
	for _, r := range records {
		row := sampleRow{number: r.line}
		for _, text := range r.cells {
			c := cell{}
			if text != "" {
				c = cell{kind: cellText, text: text}
			}
			row.cells = append(row.cells, c)
		}
		rows = append(rows, row)
	}
	t, ok := tableOf(rows, nil, words)
	if !ok {
		return f, nil, ErrHeader.With("missing", "*", "extra", "-")
	}
	return f, []sampled{t}, nil
}

func textRecords(ctx context.Context, src io.ReaderAt, size int64, encoding Encoding, separator string, most int) (all []csvRecord, err error) {
	lines, err := newLines(ctx, src, size, encoding)
	if err != nil {
		return nil, err
	}
	csv := &csvSource{lines: lines, separator: separator[0]}
	for len(all) < most {
		rec, err := csv.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if rec.fault == "" {
			all = append(all, rec)
		}
	}
	return all, nil
}

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

// sampleNDJSON takes every path that leads to a value in the first lines.
func sampleNDJSON(ctx context.Context, src io.ReaderAt, size int64) (File, []sampled, error) {
	lines, err := newLines(ctx, src, size, UTF8)
	if err != nil {
		return File{}, nil, err
	}
	t, err := samplePaths(lines, Table{})
	return File{Format: NDJSON, Encoding: UTF8}, []sampled{t}, err
}

func sampleJSON(ctx context.Context, src io.ReaderAt, size int64, encoding Encoding) (File, []sampled, error) {
	f := File{Format: JSON, Encoding: encoding}
	path, ok := arrayPath(io.NewSectionReader(src, 0, min(size, sampleJSONTop)))
	if !ok {
		return f, nil, ErrHeader.With("missing", "[]", "extra", "-")
	}
	elements, err := newJSONElements(ctx, src, size, encoding, path)
	if err != nil {
		return f, nil, err
	}
	t, err := samplePaths(elements, Table{Rows: path})
	return f, []sampled{t}, err
}

// arrayPath is the path to the first array of objects in a JSON document.
func arrayPath(r io.Reader) (string, bool) {
	dec := json.NewDecoder(skipMark(r))
	var path []string
	var walk func() bool
	walk = func() bool {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		switch tok {
		case json.Delim('['):
			tok, err := dec.Token()
			if err != nil {
				return false
			}
			if tok == json.Delim('{') {
				return true
			}
			return false // an array of something else: what follows is not looked at
		case json.Delim('{'):
			for dec.More() {
				name, err := dec.Token()
				if err != nil {
					return false
				}
				path = append(path, name.(string))
				if walk() {
					return true
				}
				path = path[:len(path)-1]
			}
			_, err := dec.Token()
			_ = err // the end of the object
		}
		return false
	}
	ok := walk()
	return strings.Join(path, "."), ok
}

func skipMark(r io.Reader) io.Reader {
	head := make([]byte, len(bomUTF8))
	n, _ := io.ReadFull(r, head)
	if bytes.Equal(head[:n], bomUTF8) {
		return r
	}
	return io.MultiReader(bytes.NewReader(head[:n]), r)
}

func samplePaths(in texts, table Table) (sampled, error) {
	t := sampled{table: table}
	at := map[string]int{}
	put := func(name string, c cell) {
		i, ok := at[name]
		if !ok {
			i = len(t.columns)
			at[name] = i
			t.columns = append(t.columns, sampledColumn{name: name})
		}
		t.columns[i].add(c)
	}
	for n := 0; n < sampleRows; n++ {
		ln, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
		if root, _, fatal := walkJSON(ln.text); ln.fault == "" && fatal == "" {
			pathsOf(root, "", put)
		}
	}
	if len(t.columns) == 0 {
		return t, ErrHeader.With("missing", "*", "extra", "-")
	}
	return t, nil
}

// pathsOf gives every value below an object with its path; of a list of objects
// all members under one path.
func pathsOf(n *node, prefix string, put func(string, cell)) {
	for i := range n.names {
		name, member := prefix+n.names[i], n.members[i]
		switch {
		case member.kind == nodeObject:
			pathsOf(member, name+".", put)
		case member.kind == nodeArray && len(member.members) > 0 && member.members[0].kind == nodeObject:
			for _, one := range member.members {
				if one.kind == nodeObject {
					pathsOf(one, name+"[].", put)
				}
			}
		default:
			put(name, cellOf(member))
		}
	}
}

// sampleXML finds the element that repeats, then reads its children and their
// attributes.
func sampleXML(ctx context.Context, src io.ReaderAt, size int64, encoding Encoding) (File, []sampled, error) {
	f := File{Format: XML, Namespaces: map[string]string{}}
	if encoding == GB18030 {
		f.Encoding = GB18030
	}
	rows, columns, err := xmlShape(ctx, src, size, &f)
	if err != nil || rows == "" {
		if err == nil {
			err = ErrHeader.With("missing", "*", "extra", "-")
		}
		return f, nil, err
	}
	t := sampled{table: Table{Rows: rows}}
	read := t.table
	for _, name := range columns {
		t.columns = append(t.columns, sampledColumn{name: name})
		read.Columns = append(read.Columns, Column{Source: name})
	}
	s, err := newXMLSource(ctx, src, size, f, &read)
	if err != nil {
		return f, nil, err
	}
	for n := 0; n < sampleRows; n++ {
		rec, err := s.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return f, nil, err
		}
		for i := range rec.cells {
			t.columns[i].add(rec.cells[i])
		}
	}
	if len(f.Namespaces) == 0 {
		f.Namespaces = nil
	}
	return f, []sampled{t}, nil
}

// shape is what is seen of an XML document's elements while one looks for rows.
type shape struct {
	children map[string]int // path to how often it was seen
	leaves   map[string][]string
}

// xmlShape reads the first elements: the rows are the shallowest path that
// repeats and has children.
func xmlShape(ctx context.Context, src io.ReaderAt, size int64, f *File) (rows string, columns []string, err error) {
	s, err := newXMLSource(ctx, src, size, *f, &Table{Rows: "-"})
	if err != nil {
		return "", nil, err
	}
	seen := shape{children: map[string]int{}, leaves: map[string][]string{}}
	var path []string
	name := func(n xml.Name) string {
		if prefix := prefixOf(f.Namespaces, n.Space); prefix != "" {
			return prefix + ":" + n.Local
		}
		return n.Local
	}
	for n := 0; n < 20_000; n++ {
		tok, err := s.x.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", nil, err
		}
		switch e := tok.(type) {
		case xml.StartElement:
			declare(f.Namespaces, &e)
			path = append(path, name(e.Name))
			at := strings.Join(path, ".")
			seen.children[at]++
			seen.leaf(path, "")
			for _, a := range e.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					seen.leaf(path, "@"+name(a.Name))
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	for at, count := range seen.children {
		depth := strings.Count(at, ".")
		if count < 2 || len(seen.leaves[at]) < 2 || rows != "" && (strings.Count(rows, ".") < depth || strings.Count(rows, ".") == depth && rows < at) {
			continue
		}
		rows = at
	}
	return rows, seen.leaves[rows], nil
}

// leaf notes a column of every element it lies under.
func (s *shape) leaf(path []string, attribute string) {
	for i := 1; i < len(path) || i == len(path) && attribute != ""; i++ {
		row, below := strings.Join(path[:i], "."), strings.Join(path[i:], ".")+attribute
		if len(path)-i <= 3 && !slices.Contains(s.leaves[row], below) && len(s.leaves[row]) < maxColumns {
			s.leaves[row] = append(s.leaves[row], below)
		}
	}
}

// declare notes the prefixes that an element declares.
func declare(spaces map[string]string, e *xml.StartElement) {
	for _, a := range e.Attr {
		if a.Name.Space == "xmlns" && len(spaces) < maxColumns {
			spaces[a.Name.Local] = a.Value
		}
	}
}

func prefixOf(spaces map[string]string, space string) string {
	best := ""
	for prefix, s := range spaces {
		if s == space && (best == "" || prefix < best) {
			best = prefix
		}
	}
	return best
}
