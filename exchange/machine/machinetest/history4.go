package machinetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/custody"
	"accord/exchange/machine"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/subjects"
)

// MeetingDocument is the small catalogue with everything of format 2 that the ledger
// acts on.
func MeetingDocument(version int) *catalogue.Document {
	doc := Document2(version)
	doc.Categories[0].Custody = &catalogue.Custody{K: 2, Of: kinds(exchange.KindRegulator, exchange.KindCommission, exchange.KindAssociation)}
	doc.Severities = []catalogue.SeverityClass{{ID: "serious", Title: text("serious"), DaysMin: 30, DaysMax: 700}}
	doc.Deadlines = []catalogue.Deadline{{ID: catalogue.DueComplaint, Title: text("complaint"), Days: 20, Natural: true}, {ID: catalogue.DueDisclosure, Title: text("disclosure"), Days: 20}}
	doc.Calendar = &catalogue.Calendar{Holidays: []string{catalogue.DateOf(Start + 5*Day)}, Workdays: []string{}}
	black := &doc.Lists[1]
	black.TermDaysMax, black.Severity, black.HearingDays, black.RepairDaysMin = 700, "serious", 5, 30
	return doc
}

// assembly is a historian whose federation has the joint meeting. Votes name what was
// proposed, so it keeps a ledger of its own beside the history.
type assembly struct {
	*historian
	m         *machine.Machine
	proposals []string // labels
	consents  []string // ids
	petitions []Order  // complaints, applications and objections, by who must answer
}

// MeetingHistory is [History] for a federation founded by [MeetingUnder] with
// [MeetingDocument]: motions and votes that change who belongs, the rules and the
// numbers, every way a release is approved, custodians, and what subjects ask for.
func MeetingHistory(tb testing.TB, seed uint64, n int) [][]byte {
	tb.Helper()
	h := &assembly{m: MeetingUnder(tb, MeetingDocument(1)),
		historian: &historian{tb: tb, rnd: rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, "meetings ", seed)))), at: Start, version: 1}}
	for len(h.payloads) < n {
		h.n++
		h.pass()
		h.line, h.version = h.m.View().Lineage(), h.m.View().CatalogueFor(max(h.at, h.m.View().Time())).Document().Version
		p := h.nextOf4()
		Apply(tb, h.m, p)
		h.payloads = append(h.payloads, p)
	}
	return h.payloads
}

// pass moves time by an hour or so, as meetings and releases do, and now and then by
// what ends them.
func (h *assembly) pass() {
	if h.chance(3) {
		h.tick()
		return
	}
	h.at += exchange.Millis(h.rnd.Int64N(int64(2 * Hour)))
}

func (h *assembly) nextOf4() []byte {
	switch p := h.rnd.IntN(100); {
	case p < 12:
		return h.sign(h.nominate())
	case p < 20:
		return h.sign(h.end())
	case p < 34:
		return h.sign(h.demand())
	case p < 52:
		return h.sign(h.step4())
	case p < 57:
		return h.sign(h.motion())
	case p < 80:
		return h.sign(h.vote())
	case p < 86:
		return h.sign(h.deposit())
	case p < 94:
		return h.sign(h.petition())
	case p < 97 && len(h.payloads) > 0:
		return pick(h.historian, h.payloads)
	}
	return h.hostile()
}

// demand asks by one of the rules of format 2.
func (h *assembly) demand() Order {
	o := Order{By: pick(h.historian, []exchange.MemberID{"insurer", "regulator"}), ID: h.label("release"), Verb: exchange.VerbReleaseRequest}
	purpose := pick(h.historian, []string{"consent", "persons", "authors", "meeting", "bulk", "urgent"})
	o.Body = Ask(func(b *release.RequestBody) {
		b.Record = Record(fmt.Sprint("record ", h.rnd.IntN(5)), "court")
		b.Fields, b.Purpose, b.Basis.Kind = []string{"address"}, purpose, catalogue.BasisStatute
		b.Emergency = (purpose == "urgent") != h.chance(5)
		if purpose == "bulk" {
			for i := range h.rnd.IntN(4) {
				r := Record(fmt.Sprint("further ", h.n, i), "court")
				b.More = append(b.More, release.Part{ID: r.ID, Digest: r.Digest})
			}
		}
		if purpose == "consent" && h.chance(60) {
			b.Consent = h.consent(o.By)
		}
	})
	h.releases = append(h.releases, o)
	return o
}

