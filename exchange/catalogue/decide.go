package catalogue

import (
	"strconv"

	"accord/exchange"
)

// Request is what a member asks the catalogue: may this kind of member open
// these fields of a record of this category, for this purpose, on this basis?
type Request struct {
	Requester   exchange.MemberKind `json:"requester"`
	Author      exchange.MemberKind `json:"author"` // kind of the record's author; empty: any author of the category
	Category    string              `json:"category"`
	SubjectKind string              `json:"subject_kind,omitempty"` // empty: judged by the stricter class of each field
	Fields      []string            `json:"fields"`
	Purpose     string              `json:"purpose"`
	BasisKind   string              `json:"basis_kind"`         // one of the Basis constants
	BasisRef    string              `json:"basis_ref"`          // case number, document number
	Records     int                 `json:"records,omitzero"`   // how many records it is about; 0 and 1: one
	Emergency   bool                `json:"emergency,omitzero"` // the requester declares an emergency
}

// Clause names the part of a rule, or of the catalogue, that a request failed.
// It is a stable word of the wire format.
const (
	ClauseRequester = "requester"
	ClauseCategory  = "category"
	ClausePurpose   = "purpose"
	ClauseBasis     = "basis"
	ClauseField     = "field"
	ClauseClass     = "class"
	ClauseLimit     = "limit"
	ClauseAuthor    = "author"    // whose record it is
	ClauseBulk      = "bulk"      // how many records
	ClauseEmergency = "emergency" // no rule for emergencies
	ClauseRate      = "rate"      // requests of one operator in a day, see Catalogue.TooMany
)

// Decision is the catalogue's answer with its reason: the rule that granted,
// or the rule that came nearest and the clause it failed.
type Decision struct {
	Outcome   Outcome       `json:"outcome"`
	Catalogue string        `json:"catalogue"` // document id
	Version   int           `json:"version"`
	Rule      string        `json:"rule,omitempty"`   // the rule applied, or the nearest one that failed
	Clause    string        `json:"clause,omitempty"` // first failed clause, one of the Clause constants
	Failed    []string      `json:"failed,omitempty"` // every clause the nearest rule failed
	Why       exchange.Text `json:"why"`
	Need      exchange.Text `json:"need"` // what would be needed
	Approval  Approval      `json:"approval,omitempty"`
	ValidMS   int64         `json:"valid_ms,omitzero"` // how long a grant stands

	// What rules of format 2 ask for beside.

	Persons        int                   `json:"persons,omitzero"`          // different persons who must approve, with ApprovalPersons
	Approvers      []exchange.MemberKind `json:"approvers,omitempty"`       // kinds of member whose officers these may be; empty: the author's
	ApprovalMS     int64                 `json:"approval_ms,omitzero"`      // how long it may take to approve; 0: ValidMS
	PerOperatorDay int                   `json:"per_operator_day,omitzero"` // see Catalogue.TooMany
	Emergency      bool                  `json:"emergency,omitzero"`
	JustifyDays    int                   `json:"justify_days,omitzero"` // working days to justify an emergency in
}

// MaxBasisRef is the longest basis reference in bytes.
const MaxBasisRef = 400

// Decide answers a request by the document alone. It builds an index each
// time; who decides often keeps a Catalogue.
func Decide(doc *Document, r Request) Decision { return New(doc).Decide(r) }

