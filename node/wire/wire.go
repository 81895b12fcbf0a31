package wire

import (
	"encoding/json"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
)

// SchemaVersion is the version of these bodies.
const SchemaVersion = 1

// Header names of API v1.
const (
	HeaderOperator = "Accord-Operator" // who acts, on the local socket only
	HeaderIndex    = "Accord-Index"    // ledger index the answer stands on
	// HeaderStale is set when the node has reached no read point since it started,
	// so newer statements may exist: the ledger's time at that index, RFC 3339.
	HeaderStale = "Accord-Stale"
)

// Federation is what a stranger needs to know to trust or find this
// federation.
type Federation struct {
	Federation       string        `json:"federation"`
	Name             exchange.Text `json:"name"`
	Charter          string        `json:"charter"` // digest, "sha256:…"
	Phrase           exchange.Text `json:"phrase"`  // the digest as words, to compare by phone
	Founded          time.Time     `json:"founded"`
	Catalogue        string        `json:"catalogue"` // id of the document in force
	CatalogueVersion int           `json:"catalogue_version"`
	CatalogueDigest  string        `json:"catalogue_digest"`
	MachineVersion   int           `json:"machine_version"`
	Members          []Member      `json:"members"`
}

// Member is one agency and its node.
type Member struct {
	ID      exchange.MemberID   `json:"id"`
	Kind    exchange.MemberKind `json:"kind"`
	Name    exchange.Text       `json:"name"`
	USCC    string              `json:"uscc,omitempty"`
	Seat    bool                `json:"seat"`
	Status  string              `json:"status,omitempty"` // active, suspended, left
	Node    string              `json:"node"`
	Role    string              `json:"role,omitempty"` // voter, nonvoter
	Address string              `json:"address"`
	Keys    []json.RawMessage   `json:"keys,omitempty"` // that count or counted
	// Ended says of those that do not count for ever, by key id, since or until when.
	Ended map[string]time.Time `json:"keys_ended,omitempty"`
	Self  bool                 `json:"self,omitempty"`
}

// Rosters are papers of the membership: they prove themselves to whoever knows the
// roster before the first of them, and the charter at the latest.
type Rosters struct {
	Charter string         `json:"charter"` // digest
	Version int            `json:"version"` // of the newest this node knows
	Digest  string         `json:"digest"`  // of the newest; the charter's before the first
	Roster  string         `json:"roster"`  // the newest as text; the charter's membership before the first
	Rosters []SignedRoster `json:"rosters"` // those asked for, oldest first
}

// SignedRoster is a roster with what puts it in force; a proposal has no
// endorsements yet.
type SignedRoster = members.SignedRoster

// SignedPlan is a plan of recovery with what puts it in force.
type SignedPlan = members.SignedPlan

// NewKeys asks for keys that a later roster shall list.
type NewKeys struct {
	Uses []keys.Use `json:"uses"`
}

// Introduction announces a member's keys and node, signed by itself.
type Introduction struct {
	Introduction string `json:"introduction"` // JWS
}

// Membership is where the nodes stand on the way to the roster in force.
type Membership struct {
	Version   int               `json:"version"` // of the roster in force here
	Digest    string            `json:"digest"`
	Announced int               `json:"announced,omitempty"` // a newer one this node knows, not applied here
	Machine   int               `json:"machine"`             // machine version in force
	Leader    exchange.MemberID `json:"leader,omitempty"`
	Seats     int               `json:"seats"`
	Quorum    int               `json:"quorum"`          // seats that must endorse the next roster
	Voters    int               `json:"voters"`          // that vote now
	Alone     bool              `json:"alone,omitempty"` // told by a node that does not lead and reached no leader
	Nodes     []MembershipNode  `json:"nodes"`
	Refused   string            `json:"refused,omitempty"` // why the last change failed at the leader
	Alarms    []exchange.Text   `json:"alarms,omitempty"`
}

