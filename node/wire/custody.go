package wire

import (
	"time"

	"accord/exchange"
)

// CustodyDeposit is what an author hands a custodian of one record.
type CustodyDeposit struct {
	Statement string   `json:"statement"` // the author's, as signed
	Share     string   `json:"share"`     // JWE to the custodian's seal key
	Boxes     []string `json:"boxes"`     // ciphertexts of the fields in the statement's order, base64url
}

// CustodyDeposits are several.
type CustodyDeposits struct {
	Deposits []CustodyDeposit `json:"deposits"`
}

// CustodyNamed names a generation of a record's custody.
type CustodyNamed struct {
	Record     exchange.RecordID `json:"record"`
	Generation int               `json:"generation"`
	Digest     string            `json:"digest"` // of the author's statement
}

// RetireCustody names what a custodian is to destroy.
type RetireCustody struct {
	Generations []CustodyNamed `json:"generations"`
}

// CustodyReceipt is a custodian's signed word, or the code of the error that it has
// instead.
type CustodyReceipt struct {
	Record     exchange.RecordID `json:"record"`
	Generation int               `json:"generation"`
	Receipt    string            `json:"receipt,omitempty"`
	Why        string            `json:"why,omitempty"`
}

// CustodyReceipts are those for one request.
type CustodyReceipts struct {
	Receipts []CustodyReceipt `json:"receipts"`
}

// AskCustodian asks for a custodian's shares of one generation.
type AskCustodian struct {
	Generation int `json:"generation"`
}

// OpenRelease says by whom a release is opened: its author, or its custodians where
// the author does not answer; with Custodians the author is not asked.
type OpenRelease struct {
	Custodians bool `json:"custodians,omitempty"`
}

// CustodyFault is a custodian that gave nothing usable: an error's code, or what did
// not hold of its answer.
type CustodyFault struct {
	Custodian exchange.MemberID `json:"custodian"`
	Why       string            `json:"why"`
}

// CustodyDelivery is a custodian's receipt on the ledger.
type CustodyDelivery struct {
	Custodian  exchange.MemberID `json:"custodian"`
	Generation int               `json:"generation"`
	Digest     string            `json:"digest"` // of the encrypted answer
	At         time.Time         `json:"at"`
	Opened     bool              `json:"opened"` // by the requester
}

// CustodyCategory is how far own records of a category are in custody.
type CustodyCategory struct {
	Category   string              `json:"category"`
	K          int                 `json:"k"`
	Custodians []exchange.MemberID `json:"custodians"` // by the catalogue in force
	Enough     bool                `json:"enough"`     // there are k of them
	Records    int64               `json:"records"`    // that should be in custody
	Dealt      int64               `json:"dealt"`
	Complete   int64               `json:"complete"` // every custodian has signed for its part
}

// CustodyMember is what a custodian has of this member, and what it lacks.
type CustodyMember struct {
	Member  exchange.MemberID `json:"member"`
	Lacks   int64             `json:"lacks"`         // records still to be handed over
	Keeps   int64             `json:"keeps"`         // it signed that it keeps
	Retires int64             `json:"retires"`       // old generations it is to destroy
	Retired int64             `json:"retired"`       // it signed that it destroyed
	Why     string            `json:"why,omitempty"` // of the last failure to reach it
}

// CustodyKept is what this member keeps for an author.
type CustodyKept struct {
	Author  exchange.MemberID `json:"author"`
	Records int64             `json:"records"`
}

// CustodyStatus is how the custody of own records stands, and what is kept here.
type CustodyStatus struct {
	Categories []CustodyCategory `json:"categories"`
	Custodians []CustodyMember   `json:"custodians"`
	Kept       []CustodyKept     `json:"kept"`
}

// CustodyGeneration is one splitting of a record's keys, as the ledger has it.
type CustodyGeneration struct {
	Generation int                 `json:"generation"`
	Digest     string              `json:"digest"`
	K          int                 `json:"k"`
	Custodians []exchange.MemberID `json:"custodians"`
}

// CustodyHand is what a custodian signed for one generation of an own record.
type CustodyHand struct {
	Generation int               `json:"generation"`
	Member     exchange.MemberID `json:"member"`
	State      string            `json:"state"` // due, kept, retire, retired
	Kept       string            `json:"kept,omitempty"`
	Destroyed  string            `json:"destroyed,omitempty"`
}

// RecordCustody is the custody of one record.
type RecordCustody struct {
	Author      exchange.MemberID   `json:"author"`
	Record      exchange.RecordID   `json:"record"`
	Generations []CustodyGeneration `json:"generations"`
	Hands       []CustodyHand       `json:"hands"` // of an own record
}
