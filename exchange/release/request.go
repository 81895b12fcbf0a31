package release

import (
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/members"
)

// RequestBody is the body of release.request.
type RequestBody struct {
	Record  lists.RecordRef `json:"record"`
	Fields  []string        `json:"fields"`
	Purpose string          `json:"purpose"`
	Basis   Basis           `json:"basis"`

	// What follows came with machine version 4.

	More      []Part `json:"more,omitempty"`     // further records of the same author and category
	Consent   string `json:"consent,omitempty"`  // the subject's consent, a JWS; see Consent
	Emergency bool   `json:"emergency,omitzero"` // 紧急调用: works at once, is seen by all and has to be justified
}

// Bounds of one request, whatever the catalogue says.
const (
	maxFields = 64
	MaxParts  = 199 // further records
)

// Since is the machine version from which the body may be used.
func (b *RequestBody) Since() int {
	if len(b.More) > 0 || b.Consent != "" || b.Emergency {
		return rulesVersion
	}
	return 1
}

// DecodeRequest reads the body. It checks form; whether the words mean anything
// is the catalogue's to say, and a refusal of the ledger.
func DecodeRequest(body []byte) (*RequestBody, error) {
	b := new(RequestBody)
	if err := exchange.DecodeBody(exchange.VerbReleaseRequest, body, b); err != nil {
		return nil, err
	}
	r := b.Record
	ok := exchange.ValidID(string(r.ID)) && exchange.ValidHash(r.Digest) && exchange.ValidName(string(r.Author)) &&
		exchange.ValidName(r.Category) && exchange.ValidName(b.Purpose) && exchange.ValidName(b.Basis.Kind) &&
		exchange.PlainText(b.Basis.Ref, catalogue.MaxBasisRef) && len(b.Fields) > 0 && len(b.Fields) <= maxFields
	for _, f := range b.Fields {
		ok = ok && exchange.ValidName(f)
	}
	if !ok || !b.validParts() || len(b.Consent) > MaxConsent {
		return nil, exchange.ErrBody.With("verb", exchange.VerbReleaseRequest)
	}
	return b, nil
}

// validParts says whether the further records are named well, each once.
func (b *RequestBody) validParts() bool {
	if len(b.More) > MaxParts {
		return false
	}
	seen := map[exchange.RecordID]bool{b.Record.ID: true}
	for _, p := range b.More {
		if !exchange.ValidID(string(p.ID)) || !exchange.ValidHash(p.Digest) || seen[p.ID] {
			return false
		}
		seen[p.ID] = true
	}
	return true
}

// Requested is the outcome of release.request: the decision, also when it is a
// refusal. Its sentences are empty; see Release.Explain.
type Requested struct {
	Release  exchange.ReleaseID `json:"release"`
	Status   Status             `json:"status"`
	Until    exchange.Millis    `json:"until,omitzero"` // when it lapses unless something happens
	Decision catalogue.Decision `json:"decision"`
}

// Request decides a request by the catalogue in force and keeps the answer. The
// kind of subject is not asked: the stricter class of every field counts.
func Request(a *members.Act, b *RequestBody) (*Requested, error) {
	author, ok := members.Get(a.Tx, b.Record.Author)
	switch {
	case !ok:
		return nil, ErrAuthor.With("author", b.Record.Author)
	case author.ID == a.Issuer.ID:
		return nil, ErrOwn.With()
	}
	id := exchange.ReleaseID(a.Command.ID)
	if _, taken := releases.Get(a.Tx, string(id)); taken {
		return nil, ErrTaken.With()
	}
	r := &Release{ID: id, Requester: a.Issuer.ID, Operator: a.Command.Operator, Record: b.Record, Fields: b.Fields,
		Purpose: b.Purpose, Basis: b.Basis, At: a.Now, Seq: a.Seq, More: b.More, Emergency: b.Emergency}
	r.Decision = a.Catalogue.Decide(r.question(a.Issuer.Kind, author.Kind))
	if members.Fed(a.Tx).MachineVersion >= rulesVersion {
		r.Rules = rulesVersion
	}
	var spent *Spent
	if b.Consent != "" {
		var err error
		if spent, err = r.restOn(a, b.Consent); err != nil {
			return nil, err
		}
	}
	count := r.counted(a)
	r.Decision.Why, r.Decision.Need = exchange.Text{}, exchange.Text{} // see Explain
	if r.Decision.Emergency {
		r.JustifyBy = a.Catalogue.Document().Calendar.AddWorkingDays(a.Now, r.Decision.JustifyDays)
	}
	if err := r.keep(a, spent, count); err != nil {
		return nil, err
	}
	return &Requested{id, r.StatusAt(a.Now), r.Until(a.Now), r.Decision}, nil
}

// keep writes a new request with what comes with it. A refused one spends no consent.
func (r *Release) keep(a *members.Act, spent *Spent, count *DayCount) error {
	if r.Decision.Outcome == catalogue.Refused {
		r.Consent, r.Approvals, spent = nil, nil, nil
	}
	if spent != nil {
		if err := consents.Insert(a.Tx, spent); err != nil {
			return err
		}
	}
	if count != nil {
		if err := counts.Insert(a.Tx, count); err != nil {
			return err
		}
	}
	return releases.Insert(a.Tx, r)
}

// question is the request as the catalogue is asked.
func (r *Release) question(requester, author exchange.MemberKind) catalogue.Request {
	q := catalogue.Request{Requester: requester, Author: author, Category: r.Record.Category, Fields: r.Fields,
		Purpose: r.Purpose, BasisKind: r.Basis.Kind, BasisRef: r.Basis.Ref, Emergency: r.Emergency}
	if len(r.More) > 0 {
		q.Records = r.Records()
	}
	return q
}

// Explain is the decision with its sentences, asked again of the catalogue
// version it was made under. Rows and answers hold the decision without them:
// they are replicated, and a better wording must not make two nodes differ.
func (r *Release) Explain(c *catalogue.Catalogue, requester, author exchange.MemberKind) catalogue.Decision {
	again := c.Decide(r.question(requester, author))
	if r.Decision.Clause == catalogue.ClauseRate {
		again = c.TooMany(again)
	}
	d := r.Decision
	d.Why, d.Need = again.Why, again.Need
	return d
}
