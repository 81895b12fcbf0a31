package release

import (
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/state"
)

// rulesVersion is the machine version that brought what is in this file, consents,
// bulk and emergencies. Requests made before follow the rules they were made under.
const rulesVersion = 4

// mayJudge says whether the issuer's operator may approve or deny the request.
func (r *Release) mayJudge(a *members.Act) error {
	if r.Decision.Approval == catalogue.ApprovalMeeting {
		return r.decided(a)
	}
	return r.askedOf(a.Issuer, a.Command.Operator)
}

// askedOf says whether a person's word is asked for: by its rule that of the author's
// officers, or of as many different persons of the kinds of member it names. The
// requester is never among these; nor is a person who has a part in the request
// already, at whichever member: an operator's name counts once over all.
func (r *Release) askedOf(m members.Member, op exchange.OperatorID) error {
	switch r.Decision.Approval {
	case catalogue.ApprovalConsent, catalogue.ApprovalMeeting:
		return ErrApproval.With("approval", r.Decision.Approval)
	case catalogue.ApprovalPersons:
	default:
		if m.ID != r.Record.Author {
			return ErrNotAuthor.With("author", r.Record.Author)
		}
		return nil
	}
	kinds := r.Decision.Approvers
	switch {
	case m.ID == r.Requester:
		return ErrRequesterApproves.With("requester", r.Requester)
	case len(kinds) == 0 && m.ID != r.Record.Author:
		return ErrNotAuthor.With("author", r.Record.Author)
	case len(kinds) > 0 && !containsKind(kinds, m.Kind):
		return ErrNotApprover.With("member", m.ID)
	}
	if r.hasPart(op) {
		return ErrPerson.With("operator", op)
	}
	return nil
}

// Waiting are the pending requests on which this operator's word is asked for, the
// newest first; at most limit, or MaxPage. It reads the undecided ones only.
func Waiting(r state.Reader, m members.Member, op exchange.OperatorID, at exchange.Millis, limit int) (out []Release) {
	for rel := range byWaiting.Scan(r) {
		if rel.StatusAt(at) != Pending || rel.askedOf(m, op) != nil {
			continue
		}
		if out = append(out, rel); len(out) >= min(limit, MaxPage) {
			break
		}
	}
	return out
}

// decided says whether the joint meeting decided on the request as the command says:
// then whichever member brings that here. A vote of the requester does not count.
func (r *Release) decided(a *members.Act) error {
	o, ok := meeting.Decided(a.Tx, meeting.Release, string(r.ID))
	want := meeting.Approve
	if a.Command.Verb == exchange.VerbReleaseDeny {
		want = meeting.Deny
	}
	if !ok || o.Outcome != want {
		return ErrApproval.With("approval", r.Decision.Approval)
	}
	for _, seat := range o.By {
		if seat == r.Requester {
			return ErrRequesterApproves.With("requester", r.Requester)
		}
	}
	return nil
}

// hasPart says whether an operator of this name asked, seconded or approved.
func (r *Release) hasPart(op exchange.OperatorID) bool {
	if op == r.Operator || r.Second != nil && op == r.Second.Operator {
		return true
	}
	for _, was := range r.Approvals {
		if was.Operator == op {
			return true
		}
	}
	return false
}

func containsKind(list []exchange.MemberKind, k exchange.MemberKind) bool {
	for _, item := range list {
		if item == k {
			return true
		}
	}
	return false
}

// DecodeSecond reads the body of release.second.
func DecodeSecond(body []byte) (*JudgeBody, error) {
	return decodeJudge(exchange.VerbReleaseSecond, body)
}

// Second is the word of a second person of the requester for a bulk request.
func Second(a *members.Act, b *JudgeBody) (*Stepped, error) {
	out, r, err := judged(a, b.Release, requester, Pending, func(r *Release) error {
		switch {
		case len(r.More) == 0:
			return ErrOneRecord.With()
		case r.Second != nil || r.hasPart(a.Command.Operator):
			return ErrPerson.With("operator", a.Command.Operator)
		}
		yes := word(a, b.Note)
		r.Second = &yes
		return r.Stands(a)
	})
	if err != nil {
		return nil, err
	}
	return out, releases.Insert(a.Tx, r)
}

// Stands says whether the request could be made now as it was: an approval or a
// delivery under rules that have changed is none. The requester must be a member
// still, and the catalogue in force must grant it, with the approvals it was asked
// under or without any. Requests made before machine version 4 stood anyway.
func (r *Release) Stands(a *members.Act) error { return r.StandsUnder(a.Tx, a.Catalogue) }

// StandsUnder is Stands for who reads the ledger, under the catalogue of now.
func (r *Release) StandsUnder(rows state.Reader, c *catalogue.Catalogue) error {
	if r.Rules < rulesVersion {
		return nil
	}
	asks, ok := members.Get(rows, r.Requester)
	author, known := members.Get(rows, r.Record.Author)
	if !ok || !asks.Takes() {
		return ErrGone.With("requester", r.Requester)
	}
	if c.Document().Version == r.Decision.Version {
		return nil
	}
	now := c.Decide(r.question(asks.Kind, author.Kind))
	if !known || now.Outcome == catalogue.Refused || now.Outcome == catalogue.Pending && !sameApproval(now, r.Decision) {
		return ErrRules.With("asked", r.Decision.Version, "now", now.Version)
	}
	return nil
}

func sameApproval(a, b catalogue.Decision) bool {
	if a.Approval != b.Approval || a.Persons != b.Persons || len(a.Approvers) != len(b.Approvers) {
		return false
	}
	for _, k := range a.Approvers {
		if !containsKind(b.Approvers, k) {
			return false
		}
	}
	return true
}
