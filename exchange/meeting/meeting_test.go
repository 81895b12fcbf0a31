package meeting_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/machine"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
)

const (
	yes, no, abstain = meeting.Yes, meeting.No, meeting.Abstain
)

func edit(id exchange.MemberID, change func(*members.Founder)) func(*members.Roster) {
	return func(r *members.Roster) {
		f, _ := r.Member(id)
		change(&f)
		r.Put(f)
		r.Fit()
	}
}

// draftCatalogue is version 2 of the test catalogue.
func draftCatalogue(t testing.TB, change func(*catalogue.Document)) string {
	t.Helper()
	doc := Document(2)
	if change != nil {
		change(doc)
	}
	text, err := strictjson.Marshal(doc)
	Must(t, err)
	return string(text)
}

func catalogueMotion(t testing.TB, label string, from exchange.Millis, change func(*catalogue.Document)) Order {
	t.Helper()
	return Motion(label, meeting.Catalogue, func(b *meeting.ProposeBody) {
		b.Catalogue = &meeting.CatalogueDraft{Document: draftCatalogue(t, change), From: from}
	})
}

// motions makes one proposal of every kind, and says who may not vote on it.
func motions(t *testing.T, m *machine.Machine) map[meeting.Kind]Order {
	t.Helper()
	newcomer := Newcomer("newcomer", 1)
	rekeyed, _ := m.View().Lineage().Roster().Member("insurer")
	rekeyed.Keys = Newcomer("rekeyed", 2).Keys
	all := map[meeting.Kind]Order{
		meeting.Admit:     RosterMotion(t, m, "admit", meeting.Admit, []string{Introduce(t, newcomer, "newcomer")}, func(r *members.Roster) { r.Put(newcomer) }),
		meeting.Expel:     RosterMotion(t, m, "expel", meeting.Expel, nil, func(r *members.Roster) { r.Drop("court"); r.Fit() }),
		meeting.Suspend:   RosterMotion(t, m, "suspend", meeting.Suspend, nil, edit("court", func(f *members.Founder) { f.Suspended = true })),
		meeting.Seat:      RosterMotion(t, m, "seat", meeting.Seat, nil, edit("insurer", func(f *members.Founder) { f.Seat = true })),
		meeting.Keys:      RosterMotion(t, m, "keys", meeting.Keys, []string{Introduce(t, rekeyed, "rekeyed")}, func(r *members.Roster) { r.Put(rekeyed) }),
		meeting.Charter:   RosterMotion(t, m, "charter", meeting.Charter, nil, func(r *members.Roster) { r.Quorums.Roster, r.Quorums.Decide = 4, 2 }),
		meeting.Catalogue: catalogueMotion(t, "catalogue", 0, nil),
	}
	for _, k := range []meeting.Kind{meeting.Objection, meeting.Release, meeting.Recovery, meeting.Peering} {
		all[k] = Motion(string(k), k, func(b *meeting.ProposeBody) {
			b.Decision = &meeting.Decision{Object: ID("object"), Outcome: "approve", Parties: []exchange.MemberID{"commission"}}
			if k == meeting.Objection {
				b.Decision.Outcome = meeting.Uphold
			}
		})
	}
	return all
}

