package node

import (
	"testing"
	"time"

	"accord/consensus"
	"accord/exchange"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
	"accord/node/wire"
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
	for _, c := range []struct {
		servers []consensus.Server
		gone    bool
	}{{[]consensus.Server{{ID: "node-association"}, {ID: "node-court"}}, true}, {[]consensus.Server{{ID: "node-association"}, {ID: "node-commission"}}, false}} {
		servers := func() []consensus.Server { return c.servers }
		n.recovered.servers.Store(&servers)
		if (n.givenUp("node-commission") != "") != c.gone || (n.abandoned() == nil) != c.gone {
			t.Errorf("with the servers %v: given up %q, abandoned %v", c.servers, n.givenUp("node-commission"), n.abandoned())
		}
	}
}

// TestOneLiarBringsBackNoPlan: a plan that was signed and never carried out counts
// for nothing, whoever shows it, until most of those it leaves go by it.
//
// Shows: F30, B4
func TestOneLiarBringsBackNoPlan(t *testing.T) {
	member := func(id string) wire.Member { return wire.Member{ID: exchange.MemberID(id), Node: id + "-1"} }
	says := func(id string) *heard {
		return &heard{member: member(id), got: wire.Recoveries{Recoveries: []wire.Recovery{{Digest: "x"}}}}
	}
	silent := func(id string) *heard { return &heard{member: member(id)} }
	others := []wire.Member{member("a"), member("b"), member("c"), member("lost")}
	p := &members.Plan{Lost: []string{"lost-1", "me-1"}}
	for name, c := range map[string]struct {
		answers []*heard
		want    bool
	}{
		"nobody":              {nil, false},
		"one of three":        {[]*heard{says("a"), silent("b"), silent("c")}, false},
		"the only one there":  {[]*heard{says("a")}, false},
		"one and a lost node": {[]*heard{says("a"), says("lost")}, false},
		"two of three":        {[]*heard{says("a"), says("b")}, true},
	} {
		if got := carriedOut(p, others, c.answers, "x"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