// consent is a new one, or one that was used.
func (h *assembly) consent(recipient exchange.MemberID) string {
	id := h.label("consent")
	if len(h.consents) > 0 && h.chance(20) {
		id = pick(h.historian, h.consents)
	}
	h.consents = append(h.consents, id)
	c := release.Consent{Format: release.ConsentFormat, Federation: Federation, ID: ID(id), Issuer: "court", Operator: "counter",
		Category: "penalty", Fields: []string{"address"}, Purpose: "consent", Recipient: recipient, At: h.at - Hour, Until: h.at + 20*Day}
	c.Subject = release.SubjectOf(c.ID, "person:h1.P")
	return signAs(h.tb, "court", jws.TypConsent, c)
}

func signAs(tb testing.TB, by exchange.MemberID, typ string, what any) string {
	tb.Helper()
	payload, err := strictjson.Marshal(what)
	Must(tb, err)
	token, err := jws.Sign(Key(by, keys.Command), typ, payload)
	Must(tb, err)
	return token
}

// step4 takes a release on: as in any version, or in the ways that came later.
func (h *assembly) step4() Order {
	o := h.step()
	if len(h.releases) == 0 || h.chance(45) {
		return o
	}
	asked := h.releases[max(0, len(h.releases)-1-h.rnd.IntN(2))]
	id := exchange.ReleaseID(ID(asked.ID))
	if r, ok := h.m.View().Release(id); ok && h.chance(60) {
		return h.onward(asked, r)
	}
	switch h.rnd.IntN(7) {
	case 0:
		return Order{By: asked.By, Verb: exchange.VerbReleaseJustify, Body: release.JustifyBody{Release: id, Text: "财产正在转移"}}
	case 1:
		return Order{By: asked.By, Verb: exchange.VerbReleaseSecond, Body: release.JudgeBody{Release: id}}
	case 2:
		return Order{By: asked.By, Verb: exchange.VerbReleaseConsent, Body: release.ConsentBody{Release: id, Consent: h.consent(asked.By)}}
	case 3:
		if len(h.consents) > 0 {
			return Order{By: "court", Verb: exchange.VerbReleaseWithdraw, Body: release.WithdrawBody{Consent: ID(pick(h.historian, h.consents))}}
		}
	case 4:
		return Order{By: pick(h.historian, []exchange.MemberID{"regulator", "association", "commission"}), Verb: exchange.VerbCustodyDeliver,
			Body: custody.DeliverBody{Release: id, Generation: 1 + h.rnd.IntN(2), Digest: Hash(asked.ID)}}
	case 5:
		return Order{By: asked.By, Verb: exchange.VerbCustodyOpen, Body: custody.OpenBody{Release: id, Generation: 1,
			Answers: []custody.Opened{{Custodian: "regulator", Digest: Hash(asked.ID)}, {Custodian: "association", Digest: Hash(asked.ID)}}}}
	}
	return Order{By: pick(h.historian, []exchange.MemberID{"regulator", "commission", "court"}), Verb: exchange.VerbReleaseApprove, Body: release.JudgeBody{Release: id}}
}

// onward is what the release waits for, by somebody who may do it.
func (h *assembly) onward(asked Order, r release.Release) Order {
	judge, generation := release.JudgeBody{Release: r.ID}, 1
	row, kept := h.m.View().Custody("court", r.Record.ID)
	if kept {
		generation = row.Generations[0].Number
	}
	switch r.StatusAt(h.m.View().Time()) {
	case release.Pending:
		switch {
		case r.Decision.Approval == catalogue.ApprovalConsent:
			return Order{By: asked.By, Verb: exchange.VerbReleaseConsent, Body: release.ConsentBody{Release: r.ID, Consent: h.consent(asked.By)}}
		case len(r.Refs()) > 1 && r.Second == nil:
			return Order{By: asked.By, Verb: exchange.VerbReleaseSecond, Body: judge}
		}
		return Order{By: pick(h.historian, []exchange.MemberID{"court", "court", "commission"}), Verb: exchange.VerbReleaseApprove, Body: judge}
	case release.Granted:
		if kept && h.chance(60) {
			return Order{By: pick(h.historian, []exchange.MemberID{"commission", "association"}), Verb: exchange.VerbCustodyDeliver,
				Body: custody.DeliverBody{Release: r.ID, Generation: generation, Digest: Hash(asked.ID)}}
		}
		return Order{By: "court", Verb: exchange.VerbReleaseDeliver, Body: release.ReceiptBody{Release: r.ID, Digest: Hash(asked.ID)}}
	}
	if h.chance(50) {
		return Order{By: asked.By, Verb: exchange.VerbCustodyOpen, Body: custody.OpenBody{Release: r.ID, Generation: generation,
			Answers: []custody.Opened{{Custodian: "association", Digest: Hash(asked.ID)}, {Custodian: "commission", Digest: Hash(asked.ID)}}}}
	}
	return Order{By: asked.By, Verb: exchange.VerbReleaseOpen, Body: release.ReceiptBody{Release: r.ID, Digest: Hash(asked.ID)}}
}

