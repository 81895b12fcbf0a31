package wire

import (
	"encoding/json"
	"time"

	"accord/exchange"
)

// AskRelease asks to open private fields of a record, or of several.
type AskRelease struct {
	Consent   string `json:"consent,omitempty"`   // the subject's consent, a JWS
	Emergency bool   `json:"emergency,omitempty"` // works at once, is seen by all and has to be justified

	Record  exchange.RecordID   `json:"record"`
	More    []exchange.RecordID `json:"more,omitempty"` // further records of the same author and category, in bulk
	Author  exchange.MemberID   `json:"author"`
	Fields  []string            `json:"fields"`
	Purpose string              `json:"purpose"`
	Basis   Basis               `json:"basis"`
}

// Basis is the legal basis (依据) of a request: its kind and its number.
type Basis struct {
	Kind string `json:"kind"` // case, decision, consent, statute
	Ref  string `json:"ref"`
}

// ConsentRef is the subject's consent that a release rests on.
type ConsentRef struct {
	ID       string              `json:"id"`
	Issuer   exchange.MemberID   `json:"issuer"` // that took it
	Operator exchange.OperatorID `json:"operator"`
	Digest   string              `json:"digest"` // hex SHA-256 of the JWS
	Until    time.Time           `json:"until"`
}

// Justify says afterwards why it was an emergency.
type Justify struct {
	Text string `json:"text"`
}

// PresentConsent brings a consent to a pending release.
type PresentConsent struct {
	Consent string `json:"consent"` // the JWS
}

// AskConsent has a subject's consent signed that was given at this member's counter or
// portal. Exactly one of Subject and PersonID names the subject.
type AskConsent struct {
	Subject   string            `json:"subject,omitempty"`   // subject id, or a unified social credit code
	PersonID  string            `json:"person_id,omitempty"` // a resident's number
	Proof     SubjectProof      `json:"proof"`
	Category  string            `json:"category"`
	Record    exchange.RecordID `json:"record,omitempty"` // without it: the subject's records of the category
	Fields    []string          `json:"fields"`
	Purpose   string            `json:"purpose"`
	Recipient exchange.MemberID `json:"recipient"`
	Until     time.Time         `json:"until"`
}

// Consent is a consent that was signed. It names no person.
type Consent struct {
	ID      string    `json:"id"`
	Consent string    `json:"consent"` // the JWS, for the recipient
	Until   time.Time `json:"until"`
}

// WithdrawConsent takes a consent back.
type WithdrawConsent struct {
	Note string `json:"note"`
}

// ConsentWithdrawn says what rested on it.
type ConsentWithdrawn struct {
	ID      string             `json:"id"`
	Release exchange.ReleaseID `json:"release,omitempty"` // that is not delivered from now on
}

// AskTrace asks where something that was found can have come from.
type AskTrace struct {
	Text string `json:"text"`
}

// Trace is every release that it can have come from, proved ones first.
type Trace struct {
	Found []Traced `json:"found"`
}

// Traced is one of them.
type Traced struct {
	Kind      string              `json:"kind"` // presentation, copy, disclosure
	Release   exchange.ReleaseID  `json:"release"`
	Recipient exchange.MemberID   `json:"recipient"`
	Operator  exchange.OperatorID `json:"operator"` // who asked; of a copy, whom it was shown to
	At        *time.Time          `json:"at,omitempty"`
	Record    exchange.RecordID   `json:"record"`
	Field     string              `json:"field,omitempty"`
	Proved    bool                `json:"proved"` // by a signature; else one of the candidates
}

// OpenedRecord is what was granted of one of several records.
type OpenedRecord struct {
	Record exchange.RecordID          `json:"record"`
	Fields map[string]json.RawMessage `json:"fields"`
}

// Waiting are the requests on which the operator's word is asked for, newest first.
type Waiting struct {
	Waiting []WaitingRelease `json:"waiting"`
}

// WaitingRelease is what an approver sees of a request: who gets what, about whom and
// for what. It is neither told who asks in person nor on which case.
type WaitingRelease struct {
	ID        exchange.ReleaseID `json:"id"`
	Recipient exchange.MemberID  `json:"recipient"`
	Category  string             `json:"category"`
	Fields    []string           `json:"fields"`
	Purpose   string             `json:"purpose"`
	Subjects  []WaitingSubject   `json:"subjects"` // of the records that this node holds
	Records   int                `json:"records"`  // how many the request is about
	Until     time.Time          `json:"until"`    // when it lapses without approval
}

// WaitingSubject is whom a record is about.
type WaitingSubject struct {
	Subject exchange.SubjectID `json:"subject"`
	Kind    string             `json:"kind"`
	Names   []string           `json:"names,omitempty"` // where they are public
}
