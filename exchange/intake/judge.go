package intake

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"accord/exchange"
)

// judge turns records into rows with verdicts. It remembers the keys of the rows
// it let pass, for duplicates.
type judge struct {
	*binding
	seen    keyTable
	details details              // of the first rows in seen
	hashes  []uint32             // of the row in hand
	persons keyTable             // members of groups, and shared identifiers, with their first row
	fields  []string             // of the category, in its order
	scratch []byte               // for encoding what is digested
	known   map[Reference]Answer // of organisations, which many rows share
}

func newJudge(b *binding) *judge {
	j := &judge{binding: b, known: map[Reference]Answer{}}
	for i := range b.category.Fields {
		j.fields = append(j.fields, b.category.Fields[i].ID)
	}
	return j
}

func (j *judge) row(ctx context.Context, rec *record) (*Row, error) {
	row := &Row{Table: j.table.Sheet, Number: rec.number, Line: rec.line, ExcelRow: rec.excelRow,
		Category: j.category.ID, Verdict: Accept, Values: make(Values, len(j.targets))}
	for _, f := range rec.findings {
		row.add(f.kind, f.column, j.fieldOf(f.column), f.cell)
	}
	if row.Verdict == Refuse || rec.cells == nil {
		return j.refuse(row), nil
	}
	empty := j.normalise(row, rec)
	subject := j.subject(row)
	j.rekey(row, rec, subject)
	j.required(row, rec, subject, empty)
	j.dates(row, rec)
	j.sex(row, rec)
	j.consistent(row, rec)
	j.members(row, rec)
	if row.Verdict != Refuse && subject != nil {
		j.retention(row, rec, subject)
	}
	if row.Verdict == Refuse {
		return j.refuse(row), nil
	}
	if subject == nil || row.Values.Text(subject.Key) == "" {
		row.add("subject_unknown", "*", "", "")
		return j.refuse(row), nil
	}
	j.name(row, subject)
	if err := j.references(ctx, row, rec, subject); err != nil {
		return nil, err
	}
	if row.Verdict == Refuse {
		return j.refuse(row), nil
	}
	j.identify(row, rec)
	j.shared(row, rec)
	if row.Verdict == Refuse {
		return j.refuse(row), nil
	}
	return row, nil
}

// refuse takes everything from a row that must not be stored.
func (j *judge) refuse(row *Row) *Row {
	row.Values, row.Subject, row.SubjectKey, row.RowKey, row.RowDigest = nil, "", Private{}, "", ""
	return row
}

func (j *judge) fieldOf(column string) string {
	for i := range j.targets {
		if j.targets[i].Source == column {
			return j.targets[i].field.ID
		}
	}
	return ""
}

// normalise fills in the row's values and says why fields have none.
func (j *judge) normalise(row *Row, rec *record) map[string]emptiness {
	empty := make(map[string]emptiness)
	for i := range j.targets {
		t := &j.targets[i]
		c := t.cell(rec)
		if len(t.join) > 0 {
			c = j.normal.joined(c, t.join, rec)
		}
		if t.Part > 0 {
			var ok bool
			if c, ok = t.part(c); !ok {
				row.add("too_many_parts", t.Source, t.field.ID, c.at.String())
				continue
			}
		}
		if t.Each != "" && t.Split != "" && c.kind == cellText && j.normal.emptiness(c) == filled {
			c = cell{kind: cellEach, cells: pieces(c.text, t.Split)}
		}
		if c.kind == cellEach {
			j.each(row, t, c, empty)
			continue
		}
		o := j.normal.cell(t, c, row.Values.Text(t.field.KindField))
		for _, kind := range o.kinds {
			row.add(kind, t.Source, t.field.ID, c.at.String())
		}
		if o.value != nil {
			row.Values[t.field.ID] = o.value
		} else if !o.refuse {
			empty[t.field.ID] = o.empty
		}
	}
	return empty
}

// each normalises the cells of a list one by one; a finding names which.
func (j *judge) each(row *Row, t *target, c cell, empty map[string]emptiness) {
	item := *t
	item.field.Type = itemType(t.Each)
	var all []string
	for i, one := range c.cells {
		column := atIndex(t.Source, i)
		o := j.normal.cell(&item, one, "")
		for _, kind := range o.kinds {
			row.add(kind, column, t.field.ID, "")
		}
		text, ok := o.value.(string)
		switch {
		case !ok && !o.refuse && t.Required && o.empty == placeholder:
			row.add("missing_placeholder", column, t.field.ID, "")
		case !ok && !o.refuse && t.Required:
			row.add("missing_required", column, t.field.ID, "")
		}
		all = append(all, text)
	}
	switch {
	case len(all) > maxItems && j.table.Members == nil:
		row.add("text_too_long", t.Source, t.field.ID, "")
	case len(all) == 0:
		empty[t.field.ID] = nothing
	default:
		row.Values[t.field.ID] = all
	}
}

func (t *target) cell(rec *record) cell {
	if t.constant {
		return cell{kind: cellText, text: t.text}
	}
	return rec.cells[t.at]
}

