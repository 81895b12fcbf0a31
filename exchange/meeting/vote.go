package meeting

import (
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/blinding"
	"accord/exchange/members"
)

const maxNote = 500

// VoteBody is the body of meeting.vote.
type VoteBody struct {
	Proposal exchange.CommandID `json:"proposal"`
	Choice   Choice             `json:"choice"`
	Note     string             `json:"note,omitempty"`
	// Endorsement is the seat's signature under the roster (members.RosterEndorsement)
	// or catalogue (members.DatedEndorsement) that it says yes to.
	Endorsement string `json:"endorsement,omitempty"`
}

// DecodeVote reads the body.
func DecodeVote(body []byte) (*VoteBody, error) {
	b := new(VoteBody)
	if err := exchange.DecodeBody(exchange.VerbVote, body, b); err != nil {
		return nil, err
	}
	known := b.Choice == Yes || b.Choice == No || b.Choice == Abstain
	if !known || !exchange.ValidID(string(b.Proposal)) || b.Note != "" && !exchange.PlainText(b.Note, maxNote) || b.Choice != Yes && b.Endorsement != "" {
		return nil, exchange.ErrBody.With("verb", exchange.VerbVote)
	}
	return b, nil
}

// Voted is the outcome of meeting.vote.
type Voted struct {
	Proposal exchange.CommandID `json:"proposal"`
	Status   Status             `json:"status"` // after this vote
	Yes      int                `json:"yes"`
	Quorum   int                `json:"quorum"`
	Version  int                `json:"version,omitzero"` // of the roster or catalogue that this vote brought
	From     exchange.Millis    `json:"from,omitzero"`    // since when the catalogue counts
}

// Vote takes a seat's vote. The one that reaches the quorum puts the proposal into
// effect; the one after which it cannot be reached any more ends it.
func Vote(a *members.Act, b *VoteBody) (*Voted, error) {
	p, err := find(a, b.Proposal)
	if err != nil {
		return nil, err
	}
	if !a.Issuer.Sits() {
		return nil, ErrNoSeat.With("member", a.Issuer.ID)
	}
	if p.bars(a.Issuer.ID) {
		return nil, ErrBarred.With("member", a.Issuer.ID)
	}
	cast := Ballots(a.Tx, p.ID)
	for _, c := range cast {
		if c.Member == a.Issuer.ID {
			return nil, ErrVoted.With("member", a.Issuer.ID, "choice", c.Choice)
		}
	}
	if err := p.endorsed(a, b); err != nil {
		return nil, err
	}
	cast = append(cast, Ballot{Proposal: p.ID, Member: a.Issuer.ID, Operator: a.Command.Operator, Choice: b.Choice, Note: b.Note,
		At: a.Now, Seq: a.Seq, ID: a.Command.ID, Endorsement: b.Endorsement})
	t := p.Tally(a.Tx, cast)
	out := &Voted{Proposal: p.ID, Status: Open, Yes: t.Yes, Quorum: t.Quorum}
	switch {
	case t.Yes >= t.Quorum:
		out.Status = Passed
		if err := p.effect(a, cast, t, out); err != nil {
			return nil, err
		}
	case t.Yes+len(t.Waiting) < t.Quorum:
		out.Status = Rejected
	}
	if out.Status != Open {
		p.End = &End{Status: out.Status, At: a.Now, Seq: a.Seq, Quorum: t.Quorum, Seats: t.Seats, By: t.By, From: out.From}
		if err := proposals.Insert(a.Tx, &p); err != nil {
			return nil, err
		}
	}
	return out, ballots.Insert(a.Tx, &cast[len(cast)-1])
}

// find is the proposal if it is open.
func find(a *members.Act, id exchange.CommandID) (Proposal, error) {
	p, ok := Get(a.Tx, id)
	if !ok {
		return p, ErrUnknown.With("id", id)
	}
	if s := p.StatusAt(a.Tx, a.Now); s != Open {
		return p, p.Over(s)
	}
	return p, nil
}

// Over is why nothing can be done about a proposal that has a status other than open.
func (p *Proposal) Over(s Status) error {
	if s == Moot {
		return ErrMoot.With("id", p.ID, "why", p.document(), "version", p.Version)
	}
	return ErrNotOpen.With("id", p.ID, "status", s)
}

// document is the word for what is decided on.
func (p *Proposal) document() string {
	if p.Roster != nil {
		return "roster"
	}
	return "catalogue"
}

