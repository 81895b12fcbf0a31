package catalogue

import "accord/exchange"

// The document formats this build reads; another one is refused. Format 2 has
// members that builds before machine version 4 do not know (ParseV1).
const (
	Format  = "accord-catalogue/1"
	Format2 = "accord-catalogue/2"
)

// Class is a field's attribute (属性): who may see it and how it travels.
type Class string

// The four classes, from open to closed. Public fields stand in clear in the
// signed record; every other class is sealed field by field.
const (
	Public     Class = "public"     // 公开: anyone
	Shared     Class = "shared"     // 共享: members by rule
	Restricted Class = "restricted" // 受限: named roles, purpose and basis
	Secret     Class = "secret"     // 不予共享: never leaves the author
)

// Private says whether fields of this class are sealed.
func (c Class) Private() bool { return c != Public }

// Type is how a field's text is read, checked and stored. The stored JSON form
// stands beside each.
type Type string

// The field types; the set is closed.
const (
	TypeText       Type = "text"        // string, free text up to Limits.TextCharacters
	TypeName       Type = "name"        // string, a person's or organisation's name
	TypeCode       Type = "code"        // string, one of Field.Values
	TypeCodes      Type = "codes"       // array of strings, each one of Field.Values
	TypeTexts      Type = "texts"       // array of strings
	TypeUSCC       Type = "uscc"        // string, 18 characters, GB 32100
	TypeResidentID Type = "resident-id" // string, 18 characters, GB 11643
	TypeIDNumber   Type = "id-number"   // string; the kind of document is the value of Field.KindField (GB 11643 checks when it is a resident id)
	TypeLicence    Type = "licence"     // string, certificate, policy, case or document number
	TypeDate       Type = "date"        // string "2006-01-02" or "2006-01" (month precision)
	TypeTime       Type = "time"        // string RFC 3339 with offset
	TypeMoney      Type = "money"       // integer, fen (0.01 yuan)
	TypeCount      Type = "count"       // integer ≥ 0
	TypePhone      Type = "phone"       // string, digits only
	TypeURL        Type = "url"         // string, https or http
	TypeBool       Type = "bool"        // true or false
	TypeArea       Type = "area"        // string, 6 digits, GB/T 2260 shape; never required to be allocated
)

// Document is one version of a catalogue: data that the members agreed on.
// The exact bytes it was decoded from are what members sign and digest.
type Document struct {
	Format     string        `json:"format"`
	ID         string        `json:"id"`
	Version    int           `json:"version"`
	Title      exchange.Text `json:"title"`
	Source     string        `json:"source"`
	Subjects   []SubjectKind `json:"subjects"`
	Categories []Category    `json:"categories"`
	Purposes   []Purpose     `json:"purposes"`
	Rules      []Rule        `json:"rules"`
	Lists      []List        `json:"lists"`
	Limits     Limits        `json:"limits"`
	Checks     []Check       `json:"checks,omitempty"` // cases inside the document that `catalogue test` runs

	// What follows came with format 2.

	Severities []SeverityClass `json:"severities,omitempty"`
	Deadlines  []Deadline      `json:"deadlines,omitempty"`
	Calendar   *Calendar       `json:"calendar,omitempty"`
	Evaluation *Evaluation     `json:"evaluation,omitempty"`
}

// SubjectKind is a kind of credit subject (信用主体) and the id namespace its
// subjects are named in.
type SubjectKind struct {
	ID        string        `json:"id"` // regulator, enterprise, practitioner, consumer, group, foreign
	Title     exchange.Text `json:"title"`
	Namespace string        `json:"namespace"` // exchange.SubjectOrg, SubjectPerson or SubjectName
}

// Category is one kind of record (类别).
type Category struct {
	ID            string                `json:"id"`
	Title         exchange.Text         `json:"title"`
	Source        string                `json:"source"` // clause of the plan or law that asks for it
	Subjects      []string              `json:"subjects"`
	Authors       []exchange.MemberKind `json:"authors"`
	Fields        []Field               `json:"fields"`
	Key           []string              `json:"key"` // fields that together identify a row of the source; its digest makes import idempotent
	Adverse       bool                  `json:"adverse,omitzero"`
	EventField    string                `json:"event_field,omitempty"`   // date field retention counts from
	RetentionDays int                   `json:"retention_days,omitzero"` // persons: refused after; organisations: flagged

	// What follows came with format 2.

	Custody    *Custody    `json:"custody,omitempty"`    // who keeps the sealed fields available without their author
	TimelyDays int         `json:"timely_days,omitzero"` // working days from the event in which a record is to be shared
	Disclosure *Disclosure `json:"disclosure,omitempty"` // what the public page shows; nil: every public field, always
}

