package catalogue_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"accord/exchange/catalogue"
)

func TestDefaultHasNoFindings(t *testing.T) {
	doc, err := catalogue.DecodeYAML(catalogue.DefaultSource())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range catalogue.Lint(doc) {
		t.Error(f)
	}
	if len(doc.Checks) < 12 || len(doc.Purposes) < 8 {
		t.Errorf("%d checks, %d purposes", len(doc.Checks), len(doc.Purposes))
	}
}

// TestDefaultHasWhatThePlanNames holds the catalogue to clause 4(1) of the plan.
func TestDefaultHasWhatThePlanNames(t *testing.T) {
	cat := defaultCatalogue()
	for subject, categories := range map[string]string{
		"regulator":    "regulator-duty regulator-administration complaint",
		"enterprise":   "enterprise-basic enterprise-operation enterprise-finance enterprise-compliance enterprise-labour credit-rating contract-performance enterprise-claims litigation social-responsibility",
		"practitioner": "practitioner-basic commendation violation complaint practitioner-tax",
		"consumer":     "consumer-basic consumer-insurance consumer-claim violation litigation",
	} {
		for _, id := range strings.Fields(categories) {
			c := cat.Category(id)
			if c == nil || !slices.Contains(c.Subjects, subject) || !strings.Contains(c.Source, "4(1)") {
				t.Errorf("%s: category %s is missing, or not for them, or without the clause", subject, id)
			}
		}
	}
}

// TestDefaultFieldIDs pins the ids that import mappings, stored records and
// other federations refer to: they may be added to, never renamed.
func TestDefaultFieldIDs(t *testing.T) {
	cat := defaultCatalogue()
	for id, want := range map[string]struct{ fields, key string }{
		"admin-penalty": {"party_name party_kind party_uscc legal_rep legal_rep_id_kind legal_rep_id id_kind id_number decision_number violation_type facts basis penalty_kinds content fine confiscated licence_withheld decided_on valid_until disclosure_until authority authority_uscc source_unit source_uscc severity reported_at remark",
			"decision_number party_uscc id_number"},
		"discipline-practitioner": {"name resident_id licence_number employer degree document_number facts basis decided_on disclosure_until remark", "document_number resident_id"},
		"discipline-organisation": {"name uscc degree document_number facts basis decided_on disclosure_until remark", "document_number uscc"},
		"court-defaulter": {"case_number party_kind name sex age id_kind id_number legal_rep court court_code order_number order_issuer duty performance performed outstanding conduct filed_on published_on",
			"case_number id_number"},
		"foreign-debarment": {"name nationality address ground from until originator", "name from ground address"},
	} {
		c := cat.Category(id)
		var fields []string
		for _, f := range c.Fields {
			fields = append(fields, f.ID)
		}
		if strings.Join(fields, " ") != want.fields || strings.Join(c.Key, " ") != want.key {
			t.Errorf("%s has fields %v, key %v", id, fields, c.Key)
		}
	}
}

// TestDefaultSealsPersons goes through every record on a natural person: no
// name of a person, identity number or telephone stands in clear.
func TestDefaultSealsPersons(t *testing.T) {
	cat := defaultCatalogue()
	for _, c := range cat.Document().Categories {
		for _, f := range c.Fields {
			for _, kind := range []string{"practitioner", "consumer"} {
				class, _ := cat.ClassOf(c.ID, f.ID, kind)
				personal := f.Type == catalogue.TypeResidentID || f.Type == catalogue.TypeIDNumber || f.Type == catalogue.TypePhone ||
					f.Type == catalogue.TypeName && f.Names != catalogue.NamesOrganisation
				if slices.Contains(c.Subjects, kind) && personal && class == catalogue.Public {
					t.Errorf("%s.%s of a %s is public", c.ID, f.ID, kind)
				}
			}
		}
	}
}

func TestDefaultLists(t *testing.T) {
	cat := defaultCatalogue()
	for id, subjects := range map[string]string{"red": "enterprise practitioner consumer", "black": "enterprise practitioner", "watch": "enterprise practitioner"} {
		l := cat.List(id)
		if l == nil || l.Kind != id || strings.Join(l.Subjects, " ") != subjects || len(l.Grounds) < 5 || len(l.Measures) < 3 {
			t.Fatalf("%s list: %+v", id, l)
		}
		if l.GroundOf(l.Grounds[0].ID) != &l.Grounds[0] || l.MeasureOf(l.Measures[1].ID) != &l.Measures[1] || l.GroundOf("?") != nil || l.MeasureOf("?") != nil {
			t.Errorf("%s list: look-ups by id", id)
		}
		for _, m := range l.Measures {
			if len(m.Actors) == 0 {
				t.Errorf("nobody has to act on %s", m.ID)
			}
		}
	}
	for list, measure := range map[string]string{"red": "green-channel", "black": "market-exit"} {
		if cat.List(list).MeasureOf(measure) == nil {
			t.Errorf("the %s list lacks %s", list, measure)
		}
	}
}

func TestDemoIsTheDefaultInAHurry(t *testing.T) {
	data, demo := catalogue.Demo()
	_, doc := catalogue.Default()
	if demo.ID != doc.ID+"-demo" {
		t.Errorf("id %s", demo.ID)
	}
	changed := *demo
	changed.ID = doc.ID
	changed.Lists = slices.Clone(demo.Lists)
	for i := range changed.Lists {
		if changed.Lists[i].NoticeMillis != catalogue.DemoNoticeMillis {
			t.Errorf("list %s waits %d ms", changed.Lists[i].ID, changed.Lists[i].NoticeMillis)
		}
		changed.Lists[i].NoticeMillis = doc.Lists[i].NoticeMillis
	}
	if !bytes.Equal(encode(t, &changed), encode(t, doc)) {
		t.Error("the demo differs in more than id and notice periods")
	}
	cat, err := catalogue.Load(data)
	if err != nil || cat.Digest() != catalogue.Digest(data) || cat.Reference() != "qinghai-insurance-demo@1" {
		t.Errorf("%v", err)
	}
	if d, _ := catalogue.Default(); bytes.Equal(d, data) {
		t.Error("demo and default are one document")
	}
}

func TestIndex(t *testing.T) {
	cat := catalogue.New(complete())
	if cat.Category("one") == nil || cat.Category("x") != nil || cat.Field("one", "a") == nil || cat.Field("one", "x") != nil ||
		cat.Field("x", "a") != nil || cat.Purpose("review") == nil || cat.Purpose("x") != nil || cat.List("black") == nil || cat.List("x") != nil ||
		cat.Rule("court") == nil || cat.Rule("x") != nil || cat.Subject("firm") == nil || cat.Subject("x") != nil || cat.Digest() != "" {
		t.Error("a look-up is wrong")
	}
	for _, test := range []struct {
		field, kind string
		want        catalogue.Class
		ok          bool
	}{
		{"name", "firm", catalogue.Public, true}, {"name", "person", catalogue.Shared, true}, {"name", "", catalogue.Shared, true},
		{"name", "alien", catalogue.Shared, true}, {"b", "firm", catalogue.Restricted, true}, {"x", "firm", "", false},
	} {
		if class, ok := cat.ClassOf("one", test.field, test.kind); class != test.want || ok != test.ok {
			t.Errorf("%s of %q is %q, %v", test.field, test.kind, class, ok)
		}
	}
}
