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
		if !slices.Contains(rule.Categories, r.Category) || rule.Emergency != r.Emergency {
			continue
		}
		failed := referenceRule(rule, r)
		switch {
		case len(failed) > 0:
			if len(failed) < fewest {
				nearest, clause, fewest = rule.ID, failed[0], len(failed)
			}
		case rule.Approval == "none" && r.Records < 2 && granted == "":
			granted = rule.ID
		case (rule.Approval != "none" || r.Records > 1) && pending == "":
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
	case r.Emergency:
		return catalogue.Refused, "", "emergency"
	}
	return catalogue.Refused, "", "category"
}

// referenceAsks says who must approve a positive answer: how many of which kinds.
func referenceAsks(rule *catalogue.Rule, r catalogue.Request) (approval catalogue.Approval, persons int, approvers []exchange.MemberKind) {
	approval, persons = rule.Approval, rule.Persons
	if r.Records > 1 {
		approval, persons = "persons", max(persons, rule.Bulk.Persons)
	}
	if approval == "persons" {
		return approval, persons, rule.Approvers
	}
	return approval, 0, nil
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
		{"author", len(rule.Authors) == 0 || slices.Contains(rule.Authors, r.Author)},
		{"bulk", r.Records < 2 || rule.Bulk != nil && rule.Bulk.Records >= r.Records},
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

// agree asks both procedures and fails where they differ.
func agree(t *testing.T, cat *catalogue.Catalogue, r catalogue.Request) (outcome catalogue.Outcome, rule, clause string) {
	t.Helper()
	outcome, rule, clause = reference(cat.Document(), r)
	got := cat.Decide(r)
	if got.Outcome != outcome || got.Rule != rule || got.Clause != clause {
		t.Fatalf("%+v:\n got %s by %q, clause %q\nwant %s by %q, clause %q", r, got.Outcome, got.Rule, got.Clause, outcome, rule, clause)
	}
	if outcome != catalogue.Refused {
		decided := cat.Rule(rule)
		approval, persons, approvers := referenceAsks(decided, r)
		if got.Approval != approval || got.Persons != persons || !slices.Equal(got.Approvers, approvers) || got.Emergency != r.Emergency ||
			got.JustifyDays != decided.JustifyDays || got.PerOperatorDay != decided.PerOperatorDay || got.ApprovalMS != int64(decided.ApprovalHours)*3_600_000 {
			t.Fatalf("%+v: by %s got %+v", r, rule, got)
		}
	}
	checkSentences(t, got)
	return outcome, rule, clause
}

// TestDecideAgreesOnFormat2 asks with what came in format 2: authors, records and
// emergencies.
func TestDecideAgreesOnFormat2(t *testing.T) {
	doc := modern()
	cat := catalogue.New(doc)
	seen, clauses, rules := 0, map[string]int{}, map[string]int{}
	fields := [][]string{{"a"}, {"b", "a"}, {"name"}, {"name", "a", "b", "c"}, {"b"}, {"s"}, {"number", "a"}, {}}
	for _, requester := range append(exchange.MemberKinds(), "nobody") {
		for _, category := range []string{"one", "two", "open"} {
			for _, set := range fields {
				for _, purpose := range []string{"review", "enforce"} {
					for _, basis := range []string{"consent", "statute", "case", "decision"} {
						for _, author := range []exchange.MemberKind{"", "regulator", "court"} {
							for _, subject := range []string{"", "firm", "person"} {
								for _, records := range []int{0, 1, 2, 5, 6, 10, 11} {
									for _, emergency := range []bool{false, true} {
										_, rule, clause := agree(t, cat, catalogue.Request{Requester: requester, Author: author, Category: category, SubjectKind: subject,
											Fields: set, Purpose: purpose, BasisKind: basis, BasisRef: "x", Records: records, Emergency: emergency})
										seen++
										clauses[clause]++
										if clause == "" {
											rules[rule]++
										}
									}
								}
							}
						}
					}
				}
			}
		}
	}
	if seen < 100_000 {
		t.Errorf("only %d combinations", seen)
	}
	for _, clause := range []string{"", "category", "field", "requester", "purpose", "basis", "class", "author", "bulk", "emergency"} {
		if clauses[clause] == 0 {
			t.Errorf("clause %q never occurred", clause)
		}
	}
	for _, rule := range doc.Rules {
		if rules[rule.ID] == 0 {
			t.Errorf("rule %s never decided", rule.ID)
		}
	}
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
							outcome, rule, clause := agree(t, cat, r)
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