// Custody (密钥托管) asks that sealed fields can be opened without the author: the
// key of each is split among custodians, any K of whom open what the ledger granted.
type Custody struct {
	K  int                   `json:"k"`
	Of []exchange.MemberKind `json:"of"`           // members of these kinds are custodians
	By []exchange.MemberID   `json:"by,omitempty"` // and these, by name
}

// Holds says whether a member is a custodian.
func (c *Custody) Holds(id exchange.MemberID, kind exchange.MemberKind) bool {
	if c == nil {
		return false
	}
	for _, by := range c.By {
		if by == id {
			return true
		}
	}
	return containsKind(c.Of, kind)
}

// Field is one information item (信息项) of a category.
type Field struct {
	ID          string        `json:"id"`
	Title       exchange.Text `json:"title"`
	Type        Type          `json:"type"`
	Class       Class         `json:"class"`
	PersonClass Class         `json:"person_class,omitempty"` // the class where the subject is a natural person; empty: Class
	Names       string        `json:"names,omitempty"`        // for a name: whose it is, one of the Names constants
	Required    bool          `json:"required,omitzero"`
	RequiredFor []string      `json:"required_for,omitempty"` // subject kinds the field is required for
	Values      []Value       `json:"values,omitempty"`
	KindField   string        `json:"kind_field,omitempty"` // for id-number
	Past        bool          `json:"past,omitzero"`        // a date that cannot lie in the future
	NotBefore   string        `json:"not_before,omitempty"` // a date field this one may not precede
}

// Whose name a field of TypeName holds. What is public of an organisation may
// be sealed of a person, so the document has to say it.
const (
	NamesSubject      = "subject"      // the record's own subject
	NamesPerson       = "person"       // some natural person
	NamesOrganisation = "organisation" // some organisation
)

// ClassFor is the field's class in a record on a subject of the given id
// namespace. An unknown namespace gets the stricter class.
func (f *Field) ClassFor(namespace string) Class {
	switch {
	case f.PersonClass == "", namespace == exchange.SubjectOrg, namespace == exchange.SubjectName:
		return f.Class
	case namespace == exchange.SubjectPerson:
		return f.PersonClass
	}
	return stricter(f.Class, f.PersonClass)
}

// Value is one entry of a closed value table.
type Value struct {
	ID    string        `json:"id"`
	Title exchange.Text `json:"title"` // Zh is also the word found in sources
}

// Purpose is a use (用途) a private field may be asked for.
type Purpose struct {
	ID     string        `json:"id"`
	Title  exchange.Text `json:"title"`
	Source string        `json:"source,omitempty"` // clause that knows this use
}

// Approval says whose consent a rule needs beside the ledger's decision.
type Approval string

// The approvals. Format 1 has the first two.
const (
	ApprovalNone    Approval = "none"
	ApprovalAuthor  Approval = "author"  // an officer of the record's author approves
	ApprovalConsent Approval = "consent" // the subject's signed consent, which expires and names purpose and recipient
	ApprovalPersons Approval = "persons" // as many different persons as Rule.Persons says, not the one who asks
	ApprovalMeeting Approval = "meeting" // the joint meeting decides
)

// The kinds of basis (依据) a request may rest on; the set is closed.
const (
	BasisCase     = "case"     // 案号: a numbered case at a court or an authority
	BasisDecision = "decision" // 决定文书: an official decision or approval document
	BasisConsent  = "consent"  // 主体同意: the subject's recorded consent
	BasisStatute  = "statute"  // 法定职责: an article that lays the duty on the requester
)

