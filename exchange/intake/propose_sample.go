package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// sampled is the beginning of one table.
type sampled struct {
	table   Table // sheet, header rows, path of the rows, footers
	columns []sampledColumn
	rows    int // sampled, without footers
}

// sampledColumn is a column's name and its first cells with content.
type sampledColumn struct {
	name   string
	cells  []cell
	filled int // rows with content, of those sampled
	list   bool

	of    string // the column this is a part of, "" for a whole one
	part  int
	split string
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

// repeats says whether a column holds few different words again and again, as kinds and
// states do and the names of those a table is about do not.
func (c *sampledColumn) repeats() bool {
	if len(c.cells) < manyCells {
		return false
	}
	different := map[string]bool{}
	for _, v := range c.cells {
		different[v.text] = true
	}
	return len(different)*10 < len(c.cells)
}

// nameless says whether most of a column's cells hold no letter, as numbers do and names
// do not.
func (c *sampledColumn) nameless() bool {
	without := 0
	for _, v := range c.cells {
		if !strings.ContainsFunc(v.text, unicode.IsLetter) {
			without++
		}
	}
	return without*2 > len(c.cells)
}

// manyCells are enough to tell words that repeat.
const manyCells = 20

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
