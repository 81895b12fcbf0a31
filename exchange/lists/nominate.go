package lists

import (
	"strconv"
	"unicode/utf8"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/exchange/state"
)

// NominateBody is the body of list.nominate.
type NominateBody struct {
	Entries []Document `json:"entries"`

	claims []*Claims // of Entries, in their order
	plain  bool      // spelled as plainBody expects
}

// Document is one entry's document: the JWT with a trailing tilde.
type Document struct {
	Doc string `json:"doc"`
}

// MaxEntries bounds one command whatever the catalogue says.
const MaxEntries = 512

// DecodeNominate reads the body and the form of every document in it.
func DecodeNominate(body []byte) (*NominateBody, error) {
	b := &NominateBody{Entries: plainBody(string(body))}
	if b.plain = b.Entries != nil; !b.plain {
		if err := exchange.DecodeBody(exchange.VerbNominate, body, b); err != nil {
			return nil, err
		}
	}
	if len(b.Entries) == 0 || len(b.Entries) > MaxEntries {
		return nil, exchange.ErrBody.With("verb", exchange.VerbNominate)
	}
	b.claims = make([]*Claims, len(b.Entries))
	for i, d := range b.Entries {
		_, claims, err := ReadDocument(d.Doc)
		if err != nil {
			return nil, exchange.AsError(err).At("/entries/" + strconv.Itoa(i))
		}
		b.claims[i] = claims
	}
	return b, nil
}

// NominateOutcome is the outcome of list.nominate, in the order of the body.
type NominateOutcome struct {
	Entries []Placed `json:"entries"`
}

// Placed says what one entry got.
type Placed struct {
	ID    exchange.EntryID `json:"id"`
	From  exchange.Millis  `json:"from"`  // listed from, when the notice is over
	Until exchange.Millis  `json:"until"` // listed until
}

// AppendJSON writes the outcome as strictjson.Marshal does; ids need no escapes.
func (o *NominateOutcome) AppendJSON(b []byte) []byte {
	b = append(b, `{"entries":[`...)
	for i, p := range o.Entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, `{"id":"`...), p.ID...)
		b = strconv.AppendInt(append(b, `","from":`...), int64(p.From), 10)
		b = append(strconv.AppendInt(append(b, `,"until":`...), int64(p.Until), 10), '}')
	}
	return append(b, "]}"...)
}

// Nominate puts all entries of the body on their lists, or none of them.
func Nominate(a *members.Act, b *NominateBody) (*NominateOutcome, error) {
	if most := a.Catalogue.Document().Limits.EntriesPerList; len(b.claims) > most {
		return nil, ErrCount.With("max", most)
	}
	within := make(map[string]exchange.EntryID, 2*len(b.claims)) // ids and list/subject/ground of this command
	rows := make([]*Entry, len(b.claims))
	places := b.places(a.Token, len(a.Command.Body))
	for i, c := range b.claims {
		row, refusal := judge(a, c, within)
		if refusal != nil {
			return nil, refusal.At("/entries/" + strconv.Itoa(i))
		}
		row.Pos, row.Doc = i, places[i]
		rows[i] = row
	}
	out := &NominateOutcome{Entries: make([]Placed, len(rows))}
	for i, row := range rows {
		if _, err := entries.Append(a.Tx, row, ""); err != nil {
			return nil, err
		}
		out.Entries[i] = Placed{row.ID, row.ListedFrom, row.ListedUntil}
	}
	return out, nil
}

const day = 86_400_000 // milliseconds

// judge decides one entry and gives the row it would become.
func judge(a *members.Act, c *Claims, within map[string]exchange.EntryID) (*Entry, *exchange.Error) {
	if refusal := judgeOrigin(a, c); refusal != nil {
		return nil, refusal
	}
	list := a.Catalogue.List(c.List)
	if list == nil {
		return nil, ErrList.With("list", c.List)
	}
	if refusal := judgeRules(a, c, list); refusal != nil {
		return nil, refusal
	}
	if refusal := judgeSeverity(a, c, list); refusal != nil {
		return nil, refusal
	}
	if refusal := judgeOthers(a, c, within); refusal != nil {
		return nil, refusal
	}
	from := listedFrom(a, list)
	return &Entry{ID: c.ID, List: c.List, Subject: c.Subject, SubjectKind: c.SubjectKind, Name: c.Name,
		Ground: c.Ground, Records: c.Records, Decision: c.Decision, Measures: c.Measures, TermDays: c.TermDays,
		By: a.Issuer.ID, Operator: a.Command.Operator, Catalogue: c.Catalogue, NominatedAt: a.Now,
		ListedFrom: from, ListedUntil: from + exchange.Millis(c.TermDays)*day, Version: 1, Seq: a.Seq}, nil
}