// Rule is one row of the closed release table: who may open which fields of
// which category for which purposes, on what basis, with whose approval.
type Rule struct {
	ID         string                `json:"id"`
	Title      exchange.Text         `json:"title"`
	Categories []string              `json:"categories"`
	Fields     []string              `json:"fields"`
	Requesters []exchange.MemberKind `json:"requesters"`
	Purposes   []string              `json:"purposes"`
	Basis      string                `json:"basis"` // kind of basis required, one of the Basis constants
	Approval   Approval              `json:"approval"`
	ValidHours int                   `json:"valid_hours"`         // a grant not delivered within this time lapses
	MaxFields  int                   `json:"max_fields,omitzero"` // 0: no limit
	Source     string                `json:"source,omitempty"`    // clause of the plan or law it stands on

	// What follows came with format 2.

	Authors        []exchange.MemberKind `json:"authors,omitempty"`         // holds for records of these kinds of author; empty: of all
	Approvers      []exchange.MemberKind `json:"approvers,omitempty"`       // whose officers count among Persons; empty: the author's
	Persons        int                   `json:"persons,omitzero"`          // how many, with ApprovalPersons
	ApprovalHours  int                   `json:"approval_hours,omitzero"`   // a request not approved within this time lapses; 0: ValidHours
	PerOperatorDay int                   `json:"per_operator_day,omitzero"` // requests of one operator in one day under this rule; 0: no limit
	Bulk           *Bulk                 `json:"bulk,omitempty"`            // one request may ask about several records
	Emergency      bool                  `json:"emergency,omitzero"`        // 紧急调用: holds for requests that declare an emergency, and for no others
	JustifyDays    int                   `json:"justify_days,omitzero"`     // working days to justify an emergency in
}

// Bulk lets one request ask about several records, which then takes several
// persons, whatever the rule asks for a single one.
type Bulk struct {
	Records int `json:"records"` // at most so many
	Persons int `json:"persons"` // at least two
}

// List is one list (名单) and the life of its entries.
type List struct {
	ID           string                `json:"id"`   // "red", "black", "watch"
	Kind         string                `json:"kind"` // red | black | watch
	Title        exchange.Text         `json:"title"`
	Subjects     []string              `json:"subjects"`
	Nominators   []exchange.MemberKind `json:"nominators"`
	Grounds      []Ground              `json:"grounds"`
	NoticeMillis int64                 `json:"notice_ms"` // 公示/告知 period before an entry is listed
	TermDaysMin  int                   `json:"term_days_min"`
	TermDaysMax  int                   `json:"term_days_max"`
	Measures     []Measure             `json:"measures,omitempty"`
	Source       string                `json:"source,omitempty"`

	// What follows came with format 2.

	HearingDays   int    `json:"hearing_days,omitzero"`    // 申辩: working days to be heard in; nobody is listed before they are over
	RepairDaysMin int    `json:"repair_days_min,omitzero"` // natural days listed before repair
	Severity      string `json:"severity,omitempty"`       // class of its entries
}

// Measure is an incentive or sanction (奖惩措施) that follows from being
// listed, with the kinds of member that have to act on it.
type Measure struct {
	ID     string                `json:"id"`
	Title  exchange.Text         `json:"title"`
	Actors []exchange.MemberKind `json:"actors,omitempty"`
	Source string                `json:"source,omitempty"`
}

// Ground is a reason an entry may rest on.
type Ground struct {
	ID         string        `json:"id"`
	Title      exchange.Text `json:"title"`
	Categories []string      `json:"categories"` // records of these categories may carry it; empty: a decision document without a record
	Source     string        `json:"source,omitempty"`
	Severity   string        `json:"severity,omitempty"` // format 2: class of entries for it, where it is not the list's
}

// Limits are sizes the catalogue fixes for everybody.
type Limits struct {
	NameCharacters int   `json:"name_characters"`
	TextCharacters int   `json:"text_characters"`
	MoneyFlagFen   int64 `json:"money_flag_fen"` // an amount above this is flagged
	EntriesPerList int   `json:"entries_per_statement"`
	FieldsPerAsk   int   `json:"fields_per_request"`
}

// Check is a test case inside the document: a request and the outcome it must
// have.
type Check struct {
	Title       string              `json:"title"`
	Requester   exchange.MemberKind `json:"requester"`
	Category    string              `json:"category"`
	SubjectKind string              `json:"subject_kind,omitempty"`
	Fields      []string            `json:"fields"`
	Purpose     string              `json:"purpose"`
	Basis       string              `json:"basis"`
	Want        Outcome             `json:"want"`
	Rule        string              `json:"rule,omitempty"`   // the rule that must decide, or be the nearest
	Clause      string              `json:"clause,omitempty"` // the clause a refusal must name

	// What follows came with format 2.

	Author    exchange.MemberKind `json:"author,omitempty"`
	Records   int                 `json:"records,omitzero"`
	Emergency bool                `json:"emergency,omitzero"`
	Approval  Approval            `json:"approval,omitempty"` // the approval the answer must ask for
}

// Outcome of a release decision.
type Outcome string

// The three outcomes.
const (
	Granted Outcome = "granted"
	Pending Outcome = "pending" // approvals outstanding
	Refused Outcome = "refused"
)
