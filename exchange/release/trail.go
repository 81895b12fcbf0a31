package release

import (
	"cmp"
	"iter"
	"slices"

	"accord/exchange"
	"accord/exchange/state"
)

// The kinds of steps.
const (
	StepRequest = "requested"
	StepApprove = "approved"
	StepDeny    = "denied"
	StepDeliver = "delivered"
	StepOpen    = "opened"
	StepConsent = "consented" // the requester presented the subject's consent
	StepSecond  = "seconded"
	StepJustify = "justified"
)

// Step is one statement of the ledger by which a release went on. Whoever adds a
// verb about releases adds its steps here: the subjects' access logs are made of them.
type Step struct {
	Kind     string
	Seq      int64
	By       exchange.MemberID
	Operator exchange.OperatorID
	At       exchange.Millis
}

// Steps are the statements about a release, in the ledger's order.
func (r *Release) Steps() []Step {
	steps := []Step{{StepRequest, r.Seq, r.Requester, r.Operator, r.At}}
	for _, a := range r.Approvals {
		switch {
		case a.Seq == r.Seq: // the consent came with the request
		case r.Consent != nil:
			steps = append(steps, Step{StepConsent, a.Seq, r.Requester, r.Operator, a.At})
		default:
			steps = append(steps, Step{StepApprove, a.Seq, a.By, a.Operator, a.At})
		}
	}
	if s := r.Second; s != nil {
		steps = append(steps, Step{StepSecond, s.Seq, s.By, s.Operator, s.At})
	}
	if d := r.Denied; d != nil {
		steps = append(steps, Step{StepDeny, d.Seq, d.By, d.Operator, d.At})
	}
	if d := r.Delivered; d != nil {
		steps = append(steps, Step{StepDeliver, d.Seq, r.Record.Author, d.Operator, d.At})
	}
	if o := r.Opened; o != nil {
		steps = append(steps, Step{StepOpen, o.Seq, r.Requester, o.Operator, o.At})
	}
	if j := r.Justified; j != nil {
		steps = append(steps, Step{StepJustify, j.Seq, j.By, j.Operator, j.At})
	}
	slices.SortFunc(steps, func(a, b Step) int { return cmp.Compare(a.Seq, b.Seq) })
	return steps
}

// All gives every release, refused ones included, newest first.
func All(r state.Reader) iter.Seq[Release] { return byAge.Scan(r) }

// OfRecord gives the releases of a record, newest first.
func OfRecord(r state.Reader, record exchange.RecordID) iter.Seq[Release] {
	return byRecord.Scan(r, string(record))
}
