package catalogue

import "accord/exchange"

// ErrNoField is a question about a field that the catalogue does not have.
var ErrNoField = exchange.Define(exchange.KindNotFound, "CAT-006",
	exchange.Text{Zh: "目录中没有该类别或信息项", En: "the catalogue has no such category or field"},
	exchange.Text{Zh: "用 accord catalogue show 查看类别与信息项", En: "see accord catalogue show"})

// Access is one way to see a field: one row of the closed release table,
// spread out to a single requester and purpose. In the row of a public field
// everything but category and field is empty.
type Access struct {
	Category   string              `json:"category"`
	Field      string              `json:"field"`
	Only       string              `json:"only,omitempty"` // id namespace of the subjects it holds for, where it does not hold for all
	Rule       string              `json:"rule,omitempty"`
	Requester  exchange.MemberKind `json:"requester,omitempty"`
	Purpose    string              `json:"purpose,omitempty"`
	Basis      string              `json:"basis,omitempty"`
	Approval   Approval            `json:"approval,omitempty"`
	ValidHours int                 `json:"valid_hours,omitzero"`
	MaxFields  int                 `json:"max_fields,omitzero"`

	Authors     []exchange.MemberKind `json:"authors,omitempty"` // holds for records of these kinds of author
	Persons     int                   `json:"persons,omitzero"`
	Approvers   []exchange.MemberKind `json:"approvers,omitempty"`
	Bulk        *Bulk                 `json:"bulk,omitempty"`
	Emergency   bool                  `json:"emergency,omitzero"`
	JustifyDays int                   `json:"justify_days,omitzero"`
}

// Explanation says who can see one field of one category, and why.
type Explanation struct {
	Category    string        `json:"category"`
	Field       string        `json:"field"`
	Title       exchange.Text `json:"title"`
	Class       Class         `json:"class"`
	PersonClass Class         `json:"person_class,omitempty"` // the class in records on natural persons, where it differs
	Text        exchange.Text `json:"text"`                   // in one sentence
	Rows        []Access      `json:"rows"`                   // every way to see it, in the order of the rules
}

// Explain says who can see a field, by the document alone.
func Explain(doc *Document, category, field string) (Explanation, error) {
	return New(doc).Explain(category, field)
}

// Explain says who can see a field: exactly the requests that Decide does not
// refuse, each with the rule that allows it.
func (c *Catalogue) Explain(category, field string) (Explanation, error) {
	f := c.Field(category, field)
	if f == nil {
		return Explanation{}, ErrNoField.With()
	}
	return c.explain(c.categories[category], f), nil
}

func (c *Catalogue) explain(cat *category, f *Field) Explanation {
	e := Explanation{Category: cat.ID, Field: f.ID, Title: f.Title, Class: f.Class, PersonClass: f.PersonClass, Rows: []Access{}}
	at := Access{Category: cat.ID, Field: f.ID}
	if f.Class == Public {
		if f.PersonClass != "" {
			at.Only = exchange.SubjectOrg
		}
		e.Rows = append(e.Rows, at)
		at.Only = exchange.SubjectPerson
	}
	if f.everPrivate() && f.Class != Secret && (f.PersonClass != Secret || f.Class != Public) {
		if f.PersonClass == Secret {
			at.Only = exchange.SubjectOrg
		}
		for _, r := range cat.rules {
			if contains(r.Fields, f.ID) {
				e.Rows = appendRule(e.Rows, at, r.Rule)
			}
		}
	}
	e.Text = explainText(f, len(e.Rows))
	if f.Class == Public {
		e.Text = cat.Disclosure.told(f.ID, e.Text)
	}
	return e
}

func appendRule(rows []Access, at Access, r *Rule) []Access {
	for _, kind := range r.Requesters {
		for _, purpose := range r.Purposes {
			row := at
			row.Rule, row.Requester, row.Purpose, row.Basis = r.ID, kind, purpose, r.Basis
			row.Approval, row.ValidHours, row.MaxFields = r.Approval, r.ValidHours, r.MaxFields
			row.Authors, row.Persons, row.Approvers, row.Bulk = r.Authors, r.Persons, r.Approvers, r.Bulk
			row.Emergency, row.JustifyDays = r.Emergency, r.JustifyDays
			rows = append(rows, row)
		}
	}
	return rows
}

func explainText(f *Field, rows int) exchange.Text {
	switch {
	case f.Class == Secret:
		return exchange.Text{Zh: "不予共享：始终留在作者单位", En: "secret: it never leaves its author"}
	case f.Class == Public && f.PersonClass == Secret:
		return exchange.Text{Zh: "机构的公开；自然人的不予共享", En: "public for organisations; secret for natural persons"}
	case f.Class == Public && f.PersonClass != "":
		return exchange.Text{Zh: "机构的公开；自然人的加密，按规则开放", En: "public for organisations; sealed for natural persons and opened by rule"}
	case f.Class == Public:
		return exchange.Text{Zh: "公开：任何人可查", En: "public: anyone may see it"}
	case rows == 0:
		return exchange.Text{Zh: "加密，没有规则可以开放", En: "sealed, and no rule opens it"}
	}
	return exchange.Text{Zh: "加密，只按下列规则开放", En: "sealed, and opened only by the rules below"}
}

// Table explains every field of the catalogue, in the order of the document.
func (c *Catalogue) Table() []Explanation {
	var all []Explanation
	for i := range c.doc.Categories {
		cat := c.categories[c.doc.Categories[i].ID]
		for j := range cat.Fields {
			all = append(all, c.explain(cat, &cat.Fields[j]))
		}
	}
	return all
}

// WhoSees lists every way to see a field; nil for an unknown one.
func (c *Catalogue) WhoSees(category, field string) []Access {
	e, err := c.Explain(category, field)
	if err != nil {
		return nil
	}
	return e.Rows
}

// SeenBy lists everything a kind of member may ask to open.
func (c *Catalogue) SeenBy(kind exchange.MemberKind) []Access {
	var rows []Access
	for _, e := range c.Table() {
		for _, row := range e.Rows {
			if row.Requester == kind {
				rows = append(rows, row)
			}
		}
	}
	return rows
}