// R01: a change of the catalogue passes with three of four seats and not with two.
func TestKindsAndVotes(t *testing.T) {
	kinds := motions(t, Meeting(t))
	for kind, motion := range kinds {
		for _, votes := range []struct {
			name    string
			choices []meeting.Choice
			want    meeting.Status
		}{
			{"three of four", []meeting.Choice{yes, yes, yes}, meeting.Passed},
			{"two of four", []meeting.Choice{yes, yes}, meeting.Open},
			{"two against", []meeting.Choice{no, yes, no}, meeting.Rejected},
			{"an abstention is no yes", []meeting.Choice{abstain, yes, abstain}, meeting.Rejected},
			{"one against", []meeting.Choice{yes, no, yes}, meeting.Open},
		} {
			m := Meeting(t)
			a := Do(t, m, motion)
			if !a.OK {
				t.Fatal(kind, a.Error)
			}
			p := Outcome[meeting.Proposed](t, a)
			before := m.View().Roster().Version
			want := votes.want
			if len(p.Voters) == 3 && slices.Contains(votes.choices, no) || len(p.Voters) == 3 && slices.Contains(votes.choices, abstain) {
				want = meeting.Rejected // all three are needed
			}
			var got meeting.Voted
			for i, c := range votes.choices {
				a := Do(t, m, Ballot(t, m, p.Voters[i], motion.ID, c, nil))
				if Code(a) == "MEET-011" && got.Status == meeting.Rejected {
					break
				}
				got = Outcome[meeting.Voted](t, a)
			}
			q, cast, _, _ := m.View().Proposal(p.Proposal)
			if got.Status != want || q.StatusAt(m.View().Rows(), m.View().Time()) != want || len(cast) == 0 {
				t.Errorf("%s, %s: %s, want %s", kind, votes.name, got.Status, want)
			}
			took := m.View().Roster().Version > before
			_, _, waits := m.View().NextCatalogue()
			_, decided := meeting.Decided(m.View().Rows(), kind, ID("object"))
			if (took || waits || decided) != (want == meeting.Passed) {
				t.Errorf("%s, %s: effect %v %v %v", kind, votes.name, took, waits, decided)
			}
			Must(t, m.VerifyFrozen())
			if want == meeting.Passed {
				Must(t, m.Audit())
			}
		}
	}
}

