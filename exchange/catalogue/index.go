package catalogue

import (
	"fmt"

	"accord/exchange"
)

// Catalogue is a document made ready for repeated questions. It is immutable
// and safe for any number of readers; the document it stands on must not be
// changed afterwards.
type Catalogue struct {
	doc        *Document
	digest     string
	categories map[string]*category
	purposes   map[string]*Purpose
	subjects   map[string]*SubjectKind
	lists      map[string]*List
	rules      map[string]*rule
}

// category is one category with its fields by id and the rules that name it,
// in the order of the document.
type category struct {
	*Category
	fields map[string]*Field
	rules  []*rule
}

// rule is one rule with the texts of its positive answer.
type rule struct {
	*Rule
	one, bulk  answer // about one record, about several
	validMS    int64
	approvalMS int64
}

// answer is what a rule that fits says.
type answer struct {
	why, need exchange.Text
	approval  Approval
	persons   int
	approvers []exchange.MemberKind
}

// New indexes a document. Of two things with one id the first counts; a
// document that came from Parse has none.
func New(doc *Document) *Catalogue {
	c := &Catalogue{doc: doc, categories: make(map[string]*category, len(doc.Categories)),
		purposes: make(map[string]*Purpose, len(doc.Purposes)),
		subjects: make(map[string]*SubjectKind, len(doc.Subjects)),
		lists:    make(map[string]*List, len(doc.Lists)), rules: make(map[string]*rule, len(doc.Rules))}
	for i := range doc.Subjects {
		putFirst(c.subjects, doc.Subjects[i].ID, &doc.Subjects[i])
	}
	for i := range doc.Categories {
		cat := &category{Category: &doc.Categories[i], fields: make(map[string]*Field, len(doc.Categories[i].Fields))}
		for j := range cat.Fields {
			putFirst(cat.fields, cat.Fields[j].ID, &cat.Fields[j])
		}
		putFirst(c.categories, cat.ID, cat)
	}
	for i := range doc.Purposes {
		putFirst(c.purposes, doc.Purposes[i].ID, &doc.Purposes[i])
	}
	for i := range doc.Lists {
		putFirst(c.lists, doc.Lists[i].ID, &doc.Lists[i])
	}
	for i := range doc.Rules {
		c.addRule(&doc.Rules[i])
	}
	return c
}

func (c *Catalogue) addRule(r *Rule) {
	if c.rules[r.ID] != nil {
		return
	}
	indexed := &rule{Rule: r, validMS: int64(r.ValidHours) * 3_600_000, approvalMS: int64(r.ApprovalHours) * 3_600_000}
	indexed.one = c.answer(r, r.Approval, r.Persons)
	if r.Bulk != nil {
		indexed.bulk = c.answer(r, ApprovalPersons, max(r.Persons, r.Bulk.Persons))
	}
	c.rules[r.ID] = indexed
	for i, id := range r.Categories {
		if cat := c.categories[id]; cat != nil && !contains(r.Categories[:i], id) {
			cat.rules = append(cat.rules, indexed)
		}
	}
}

func putFirst[V any](m map[string]*V, id string, v *V) {
	if m[id] == nil {
		m[id] = v
	}
}

// Load parses and indexes the exact bytes of a catalogue and keeps their
// digest.
func Load(data []byte) (*Catalogue, error) {
	doc, err := Parse(data)
	if err != nil {
		return nil, err
	}
	c := New(doc)
	c.digest = Digest(data)
	return c, nil
}

// Document is the document the index stands on; read only.
func (c *Catalogue) Document() *Document { return c.doc }

// Digest is the digest of the exact bytes, "" when the index was made from a
// document alone.
func (c *Catalogue) Digest() string { return c.digest }

// Reference is "id@version", the way texts name the catalogue.
func (c *Catalogue) Reference() string { return fmt.Sprintf("%s@%d", c.doc.ID, c.doc.Version) }

// Category finds a category, nil when there is none.
func (c *Catalogue) Category(id string) *Category {
	if cat := c.categories[id]; cat != nil {
		return cat.Category
	}
	return nil
}

// Field finds a field of a category, nil when there is none.
func (c *Catalogue) Field(categoryID, fieldID string) *Field {
	if cat := c.categories[categoryID]; cat != nil {
		return cat.fields[fieldID]
	}
	return nil
}

// Subject finds a subject kind, nil when there is none.
func (c *Catalogue) Subject(id string) *SubjectKind { return c.subjects[id] }

// Purpose finds a purpose, nil when there is none.
func (c *Catalogue) Purpose(id string) *Purpose { return c.purposes[id] }

// List finds a list, nil when there is none.
func (c *Catalogue) List(id string) *List { return c.lists[id] }

// Rule finds a release rule, nil when there is none.
func (c *Catalogue) Rule(id string) *Rule {
	if r := c.rules[id]; r != nil {
		return r.Rule
	}
	return nil
}

// ClassOf is the class of a field in a record on a subject of the given kind;
// ok is false when category or field is unknown. An empty or unknown subject
// kind gets the stricter class.
func (c *Catalogue) ClassOf(categoryID, fieldID, subjectKind string) (class Class, ok bool) {
	f := c.Field(categoryID, fieldID)
	if f == nil {
		return "", false
	}
	return c.classOf(f, subjectKind), true
}

func (c *Catalogue) classOf(f *Field, subjectKind string) Class {
	if s := c.subjects[subjectKind]; s != nil {
		return f.ClassFor(s.Namespace)
	}
	return f.ClassFor("")
}

// rank orders the classes from open to closed; an unknown class is closed.
func (c Class) rank() int {
	switch c {
	case Public:
		return 0
	case Shared:
		return 1
	case Restricted:
		return 2
	}
	return 3
}

func stricter(a, b Class) Class {
	if a.rank() >= b.rank() {
		return a
	}
	return b
}

// GroundOf finds a ground of a list, nil when there is none.
func (l *List) GroundOf(id string) *Ground {
	for i := range l.Grounds {
		if l.Grounds[i].ID == id {
			return &l.Grounds[i]
		}
	}
	return nil
}

// MeasureOf finds a measure of a list, nil when there is none.
func (l *List) MeasureOf(id string) *Measure {
	for i := range l.Measures {
		if l.Measures[i].ID == id {
			return &l.Measures[i]
		}
	}
	return nil
}

// ValueOf finds a value of the field's closed table, nil when there is none.
func (f *Field) ValueOf(id string) *Value {
	for i := range f.Values {
		if f.Values[i].ID == id {
			return &f.Values[i]
		}
	}
	return nil
}
