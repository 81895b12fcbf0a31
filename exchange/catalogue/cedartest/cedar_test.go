// Package cedartest asks the catalogue's release rules of cedar-go, which reads them
// from the text that the catalogue writes for auditors. It is a module of its own, so
// that a policy engine is no dependency of the product.
package cedartest

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/catalogue"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

func policies(tb testing.TB, cat *catalogue.Catalogue) *cedar.PolicySet {
	tb.Helper()
	list, err := cedar.NewPolicyListFromBytes("catalogue.cedar", []byte(cat.Cedar()))
	if err != nil {
		tb.Fatal(err)
	}
	set := cedar.NewPolicySet()
	for _, p := range list {
		set.Add(cedar.PolicyID(p.Annotations()["id"]), p)
	}
	return set
}

func question(r catalogue.Request) (cedar.EntityMap, cedar.Request) {
	principal, resource := cedar.NewEntityUID("Member", "asker"), cedar.NewEntityUID("Record", "record")
	var fields []types.Value
	for _, f := range r.Fields {
		fields = append(fields, types.String(f))
	}
	entities := cedar.EntityMap{
		principal: {UID: principal, Attributes: cedar.NewRecord(cedar.RecordMap{"kind": types.String(r.Requester)})},
		resource: {UID: resource, Attributes: cedar.NewRecord(cedar.RecordMap{"category": types.String(r.Category),
			"author": types.String(r.Author), "subject": types.String(r.SubjectKind)})},
	}
	return entities, cedar.Request{Principal: principal, Action: cedar.NewEntityUID("Action", "open"), Resource: resource,
		Context: cedar.NewRecord(cedar.RecordMap{"fields": types.NewSet(fields...), "count": types.Long(len(r.Fields)), "purpose": types.String(r.Purpose),
			"basis": types.String(r.BasisKind), "records": types.Long(max(r.Records, 1)), "emergency": types.Boolean(r.Emergency)})}
}

// catalogues are the default one and a small one with everything of format 2.
func catalogues(t *testing.T) (all []*catalogue.Catalogue) {
	data, _ := catalogue.Default()
	sources := [][]byte{data}
	if source, err := os.ReadFile("testdata/format2.yaml"); err != nil {
		t.Fatal(err)
	} else if compiled, err := catalogue.Compile(source); err != nil {
		t.Fatal(err)
	} else {
		sources = append(sources, compiled)
	}
	for _, data := range sources {
		cat, err := catalogue.Load(data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, cat)
	}
	return all
}

// random is a request that a rule would grant, spoiled in up to two places.
func random(rng *rand.Rand, doc *catalogue.Document) catalogue.Request {
	rule := doc.Rules[rng.IntN(len(doc.Rules))]
	category := pick(rng, rule.Categories)
	cat := doc.Categories[slices.IndexFunc(doc.Categories, func(c catalogue.Category) bool { return c.ID == category })]
	r := catalogue.Request{Requester: pick(rng, rule.Requesters), Category: cat.ID, Purpose: pick(rng, rule.Purposes), BasisKind: rule.Basis, BasisRef: "x", Emergency: rule.Emergency}
	for _, f := range rule.Fields {
		if slices.ContainsFunc(cat.Fields, func(have catalogue.Field) bool { return have.ID == f }) && rng.IntN(3) == 0 {
			r.Fields = append(r.Fields, f)
		}
	}
	if rng.IntN(2) == 0 {
		r.SubjectKind = pick(rng, cat.Subjects)
	}
	if rng.IntN(2) == 0 || len(rule.Authors) > 0 {
		r.Author = pick(rng, cat.Authors)
	}
	for range rng.IntN(3) {
		switch rng.IntN(8) {
		case 0:
			r.Requester = pick(rng, append(exchange.MemberKinds(), "nobody"))
		case 1:
			r.Category = pick(rng, doc.Categories).ID
		case 2:
			r.Purpose = pick(rng, append(doc.Purposes, catalogue.Purpose{ID: "unknown"})).ID
		case 3:
			r.BasisKind = pick(rng, []string{"case", "decision", "consent", "statute", "rumour"})
		case 4:
			if f := pick(rng, cat.Fields).ID; !slices.Contains(r.Fields, f) {
				r.Fields = append(r.Fields, f)
			}
		case 5:
			r.Author = pick(rng, exchange.MemberKinds())
		case 6:
			r.Records = rng.IntN(120)
		case 7:
			r.Emergency = !r.Emergency
		}
	}
	return r
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

func TestCedarDecidesAlike(t *testing.T) {
	for _, cat := range catalogues(t) {
		set, doc := policies(t, cat), cat.Document()
		rng, allowed, decided := rand.New(rand.NewPCG(5, 2)), 0, map[string]int{}
		for range 8_000 {
			r := random(rng, doc)
			d := cat.Decide(r)
			entities, q := question(r)
			got, why := cedar.Authorize(set, entities, q)
			if len(why.Errors) > 0 {
				t.Fatalf("%+v: %v", r, why.Errors)
			}
			if (got == cedar.Allow) != (d.Outcome != catalogue.Refused) {
				t.Fatalf("%+v: cedar says %v by %v, the catalogue %s: %s", r, got, why.Reasons, d.Outcome, d.Why.En)
			}
			if got != cedar.Allow {
				continue
			}
			allowed++
			decided[d.Rule]++
			if !slices.ContainsFunc(why.Reasons, func(reason cedar.DiagnosticReason) bool { return string(reason.PolicyID) == "rule:"+d.Rule }) {
				t.Fatalf("%+v: cedar allows by %v, the catalogue by %s", r, why.Reasons, d.Rule)
			}
		}
		if allowed < 1000 || allowed > 7_000 {
			t.Errorf("%s: %d of 8000 allowed", cat.Reference(), allowed)
		}
		for _, rule := range doc.Rules {
			if decided[rule.ID] == 0 {
				t.Errorf("%s: rule %s never decided", cat.Reference(), rule.ID)
			}
		}
	}
}

// BenchmarkDecide asks cedar and the catalogue the same requests under the default
// catalogue by turns, on one core, and tells how many times as fast the catalogue is,
// with its explanation. What cedar is given is made beforehand.
func BenchmarkDecide(b *testing.B) {
	data, doc := catalogue.Default()
	cat, err := catalogue.Load(data)
	if err != nil {
		b.Fatal(err)
	}
	set, rng := policies(b, cat), rand.New(rand.NewPCG(5, 2))
	var requests []catalogue.Request
	var entities []cedar.EntityMap
	var questions []cedar.Request
	for range 1024 {
		r := random(rng, doc)
		e, q := question(r)
		requests, entities, questions = append(requests, r), append(entities, e), append(questions, q)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		begun := time.Now()
		for i := range requests {
			cat.Decide(requests[i])
		}
		turn := time.Now()
		for i := range questions {
			cedar.Authorize(set, entities[i], questions[i])
		}
		ours, theirs = ours+turn.Sub(begun), theirs+time.Since(turn)
	}
	n := float64(b.N * len(requests))
	b.ReportMetric(n/ours.Seconds(), "decisions/s")
	b.ReportMetric(n/theirs.Seconds(), "cedar/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "times-cedar")
}