// MembershipNode is one node: what the roster wants of it, what it is, and what has
// to happen next.
type MembershipNode struct {
	Member  exchange.MemberID `json:"member"`
	Node    string            `json:"node"`
	Address string            `json:"address"`
	Wanted  string            `json:"wanted"` // voter, nonvoter, or "" for a node that was taken off
	Role    string            `json:"role"`   // voter, nonvoter, or "" for one that is not there yet
	Reached *bool             `json:"reached,omitempty"`
	Behind  *int64            `json:"behind,omitempty"`  // entries behind the leader
	Machine int               `json:"machine,omitempty"` // what it announced, if it did
	Build   string            `json:"build,omitempty"`
	Next    string            `json:"next,omitempty"` // add, address, promote, demote, take-out
	Waits   *exchange.Text    `json:"waits,omitempty"`
}

// NodeStatus is this node's state.
type NodeStatus struct {
	Member    exchange.MemberID `json:"member"`
	Node      string            `json:"node"`
	Version   string            `json:"version"`
	Ready     bool              `json:"ready"`
	Why       string            `json:"why,omitempty"` // what readiness waits for
	Role      string            `json:"role"`          // leader, follower, candidate
	Leader    string            `json:"leader"`        // node id, "" when unknown
	LeaderOf  exchange.MemberID `json:"leader_member,omitempty"`
	Term      uint64            `json:"term"`
	Commit    uint64            `json:"commit"`
	Applied   uint64            `json:"applied"`
	Ledger    Ledger            `json:"ledger"`
	Records   int64             `json:"records"` // own records in the store
	StartedAt time.Time         `json:"started_at"`
	ClockOff  bool              `json:"clock_off"`          // more than 60 s from most members' clocks
	KeysDue   []KeyDue          `json:"keys_due,omitempty"` // keys to replace within 30 days

	ShareLost bool `json:"share_lost,omitempty"` // this member holds a share of a blinding key, and its keystore lacks it

	FeedAlarms       int      `json:"feed_alarms,omitempty"`       // open ones
	WebhooksDisabled []string `json:"webhooks_disabled,omitempty"` // endpoints that failed until they were given up

	Store StoreStatus `json:"store"`

	Unrecorded *Unrecorded `json:"unrecorded_recovery,omitempty"`
}

// StoreStatus is how a node's record store stands by what it was asked last.
type StoreStatus struct {
	Engine     string     `json:"engine"` // sqlite, postgres
	OK         bool       `json:"ok"`
	Code       string     `json:"code,omitempty"`  // error code of what is wrong
	Since      *time.Time `json:"since,omitempty"` // when that was first seen
	Took       float64    `json:"took_ms"`         // the last look at it
	Unscrubbed int64      `json:"unscrubbed"`      // erasures whose bytes are not yet gone from its files
}

// KeyDue is a key of this member that is to be replaced soon, or should have been.
type KeyDue struct {
	Use  string    `json:"use"`
	Due  time.Time `json:"due"`
	Days int       `json:"days"` // whole days left; negative: past
}

// Unrecorded is a plan of recovery under which this node's log began anew and that
// is not on the ledger yet.
type Unrecorded struct {
	Plan string `json:"plan"`          // digest
	For  int64  `json:"for_s"`         // how long the ledger has taken statements without it
	Late bool   `json:"late"`          // it should be there by now
	Why  string `json:"why,omitempty"` // error code of what keeps it off
}

// Recovery is a plan by which the ledger went on after a quorum was lost.
type Recovery struct {
	Digest  string              `json:"digest"`
	Seq     int64               `json:"seq,omitempty"` // the statement that records it; none: it is not on the ledger yet
	At      time.Time           `json:"at,omitzero"`
	By      []exchange.MemberID `json:"by,omitempty"`     // the seats that signed
	Between int64               `json:"between,omitzero"` // statements between the loss and the record
	Summary members.Plan        `json:"plan"`
	Signed  SignedPlan          `json:"signed"` // the plan's bytes with the signatures
}

