package intake

import "strings"

// texts gives the JSON texts of a source one by one: the lines of NDJSON or the
// members of an array. io.EOF ends them.
type texts interface {
	next() (line, error)
}

// jsonSource reads one JSON object per text. Paths of the mapping reach into
// nested objects by names joined with dots; members the mapping does not name
// are no data of ours and passed over.
type jsonSource struct {
	texts texts
	paths [][]step
	count int
}

// step is one name of a path. Behind a name of a list, [] means every member
// and [role=head] the members whose role is head.
type step struct {
	name        string
	list        bool
	key, wanted string
}

// pathOf reads a path such as 成员[].姓名.
func pathOf(source string) []step {
	var path []step
	for _, name := range strings.Split(source, ".") {
		s := step{name: name}
		if head, tail, ok := strings.Cut(name, "["); ok && strings.HasSuffix(tail, "]") {
			s.name, s.list = head, true
			s.key, s.wanted, _ = strings.Cut(strings.TrimSuffix(tail, "]"), "=")
		}
		path = append(path, s)
	}
	return path
}

func newJSONSource(in texts, t *Table) *jsonSource {
	s := &jsonSource{texts: in}
	for _, c := range t.Columns {
		s.paths = append(s.paths, pathOf(c.Source))
	}
	return s
}

func (s *jsonSource) next() (*record, error) {
	for {
		ln, err := s.texts.next()
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
		rec.cells[i] = cellAt(root, path)
	}
}

// cellAt follows a path from a value.
func cellAt(n *node, path []step) cell {
	for i, s := range path {
		n = n.member(s.name)
		if !s.list {
			continue
		}
		if n == nil || n.kind == nodeNull {
			return cell{json: true}
		}
		if n.kind != nodeArray {
			return cell{kind: cellOther, json: true}
		}
		if s.key != "" {
			return chosen(n, s, path[i+1:])
		}
		each := cell{kind: cellEach, json: true}
		for _, m := range n.members {
			each.cells = append(each.cells, cellAt(m, path[i+1:]))
		}
		return each
	}
	return cellOf(n)
}

// chosen is the value of the first member of a list that a step chooses.
func chosen(list *node, s step, rest []step) cell {
	found, c := 0, cell{json: true}
	for _, m := range list.members {
		by := m.member(s.key)
		if by == nil || by.kind != nodeString || fold(by.text) != fold(s.wanted) {
			continue
		}
		if found++; found == 1 {
			c = cellAt(m, rest)
		}
	}
	c.more = found > 1
	return c
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
