package machinetest

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/release"
)

// historian makes up a federation's life. It keeps no model of the rules: about
// half of what it writes is refused, for every reason there is.
type historian struct {
	tb       testing.TB
	rnd      *rand.Rand
	n        int
	at       exchange.Millis
	version  int
	entries  []Order // nominations, by whom and under which label
	releases []Order
	payloads [][]byte
	line     *members.Lineage
	joined   []exchange.MemberID
}

// History is a seeded sequence of n payloads: tidy and untidy commands,
// repeats, conflicts, times that jump and go back, signatures that do not hold.
// None of them stops a node. The same seed gives the same bytes.
func History(tb testing.TB, seed uint64, n int) [][]byte {
	tb.Helper()
	h := &historian{tb: tb, rnd: rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, "history ", seed)))), at: Start, version: 1}
	var err error
	h.line, err = Genesis(tb).Lineage()
	Must(tb, err)
	for len(h.payloads) < n {
		h.payloads = append(h.payloads, h.next())
	}
	return h.payloads
}

func (h *historian) next() []byte {
	h.n++
	h.tick()
	switch p := h.rnd.IntN(100); {
	case p < 30:
		return h.sign(h.nominate())
	case p < 48:
		return h.sign(h.end())
	case p < 63:
		return h.sign(h.ask())
	case p < 86:
		return h.sign(h.step())
	case p < 88:
		return Sign(h.tb, h.adopt())
	case p < 91:
		return Sign(h.tb, h.roster())
	case p < 95 && len(h.payloads) > 0:
		return pick(h, h.payloads)
	}
	return h.hostile()
}

// tick moves time: a few hours, sometimes most of a year, sometimes back.
func (h *historian) tick() {
	switch p := h.rnd.IntN(100); {
	case p < 3:
		h.at += exchange.Millis(h.rnd.Int64N(int64(300 * Day)))
	case p < 10:
		h.at = max(Founded, h.at-exchange.Millis(h.rnd.Int64N(int64(3*Day))))
	default:
		h.at += exchange.Millis(h.rnd.Int64N(int64(8 * Hour)))
	}
}

func pick[T any](h *historian, from []T) T { return from[h.rnd.IntN(len(from))] }

func (h *historian) chance(percent int) bool { return h.rnd.IntN(100) < percent }

func (h *historian) anybody() exchange.MemberID {
	if h.chance(10) && len(h.joined) > 0 {
		return pick(h, h.joined)
	}
	return pick(h, Founders()).ID
}

func (h *historian) label(kind string) string { return fmt.Sprint(kind, " ", h.n) }

func (h *historian) sign(o Order) []byte {
	o.At, o.ID = h.at, or(o.ID, h.label("command"))
	o.Op = exchange.OperatorID(fmt.Sprint("op", h.rnd.IntN(3)))
	o.Cat = h.version
	if h.chance(2) {
		o.Cat++
	}
	return Sign(h.tb, o)
}

func (h *historian) nominate() Order {
	by := pick(h, []exchange.MemberID{"court", "regulator", "court", "regulator", "association"})
	o := Order{By: by, Verb: exchange.VerbNominate}
	var docs []lists.Document
	for i := range 1 + h.rnd.IntN(3) {
		label := fmt.Sprintf("%d-%d", h.n, i)
		if h.chance(4) && len(h.entries) > 0 {
			label = pick(h, h.entries).Raw
		}
		docs = append(docs, Entry(h.tb, by, label, h.claims))
		h.entries = append(h.entries, Order{By: by, Raw: label})
	}
	o.Body = Nominate(docs...)
	return o
}

func (h *historian) claims(c *lists.Claims) {
	c.Catalogue, c.IssuedAt = h.version, int64(h.at)/1000
	c.Subject = exchange.SubjectID(fmt.Sprintf("org:S%d", h.rnd.IntN(12)))
	c.Ground = pick(h, []string{"default", "fraud"})
	c.TermDays = 365 + h.rnd.IntN(400)
	if h.chance(25) {
		c.Subject, c.SubjectKind, c.Name = exchange.SubjectID(fmt.Sprintf("person:h1.P%d", h.rnd.IntN(9))), "practitioner", ""
	}
	if c.Issuer == "association" || h.chance(15) {
		c.List, c.Ground, c.Records = "red", "honest", nil
		c.Decision = &lists.DecisionRef{Number: "青协〔2016〕1号", Authority: "某协会"}
	}
	switch {
	case h.chance(3):
		c.TermDays = 1
	case h.chance(2):
		c.Issuer = h.anybody()
	case h.chance(2):
		c.Ground = "unknown"
	}
}

func (h *historian) end() Order {
	entry, by := "none", h.anybody()
	if len(h.entries) > 0 {
		e := pick(h, h.entries)
		entry = e.Raw
		if h.chance(85) {
			by = e.By
		}
	}
	id, expect := exchange.EntryID(ID("entry "+entry)), 0
	if h.chance(30) {
		expect = 1 + h.rnd.IntN(2)
	}
	if h.chance(50) {
		return Order{By: by, Verb: exchange.VerbWithdraw, Body: lists.WithdrawBody{Entry: id, Reason: "证据不足", Expect: expect}}
	}
	reason := pick(h, []string{lists.Repaired, lists.Revoked, lists.Error})
	return Order{By: by, Verb: exchange.VerbRemove, Body: lists.RemoveBody{Entry: id, Reason: reason, Text: "说明", Basis: "1号", Expect: expect}}
}