// Decide answers a request: a pure function of document and request, the same
// on every node.
//
// The request must first make sense by itself: requester kind, category,
// author, purpose, basis and fields known, no field secret, none public. Then
// the rules are tried in the order of the document. A rule that fits in every
// clause decides; one that asks nobody's approval goes before one that does.
// Rules for emergencies are tried for requests that declare one, and only these.
// A request about several records needs the approval of several persons. One rule must cover all the fields asked. Where none fits, the answer names
// the rule with the fewest failed clauses, the first of these in the document.
func (c *Catalogue) Decide(r Request) Decision {
	cat, refusal := c.admit(&r)
	if refusal != nil {
		return *refusal
	}
	var pending, nearest *rule
	var missed failures
	for _, rule := range cat.rules {
		if rule.Emergency != r.Emergency {
			continue
		}
		failed := rule.try(&r)
		switch {
		case failed == 0 && rule.Approval == ApprovalNone && r.Records <= 1:
			return c.accept(rule, &r)
		case failed == 0 && pending == nil:
			pending = rule
		case failed != 0 && (nearest == nil || failed.count() < missed.count()):
			nearest, missed = rule, failed
		}
	}
	if pending != nil {
		return c.accept(pending, &r)
	}
	if nearest == nil {
		return c.refuseUncovered(&r)
	}
	return c.refuseRule(&r, nearest, missed)
}

// accept is a positive answer; its texts were made with the index.
func (c *Catalogue) accept(rule *rule, r *Request) Decision {
	a := &rule.one
	if r.Records > 1 {
		a = &rule.bulk
	}
	outcome := Pending
	if a.approval == ApprovalNone {
		outcome = Granted
	}
	return Decision{Outcome: outcome, Catalogue: c.doc.ID, Version: c.doc.Version, Rule: rule.ID,
		Why: a.why, Need: a.need, Approval: a.approval, ValidMS: rule.validMS, Persons: a.persons, Approvers: a.approvers,
		ApprovalMS: rule.approvalMS, PerOperatorDay: rule.PerOperatorDay, Emergency: rule.Emergency, JustifyDays: rule.JustifyDays}
}

// TooMany turns a positive answer into the refusal due to an operator who has made
// as many requests under the rule that day as it allows. Whoever keeps the requests
// counts them.
func (c *Catalogue) TooMany(d Decision) Decision {
	most := strconv.Itoa(d.PerOperatorDay)
	no := *c.refuse(ClauseRate,
		exchange.Text{Zh: "该经办人当日依规则 " + d.Rule + " 的请求已达上限 " + most, En: "the operator has made all " + most + " requests of the day under rule " + d.Rule},
		exchange.Text{Zh: "请于次日提出，或由其他经办人办理", En: "ask tomorrow, or have another operator ask"})
	no.Rule, no.Failed = d.Rule, []string{ClauseRate}
	return no
}

// failures is the set of clauses a rule failed.
type failures uint8

// The order of the bits is the order in which failures are told.
const (
	failRequester failures = 1 << iota
	failPurpose
	failBasis
	failField
	failLimit
	failAuthor
	failBulk
)

var failureClauses = [...]string{ClauseRequester, ClausePurpose, ClauseBasis, ClauseField, ClauseLimit, ClauseAuthor, ClauseBulk}

func (f failures) count() (n int) {
	for ; f != 0; f &= f - 1 {
		n++
	}
	return n
}

// clauses lists the set in the order of telling.
func (f failures) clauses() []string {
	var names []string
	for i, name := range failureClauses {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// try says which clauses of the rule an admitted request fails.
func (ru *rule) try(r *Request) failures {
	var failed failures
	if !containsKind(ru.Requesters, r.Requester) {
		failed |= failRequester
	}
	if !contains(ru.Purposes, r.Purpose) {
		failed |= failPurpose
	}
	if ru.Basis != r.BasisKind {
		failed |= failBasis
	}
	for _, f := range r.Fields {
		if !contains(ru.Fields, f) {
			failed |= failField
			break
		}
	}
	if ru.MaxFields > 0 && len(r.Fields) > ru.MaxFields {
		failed |= failLimit
	}
	if len(ru.Authors) > 0 && !containsKind(ru.Authors, r.Author) {
		failed |= failAuthor
	}
	if r.Records > 1 && (ru.Bulk == nil || r.Records > ru.Bulk.Records) {
		failed |= failBulk
	}
	return failed
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

func containsKind(list []exchange.MemberKind, k exchange.MemberKind) bool {
	for _, item := range list {
		if item == k {
			return true
		}
	}
	return false
}
