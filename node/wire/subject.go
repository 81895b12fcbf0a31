package wire

import (
	"encoding/json"
	"time"

	"accord/exchange"
)

// SubjectProof is how a subject, or who acts for it, proved at the counter or portal
// who it is. The number is kept as a keyed digest only.
type SubjectProof struct {
	Kind string `json:"kind"` // id-card, licence, mandate, portal
	Ref  string `json:"ref"`  // number of what was shown
}

// SubjectProofs are the kinds of proof.
var SubjectProofs = []string{"id-card", "licence", "mandate", "portal"}

// AskSubject asks on behalf of a subject about itself. Exactly one of Subject and
// PersonID names it.
type AskSubject struct {
	Subject  string       `json:"subject,omitempty"`   // subject id, or a unified social credit code
	PersonID string       `json:"person_id,omitempty"` // a resident's number
	Proof    SubjectProof `json:"proof"`
}

// SubjectLog is who looked at a subject's records, or tried to.
type SubjectLog struct {
	Subject  exchange.SubjectID `json:"subject"`
	Position int64              `json:"position"` // of the ledger: what came after is not here
	Records  []SubjectReceipt   `json:"records"`
	Accesses []SubjectAccess    `json:"accesses"` // of the ledger, oldest first
	Looks    []SubjectLook      `json:"looks"`    // of this node's own audit log, oldest first
}

// SubjectReceipt says how many accesses of a record there are at the position. The
// numbers of a record's accesses run from 1 to Count without a gap.
type SubjectReceipt struct {
	Record   exchange.RecordID `json:"record"`
	Category string            `json:"category"`
	Author   exchange.MemberID `json:"author"`
	Count    int64             `json:"count"`
}

// SubjectAccess is one accepted statement of the ledger about a record.
type SubjectAccess struct {
	Record    exchange.RecordID   `json:"record"`
	Category  string              `json:"category"`
	Author    exchange.MemberID   `json:"author"`
	Number    int64               `json:"number"` // among those of the record, from 1
	Seq       int64               `json:"seq"`    // its leaf in the ledger
	At        time.Time           `json:"at"`
	Event     string              `json:"event"` // requested, approved, denied, delivered, opened, complained, answered, applied, decided
	Release   exchange.ReleaseID  `json:"release,omitempty"`
	Ref       exchange.CommandID  `json:"ref,omitempty"` // the complaint or application
	By        exchange.MemberID   `json:"by"`
	ByKind    exchange.MemberKind `json:"by_kind"`
	Operator  string              `json:"operator"` // person, node
	Purpose   string              `json:"purpose,omitempty"`
	BasisKind string              `json:"basis_kind,omitempty"`
	BasisRef  string              `json:"basis_ref,omitempty"`
	Fields    []string            `json:"fields,omitempty"`
	Outcome   string              `json:"outcome"` // of a request the decision; of others the status that follows
	Clause    string              `json:"clause,omitempty"`
}

// SubjectLook is one line of the audit log of the node that answers.
type SubjectLook struct {
	Line     int64              `json:"line"` // in the audit log
	At       time.Time          `json:"at"`
	Act      string             `json:"act"`
	Caller   string             `json:"caller"` // operator, or member:ID
	Record   exchange.RecordID  `json:"record,omitempty"`
	Release  exchange.ReleaseID `json:"release,omitempty"`
	Report   string             `json:"report,omitempty"`
	Category string             `json:"category,omitempty"`
	Purpose  string             `json:"purpose,omitempty"`
	Fields   []string           `json:"fields,omitempty"`
	Result   string             `json:"result"`
}

// SubjectRecords is what a node holds on a subject.
type SubjectRecords struct {
	Subject exchange.SubjectID `json:"subject"`
	Records []SubjectRecord    `json:"records"`
}

// SubjectRecord is one record as its subject sees it. Of the member's own records the
// sealed fields are opened, but for those the catalogue keeps from everybody.
type SubjectRecord struct {
	Record Record                     `json:"record"`
	Opened map[string]json.RawMessage `json:"opened,omitempty"`
}