// Recoveries are all that a node knows of, oldest first.
type Recoveries struct {
	Recoveries []Recovery `json:"recoveries"`
}

// KeyWindow is a key of this member with the time it counts.
type KeyWindow struct {
	Use   string     `json:"use"`
	KID   string     `json:"kid"`
	From  time.Time  `json:"from"`
	Until *time.Time `json:"until,omitempty"` // none: until further notice
	Held  bool       `json:"held"`            // its private half is in the keystore
}

// Ledger is the state of the ledger as this node knows it.
type Ledger struct {
	Index  uint64    `json:"index"`  // log index of the last entry applied
	Size   int64     `json:"size"`   // statements, leaves of the Merkle tree
	Root   string    `json:"root"`   // hex, root of the tree of Size leaves
	Digest string    `json:"digest"` // hex, chain digest of the state
	Time   time.Time `json:"time"`   // ledger time
}

// Statement is one command as the ledger recorded it.
type Statement struct {
	Seq      int64               `json:"seq"`
	Index    uint64              `json:"index"`
	ID       exchange.CommandID  `json:"id"`
	Verb     exchange.Verb       `json:"verb"`
	Issuer   exchange.MemberID   `json:"issuer"`
	Operator exchange.OperatorID `json:"operator"`
	At       time.Time           `json:"at"`
	OK       bool                `json:"ok"`
	JWS      string              `json:"jws,omitempty"`
}

// Statements is a page of the ledger, by sequence number.
type Statements struct {
	Statements []Statement `json:"statements"`
	Next       int64       `json:"next"` // ask with after=Next for the following page
	Size       int64       `json:"size"`
}

// Submitted is one line of the answer to a stream of statements: what the
// ledger said of the statement, or why it did not reach the ledger.
type Submitted struct {
	Result  *exchange.Result `json:"result,omitempty"`
	Problem *Problem         `json:"problem,omitempty"`
}

// Entry is one list entry and its status at At.
type Entry struct {
	ID          exchange.EntryID    `json:"id"`
	List        string              `json:"list"`
	Status      string              `json:"status"` // nominated, listed, expired, withdrawn, removed
	Subject     exchange.SubjectID  `json:"subject"`
	SubjectKind string              `json:"subject_kind"`
	Name        string              `json:"name,omitempty"`
	Ground      string              `json:"ground"`
	Decision    *DecisionRef        `json:"decision,omitempty"`
	Records     []RecordRef         `json:"records,omitempty"`
	Measures    []string            `json:"measures,omitempty"`
	By          exchange.MemberID   `json:"by"`
	Operator    exchange.OperatorID `json:"operator"`
	NominatedAt time.Time           `json:"nominated_at"`
	ListedFrom  time.Time           `json:"listed_from"`
	ListedUntil time.Time           `json:"listed_until"`
	RepairFrom  *time.Time          `json:"repair_from,omitempty"` // it is repaired no earlier, as the catalogue in force has it; none: at any time
	EndedAt     *time.Time          `json:"ended_at,omitempty"`
	EndReason   string              `json:"end_reason,omitempty"`
	AnnulledAt  *time.Time          `json:"annulled_at,omitempty"` // it stood then and was later taken back as never right
	AnnulReason string              `json:"annul_reason,omitempty"`
	Disputed    bool                `json:"disputed,omitempty"` // its subject objected, and that is not decided
	Version     int                 `json:"version"`
	Seq         int64               `json:"seq"`
	Document    string              `json:"document,omitempty"` // the signed SD-JWT, no disclosures

	// DocumentFault: the document's own signature does not verify, a provable
	// fault of By; it is no evidence to strangers.
	DocumentFault bool `json:"document_fault,omitzero"`
}

