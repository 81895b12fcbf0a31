package members_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

// recoverable is a federation that runs version 2 and has a little history.
func recoverable(t *testing.T) *machine.Machine {
	t.Helper()
	m := New(t)
	Apply(t, m, Announce(t, 2)...)
	if v := m.View().Federation().MachineVersion; v != 2 {
		t.Fatalf("version %d in force", v)
	}
	nominate(t, m, "before the loss")
	return m
}

func nominate(t *testing.T, m *machine.Machine, label string) {
	t.Helper()
	if r := Do(t, m, Order{By: "court", ID: label, Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", label, nil))}); !r.OK && Code(r) != "LIST-013" {
		t.Fatal(r.Error)
	}
}

// TestARecoveryIsOnTheLedger: the signed plan becomes a statement that says who was
// lost, who signed, from where the ledger went on and what may be gone; once, and
// whatever was packed with it.
//
// Shows: F30
func TestARecoveryIsOnTheLedger(t *testing.T) {
	m := recoverable(t)
	base := m.View()
	s := SignPlan(t, Plan(t, base, nil), "association", "court", "regulator")
	order := Order{By: "association", ID: "plan", Verb: exchange.VerbRecover, Body: s}
	out := Outcome[members.Recovered](t, Do(t, m, order))
	if out.Size != base.Size() || !slices.Equal(out.Lost, []string{"node-commission", "node-insurer", "node-regulator"}) || len(out.By) != 3 {
		t.Errorf("%+v", out)
	}
	rows := m.View().Federation().Recoveries
	if len(rows) != 1 || rows[0].Seq != m.View().Seq() || rows[0].Between() != 0 || rows[0].Plan.Cosigned != base.Size()-1 || rows[0].Digest != out.Plan {
		t.Fatalf("%+v", rows)
	}
	if r := Do(t, m, Order{By: "court", ID: "again", Verb: exchange.VerbRecover, Body: s}); Code(r) != "RECOVER-007" {
		t.Errorf("a second time: %q", Code(r))
	}
	var snapshot bytes.Buffer
	snap, err := m.Snapshot()
	Must(t, err)
	_, err = snap.WriteTo(&snapshot)
	Must(t, err)
	fresh := New(t)
	Must(t, fresh.Restore(&snapshot))
	if got := fresh.View().Federation().Recoveries; len(got) != 1 || got[0].Digest != out.Plan {
		t.Errorf("lost in a snapshot: %+v", got)
	}

	// Everything in one entry, where the tree has no leaf of it yet.
	packed := New(t)
	var all [][]byte
	for st := range m.View().Statements(0) {
		all = append(all, []byte(st.JWS))
	}
	if _, err := packed.Apply(1, all); err != nil || packed.View().Digest() != m.View().Digest() || packed.View().Root() != m.View().Root() {
		t.Errorf("packed otherwise it is another ledger: %v", err)
	}
}

// TestPlansThatDoNotHold: each is refused on the ledger with its reason, and what
// says so changes nothing.
//
// Shows: F30, B13
func TestPlansThatDoNotHold(t *testing.T) {
	m := recoverable(t)
	base := m.View()
	nominate(t, m, "after it")
	three := []exchange.MemberID{"association", "court", "regulator"}
	edited := func(edit func(*members.Plan)) members.SignedPlan { return SignPlan(t, Plan(t, base, edit), three...) }
	other := SignPlan(t, Plan(t, base, func(p *members.Plan) { p.Reason = "another" }), three...)
	text := Plan(t, base, nil)
	raw := func(plan string) members.SignedPlan {
		return members.SignedPlan{Plan: plan, Signatures: SignPlan(t, text, three...).Signatures}
	}
	for name, c := range map[string]struct {
		s    members.SignedPlan
		code string
	}{
		"two of four seats":     {SignPlan(t, text, "association", "court"), "RECOVER-003"},
		"one seat three times":  {SignPlan(t, text, "court", "court", "court"), "RECOVER-003"},
		"no seat counts":        {SignPlan(t, text, "association", "court", "insurer"), "RECOVER-003"},
		"signed another plan":   {members.SignedPlan{Plan: text, Signatures: other.Signatures}, "RECOVER-001"},
		"a changed byte":        {raw(strings.Replace(text, "burned", "melted", 1)), "RECOVER-001"},
		"a stranger's key":      {SignPlan(t, text, "association", "court", "stranger"), "RECOVER-001"},
		"another federation":    {edited(func(p *members.Plan) { p.Federation = "elsewhere" }), "RECOVER-008"},
		"another charter":       {edited(func(p *members.Plan) { p.Charter = members.Digest(nil) }), "RECOVER-008"},
		"another ledger":        {edited(func(p *members.Plan) { p.Base.Root = Hash("x") }), "RECOVER-008"},
		"a base ahead of it":    {edited(func(p *members.Plan) { p.Base.Size = base.Size() + 9 }), "RECOVER-008"},
		"another roster":        {edited(func(p *members.Plan) { p.Roster = 1 }), "RECOVER-008"},
		"a loss that is hidden": {raw(strings.Replace(text, `"cosigned":6`, `"cosigned":99`, 1)), "RECOVER-001"},
		"an old term":           {raw(strings.Replace(text, `"term":9`, `"term":8`, 1)), "RECOVER-001"},
		"no plan":               {raw("{}"), "RECOVER-001"},
		"a spelling of its own": {raw(" " + text), "RECOVER-001"},
	} {
		before := m.View().Federation()
		if r := Do(t, m, Order{By: "court", ID: name, Verb: exchange.VerbRecover, Body: c.s}); Code(r) != c.code {
			t.Errorf("%s: %q, want %s", name, Code(r), c.code)
		}
		if got := m.View().Federation(); len(got.Recoveries) != len(before.Recoveries) {
			t.Errorf("%s changed the rows", name)
		}
	}
	// A statement that came before the record is no obstacle, and shows.
	if r := Do(t, m, Order{By: "court", ID: "late", Verb: exchange.VerbRecover, Body: SignPlan(t, text, three...)}); !r.OK {
		t.Fatal(r.Error)
	}
	if got := m.View().Federation().Recoveries; len(got) != 1 || got[0].Between() < 1 {
		t.Errorf("%+v", got)
	}
}

// TestThePlanIsJudgedByTheRosterBeforeTheLoss: whom later rosters bring or take off
// has no say, and keys count as that roster lists them.
func TestThePlanIsJudgedByTheRosterBeforeTheLoss(t *testing.T) {
	m := recoverable(t)
	base := m.View()
	text := Plan(t, base, nil)
	l := base.Lineage()
	fresh := Key("court2", keys.Command).Public()
	draft := Draft(t, l, func(r *members.Roster) {
		for i := range r.Members {
			for j, k := range r.Members[i].Keys {
				if r.Members[i].ID == "court" && k.Use() == keys.Command {
					r.Members[i].Keys[j] = fresh
				}
			}
		}
	})
	next, err := members.ParseRoster([]byte(draft))
	Must(t, err)
	court, _ := next.Member("court")
	signed := SignRoster(t, draft, 1, []string{Introduce(t, court, "court2")}, "association", "commission", "regulator")
	if r := Do(t, m, Order{By: "association", ID: "roster", Verb: exchange.VerbRoster, Body: signed}); !r.OK {
		t.Fatal(r.Error)
	}
	with := func(label exchange.MemberID) members.SignedPlan {
		return SignPlan(t, text, "association", "regulator", label)
	}
	if r := Do(t, m, Order{By: "association", ID: "new key", Verb: exchange.VerbRecover, Body: with("court2")}); Code(r) != "RECOVER-001" {
		t.Errorf("by a key of the roster after the loss: %q", Code(r))
	}
	if r := Do(t, m, Order{By: "association", ID: "old key", Verb: exchange.VerbRecover, Body: with("court")}); !r.OK {
		t.Errorf("by the keys of the roster before it: %v", r.Error)
	}
}

// TestRecoveryWaitsForItsVersion: nodes that do not know the verb are not given it.
//
// Shows: F22
func TestRecoveryWaitsForItsVersion(t *testing.T) {
	m := New(t)
	order := Order{By: "court", ID: "plan", Verb: exchange.VerbRecover, Body: SignPlan(t, Plan(t, m.View(), func(p *members.Plan) {
		p.Base.Index, p.Survivors[1].Index, p.Cosigned = 1, 1, 0
	}), "association", "court", "regulator")}
	if r := Do(t, m, order); r.OK || r.Seq != 0 || m.Allows(exchange.VerbRecover) == nil {
		t.Errorf("in force in version 1: %+v", r)
	}
	Apply(t, m, Announce(t, 2)...)
	if r := Do(t, m, order); !r.OK {
		t.Error(r.Error)
	}
}

// TestAKeyEndsByOrderNotByTime: an entry and the roster that ends its key share a
// millisecond; the one that came first counts.
func TestAKeyEndsByOrderNotByTime(t *testing.T) {
	m := New(t)
	at := Start + Hour
	do := func(id string, o Order) exchange.Result {
		o.ID, o.At = id, at
		return Do(t, m, o)
	}
	if r := do("old", Order{By: "court", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "old", nil))}); !r.OK {
		t.Fatal(r.Error)
	}
	draft := Draft(t, m.View().Lineage(), func(r *members.Roster) {
		for i := range r.Members {
			for j, k := range r.Members[i].Keys {
				if r.Members[i].ID == "court" && k.Use() == keys.Attest {
					r.Members[i].Keys[j] = Key("court2", keys.Attest).Public()
				}
			}
		}
	})
	next, err := members.ParseRoster([]byte(draft))
	Must(t, err)
	court, _ := next.Member("court")
	signed := SignRoster(t, draft, 1, []string{Introduce(t, court, "court")}, "association", "commission", "regulator")
	if r := do("roster", Order{By: "association", Verb: exchange.VerbRoster, Body: signed}); !r.OK {
		t.Fatal(r.Error)
	}
	if r := do("late", Order{By: "court", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "late", other))}); Code(r) != "LIST-003" {
		t.Errorf("nominated with the ended key: %q", Code(r))
	}
	document := EntryBy(t, "court", "new", other, Key("court2", keys.Attest), lists.Kind)
	if r := do("new", Order{By: "court", Verb: exchange.VerbNominate, Body: Nominate(document)}); !r.OK {
		t.Fatal(r.Error)
	}
	v := m.View()
	if v.Time() != at {
		t.Fatalf("they do not share a millisecond: %d", v.Time())
	}
	for _, label := range []string{"old", "new"} {
		e, ok := v.Entry(exchange.EntryID(ID("entry " + label)))
		if !ok {
			t.Fatalf("no entry %q", label)
		}
		doc, err := v.EntryDocument(&e)
		Must(t, err)
		if err := v.VerifyDocument(&e, doc); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
	if _, err := m.CheckDocuments(9); err != nil || len(v.Documents().Faults) != 0 {
		t.Errorf("%v, %+v", err, v.Documents())
	}
}

// other is an entry of another subject.
func other(c *lists.Claims) { c.Subject = "org:91630000710400002X" }

func FuzzReadPlan(f *testing.F) {
	m := New(f)
	f.Add([]byte(Plan(f, m.View(), func(p *members.Plan) { p.Base.Index = 1 })))
	f.Add([]byte(`{"format":"accord-recovery/1"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := members.ReadPlan(data)
		if err != nil {
			return
		}
		if _, ok := p.Survivor(p.Base.Node); !ok || p.Base.Size < 1 || len(p.Drafted) != 20 {
			t.Fatalf("%+v", p)
		}
		again, err := strictjson.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := members.ReadPlan(again); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("%v: %+v", err, q)
		}
		if b, err := members.DecodeRecover(data); (err == nil) != (b != nil) {
			t.Fatal("error and body exclude each other")
		}
	})
}
