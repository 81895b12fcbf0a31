package release

import (
	"iter"

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
		steps = append(steps, Step{StepApprove, a.Seq, a.By, a.Operator, a.At})
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
	return steps
}

// All gives every release, refused ones included, newest first.
func All(r state.Reader) iter.Seq[Release] { return byAge.Scan(r) }

// OfRecord gives the releases of a record, newest first.
func OfRecord(r state.Reader, record exchange.RecordID) iter.Seq[Release] {
	return byRecord.Scan(r, string(record))
}