func TestRules(t *testing.T) {
	suspend := func(t *testing.T, m *machine.Machine, label string) Order {
		return RosterMotion(t, m, label, meeting.Suspend, nil, edit("court", func(f *members.Founder) { f.Suspended = true }))
	}
	for name, c := range map[string]struct {
		code string
		last func(t *testing.T, m *machine.Machine) Order
	}{
		"vote twice": {"MEET-014", func(t *testing.T, m *machine.Machine) Order {
			Do(t, m, Ballot(t, m, "regulator", "p", yes, nil))
			o := Ballot(t, m, "regulator", "p", no, nil)
			o.ID = "again"
			return o
		}},
		"no seat":        {"MEET-001", func(t *testing.T, m *machine.Machine) Order { return Ballot(t, m, "insurer", "p", yes, nil) }},
		"own suspension": {"MEET-013", func(t *testing.T, m *machine.Machine) Order { return Ballot(t, m, "court", "p", no, nil) }},
		"no such":        {"MEET-010", func(t *testing.T, m *machine.Machine) Order { return Ballot(t, m, "regulator", "q", no, nil) }},
		"other bytes": {"MEET-015", func(t *testing.T, m *machine.Machine) Order {
			return Ballot(t, m, "regulator", "p", yes, func(b *meeting.VoteBody) {
				b.Endorsement = SignEndorsement(t, "regulator", members.RosterEndorsement{Federation: Federation, Roster: members.Digest([]byte("x")), Version: 1})
			})
		}},
		"another's endorsement": {"MEET-015", func(t *testing.T, m *machine.Machine) Order {
			o := Ballot(t, m, "commission", "p", yes, nil)
			o.By = "regulator"
			return o
		}},
		"endorsed elsewhere": {"MEET-015", func(t *testing.T, m *machine.Machine) Order {
			return Ballot(t, m, "regulator", "p", yes, func(b *meeting.VoteBody) {
				p, _, _, _ := m.View().Proposal(b.Proposal)
				b.Endorsement = SignEndorsement(t, "regulator", p.RosterEndorsement("otherland"))
			})
		}},
		"without endorsement": {"MEET-015", func(t *testing.T, m *machine.Machine) Order {
			return Ballot(t, m, "regulator", "p", yes, func(b *meeting.VoteBody) { b.Endorsement = "" })
		}},
		"after the deadline": {"MEET-011", func(t *testing.T, m *machine.Machine) Order {
			o := Ballot(t, m, "regulator", "p", yes, nil)
			o.At = Start + 10*Day
			return o
		}},
		"withdrawn": {"MEET-011", func(t *testing.T, m *machine.Machine) Order {
			o := Order{By: "regulator", ID: "w", Verb: exchange.VerbWithdrawMotion, Body: meeting.WithdrawBody{Proposal: exchange.CommandID(ID("p")), Reason: "有误"}}
			if a := Do(t, m, o); !a.OK {
				t.Fatal(a.Error)
			}
			return Ballot(t, m, "regulator", "p", yes, nil)
		}},
		"withdrawn by another": {"MEET-016", func(t *testing.T, m *machine.Machine) Order {
			return Order{By: "court", ID: "w", Verb: exchange.VerbWithdrawMotion, Body: meeting.WithdrawBody{Proposal: exchange.CommandID(ID("p")), Reason: "有误"}}
		}},
		"another roster came first": {"MEET-012", func(t *testing.T, m *machine.Machine) Order {
			text := Draft(t, m.View().Lineage(), func(r *members.Roster) { r.Quorums.Cosign = 2 })
			if a := Do(t, m, Order{By: "court", ID: "r", Verb: exchange.VerbRoster, Body: SignRoster(t, text, 1, nil, "regulator", "commission", "court")}); !a.OK {
				t.Fatal(a.Error)
			}
			return Ballot(t, m, "regulator", "p", yes, nil)
		}},
		"proposed without a seat": {"MEET-001", func(t *testing.T, m *machine.Machine) Order {
			o := suspend(t, m, "q")
			o.By = "insurer"
			return o
		}},
		"no time to vote": {"MEET-002", func(t *testing.T, m *machine.Machine) Order {
			o := suspend(t, m, "q")
			o.At = Start + 10*Day
			return o
		}},
		"another kind than the roster's": {"MEET-004", func(t *testing.T, m *machine.Machine) Order {
			return RosterMotion(t, m, "q", meeting.Keys, nil, edit("court", func(f *members.Founder) { f.Suspended = true }))
		}},
		"two matters": {"MEET-004", func(t *testing.T, m *machine.Machine) Order {
			return RosterMotion(t, m, "q", meeting.Suspend, nil, func(r *members.Roster) {
				edit("court", func(f *members.Founder) { f.Suspended = true })(r)
				r.Quorums.Roster = 2
			})
		}},
		"can never pass": {"MEET-005", func(t *testing.T, m *machine.Machine) Order {
			return RosterMotion(t, m, "q", meeting.Suspend, nil, func(r *members.Roster) {
				edit("court", func(f *members.Founder) { f.Suspended = true })(r)
				edit("regulator", func(f *members.Founder) { f.Suspended = true })(r)
			})
		}},
		"a stale roster": {"MEM-031", func(t *testing.T, m *machine.Machine) Order {
			o := suspend(t, m, "q")
			text := Draft(t, m.View().Lineage(), func(r *members.Roster) { r.Quorums.Cosign = 2 })
			Do(t, m, Order{By: "court", ID: "r", Verb: exchange.VerbRoster, Body: SignRoster(t, text, 1, nil, "regulator", "commission", "court")})
			return o
		}},
		"too many": {"MEET-003", func(t *testing.T, m *machine.Machine) Order {
			for i := range meeting.MaxOpen - 1 {
				if a := Do(t, m, suspend(t, m, fmt.Sprint(i))); !a.OK {
					t.Fatal(a.Error)
				}
			}
			return suspend(t, m, "q")
		}},
		"a catalogue without notice":          {"MEET-006", func(t *testing.T, m *machine.Machine) Order { return catalogueMotion(t, "q", Start+Hour-1, nil) }},
		"a catalogue that opens, within 24 h": {"MEET-006", func(t *testing.T, m *machine.Machine) Order { return catalogueMotion(t, "q", Start+24*Hour-1, opens) }},
		"a catalogue that opens, in time":     {"", func(t *testing.T, m *machine.Machine) Order { return catalogueMotion(t, "q", Start+24*Hour, opens) }},
		"a catalogue of another version": {"MEM-010", func(t *testing.T, m *machine.Machine) Order {
			return catalogueMotion(t, "q", 0, func(d *catalogue.Document) { d.Version = 3 })
		}},
		"a decision that is open already":          {"MEET-007", func(t *testing.T, m *machine.Machine) Order { Do(t, m, decide("q")); return decide("q2") }},
		"a decision about a stranger's own matter": {"MEET-008", func(t *testing.T, m *machine.Machine) Order { return decide("q", "nobody") }},
		"its party votes": {"MEET-013", func(t *testing.T, m *machine.Machine) Order {
			Do(t, m, decide("q", "court"))
			return Ballot(t, m, "court", "q", yes, nil)
		}},
		"an endorsement of a decision": {"MEET-015", func(t *testing.T, m *machine.Machine) Order {
			Do(t, m, decide("q"))
			return Ballot(t, m, "court", "q", yes, func(b *meeting.VoteBody) { b.Endorsement = "x" })
		}},
	} {
		m := Meeting(t)
		if a := Do(t, m, suspend(t, m, "p")); !a.OK {
			t.Fatal(a.Error)
		}
		if a := Do(t, m, c.last(t, m)); Code(a) != c.code {
			t.Errorf("%s: %q, want %q", name, Code(a), c.code)
		}
		Must(t, m.VerifyFrozen())
	}
}

