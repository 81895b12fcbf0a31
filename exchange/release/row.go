package release

import (
	"encoding/hex"
	"math"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/state"
)

// Status is where a request stands at a time.
type Status string

// The statuses; None is a request before it was made.
const (
	None      Status = ""
	Refused   Status = "refused"   // 不予准予: the catalogue says no
	Pending   Status = "pending"   // 待批准: an approval is outstanding
	Granted   Status = "granted"   // 准予
	Denied    Status = "denied"    // 未获批准: the author said no
	Lapsed    Status = "lapsed"    // 逾期失效: not approved, or not delivered, in time
	Delivered Status = "delivered" // 已交付
	Opened    Status = "opened"    // 已查阅
)

// Statuses lists the statuses.
func Statuses() []Status {
	return []Status{Refused, Pending, Granted, Denied, Lapsed, Delivered, Opened}
}

// Basis is what a request rests on (依据).
type Basis struct {
	Kind string `json:"kind"` // one of the catalogue.Basis constants
	Ref  string `json:"ref"`  // case, document or article number
}

// Approval is the word of an officer of the author.
type Approval struct {
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"op"`
	At       exchange.Millis     `json:"at"`
	Note     string              `json:"note,omitempty"`
	Seq      int64               `json:"seq"`
}

// Receipt is one side's word on what was delivered.
type Receipt struct {
	Digest   string              `json:"digest"` // hex SHA-256 of the encrypted envelope
	Operator exchange.OperatorID `json:"op"`
	At       exchange.Millis     `json:"at"`
	Seq      int64               `json:"seq"`
}

// Release is a request and all that became of it.
type Release struct {
	ID        exchange.ReleaseID  `json:"id"` // id of the command that asked
	Requester exchange.MemberID   `json:"requester"`
	Operator  exchange.OperatorID `json:"op"`
	Record    lists.RecordRef     `json:"record"`
	Fields    []string            `json:"fields"`
	Purpose   string              `json:"purpose"`
	Basis     Basis               `json:"basis"`
	Decision  catalogue.Decision  `json:"decision"` // names the catalogue version
	At        exchange.Millis     `json:"at"`
	Approvals []Approval          `json:"approvals,omitempty"`
	Denied    *Approval           `json:"denied,omitempty"`
	Delivered *Receipt            `json:"delivered,omitempty"`
	Opened    *Receipt            `json:"opened,omitempty"`
	Seq       int64               `json:"seq"`
}

// StatusAt is the request's status at a time.
func (r *Release) StatusAt(at exchange.Millis) Status {
	switch {
	case at < r.At:
		return None
	case r.Decision.Outcome != catalogue.Granted && r.Decision.Outcome != catalogue.Pending:
		return Refused
	case r.Opened != nil && at >= r.Opened.At:
		return Opened
	case r.Delivered != nil && at >= r.Delivered.At:
		return Delivered
	case r.Denied != nil && at >= r.Denied.At:
		return Denied
	case at >= r.until(at):
		return Lapsed
	case r.Decision.Outcome == catalogue.Pending && !r.approved(at):
		return Pending
	}
	return Granted
}

// Until is when the status it has at a time ends by itself, 0 when it does not.
func (r *Release) Until(at exchange.Millis) exchange.Millis {
	switch r.StatusAt(at) {
	case Pending, Granted:
		return r.until(at)
	}
	return 0
}

// until is when a request lapses: as long after it was made as its rule lets a
// grant stand, and as long again after its approval.
func (r *Release) until(at exchange.Millis) exchange.Millis {
	from := r.At
	if r.approved(at) {
		from = r.Approvals[0].At
	}
	return from + exchange.Millis(r.Decision.ValidMS)
}

// approved says whether all approvals the decision wants were given by then:
// in machine version 1 one, by the author.
func (r *Release) approved(at exchange.Millis) bool {
	return len(r.Approvals) > 0 && at >= r.Approvals[0].At
}

// age orders newest first.
func (r *Release) age() string {
	var b [8]byte
	seq := uint64(math.MaxInt64 - r.Seq)
	for i := range b {
		b[i] = byte(seq >> (56 - 8*i))
	}
	return hex.EncodeToString(b[:])
}

var (
	byAge   = state.NewIndex("age", func(r *Release) [][]string { return [][]string{{r.age()}} })
	byParty = state.NewIndex("party", func(r *Release) [][]string {
		return [][]string{{string(r.Requester), r.age()}, {string(r.Record.Author), r.age()}}
	})
	byRecord = state.NewIndex("record", func(r *Release) [][]string { return [][]string{{string(r.Record.ID), r.age()}} })

	releases = state.NewTable("release.releases", func(r *Release) string { return string(r.ID) }, byAge, byParty, byRecord)
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{releases} }
