package catalogue_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// TestTableIsWhatDecideDoes asks for every single field in every way there is
// and compares the answers with the table: nothing is granted that the table
// does not list, and all that it lists is granted.
func TestTableIsWhatDecideDoes(t *testing.T) {
	cat := defaultCatalogue()
	doc := cat.Document()
	listed := map[string]bool{}
	for _, e := range cat.Table() {
		for _, row := range e.Rows {
			listed[fmt.Sprint(catalogue.Access{Category: row.Category, Field: row.Field, Only: row.Only, Requester: row.Requester, Purpose: row.Purpose, Basis: row.Basis, Approval: row.Approval})] = true
		}
	}
	asked := 0
	for _, c := range doc.Categories {
		for _, f := range c.Fields {
			for _, kind := range exchange.MemberKinds() {
				for _, p := range doc.Purposes {
					for _, basis := range []string{"case", "decision", "consent", "statute"} {
						asked++
						d := cat.Decide(catalogue.Request{Requester: kind, Category: c.ID, Fields: []string{f.ID}, Purpose: p.ID, BasisKind: basis, BasisRef: "x"})
						row := catalogue.Access{Category: c.ID, Field: f.ID, Requester: kind, Purpose: p.ID, Basis: basis, Approval: d.Approval}
						if f.PersonClass != "" && f.Class == catalogue.Public {
							row.Only = exchange.SubjectPerson
						}
						if d.Outcome != catalogue.Refused && !listed[fmt.Sprint(row)] {
							t.Fatalf("granted and not listed: %+v", row)
						}
						if d.Outcome == catalogue.Refused {
							for _, approval := range []catalogue.Approval{catalogue.ApprovalNone, catalogue.ApprovalAuthor} {
								row.Approval = approval
								if listed[fmt.Sprint(row)] {
									t.Fatalf("listed and refused: %+v: %s", row, d.Why.En)
								}
							}
						}
					}
				}
			}
		}
	}
	if asked < 90_000 {
		t.Errorf("only %d questions", asked)
	}
}

func TestExplain(t *testing.T) {
	_, doc := catalogue.Default()
	for _, test := range []struct {
		category, field, en string
		rows                int
		first               catalogue.Access
	}{
		{"admin-penalty", "facts", "public: anyone may see it", 1, catalogue.Access{Category: "admin-penalty", Field: "facts"}},
		{"consumer-claim", "medical_facts", "secret: it never leaves its author", 0, catalogue.Access{}},
		{"enterprise-basic", "contact", "", -1, catalogue.Access{}},
		{"guarantee-group", "member_ids", "sealed, and opened only by the rules below", 1, catalogue.Access{Category: "guarantee-group", Field: "member_ids", Rule: "regulator-customer-data",
			Requester: "regulator", Purpose: "supervision", Basis: "statute", Approval: "author", ValidHours: 168, MaxFields: 8}},
	} {
		e, err := catalogue.Explain(doc, test.category, test.field)
		if test.rows < 0 {
			if !errors.Is(err, catalogue.ErrNoField) {
				t.Errorf("%s.%s: %v", test.category, test.field, err)
			}
			continue
		}
		if err != nil || e.Text.En != test.en || e.Text.Zh == "" || len(e.Rows) != test.rows || test.rows > 0 && !reflect.DeepEqual(e.Rows[0], test.first) {
			t.Errorf("%s.%s: %+v, %v", test.category, test.field, e, err)
		}
	}
	if e, _ := catalogue.Explain(doc, "admin-penalty", "party_name"); e.Rows[0].Only != exchange.SubjectOrg || e.Rows[1].Only != exchange.SubjectPerson {
		t.Errorf("a name is public for organisations and ruled for persons: %+v", e.Rows[:2])
	}
}

func TestSeenBy(t *testing.T) {
	cat := defaultCatalogue()
	for _, row := range cat.SeenBy(exchange.KindPlatform) {
		if row.Purpose != "procurement-check" {
			t.Errorf("a platform sees %+v", row)
		}
	}
	if rows := cat.SeenBy(exchange.KindCommission); slices.ContainsFunc(rows, func(a catalogue.Access) bool { return a.Purpose == "statistics" }) {
		t.Error("the commission opens fields for statistics")
	}
}

func TestDiff(t *testing.T) {
	if changes := catalogue.Diff(small(), small()); len(changes) != 0 {
		t.Fatalf("a document differs from itself: %v", changes)
	}
	for _, test := range []struct {
		name   string
		change func(*catalogue.Document)
		want   string
	}{
		{"a purpose more", func(d *catalogue.Document) { d.Rules[0].Purposes = append(d.Rules[0].Purposes, "review") },
			"opened categories/one/fields/name, opened categories/one/fields/a, opened categories/one/fields/b, opened categories/two/fields/a, opened categories/two/fields/b, changed rules/court"},
		{"a rule less", func(d *catalogue.Document) { d.Rules = d.Rules[:5] },
			"closed categories/two/fields/a, closed categories/two/fields/b, removed rules/insurer"},
		{"approval dropped", func(d *catalogue.Document) { d.Rules[5].Approval = catalogue.ApprovalNone },
			"opened categories/two/fields/a, opened categories/two/fields/b, closed categories/two/fields/a, closed categories/two/fields/b, changed rules/insurer"},
		{"persons' names made public", func(d *catalogue.Document) { d.Categories[0].Fields[1].PersonClass = "" },
			"opened categories/one/fields/name, changed categories/one/fields/name"},
		{"a rule renamed", func(d *catalogue.Document) { d.Rules[0].ID = "courts" }, "removed rules/court, added rules/courts"},
		{"order", func(d *catalogue.Document) { slices.Reverse(d.Rules); slices.Reverse(d.Categories) }, ""},
		{"limits", func(d *catalogue.Document) { d.Limits.NameCharacters++ }, "changed limits"},
		{"a category's title", func(d *catalogue.Document) { d.Categories[1].Title.En = "second" }, "changed categories/two"},
	} {
		after := small()
		test.change(after)
		var got []string
		for _, c := range catalogue.Diff(small(), after) {
			got = append(got, c.Kind+" "+c.Path)
			if c.Text.Zh == "" || c.Text.En == "" {
				t.Errorf("%s: a change without words: %+v", test.name, c)
			}
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, strings.Join(got, ", "), test.want)
		}
	}
}
