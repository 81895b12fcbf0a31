package machine_test

import (
	"errors"
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

func TestNominateEndToEnd(t *testing.T) {
	m := New(t)
	before := m.View()
	r := Do(t, m, Order{By: "court", ID: "c1", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "1", nil))})
	if !r.OK || r.Seq != 1 || r.Index != 1 {
		t.Fatalf("%+v %v", r, r.Error)
	}
	v := m.View()
	page, next := v.Entries(lists.Query{List: "black", Status: lists.Nominated, At: v.Time()})
	if len(page) != 1 || next != "" || page[0].By != "court" || page[0].ListedFrom != Start+10*Day {
		t.Fatalf("%+v", page)
	}
	doc, err := v.EntryDocument(&page[0])
	Must(t, err)
	if doc != Entry(t, "court", "1", nil).Doc {
		t.Error("the document is not the one that was signed")
	}
	if v.Size() != 2 || v.Seq() != 1 || v.IndexOf(1) != 1 || v.IndexOf(2) != 0 || v.Digest() == before.Digest() {
		t.Error("the journal did not move")
	}
	<-before.Changed()
	Must(t, m.VerifyFrozen())
	Must(t, m.Audit())
}

func TestStateAtIndexZeroIsAFunctionOfTheGenesis(t *testing.T) {
	a, b := New(t), New(t)
	if a.View().Digest() != b.View().Digest() || a.View().Root() != b.View().Root() {
		t.Error("two foundings differ")
	}
	if v := a.View(); v.Index() != 0 || v.Seq() != 0 || v.Size() != 1 || v.Time() != Founded || len(v.Members()) != 5 ||
		v.Federation().ID != Federation || v.Catalogue().Document().Version != 1 {
		t.Error("the first state is not the charter's")
	}
	cat := Catalogue(t, 1)
	other := Charter(cat)
	other.AdoptQuorum = 2
	c, err := machine.New(GenesisOf(t, other, cat), machine.Options{})
	Must(t, err)
	if c.View().Digest() == a.View().Digest() || c.View().Root() == a.View().Root() {
		t.Error("two federations begin alike")
	}
	other.MachineVersion = machine.Version + 1
	if _, err := machine.New(GenesisOf(t, other, cat), machine.Options{}); !errors.Is(err, machine.ErrTooOld) {
		t.Errorf("a federation of a later machine version: %v", err)
	}
	if _, err := machine.New(members.Genesis{}, machine.Options{}); err == nil {
		t.Error("founded on nothing")
	}
}

// withdrawal is a command that is authentic and always refused: there is no
// such entry.
func withdrawal(id string) Order {
	return Order{By: "court", ID: id, Verb: exchange.VerbWithdraw, Body: lists.WithdrawBody{Entry: exchange.EntryID(ID("none")), Reason: "误报"}}
}

func TestRejectionsAreLeavesAndChangeNothingElse(t *testing.T) {
	m := New(t)
	r := Do(t, m, withdrawal("w"))
	if r.OK || Code(r) != "LIST-015" || r.Seq != 1 {
		t.Fatalf("%+v", r)
	}
	v := m.View()
	if v.Seq() != 1 || v.Refused() != 1 || v.Size() != 2 {
		t.Errorf("seq %d refused %d", v.Seq(), v.Refused())
	}
	s, ok := v.Statement(1)
	if !ok || s.OK || s.Error.Code != "LIST-015" || s.Verb != exchange.VerbWithdraw || s.Operator != "clerk" {
		t.Errorf("%+v", s)
	}
	if found, ok := v.FindStatement(s.ID); !ok || found.Seq != 1 {
		t.Error("not found by id")
	}
}

func TestTheSameCommandTwice(t *testing.T) {
	m := New(t)
	payload := Sign(t, Order{By: "court", ID: "c", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "1", nil))})
	results := Apply(t, m, payload, payload)
	before := m.View()
	results = append(results, Apply(t, m, payload)...)
	first := results[0]
	for i, r := range results[1:] {
		if !r.OK || !r.Repeat || r.Seq != first.Seq || string(r.Body) != string(first.Body) {
			t.Errorf("repeat %d: %+v", i, r)
		}
	}
	if v := m.View(); v.Digest() != before.Digest() || v.Seq() != 1 || v.Root() != before.Root() || v.Index() != 2 {
		t.Error("a repeat changed something")
	}
	refused := Sign(t, withdrawal("w"))
	again := Apply(t, m, refused, refused)
	if Code(again[1]) != "LIST-015" || !again[1].Repeat {
		t.Errorf("a repeated rejection: %+v", again[1])
	}
}

