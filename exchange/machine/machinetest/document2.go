package machinetest

import (
	"accord/exchange"
	"accord/exchange/catalogue"
)

// Document2 is the small catalogue with a rule for every approval of format 2, each
// under a purpose of its own, all for the field address.
func Document2(version int) *catalogue.Document {
	doc := Document(version)
	doc.Format = catalogue.Format2
	rule := func(id string, approval catalogue.Approval, edit func(*catalogue.Rule)) {
		title := exchange.Text{Zh: id, En: id}
		doc.Purposes = append(doc.Purposes, catalogue.Purpose{ID: id, Title: title, Source: "test"})
		r := catalogue.Rule{ID: "rule-" + id, Title: title, Categories: []string{"penalty"}, Fields: []string{"address"},
			Requesters: []exchange.MemberKind{exchange.KindInsurer, exchange.KindRegulator}, Purposes: []string{id},
			Basis: catalogue.BasisStatute, Approval: approval, ValidHours: 24, Source: "test"}
		edit(&r)
		doc.Rules = append(doc.Rules, r)
	}
	rule("consent", catalogue.ApprovalConsent, func(*catalogue.Rule) {})
	rule("persons", catalogue.ApprovalPersons, func(r *catalogue.Rule) {
		r.Persons, r.ApprovalHours = 2, 72
		r.Approvers = []exchange.MemberKind{exchange.KindRegulator, exchange.KindCommission, exchange.KindCourt}
	})
	rule("authors", catalogue.ApprovalPersons, func(r *catalogue.Rule) { r.Persons = 2 })
	rule("meeting", catalogue.ApprovalMeeting, func(*catalogue.Rule) {})
	rule("bulk", catalogue.ApprovalAuthor, func(r *catalogue.Rule) { r.Bulk = &catalogue.Bulk{Records: 3, Persons: 2} })
	rule("urgent", catalogue.ApprovalNone, func(r *catalogue.Rule) { r.Emergency, r.JustifyDays, r.PerOperatorDay = true, 2, 2 })
	return doc
}
