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
	Missing  int64              `json:"missing,omitempty"` // before this line so many, about anybody, were not taken
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

// ComplainRelease is a subject's complaint about a release of its record. Exactly one of
// Subject and PersonID names it.
type ComplainRelease struct {
	Subject  string             `json:"subject,omitempty"`   // subject id, or a unified social credit code
	PersonID string             `json:"person_id,omitempty"` // a resident's number
	Proof    SubjectProof       `json:"proof"`
	Release  exchange.ReleaseID `json:"release"`
	Text     string             `json:"text"`
}

// ApplyDisclosure is a subject's application for sealed fields of its record. Exactly
// one of Subject and PersonID names it.
type ApplyDisclosure struct {
	Subject  string            `json:"subject,omitempty"`   // subject id, or a unified social credit code
	PersonID string            `json:"person_id,omitempty"` // a resident's number
	Proof    SubjectProof      `json:"proof"`
	Record   exchange.RecordID `json:"record"`
	Fields   []string          `json:"fields"`
}

// ObjectTo is a subject's objection against an entry of it on a list, or a record: exactly
// one of the two. Exactly one of Subject and PersonID names it.
type ObjectTo struct {
	Subject  string            `json:"subject,omitempty"`   // subject id, or a unified social credit code
	PersonID string            `json:"person_id,omitempty"` // a resident's number
	Proof    SubjectProof      `json:"proof"`
	Entry    exchange.EntryID  `json:"entry,omitempty"`
	Record   exchange.RecordID `json:"record,omitempty"`
	Text     string            `json:"text"`
}

// AnswerPetition answers a complaint or an objection, or refuses an application.
type AnswerPetition struct {
	Outcome string `json:"outcome,omitempty"` // of a complaint or an objection: upheld, rejected
	Ground  string `json:"ground,omitempty"`  // of a refusal: secret, not-held, not-subject, third-party, investigation
	Text    string `json:"text"`
}

// Petition is a complaint, an application or an objection as the ledger has it.
type Petition struct {
	ID       exchange.CommandID `json:"id"`
	Kind     string             `json:"kind"`            // complaint, application, objection
	Status   string             `json:"status"`          // open, overdue, upheld, rejected, released, refused
	Record   RecordRef          `json:"record,omitzero"` // none where it is about an entry
	Entry    exchange.EntryID   `json:"entry,omitempty"`
	Disputed bool               `json:"disputed,omitempty"` // what an objection is about counts as disputed
	Release  exchange.ReleaseID `json:"release,omitempty"`  // complained about
	Fields   []string           `json:"fields,omitempty"`   // applied for
	By       exchange.MemberID  `json:"by"`                 // who took it
	Answers  exchange.MemberID  `json:"answers"`            // who must answer
	At       time.Time          `json:"at"`
	Due      time.Time          `json:"due"`
	Answered *time.Time         `json:"answered,omitempty"`
	Late     bool               `json:"late,omitempty"` // it was answered after its term
	Ground   string             `json:"ground,omitempty"`
	Seq      int64              `json:"seq"`            // its leaf in the ledger
	Text     string             `json:"text,omitempty"` // of the complaint, for the two members it concerns
	Reply    string             `json:"reply,omitempty"`
}

// Petitions are complaints, applications and objections, newest first.
type Petitions struct {
	Petitions []Petition `json:"petitions"`
}

// PetitionTexts are the texts of a petition as the member that wrote them keeps them,
// for the other member it concerns.
type PetitionTexts struct {
	Text  string `json:"text,omitempty"`
	Reply string `json:"reply,omitempty"`
}
