package release_test

import (
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

// attack is what one or two members of four try, and what the ledger says to the last
// of it. Before it every command must be taken.
type attack struct {
	name string
	do   func(t *testing.T, m *machine.Machine) []Order
	want string
}

func request(by exchange.MemberID, id, purpose string, edit func(*release.RequestBody)) Order {
	return Order{By: by, Op: "zhao", ID: id, Verb: exchange.VerbReleaseRequest, Body: demand(purpose, edit)}
}

func approval(by exchange.MemberID, op exchange.OperatorID, id, of string) Order {
	return Order{By: by, Op: op, ID: id, Verb: exchange.VerbReleaseApprove, Body: release.JudgeBody{Release: exchange.ReleaseID(ID(of))}}
}

func delivery(by exchange.MemberID, id, of string) Order {
	return Order{By: by, ID: id, Verb: exchange.VerbReleaseDeliver, Body: release.ReceiptBody{Release: exchange.ReleaseID(ID(of)), Digest: Hash(of)}}
}

// TestDishonestMembers is what one member, or two together, try against the rules: to
// see without being let, to let each other see what is another's, to change the rules
// by themselves, and to use again what was used or is over.
//
// Shows: B3, B13, C1
func TestDishonestMembers(t *testing.T) {
	fixed := func(orders ...Order) func(*testing.T, *machine.Machine) []Order {
		return func(*testing.T, *machine.Machine) []Order { return orders }
	}
	// tampered is another catalogue version as two seats would like it: everybody's officers
	// approve for themselves.
	encode := func(doc *catalogue.Document) string {
		data, err := strictjson.Marshal(doc)
		Must(t, err)
		return string(data)
	}
	plain := encode(Document(2))
	tampered := func() string {
		doc := MeetingDocument(2)
		for i := range doc.Rules {
			if doc.Rules[i].ID == "rule-persons" {
				doc.Rules[i].Approval, doc.Rules[i].Persons, doc.Rules[i].ApprovalHours, doc.Rules[i].Approvers = catalogue.ApprovalNone, 0, 0, nil
			}
		}
		return encode(doc)
	}
	propose := Motion("loose", meeting.Catalogue, func(b *meeting.ProposeBody) { b.Catalogue = &meeting.CatalogueDraft{Document: tampered()} })
	for _, a := range []attack{
		// One member.
		{"delivers what only waits", fixed(request("insurer", "q", "persons", nil), delivery("court", "d", "q")), "REL-006"},
		{"approves its own request", fixed(request("regulator", "q", "persons", nil), approval("regulator", "other", "a", "q")), "REL-009"},
		{"asks in another's name", fixed(Order{By: "insurer", Key: "regulator", ID: "q", Verb: exchange.VerbReleaseRequest, Body: demand("persons", nil)}), "CMD-012"},
		{"declares an emergency where the rule has none", fixed(request("insurer", "q", "persons", func(b *release.RequestBody) { b.Emergency = true }), delivery("court", "d", "q")), "REL-006"},
		{"consents for the subject without one", fixed(request("insurer", "q", "consent", nil), approval("court", "wang", "a", "q")), "REL-012"},
		{"takes an envelope that is another's", fixed(request("insurer", "q", "urgent", func(b *release.RequestBody) { b.Emergency = true }), delivery("court", "d", "q"),
			Order{By: "regulator", ID: "o", Verb: exchange.VerbReleaseOpen, Body: release.ReceiptBody{Release: exchange.ReleaseID(ID("q")), Digest: Hash("q")}}), "REL-005"},
		{"decides by a catalogue of its own", fixed(Order{By: "insurer", ID: "q", Cat: 2, Verb: exchange.VerbReleaseRequest, Body: demand("persons", nil)}), "CMD-016"},
		{"votes twice", func(t *testing.T, m *machine.Machine) []Order {
			again := Ballot(t, m, "regulator", "loose", meeting.Yes, nil)
			again.ID = "again"
			return []Order{propose, later(t, "regulator", "loose", propose), again}
		}, "MEET-014"},

		// Two together.
		{"author and requester leave out the approvers", fixed(request("insurer", "q", "persons", nil), approval("court", "wang", "a", "q"), delivery("court", "d", "q")), "REL-006"},
		{"one person at two members approves twice", fixed(request("insurer", "q", "persons", nil), approval("regulator", "li", "a", "q"), approval("commission", "li", "b", "q")), "REL-011"},
		{"who asks approves at the other's desk", fixed(request("insurer", "q", "persons", nil), approval("regulator", "zhao", "a", "q")), "REL-011"},
		{"a friend delivers another's record", fixed(request("insurer", "q", "urgent", func(b *release.RequestBody) { b.Emergency = true }), delivery("regulator", "d", "q")), "REL-004"},
		{"two seats change the rules", func(t *testing.T, m *machine.Machine) []Order {
			return []Order{propose, later(t, "regulator", "loose", propose), later(t, "commission", "loose", propose),
				{By: "insurer", ID: "q", Cat: 2, At: Start + 25*Hour, Verb: exchange.VerbReleaseRequest, Body: demand("persons", nil)}}
		}, "CMD-016"},
		{"two seats sign a catalogue on paper", fixed(Order{By: "regulator", ID: "p", Verb: exchange.VerbAdopt, Body: members.AdoptBody{Document: plain,
			Endorsements: []string{Endorse(t, "regulator", endorsementOf(plain)), Endorse(t, "commission", endorsementOf(plain))}}}), "MEM-013"},
		{"two custodians answer what nobody granted", fixed(request("insurer", "q", "persons", nil), dealt(),
			Order{By: "regulator", ID: "c", Verb: exchange.VerbCustodyDeliver, Body: custody.DeliverBody{Release: exchange.ReleaseID(ID("q")), Generation: 1, Digest: Hash("q")}}), "CUST-006"},
		{"a requester opens by custodians that did not answer", fixed(request("insurer", "q", "urgent", func(b *release.RequestBody) { b.Emergency = true }), dealt(),
			Order{By: "regulator", ID: "c", Verb: exchange.VerbCustodyDeliver, Body: custody.DeliverBody{Release: exchange.ReleaseID(ID("q")), Generation: 1, Digest: Hash("q")}},
			Order{By: "insurer", ID: "o", Verb: exchange.VerbCustodyOpen, Body: custody.OpenBody{Release: exchange.ReleaseID(ID("q")), Generation: 1,
				Answers: []custody.Opened{{Custodian: "regulator", Digest: Hash("q")}, {Custodian: "association", Digest: Hash("q")}}}}), "CUST-007"},
		{"the author deals to fewer than the catalogue names", fixed(Order{By: "court", ID: "x", Verb: exchange.VerbCustodyDeposit, Body: custody.DepositBody{Category: "penalty", K: 2,
			Custodians: []exchange.MemberID{"association", "regulator"}, Records: []custody.Named{{Record: Record("record", "court").ID, Generation: 1, Digest: Hash("x")}}}}), "CUST-001"},
		{"two seats expel a third", func(t *testing.T, m *machine.Machine) []Order {
			leave := func(r *members.Roster) { r.Drop("insurer"); r.Fit() }
			line := m.View().Lineage()
			return []Order{{By: "regulator", ID: "r", Verb: exchange.VerbRoster, Body: SignRoster(t, Draft(t, line, leave), 1, nil, "regulator", "commission")}}
		}, "MEM-034"},
	} {
		m := MeetingUnder(t, MeetingDocument(1))
		orders := a.do(t, m)
		for i, o := range orders {
			r := Apply(t, m, Sign(t, o))[0]
			last := i == len(orders)-1
			if last && Code(r) != a.want || !last && !r.OK {
				t.Errorf("%s: command %d of %d: %q, want %q at the end", a.name, i+1, len(orders), Code(r), a.want)
				break
			}
		}
		for rel := range release.All(m.View().Rows()) {
			if rel.Opened != nil {
				t.Errorf("%s: a field was opened", a.name)
			}
		}
		Must(t, m.VerifyFrozen())
	}
}

// later is a seat's yes to a motion that is not proposed yet.
func later(t *testing.T, by exchange.MemberID, label string, motion Order) Order {
	t.Helper()
	m := MeetingUnder(t, MeetingDocument(1))
	if r := Do(t, m, motion); !r.OK {
		t.Fatal(r.Error)
	}
	return Ballot(t, m, by, label, meeting.Yes, nil)
}

func endorsementOf(document string) members.Endorsement {
	return members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest([]byte(document)), Version: 2}
}

// dealt is the court's word that a record's keys were split.
func dealt() Order {
	return Order{By: "court", ID: "dealt", Verb: exchange.VerbCustodyDeposit, Body: custody.DepositBody{Category: "penalty", K: 2,
		Custodians: []exchange.MemberID{"association", "commission", "regulator"}, Records: []custody.Named{{Record: Record("record", "court").ID, Generation: 1, Digest: Hash("dealt")}}}}
}
