package release

import (
	"accord/exchange"
	"accord/exchange/members"
)

// JudgeBody is the body of release.approve, release.deny and release.second.
type JudgeBody struct {
	Release exchange.ReleaseID `json:"release"`
	Note    string             `json:"note,omitempty"`
}

// ReceiptBody is the body of release.deliver and release.open. Its digest is the SHA-256
// in hex of what was delivered: the presentation (SD-JWT+KB) of the one record, of several
// the JSON array of theirs; a hash of it tells nobody anything, it holds a signature that
// only the author's key makes. Before all nodes were of machine version 4 it was that of
// the encrypted envelope. The ledger compares the two sides' digests and nothing else.
type ReceiptBody struct {
	Release exchange.ReleaseID `json:"release"`
	Digest  string             `json:"digest"`
}

// maxNote is the longest note in characters.
const maxNote = 500

func decodeJudge(verb exchange.Verb, body []byte) (*JudgeBody, error) {
	b := new(JudgeBody)
	if err := exchange.DecodeBody(verb, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Release)) || b.Note != "" && !exchange.PlainText(b.Note, maxNote) {
		return nil, exchange.ErrBody.With("verb", verb)
	}
	return b, nil
}

func decodeReceipt(verb exchange.Verb, body []byte) (*ReceiptBody, error) {
	b := new(ReceiptBody)
	if err := exchange.DecodeBody(verb, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Release)) || !exchange.ValidHash(b.Digest) {
		return nil, exchange.ErrBody.With("verb", verb)
	}
	return b, nil
}

// DecodeApprove reads the body of release.approve.
func DecodeApprove(body []byte) (*JudgeBody, error) {
	return decodeJudge(exchange.VerbReleaseApprove, body)
}

// DecodeDeny reads the body of release.deny.
func DecodeDeny(body []byte) (*JudgeBody, error) { return decodeJudge(exchange.VerbReleaseDeny, body) }

// DecodeDeliver reads the body of release.deliver.
func DecodeDeliver(body []byte) (*ReceiptBody, error) {
	return decodeReceipt(exchange.VerbReleaseDeliver, body)
}

// DecodeOpen reads the body of release.open.
func DecodeOpen(body []byte) (*ReceiptBody, error) {
	return decodeReceipt(exchange.VerbReleaseOpen, body)
}

// Stepped is the outcome of every step after the request.
type Stepped struct {
	Release exchange.ReleaseID `json:"release"`
	Status  Status             `json:"status"`
	Until   exchange.Millis    `json:"until,omitzero"`
}

// Approve is one person's yes to a pending request, see mayJudge.
func Approve(a *members.Act, b *JudgeBody) (*Stepped, error) {
	return step(a, b.Release, judge, Pending, func(r *Release) error {
		r.Approvals = append(append([]Approval(nil), r.Approvals...), word(a, b.Note))
		return r.Stands(a)
	})
}

// Deny refuses a pending request. One no of who may say yes ends it.
func Deny(a *members.Act, b *JudgeBody) (*Stepped, error) {
	return step(a, b.Release, judge, Pending, func(r *Release) error {
		no := word(a, b.Note)
		r.Denied = &no
		return nil
	})
}

// Deliver is the author's receipt for what it sent under a grant, which must stand:
// what the rules in force or a withdrawn consent no longer allow is not sent.
func Deliver(a *members.Act, b *ReceiptBody) (*Stepped, error) {
	return step(a, b.Release, author, Granted, func(r *Release) error {
		if m, _ := members.Get(a.Tx, r.Requester); m.Suspended != 0 {
			return members.ErrSuspended.With("member", r.Requester)
		}
		r.Delivered = receipt(a, b.Digest)
		return r.Stands(a)
	})
}

// Open is the requester's receipt for what it opened: the same.
func Open(a *members.Act, b *ReceiptBody) (*Stepped, error) {
	return step(a, b.Release, requester, Delivered, func(r *Release) error {
		if r.Delivered.Digest != b.Digest {
			return ErrReceipt.With()
		}
		r.Opened = receipt(a, b.Digest)
		return nil
	})
}

func word(a *members.Act, note string) Approval {
	return Approval{By: a.Issuer.ID, Operator: a.Command.Operator, At: a.Now, Note: note, Seq: a.Seq}
}

func receipt(a *members.Act, digest string) *Receipt {
	return &Receipt{Digest: digest, Operator: a.Command.Operator, At: a.Now, Seq: a.Seq}
}

// party is whose step it is.
type party int

const (
	author party = iota
	requester
	judge // whom its rule lets approve and deny
)

// step changes the release if it is this party's turn.
func step(a *members.Act, id exchange.ReleaseID, who party, want Status, change func(*Release) error) (*Stepped, error) {
	out, r, err := judged(a, id, who, want, change)
	if err != nil {
		return nil, err
	}
	return out, releases.Insert(a.Tx, r)
}

// judged changes a copy of the release if it is this party's turn, and writes nothing.
func judged(a *members.Act, id exchange.ReleaseID, who party, want Status, change func(*Release) error) (*Stepped, *Release, error) {
	r, ok := releases.Get(a.Tx, string(id))
	if !ok {
		return nil, nil, ErrUnknown.With("id", id)
	}
	switch {
	case who == author && a.Issuer.ID != r.Record.Author:
		return nil, nil, ErrNotAuthor.With("author", r.Record.Author)
	case who == requester && a.Issuer.ID != r.Requester:
		return nil, nil, ErrNotRequester.With("requester", r.Requester)
	case who == judge:
		if err := r.mayJudge(a); err != nil {
			return nil, nil, err
		}
	}
	if now := r.StatusAt(a.Now); now != want {
		return nil, nil, ErrStatus.With("status", now, "want", want)
	}
	if err := change(&r); err != nil {
		return nil, nil, err
	}
	return &Stepped{id, r.StatusAt(a.Now), r.Until(a.Now)}, &r, nil
}