// Entries is a page of a list, or of what a question finds on all lists.
type Entries struct {
	At      time.Time `json:"at"` // whose statuses are meant
	Index   uint64    `json:"index"`
	Entries []Entry   `json:"entries"`
	Next    string    `json:"next,omitempty"` // cursor

	Known    time.Time `json:"known,omitzero"`     // of a question: up to this ledger time
	Question string    `json:"question,omitempty"` // in its one spelling
	Link     string    `json:"link,omitempty"`     // the next page
}

// DecisionRef names the decision document (决定书) an entry rests on.
type DecisionRef struct {
	Number    string `json:"number"`
	Authority string `json:"authority"`
	Date      string `json:"date,omitempty"`
}

// RecordRef names a record at its author without its content.
type RecordRef struct {
	ID       exchange.RecordID `json:"id"`
	Digest   string            `json:"digest"` // hex SHA-256 of the signed part
	Author   exchange.MemberID `json:"author"`
	Category string            `json:"category"`
}

// Nominate asks to put a subject on a list. Either Record names the record the
// entry rests on (the subject is then taken from it), or SubjectKind and
// Subject name it.
type Nominate struct {
	Record      exchange.RecordID `json:"record,omitempty"`
	Author      exchange.MemberID `json:"author,omitempty"` // of the record; empty: this member
	SubjectKind string            `json:"subject_kind,omitempty"`
	USCC        string            `json:"uscc,omitempty"`
	PersonID    string            `json:"person_id,omitempty"` // resident id; blinded before it leaves the node
	Name        string            `json:"name,omitempty"`
	Ground      string            `json:"ground"`
	Decision    *DecisionRef      `json:"decision,omitempty"`
	TermDays    int               `json:"term_days"`
	Measures    []string          `json:"measures,omitempty"`
}

// EndEntry withdraws or removes an entry.
type EndEntry struct {
	Reason string `json:"reason"`          // remove: repaired, revoked, error
	Text   string `json:"text"`            // why, in words
	Basis  string `json:"basis,omitempty"` // document number
	Expect int    `json:"expect"`          // version seen; 0: any
}

// Record is a record's signed part as anyone entitled may hold it.
type Record struct {
	ID            exchange.RecordID   `json:"id"`
	Category      string              `json:"category"`
	Author        exchange.MemberID   `json:"author"`
	Operator      exchange.OperatorID `json:"operator,omitempty"`
	Subject       exchange.SubjectID  `json:"subject"`
	SubjectKind   string              `json:"subject_kind"`
	IssuedAt      time.Time           `json:"issued_at"`
	Digest        string              `json:"digest"`
	Status        string              `json:"status"`             // active, corrected, retracted
	KnownAt       *time.Time          `json:"known_at,omitempty"` // when it reached the node that answers
	EndedAt       *time.Time          `json:"ended_at,omitempty"` // when its author corrected or retracted it
	Replaces      exchange.RecordID   `json:"replaces,omitempty"`
	ReplacedBy    exchange.RecordID   `json:"replaced_by,omitempty"`
	Source        string              `json:"source,omitempty"`
	Flags         []string            `json:"flags,omitempty"`
	PublicFields  json.RawMessage     `json:"public,omitempty"` // fields in clear, as signed
	PrivateFields []string            `json:"private,omitempty"`
	Document      string              `json:"document,omitempty"` // SD-JWT without disclosures
	Verified      bool                `json:"verified"`           // checked by this node against the author's key
	Disputed      bool                `json:"disputed,omitempty"` // its subject objected, and that is not decided
}

// AddRecord is one record entered by hand.
type AddRecord struct {
	Category    string                     `json:"category"`
	SubjectKind string                     `json:"subject_kind"`
	USCC        string                     `json:"uscc,omitempty"`
	PersonID    string                     `json:"person_id,omitempty"`
	Name        string                     `json:"name,omitempty"`
	Values      map[string]json.RawMessage `json:"values"`
}