// clockSkew is how much later than its command a document may say it was
// issued: the tolerance of clocks at accept.
const clockSkew = 60_000

// judgeOrigin checks that the document is the issuer's own, of this federation
// and this catalogue, and says to be signed with the issuer's attest key. That
// it is signed with it is not judged here: the issuer signed the command over
// all its documents, and VerifyDocument finds the one whose own signature is bad.
func judgeOrigin(a *members.Act, c *Claims) *exchange.Error {
	switch {
	case c.Issuer != a.Issuer.ID:
		return ErrForeign.With("claim", "iss")
	case c.Federation != a.Command.Federation:
		return ErrForeign.With("claim", "fed")
	case c.Catalogue != a.Command.Catalogue:
		return ErrForeign.With("claim", "cat")
	case exchange.Millis(c.IssuedAt)*1000 > a.Command.At+clockSkew:
		return ErrTime.With()
	}
	if attest, ok := a.Issuer.KeyOf(c.kid, a.Now); !ok || attest.Use() != keys.Attest {
		return ErrForeign.With("claim", "kid")
	}
	own, ok := a.Issuer.Key(keys.Release, a.Now)
	if !ok || !own.HasJWK(c.Cnf.JWK) {
		return ErrForeign.With("claim", "cnf")
	}
	return nil
}

// judgeRules checks the entry against its list.
func judgeRules(a *members.Act, c *Claims, list *catalogue.List) *exchange.Error {
	if !has(list.Nominators, a.Issuer.Kind) {
		return ErrNominator.With("kind", a.Issuer.Kind, "list", c.List)
	}
	kind := a.Catalogue.Subject(c.SubjectKind)
	if kind == nil || !has(list.Subjects, c.SubjectKind) || c.Subject.Namespace() != kind.Namespace {
		return ErrSubject.With("list", c.List, "kind", c.SubjectKind)
	}
	if c.Name != "" && (kind.Namespace == exchange.SubjectPerson ||
		utf8.RuneCountInString(c.Name) > a.Catalogue.Document().Limits.NameCharacters) {
		return ErrName.With()
	}
	ground := list.GroundOf(c.Ground)
	if ground == nil {
		return ErrGround.With("list", c.List, "ground", c.Ground)
	}
	if !evident(a, c, ground) {
		return ErrEvidence.With("ground", c.Ground)
	}
	if c.TermDays < list.TermDaysMin || c.TermDays > list.TermDaysMax {
		return ErrTerm.With("min", list.TermDaysMin, "max", list.TermDaysMax)
	}
	for _, m := range c.Measures {
		if list.MeasureOf(m) == nil {
			return ErrMeasure.With("list", c.List, "measure", m)
		}
	}
	return nil
}

// evident says whether the entry names what its ground asks for, and nothing
// that could not exist: every record is of a category of the catalogue, by a
// member of a kind that may author it.
func evident(a *members.Act, c *Claims, ground *catalogue.Ground) bool {
	found := len(ground.Categories) == 0 && c.Decision != nil
	for _, r := range c.Records {
		author, known := members.Get(a.Tx, r.Author)
		category := a.Catalogue.Category(r.Category)
		if !known || category == nil || !has(category.Authors, author.Kind) {
			return false
		}
		found = found || has(ground.Categories, r.Category)
	}
	return found
}

// judgeOthers checks the entry against those that exist and those before it in
// the same command.
func judgeOthers(a *members.Act, c *Claims, within map[string]exchange.EntryID) *exchange.Error {
	byItself := "id " + string(c.ID)
	bySubjectAndGround := "on " + c.List + " " + string(c.Subject) + " " + c.Ground
	if _, _, used := byID.Get(a.Tx, string(c.ID)); used || within[byItself] != "" {
		return ErrUsed.With("id", c.ID)
	}
	if id := within[bySubjectAndGround]; id != "" {
		return ErrActive.With("list", c.List, "id", id)
	}
	if id := Standing(a.Tx, c.List, c.Subject, c.Ground, a.Now); id != "" {
		return ErrActive.With("list", c.List, "id", id)
	}
	within[byItself], within[bySubjectAndGround] = c.ID, c.ID
	return nil
}

// Standing is the entry by which a subject is on a list for a ground, "" for none.
func Standing(r state.Reader, list string, subject exchange.SubjectID, ground string, at exchange.Millis) exchange.EntryID {
	for _, e := range bySubject.Newest(r, string(subject)) {
		if e.List != list || e.Ground != ground {
			continue
		}
		if withEnd(r, &e); e.active(at) {
			return e.ID
		}
	}
	return ""
}

func has[S ~string](all []S, s S) bool {
	for _, x := range all {
		if x == s {
			return true
		}
	}
	return false
}
