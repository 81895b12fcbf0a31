package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/node/audit"
	"accord/node/wire"
)

// proposals are the matters before the joint meeting, newest first.
func (s *Server) proposals(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "status")
	if err != nil {
		return err
	}
	status := meeting.Status(q.name("status"))
	if err := q.err(); err != nil {
		return err
	}
	if status != "" && !slices.Contains(meeting.Statuses(), status) {
		return ErrQuery.With("name", "status")
	}
	view := s.view()
	out := wire.Proposals{Proposals: []wire.Proposal{}}
	for p := range view.Proposals() {
		if one := s.proposalOf(view, p.ID); status == "" || one.Status == status {
			out.Proposals = append(out.Proposals, one)
		}
	}
	slices.Reverse(out.Proposals)
	setIndex(w, view)
	return answer(w, out)
}

// proposalOf shows a proposal with its votes, as of now.
func (s *Server) proposalOf(view *machine.View, id exchange.CommandID) wire.Proposal {
	p, cast, t, ok := view.Proposal(id)
	if !ok {
		return wire.Proposal{}
	}
	status := p.StatusAt(view.Rows(), max(exchange.MillisOf(s.Clock()), view.Time()))
	out := wire.Proposal{ID: p.ID, Kind: p.Kind, Status: status, By: p.By, Operator: p.Operator, Reason: p.Reason, At: p.At.Time(),
		Deadline: p.Deadline.Time(), Seq: p.Seq, Digest: p.Digest, Words: members.Phrase(p.Digest), Version: p.Version, Opens: p.Opens,
		Decision: p.Decision, Quorum: t.Quorum, Seats: t.Seats, Yes: t.Yes, No: t.No, Abstain: t.Abstain, Waiting: []exchange.MemberID{},
		Barred: p.Barred, Ballots: []wire.Ballot{}}
	from := exchange.Millis(0)
	if p.Catalogue != nil {
		from = p.Catalogue.From
	}
	if p.End != nil {
		from, out.EndText = max(from, p.End.From), p.End.Reason
		if p.End.Quorum > 0 {
			out.Quorum, out.Seats = p.End.Quorum, p.End.Seats
		}
	}
	if from > 0 {
		out.From = timeOf(from)
	}
	if status == meeting.Open {
		out.Waiting = append(out.Waiting, t.Waiting...)
	} else {
		out.Ended = timeOf(p.Ended(view.Rows()))
	}
	for _, b := range cast {
		out.Ballots = append(out.Ballots, wire.Ballot{Member: b.Member, Operator: b.Operator, Choice: b.Choice, Note: b.Note, At: b.At.Time(), Seq: b.Seq})
	}
	return out
}

func timeOf(m exchange.Millis) *time.Time {
	t := m.Time()
	return &t
}

// changesOf says what a proposal's document makes of the one before it.
func changesOf(view *machine.View, p *meeting.Proposal) (all []exchange.Text, document string) {
	switch {
	case p.Roster != nil:
		document = p.Roster.Document
		next, err := members.ParseRoster([]byte(document))
		before := view.Lineage().At(p.Version - 1)
		if err != nil || before == nil {
			return nil, document
		}
		for _, c := range next.Changes(before.Roster()) {
			line := c.Text
			if c.Member != "" {
				line = exchange.Text{Zh: string(c.Member) + "：" + line.Zh, En: string(c.Member) + ": " + line.En}
			}
			all = append(all, line)
		}
	case p.Catalogue != nil:
		document = p.Catalogue.Document
		next, err := catalogue.Parse([]byte(document))
		before, ok := view.CatalogueAt(p.Version - 1)
		if err != nil || !ok {
			return nil, document
		}
		for _, c := range catalogue.Diff(before.Document(), next) {
			all = append(all, exchange.Text{Zh: c.Path + "：" + c.Text.Zh, En: c.Path + ": " + c.Text.En})
		}
	case p.Kind == meeting.Blinding:
		all = []exchange.Text{heirsText(p.Decision)}
	}
	return all, document
}

// heirsText says who shall hold the blinding key.
func heirsText(d *meeting.Decision) exchange.Text {
	names := make([]string, len(d.Holders))
	for i, m := range d.Holders {
		names[i] = string(m)
	}
	if d.Outcome == meeting.Rotate {
		return exchange.Text{Zh: fmt.Sprintf("%s 生成新一期盲化密钥，任意 %d 家共同运算；此后的自然人标识与以前的不同", strings.Join(names, "、"), d.Threshold),
			En: fmt.Sprintf("%s make a new blinding key, any %d evaluate together; persons' ids differ from then on", strings.Join(names, ", "), d.Threshold)}
	}
	return exchange.Text{Zh: fmt.Sprintf("盲化密钥由 %s 持有，任意 %d 家共同运算", strings.Join(names, "、"), d.Threshold),
		En: fmt.Sprintf("the blinding key is held by %s; any %d evaluate together", strings.Join(names, ", "), d.Threshold)}
}

// proposalID is the proposal that a path names.
func proposalID(r *http.Request, view *machine.View) (exchange.CommandID, error) {
	id := exchange.CommandID(r.PathValue("id"))
	if _, ok := meeting.Get(view.Rows(), id); !ok {
		return "", meeting.ErrUnknown.With("id", printable(string(id)))
	}
	return id, nil
}

