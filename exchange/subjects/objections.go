package subjects

import (
	"slices"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/meeting"
	"accord/exchange/members"
	"accord/exchange/release"
	"accord/exchange/state"
)

// objectionTerm is the term where the catalogue sets no deadline (征信业管理条例 25).
const objectionTerm = 20 * 24 * 60 * 60 * 1000

// Objection (异议) is what a subject holds against an entry on a list, or a record, as a
// member took it. As long as it is not decided everybody sees that there is one.
type Objection struct {
	ID       exchange.CommandID  `json:"id"`
	Entry    exchange.EntryID    `json:"entry,omitempty"`
	Record   *lists.RecordRef    `json:"record,omitempty"`
	Against  exchange.MemberID   `json:"against"` // who nominated the entry, or authored the record
	By       exchange.MemberID   `json:"by"`      // who took it
	Operator exchange.OperatorID `json:"op"`
	Digest   string              `json:"digest"` // hex SHA-256 of the salted text
	At       exchange.Millis     `json:"at"`
	Due      exchange.Millis     `json:"due"`
	Answer   *Answer             `json:"answer,omitempty"`
	Before   *Answer             `json:"before,omitempty"` // what the member had decided before the joint meeting did otherwise
	Seq      int64               `json:"seq"`
}

// StatusAt is an objection's status at a time. What the joint meeting decides on its id
// goes before what the member decided.
func (o *Objection) StatusAt(r state.Reader, at exchange.Millis) Status {
	if d, ok := meeting.Decided(r, meeting.Objection, string(o.ID)); ok && at >= d.At {
		switch d.Outcome {
		case meeting.Uphold:
			return Upheld
		case meeting.Reject:
			return Rejected
		}
	}
	return statusAt(o.Answer, o.Due, at)
}

// Disputes says whether what the objection is about is disputed at a time: it is not
// decided, or the joint meeting upheld it, and the entry stands all the same or the
// record's author has not said that it acted.
func (o *Objection) Disputes(r state.Reader, at exchange.Millis) bool {
	if at < o.At {
		return false
	}
	switch o.StatusAt(r, at) {
	case Open, Overdue:
		return true
	case Upheld:
		if o.Entry != "" {
			return stands(r, o.Entry, at)
		}
		return o.Answer == nil || o.Answer.Outcome != Upheld
	}
	return false
}

func stands(r state.Reader, id exchange.EntryID, at exchange.Millis) bool {
	e, ok := lists.Get(r, id)
	status := e.StatusAt(at)
	return ok && (status == lists.Nominated || status == lists.Listed)
}

var (
	objectionsByAge   = state.NewIndex("age", func(o *Objection) [][]string { return [][]string{{state.Newest(o.Seq)}} })
	objectionsByWhat  = state.NewIndex("what", func(o *Objection) [][]string { return [][]string{{o.what(), state.Newest(o.Seq)}} })
	objectionsWaiting = state.NewIndex("waiting", func(o *Objection) [][]string {
		if o.Answer != nil || o.Record == nil {
			return nil
		}
		return [][]string{{state.Newest(o.Seq)}}
	})
	objections = state.NewTable("subjects.objections", func(o *Objection) string { return string(o.ID) }, objectionsByAge, objectionsByWhat, objectionsWaiting).Later()
)

// what names what an objection is about.
func (o *Objection) what() string {
	if o.Record != nil {
		return "record " + string(o.Record.ID)
	}
	return "entry " + string(o.Entry)
}

// GetObjection finds an objection.
func GetObjection(r state.Reader, id exchange.CommandID) (Objection, bool) {
	return objections.Get(r, string(id))
}

// Objections gives every objection, newest first.
func Objections(r state.Reader) []Objection { return slices.Collect(objectionsByAge.Scan(r)) }

// OfEntry gives the objections against an entry, newest first.
func OfEntry(r state.Reader, id exchange.EntryID) []Objection {
	return slices.Collect(objectionsByWhat.Scan(r, "entry "+string(id)))
}

// Against gives the objections against a record, newest first.
func Against(r state.Reader, id exchange.RecordID) []Objection {
	return slices.Collect(objectionsByWhat.Scan(r, "record "+string(id)))
}

// DisputedRecords gives the objections by which any record is disputed at a time.
func DisputedRecords(r state.Reader, at exchange.Millis) []Objection {
	all := slices.Collect(objectionsWaiting.Scan(r))
	for _, id := range meeting.Objects(r, meeting.Objection) {
		if o, ok := GetObjection(r, exchange.CommandID(id)); ok && o.Record != nil && o.Answer != nil {
			all = append(all, o)
		}
	}
	return slices.DeleteFunc(all, func(o Objection) bool { return !o.Disputes(r, at) })
}

// DisputedEntry says whether an entry is disputed at a time.
func DisputedEntry(r state.Reader, id exchange.EntryID, at exchange.Millis) bool {
	return disputed(r, OfEntry(r, id), at)
}