// deposit says that a record's keys were split.
func (h *assembly) deposit() Order {
	label := fmt.Sprint("record ", h.rnd.IntN(5))
	next := 1
	if row, ok := h.m.View().Custody("court", Record(label, "court").ID); ok {
		next = row.Generations[0].Number + 1
	}
	if h.chance(30) {
		next = 1 + h.rnd.IntN(3)
	}
	return Order{By: "court", Verb: exchange.VerbCustodyDeposit, Body: custody.DepositBody{Category: "penalty", K: 2,
		Custodians: []exchange.MemberID{"association", "commission", "regulator"},
		Records:    []custody.Named{{Record: Record(label, "court").ID, Generation: next, Digest: Hash(label)}}}}
}

// petition is what a subject asks for, or an answer to it.
func (h *assembly) petition() Order {
	if len(h.petitions) > 0 && h.chance(50) {
		o := pick(h.historian, h.petitions)
		id := exchange.CommandID(ID(o.ID))
		if o.Verb == exchange.VerbSubjectObject {
			outcome := pick(h.historian, []subjects.Status{subjects.Upheld, subjects.Rejected})
			return Order{By: o.Key, Verb: exchange.VerbSubjectSettle, Body: subjects.SettleBody{Objection: id, Outcome: outcome, Digest: Hash(o.ID)}}
		}
		if o.Verb == exchange.VerbSubjectComplain {
			return Order{By: o.Key, Verb: exchange.VerbSubjectAnswer, Body: subjects.AnswerBody{Complaint: id, Outcome: subjects.Rejected, Digest: Hash(o.ID)}}
		}
		return Order{By: o.Key, Verb: exchange.VerbSubjectDecide, Body: subjects.DecideBody{Application: id, Outcome: subjects.Refused, Ground: "secret", Digest: Hash(o.ID)}}
	}
	o := Order{By: h.anybody(), ID: h.label("petition"), Verb: exchange.VerbSubjectApply, Key: "court",
		Body: subjects.ApplyBody{Record: Record("record 1", "court"), Fields: []string{"address"}}}
	switch {
	case len(h.entries) > 0 && h.chance(30):
		e := pick(h.historian, h.entries)
		o.Verb, o.Key, o.Body = exchange.VerbSubjectObject, e.By, subjects.ObjectBody{Entry: exchange.EntryID(ID("entry " + e.Raw)), Digest: Hash("text")}
	case h.chance(10):
		ref := Record("record 1", "court")
		o.Verb, o.Body = exchange.VerbSubjectObject, subjects.ObjectBody{Record: &ref, Digest: Hash("text")}
	case len(h.releases) > 0 && h.chance(60):
		asked := pick(h.historian, h.releases)
		o.Verb, o.Key, o.Body = exchange.VerbSubjectComplain, asked.By, subjects.ComplainBody{Release: exchange.ReleaseID(ID(asked.ID)), Digest: Hash("text")}
	}
	h.petitions = append(h.petitions, o) // Key is who must answer
	o.Key = ""
	return o
}

