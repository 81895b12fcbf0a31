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
}

// maxFields bounds one request whatever the catalogue says.
const maxFields = 64

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
	if !ok {
		return nil, exchange.ErrBody.With("verb", exchange.VerbReleaseRequest)
	}
	return b, nil
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
	decision := a.Catalogue.Decide(b.question(a.Issuer.Kind, author.Kind))
	decision.Why, decision.Need = exchange.Text{}, exchange.Text{} // see Explain
	r := &Release{ID: id, Requester: a.Issuer.ID, Operator: a.Command.Operator, Record: b.Record, Fields: b.Fields,
		Purpose: b.Purpose, Basis: b.Basis, At: a.Now, Seq: a.Seq,
		Decision: decision}
	if err := releases.Insert(a.Tx, r); err != nil {
		return nil, err
	}
	return &Requested{id, r.StatusAt(a.Now), r.Until(a.Now), r.Decision}, nil
}

func (b *RequestBody) question(requester, author exchange.MemberKind) catalogue.Request {
	return catalogue.Request{Requester: requester, Author: author, Category: b.Record.Category, Fields: b.Fields,
		Purpose: b.Purpose, BasisKind: b.Basis.Kind, BasisRef: b.Basis.Ref}
}

// Explain is the decision with its sentences, asked again of the catalogue
// version it was made under. Rows and answers hold the decision without them:
// they are replicated, and a better wording must not make two nodes differ.
func (r *Release) Explain(c *catalogue.Catalogue, requester, author exchange.MemberKind) catalogue.Decision {
	b := RequestBody{Record: r.Record, Fields: r.Fields, Purpose: r.Purpose, Basis: r.Basis}
	again := c.Decide(b.question(requester, author))
	d := r.Decision
	d.Why, d.Need = again.Why, again.Need
	return d
}
