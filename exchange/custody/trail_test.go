package custody_test

import (
	"strings"
	"testing"

	"accord/exchange"
	"accord/exchange/custody"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/subjects"
)

// TestCustodiansAreInTheSubjectsLog: who answered in the author's place, each statement
// once.
func TestCustodiansAreInTheSubjectsLog(t *testing.T) {
	m := found(t)
	do := func(by exchange.MemberID, id string, verb exchange.Verb, body any) {
		t.Helper()
		if r := Do(t, m, Order{By: by, ID: id, Verb: verb, Body: body}); !r.OK {
			t.Fatal(r.Error)
		}
	}
	do("court", "put", exchange.VerbCustodyDeposit, custody.DepositBody{Category: "penalty", K: 2, Custodians: []exchange.MemberID{"association", "commission", "regulator"},
		Records: []custody.Named{{Record: exchange.RecordID(ID("record")), Generation: 1, Digest: Hash("statement")}}})
	do("commission", "q", exchange.VerbReleaseRequest, Ask(nil))
	rel := exchange.ReleaseID(ID("q"))
	var answers []custody.Opened
	for _, by := range []exchange.MemberID{"regulator", "association"} {
		do(by, "deliver"+string(by), exchange.VerbCustodyDeliver, custody.DeliverBody{Release: rel, Generation: 1, Digest: Hash(string(by))})
		answers = append(answers, custody.Opened{Custodian: by, Digest: Hash(string(by))})
	}
	do("commission", "open", exchange.VerbCustodyOpen, custody.OpenBody{Release: rel, Generation: 1, Answers: answers})
	var steps []string
	for _, s := range subjects.OfRecord(m.View().Rows(), exchange.RecordID(ID("record"))) {
		steps = append(steps, s.Kind+" "+string(s.By))
	}
	if got := strings.Join(steps, "; "); got != "requested commission; opened commission; custodian-delivered regulator; custodian-delivered association" {
		t.Errorf("a subject is told %s", got)
	}
}
