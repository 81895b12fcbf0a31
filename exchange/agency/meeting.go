package agency

import (
	"context"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/meeting"
)

// ErrStillOpen is given for minutes of what is not over.
var ErrStillOpen = exchange.Define(exchange.KindConflict, "MEET-020",
	exchange.Text{Zh: "提案 {id} 仍在表决中，尚无纪要", En: "the vote on proposal {id} goes on; there are no minutes yet"},
	exchange.Text{Zh: "等待中的席位见 accord proposal show", En: "accord proposal show names the seats it waits for"})

// Propose puts a matter before the joint meeting in this member's name.
func (a *Agency) Propose(ctx context.Context, op exchange.OperatorID, b meeting.ProposeBody) (exchange.Result, error) {
	return a.Act(ctx, op, exchange.VerbPropose, b)
}

// Vote casts this member's vote. A yes to a roster or catalogue signs exactly the
// bytes that were proposed; a roster that could not follow is not signed.
func (a *Agency) Vote(ctx context.Context, op exchange.OperatorID, id exchange.CommandID, choice meeting.Choice, note string) (exchange.Result, error) {
	view := a.Ledger.View()
	p, _, _, ok := view.Proposal(id)
	if !ok {
		return exchange.Result{}, meeting.ErrUnknown.With("id", id)
	}
	if self, ok := view.Member(a.Self); !ok || !self.Sits() {
		return exchange.Result{}, meeting.ErrNoSeat.With("member", a.Self)
	}
	body := meeting.VoteBody{Proposal: id, Choice: choice, Note: note}
	if choice == meeting.Yes && p.Decision == nil {
		if status := p.StatusAt(view.Rows(), a.instant(view)); status != meeting.Open {
			return exchange.Result{}, p.Over(status)
		}
		var err error
		if body.Endorsement, err = a.sayYes(&p); err != nil {
			return exchange.Result{}, err
		}
	}
	return a.Act(ctx, op, exchange.VerbVote, body)
}

// sayYes signs a proposal's document with this member's command key.
func (a *Agency) sayYes(p *meeting.Proposal) (string, error) {
	var e any
	if p.Roster != nil {
		e = p.RosterEndorsement(a.Federation)
	} else {
		e = p.CatalogueEndorsement(a.Federation)
	}
	payload, err := strictjson.Marshal(e)
	if err != nil {
		return "", err
	}
	key, err := a.Keys.Key(keys.Command)
	if err != nil {
		return "", err
	}
	return jws.Sign(key, jws.TypEndorsement, payload)
}

// WithdrawProposal takes an own proposal back.
func (a *Agency) WithdrawProposal(ctx context.Context, op exchange.OperatorID, id exchange.CommandID, reason string) (exchange.Result, error) {
	return a.Act(ctx, op, exchange.VerbWithdrawMotion, meeting.WithdrawBody{Proposal: id, Reason: reason})
}

// MinutesPosition is the least size of the ledger on which minutes of a proposal can
// stand: all that was said of it is below.
func MinutesPosition(view *machine.View, id exchange.CommandID) (int64, error) {
	p, cast, _, ok := view.Proposal(id)
	if !ok {
		return 0, meeting.ErrUnknown.With("id", id)
	}
	size := p.Seq + 1
	for _, b := range cast {
		size = max(size, b.Seq+1)
	}
	if p.End != nil {
		size = max(size, p.End.Seq+1)
	}
	return size, nil
}

// Minutes are this member's signed minutes of a proposal that is over, in one file
// with the statements they rest on and the rosters by which these are judged.
func (a *Agency) Minutes(id exchange.CommandID, checkpoint []byte) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	p, cast, tally, ok := view.Proposal(id)
	if !ok {
		return nil, meeting.ErrUnknown.With("id", id)
	}
	status := p.StatusAt(view.Rows(), a.instant(view))
	if status == meeting.Open {
		return nil, ErrStillOpen.With("id", id)
	}
	c, _, err := tlog.Read(checkpoint)
	if err != nil {
		return nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	seqs := []int64{p.Seq}
	for _, v := range cast {
		seqs = append(seqs, v.Seq)
	}
	if p.End != nil {
		seqs = append(seqs, p.End.Seq)
	}
	if err := addSeqs(b, view, c.Size, seqs); err != nil {
		return nil, err
	}
	m, err := minutesOf(view, &p, cast, tally, status)
	if err != nil {
		return nil, err
	}
	m.Federation, m.Issuer, m.IssuedAt, m.ID = a.Federation, string(a.Self), int64(a.instant(view))/1000, string(id)
	token, _, err := a.attest(bundle.MinutesKind, m)
	if err != nil {
		return nil, err
	}
	b.AddDocument(bundle.KindMinutes, token)
	return b, nil
}

// minutesOf says what the rows say of a proposal.
func minutesOf(view *machine.View, p *meeting.Proposal, cast []meeting.Ballot, t meeting.Tally, status meeting.Status) (*bundle.Minutes, error) {
	m := &bundle.Minutes{Ballots: []bundle.MinutesBallot{}, Proposal: bundle.MinutesProposal{ID: string(p.ID), Seq: p.Seq, Kind: string(p.Kind),
		By: string(p.By), Operator: string(p.Operator), Reason: p.Reason, At: int64(p.At), Deadline: int64(p.Deadline), Digest: p.Digest,
		Version: p.Version, Barred: names(p.Barred)}}
	if p.Decision != nil {
		text, err := strictjson.Marshal(p.Decision)
		if err != nil {
			return nil, err
		}
		m.Proposal.Decision = text
	}
	for _, v := range cast {
		m.Ballots = append(m.Ballots, bundle.MinutesBallot{Member: string(v.Member), Operator: string(v.Operator), Choice: string(v.Choice),
			Note: v.Note, At: int64(v.At), Seq: v.Seq})
	}
	m.Outcome = bundle.MinutesOutcome{Status: string(status), At: int64(p.Ended(view.Rows())), Quorum: t.Quorum, Seats: t.Seats}
	if e := p.End; e != nil {
		m.Outcome.Seq, m.Outcome.From, m.Outcome.Reason = e.Seq, int64(e.From), e.Reason
		if e.Status != meeting.Withdrawn {
			m.Outcome.Quorum, m.Outcome.Seats, m.Outcome.By = e.Quorum, e.Seats, names(e.By)
		}
	}
	return m, nil
}

func names(ids []exchange.MemberID) (all []string) {
	for _, id := range ids {
		all = append(all, string(id))
	}
	return all
}
