package catalogue_test

import (
	"fmt"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

func TestFullHasNoFindings(t *testing.T) {
	data, doc := catalogue.Full()
	for _, f := range catalogue.Lint(doc) {
		t.Error(f)
	}
	_, before := catalogue.Default()
	if doc.Format != catalogue.Format2 || doc.ID != before.ID || doc.Version != before.Version+1 {
		t.Errorf("%s@%d of %s", doc.ID, doc.Version, doc.Format)
	}
	if _, err := catalogue.Parse(data); err != nil {
		t.Error(err)
	}
	was := catalogue.New(before)
	now := catalogue.New(doc)
	for _, c := range before.Categories { // ids that exist stay
		for _, f := range c.Fields {
			if now.Field(c.ID, f.ID) == nil || now.Field(c.ID, f.ID).Class != f.Class {
				t.Errorf("%s.%s is gone or of another class", c.ID, f.ID)
			}
		}
	}
	for _, r := range doc.Rules {
		if was.Rule(r.ID) == nil {
			t.Errorf("rule %s is new", r.ID)
		}
	}
	if again, _ := catalogue.Default(); string(again) == string(data) {
		t.Error("the default has changed")
	}
}

// TestFullHasWhatTheRequirementsName: the categories, lists, deadlines and parts that
// the rows of the plan's requirements stand on.
func TestFullHasWhatTheRequirementsName(t *testing.T) {
	_, doc := catalogue.Full()
	cat := catalogue.New(doc)
	for row, names := range map[string]string{
		"R02": "list:red measure:red/green-channel measure:red/simplified-procedure measure:red/price-benefit",
		"R03": "list:black list:watch measure:black/market-exit severity:serious",
		"R04": "evaluation measure:watch/closer-supervision",
		"R05": "evaluation",
		"R06": "disclosed:admin-penalty disclosed:discipline-organisation",
		"R07": "category:discipline-practitioner category:discipline-organisation",
		"R08": "due:tip-accepted due:tip",
		"R09": "due:feedback",
		"R12": "due:disclosure",
		"R13": "category:statistics-credit",
		"R14": "category:guarantee-group",
		"R15": "due:objection due:objection-flag due:repair due:repair-propagated",
		"R16": "category:regulator-duty category:enterprise-basic category:practitioner-tax category:consumer-claim",
		"R19": "category:media-report category:court-defaulter",
		"R22": "category:commitment",
		"R25": "category:service-quality",
		"R26": "category:credit-rating",
		"R28": "category:admin-licence category:regulator-administration due:publication",
		"R32": "category:complaint due:complaint",
	} {
		for name := range strings.FieldsSeq(names) {
			kind, id, _ := strings.Cut(name, ":")
			list, measure, _ := strings.Cut(id, "/")
			ok := false
			switch kind {
			case "category":
				ok = cat.Category(id) != nil && strings.Contains(cat.Category(id).Source, "185号")
			case "list":
				ok = cat.List(id) != nil && strings.Contains(cat.List(id).Source, "185号")
			case "measure":
				ok = cat.List(list) != nil && cat.List(list).MeasureOf(measure) != nil
			case "due":
				ok = cat.Deadline(id) != nil && cat.Deadline(id).Source != ""
			case "severity":
				ok = cat.Severity(id) != nil
			case "disclosed":
				ok = cat.Category(id).Disclosure != nil && cat.Category(id).Disclosure.ForDays > 0
			case "evaluation":
				ok = doc.Evaluation != nil && len(doc.Evaluation.Indicators) > 5 && len(doc.Evaluation.Grades) == 4
			}
			if !ok {
				t.Errorf("%s: no %s", row, name)
			}
		}
	}
}

// TestExplainIsWhatDecideDoes asks every field of a catalogue of format 2 in every
// way there is, with author, records and emergency, and holds the answers against
// what Explain lists: nothing else is granted, and all of it is.
func TestExplainIsWhatDecideDoes(t *testing.T) {
	doc := modern()
	cat := catalogue.New(doc)
	asked, granted := 0, 0
	for _, e := range cat.Table() {
		for _, r := range questions(doc, cat.Category(e.Category), e.Field) {
			asked++
			d := cat.Decide(r)
			want := false
			for _, row := range e.Rows {
				want = want || listed(&row, r, doc)
			}
			if got := d.Outcome != catalogue.Refused; got != want {
				t.Fatalf("%+v: decided %s, explained %v\n%+v", r, d.Outcome, want, e.Rows)
			} else if got {
				granted++
			}
		}
	}
	if asked < 25_000 || granted < 300 {
		t.Errorf("%d questions, %d granted", asked, granted)
	}
}

func questions(doc *catalogue.Document, c *catalogue.Category, field string) (all []catalogue.Request) {
	for _, requester := range exchange.MemberKinds() {
		for _, p := range doc.Purposes {
			for _, basis := range []string{"case", "decision", "consent", "statute"} {
				for _, author := range c.Authors {
					for _, subject := range append([]string{""}, c.Subjects...) {
						for _, records := range []int{1, 2, 5, 6, 10, 11} {
							for _, emergency := range []bool{false, true} {
								all = append(all, catalogue.Request{Requester: requester, Author: author, Category: c.ID, SubjectKind: subject,
									Fields: []string{field}, Purpose: p.ID, BasisKind: basis, BasisRef: "x", Records: records, Emergency: emergency})
							}
						}
					}
				}
			}
		}
	}
	return all
}

// listed says whether a row of an explanation lets a request through.
func listed(a *catalogue.Access, r catalogue.Request, doc *catalogue.Document) bool {
	namespace := exchange.SubjectPerson
	for _, s := range doc.Subjects {
		if s.ID == r.SubjectKind {
			namespace = s.Namespace
		}
	}
	most := 1
	if a.Bulk != nil {
		most = a.Bulk.Records
	}
	return a.Rule != "" && (a.Only == "" || a.Only == namespace) && a.Requester == r.Requester && a.Purpose == r.Purpose && a.Basis == r.BasisKind &&
		(len(a.Authors) == 0 || strings.Contains(fmt.Sprint(a.Authors), string(r.Author))) && r.Records <= most && a.Emergency == r.Emergency
}