func (h *historian) ask() Order {
	o := Order{By: h.anybody(), ID: h.label("release"), Verb: exchange.VerbReleaseRequest}
	o.Body = Ask(func(b *release.RequestBody) {
		b.Record = Record(fmt.Sprint("record ", h.rnd.IntN(5)), pick(h, []exchange.MemberID{"court", "regulator", "court", "insurer"}))
		if h.chance(50) {
			AskApproval(b)
		}
		if h.chance(15) {
			b.Fields = pick(h, [][]string{{"secret"}, {"number"}, {"address"}, {"amount", "amount"}, {"nothing"}})
		}
		if h.chance(10) {
			b.Purpose = "curiosity"
		}
	})
	if h.chance(60) {
		o.By = pick(h, []exchange.MemberID{"commission", "regulator"})
	}
	h.releases = append(h.releases, o)
	return o
}

func (h *historian) step() Order {
	verb := pick(h, []exchange.Verb{exchange.VerbReleaseApprove, exchange.VerbReleaseApprove, exchange.VerbReleaseDeny,
		exchange.VerbReleaseDeliver, exchange.VerbReleaseDeliver, exchange.VerbReleaseOpen})
	label, by := "none", h.anybody()
	if len(h.releases) > 0 {
		o := h.releases[max(0, len(h.releases)-1-h.rnd.IntN(8))]
		label = o.ID
		if h.chance(85) {
			by = o.Body.(release.RequestBody).Record.Author
		}
		if verb == exchange.VerbReleaseOpen && h.chance(85) {
			by = o.By
		}
	}
	id := exchange.ReleaseID(ID(label))
	if verb == exchange.VerbReleaseApprove || verb == exchange.VerbReleaseDeny {
		return Order{By: by, Verb: verb, Body: release.JudgeBody{Release: id}}
	}
	digest := Hash(label)
	if h.chance(10) {
		digest = Hash("another envelope")
	}
	return Order{By: by, Verb: verb, Body: release.ReceiptBody{Release: id, Digest: digest}}
}

func (h *historian) adopt() Order {
	doc := Document(h.version + 1)
	doc.Lists[1].NoticeMillis = int64(h.rnd.IntN(20)) * int64(Day)
	data, err := strictjson.Marshal(doc)
	Must(h.tb, err)
	e := members.Endorsement{Federation: Federation, Catalogue: catalogue.Digest(data), Version: doc.Version}
	b := members.AdoptBody{Document: string(data)}
	seats := []exchange.MemberID{"regulator", "commission", "association", "court"}[:2+h.rnd.IntN(3)]
	for _, s := range seats {
		b.Endorsements = append(b.Endorsements, Endorse(h.tb, s, e))
	}
	o := Order{By: h.anybody(), ID: h.label("command"), Verb: exchange.VerbAdopt, Body: b, At: h.at, Cat: h.version}
	if len(seats) >= 3 {
		h.version++ // later commands name the new version
	}
	return o
}

// roster is a change of the membership that holds, or lacks an endorsement or its
// proof, or was overtaken.
func (h *historian) roster() Order {
	at := h.line
	if h.chance(15) && at.Parent() != nil {
		at = at.Parent()
	}
	var proofs []string
	var newcomer exchange.MemberID
	doc := Draft(h.tb, at, func(r *members.Roster) {
		n := h.rnd.IntN(len(r.Members))
		switch p := h.rnd.IntN(10); {
		case p < 5:
			newcomer = exchange.MemberID(fmt.Sprint("newcomer", h.n))
			f := Newcomer(newcomer, h.n%250)
			r.Members = append(r.Members, f)
			if h.chance(85) {
				proofs = append(proofs, Introduce(h.tb, f, newcomer))
			}
		case p < 7 && n > 4:
			r.Members = append(r.Members[:n], r.Members[n+1:]...)
		case p < 9:
			if r.Members[n].Node.Votes() {
				r.Members[n].Node.Role = members.Nonvoter
			} else {
				r.Members[n].Node.Role = members.Voter
			}
		default:
			r.Quorums.Cosign = 1 + h.rnd.IntN(len(r.Members))
		}
	})
	seats := []exchange.MemberID{"regulator", "commission", "association", "court"}[:2+h.rnd.IntN(3)]
	s := SignRoster(h.tb, doc, at.Version()+1, proofs, seats...)
	if next, err := h.line.Extend(s, nil); err == nil {
		h.line = next
		if newcomer != "" {
			h.joined = append(h.joined, newcomer)
		}
	}
	return Order{By: h.anybody(), ID: h.label("command"), Verb: exchange.VerbRoster, Body: s, At: h.at, Cat: h.version}
}

// hostile is a payload that is not authentic, or takes another's id.
func (h *historian) hostile() []byte {
	o := h.step()
	o.At, o.Cat, o.ID = h.at, h.version, h.label("command")
	switch h.rnd.IntN(5) {
	case 0:
		o.Fed = "otherland"
	case 1:
		o.Key = "stranger"
	case 2:
		o.Use = keys.Cosign
	case 3:
		o.By = "nobody"
	default:
		o.ID = fmt.Sprint("command ", 1+h.rnd.IntN(h.n))
	}
	return Sign(h.tb, o)
}
