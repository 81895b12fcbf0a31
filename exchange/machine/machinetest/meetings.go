package machinetest

import (
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/meeting"
	"accord/exchange/members"
)

// Meeting founds the test federation at the machine version that has the joint
// meeting.
func Meeting(tb testing.TB) *machine.Machine {
	tb.Helper()
	m := New(tb)
	Apply(tb, m, Announce(tb, members.MachineMeeting)...)
	if got := m.View().Federation().MachineVersion; got != members.MachineMeeting {
		tb.Fatalf("machine version %d", got)
	}
	return m
}

// MeetingUnder founds it with that version and a catalogue of its own, which may be of
// format 2.
func MeetingUnder(tb testing.TB, doc *catalogue.Document) *machine.Machine {
	tb.Helper()
	return FoundUnder(tb, doc, machine.Options{Frozen: true})
}

// FoundUnder is MeetingUnder with options.
func FoundUnder(tb testing.TB, doc *catalogue.Document, o machine.Options) *machine.Machine {
	tb.Helper()
	return FoundBy(tb, doc, func(*members.Charter) {}, o)
}

// FoundBy is FoundUnder by an edited charter.
func FoundBy(tb testing.TB, doc *catalogue.Document, edit func(*members.Charter), o machine.Options) *machine.Machine {
	tb.Helper()
	cat, err := strictjson.Marshal(doc)
	Must(tb, err)
	c := Charter(cat)
	c.MachineVersion = members.MachineMeeting
	edit(c)
	m, err := machine.New(GenesisOf(tb, c, cat), o)
	Must(tb, err)
	return m
}

// Motion is a proposal of the regulator's, open for ten days; edit changes it.
func Motion(label string, kind meeting.Kind, edit func(*meeting.ProposeBody)) Order {
	b := meeting.ProposeBody{Kind: kind, Reason: "联席会议第一次会议", Deadline: Start + 10*Day}
	edit(&b)
	return Order{By: "regulator", ID: label, Verb: exchange.VerbPropose, Body: b}
}

// RosterMotion proposes the roster that follows the one in force, changed by edit.
func RosterMotion(tb testing.TB, m *machine.Machine, label string, kind meeting.Kind, proofs []string, edit func(*members.Roster)) Order {
	tb.Helper()
	text := Draft(tb, m.View().Lineage(), edit)
	return Motion(label, kind, func(b *meeting.ProposeBody) {
		b.Roster = &meeting.RosterDraft{Document: text, Proofs: proofs}
	})
}

// Ballot is a member's vote on the proposal of a label, with the endorsement that a
// yes needs; edit changes it.
func Ballot(tb testing.TB, m *machine.Machine, by exchange.MemberID, label string, choice meeting.Choice, edit func(*meeting.VoteBody)) Order {
	tb.Helper()
	b := meeting.VoteBody{Proposal: exchange.CommandID(ID(label)), Choice: choice}
	if p, _, _, ok := m.View().Proposal(b.Proposal); ok && choice == meeting.Yes && p.Decision == nil {
		var e any
		if p.Roster != nil {
			e = p.RosterEndorsement(Federation)
		} else {
			e = p.CatalogueEndorsement(Federation)
		}
		b.Endorsement = SignEndorsement(tb, by, e)
	}
	if edit != nil {
		edit(&b)
	}
	return Order{By: by, ID: "vote " + label + " " + string(by), Verb: exchange.VerbVote, Body: b}
}

// SignEndorsement signs any endorsement.
func SignEndorsement(tb testing.TB, by exchange.MemberID, e any) string {
	tb.Helper()
	payload, err := strictjson.Marshal(e)
	Must(tb, err)
	token, err := jws.Sign(Key(by, keys.Command), jws.TypEndorsement, payload)
	Must(tb, err)
	return token
}
