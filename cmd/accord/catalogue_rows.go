package main

import (
	"accord/exchange"
	"accord/exchange/catalogue"
)

func categoryRows(doc *catalogue.Document) rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "类别", En: "CATEGORY"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "subjects", Title: exchange.Text{Zh: "信用主体", En: "SUBJECTS"}},
		{ID: "authors", Title: exchange.Text{Zh: "作者", En: "AUTHORS"}},
		{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}, Right: true},
		{ID: "source", Title: exchange.Text{Zh: "依据", En: "SOURCE"}},
	}}
	for _, c := range doc.Categories {
		list.add(c.ID, c.Title, toldAll(subjectKinds, c.Subjects), kindsOf(c.Authors), len(c.Fields), c.Source)
	}
	return list
}

// kindsOf are kinds of members as a cell.
func kindsOf(kinds []exchange.MemberKind) wordedList {
	var list wordedList
	for _, k := range kinds {
		list = append(list, worded{string(k), catalogue.KindTitle(k)})
	}
	return list
}

func (e *env) showCategory(cat *catalogue.Catalogue, id string) error {
	category := cat.Category(id)
	if category == nil {
		return noSuchCategory(cat, id)
	}
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "信息项", En: "FIELD"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "type", Title: exchange.Text{Zh: "类型", En: "TYPE"}},
		{ID: "class", Title: exchange.Text{Zh: "属性", En: "CLASS"}},
		{ID: "person_class", Title: exchange.Text{Zh: "自然人", En: "FOR PERSONS"}},
		{ID: "required", Title: exchange.Text{Zh: "必填", En: "REQUIRED"}},
		{ID: "values", Title: exchange.Text{Zh: "取值", En: "VALUES"}},
	}}
	for _, f := range category.Fields {
		var values []string
		for _, v := range f.Values {
			values = append(values, v.ID)
		}
		list.add(f.ID, f.Title, f.Type, told(classes, f.Class), told(classes, f.PersonClass), f.Required, values)
	}
	return e.print(list)
}

func noSuchCategory(cat *catalogue.Catalogue, id string) error {
	try := "accord catalogue show"
	if near := nearest(id, categoryIDs(cat.Document())); near != "" {
		try = near
	}
	return errNoCategory.With("category", id, "try", try)
}

func categoryIDs(doc *catalogue.Document) []string {
	return idsOf(doc.Categories, func(c catalogue.Category) string { return c.ID })
}

func ruleRows(cat *catalogue.Catalogue) rows {
	list := rows{Columns: []column{
		{ID: "id", Title: exchange.Text{Zh: "规则", En: "RULE"}, Whole: true},
		{ID: "title", Title: exchange.Text{Zh: "名称", En: "TITLE"}},
		{ID: "categories", Title: exchange.Text{Zh: "类别", En: "CATEGORIES"}},
		{ID: "fields", Title: exchange.Text{Zh: "信息项", En: "FIELDS"}},
		{ID: "requesters", Title: exchange.Text{Zh: "请求方", En: "REQUESTERS"}},
		{ID: "purposes", Title: exchange.Text{Zh: "用途", En: "PURPOSES"}},
		{ID: "basis", Title: exchange.Text{Zh: "依据", En: "BASIS"}},
		{ID: "approval", Title: exchange.Text{Zh: "批准", En: "APPROVAL"}},
		{ID: "valid_hours", Title: exchange.Text{Zh: "有效小时", En: "HOURS"}, Right: true},
		{ID: "source", Title: exchange.Text{Zh: "出处", En: "SOURCE"}},
	}}
	for _, r := range cat.Document().Rules {
		list.add(r.ID, r.Title, r.Categories, r.Fields, kindsOf(r.Requesters), r.Purposes,
			told(bases, r.Basis), told(approvals, r.Approval), r.ValidHours, r.Source)
	}
	return list
}

// accessRows says who may see a field: one row for each way.
func accessRows(cat *catalogue.Catalogue, x catalogue.Explanation) rows {
	list := rows{Columns: []column{
		{ID: "requester", Title: exchange.Text{Zh: "谁", En: "WHO"}},
		{ID: "only", Title: exchange.Text{Zh: "限于", En: "ONLY"}},
		{ID: "purpose", Title: exchange.Text{Zh: "用途", En: "PURPOSE"}},
		{ID: "basis", Title: exchange.Text{Zh: "依据", En: "BASIS"}},
		{ID: "approval", Title: exchange.Text{Zh: "批准", En: "APPROVAL"}},
		{ID: "valid_hours", Title: exchange.Text{Zh: "有效小时", En: "HOURS"}, Right: true},
		{ID: "rule", Title: exchange.Text{Zh: "规则", En: "RULE"}, Whole: true},
	}}
	for _, a := range x.Rows {
		who, hours := any(worded{"anyone", exchange.Text{Zh: "任何人", En: "anyone"}}), any(nil)
		if a.Rule != "" {
			who, hours = kindCell(a.Requester), a.ValidHours
		}
		list.add(who, told(namespaces, a.Only), purposeCell(cat, a.Purpose), told(bases, a.Basis), told(approvals, a.Approval), hours, a.Rule)
	}
	return list
}

// purposeCell is a purpose with its title; cat may be nil.
func purposeCell(cat *catalogue.Catalogue, id string) any {
	if cat != nil {
		if p := cat.Purpose(id); p != nil {
			return titled(id, p.Title)
		}
	}
	return titled(id, exchange.Text{Zh: id, En: id})
}

// groundCell is a ground of a list with its title; cat may be nil.
func groundCell(cat *catalogue.Catalogue, list, id string) any {
	if cat != nil {
		if l := cat.List(list); l != nil {
			if g := l.GroundOf(id); g != nil {
				return titled(id, g.Title)
			}
		}
	}
	return titled(id, exchange.Text{Zh: id, En: id})
}

// fieldTitle names a field for people, by its id where there is no title; cat
// may be nil.
func fieldTitle(cat *catalogue.Catalogue, category, id string) exchange.Text {
	if cat != nil {
		if f := cat.Field(category, id); f != nil {
			return f.Title
		}
	}
	return exchange.Text{Zh: id, En: id}
}