// withProposal is the state of a request that acts on the path's proposal.
func (s *Server) withProposal(r *http.Request) (*machine.View, error) {
	return s.abreast(r, func(view *machine.View) bool { _, err := proposalID(r, view); return err == nil })
}

// proposal is one of them, whole.
func (s *Server) proposal(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	id, err := proposalID(r, view)
	if err != nil {
		return err
	}
	out := s.proposalOf(view, id)
	p, _ := meeting.Get(view.Rows(), id)
	out.Changes, out.Document = changesOf(view, &p)
	return answer(w, out)
}

// proposeMotion puts a matter before the joint meeting.
func (s *Server) proposeMotion(w http.ResponseWriter, r *http.Request) error {
	var in wire.Propose
	if err := body(r, &in); err != nil {
		return err
	}
	b := meeting.ProposeBody{Kind: in.Kind, Reason: in.Reason, Deadline: exchange.MillisOf(in.Deadline)}
	var f form
	f.need(slices.Contains(meeting.Kinds(), in.Kind), "/kind")
	f.need(exchange.PlainText(in.Reason, 500), "/reason")
	f.need(!in.Deadline.IsZero(), "/deadline")
	f.need((in.Document != "") == (in.Kind.Roster() || in.Kind == meeting.Catalogue), "/document")
	f.need(len(in.Proofs) <= maxProofs && (len(in.Proofs) == 0 || in.Kind.Roster()), "/proofs")
	f.need(in.From == nil || in.Kind == meeting.Catalogue, "/from")
	f.need((in.Decision != nil) == in.Kind.Decision(), "/decision")
	f.need(in.Decision == nil || in.Kind.Knows(in.Decision.Outcome), "/decision/outcome")
	if err := f.err(); err != nil {
		return err
	}
	switch {
	case in.Kind.Roster():
		b.Roster = &meeting.RosterDraft{Document: in.Document, Proofs: in.Proofs}
	case in.Kind == meeting.Catalogue:
		b.Catalogue = &meeting.CatalogueDraft{Document: in.Document}
		if in.From != nil {
			b.Catalogue.From = exchange.MillisOf(*in.From)
		}
	default:
		b.Decision = in.Decision
	}
	return s.moved(w, r, "meeting.propose", "", func(op exchange.OperatorID) (exchange.CommandID, error) {
		res, err := s.Agency.Propose(r.Context(), op, b)
		return res.ID, err
	})
}

// moved does something about a proposal and shows it as it is then.
func (s *Server) moved(w http.ResponseWriter, r *http.Request, act string, id exchange.CommandID, do func(exchange.OperatorID) (exchange.CommandID, error)) error {
	err := s.act(r, audit.Event{Act: act}, func(*audit.Event) error {
		made, err := do(callerOf(r).Operator.Name)
		if id == "" {
			id = made
		}
		return err
	})
	if err != nil {
		return err
	}
	view := s.view()
	setIndex(w, view)
	return answer(w, s.proposalOf(view, id))
}

// vote casts this member's vote.
func (s *Server) vote(w http.ResponseWriter, r *http.Request) error {
	var in wire.CastVote
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(in.Choice == meeting.Yes || in.Choice == meeting.No || in.Choice == meeting.Abstain, "/choice")
	f.need(in.Note == "" || exchange.PlainText(in.Note, 500), "/note")
	if err := f.err(); err != nil {
		return err
	}
	view, err := s.withProposal(r)
	if err != nil {
		return err
	}
	id, err := proposalID(r, view)
	if err != nil {
		return err
	}
	if p, _ := meeting.Get(view.Rows(), id); in.Choice == meeting.Yes && p.Roster != nil && s.proposalOf(view, id).Status == meeting.Open {
		if err := s.Node.MayEnact(p.Roster.Document); err != nil { // this vote may be the one that brings it
			return err
		}
	}
	return s.moved(w, r, "meeting.vote", id, func(op exchange.OperatorID) (exchange.CommandID, error) {
		res, err := s.Agency.Vote(r.Context(), op, id, in.Choice, in.Note)
		return res.ID, err
	})
}

// withdrawProposal takes an own proposal back.
func (s *Server) withdrawProposal(w http.ResponseWriter, r *http.Request) error {
	var in wire.WithdrawProposal
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(exchange.PlainText(in.Reason, 500), "/reason")
	if err := f.err(); err != nil {
		return err
	}
	view, err := s.withProposal(r)
	if err != nil {
		return err
	}
	id, err := proposalID(r, view)
	if err != nil {
		return err
	}
	return s.moved(w, r, "meeting.withdraw", id, func(op exchange.OperatorID) (exchange.CommandID, error) {
		res, err := s.Agency.WithdrawProposal(r.Context(), op, id, in.Reason)
		return res.ID, err
	})
}

// minutes is the evidence file with this member's signed minutes.
func (s *Server) minutes(w http.ResponseWriter, r *http.Request) error {
	id := exchange.CommandID(r.PathValue("id"))
	size, err := agency.MinutesPosition(s.view(), id)
	if err != nil {
		return err
	}
	return s.evidence(w, r, size, func(_ context.Context, checkpoint []byte) (*bundle.Bundle, error) {
		return s.Agency.Minutes(id, checkpoint)
	})
}