func TestOneIDTwoCommands(t *testing.T) {
	m := New(t)
	Do(t, m, withdrawal("c"))
	before := m.View()
	other := withdrawal("c")
	other.Op = "another"
	r := Do(t, m, other)
	if Code(r) != "CMD-015" || r.Seq != 0 || r.Repeat {
		t.Fatalf("%+v", r)
	}
	if v := m.View(); v.Digest() != before.Digest() || v.Seq() != before.Seq() {
		t.Error("a conflict changed something")
	}
}

// Shows: B7
func TestTimeNeverGoesBack(t *testing.T) {
	m := New(t)
	late := withdrawal("late")
	late.At = Start + 30*Day
	Do(t, m, late)
	early := Order{By: "court", ID: "early", At: Start, Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "1", nil))}
	if r := Do(t, m, early); !r.OK {
		t.Fatal(r.Error)
	}
	v := m.View()
	e, _ := v.Entry(exchange.EntryID(ID("entry 1")))
	if v.Time() != Start+30*Day || e.NominatedAt != Start+30*Day {
		t.Errorf("time %d, nominated %d", v.Time(), e.NominatedAt)
	}
	if s, _ := v.Statement(2); s.At != Start {
		t.Error("a statement does not keep its own time")
	}
}

// hostile commands, with what Check says of each.
func hostile(tb testing.TB) map[string]struct {
	payload []byte
	code    string
	fatal   bool // Apply stops the node
} {
	tb.Helper()
	type row = struct {
		payload []byte
		code    string
		fatal   bool
	}
	edit := func(change func(*Order)) []byte {
		o := withdrawal("x")
		change(&o)
		return Sign(tb, o)
	}
	good := string(Sign(tb, withdrawal("x")))
	flipped := []byte(good)
	flipped[len(flipped)-10] ^= 1
	body := `{"entry":"` + ID("none") + `","reason":"a"`
	return map[string]row{
		"empty":             {nil, "CMD-010", true},
		"garbage":           {[]byte("a.b.c"), "CMD-010", true},
		"too long":          {[]byte(good + strings.Repeat("A", exchange.MaxCommand)), "CMD-002", true},
		"other typ":         {[]byte(Genesis(tb).Signatures[0]), "CMD-010", true},
		"unknown verb":      {edit(func(o *Order) { o.Verb = "list.burn" }), "CMD-013", true},
		"unknown member":    {edit(func(o *Order) { o.Raw = body + `,"x":1}` }), "CMD-003", true},
		"bad body":          {edit(func(o *Order) { o.Raw = body + `,"expect":-1}` }), "CMD-003", true},
		"other spelling":    {edit(func(o *Order) { o.Edit = func(s string) string { return strings.Replace(s, `,"iat"`, `, "iat"`, 1) } }), "CMD-001", true},
		"no operator":       {edit(func(o *Order) { o.Op = "a b" }), "CMD-001", true},
		"other federation":  {edit(func(o *Order) { o.Fed = "otherland" }), "CMD-011", false},
		"stranger":          {edit(func(o *Order) { o.By = "stranger" }), "CMD-012", false},
		"signed by another": {edit(func(o *Order) { o.Key = "insurer" }), "CMD-012", false},
		"cosign key":        {edit(func(o *Order) { o.Use = keys.Cosign }), "CMD-012", false},
		"attest key":        {edit(func(o *Order) { o.Use = keys.Attest }), "CMD-012", false},
		"before founding":   {edit(func(o *Order) { o.At = 1 }), "CMD-012", false},
		"damaged signature": {flipped, "CMD-012", false},
	}
}

// Shows: B5, F33, g6
func TestCheckRefusesWhatMayNotBeStored(t *testing.T) {
	m := New(t)
	Must(t, m.Check(Sign(t, withdrawal("x"))))
	before := m.View()
	var all [][]byte
	var want []string
	for name, h := range hostile(t) {
		if err := m.Check(h.payload); err == nil || exchange.AsError(err).Code != h.code {
			t.Errorf("%s: %v, want %s", name, err, h.code)
		}
		all, want = append(all, h.payload), append(want, h.code)
	}
	all, want = append(all, Sign(t, withdrawal("y"))), append(want, "")
	for i, err := range New(t).CheckAll(all) {
		if got := ""; err != nil {
			got = exchange.AsError(err).Code
			if got != want[i] {
				t.Errorf("batch item %d: %v, want %s", i, err, want[i])
			}
		} else if want[i] != "" {
			t.Errorf("batch item %d passed, want %s", i, want[i])
		}
	}
	if m.View() != before {
		t.Error("Check changed the state")
	}
}