// CorrectRecord replaces a record by a new one, or retracts it.
type CorrectRecord struct {
	Values map[string]json.RawMessage `json:"values,omitempty"`
	Reason string                     `json:"reason"`
}

// ImportEvent is one line of an import's NDJSON answer: progress while it
// runs, then exactly one report or problem.
type ImportEvent struct {
	Done    int           `json:"done,omitempty"`
	Total   int           `json:"total,omitempty"`
	Report  *ImportReport `json:"report,omitempty"`
	Problem *Problem      `json:"problem,omitempty"`
}

// ImportReport says what became of every row.
type ImportReport struct {
	File    string         `json:"file"`
	Mapping string         `json:"mapping"`
	DryRun  bool           `json:"dry_run"`
	Rows    int            `json:"rows"`
	New     int            `json:"new"`
	Same    int            `json:"same"`
	Refused int            `json:"refused"`
	Flagged int            `json:"flagged"`
	Issues  []ImportIssue  `json:"issues"`
	Kinds   map[string]int `json:"kinds,omitempty"`
	Parts   []ImportPart   `json:"parts,omitempty"` // per sheet or category
	IDs     []string       `json:"ids,omitempty"`   // records made, in row order
	Plan    *ImportPlan    `json:"plan,omitempty"`  // of a dry run: what an import would do
}

// ImportPlanFormat is the form of a plan.
const ImportPlanFormat = "accord-import-plan/1"

// ImportPlan is what a dry run found, by which the import itself is held: it
// begins only if file, mapping, catalogue and the author's records are those of
// the plan, and every row would fare as the plan says.
type ImportPlan struct {
	Format    string `json:"format"`
	File      string `json:"file"`
	Input     string `json:"input"`     // SHA-256 of the file
	Mapping   string `json:"mapping"`   // its name
	Reading   string `json:"reading"`   // SHA-256 of what the mapping says
	Catalogue string `json:"catalogue"` // digest of the catalogue in force
	AsOf      string `json:"as_of"`     // day on which rows were judged
	Position  string `json:"position"`  // size and root of the author's own feed
	Rows      int    `json:"rows"`
	New       int    `json:"new"`
	Same      int    `json:"same"`
	Refused   int    `json:"refused"`
	Flagged   int    `json:"flagged"`
	Outcome   string `json:"outcome"` // SHA-256 over the verdict of every row
}

// ImportPart is the count of one sheet or category.
type ImportPart struct {
	Part    string `json:"part"`
	Rows    int    `json:"rows"`
	New     int    `json:"new"`
	Same    int    `json:"same"`
	Refused int    `json:"refused"`
	Flagged int    `json:"flagged"`
}

// ImportIssue is one finding in one row. It never holds a private value.
type ImportIssue struct {
	Part    string        `json:"part,omitempty"`
	Row     int           `json:"row"`
	Place   string        `json:"place"` // "line 17" or "C9"
	Column  string        `json:"column"`
	Kind    string        `json:"kind"`
	Effect  string        `json:"effect"` // refuse, flag, same
	Message exchange.Text `json:"message"`
}

// Release is a request to open private fields and all that became of it. It is
// the receipt (回执) every node holds.
type Release struct {
	Records   int         `json:"records"`             // how many it is about
	Second    *Approval   `json:"second,omitempty"`    // of the requester, for several records
	Consent   *ConsentRef `json:"consent,omitempty"`   // of the subject
	Emergency bool        `json:"emergency,omitempty"` // asked as one
	Urgency   string      `json:"urgency,omitempty"`   // of a granted emergency: unjustified, overdue, justified, justified-late
	JustifyBy *time.Time  `json:"justify_by,omitempty"`
	Justified *Approval   `json:"justified,omitempty"`

	ID        exchange.ReleaseID  `json:"id"`
	Status    string              `json:"status"` // refused, pending, granted, denied, lapsed, delivered, opened
	Requester exchange.MemberID   `json:"requester"`
	Operator  exchange.OperatorID `json:"operator"`
	Record    RecordRef           `json:"record"`
	Fields    []string            `json:"fields"`
	Purpose   string              `json:"purpose"`
	Basis     Basis               `json:"basis"`
	Decision  catalogue.Decision  `json:"decision"`
	At        time.Time           `json:"at"`
	Until     *time.Time          `json:"until,omitempty"` // a grant not used by then lapses
	Approvals []Approval          `json:"approvals,omitempty"`
	Delivered *Receipt            `json:"delivered,omitempty"`
	Opened    *Receipt            `json:"opened,omitempty"`
	Seq       int64               `json:"seq"`
	Custody   []CustodyDelivery   `json:"custody,omitempty"` // receipts of custodians
}

