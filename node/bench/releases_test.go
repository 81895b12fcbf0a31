package bench

import (
	"reflect"
	"testing"

	"accord/exchange/catalogue"
)

// TestDrawnRequestsAreDecidedEveryWay: the same requests in every run, of which some
// are granted, some wait for an approval and most are refused, for many reasons.
func TestDrawnRequestsAreDecidedEveryWay(t *testing.T) {
	_, doc := catalogue.Default()
	requests := drawRequests(doc, 2000)
	if !reflect.DeepEqual(requests, drawRequests(doc, 2000)) {
		t.Fatal("another run draws others")
	}
	cat := catalogue.New(doc)
	outcomes, clauses := map[catalogue.Outcome]int{}, map[string]int{}
	for _, q := range requests {
		d := cat.Decide(q)
		outcomes[d.Outcome]++
		if d.Outcome == catalogue.Refused {
			clauses[d.Clause]++
		}
	}
	if outcomes[catalogue.Granted] < 100 || outcomes[catalogue.Pending] < 100 || outcomes[catalogue.Refused] < 100 || len(clauses) < 4 {
		t.Errorf("%v, refused for %v", outcomes, clauses)
	}
}
