package release

import (
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

// Approval is a person's word on a request.
type Approval struct {
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"op"`
	At       exchange.Millis     `json:"at"`
	Note     string              `json:"note,omitempty"`
	Seq      int64               `json:"seq"`
}

// Receipt is one side's word on what was delivered.
type Receipt struct {
	Digest   string              `json:"digest"` // see ReceiptBody
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

	// What follows came with machine version 4.

	Rules     int             `json:"rules,omitzero"`      // machine version it was asked under, from 4
	More      []Part          `json:"more,omitempty"`      // the other records of a bulk request
	Second    *Approval       `json:"second,omitempty"`    // the second person of the requester, who a bulk request takes
	Consent   *ConsentRef     `json:"consent,omitempty"`   // the subject's consent it rests on
	Emergency bool            `json:"emergency,omitzero"`  // asked as an emergency
	JustifyBy exchange.Millis `json:"justify_by,omitzero"` // until when an emergency has to be justified
	Justified *Approval       `json:"justified,omitempty"` // the requester's justification
}

// Part is another record of a bulk request: of the same author and category as its
// first.
type Part struct {
	ID     exchange.RecordID `json:"id"`
	Digest string            `json:"digest"` // hex SHA-256 of the record's JWT
}

// Records is how many records the request is about.
func (r *Release) Records() int { return 1 + len(r.More) }

// Refs are the records the request is about, in its order.
func (r *Release) Refs() []lists.RecordRef {
	all := []lists.RecordRef{r.Record}
	for _, p := range r.More {
		all = append(all, lists.RecordRef{ID: p.ID, Digest: p.Digest, Author: r.Record.Author, Category: r.Record.Category})
	}
	return all
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
	case r.Decision.Outcome == catalogue.Pending:
		if _, ok := r.approved(at); !ok {
			return Pending
		}
	}
	return Granted
}

// GrantedAt is when the grant that stands at a time came about.
func (r *Release) GrantedAt(at exchange.Millis) exchange.Millis {
	if since, ok := r.approved(at); ok && r.Decision.Outcome == catalogue.Pending {
		return since
	}
	return r.At
}

// Until is when the status it has at a time ends by itself, 0 when it does not.
func (r *Release) Until(at exchange.Millis) exchange.Millis {
	switch r.StatusAt(at) {
	case Pending, Granted:
		return r.until(at)
	}
	return 0
}

// until is when a request lapses: an unapproved one when its rule's time to approve
// is over, a grant as long after it was made, or approved, as its rule lets it stand.
// One on a consent does not outlive it.
func (r *Release) until(at exchange.Millis) exchange.Millis {
	valid, wait := exchange.Millis(r.Decision.ValidMS), exchange.Millis(r.Decision.ApprovalMS)
	end := r.At + valid
	if since, ok := r.approved(at); ok {
		end = since + valid
	} else if r.Decision.Outcome == catalogue.Pending && wait != 0 {
		end = r.At + wait
	}
	if r.Consent != nil {
		end = min(end, r.Consent.Until)
	}
	return end
}

// Lasts says whether the term of a grant is not over at a time, whatever was delivered
// under it.
func (r *Release) Lasts(at exchange.Millis) bool { return at < r.until(at) }

// approved says whether all approvals the decision wants were given by then, and
// when the last one was.
func (r *Release) approved(at exchange.Millis) (since exchange.Millis, ok bool) {
	want := max(r.Decision.Persons, 1) // of an author or the joint meeting one word is enough
	if len(r.Approvals) < want {
		return 0, false
	}
	since = r.Approvals[want-1].At
	if len(r.More) > 0 {
		if r.Second == nil {
			return 0, false
		}
		since = max(since, r.Second.At)
	}
	return since, at >= since
}

// age orders newest first.
func (r *Release) age() string { return state.Newest(r.Seq) }

var (
	byAge   = state.NewIndex("age", func(r *Release) [][]string { return [][]string{{r.age()}} })
	byParty = state.NewIndex("party", func(r *Release) [][]string {
		return [][]string{{string(r.Requester), r.age()}, {string(r.Record.Author), r.age()}}
	})
	byRecord = state.NewIndex("record", func(r *Release) [][]string {
		all := [][]string{{string(r.Record.ID), r.age()}}
		for _, p := range r.More {
			all = append(all, []string{string(p.ID), r.age()})
		}
		return all
	})
	// byWaiting holds what nobody has decided yet; what has lapsed stays in it.
	byWaiting = state.NewIndex("waiting", func(r *Release) [][]string {
		if _, done := r.approved(math.MaxInt64); done || r.Decision.Outcome != catalogue.Pending || r.Denied != nil {
			return nil
		}
		return [][]string{{r.age()}}
	})
	byEmergency = state.NewIndex("emergency", func(r *Release) [][]string {
		if !r.Emergency {
			return nil
		}
		return [][]string{{r.age()}}
	})

	releases = state.NewTable("release.releases", func(r *Release) string { return string(r.ID) }, byAge, byParty, byRecord, byWaiting, byEmergency)
)

// Tables lists the tables of this part. The later ones came with machine version 4.
func Tables() []state.AnyTable { return []state.AnyTable{releases, consents, counts} }
