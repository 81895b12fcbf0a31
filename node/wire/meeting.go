package wire

import (
	"time"

	"accord/exchange"
	"accord/exchange/meeting"
)

// Propose puts a matter before the joint meeting.
type Propose struct {
	Kind     meeting.Kind `json:"kind"`
	Reason   string       `json:"reason"`
	Deadline time.Time    `json:"deadline"`

	Document string            `json:"document,omitempty"` // of a roster or catalogue, the exact JSON text
	Proofs   []string          `json:"proofs,omitempty"`   // of a roster: introductions
	From     *time.Time        `json:"from,omitempty"`     // of a catalogue: when it shall count
	Decision *meeting.Decision `json:"decision,omitempty"`
}

// CastVote is this member's vote on a proposal.
type CastVote struct {
	Choice meeting.Choice `json:"choice"`
	Note   string         `json:"note,omitempty"`
}

// WithdrawProposal says why.
type WithdrawProposal struct {
	Reason string `json:"reason"`
}

// Ballot is a seat's vote.
type Ballot struct {
	Member   exchange.MemberID   `json:"member"`
	Operator exchange.OperatorID `json:"operator"`
	Choice   meeting.Choice      `json:"choice"`
	Note     string              `json:"note,omitempty"`
	At       time.Time           `json:"at"`
	Seq      int64               `json:"seq"`
}

// Proposal is a matter before the joint meeting with the votes on it.
type Proposal struct {
	ID       exchange.CommandID  `json:"id"`
	Kind     meeting.Kind        `json:"kind"`
	Status   meeting.Status      `json:"status"`
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"operator"`
	Reason   string              `json:"reason"`
	At       time.Time           `json:"at"`
	Deadline time.Time           `json:"deadline"`
	Seq      int64               `json:"seq"`
	Digest   string              `json:"digest"`
	Words    exchange.Text       `json:"words"` // the digest, for the telephone
	Version  int                 `json:"version,omitempty"`
	Opens    bool                `json:"opens,omitempty"` // the catalogue lets somebody see more
	From     *time.Time          `json:"from,omitempty"`  // since when the catalogue counts, or shall at the earliest
	Decision *meeting.Decision   `json:"decision,omitempty"`

	Quorum  int                 `json:"quorum"` // seats that must say yes
	Seats   int                 `json:"seats"`  // that may vote on it
	Yes     int                 `json:"yes"`
	No      int                 `json:"no"`
	Abstain int                 `json:"abstain"`
	Waiting []exchange.MemberID `json:"waiting"` // who may still vote
	Barred  []exchange.MemberID `json:"barred,omitempty"`
	Ballots []Ballot            `json:"ballots"`
	Ended   *time.Time          `json:"ended,omitempty"`
	EndText string              `json:"end_reason,omitempty"` // of a withdrawal

	Changes  []exchange.Text `json:"changes,omitempty"`  // what it makes of what is in force, of one proposal alone
	Document string          `json:"document,omitempty"` // likewise
}

// Proposals are the matters before the joint meeting, newest first.
type Proposals struct {
	Proposals []Proposal `json:"proposals"`
}
