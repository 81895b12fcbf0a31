package subjects

import (
	"slices"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/members"
	"accord/exchange/release"
)

// maxFields bounds one application.
const maxFields = 64

// Grounds are the reasons for which an application may be refused (不予提供的理由).
func Grounds() []string {
	return []string{
		"secret",        // 依法不予公开: the catalogue, or a law, keeps it from everybody
		"not-held",      // 信息不存在: it is not held, or was erased
		"not-subject",   // 申请人不是信用主体本人或者其代理人
		"third-party",   // 涉及第三方合法权益
		"investigation", // 妨碍正在进行的执法
	}
}

// ComplainBody is the body of subject.complain.
type ComplainBody struct {
	Release exchange.ReleaseID `json:"release"`
	Digest  string             `json:"digest"` // hex SHA-256 of the salted text
}

// AnswerBody is the body of subject.answer.
type AnswerBody struct {
	Complaint exchange.CommandID `json:"complaint"`
	Outcome   Status             `json:"outcome"` // upheld, rejected
	Digest    string             `json:"digest"`  // hex SHA-256 of the salted text
}

// ApplyBody is the body of subject.apply.
type ApplyBody struct {
	Record lists.RecordRef `json:"record"`
	Fields []string        `json:"fields"`
}

// DecideBody is the body of subject.decide.
type DecideBody struct {
	Application exchange.CommandID `json:"application"`
	Outcome     Status             `json:"outcome"`          // released, refused
	Ground      string             `json:"ground,omitempty"` // of a refusal
	Digest      string             `json:"digest"`           // hex SHA-256 of the presentation, or of the salted reasons
}

// DecodeComplain reads the body.
func DecodeComplain(body []byte) (*ComplainBody, error) {
	b := new(ComplainBody)
	err := exchange.DecodeBody(exchange.VerbSubjectComplain, body, b)
	return b, formed(err, exchange.VerbSubjectComplain, exchange.ValidID(string(b.Release)) && exchange.ValidHash(b.Digest))
}

// DecodeAnswer reads the body.
func DecodeAnswer(body []byte) (*AnswerBody, error) {
	b := new(AnswerBody)
	err := exchange.DecodeBody(exchange.VerbSubjectAnswer, body, b)
	return b, formed(err, exchange.VerbSubjectAnswer, exchange.ValidID(string(b.Complaint)) && exchange.ValidHash(b.Digest) &&
		(b.Outcome == Upheld || b.Outcome == Rejected))
}

// DecodeApply reads the body.
func DecodeApply(body []byte) (*ApplyBody, error) {
	b := new(ApplyBody)
	err := exchange.DecodeBody(exchange.VerbSubjectApply, body, b)
	r := b.Record
	ok := exchange.ValidID(string(r.ID)) && exchange.ValidHash(r.Digest) && exchange.ValidName(string(r.Author)) &&
		exchange.ValidName(r.Category) && len(b.Fields) > 0 && len(b.Fields) <= maxFields
	for i, f := range b.Fields {
		ok = ok && exchange.ValidName(f) && !slices.Contains(b.Fields[:i], f)
	}
	return b, formed(err, exchange.VerbSubjectApply, ok)
}

// DecodeDecide reads the body.
func DecodeDecide(body []byte) (*DecideBody, error) {
	b := new(DecideBody)
	err := exchange.DecodeBody(exchange.VerbSubjectDecide, body, b)
	ok := exchange.ValidID(string(b.Application)) && exchange.ValidHash(b.Digest)
	switch b.Outcome {
	case Released:
		ok = ok && b.Ground == ""
	case Refused:
		ok = ok && slices.Contains(Grounds(), b.Ground)
	default:
		ok = false
	}
	return b, formed(err, exchange.VerbSubjectDecide, ok)
}

func formed(err error, verb exchange.Verb, ok bool) error {
	if err == nil && !ok {
		err = exchange.ErrBody.With("verb", verb)
	}
	return err
}

// Taken is the outcome of subject.complain and subject.apply.
type Taken struct {
	ID  exchange.CommandID `json:"id"`
	Due exchange.Millis    `json:"due"` // it must be answered by then
}

// Answered is the outcome of subject.answer and subject.decide.
type Answered struct {
	ID      exchange.CommandID `json:"id"`
	Outcome Status             `json:"outcome"`
	Late    bool               `json:"late,omitempty"`
}

// Complain takes a complaint about a release. Whoever asked for it must answer.
func Complain(a *members.Act, b *ComplainBody) (*Taken, error) {
	rel, ok := release.Get(a.Tx, b.Release)
	if !ok {
		return nil, ErrRelease.With("id", b.Release)
	}
	if _, taken := GetComplaint(a.Tx, a.Command.ID); taken {
		return nil, ErrTaken.With()
	}
	c := &Complaint{ID: a.Command.ID, Release: b.Release, Record: rel.Record, Against: rel.Requester, By: a.Issuer.ID,
		Operator: a.Command.Operator, Digest: b.Digest, At: a.Now, Due: due(a, catalogue.DueComplaint, complaintTerm), Seq: a.Seq}
	return &Taken{c.ID, c.Due}, complaints.Insert(a.Tx, c)
}

// AnswerComplaint answers it, late or not.
func AnswerComplaint(a *members.Act, b *AnswerBody) (*Answered, error) {
	c, ok := GetComplaint(a.Tx, b.Complaint)
	switch {
	case !ok:
		return nil, ErrComplaint.With("id", b.Complaint)
	case a.Issuer.ID != c.Against:
		return nil, ErrNotAgainst.With("member", c.Against)
	case c.Answer != nil:
		return nil, ErrAnswered.With("id", c.ID)
	}
	c.Answer = answer(a, b.Outcome, "", b.Digest)
	return &Answered{c.ID, b.Outcome, a.Now >= c.Due}, complaints.Insert(a.Tx, &c)
}

// Apply takes an application for sealed fields. The record's author must decide.
func Apply(a *members.Act, b *ApplyBody) (*Taken, error) {
	if _, ok := members.Get(a.Tx, b.Record.Author); !ok {
		return nil, ErrAuthor.With("author", b.Record.Author)
	}
	if _, taken := GetApplication(a.Tx, a.Command.ID); taken {
		return nil, ErrTaken.With()
	}
	p := &Application{ID: a.Command.ID, Record: b.Record, Fields: b.Fields, By: a.Issuer.ID, Operator: a.Command.Operator,
		At: a.Now, Due: due(a, catalogue.DueDisclosure, applicationTerm), Seq: a.Seq}
	return &Taken{p.ID, p.Due}, applications.Insert(a.Tx, p)
}

// Decide answers an application, late or not.
func Decide(a *members.Act, b *DecideBody) (*Answered, error) {
	p, ok := GetApplication(a.Tx, b.Application)
	switch {
	case !ok:
		return nil, ErrApplication.With("id", b.Application)
	case a.Issuer.ID != p.Record.Author:
		return nil, ErrNotAuthor.With("author", p.Record.Author)
	case p.Answer != nil:
		return nil, ErrAnswered.With("id", p.ID)
	}
	p.Answer = answer(a, b.Outcome, b.Ground, b.Digest)
	return &Answered{p.ID, b.Outcome, a.Now >= p.Due}, applications.Insert(a.Tx, &p)
}

func answer(a *members.Act, outcome Status, ground, digest string) *Answer {
	return &Answer{By: a.Issuer.ID, Operator: a.Command.Operator, Outcome: outcome, Ground: ground, Digest: digest, At: a.Now, Seq: a.Seq}
}
