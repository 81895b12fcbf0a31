package subjects

import (
	"slices"

	"accord/exchange"
	"accord/exchange/custody"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/state"
)

// Status is where a complaint, an application or an objection stands at a time.
type Status string

// The statuses.
const (
	Open     Status = "open"     // 办理中
	Overdue  Status = "overdue"  // 逾期未答复
	Upheld   Status = "upheld"   // 投诉、异议成立
	Rejected Status = "rejected" // 投诉、异议不成立
	Released Status = "released" // 已提供
	Refused  Status = "refused"  // 不予提供
)

// The terms where the catalogue sets no deadline: 30 days for a complaint (征信业管理条例
// 26), and for an application the twenty working days of 政府信息公开条例 33 in weeks of
// five.
const (
	complaintTerm   = 30 * 24 * 60 * 60 * 1000
	applicationTerm = 28 * 24 * 60 * 60 * 1000
)

// due is when what was taken now must be answered, by the catalogue in force.
func due(a *members.Act, deadline string, term exchange.Millis) exchange.Millis {
	if at, ok := a.Catalogue.Due(deadline, a.Now); ok {
		return at
	}
	return a.Now + term
}

// Answer is how a complaint or an application was answered.
type Answer struct {
	By       exchange.MemberID   `json:"by"`
	Operator exchange.OperatorID `json:"op"`
	Outcome  Status              `json:"outcome"`
	Ground   string              `json:"ground,omitempty"` // of a refusal
	Digest   string              `json:"digest"`           // of the text, or of what was handed out
	At       exchange.Millis     `json:"at"`
	Seq      int64               `json:"seq"`
}

// Complaint is a subject's complaint about a release, as a member took it.
type Complaint struct {
	ID       exchange.CommandID  `json:"id"`
	Release  exchange.ReleaseID  `json:"release"`
	Record   lists.RecordRef     `json:"record"`
	Against  exchange.MemberID   `json:"against"` // who asked for the record
	By       exchange.MemberID   `json:"by"`      // who took the complaint
	Operator exchange.OperatorID `json:"op"`
	Digest   string              `json:"digest"` // hex SHA-256 of the salted text
	At       exchange.Millis     `json:"at"`
	Due      exchange.Millis     `json:"due"`
	Answer   *Answer             `json:"answer,omitempty"`
	Seq      int64               `json:"seq"`
}

// Application is a subject's application for sealed fields of its own record, as a
// member took it.
type Application struct {
	ID       exchange.CommandID  `json:"id"`
	Record   lists.RecordRef     `json:"record"`
	Fields   []string            `json:"fields"`
	By       exchange.MemberID   `json:"by"` // who took it
	Operator exchange.OperatorID `json:"op"`
	At       exchange.Millis     `json:"at"`
	Due      exchange.Millis     `json:"due"`
	Answer   *Answer             `json:"answer,omitempty"`
	Seq      int64               `json:"seq"`
}

// StatusAt is a complaint's status at a time.
func (c *Complaint) StatusAt(at exchange.Millis) Status { return statusAt(c.Answer, c.Due, at) }

// StatusAt is an application's status at a time.
func (a *Application) StatusAt(at exchange.Millis) Status { return statusAt(a.Answer, a.Due, at) }

func statusAt(answer *Answer, due, at exchange.Millis) Status {
	switch {
	case answer != nil && at >= answer.At:
		return answer.Outcome
	case at >= due:
		return Overdue
	}
	return Open
}

var (
	complaintsByAge    = state.NewIndex("age", func(c *Complaint) [][]string { return [][]string{{state.Newest(c.Seq)}} })
	complaintsByRecord = state.NewIndex("record", func(c *Complaint) [][]string { return [][]string{{string(c.Record.ID), state.Newest(c.Seq)}} })
	complaints         = state.NewTable("subjects.complaints", func(c *Complaint) string { return string(c.ID) }, complaintsByAge, complaintsByRecord).Later()

	applicationsByAge    = state.NewIndex("age", func(a *Application) [][]string { return [][]string{{state.Newest(a.Seq)}} })
	applicationsByRecord = state.NewIndex("record", func(a *Application) [][]string { return [][]string{{string(a.Record.ID), state.Newest(a.Seq)}} })
	applications         = state.NewTable("subjects.applications", func(a *Application) string { return string(a.ID) }, applicationsByAge, applicationsByRecord).Later()
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{complaints, applications, objections} }