func opens(d *catalogue.Document) {
	d.Rules[0].Requesters = append(d.Rules[0].Requesters, exchange.KindCourt)
}

func decide(label string, parties ...exchange.MemberID) Order {
	return Motion(label, meeting.Release, func(b *meeting.ProposeBody) {
		b.Decision = &meeting.Decision{Object: ID("release"), Outcome: "approve", Parties: parties}
	})
}

// A vote for another federation is another federation's: nothing of it is taken.
func TestReplayedElsewhere(t *testing.T) {
	m := Meeting(t)
	Do(t, m, decide("q"))
	o := Ballot(t, m, "court", "q", yes, nil)
	o.Fed = "otherland"
	if err := m.Check(Sign(t, o)); err == nil {
		t.Error("a vote of another federation passes")
	}
}

// A vote may not be used before all nodes know it.
func TestBeforeItsTime(t *testing.T) {
	m := New(t)
	if a := Do(t, m, decide("q")); Code(a) != "CMD-014" {
		t.Errorf("%q", Code(a))
	}
	text := Draft(t, m.View().Lineage(), edit("court", func(f *members.Founder) { f.Suspended = true }))
	s := SignRoster(t, text, 1, nil, "regulator", "commission", "association")
	a := Do(t, m, Order{By: "court", ID: "r", Verb: exchange.VerbRoster, Body: s})
	if Code(a) != "MEM-030" || a.Error.What(exchange.En) != "the roster is not valid: JSON" {
		t.Errorf("an older build would answer otherwise: %v", a.Error)
	}
	Apply(t, m, Announce(t, members.MachineMeeting)...)
	if a := Do(t, m, Order{By: "court", ID: "r2", Verb: exchange.VerbRoster, Body: s}); !a.OK {
		t.Errorf("%v", a.Error)
	}
}

func pass(t *testing.T, m *machine.Machine, o Order, at exchange.Millis) exchange.Result {
	t.Helper()
	o.At = max(o.At, at)
	p := Outcome[meeting.Proposed](t, Do(t, m, o))
	var last exchange.Result
	for _, by := range p.Voters[:p.Quorum] {
		v := Ballot(t, m, by, o.ID, yes, nil)
		v.At, v.Cat = o.At, o.Cat
		if last = Do(t, m, v); !last.OK {
			t.Fatal(last.Error)
		}
	}
	return last
}

