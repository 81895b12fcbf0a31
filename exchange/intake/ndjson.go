package intake

import "strings"

// jsonSource reads one JSON object per line. Paths of the mapping reach into
// nested objects by names joined with dots; members the mapping does not name
// are no data of ours and passed over.
type jsonSource struct {
	lines *lines
	paths [][]string
	count int
}

func newJSONSource(l *lines, t *Table) *jsonSource {
	s := &jsonSource{lines: l}
	for _, c := range t.Columns {
		s.paths = append(s.paths, strings.Split(c.Source, "."))
	}
	return s
}

func (s *jsonSource) next() (*record, error) {
	for {
		ln, err := s.lines.next()
		if err != nil {
			return nil, err
		}
		if ln.fault == "" && strings.TrimSpace(ln.text) == "" {
			continue
		}
		if s.count++; s.count > maxRows {
			return nil, ErrLimit.With("limit", "5000000 rows")
		}
		rec := &record{number: s.count, line: ln.number}
		s.fill(rec, ln)
		return rec, nil
	}
}

func (s *jsonSource) fill(rec *record, ln line) {
	whole := func(kind string) { rec.findings = append(rec.findings, finding{kind: kind, column: "*"}) }
	if ln.fault != "" {
		whole(ln.fault)
		return
	}
	root, findings, fatal := walkJSON(ln.text)
	if fatal != "" {
		whole(fatal)
		return
	}
	rec.findings = findings
	rec.cells = make([]cell, len(s.paths))
	for i, path := range s.paths {
		n := root
		for _, name := range path {
			n = n.member(name)
		}
		rec.cells[i] = cellOf(n)
	}
}

// cellOf is a JSON value as a cell. A string that is empty is an empty cell.
func cellOf(n *node) cell {
	if n == nil || n.kind == nodeNull {
		return cell{json: true}
	}
	c := cell{json: true, text: n.text}
	switch n.kind {
	case nodeBool:
		c.kind = cellBool
	case nodeNumber:
		c.kind = cellNumber
	case nodeString:
		if c.text != "" {
			c.kind = cellText
		}
	case nodeArray:
		c.kind = cellList
		for _, m := range n.members {
			if m.kind != nodeString {
				return cell{kind: cellOther, json: true}
			}
			c.items = append(c.items, m.text)
		}
	default:
		c.kind = cellOther
	}
	return c
}