// TestApplyOfWhatCheckWouldRefuse is about a log that a broken node filled: what
// cannot be understood stops the node and nothing of its entry is applied; what
// is not authentic is answered, and leaves no trace in the state.
//
// Shows: B5
func TestApplyOfWhatCheckWouldRefuse(t *testing.T) {
	good := Sign(t, withdrawal("good"))
	for name, h := range hostile(t) {
		m := New(t)
		before := m.View()
		raw, err := m.Apply(1, [][]byte{good, h.payload})
		if h.fatal {
			if err == nil || raw != nil || m.View() != before {
				t.Errorf("%s: did not stop: %v", name, err)
			}
			if _, again := m.Apply(1, [][]byte{good}); !errors.Is(again, machine.ErrStopped) {
				t.Errorf("%s: went on after a fatal error: %v", name, again)
			}
			continue
		}
		Must(t, err)
		r, err := exchange.DecodeResult(raw[1])
		if name == "before founding" { // ledger time is later, so the key counts by then
			if err != nil || Code(r) != "LIST-015" {
				t.Errorf("%s: %+v %v", name, r, err)
			}
			continue
		}
		if err != nil || Code(r) != h.code || r.Seq != 0 || m.View().Seq() != 1 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func TestIndexesGoForward(t *testing.T) {
	m := New(t)
	if _, err := m.Apply(5, nil); err != nil || m.View().Index() != 5 {
		t.Fatalf("an entry without commands: %v", err)
	}
	if _, err := m.Apply(5, nil); err == nil {
		t.Error("the same entry twice")
	}
}

func TestCatalogueVersionOfACommand(t *testing.T) {
	o := withdrawal("w")
	o.Cat = 2
	if r := Do(t, New(t), o); Code(r) != "CMD-016" || r.Seq != 1 {
		t.Errorf("%+v", r)
	}
}

// TestVersionGate: a verb that is not in force yet passes Check, since a follower
// may lag behind the announcement that brings it; the leader does not propose it
// and Apply turns it away.
//
// Shows: F22
func TestVersionGate(t *testing.T) {
	m := New(t)
	machine.Raise(m, exchange.VerbWithdraw)
	payload := Sign(t, withdrawal("w"))
	Must(t, m.Check(payload))
	if err := m.Allows(exchange.VerbWithdraw); !errors.Is(err, machine.ErrInactive) {
		t.Errorf("a leader proposes a verb of a later version: %v", err)
	}
	Must(t, m.Allows(exchange.VerbRemove))
	before := m.View()
	if r := Apply(t, m, payload)[0]; Code(r) != "CMD-014" || r.Seq != 0 || m.View().Digest() != before.Digest() {
		t.Errorf("Apply of a verb of a later version: %+v", r)
	}
}

func TestVerbTable(t *testing.T) {
	want := "1 list.nominate 1, 2 list.withdraw 1, 3 list.remove 1, 4 release.request 1, 5 release.approve 1, " +
		"6 release.deny 1, 7 release.deliver 1, 8 release.open 1, 9 catalogue.adopt 1, 10 members.roster 1, 11 node.announce 1, 12 members.recover 2, 13 feed.anchor 3, " +
		"14 meeting.propose 4, 15 meeting.vote 4, 16 meeting.withdraw 4, " +
		"30 custody.deposit 4, 31 custody.deliver 4, 32 custody.open 4, 33 blinding.deal 4, 34 blinding.accept 4, 35 blinding.refuse 4, " +
		"20 release.second 4, 21 release.justify 4, 22 release.consent 4, 23 release.withdraw 4, " +
		"40 subject.complain 4, 41 subject.answer 4, 42 subject.apply 4, 43 subject.decide 4, 44 subject.object 4, 45 subject.settle 4"
	if got := machine.Table(); got != want {
		t.Errorf("the verb table is append-only:\n%s\n%s", got, want)
	}
	defer func() {
		if recover() == nil {
			t.Error("a verb defined twice was accepted")
		}
	}()
	machine.TwiceDefined()
}

func TestCommandOf(t *testing.T) {
	if c, err := machine.CommandOf(Sign(t, withdrawal("w"))); err != nil || c.At != Start {
		t.Errorf("%d %v", c.At, err)
	}
	if _, err := machine.CommandOf([]byte("x")); err == nil {
		t.Error("garbage has a time")
	}
}