// GetComplaint finds a complaint.
func GetComplaint(r state.Reader, id exchange.CommandID) (Complaint, bool) {
	return complaints.Get(r, string(id))
}

// GetApplication finds an application.
func GetApplication(r state.Reader, id exchange.CommandID) (Application, bool) {
	return applications.Get(r, string(id))
}

// Complaints gives every complaint, newest first.
func Complaints(r state.Reader) []Complaint { return slices.Collect(complaintsByAge.Scan(r)) }

// Applications gives every application, newest first.
func Applications(r state.Reader) []Application { return slices.Collect(applicationsByAge.Scan(r)) }

// The kinds of steps beside those of releases.
const (
	StepComplain = "complained"
	StepAnswer   = "answered"
	StepApply    = "applied"
	StepDecide   = "decided"
	StepObject   = "objected"
	StepSettle   = "settled"
	// Of a release that custodians answered: the last answer of each.
	StepCustodian = "custodian-delivered"
)

// Step is one accepted statement of the ledger about a record: what a subject's
// access log is made of. Of a release's steps Release is set, of the others what they
// belong to.
type Step struct {
	release.Step
	Record      lists.RecordRef
	Release     *release.Release
	Complaint   *Complaint
	Application *Application
	Objection   *Objection
}

// All gives the steps about all records, in no order.
func All(r state.Reader) (steps []Step) {
	for rel := range release.All(r) {
		steps = ofRelease(r, steps, &rel, "")
	}
	for c := range complaintsByAge.Scan(r) {
		steps = ofComplaint(steps, &c)
	}
	for a := range applicationsByAge.Scan(r) {
		steps = ofApplication(steps, &a)
	}
	for o := range objectionsByAge.Scan(r) {
		steps = ofObjection(steps, &o)
	}
	return steps
}

// OfRecord gives the steps about one record, in no order.
func OfRecord(r state.Reader, id exchange.RecordID) (steps []Step) {
	for rel := range release.OfRecord(r, id) {
		steps = ofRelease(r, steps, &rel, id)
	}
	for c := range complaintsByRecord.Scan(r, string(id)) {
		steps = ofComplaint(steps, &c)
	}
	for a := range applicationsByRecord.Scan(r, string(id)) {
		steps = ofApplication(steps, &a)
	}
	for _, o := range Against(r, id) {
		steps = ofObjection(steps, &o)
	}
	return steps
}

// ofRelease adds the steps of a release about one of its records, or about all of them.
func ofRelease(r state.Reader, steps []Step, rel *release.Release, only exchange.RecordID) []Step {
	for _, s := range rel.Steps() {
		for _, ref := range rel.Refs() {
			if only == "" || ref.ID == only {
				steps = append(steps, Step{Step: s, Record: ref, Release: rel})
			}
		}
	}
	answers, _ := custody.AnswersOf(r, rel.ID)
	for _, d := range answers.Deliveries {
		for _, ref := range rel.Refs() {
			if only == "" || ref.ID == only {
				steps = append(steps, Step{Step: release.Step{Kind: StepCustodian, Seq: d.Seq, By: d.Custodian, Operator: d.Operator, At: d.At}, Record: ref, Release: rel})
			}
		}
	}
	return steps
}

func ofComplaint(steps []Step, c *Complaint) []Step {
	steps = append(steps, Step{Step: release.Step{Kind: StepComplain, Seq: c.Seq, By: c.By, Operator: c.Operator, At: c.At}, Record: c.Record, Complaint: c})
	if a := c.Answer; a != nil {
		steps = append(steps, Step{Step: a.step(StepAnswer), Record: c.Record, Complaint: c})
	}
	return steps
}

func ofApplication(steps []Step, p *Application) []Step {
	steps = append(steps, Step{Step: release.Step{Kind: StepApply, Seq: p.Seq, By: p.By, Operator: p.Operator, At: p.At}, Record: p.Record, Application: p})
	if a := p.Answer; a != nil {
		steps = append(steps, Step{Step: a.step(StepDecide), Record: p.Record, Application: p})
	}
	return steps
}

func (a *Answer) step(kind string) release.Step {
	return release.Step{Kind: kind, Seq: a.Seq, By: a.By, Operator: a.Operator, At: a.At}
}