// The catalogue in force is a function of ledger time.
func TestCatalogueFromADate(t *testing.T) {
	for name, c := range map[string]struct {
		from, want exchange.Millis
		change     func(*catalogue.Document)
	}{
		"as soon as may be":           {0, Start + meeting.Notice, nil},
		"as soon, for one that opens": {0, Start + meeting.LooseNotice, opens},
		"from a date":                 {Start + 3*Day, Start + 3*Day, opens},
	} {
		m := Meeting(t)
		out := Outcome[meeting.Voted](t, pass(t, m, catalogueMotion(t, "c", c.from, c.change), 0))
		if out.Status != meeting.Passed || out.From != c.want || m.View().Catalogue().Document().Version != 1 {
			t.Fatalf("%s: %+v", name, out)
		}
		if m.View().CatalogueFor(c.want-1).Document().Version != 1 || m.View().CatalogueFor(c.want).Document().Version != 2 {
			t.Errorf("%s: who acts goes by another version", name)
		}
		if a := Do(t, m, Order{By: "court", ID: "adopt", Verb: exchange.VerbAdopt, Body: members.AdoptBody{Document: draftCatalogue(t, nil),
			Endorsements: []string{Endorse(t, "court", members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest([]byte(draftCatalogue(t, nil))), Version: 2}),
				Endorse(t, "regulator", members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest([]byte(draftCatalogue(t, nil))), Version: 2}),
				Endorse(t, "commission", members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest([]byte(draftCatalogue(t, nil))), Version: 2})}}}); Code(a) != "MEM-042" {
			t.Errorf("%s: another version meanwhile: %q", name, Code(a))
		}
		ask := func(id string, at exchange.Millis, cat int) exchange.Result {
			return Do(t, m, Order{By: "commission", ID: id, At: at, Cat: cat, Verb: exchange.VerbReleaseRequest, Body: Ask(nil)})
		}
		if a := ask("1", c.want-1, 2); Code(a) != "CMD-016" {
			t.Errorf("%s: before its time: %q", name, Code(a))
		}
		if a := ask("2", c.want-1, 1); !a.OK {
			t.Errorf("%s: the old one: %v", name, a.Error)
		}
		// One log entry holds both: the version changes within it.
		as := Apply(t, m, Sign(t, Order{By: "commission", ID: "3", At: c.want - 1, Verb: exchange.VerbReleaseRequest, Body: Ask(nil)}),
			Sign(t, Order{By: "commission", ID: "4", At: c.want, Verb: exchange.VerbReleaseRequest, Body: Ask(nil)}),
			Sign(t, Order{By: "commission", ID: "5", At: c.want, Cat: 2, Verb: exchange.VerbReleaseRequest, Body: Ask(nil)}))
		if !as[0].OK || Code(as[1]) != "CMD-016" || !as[2].OK {
			t.Errorf("%s: %v %v %v", name, as[0].Error, as[1].Error, as[2].Error)
		}
		if v := m.View(); v.Catalogue().Document().Version != 2 || v.CatalogueVersion().Version != 2 || len(v.CatalogueVersion().Papers) != 3 {
			t.Errorf("%s: %+v", name, v.CatalogueVersion())
		}
		same(t, m)
		Must(t, m.Audit())
	}
}

// Nobody can hurry a dated catalogue with the yes votes to it.
func TestVotesAreNoEndorsements(t *testing.T) {
	m := Meeting(t)
	o := catalogueMotion(t, "c", Start+3*Day, nil)
	Do(t, m, o)
	b := members.AdoptBody{Document: draftCatalogue(t, nil)}
	for _, by := range []exchange.MemberID{"regulator", "commission", "association"} {
		b.Endorsements = append(b.Endorsements, Ballot(t, m, by, "c", yes, nil).Body.(meeting.VoteBody).Endorsement)
	}
	if a := Do(t, m, Order{By: "court", ID: "adopt", Verb: exchange.VerbAdopt, Body: b}); Code(a) != "MEM-012" {
		t.Errorf("%q", Code(a))
	}
}

// same says that a snapshot gives the state again, open votes and waiting catalogues
// included, and that it goes on alike.
func same(t *testing.T, m *machine.Machine) *machine.Machine {
	t.Helper()
	s, err := m.Snapshot()
	Must(t, err)
	var file bytes.Buffer
	_, err = s.WriteTo(&file)
	Must(t, err)
	other := Found(t, machine.Options{Audit: true})
	Must(t, other.Restore(&file))
	a, b := m.View(), other.View()
	if a.Digest() != b.Digest() || a.Catalogue().Digest() != b.Catalogue().Digest() {
		t.Error("a restored node differs")
	}
	return other
}