// DisputedRecord says whether a record is disputed at a time.
func DisputedRecord(r state.Reader, id exchange.RecordID, at exchange.Millis) bool {
	return disputed(r, Against(r, id), at)
}

func disputed(r state.Reader, all []Objection, at exchange.Millis) bool {
	return slices.ContainsFunc(all, func(o Objection) bool { return o.Disputes(r, at) })
}

// ObjectBody is the body of subject.object: about one of the two.
type ObjectBody struct {
	Entry  exchange.EntryID `json:"entry,omitempty"`
	Record *lists.RecordRef `json:"record,omitempty"`
	Digest string           `json:"digest"` // hex SHA-256 of the salted text
}

// SettleBody is the body of subject.settle.
type SettleBody struct {
	Objection exchange.CommandID `json:"objection"`
	Outcome   Status             `json:"outcome"` // upheld, rejected
	Digest    string             `json:"digest"`  // hex SHA-256 of the salted text
}

// DecodeObject reads the body.
func DecodeObject(body []byte) (*ObjectBody, error) {
	b := new(ObjectBody)
	err := exchange.DecodeBody(exchange.VerbSubjectObject, body, b)
	ok := (b.Entry != "") != (b.Record != nil) && exchange.ValidHash(b.Digest)
	if ok && b.Record != nil {
		r := b.Record
		ok = exchange.ValidID(string(r.ID)) && exchange.ValidHash(r.Digest) && exchange.ValidName(string(r.Author)) && exchange.ValidName(r.Category)
	} else if ok {
		ok = exchange.ValidID(string(b.Entry))
	}
	return b, formed(err, exchange.VerbSubjectObject, ok)
}

// DecodeSettle reads the body.
func DecodeSettle(body []byte) (*SettleBody, error) {
	b := new(SettleBody)
	err := exchange.DecodeBody(exchange.VerbSubjectSettle, body, b)
	return b, formed(err, exchange.VerbSubjectSettle, exchange.ValidID(string(b.Objection)) && exchange.ValidHash(b.Digest) &&
		(b.Outcome == Upheld || b.Outcome == Rejected))
}

// Object takes an objection against an entry that stands, or a record. Of one that is
// not decided there is no second one: it would say the same.
func Object(a *members.Act, b *ObjectBody) (*Taken, error) {
	o := &Objection{ID: a.Command.ID, Entry: b.Entry, Record: b.Record, By: a.Issuer.ID, Operator: a.Command.Operator, Digest: b.Digest,
		At: a.Now, Due: due(a, catalogue.DueObjection, objectionTerm), Seq: a.Seq}
	if _, taken := GetObjection(a.Tx, a.Command.ID); taken {
		return nil, ErrTaken.With()
	}
	if b.Record != nil {
		if _, ok := members.Get(a.Tx, b.Record.Author); !ok {
			return nil, ErrAuthor.With("author", b.Record.Author)
		}
		o.Against = b.Record.Author
	} else {
		e, ok := lists.Get(a.Tx, b.Entry)
		if !ok || !stands(a.Tx, b.Entry, a.Now) {
			return nil, ErrNoEntry.With("entry", b.Entry)
		}
		o.Against = e.By
	}
	for before := range objectionsByWhat.Scan(a.Tx, o.what()) {
		if before.Answer == nil {
			return nil, ErrObjected.With("id", before.ID)
		}
	}
	return &Taken{o.ID, o.Due}, objections.Insert(a.Tx, o)
}

// Settle decides an objection, late or not. One against an entry is upheld when the
// entry has been taken off: upheld and listed all the same would be a word without a
// deed.
func Settle(a *members.Act, b *SettleBody) (*Answered, error) {
	o, ok := GetObjection(a.Tx, b.Objection)
	switch {
	case !ok:
		return nil, ErrObjection.With("id", b.Objection)
	case a.Issuer.ID != o.Against:
		return nil, ErrNotDecider.With("member", o.Against)
	case o.Answer != nil && (o.Answer.Outcome == b.Outcome || o.StatusAt(a.Tx, a.Now) != b.Outcome):
		return nil, ErrAnswered.With("id", o.ID) // but what the joint meeting decided otherwise is followed
	case b.Outcome == Upheld && o.Entry != "" && stands(a.Tx, o.Entry, a.Now):
		return nil, ErrStands.With("entry", o.Entry)
	}
	o.Before, o.Answer = o.Answer, answer(a, b.Outcome, "", b.Digest)
	return &Answered{o.ID, b.Outcome, a.Now >= o.Due}, objections.Insert(a.Tx, &o)
}

// ofObjection adds the steps of an objection against a record.
func ofObjection(steps []Step, o *Objection) []Step {
	if o.Record == nil {
		return steps
	}
	steps = append(steps, Step{Step: release.Step{Kind: StepObject, Seq: o.Seq, By: o.By, Operator: o.Operator, At: o.At}, Record: *o.Record, Objection: o})
	for _, a := range []*Answer{o.Before, o.Answer} {
		if a != nil {
			steps = append(steps, Step{Step: a.step(StepSettle), Record: *o.Record, Objection: o})
		}
	}
	return steps
}
