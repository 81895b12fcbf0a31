package intake

import (
	"context"
	"encoding/xml"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// xmlSource gives the elements at one path of an XML document as records. It
// reads a stream: memory is bounded by one element. Document type declarations
// and with them entities of one's own are refused, and nothing outside the file
// is ever looked at.
type xmlSource struct {
	ctx     context.Context
	x       *xmlPart
	names   map[string]string // prefix of the mapping to namespace name
	rows    []xmlName
	columns []xmlPath
	depth   int // of the element the reader is in
	matched int // how many of its ancestors and itself are rows' first names
	reached int // the most that ever matched
	count   int
}

// xmlName is a name as a mapping writes it, with its namespace.
type xmlName struct{ space, local string }

// xmlPath leads from a row's element to a child's text or an attribute.
type xmlPath struct {
	steps     []xmlName
	attribute xmlName
}

func newXMLSource(ctx context.Context, src io.ReaderAt, size int64, f File, t *Table) (*xmlSource, error) {
	if size > maxTextFileSize {
		return nil, ErrLimit.With("limit", "4 GiB")
	}
	_, skip, err := detect(src, size, Auto) // for the mark
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(size-skip, 512))
	if _, err := src.ReadAt(head, skip); err != nil && err != io.EOF {
		return nil, ErrRead.Wrap(err)
	}
	chinese := f.Encoding == GB18030 || chineseSets[declaredSet(head)]
	var in io.Reader = io.NewSectionReader(src, skip, size-skip)
	if chinese {
		in = simplifiedchinese.GB18030.NewDecoder().Reader(in)
	}
	m := &meter{in: in, left: size*2 + 1} // GB18030 grows by at most half
	x := &xmlPart{dec: xml.NewDecoder(&readable{in: m}), meter: m}
	x.dec.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if chinese && chineseSets[strings.ToLower(charset)] {
			return in, nil // decoded already
		}
		return nil, ErrFormat.With("format", string(XML), "why", "charset")
	}
	s := &xmlSource{ctx: ctx, x: x, names: f.Namespaces}
	for _, name := range strings.Split(t.Rows, ".") {
		s.rows = append(s.rows, s.name(name))
	}
	for _, c := range t.Columns {
		source, attribute, _ := strings.Cut(c.Source, "@")
		var p xmlPath
		if attribute != "" {
			p.attribute = s.name(attribute)
		}
		for _, name := range strings.Split(source, ".") {
			if name != "" {
				p.steps = append(p.steps, s.name(name))
			}
		}
		s.columns = append(s.columns, p)
	}
	return s, nil
}

// chineseSets are the names of what GB18030 reads.
var chineseSets = map[string]bool{"gb18030": true, "gbk": true, "gb2312": true}

// declaredSet is the encoding that an XML declaration names, in lower case.
func declaredSet(head []byte) string {
	declaration, _, ok := strings.Cut(string(head), "?>")
	_, set, named := strings.Cut(declaration, "encoding")
	if !ok || !named {
		return ""
	}
	return strings.ToLower(strings.Trim(strings.TrimSpace(set), "= \t\"'"))
}

// readable makes bytes that XML cannot hold (what is no UTF-8, most control
// characters) U+FFFD, so that they cost the row they stand in and not the file.
type readable struct {
	in   io.Reader
	raw  [4096]byte
	have int
	out  []byte
	err  error
}

func (r *readable) Read(p []byte) (int, error) {
	for len(r.out) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.in.Read(r.raw[r.have:])
		r.have, r.err = r.have+n, err
		out, i := r.out[:0], 0
		for i < r.have {
			c, size := utf8.DecodeRune(r.raw[i:r.have])
			if c == utf8.RuneError && size == 1 && r.err == nil && !utf8.FullRune(r.raw[i:r.have]) {
				break // the rest is still to come
			}
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
				c = utf8.RuneError
			}
			out = utf8.AppendRune(out, c)
			i += size
		}
		r.have = copy(r.raw[:], r.raw[i:r.have])
		r.out = out
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

func (s *xmlSource) name(written string) xmlName {
	if prefix, local, ok := strings.Cut(written, ":"); ok {
		return xmlName{s.names[prefix], local}
	}
	return xmlName{"", written}
}

// is says whether an element or attribute has a name. A name that the mapping
// writes without prefix may stand in any namespace that the mapping does not
// name.
func (s *xmlSource) is(n xmlName, have xml.Name) bool {
	if n.local != have.Local {
		return false
	}
	if n.space != "" || have.Space == "" {
		return n.space == have.Space
	}
	for _, space := range s.names {
		if space == have.Space {
			return false
		}
	}
	return true
}