// endorsed verifies the endorsement that a yes to a document carries, by the key
// that the voter has now.
func (p *Proposal) endorsed(a *members.Act, b *VoteBody) error {
	if b.Choice != Yes || p.Decision != nil {
		if b.Endorsement != "" {
			return ErrEndorsement.With()
		}
		return nil
	}
	t, err := a.Tools.Verify(b.Endorsement, jws.Kind{Typ: jws.TypEndorsement, Use: keys.Command}, func(kid string) (keys.Public, error) {
		if m, key, ok := members.KeyAt(a.Tx, kid, a.Now); ok && m.ID == a.Issuer.ID {
			return key, nil
		}
		return keys.Public{}, jws.ErrKey
	})
	if err != nil {
		return ErrEndorsement.With()
	}
	held := false
	if p.Roster != nil {
		var got members.RosterEndorsement
		held = strictjson.Unmarshal(t.Payload, &got) == nil && got == p.RosterEndorsement(a.Command.Federation)
	} else {
		var got members.DatedEndorsement
		held = strictjson.Unmarshal(t.Payload, &got) == nil && got == p.CatalogueEndorsement(a.Command.Federation)
	}
	if !held {
		return ErrEndorsement.With()
	}
	return nil
}

// RosterEndorsement is what a seat signs to say yes to the proposal's roster.
func (p *Proposal) RosterEndorsement(federation string) members.RosterEndorsement {
	return members.RosterEndorsement{Federation: federation, Roster: p.Digest, Version: p.Version}
}

// CatalogueEndorsement is what a seat signs to say yes to the proposal's catalogue.
func (p *Proposal) CatalogueEndorsement(federation string) members.DatedEndorsement {
	return members.DatedEndorsement{Federation: federation, Catalogue: p.Digest, Version: p.Version, From: p.Catalogue.From}
}

// effect does what was decided. It changes nothing when it refuses.
func (p *Proposal) effect(a *members.Act, cast []Ballot, t Tally, out *Voted) error {
	papers := []int64{p.Seq}
	for _, b := range cast {
		if b.Choice == Yes && b.Seq != a.Seq {
			papers = append(papers, b.Seq)
		}
	}
	switch {
	case p.Roster != nil:
		s := p.signed(cast)
		done, err := members.EnrolBy(a, &s, papers)
		if err == nil {
			out.Version = done.Version
		}
		return err
	case p.Kind == Blinding:
		return blinding.Begin(a, p.ID, p.Decision.Object, p.Decision.plan())
	case p.Catalogue != nil:
		out.Version, out.From = p.Version, max(p.Catalogue.From, a.Now+p.notice())
		return members.Schedule(a.Tx, &members.Version{Version: p.Version, Digest: p.Digest, Document: p.Catalogue.Document, Since: a.Now,
			Seq: a.Seq, Endorsers: t.By, From: out.From, Papers: papers}, a.Now)
	}
	return nil
}

// signed is the roster with the endorsements of those who said yes.
func (p *Proposal) signed(cast []Ballot) members.SignedRoster {
	s := members.SignedRoster{Document: p.Roster.Document, Proofs: p.Roster.Proofs}
	for _, b := range cast {
		if b.Choice == Yes {
			s.Endorsements = append(s.Endorsements, b.Endorsement)
		}
	}
	return s
}

// WithdrawBody is the body of meeting.withdraw.
type WithdrawBody struct {
	Proposal exchange.CommandID `json:"proposal"`
	Reason   string             `json:"reason"`
}

// DecodeWithdraw reads the body.
func DecodeWithdraw(body []byte) (*WithdrawBody, error) {
	b := new(WithdrawBody)
	if err := exchange.DecodeBody(exchange.VerbWithdrawMotion, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Proposal)) || !exchange.PlainText(b.Reason, maxReason) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbWithdrawMotion)
	}
	return b, nil
}

// Ended is the outcome of meeting.withdraw.
type Ended struct {
	Proposal exchange.CommandID `json:"proposal"`
	Status   Status             `json:"status"`
}

// Withdraw ends an open proposal at its proposer's wish. Votes that were cast stay
// on the ledger.
func Withdraw(a *members.Act, b *WithdrawBody) (*Ended, error) {
	p, err := find(a, b.Proposal)
	if err != nil {
		return nil, err
	}
	if p.By != a.Issuer.ID {
		return nil, ErrNotProposer.With("member", p.By)
	}
	p.End = &End{Status: Withdrawn, At: a.Now, Seq: a.Seq, Reason: b.Reason}
	return &Ended{p.ID, Withdrawn}, proposals.Insert(a.Tx, &p)
}
