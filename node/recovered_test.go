package node

import (
	"testing"
	"time"

	"accord/exchange"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

// TestTheRecordComesFirstAndIsMissed: while a plan may be recorded and is not,
// statements wait for it, for half a minute; then it is a finding, and they go on.
// What cannot be recorded yet, or was refused, holds nobody up.
//
// Shows: F30
func TestTheRecordComesFirstAndIsMissed(t *testing.T) {
	now := time.UnixMilli(int64(Start))
	m := New(t)
	n := &Node{log: discard(), machine: m, opts: Options{Clock: func() time.Time { return now }}}
	entry := Sign(t, Order{By: "court", ID: "entry", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "entry", nil))})
	signed := SignPlan(t, Plan(t, m.View(), func(p *members.Plan) { p.Base.Index, p.Survivors[1].Index = 1, 1 }), "association", "court", "regulator")
	record := Sign(t, Order{By: "court", ID: "plan", Verb: exchange.VerbRecover, Body: signed})
	if n.holds(entry) || n.Unrecorded() != nil {
		t.Fatal("a node without a recovery waits")
	}
	plan, err := members.ReadPlan([]byte(signed.Plan))
	Must(t, err)
	n.recovered.kept = []keptPlan{{signed, plan, members.PlanDigest([]byte(signed.Plan))}}
	if n.holds(entry) {
		t.Error("nodes that do not know the verb wait for ever")
	}
	Apply(t, m, Announce(t, 2)...)
	if !n.holds(entry) || n.holds(record) || n.Unrecorded() == nil || n.Unrecorded().Late {
		t.Errorf("it does not wait, or the record waits for itself: %+v", n.Unrecorded())
	}
	if n.givenUp("node-commission") == "" || n.givenUp("node-court") != "" {
		t.Error("who was given up")
	}
	n.recovered.since = now
	now = now.Add(recordLate - time.Second)
	if !n.holds(entry) || n.Unrecorded().Late {
		t.Error("too early")
	}
	n.recovered.final = true
	if n.holds(entry) || !n.Unrecorded().Late {
		t.Error("what the ledger refused holds others up")
	}
	n.recovered.final = false
	now = now.Add(time.Second)
	if u := n.Unrecorded(); n.holds(entry) || !u.Late || u.For != 30 {
		t.Errorf("after half a minute: %+v", u)
	}
	Apply(t, m, record)
	if n.Unrecorded() != nil || len(n.Recoveries().Recoveries) != 1 || n.Recoveries().Recoveries[0].Signed.Plan != signed.Plan {
		t.Errorf("recorded: %+v", n.Recoveries())
	}
	n.recovered.kept = nil
	if n.givenUp("node-commission") == "" {
		t.Error("the ledger's word is forgotten")
	}
}
