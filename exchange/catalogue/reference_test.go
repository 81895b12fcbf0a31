package catalogue_test

import (
	"fmt"
	"slices"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

// reference is the decision procedure written a second time, straight from the
// documentation of Decide: without index, without bits, in the order of the
// sentences there. It gives outcome, rule and clause.
func reference(doc *catalogue.Document, r catalogue.Request) (catalogue.Outcome, string, string) {
	if !slices.Contains(exchange.MemberKinds(), r.Requester) {
		return catalogue.Refused, "", "requester"
	}
	at := slices.IndexFunc(doc.Categories, func(c catalogue.Category) bool { return c.ID == r.Category })
	if at < 0 {
		return catalogue.Refused, "", "category"
	}
	cat := doc.Categories[at]
	if r.Author != "" && !slices.Contains(cat.Authors, r.Author) || r.SubjectKind != "" && !slices.Contains(cat.Subjects, r.SubjectKind) {
		return catalogue.Refused, "", "category"
	}
	if !slices.ContainsFunc(doc.Purposes, func(p catalogue.Purpose) bool { return p.ID == r.Purpose }) {
		return catalogue.Refused, "", "purpose"
	}
	if !slices.Contains([]string{"case", "decision", "consent", "statute"}, r.BasisKind) || r.BasisRef == "" {
		return catalogue.Refused, "", "basis"
	}
	if clause := referenceFields(doc, cat, r); clause != "" {
		return catalogue.Refused, "", clause
	}
	granted, pending, nearest, clause, fewest := "", "", "", "", 99
	for _, rule := range doc.Rules {
		if !slices.Contains(rule.Categories, r.Category) {
			continue
		}
		failed := referenceRule(rule, r)
		switch {
		case len(failed) > 0:
			if len(failed) < fewest {
				nearest, clause, fewest = rule.ID, failed[0], len(failed)
			}
		case rule.Approval == "none" && granted == "":
			granted = rule.ID
		case rule.Approval == "author" && pending == "":
			pending = rule.ID
		}
	}
	switch {
	case granted != "":
		return catalogue.Granted, granted, ""
	case pending != "":
		return catalogue.Pending, pending, ""
	case nearest != "":
		return catalogue.Refused, nearest, clause
	}
	return catalogue.Refused, "", "category"
}

// referenceFields judges the fields one after the other.
func referenceFields(doc *catalogue.Document, cat catalogue.Category, r catalogue.Request) string {
	if len(r.Fields) == 0 {
		return "field"
	}
	if len(r.Fields) > doc.Limits.FieldsPerAsk {
		return "limit"
	}
	seen := map[string]bool{}
	for _, id := range r.Fields {
		at := slices.IndexFunc(cat.Fields, func(f catalogue.Field) bool { return f.ID == id })
		if at < 0 || seen[id] {
			return "field"
		}
		seen[id] = true
		class := cat.Fields[at].Class
		if person := cat.Fields[at].PersonClass; person != "" && r.SubjectKind != "firm" {
			class = person
		}
		if class != "shared" && class != "restricted" {
			return "class"
		}
	}
	return ""
}

func referenceRule(rule catalogue.Rule, r catalogue.Request) (failed []string) {
	for _, clause := range []struct {
		name string
		ok   bool
	}{
		{"requester", slices.Contains(rule.Requesters, r.Requester)},
		{"purpose", slices.Contains(rule.Purposes, r.Purpose)},
		{"basis", rule.Basis == r.BasisKind},
		{"field", !slices.ContainsFunc(r.Fields, func(f string) bool { return !slices.Contains(rule.Fields, f) })},
		{"limit", rule.MaxFields == 0 || len(r.Fields) <= rule.MaxFields},
	} {
		if !clause.ok {
			failed = append(failed, clause.name)
		}
	}
	return failed
}

// fieldSets are all subsets of the fields of category "one", and some that are
// no sets at all.
func fieldSets() [][]string {
	all := []string{"name", "a", "b", "c", "s", "number"}
	sets := [][]string{{"a", "a"}, {"a", "b", "a"}, {"unknown"}, {"a", "unknown"}, {""}, {"s", "unknown"}, {"b", "a"}, {"c", "b", "a"}}
	for mask := range 1 << len(all) {
		var set []string
		for i, f := range all {
			if mask&(1<<i) != 0 {
				set = append(set, f)
			}
		}
		sets = append(sets, set)
	}
	return sets
}

func TestDecideAgreesWithReferenceEverywhere(t *testing.T) {
	doc := small()
	cat := catalogue.New(doc)
	seen, outcomes, clauses, rules := 0, map[catalogue.Outcome]int{}, map[string]int{}, map[string]int{}
	for _, requester := range append(exchange.MemberKinds(), "nobody") {
		for _, category := range []string{"one", "two", "open", "none"} {
			for _, fields := range fieldSets() {
				for _, purpose := range []string{"review", "enforce", "unknown"} {
					for _, basis := range []string{"case", "decision", "consent", "statute", "rumour"} {
						for _, who := range []struct {
							subject string
							author  exchange.MemberKind
							ref     string
						}{{"", "", "x"}, {"firm", "", "x"}, {"person", "", "x"}, {"", "court", "x"}, {"person", "insurer", "x"}, {"alien", "", "x"}, {"", "", ""}} {
							r := catalogue.Request{Requester: requester, Author: who.author, Category: category, SubjectKind: who.subject,
								Fields: fields, Purpose: purpose, BasisKind: basis, BasisRef: who.ref}
							outcome, rule, clause := reference(doc, r)
							got := cat.Decide(r)
							if got.Outcome != outcome || got.Rule != rule || got.Clause != clause {
								t.Fatalf("%+v:\n got %s by %q, clause %q\nwant %s by %q, clause %q", r, got.Outcome, got.Rule, got.Clause, outcome, rule, clause)
							}
							checkSentences(t, got)
							seen++
							outcomes[outcome]++
							clauses[clause]++
							rules[fmt.Sprint(outcome, rule)]++
						}
					}
				}
			}
		}
	}
	if seen < 100_000 {
		t.Errorf("only %d combinations", seen)
	}
	for _, clause := range []string{"", "category", "field", "requester", "purpose", "basis", "limit", "class"} {
		if clauses[clause] == 0 {
			t.Errorf("clause %q never occurred", clause)
		}
	}
	for _, rule := range doc.Rules {
		want := catalogue.Granted
		if rule.Approval == catalogue.ApprovalAuthor {
			want = catalogue.Pending
		}
		if rules[fmt.Sprint(want, rule.ID)] == 0 {
			t.Errorf("rule %s never decided", rule.ID)
		}
	}
	t.Logf("%d combinations: %v", seen, outcomes)
}

// checkSentences sees that an answer is complete in both languages.
func checkSentences(t *testing.T, d catalogue.Decision) {
	t.Helper()
	if d.Why.Zh == "" || d.Why.En == "" || d.Catalogue != "small" || d.Version != 3 {
		t.Fatalf("an answer without reason: %+v", d)
	}
	if needs := d.Outcome != catalogue.Granted; needs != (d.Need.Zh != "" && d.Need.En != "") {
		t.Fatalf("%s says what is needed: %+v", d.Outcome, d.Need)
	}
	if d.Outcome == catalogue.Refused && (d.ValidMS != 0 || d.Approval != "") {
		t.Fatalf("a refusal carries a grant: %+v", d)
	}
	if d.Outcome != catalogue.Refused && d.ValidMS != 24*3_600_000 {
		t.Fatalf("a grant stands %d ms", d.ValidMS)
	}
}