// What newcomers sign passes Check as soon as enough votes have passed it, on a node
// that has applied none of them, and on one that began from a snapshot between votes.
func TestNewcomersOfAVote(t *testing.T) {
	m := Meeting(t)
	newcomer := Newcomer("newcomer", 1)
	o := RosterMotion(t, m, "admit", meeting.Admit, []string{Introduce(t, newcomer, "newcomer")}, func(r *members.Roster) { r.Put(newcomer) })
	follower := same(t, m)
	Must(t, follower.Check(Sign(t, o)))
	Do(t, m, o)
	spoiler := o
	spoiler.ID, spoiler.By = "spoiler", "insurer"
	b := spoiler.Body.(meeting.ProposeBody)
	b.Roster = &meeting.RosterDraft{Document: b.Roster.Document}
	spoiler.Body = b
	Must(t, follower.Check(Sign(t, spoiler)))
	var votes [][]byte
	for _, by := range []exchange.MemberID{"regulator", "commission", "court"} {
		votes = append(votes, Sign(t, Ballot(t, m, by, "admit", yes, nil)))
	}
	hello := Sign(t, Order{By: "newcomer", ID: "hello", Verb: exchange.VerbAnnounce, Body: members.AnnounceBody{Node: "node-newcomer", Machine: 4, Build: "x"}})
	if follower.Check(hello) == nil {
		t.Error("a stranger passes")
	}
	if errs := follower.CheckAll([][]byte{votes[0], votes[1], votes[2], hello}); errs[3] != nil {
		t.Error("the newcomer is refused behind the votes:", errs)
	}
	Apply(t, m, votes[0])
	between := same(t, m)
	for _, v := range votes[1:] {
		between.Recall(v)
	}
	if err := between.Check(hello); err != nil {
		t.Error("after a snapshot between the votes:", err)
	}
	as := Apply(t, m, votes[1], votes[2], hello)
	if !as[2].OK {
		t.Error(as[2].Error)
	}
	row := m.View().Roster()
	if len(row.Papers) != 3 || len(row.Endorsers) != 3 || row.Seq != as[1].Seq {
		t.Errorf("%+v", row)
	}
	same(t, m)
}