// Approval is one approver's word.
type Approval struct {
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"operator"`
	At       time.Time           `json:"at"`
	Approve  bool                `json:"approve"`
	Note     string              `json:"note,omitempty"`
}

// Receipt is one side's digest of what was delivered, see release.ReceiptBody.
type Receipt struct {
	Digest string    `json:"digest"` // hex SHA-256 of the JWE
	At     time.Time `json:"at"`
}

// Releases is a page of receipts, newest first.
type Releases struct {
	Releases []Release `json:"releases"`
	Next     string    `json:"next,omitempty"`
}

// Judge approves or denies a pending release.
type Judge struct {
	Note string `json:"note"`
}

// Delivery is the author's answer to a granted release: the JWE that only the
// requester opens.
type Delivery struct {
	Release  exchange.ReleaseID `json:"release"`
	Envelope string             `json:"envelope"`
}

// Opened is what the requester's operator sees: exactly the granted fields,
// verified against the author's signature.
type Opened struct {
	Copy string `json:"copy"` // the mark of this copy, a JWS: who was shown it, under which release

	Release  Release                    `json:"release"`
	Fields   map[string]json.RawMessage `json:"fields"`            // of the one record
	Records  []OpenedRecord             `json:"records,omitempty"` // of several, each with its own
	Issuer   exchange.MemberID          `json:"issuer"`
	Verified bool                       `json:"verified"`
	// By whose answers it was opened without its author, and who gave nothing usable.
	Custodians []exchange.MemberID `json:"custodians,omitempty"`
	Faults     []CustodyFault      `json:"faults,omitempty"`
}

// Checkpoint is the node's signed note over the ledger's root at Size.
type Checkpoint struct {
	Size int64  `json:"size"`
	Note string `json:"note"`
}

// Problem is the RFC 9457 problem document.
type Problem struct {
	Type      string         `json:"type"` // "urn:accord:error:CODE"
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail"`
	Code      string         `json:"code"`
	Kind      string         `json:"kind"`
	Next      string         `json:"next,omitempty"`
	Field     string         `json:"field,omitempty"`
	Retryable bool           `json:"retryable"`
	Args      []exchange.Arg `json:"args,omitempty"`
}

// AdoptCatalogue puts a new catalogue version in force.
type AdoptCatalogue struct {
	Document     string   `json:"document"`     // compiled JSON text
	Endorsements []string `json:"endorsements"` // JWS, one per seat
}

// Endorsement is this member's signature under a catalogue document.
type Endorsement struct {
	Member    exchange.MemberID `json:"member"`
	Digest    string            `json:"digest"`
	Version   int               `json:"version"`
	Signature string            `json:"signature"`
}

// Backup asks for a sealed backup of the node.
type Backup struct {
	To       []string `json:"to"`                  // recipients' public key files, as accord backup keygen wrote them
	WithKeys bool     `json:"with_keys,omitempty"` // with the keystore's files, encrypted as they are
}

// Done is the answer to an act on the ledger.
type Done struct {
	ID    exchange.CommandID `json:"id"`
	Index uint64             `json:"index"`
	Seq   int64              `json:"seq"`
}
