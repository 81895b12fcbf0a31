package intake

import (
	"context"
	"encoding/xml"
	"io"
	"slices"
	"strings"
)

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
