package intake

import (
	"slices"
	"sort"
	"strings"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// binding is one table of a mapping together with its category: everything that
// is the same for all rows, checked once before the first is read.
type binding struct {
	table    *Table
	category *catalogue.Category
	targets  []target // in an order in which id kinds come before the numbers
	byField  map[string]*target
	normal   normaliser
	opts     Options
}

// Defaults where a catalogue sets no limit.
const (
	defaultNameCharacters = 200
	defaultTextCharacters = 10_000
)

// bind checks a mapping's table against the catalogue. Whatever the catalogue
// does not know is refused, not left out.
func bind(m *Mapping, t *Table, doc *catalogue.Document, opts Options) (*binding, error) {
	b := &binding{table: t, byField: map[string]*target{}, opts: opts}
	for i := range doc.Categories {
		if doc.Categories[i].ID == t.Category {
			b.category = &doc.Categories[i]
		}
	}
	unfit := func(where string) error { return ErrUnfit.With("mapping", m.Name, "where", where) }
	if b.category == nil {
		return nil, unfit(t.Category)
	}
	b.normal = newNormaliser(m, doc, opts)
	if err := b.bindColumns(unfit); err != nil {
		return nil, err
	}
	if where := b.checkReferences(doc); where != "" {
		return nil, unfit(t.Category + "." + where)
	}
	return b, nil
}

func newNormaliser(m *Mapping, doc *catalogue.Document, opts Options) normaliser {
	n := normaliser{
		asOf: opts.AsOf, today: opts.AsOf.In(beijing).Format(dayLayout),
		empty: map[string]bool{}, noEnd: map[string]bool{NoEnd: true}, dayWritten: m.File.DayOf == "written",
		nameLimit: doc.Limits.NameCharacters, textLimit: doc.Limits.TextCharacters, moneyFlag: doc.Limits.MoneyFlagFen,
	}
	if n.nameLimit <= 0 {
		n.nameLimit = defaultNameCharacters
	}
	if n.textLimit <= 0 {
		n.textLimit = defaultTextCharacters
	}
	for _, w := range m.File.Empty {
		n.empty[strings.ToLower(fold(w))] = true
	}
	for _, w := range m.File.NoEnd {
		n.noEnd[strings.ToLower(fold(w))] = true
	}
	return n
}

// bindColumns makes the targets: the columns in the mapping's order, then the
// constants by field, then every id-number behind the kind it depends on.
func (b *binding) bindColumns(unfit func(string) error) error {
	fields := make(map[string]*catalogue.Field, len(b.category.Fields))
	for i := range b.category.Fields {
		fields[b.category.Fields[i].ID] = &b.category.Fields[i]
	}
	add := func(c Column, at int, text string, constant bool) error {
		f := fields[c.Field]
		if f == nil {
			return unfit(b.category.ID + "." + c.Field)
		}
		t := target{Column: c, field: *f, at: at, text: text, constant: constant,
			past: c.Past || f.Past, notBefore: c.NotBefore}
		if t.notBefore == "" {
			t.notBefore = f.NotBefore
		}
		var where string
		if t.words, where = words(c, f); where != "" {
			return unfit(b.category.ID + "." + c.Field + "=" + where)
		}
		b.targets = append(b.targets, t)
		return nil
	}
	for i, c := range b.table.Columns {
		if c.Ignore {
			continue
		}
		if err := add(c, i, "", false); err != nil {
			return err
		}
	}
	constants := make([]string, 0, len(b.table.Constants))
	for field := range b.table.Constants {
		constants = append(constants, field)
	}
	sort.Strings(constants)
	for _, field := range constants {
		if err := add(Column{Source: field, Field: field, Unit: Yuan}, 0, b.table.Constants[field], true); err != nil {
			return err
		}
	}
	parts := map[string]int{}
	for _, c := range b.table.Columns {
		parts[headerForm(c.Source)] = max(parts[headerForm(c.Source)], c.Part)
	}
	for i := range b.targets {
		t := &b.targets[i]
		t.parts = parts[headerForm(t.Source)]
		for _, name := range t.Join {
			t.join = append(t.join, slices.IndexFunc(b.table.Columns, func(c Column) bool { return headerForm(c.Source) == headerForm(name) }))
		}
	}
	slices.SortStableFunc(b.targets, func(x, y target) int { return dependent(x) - dependent(y) })
	for i := range b.targets {
		b.byField[b.targets[i].field.ID] = &b.targets[i]
	}
	return nil
}

func dependent(t target) int {
	if t.field.KindField != "" {
		return 1
	}
	return 0
}

// words is a column's value table; without one in the mapping the catalogue's
// Chinese titles are the words.
func words(c Column, f *catalogue.Field) (table map[string]string, unknown string) {
	if f.Type != catalogue.TypeCode && f.Type != catalogue.TypeCodes {
		if len(c.Values) > 0 {
			return nil, f.ID
		}
		return nil, ""
	}
	table, ids := map[string]string{}, map[string]bool{}
	for _, v := range f.Values {
		ids[v.ID] = true
		if len(c.Values) == 0 {
			table[fold(v.Title.Zh)] = v.ID
		}
	}
	for word, id := range c.Values {
		if !ids[id] {
			return nil, id
		}
		table[fold(word)] = id
	}
	return table, ""
}

// checkReferences looks at what a table says about fields beside its columns.
func (b *binding) checkReferences(doc *catalogue.Document) string {
	s := b.table.Subject
	if s.By != "" && b.byField[s.By] == nil {
		return "subject.by"
	}
	kinds := map[string]string{}
	for _, k := range doc.Subjects {
		kinds[k.ID] = k.Namespace
	}
	for _, c := range s.Cases {
		switch {
		case b.byField[c.Key] == nil:
			return "subject.key=" + c.Key
		case c.Name != "" && b.byField[c.Name] == nil:
			return "subject.name=" + c.Name
		case c.Namespace != exchange.SubjectOrg && c.Namespace != exchange.SubjectPerson && c.Namespace != exchange.SubjectName:
			return "subject.namespace=" + c.Namespace
		case kinds[c.Kind] != c.Namespace || !slices.Contains(b.category.Subjects, c.Kind):
			return "subject.kind=" + c.Kind
		}
		if where := c.checkKey(b.byField[c.Key].field.Type); where != "" {
			return where
		}
		for _, f := range c.Requires {
			if b.byField[f] == nil {
				return "subject.requires=" + f
			}
		}
	}
	for i := range b.targets {
		if nb := b.targets[i].Column.NotBefore; nb != "" && b.byField[nb] == nil {
			return "not_before=" + nb
		}
	}
	if where := b.checkRowKey(); where != "" {
		return where
	}
	if x := b.table.Sex; x != nil && (b.byField[x.Field] == nil || b.byField[x.ID] == nil) {
		return "sex"
	}
	if where := b.checkRelations(); where != "" {
		return where
	}
	return b.checkConstants()
}

// checkRowKey looks for the fields that tell rows apart. A source may lack those that a
// row may lack, too, but not all of them.
func (b *binding) checkRowKey() string {
	filled := false
	for i := range b.category.Fields {
		f := &b.category.Fields[i]
		if !slices.Contains(b.category.Key, f.ID) {
			continue
		}
		if b.byField[f.ID] == nil && (f.Required || len(f.RequiredFor) > 0) {
			return "key=" + f.ID
		}
		filled = filled || b.byField[f.ID] != nil
	}
	if !filled {
		return "key"
	}
	return ""
}

// checkKey refuses a way of reading a key that its field or namespace does not
// go with.
func (c *SubjectCase) checkKey(t catalogue.Type) string {
	text := t == catalogue.TypeLicence || t == catalogue.TypeText || t == catalogue.TypeName
	switch {
	case c.As == AsUSCC && (!text || c.Namespace != exchange.SubjectOrg),
		c.As == AsLicence && (t != catalogue.TypeLicence || c.Namespace != exchange.SubjectPerson),
		c.As == AsName && (t != catalogue.TypeName || c.Namespace == exchange.SubjectPerson):
		return "subject.as=" + c.As
	}
	return ""
}

// checkRelations looks at the fields that rules between columns name.
func (b *binding) checkRelations() string {
	has := func(field string, types ...catalogue.Type) bool {
		t := b.byField[field]
		return t != nil && slices.Contains(types, t.field.Type)
	}
	if m := b.table.Members; m != nil &&
		(!has(m.ID, catalogue.TypeTexts) || m.Leader != "" && !has(m.Leader, catalogue.TypeName)) {
		return "members"
	}
	if s := b.table.Shared; s != nil {
		if b.byField[s.Field] == nil {
			return "shared"
		}
		for field := range s.Where {
			if !has(field, catalogue.TypeCode) {
				return "shared." + field
			}
		}
	}
	number := []catalogue.Type{catalogue.TypeMoney, catalogue.TypeCount}
	for _, c := range b.table.Consistent {
		if !has(c.Field, number...) || c.Without != "" && !has(c.Without, number...) ||
			c.Of != "" && (!has(c.Of, number...) || !has(c.Less, number...)) {
			return "consistent." + c.Field
		}
	}
	for i := range b.targets {
		t := &b.targets[i]
		switch {
		case t.Listed && t.field.Type != catalogue.TypeUSCC,
			t.HTML && t.field.Type != catalogue.TypeText,
			t.Each != "" && t.field.Type != catalogue.TypeTexts:
			return "columns." + t.Source
		}
	}
	return ""
}

// itemType is the type that the items of a list are read as.
func itemType(each string) catalogue.Type {
	if each == "" {
		return catalogue.TypeText
	}
	return catalogue.Type(each)
}

// checkConstants refuses a constant that no row could carry.
func (b *binding) checkConstants() string {
	for i := range b.targets {
		if t := &b.targets[i]; t.constant {
			if o := b.normal.cell(t, cell{kind: cellText, text: t.text}, ""); o.refuse || o.value == nil {
				return "constants." + t.field.ID
			}
		}
	}
	return ""
}

// retentionEnd is the last day on which an event of the given day may be kept;
// a month counts from its last day.
func retentionEnd(day string, days int) (string, bool) {
	layout := dayLayout
	if len(day) == len(monthLayout) {
		layout = monthLayout
	}
	t, err := time.Parse(layout, day)
	if err != nil {
		return "", false
	}
	if layout == monthLayout {
		t = t.AddDate(0, 1, -1)
	}
	return t.AddDate(0, 0, days).Format(dayLayout), true
}
