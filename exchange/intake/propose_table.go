package intake

import (
	"fmt"
	"slices"
	"strings"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// table makes the mapping's table from a fit. What the built-in mapping of the
// category says beside its columns (who the subject is, which amounts follow
// from which) is taken over where its fields are there.
func (p *proposer) table(t *sampled, f fit) Table {
	out := t.table
	out.Category = f.category.ID
	has := map[string]bool{}
	for i := range t.columns {
		col := &t.columns[i]
		if col.name == "" {
			continue
		}
		if f.fields[i] < 0 {
			out.Columns = append(out.Columns, col.source(Column{Source: col.name, Ignore: true}))
			if !isNumbering(col.name) && col.filled > 0 {
				p.note("列“"+col.name+"”没有对应的信息项，暂不导入", "column \""+col.name+"\" fits no field and is left out")
			}
			continue
		}
		field := &f.category.Fields[f.fields[i]]
		has[field.ID] = true
		if !f.sure[i] {
			p.note("列“"+col.name+"”按近似名称或取值对应为“"+field.Title.Zh+"”（"+field.ID+"），请核对",
				"column \""+col.name+"\" was taken for "+field.ID+" by a similar name or its values: look at it")
		}
		out.Columns = append(out.Columns, p.column(col, field, out.Category))
	}
	p.missing(f.category, has)
	p.subject(&out, f.category, has)
	return out
}

// column describes one column: unit, value table, separator, form of dates.
func (p *proposer) column(col *sampledColumn, f *catalogue.Field, category string) Column {
	c := Column{Source: col.name, Field: f.ID}
	switch f.Type {
	case catalogue.TypeMoney:
		c.Unit = unitOf(col.name)
	case catalogue.TypeDate:
		c.Dates = col.dates()
	case catalogue.TypeCodes, catalogue.TypeTexts:
		if !col.list && !strings.Contains(col.name, "[]") {
			c.Split = splitOf(col)
		}
	}
	if strings.Contains(col.name, "[]") && f.Type == catalogue.TypeTexts {
		c.Each = itemOf(f)
	}
	if f.Type == catalogue.TypeCode || f.Type == catalogue.TypeCodes {
		p.valueTable(&c, col, f)
	}
	c = col.source(c)
	if model := p.model(category, f.ID); model != nil {
		c.Listed, c.Unlisted, c.HTML = model.Listed, model.Unlisted, model.HTML
		if c.Each != "" && model.Each != "" {
			c.Each = model.Each
		}
	}
	return c
}

// model is the built-in mapping's column for a field.
func (p *proposer) model(category, field string) *Column {
	t := builtinTable(category)
	if t == nil {
		return nil
	}
	for i := range t.Columns {
		if t.Columns[i].Field == field {
			return &t.Columns[i]
		}
	}
	return nil
}

// itemOf is what the items of a list are, by the field's name.
func itemOf(f *catalogue.Field) string {
	switch {
	case strings.HasSuffix(f.ID, "_names"):
		return "name"
	case strings.HasSuffix(f.ID, "_ids"):
		return "resident-id"
	case strings.HasSuffix(f.ID, "_phones"):
		return "phone"
	}
	return "text"
}

// valueTable pairs the words found in a column with the field's values.
func (p *proposer) valueTable(c *Column, col *sampledColumn, f *catalogue.Field) {
	known := p.words.values(f)
	found, strange := map[string]string{}, []string{}
	for _, word := range col.distinct(c.Split) {
		id, ok := known[fold(word)]
		if !ok {
			id, ok = nearValue(word, f)
		}
		if ok {
			found[word] = id
		} else {
			strange = append(strange, word)
		}
	}
	if len(strange) > maxStrange {
		strange = strange[:maxStrange]
	}
	c.Values = found
	if len(found) == 0 {
		c.Values = nil
	}
	if len(strange) > 0 {
		if p.unknown == nil {
			p.unknown = map[string][]string{}
		}
		p.unknown[col.name] = strange
		p.note(fmt.Sprintf("列“%s”有 %d 个取值没有对应，导入时这些行会被拒收", col.name, len(strange)),
			fmt.Sprintf("column %q holds %d words without a value; rows with them will be refused", col.name, len(strange)))
	}
}

// maxStrange is how many words without a value are listed for a column.
const maxStrange = 20

// nearValue finds the value whose title holds the word or is held by it, if
// there is exactly one.
func nearValue(word string, f *catalogue.Field) (id string, ok bool) {
	word = strings.ToLower(fold(word))
	if len([]rune(word)) < 2 {
		return "", false
	}
	for _, v := range f.Values {
		for _, title := range []string{v.Title.Zh, v.Title.En, v.ID} {
			title = strings.ToLower(fold(title))
			if title == "" || !strings.Contains(title, word) && !(len([]rune(title)) >= 2 && strings.Contains(word, title)) {
				continue
			}
			if id != "" && id != v.ID {
				return "", false
			}
			id = v.ID
		}
	}
	return id, id != ""
}

// missing says which fields no row could do without have no column.
func (p *proposer) missing(c *catalogue.Category, has map[string]bool) {
	for i := range c.Fields {
		f := &c.Fields[i]
		switch key := slices.Contains(c.Key, f.ID); {
		case has[f.ID]:
		case key && !f.Required && len(f.RequiredFor) == 0:
			p.note("缺少“"+f.Title.Zh+"”（"+f.ID+"）：来源没有这一列时，各行只靠其他信息项区分",
				"nothing fills "+f.ID+" ("+f.Title.En+"): where the source has no such column its rows are told apart without it")
		case f.Required || key:
			p.note("缺少“"+f.Title.Zh+"”（"+f.ID+"）：请指明列，或在 constants 中写明",
				"nothing fills "+f.ID+" ("+f.Title.En+"): name its column, or give it under constants")
		}
	}
}

// subject says how a row names its subject.
func (p *proposer) subject(t *Table, c *catalogue.Category, has map[string]bool) {
	fits := func(s SubjectCase) bool {
		if s.Key == "" || !has[s.Key] {
			return false
		}
		return !slices.ContainsFunc(s.Requires, func(f string) bool { return !has[f] })
	}
	trimmed := func(cases []SubjectCase) (out []SubjectCase) {
		for _, s := range cases {
			if fits(s) {
				if !has[s.Name] {
					s.Name = ""
				}
				out = append(out, s)
			}
		}
		return out
	}
	if model := builtinTable(c.ID); model != nil {
		t.Register = model.Register
		if model.Subject.By == "" || has[model.Subject.By] {
			t.Subject = Subject{By: model.Subject.By, Cases: trimmed(model.Subject.Cases)}
		}
		p.rules(t, model, has)
	}
	if len(t.Subject.Cases) == 0 {
		t.Subject = Subject{Cases: trimmed(subjectCases(p.doc, c))}
	}
	if len(t.Subject.Cases) > 0 {
		return
	}
	p.note("看不出每行说的是谁（subject）：请指明证件号码或统一社会信用代码所在的列",
		"who a row is about (subject) cannot be told: name the column with the identity number or the unified code")
	t.Subject.Cases = subjectCases(p.doc, c)
	if len(t.Subject.Cases) == 0 && len(c.Fields) > 0 {
		t.Subject.Cases = []SubjectCase{{Kind: first(c.Subjects), Namespace: exchange.SubjectName, Key: c.Fields[0].ID}}
	}
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// rules takes over what the built-in mapping checks between columns.
func (p *proposer) rules(t, model *Table, has map[string]bool) {
	if x := model.Sex; x != nil && has[x.Field] && has[x.ID] {
		t.Sex = x
	}
	if s := model.Shared; s != nil && has[s.Field] {
		all := true
		for field := range s.Where {
			all = all && has[field]
		}
		if all {
			t.Shared = s
		}
	}
	if m := model.Members; m != nil && has[m.ID] {
		copied := *m
		if !has[copied.Leader] {
			copied.Leader = ""
		}
		if path, _, ok := strings.Cut(sourceOf(t, m.ID), "[]"); ok {
			copied.Path = path
		}
		t.Members = &copied
	}
	for _, c := range model.Consistent {
		if has[c.Field] && (c.Without == "" || has[c.Without]) && (c.Of == "" || has[c.Of] && has[c.Less]) {
			t.Consistent = append(t.Consistent, c)
		}
	}
}

func sourceOf(t *Table, field string) string {
	for _, c := range t.Columns {
		if c.Field == field {
			return c.Source
		}
	}
	return ""
}
