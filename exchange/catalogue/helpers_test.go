package catalogue_test

import (
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
)

func text(s string) exchange.Text { return exchange.Text{Zh: s + "（中）", En: s} }

// small is a sound catalogue of three categories and six rules: big enough for
// every clause to fail in every company, small enough to enumerate.
func small() *catalogue.Document {
	field := func(id string, class catalogue.Class) catalogue.Field {
		return catalogue.Field{ID: id, Title: text(id), Type: catalogue.TypeText, Class: class}
	}
	required := field("number", catalogue.Public)
	required.Required = true
	named := catalogue.Field{ID: "name", Title: text("name"), Type: catalogue.TypeName, Names: catalogue.NamesSubject,
		Class: catalogue.Public, PersonClass: catalogue.Shared}
	rule := func(id, basis string, approval catalogue.Approval, cats, fields, purposes []string, who ...exchange.MemberKind) catalogue.Rule {
		return catalogue.Rule{ID: id, Title: text(id), Categories: cats, Fields: fields, Requesters: who, Purposes: purposes,
			Basis: basis, Approval: approval, ValidHours: 24}
	}
	limited := rule("limited", catalogue.BasisDecision, catalogue.ApprovalNone, []string{"one"}, []string{"a", "b", "c"}, []string{"review"}, exchange.KindCommission)
	limited.MaxFields = 2
	return &catalogue.Document{
		Format: catalogue.Format, ID: "small", Version: 3, Title: text("small"), Source: "test",
		Subjects: []catalogue.SubjectKind{
			{ID: "firm", Title: text("firm"), Namespace: exchange.SubjectOrg},
			{ID: "person", Title: text("person"), Namespace: exchange.SubjectPerson},
		},
		Categories: []catalogue.Category{
			{ID: "one", Title: text("one"), Source: "test", Subjects: []string{"firm", "person"},
				Authors: []exchange.MemberKind{exchange.KindRegulator, exchange.KindCourt}, Key: []string{"number"},
				Fields: []catalogue.Field{required, named, field("a", catalogue.Shared), field("b", catalogue.Restricted),
					field("c", catalogue.Restricted), field("s", catalogue.Secret)}},
			{ID: "two", Title: text("two"), Source: "test", Subjects: []string{"person"},
				Authors: []exchange.MemberKind{exchange.KindCourt}, Key: []string{"number"},
				Fields: []catalogue.Field{required, field("a", catalogue.Shared), field("b", catalogue.Restricted)}},
			{ID: "open", Title: text("open"), Source: "test", Subjects: []string{"firm"},
				Authors: []exchange.MemberKind{exchange.KindRegulator}, Key: []string{"number"}, Fields: []catalogue.Field{required}},
		},
		Purposes: []catalogue.Purpose{{ID: "review", Title: text("review")}, {ID: "enforce", Title: text("enforce")}},
		Rules: []catalogue.Rule{
			rule("court", catalogue.BasisCase, catalogue.ApprovalNone, []string{"one", "two"}, []string{"name", "a", "b"}, []string{"enforce"}, exchange.KindCourt),
			rule("asks", catalogue.BasisStatute, catalogue.ApprovalAuthor, []string{"one"}, []string{"name", "a", "b", "c"}, []string{"review"}, exchange.KindCommission, exchange.KindCourt),
			limited,
			rule("wide", catalogue.BasisDecision, catalogue.ApprovalNone, []string{"one", "two"}, []string{"name", "a"}, []string{"review", "enforce"}, exchange.KindCommission, exchange.KindRegulator),
			rule("two-b", catalogue.BasisStatute, catalogue.ApprovalNone, []string{"two"}, []string{"b"}, []string{"review"}, exchange.KindRegulator),
			rule("insurer", catalogue.BasisConsent, catalogue.ApprovalAuthor, []string{"two"}, []string{"a", "b"}, []string{"enforce"}, exchange.KindInsurer),
		},
		Limits: catalogue.Limits{NameCharacters: 200, TextCharacters: 10_000, EntriesPerList: 10, FieldsPerAsk: 4},
	}
}

func encode(t testing.TB, doc *catalogue.Document) []byte {
	t.Helper()
	data, err := strictjson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