// joined is a cell with the text of others behind it. What is no text is handed on by
// itself, to be refused or taken as its field does.
func (n *normaliser) joined(c cell, others []int, rec *record) cell {
	for _, at := range others {
		next := rec.cells[at]
		switch {
		case n.emptiness(next) != filled:
		case n.emptiness(c) != filled:
			c = next
		case c.kind != cellText:
			return c
		case next.kind != cellText:
			return next
		default:
			c.text = strings.TrimSpace(c.text) + " " + strings.TrimSpace(next.text)
		}
	}
	return c
}

// part is the piece of a cell that is this field, nothing where there are fewer; ok is
// false where there are more than the mapping has fields for. A day or a number of a
// workbook is one piece.
func (t *target) part(c cell) (piece cell, ok bool) {
	all := []string{c.text}
	if c.kind == cellText {
		all = strings.Split(c.text, t.Split)
	}
	switch {
	case len(all) > t.parts:
		return c, false
	case t.Part > len(all):
		return cell{at: c.at}, true
	}
	c.text = all[t.Part-1]
	return c, true
}

func (t *target) ref(rec *record) string { return t.cell(rec).at.String() }

// subject finds the case that names the row's subject, nil when the field that
// decides was refused or is empty.
func (j *judge) subject(row *Row) *SubjectCase {
	s := &j.table.Subject
	if s.By == "" {
		for i := range s.Cases {
			if row.Values.Text(s.Cases[i].Key) != "" {
				return &s.Cases[i]
			}
		}
		return &s.Cases[len(s.Cases)-1]
	}
	by := row.Values.Text(s.By)
	for i := range s.Cases {
		if s.Cases[i].When == by && by != "" {
			return &s.Cases[i]
		}
	}
	return nil
}

// required refuses rows without what the catalogue, the mapping or the subject's
// kind demands. A placeholder is not a value.
func (j *judge) required(row *Row, rec *record, subject *SubjectCase, empty map[string]emptiness) {
	for i := range j.targets {
		t := &j.targets[i]
		why, missing := empty[t.field.ID]
		if !missing {
			continue
		}
		needed := t.Required || t.field.Required
		if subject != nil {
			needed = needed || subject.Key == t.field.ID || slices.Contains(subject.Requires, t.field.ID) ||
				slices.Contains(t.field.RequiredFor, subject.Kind)
		}
		if !needed {
			continue
		}
		kind := "missing_required"
		if why == placeholder {
			kind = "missing_placeholder"
		}
		row.add(kind, t.Source, t.field.ID, t.ref(rec))
	}
	j.unmapped(row, subject)
}

// unmapped refuses rows that lack a required field because the mapping has no
// column for it at all.
func (j *judge) unmapped(row *Row, subject *SubjectCase) {
	for i := range j.category.Fields {
		f := &j.category.Fields[i]
		if j.byField[f.ID] != nil {
			continue
		}
		if f.Required || subject != nil && slices.Contains(f.RequiredFor, subject.Kind) {
			row.add("missing_required", "*", f.ID, "")
		}
	}
}

// dates refuses ends before their beginnings.
func (j *judge) dates(row *Row, rec *record) {
	for i := range j.targets {
		t := &j.targets[i]
		if t.notBefore == "" {
			continue
		}
		end, start := row.Values.Text(t.field.ID), row.Values.Text(t.notBefore)
		if end != "" && start != "" && compareDays(end, start) < 0 {
			row.add("date_end_before_start", t.Source, t.field.ID, t.ref(rec))
		}
	}
}

// sex compares a stated sex with the identity number.
func (j *judge) sex(row *Row, rec *record) {
	x := j.table.Sex
	if x == nil {
		return
	}
	stated := row.Values.Text(x.Field)
	male, ok := maleByID(row.Values.Text(x.ID))
	if !ok || stated != x.Male && stated != x.Female || male == (stated == x.Male) {
		return
	}
	t := j.byField[x.Field]
	row.add("sex_mismatch", t.Source, t.field.ID, t.ref(rec))
}

// retention refuses a person's information whose time is over and flags an
// organisation's.
func (j *judge) retention(row *Row, rec *record, subject *SubjectCase) {
	c := j.category
	if c.EventField == "" || c.RetentionDays <= 0 || j.byField[c.EventField] == nil {
		return
	}
	end, ok := retentionEnd(row.Values.Text(c.EventField), c.RetentionDays)
	if !ok || end >= j.normal.today {
		return
	}
	t := j.byField[c.EventField]
	kind := "past_retention_enterprise"
	if subject.Namespace == exchange.SubjectPerson {
		kind = "past_retention_person"
	}
	row.add(kind, t.Source, t.field.ID, t.ref(rec))
}

// pieces are the values that one cell holds, as cells.
func pieces(text, separator string) (cells []cell) {
	for _, piece := range split(text, separator) {
		if trim(piece) != "" {
			cells = append(cells, cell{kind: cellText, text: piece})
		}
	}
	return cells
}

// index is a position in a list as paths write it.
func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// atIndex is a path through every member of a list as the path to one of them.
func atIndex(path string, i int) string { return strings.Replace(path, "[]", index(i), 1) }
