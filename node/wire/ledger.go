package wire

import (
	"time"

	"accord/exchange"
)

// Cosigned is a checkpoint that a quorum of members cosigned.
type Cosigned struct {
	Size    int64               `json:"size"`
	Root    string              `json:"root"`  // base64, as in the note
	Index   uint64              `json:"index"` // log entry that brought its last statement, on this node
	At      time.Time           `json:"at"`    // when this node had gathered it
	Signers []exchange.MemberID `json:"signers"`
	Note    string              `json:"note"` // C2SP signed note
}

// CosignedList is the cosigned checkpoints this node kept, oldest first: dense
// at the end, sparse before.
type CosignedList struct {
	Checkpoints []Cosigned `json:"checkpoints"`
}

// LedgerState is the digests of a node's state at one size of the ledger.
type LedgerState struct {
	Size    int64  `json:"size"`
	Root    string `json:"root"`    // base64, of the tree
	Chain   string `json:"chain"`   // hex, over every change of a row so far
	Content string `json:"content"` // hex, over all rows
}

// Alarm is a difference between this node's ledger and another's, or within
// this node's own, and what was concluded.
type Alarm struct {
	ID        string              `json:"id"`
	Kind      string              `json:"kind"` // fork, self, state, rows, statement, recovery, disk
	Size      int64               `json:"size"`
	Index     uint64              `json:"index"`            // log entry that brought the last of so many leaves here
	Member    exchange.MemberID   `json:"member,omitempty"` // whose node differs
	Ours      string              `json:"ours,omitempty"`
	Theirs    string              `json:"theirs,omitempty"`
	With      []exchange.MemberID `json:"with,omitempty"`    // signed as this node did
	Against   []exchange.MemberID `json:"against,omitempty"` // signed otherwise
	Verdict   string              `json:"verdict"`           // member, self, undecided
	Stops     bool                `json:"stops"`             // this node's service
	Why       string              `json:"why"`
	FoundAt   time.Time           `json:"found_at"`
	Evidence  string              `json:"evidence"` // file under the data folder
	SettledAt *time.Time          `json:"settled_at,omitempty"`
	SettledBy exchange.OperatorID `json:"settled_by,omitempty"`
	Reason    string              `json:"reason,omitempty"` // as the operator gave it
}

// Alarms is every alarm of this node, oldest first.
type Alarms struct {
	Stopped bool    `json:"stopped"` // the service is stopped
	Alarms  []Alarm `json:"alarms"`
}

// Settle says that an alarm was dealt with, and how.
type Settle struct {
	Reason string `json:"reason"`
}

// ComplaintPaper carries a signed complaint from node to node.
type ComplaintPaper struct {
	JWS string `json:"jws"`
}

// Complaint is a member's word that its statement was not included in time. It
// never shows the statement.
type Complaint struct {
	ID      exchange.CommandID  `json:"id"`     // of the statement
	Digest  string              `json:"digest"` // of the statement as signed
	Member  exchange.MemberID   `json:"member"`
	Since   time.Time           `json:"since"`             // first tried
	At      time.Time           `json:"at"`                // complained
	Leaders []exchange.MemberID `json:"leaders,omitempty"` // whose nodes led when it was tried
	Status  string              `json:"status"`            // open, included, lapsed
	Seq     int64               `json:"seq,omitempty"`     // of the statement, once included
}

// Complaints is every complaint this node keeps, oldest first.
type Complaints struct {
	Complaints []Complaint `json:"complaints"`
}