func TestSuspended(t *testing.T) {
	m := Meeting(t)
	pass(t, m, RosterMotion(t, m, "s", meeting.Suspend, nil, edit("court", func(f *members.Founder) { f.Suspended = true })), 0)
	court, _ := m.View().Member("court")
	if court.Suspended != Start || court.Sits() || court.Takes() || court.Status != members.Active {
		t.Fatalf("%+v", court)
	}
	if f := m.View().Federation(); f.RosterQuorum != 3 || m.View().Lineage().Roster().Seats() != 3 {
		t.Errorf("quorum %d of %d", f.RosterQuorum, m.View().Lineage().Roster().Seats())
	}
	for name, o := range map[string]Order{
		"list":    {By: "court", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "x", nil))},
		"release": {By: "court", Verb: exchange.VerbReleaseRequest, Body: Ask(nil)},
		"propose": func() Order { o := decide("q"); o.By = "court"; return o }(),
		"vote":    Ballot(t, m, "court", "s", no, nil),
		"carry":   {By: "court", Verb: exchange.VerbRoster, Body: members.SignedRoster{Document: "x", Endorsements: []string{"x"}}},
		"anchor":  {By: "court", Verb: exchange.VerbFeedAnchor, Raw: `{"size":1,"root":"` + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" + `","proof":[]}`},
	} {
		o.ID = "try " + name
		if a := Do(t, m, o); Code(a) != "MEM-043" {
			t.Errorf("%s: %q", name, Code(a))
		}
	}
	if a := Do(t, m, Order{By: "court", ID: "announce", Verb: exchange.VerbAnnounce, Body: members.AnnounceBody{Node: "node-court", Machine: 4, Build: "x"}}); !a.OK {
		t.Errorf("its node may not say what it can apply: %v", a.Error)
	}
	// Its endorsement spoils a roster, as a stranger's does.
	text := Draft(t, m.View().Lineage(), edit("court", func(f *members.Founder) { f.Suspended = false }))
	if a := Do(t, m, Order{By: "regulator", ID: "own", Verb: exchange.VerbRoster, Body: SignRoster(t, text, 2, nil, "regulator", "commission", "court")}); Code(a) != "MEM-033" {
		t.Errorf("it endorses its own return: %q", Code(a))
	}
	if a := Do(t, m, Order{By: "regulator", ID: "adopt", Verb: exchange.VerbAdopt, Body: members.AdoptBody{Document: draftCatalogue(t, nil),
		Endorsements: []string{Endorse(t, "court", members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest([]byte(draftCatalogue(t, nil))), Version: 2})}}}); Code(a) != "MEM-012" {
		t.Errorf("it endorses a catalogue: %q", Code(a))
	}
	// What it signed before still verifies: its key counts on.
	if _, _, ok := m.View().KeyAt(Key("court", "command").KID(), Start); !ok {
		t.Error("its keys are gone")
	}
	pass(t, m, RosterMotion(t, m, "r", meeting.Restore, nil, edit("court", func(f *members.Founder) { f.Suspended = false })), Start+Day)
	if a := Do(t, m, Order{By: "court", ID: "back", Verb: exchange.VerbNominate, Body: Nominate(Entry(t, "court", "x", nil))}); !a.OK {
		t.Errorf("restored: %v", a.Error)
	}
	same(t, m)
	Must(t, m.Audit())
}

// A release that was granted before is not delivered to a suspended member.
func TestNoDeliveryToTheSuspended(t *testing.T) {
	m := Meeting(t)
	Do(t, m, Order{By: "commission", ID: "q", Verb: exchange.VerbReleaseRequest, Body: Ask(nil)})
	pass(t, m, RosterMotion(t, m, "s", meeting.Suspend, nil, edit("commission", func(f *members.Founder) { f.Suspended = true })), 0)
	deliver := Order{By: "court", ID: "d", Verb: exchange.VerbReleaseDeliver, Body: release.ReceiptBody{Release: exchange.ReleaseID(ID("q")), Digest: Hash("e")}}
	if a := Do(t, m, deliver); Code(a) != "MEM-043" {
		t.Errorf("%q", Code(a))
	}
	share := Order{By: "court", ID: "c", Verb: exchange.VerbCustodyDeliver, Body: custody.DeliverBody{Release: exchange.ReleaseID(ID("q")), Generation: 1, Digest: Hash("e")}}
	if a := Do(t, m, share); Code(a) != "MEM-043" {
		t.Errorf("by a custodian: %q", Code(a))
	}
	pass(t, m, RosterMotion(t, m, "r", meeting.Restore, nil, edit("commission", func(f *members.Founder) { f.Suspended = false })), 0)
	deliver.ID = "d2"
	if a := Do(t, m, deliver); !a.OK {
		t.Error(a.Error)
	}
}

// The status of a proposal nobody ends is a function of time and of what came first.
func TestLapsedAndMoot(t *testing.T) {
	m := Meeting(t)
	Do(t, m, RosterMotion(t, m, "p", meeting.Seat, nil, edit("insurer", func(f *members.Founder) { f.Seat = true })))
	p, _, _, _ := m.View().Proposal(exchange.CommandID(ID("p")))
	for at, want := range map[exchange.Millis]meeting.Status{Start: meeting.Open, Start + 10*Day - 1: meeting.Open, Start + 10*Day: meeting.Lapsed} {
		if got := p.StatusAt(m.View().Rows(), at); got != want {
			t.Errorf("at %d: %s", at, got)
		}
	}
	pass(t, m, RosterMotion(t, m, "s", meeting.Suspend, nil, edit("court", func(f *members.Founder) { f.Suspended = true })), 0)
	if got := p.StatusAt(m.View().Rows(), Start+20*Day); got != meeting.Moot {
		t.Errorf("overtaken: %s", got)
	}
}

// The votes of a seat that is suspended meanwhile do not count.
func TestSuspendedMeanwhile(t *testing.T) {
	m := Meeting(t)
	Do(t, m, decide("q"))
	for _, by := range []exchange.MemberID{"court", "regulator"} {
		Do(t, m, Ballot(t, m, by, "q", yes, nil))
	}
	pass(t, m, RosterMotion(t, m, "s", meeting.Suspend, nil, edit("court", func(f *members.Founder) { f.Suspended = true })), 0)
	got := Outcome[meeting.Voted](t, Do(t, m, Ballot(t, m, "commission", "q", yes, nil)))
	if got.Status != meeting.Open || got.Yes != 2 {
		t.Errorf("%+v", got)
	}
	got = Outcome[meeting.Voted](t, Do(t, m, Ballot(t, m, "association", "q", yes, nil)))
	o, ok := meeting.Decided(m.View().Rows(), meeting.Release, ID("release"))
	if got.Status != meeting.Passed || !ok || o.Outcome != "approve" || len(o.By) != 3 {
		t.Errorf("%+v %+v", got, o)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"kind":"release","reason":"x","deadline":1,"decision":{"object":"x","outcome":"approve"}}`))
	f.Add([]byte(`{"proposal":"AAAAAAAAAAAAAAAAAAAAAA","choice":"yes","endorsement":"x"}`))
	f.Add([]byte(`{"proposal":"AAAAAAAAAAAAAAAAAAAAAA","reason":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := meeting.DecodePropose(data); err == nil {
			again(t, b, meeting.DecodePropose)
		}
		if b, err := meeting.DecodeVote(data); err == nil {
			again(t, b, meeting.DecodeVote)
		}
		if b, err := meeting.DecodeWithdraw(data); err == nil {
			again(t, b, meeting.DecodeWithdraw)
		}
	})
}

func again[T any](t *testing.T, b *T, decode func([]byte) (*T, error)) {
	text, err := strictjson.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decode(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestNumbersByKind: what the charter asks for an expulsion counts for expulsions, at
// the meeting and on paper, and for nothing else; who wants to lower it needs as many.
func TestNumbersByKind(t *testing.T) {
	m := Meeting(t)
	pass(t, m, RosterMotion(t, m, "numbers", meeting.Charter, nil, func(r *members.Roster) { r.Quorums.Kinds = members.KindQuorums{Expel: 4, Charter: 4} }), 0)
	leave := func(r *members.Roster) { r.Drop("insurer"); r.Fit() }
	line := m.View().Lineage()
	paper := SignRoster(t, Draft(t, line, leave), line.Version()+1, nil, "regulator", "commission", "association")
	if a := Do(t, m, Order{By: "court", ID: "paper", Verb: exchange.VerbRoster, Body: paper}); Code(a) != "MEM-034" {
		t.Errorf("three seats expelled a member on paper: %q", Code(a))
	}
	for label, o := range map[string]Order{
		"expel": RosterMotion(t, m, "expel", meeting.Expel, nil, leave),
		"lower": RosterMotion(t, m, "lower", meeting.Charter, nil, func(r *members.Roster) { r.Quorums.Kinds = members.KindQuorums{} }),
	} {
		if p := Outcome[meeting.Proposed](t, Do(t, m, o)); p.Quorum != 4 {
			t.Errorf("%s: %d seats are needed", label, p.Quorum)
		}
		for _, by := range []exchange.MemberID{"regulator", "commission", "association"} {
			if v := Outcome[meeting.Voted](t, Do(t, m, Ballot(t, m, by, label, yes, nil))); v.Status != meeting.Open {
				t.Errorf("%s: %s after the vote of %s", label, v.Status, by)
			}
		}
	}
	if p := Outcome[meeting.Proposed](t, Do(t, m, RosterMotion(t, m, "seat", meeting.Seat, nil, edit("insurer", func(f *members.Founder) { f.Seat = true })))); p.Quorum != 3 {
		t.Errorf("a seat takes %d", p.Quorum)
	}
	shrink := RosterMotion(t, m, "shrink", meeting.Suspend, nil, func(r *members.Roster) {
		f, _ := r.Member("court")
		f.Suspended = true
		r.Put(f)
		r.Fit()
	})
	if a := Do(t, m, shrink); Code(a) != "MEET-004" { // with three seats left, three would expel
		t.Errorf("seats are taken away until a number is out of reach: %q", Code(a))
	}
	if v := Outcome[meeting.Voted](t, Do(t, m, Ballot(t, m, "court", "expel", yes, nil))); v.Status != meeting.Passed {
		t.Errorf("after all four: %s", v.Status)
	}
	Must(t, m.Audit())
}

// TestOutcomesThatNobodyActsOn: of an object there is one decision, so a word that the
// ledger does not know would be the last one said of it.
func TestOutcomesThatNobodyActsOn(t *testing.T) {
	for kind, want := range map[meeting.Kind]map[string]bool{
		meeting.Release:   {"approve": true, "deny": true, "approved": false, "uphold": false},
		meeting.Objection: {"uphold": true, "reject": true, "upheld": false, "approve": false},
		meeting.Peering:   {"accept": true, "anything": true},
	} {
		for outcome, ok := range want {
			body, err := strictjson.Marshal(Motion("m", kind, func(b *meeting.ProposeBody) {
				b.Decision = &meeting.Decision{Object: ID("object"), Outcome: outcome}
			}).Body)
			Must(t, err)
			if _, err := meeting.DecodePropose(body); (err == nil) != ok {
				t.Errorf("%s %s: %v", kind, outcome, err)
			}
		}
	}
}
