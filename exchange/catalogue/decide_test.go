package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/catalogue"
)

func defaultCatalogue() *catalogue.Catalogue {
	_, doc := catalogue.Default()
	return catalogue.New(doc)
}

func TestDecideExplainsItself(t *testing.T) {
	cat := defaultCatalogue()
	for _, test := range []struct {
		name     string
		request  catalogue.Request
		outcome  catalogue.Outcome
		rule     string
		clause   string
		failed   string
		zh, need string
	}{
		{"granted", catalogue.Request{Requester: "court", Category: "discipline-practitioner", Fields: []string{"resident_id"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "(2026)青9901执5号"},
			catalogue.Granted, "court-enforcement", "", "", "目录 qinghai-insurance@1 规则 court-enforcement（法院司法执行查询）准予", ""},
		{"pending", catalogue.Request{Requester: "commission", Category: "discipline-practitioner", Fields: []string{"resident_id"}, Purpose: "joint-incentive", BasisKind: "decision", BasisRef: "x"},
			catalogue.Pending, "commission-joint-review", "", "", "目录 qinghai-insurance@1 规则 commission-joint-review（发展改革委联合奖惩审查）可以准予，尚须批准", "须经记录作者单位负责人批准"},
		{"one clause", catalogue.Request{Requester: "commission", Category: "discipline-practitioner", Fields: []string{"resident_id"}, Purpose: "statistics", BasisKind: "decision", BasisRef: "x"},
			catalogue.Refused, "commission-joint-review", "purpose", "purpose",
			"没有规则准予；最接近的是目录 qinghai-insurance@1 规则 commission-joint-review：用途不符（统计）", "用途须为：联合奖惩审查"},
		{"two clauses", catalogue.Request{Requester: "insurer", Category: "consumer-insurance", Fields: []string{"id_number", "fraud_mark"}, Purpose: "underwriting-check", BasisKind: "case", BasisRef: "x"},
			catalogue.Refused, "claim-investigation", "purpose", "purpose",
			"没有规则准予；最接近的是目录 qinghai-insurance@1 规则 claim-investigation：用途不符（承保核验）", "用途须为：理赔调查"},
		{"requester and purpose", catalogue.Request{Requester: "platform", Category: "guarantee-group", Fields: []string{"leader"}, Purpose: "procurement-check", BasisKind: "statute", BasisRef: "x"},
			catalogue.Refused, "regulator-supervision", "requester", "requester purpose",
			"没有规则准予；最接近的是目录 qinghai-insurance@1 规则 regulator-supervision：请求方不符（信用平台）；用途不符（政府采购审查）", "请求方须为：监管部门；用途须为：日常监管"},
		{"secret", catalogue.Request{Requester: "regulator", Category: "consumer-claim", Fields: []string{"medical_facts"}, Purpose: "supervision", BasisKind: "statute", BasisRef: "x"},
			catalogue.Refused, "", "class", "", "信息项 medical_facts 属性为不予共享", "目录不允许任何单位开放该信息项"},
		{"public of an organisation", catalogue.Request{Requester: "court", Category: "admin-penalty", SubjectKind: "enterprise", Fields: []string{"party_name"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"},
			catalogue.Refused, "", "class", "", "信息项 party_name 属性为公开，无需授权", "请直接查阅记录，只对非公开信息项提出请求"},
		{"sealed of a person", catalogue.Request{Requester: "court", Category: "admin-penalty", SubjectKind: "practitioner", Fields: []string{"party_name"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"},
			catalogue.Granted, "court-enforcement", "", "", "目录 qinghai-insurance@1 规则 court-enforcement（法院司法执行查询）准予", ""},
		{"uncovered fields together", catalogue.Request{Requester: "court", Category: "consumer-insurance", Fields: []string{"id_number", "claimed_amount"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"},
			catalogue.Refused, "court-enforcement", "field", "field",
			"没有规则准予；最接近的是目录 qinghai-insurance@1 规则 court-enforcement：不包括信息项 claimed_amount", "该规则只开放："},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := cat.Decide(test.request)
			if d.Outcome != test.outcome || d.Rule != test.rule || d.Clause != test.clause || strings.Join(d.Failed, " ") != test.failed {
				t.Errorf("%s by %q, clause %q, failed %v", d.Outcome, d.Rule, d.Clause, d.Failed)
			}
			if d.Why.Zh != test.zh || !strings.HasPrefix(d.Need.Zh, test.need) || test.need == "" && d.Need.Zh != "" {
				t.Errorf("why %q, need %q", d.Why.Zh, d.Need.Zh)
			}
		})
	}
}

func TestGrantGoesBeforeApproval(t *testing.T) {
	doc := small() // lint would refuse this document, which asks and does not ask
	ask := doc.Rules[0]
	ask.ID, ask.Approval = "first-asks", catalogue.ApprovalAuthor
	doc.Rules = append([]catalogue.Rule{ask}, doc.Rules...)
	r := catalogue.Request{Requester: "court", Category: "one", Fields: []string{"a"}, Purpose: "enforce", BasisKind: "case", BasisRef: "x"}
	if d := catalogue.Decide(doc, r); d.Outcome != catalogue.Granted || d.Rule != "court" {
		t.Errorf("%s by %s", d.Outcome, d.Rule)
	}
}

func TestBasisReference(t *testing.T) {
	cat := catalogue.New(small())
	for ref, want := range map[string]catalogue.Outcome{
		"(2026)青9901执5号": catalogue.Granted, "": catalogue.Refused, "   ": catalogue.Refused, "a\nb": catalogue.Refused,
		"a\x7f": catalogue.Refused, "\xff": catalogue.Refused, strings.Repeat("x", catalogue.MaxBasisRef): catalogue.Granted,
		strings.Repeat("x", catalogue.MaxBasisRef+1): catalogue.Refused,
	} {
		r := catalogue.Request{Requester: "court", Category: "one", Fields: []string{"a"}, Purpose: "enforce", BasisKind: "case", BasisRef: ref}
		if d := cat.Decide(r); d.Outcome != want || want == catalogue.Refused && d.Clause != catalogue.ClauseBasis {
			t.Errorf("reference %.20q: %s, clause %s", ref, d.Outcome, d.Clause)
		}
	}
}

func TestDecideRepeatsNoForeignText(t *testing.T) {
	cat := catalogue.New(small())
	evil := "<script>\u202e" + strings.Repeat("x", 500)
	base := catalogue.Request{Requester: "court", Category: "one", Fields: []string{"a"}, Purpose: "enforce", BasisKind: "case", BasisRef: evil}
	for name, spoil := range map[string]func(*catalogue.Request){
		"requester": func(r *catalogue.Request) { r.Requester = exchange.MemberKind(evil) },
		"author":    func(r *catalogue.Request) { r.Author = exchange.MemberKind(evil) },
		"category":  func(r *catalogue.Request) { r.Category = evil },
		"subject":   func(r *catalogue.Request) { r.SubjectKind = evil },
		"field":     func(r *catalogue.Request) { r.Fields = []string{evil} },
		"purpose":   func(r *catalogue.Request) { r.Purpose = evil },
		"basis":     func(r *catalogue.Request) { r.BasisKind = evil },
		"reference": func(*catalogue.Request) {},
	} {
		r := base
		spoil(&r)
		d := cat.Decide(r)
		if d.Outcome != catalogue.Refused || strings.Contains(d.Why.Zh+d.Why.En+d.Need.Zh+d.Need.En, "script") {
			t.Errorf("%s: %s, %q", name, d.Outcome, d.Why.En)
		}
	}
}

func TestGrantsDoNotAllocate(t *testing.T) {
	cat := defaultCatalogue()
	r := catalogue.Request{Requester: "court", Category: "admin-penalty", Fields: []string{"id_number", "legal_rep_id"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"}
	if n := testing.AllocsPerRun(100, func() { cat.Decide(r) }); n > 0 {
		t.Errorf("a grant allocates %v times", n)
	}
}

func FuzzDecide(f *testing.F) {
	cat := defaultCatalogue()
	f.Add("court", "", "admin-penalty", "practitioner", "party_name,id_number", "enforcement", "case", "x")
	f.Add("regulator", "court", "court-defaulter", "", "id_number", "supervision", "statute", "《保险法》")
	f.Fuzz(func(t *testing.T, requester, author, category, subject, fields, purpose, basis, ref string) {
		r := catalogue.Request{Requester: exchange.MemberKind(requester), Author: exchange.MemberKind(author), Category: category,
			SubjectKind: subject, Fields: strings.Split(fields, ","), Purpose: purpose, BasisKind: basis, BasisRef: ref}
		d := cat.Decide(r)
		switch d.Outcome {
		case catalogue.Refused:
			if d.Clause == "" || d.Need.Zh == "" {
				t.Fatalf("a refusal without clause: %+v", d)
			}
		case catalogue.Granted, catalogue.Pending:
			rule := cat.Rule(d.Rule)
			if rule == nil || !slices.Contains(rule.Requesters, r.Requester) || !slices.Contains(rule.Purposes, purpose) || rule.Basis != basis {
				t.Fatalf("granted by a rule that does not fit: %+v", d)
			}
			for _, id := range r.Fields {
				if class, ok := cat.ClassOf(category, id, subject); !ok || class == catalogue.Secret || class == catalogue.Public || !slices.Contains(rule.Fields, id) {
					t.Fatalf("field %q of class %q was granted", id, class)
				}
			}
		default:
			t.Fatalf("outcome %q", d.Outcome)
		}
	})
}

func BenchmarkDecide(b *testing.B) {
	cat := defaultCatalogue()
	_, next := catalogue.Full()
	for name, r := range map[string]catalogue.Request{
		"grant":  {Requester: "court", Category: "admin-penalty", Fields: []string{"id_number"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"},
		"refuse": {Requester: "insurer", Category: "admin-penalty", Fields: []string{"id_number"}, Purpose: "enforcement", BasisKind: "case", BasisRef: "x"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				cat.Decide(r)
			}
		})
	}
	b.Run("full", func(b *testing.B) {
		cat, r := catalogue.New(next), catalogue.Request{Requester: "association", Category: "practitioner-basic", Fields: []string{"sex", "education"},
			Purpose: "statistics", BasisKind: "statute", BasisRef: "x", Records: 100}
		b.ReportAllocs()
		for b.Loop() {
			cat.Decide(r)
		}
	})
}