// next gives the next row's element.
func (s *xmlSource) next() (*record, error) {
	for n := 0; ; n++ {
		if n%1024 == 0 && s.ctx.Err() != nil {
			return nil, s.ctx.Err()
		}
		line, _ := s.x.dec.InputPos()
		tok, err := s.x.next()
		if err == io.EOF && s.reached < len(s.rows)-1 {
			var path []string
			for _, n := range s.rows {
				path = append(path, n.local)
			}
			return nil, ErrHeader.With("missing", listed([]string{strings.Join(path, ".")}), "extra", "-")
		}
		if err != nil {
			return nil, err
		}
		switch e := tok.(type) {
		case xml.EndElement:
			s.depth--
			s.matched = min(s.matched, s.depth)
		case xml.StartElement:
			if s.matched == s.depth && s.depth < len(s.rows) && s.is(s.rows[s.depth], e.Name) {
				s.matched++
				s.reached = max(s.reached, s.matched)
			}
			s.depth++
			if s.matched == len(s.rows) && s.depth == len(s.rows) {
				return s.row(&e, line)
			}
		}
	}
}

func (s *xmlSource) row(start *xml.StartElement, line int) (*record, error) {
	if s.count++; s.count > maxRows {
		return nil, ErrLimit.With("limit", "5000000 rows")
	}
	tree := &element{name: start.Name, attributes: start.Attr}
	size := 0
	if err := s.fill(tree, &size); err != nil {
		return nil, err
	}
	s.depth--
	s.matched = min(s.matched, s.depth)
	rec := &record{number: s.count, line: line}
	if size > maxRecordBytes {
		rec.findings = append(rec.findings, finding{kind: "line_too_long", column: "*"})
		return rec, nil
	}
	rec.cells = make([]cell, len(s.columns))
	for i, p := range s.columns {
		rec.cells[i] = s.cellAt(tree, p)
	}
	return rec, nil
}

// element is an element of one row.
type element struct {
	name       xml.Name
	attributes []xml.Attr
	text       strings.Builder
	children   []*element
}

// elementCost is what an element costs beside its text, in bytes of the bound on
// a row.
const elementCost = 64

// fill reads up to the element's end. What goes beyond the bound of a row is
// read and not kept.
func (s *xmlSource) fill(e *element, size *int) error {
	for {
		tok, err := s.x.next()
		if err != nil {
			return unexpectedEnd(err)
		}
		switch tok := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.CharData:
			if *size += len(tok); *size <= maxRecordBytes {
				e.text.Write(tok)
			}
		case xml.StartElement:
			*size += elementCost
			for _, a := range tok.Attr {
				*size += len(a.Value)
			}
			child := &element{name: tok.Name, attributes: tok.Attr}
			if *size <= maxRecordBytes {
				e.children = append(e.children, child)
			}
			if err := s.fill(child, size); err != nil {
				return err
			}
		}
	}
}

// cellAt follows a path: the text of a child, a list where it repeats, or an
// attribute.
func (s *xmlSource) cellAt(e *element, p xmlPath) cell {
	found := []*element{e}
	for _, step := range p.steps {
		var below []*element
		for _, parent := range found {
			for _, child := range parent.children {
				if s.is(step, child.name) {
					below = append(below, child)
				}
			}
		}
		found = below
	}
	var words []string
	for _, e := range found {
		if p.attribute.local != "" {
			for _, a := range e.attributes {
				if s.is(p.attribute, a.Name) {
					words = append(words, a.Value)
				}
			}
			continue
		}
		if len(e.children) > 0 {
			return cell{kind: cellOther}
		}
		words = append(words, e.text.String())
	}
	switch {
	case len(words) == 0 || len(words) == 1 && words[0] == "":
		return cell{}
	case len(words) == 1:
		return cell{kind: cellText, text: words[0]}
	}
	return cell{kind: cellList, items: words}
}

// blockTags end a line of an HTML text.
var blockTags = map[string]bool{"p": true, "br": true, "div": true, "li": true, "tr": true, "h1": true, "h2": true, "h3": true}

// htmlText is what a reader sees of an HTML fragment: no tags, no scripts or
// styles, references resolved. It is text from then on and never markup again.
func htmlText(fragment string) string {
	var b strings.Builder
	for fragment != "" {
		text, rest, tagged := strings.Cut(fragment, "<")
		b.WriteString(html.UnescapeString(text))
		if !tagged {
			break
		}
		tag, after, closed := strings.Cut(rest, ">")
		if !closed {
			break // a tag that never ends shows nothing
		}
		fragment = after
		name := strings.ToLower(strings.TrimPrefix(strings.Fields(tag + " x")[0], "/"))
		name = strings.TrimSuffix(name, "/")
		switch {
		case strings.HasPrefix(tag, "!--") && !strings.HasSuffix(tag, "--"):
			_, fragment, _ = strings.Cut(rest, "-->")
		case (name == "script" || name == "style") && !strings.HasPrefix(tag, "/"):
			end := strings.Index(strings.ToLower(fragment), "</"+name)
			fragment = fragment[max(end, 0):]
			if end < 0 {
				fragment = ""
			}
		case blockTags[name]:
			b.WriteByte('\n')
		}
	}
	lines := strings.FieldsFunc(b.String(), func(r rune) bool { return r == '\n' })
	kept := lines[:0]
	for _, l := range lines {
		if l = strings.TrimFunc(l, isBlank); l != "" {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}
