package meeting

import (
	"errors"
	"slices"
	"strings"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

// Bounds of proposals.
const (
	MaxOpen    = 8   // open proposals of one member
	MaxDays    = 90  // until the deadline
	maxReason  = 500 // characters
	maxObject  = 128
	maxParties = 8

	hour = exchange.Millis(3_600_000)
	// Notice is how long before it counts a catalogue is adopted; LooseNotice, one that
	// lets somebody see what nobody of that kind could see before.
	Notice      = hour
	LooseNotice = 24 * hour
)

// ProposeBody is the body of meeting.propose: one of the three documents.
type ProposeBody struct {
	Kind      Kind            `json:"kind"`
	Reason    string          `json:"reason"`
	Deadline  exchange.Millis `json:"deadline"`
	Roster    *RosterDraft    `json:"roster,omitempty"`
	Catalogue *CatalogueDraft `json:"catalogue,omitempty"`
	Decision  *Decision       `json:"decision,omitempty"`
}

// DecodePropose reads the body.
func DecodePropose(body []byte) (*ProposeBody, error) {
	b := new(ProposeBody)
	if err := exchange.DecodeBody(exchange.VerbPropose, body, b); err != nil {
		return nil, err
	}
	ok := slices.Contains(Kinds(), b.Kind) && exchange.PlainText(b.Reason, maxReason) && b.Deadline > 0 && b.Deadline < 1<<53 &&
		(b.Roster != nil) == b.Kind.Roster() && (b.Catalogue != nil) == (b.Kind == Catalogue) && (b.Decision != nil) == b.Kind.Decision()
	if r := b.Roster; ok && r != nil {
		ok = r.Document != "" && len(r.Document) <= members.MaxRoster && len(r.Proofs) <= members.MaxMembers
	}
	if c := b.Catalogue; ok && c != nil {
		ok = c.Document != "" && c.From >= 0 && c.From < 1<<53
	}
	if d := b.Decision; ok && d != nil {
		ok = exchange.PlainText(d.Object, maxObject) && exchange.ValidName(d.Outcome) && len(d.Parties) <= maxParties
		for i, m := range d.Parties {
			ok = ok && exchange.ValidName(string(m)) && !slices.Contains(d.Parties[:i], m)
		}
		ok = ok && d.splits(b.Kind) && b.Kind.Knows(d.Outcome)
	}
	if !ok {
		return nil, exchange.ErrBody.With("verb", exchange.VerbPropose)
	}
	return b, nil
}

// Proposed is the outcome of meeting.propose.
type Proposed struct {
	Proposal exchange.CommandID  `json:"proposal"`
	Kind     Kind                `json:"kind"`
	Digest   string              `json:"digest"`
	Quorum   int                 `json:"quorum"`
	Voters   []exchange.MemberID `json:"voters"` // the seats that may vote
	Deadline exchange.Millis     `json:"deadline"`
	From     exchange.Millis     `json:"from,omitzero"`
}

// Propose puts a matter before the joint meeting. Only what could take effect now
// is taken.
func Propose(a *members.Act, b *ProposeBody) (*Proposed, error) {
	p := &Proposal{ID: a.Command.ID, Kind: b.Kind, By: a.Issuer.ID, Operator: a.Command.Operator, Reason: b.Reason, At: a.Now,
		Deadline: b.Deadline, Seq: a.Seq, Roster: b.Roster, Catalogue: b.Catalogue, Decision: b.Decision}
	if !a.Issuer.Sits() {
		return nil, ErrNoSeat.With("member", a.Issuer.ID)
	}
	if b.Deadline <= a.Now || b.Deadline > a.Now+MaxDays*24*hour {
		return nil, ErrDeadline.With("days", MaxDays)
	}
	open := 0
	for other := range byMember.Scan(a.Tx, string(a.Issuer.ID)) {
		if other.StatusAt(a.Tx, a.Now) == Open {
			open++
		}
	}
	if open >= MaxOpen {
		return nil, ErrTooMany.With("member", a.Issuer.ID, "max", MaxOpen)
	}
	var err error
	switch {
	case p.Roster != nil:
		err = p.roster(a)
	case p.Catalogue != nil:
		err = p.catalogue(a)
	default:
		err = p.decision(a)
	}
	if err != nil {
		return nil, err
	}
	t := p.Tally(a.Tx, nil)
	if len(t.Waiting) < t.Quorum {
		return nil, ErrHopeless.With("quorum", t.Quorum, "seats", len(t.Waiting))
	}
	out := &Proposed{Proposal: p.ID, Kind: p.Kind, Digest: p.Digest, Quorum: t.Quorum, Voters: t.Waiting, Deadline: p.Deadline}
	if p.Catalogue != nil {
		out.From = p.Catalogue.From
	}
	return out, proposals.Insert(a.Tx, p)
}

// roster judges a roster as far as it can be before anybody endorsed it.
func (p *Proposal) roster(a *members.Act) error {
	line := a.Tools.Book.Find(members.RosterInForce(a.Tx).Digest)
	if line == nil {
		return exchange.ErrInternal.With()
	}
	next, err := line.Draft(members.SignedRoster{Document: p.Roster.Document, Proofs: p.Roster.Proofs})
	if err != nil {
		return err
	}
	kinds := KindsOf(line.Roster(), next)
	if len(kinds) != 1 || kinds[0] != p.Kind {
		var is []string
		for _, k := range kinds {
			is = append(is, string(k))
		}
		return ErrKind.With("said", p.Kind, "is", strings.Join(is, ", "))
	}
	p.Digest, p.Version = members.Digest([]byte(p.Roster.Document)), next.Version
	p.Barred = barred(line.Roster(), next)
	return nil
}

// catalogue judges a catalogue and its date.
func (p *Proposal) catalogue(a *members.Act) error {
	next, err := parseCatalogue(p.Catalogue.Document)
	if err != nil {
		return err
	}
	now := a.Catalogue.Document()
	if next.ID != now.ID {
		return members.ErrAdoptDocument.With("got", next.ID, "want", now.ID)
	}
	if next.Version != now.Version+1 {
		return members.ErrAdoptVersion.With("got", next.Version, "want", now.Version+1)
	}
	if err := members.Waits(a.Tx, a.Now); err != nil {
		return err
	}
	p.Digest, p.Version = catalogue.Digest([]byte(p.Catalogue.Document)), next.Version
	p.Opens = slices.ContainsFunc(catalogue.Diff(now, next), func(c catalogue.Change) bool { return c.Kind == catalogue.Opened })
	if from := p.Catalogue.From; from != 0 && from < a.Now+p.notice() {
		return ErrNotice.With("hours", int64(p.notice()/hour))
	}
	return nil
}

// notice is how long the catalogue waits once it is adopted.
func (p *Proposal) notice() exchange.Millis {
	if p.Opens {
		return LooseNotice
	}
	return Notice
}

// parseCatalogue keeps of an error what no library has a say in, as members.Adopt does.
func parseCatalogue(document string) (*catalogue.Document, error) {
	doc, err := catalogue.Parse([]byte(document))
	if errors.Is(err, catalogue.ErrMalformed) {
		return nil, catalogue.ErrMalformed.With()
	}
	return doc, err
}

// What decisions say that something acts on.
const (
	Approve = "approve" // of a release
	Deny    = "deny"
	Uphold  = "uphold" // of an objection
	Reject  = "reject"
	Split   = "split"  // of the blinding key: these members hold it from now on, the ids stay
	Rotate  = "rotate" // they make a new one: persons' ids are of a new epoch from then on
)

// Outcomes are what a decision of the kind may say; none: any name. A word that nobody
// acts on would be the only one that is ever decided on its object.
func (k Kind) Outcomes() []string {
	switch k {
	case Release:
		return []string{Approve, Deny}
	case Objection:
		return []string{Uphold, Reject}
	case Blinding:
		return []string{Split, Rotate}
	}
	return nil
}

// Knows says whether a decision of the kind may have this outcome.
func (k Kind) Knows(outcome string) bool {
	all := k.Outcomes()
	return all == nil || slices.Contains(all, outcome)
}

// splits says whether a decision names next holders of the blinding key where its kind
// is that, and none elsewhere.
func (d *Decision) splits(k Kind) bool {
	if k != Blinding {
		return len(d.Holders) == 0 && d.Threshold == 0 && d.Epoch == 0
	}
	ok := len(d.Parties) == 0 && len(d.Holders) > 0 && len(d.Holders) <= members.MaxMembers
	for _, m := range d.Holders {
		ok = ok && exchange.ValidName(string(m))
	}
	return ok
}

func (d *Decision) plan() blinding.Plan {
	return blinding.Plan{Threshold: d.Threshold, Holders: d.Holders, Fresh: d.Outcome == Rotate, Epoch: d.Epoch}
}

// decision judges a decision: one is made once.
func (p *Proposal) decision(a *members.Act) error {
	if p.Kind == Blinding {
		if err := blinding.Check(a, p.Decision.Object, p.Decision.plan()); err != nil {
			return err
		}
	}
	for _, m := range p.Decision.Parties {
		if _, known := members.Get(a.Tx, m); !known {
			return ErrParty.With("member", m)
		}
	}
	for other := range byObject.Scan(a.Tx, string(p.Kind), p.Decision.Object) {
		if s := other.StatusAt(a.Tx, a.Now); s == Open || s == Passed && p.Kind != Peering {
			return ErrTaken.With("id", other.ID, "status", s)
		}
	}
	text, err := strictjson.Marshal(p.Decision)
	if err != nil {
		return err
	}
	p.Digest, p.Barred = members.Digest(text), p.Decision.Parties
	return nil
}