// motion puts a matter to the vote, or withdraws one.
func (h *assembly) motion() Order {
	if len(h.proposals) > 0 && h.chance(10) {
		return Order{By: h.anybody(), Verb: exchange.VerbWithdrawMotion, Body: meeting.WithdrawBody{Proposal: exchange.CommandID(ID(pick(h.historian, h.proposals))), Reason: "另议"}}
	}
	label := h.label("motion")
	var o Order
	switch h.rnd.IntN(10) {
	case 0, 1:
		o = Motion(label, meeting.Catalogue, func(b *meeting.ProposeBody) {
			doc := MeetingDocument(h.version + 1)
			doc.Lists[0].NoticeMillis = int64(h.rnd.IntN(20)) * int64(Day)
			if h.chance(50) {
				doc.Rules = doc.Rules[1:]
			}
			data, err := strictjson.Marshal(doc)
			Must(h.tb, err)
			b.Catalogue = &meeting.CatalogueDraft{Document: string(data)}
		})
	case 2, 3:
		kind := pick(h.historian, []meeting.Kind{meeting.Release, meeting.Objection, meeting.Peering, meeting.Recovery})
		o = Motion(label, kind, func(b *meeting.ProposeBody) {
			b.Decision = &meeting.Decision{Object: "object", Outcome: pick(h.historian, []string{"approve", "deny"})}
			if kind == meeting.Release && len(h.releases) > 0 {
				b.Decision.Object = ID(pick(h.historian, h.releases).ID)
			}
			if kind == meeting.Objection {
				if b.Decision.Outcome = pick(h.historian, kind.Outcomes()); len(h.petitions) > 0 {
					b.Decision.Object = ID(pick(h.historian, h.petitions).ID)
				}
			}
			if h.chance(30) {
				b.Decision.Parties = []exchange.MemberID{"commission"}
			}
		})
	default:
		o = h.rosterMotion(label)
	}
	b := o.Body.(meeting.ProposeBody)
	b.Deadline = h.at + exchange.Millis(1+h.rnd.IntN(30))*Day
	o.Body, o.By = b, pick(h.historian, []exchange.MemberID{"regulator", "commission", "association", "court"})
	h.proposals = append(h.proposals, label)
	return o
}

// rosterMotion proposes one change of the roster in force.
func (h *assembly) rosterMotion(label string) Order {
	var proofs []string
	kind := meeting.Seat
	edit := func(r *members.Roster) {
		m := r.Members[h.rnd.IntN(len(r.Members))]
		switch h.rnd.IntN(7) {
		case 0:
			kind = meeting.Admit
			id := exchange.MemberID(fmt.Sprint("newcomer", h.n))
			f := Newcomer(id, h.n%250)
			r.Put(f)
			proofs = []string{Introduce(h.tb, f, id)}
			h.joined = append(h.joined, id)
		case 1:
			if kind = meeting.Expel; len(r.Members) > 5 {
				r.Drop(r.Members[len(r.Members)-1].ID)
			}
		case 2, 3:
			if kind = meeting.Suspend; m.Suspended {
				kind = meeting.Restore
			}
			m.Suspended = !m.Suspended
			r.Put(m)
		case 4:
			kind, m.Seat = meeting.Seat, !m.Seat
			r.Put(m)
		case 5:
			kind, m.Name.Zh = meeting.Keys, m.Name.Zh+"新"
			r.Put(m)
		default:
			kind = meeting.Charter
			r.Quorums.Decide, r.Quorums.Kinds = 1+h.rnd.IntN(3), members.KindQuorums{Keys: h.rnd.IntN(3), Charter: 3}
		}
		r.Fit()
	}
	document := Draft(h.tb, h.line, edit)
	return Motion(label, kind, func(b *meeting.ProposeBody) { b.Roster = &meeting.RosterDraft{Document: document, Proofs: proofs} })
}

// vote is a seat's word on one of the newest motions, mostly yes.
func (h *assembly) vote() Order {
	by := pick(h.historian, []exchange.MemberID{"regulator", "commission", "association", "court"})
	if len(h.proposals) == 0 {
		return h.motion()
	}
	label := h.proposals[max(0, len(h.proposals)-1-h.rnd.IntN(3))]
	choice := meeting.Yes
	if h.chance(15) {
		choice = pick(h.historian, []meeting.Choice{meeting.No, meeting.Abstain})
	}
	if _, _, t, ok := h.m.View().Proposal(exchange.CommandID(ID(label))); ok && len(t.Waiting) > 0 && h.chance(85) {
		by = pick(h.historian, t.Waiting)
	}
	o := Ballot(h.tb, h.m, by, label, choice, nil)
	o.ID = h.label("vote")
	return o
}
