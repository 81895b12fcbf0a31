package meeting

import (
	"fmt"
	"iter"

	"accord/exchange"
	"accord/exchange/state"
)

// Status is where a proposal stands.
type Status string

// The statuses.
const (
	Open      Status = "open"      // 表决中
	Passed    Status = "passed"    // 已通过: it took effect with the last vote
	Rejected  Status = "rejected"  // 未通过: the quorum can no longer be reached
	Withdrawn Status = "withdrawn" // 已撤回: by its proposer
	Lapsed    Status = "lapsed"    // 已过期: its deadline passed
	Moot      Status = "moot"      // 已失去对象: another roster or catalogue came first
)

// Statuses lists all statuses.
func Statuses() []Status { return []Status{Open, Passed, Rejected, Withdrawn, Lapsed, Moot} }

// Choice is how a seat votes.
type Choice string

// The choices.
const (
	Yes     Choice = "yes"     // 赞成
	No      Choice = "no"      // 反对
	Abstain Choice = "abstain" // 弃权
)

// RosterDraft is a roster that nobody has endorsed yet.
type RosterDraft struct {
	Document string   `json:"document"`         // the exact JSON text
	Proofs   []string `json:"proofs,omitempty"` // introductions
}

// CatalogueDraft is a catalogue version and when it shall count.
type CatalogueDraft struct {
	Document string          `json:"document"`      // the exact JSON text
	From     exchange.Millis `json:"from,omitzero"` // ledger time; 0: as soon as the notice allows
}

// Decision is a matter without a document.
type Decision struct {
	Object  string `json:"object"`  // what is decided: the id of a release or objection, a digest
	Outcome string `json:"outcome"` // what a yes decides, a name: approve, deny, uphold …
	// Parties are the members whose own matter it is: they do not vote.
	Parties []exchange.MemberID `json:"parties,omitempty"`
	// Of the kind blinding: who shall hold the key, in the order of their shares, and how
	// many of them must evaluate together. Its object is the number of the change.
	Holders   []exchange.MemberID `json:"holders,omitempty"`
	Threshold int                 `json:"threshold,omitzero"`
	Epoch     int                 `json:"epoch,omitzero"` // whose key is given on; 0: the last one's
}

// Proposal (提案) is a matter before the joint meeting.
type Proposal struct {
	ID       exchange.CommandID  `json:"id"` // of the command that proposed it
	Kind     Kind                `json:"kind"`
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"op"`
	Reason   string              `json:"reason"`
	At       exchange.Millis     `json:"at"` // ledger time
	Deadline exchange.Millis     `json:"deadline"`
	Seq      int64               `json:"seq"`
	Digest   string              `json:"digest"`           // of the document's bytes
	Version  int                 `json:"version,omitzero"` // of the roster or catalogue
	Opens    bool                `json:"opens,omitzero"`   // the catalogue lets somebody see more

	Roster    *RosterDraft    `json:"roster,omitempty"`
	Catalogue *CatalogueDraft `json:"catalogue,omitempty"`
	Decision  *Decision       `json:"decision,omitempty"`

	Barred []exchange.MemberID `json:"barred,omitempty"` // who has no vote on it
	End    *End                `json:"end,omitempty"`
}

// End is how a proposal ended by a command.
type End struct {
	Status Status          `json:"status"` // passed, rejected, withdrawn
	At     exchange.Millis `json:"at"`
	Seq    int64           `json:"seq"`
	// What the outcome stood on; nothing when it was withdrawn.
	Quorum int                 `json:"quorum,omitzero"`
	Seats  int                 `json:"seats,omitzero"`
	By     []exchange.MemberID `json:"by,omitempty"`  // whose yes counted
	From   exchange.Millis     `json:"from,omitzero"` // since when the catalogue counts
	Reason string              `json:"reason,omitempty"`
}

// Ballot (表决票) is a seat's vote. It is cast once.
type Ballot struct {
	Proposal    exchange.CommandID  `json:"proposal"`
	Member      exchange.MemberID   `json:"member"`
	Operator    exchange.OperatorID `json:"op"`
	Choice      Choice              `json:"choice"`
	Note        string              `json:"note,omitempty"`
	At          exchange.Millis     `json:"at"`
	Seq         int64               `json:"seq"`
	ID          exchange.CommandID  `json:"id"`
	Endorsement string              `json:"endorsement,omitempty"`
}

var (
	byAge      = state.NewIndex("age", func(p *Proposal) [][]string { return [][]string{{number(p.Seq)}} })
	byMember   = state.NewIndex("member", func(p *Proposal) [][]string { return [][]string{{string(p.By), number(p.Seq)}} })
	byObject   = state.NewIndex("object", objects)
	byProposal = state.NewIndex("proposal", func(b *Ballot) [][]string { return [][]string{{string(b.Proposal), number(b.Seq)}} })

	proposals = state.NewTable("meeting.proposals", func(p *Proposal) string { return string(p.ID) }, byAge, byMember, byObject).Later()
	ballots   = state.NewTable("meeting.ballots", func(b *Ballot) string { return string(b.Proposal) + "/" + string(b.Member) }, byProposal).Later()
)

func objects(p *Proposal) [][]string {
	if p.Decision == nil {
		return nil
	}
	return [][]string{{string(p.Kind), p.Decision.Object, number(p.Seq)}}
}

func number(n int64) string { return fmt.Sprintf("%019d", n) }

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{proposals, ballots} }

// Get finds a proposal.
func Get(r state.Reader, id exchange.CommandID) (Proposal, bool) { return proposals.Get(r, string(id)) }

// All gives the proposals, oldest first.
func All(r state.Reader) iter.Seq[Proposal] { return byAge.Scan(r) }

// Ballots gives the votes on a proposal in the order of the ledger.
func Ballots(r state.Reader, id exchange.CommandID) (all []Ballot) {
	for b := range byProposal.Scan(r, string(id)) {
		all = append(all, b)
	}
	return all
}
