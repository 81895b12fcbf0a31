package agency

import (
	"context"
	"errors"

	"accord/crypto/jws"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/intake"
	"accord/exchange/records"
)

// The categories whose records are registers: who stands in one is known.
const (
	registerOrganisations = "enterprise-basic"
	registerPractitioners = "practitioner-basic"
)

// registerConsumers are the categories that hold consumers.
var registerConsumers = []string{"consumer-basic", "consumer-insurance"}

// Register answers what files refer to out of this node's records: its own and
// those it mirrors. A reference is checked only where the registers that could
// hold it have records; who is not found in an empty node is not unknown. It is
// good for one import: what it found empty at first it does not ask again.
//
// A practitioner's name and certificate are sealed, so they are known of own
// records only.
func (a *Agency) Register(cat *catalogue.Catalogue) intake.Register {
	r := &register{agency: a, cat: cat, held: map[records.Filter]bool{}}
	return r.ask
}

type register struct {
	agency   *Agency
	cat      *catalogue.Catalogue
	held     map[records.Filter]bool // whether anything matches
	names    map[string]exchange.SubjectID
	licences map[string]exchange.RecordID // of practitioners that no file brought
}

func (r *register) ask(ctx context.Context, ref intake.Reference) (intake.Answer, error) {
	switch ref.Kind {
	case intake.RefOrganisation:
		return r.organisation(ctx, ref.Key)
	case intake.RefName:
		return r.named(ctx, ref.Key)
	case intake.RefPerson:
		return r.person(ctx, ref.Key)
	case intake.RefLicence:
		return r.licence(ctx, ref.Key)
	}
	return intake.Answer{}, nil
}

// has says whether there is any record of a category, of one author if named.
func (r *register) has(ctx context.Context, category string, author exchange.MemberID) (bool, error) {
	f := records.Filter{Category: category, Author: author, Status: records.Active}
	if held, asked := r.held[f]; asked {
		return held, nil
	}
	page, _, err := r.agency.Records.List(ctx, f, "", 1)
	if err == nil {
		r.held[f] = len(page) > 0
	}
	return len(page) > 0, err
}

// find gives a subject's active record of one of the categories.
func (r *register) find(ctx context.Context, subject exchange.SubjectID, categories ...string) (rec records.Record, ok bool, err error) {
	for _, category := range categories {
		page, _, err := r.agency.Records.List(ctx, records.Filter{Subject: subject, Category: category, Status: records.Active, Newest: true}, "", 1)
		if err != nil {
			return records.Record{}, false, err
		}
		if len(page) > 0 {
			return page[0], true, nil
		}
	}
	return records.Record{}, false, nil
}

func (r *register) organisation(ctx context.Context, code string) (intake.Answer, error) {
	checked, err := r.has(ctx, registerOrganisations, "")
	if err != nil || !checked {
		return intake.Answer{}, err
	}
	subject, err := r.agency.SubjectID(ctx, exchange.SubjectOrg, code)
	if err != nil {
		return intake.Answer{}, err
	}
	rec, known, err := r.find(ctx, subject, registerOrganisations)
	if err != nil || !known {
		return intake.Answer{Checked: true}, err
	}
	return intake.Answer{Checked: true, Known: true, Name: publicText(rec.JWT, "name"), Subject: subject}, nil
}

// publicText is a public field of a record of the store, "" where it has none.
func publicText(jwt, field string) string {
	token, err := jws.Parse(jwt)
	if err != nil {
		return ""
	}
	var claims struct {
		Public map[string]any `json:"public"`
	}
	if strictjson.UnmarshalLoose(token.Payload, &claims) != nil {
		return ""
	}
	text, _ := claims.Public[field].(string)
	return text
}

// named finds an organisation by its exact name; a name that two have names
// nobody.
func (r *register) named(ctx context.Context, name string) (intake.Answer, error) {
	checked, err := r.has(ctx, registerOrganisations, "")
	if err != nil || !checked {
		return intake.Answer{}, err
	}
	if r.names == nil {
		if err := r.loadNames(ctx); err != nil {
			return intake.Answer{}, err
		}
	}
	subject := r.names[intake.Fold(name)]
	return intake.Answer{Checked: true, Known: subject != "", Name: name, Subject: subject}, nil
}

func (r *register) loadNames(ctx context.Context) error {
	names := map[string]exchange.SubjectID{}
	err := r.each(ctx, records.Filter{Category: registerOrganisations, Status: records.Active}, func(rec records.Record) error {
		name := intake.Fold(publicText(rec.JWT, "name"))
		if other, twice := names[name]; twice && other != rec.Subject {
			names[name] = ""
			return nil
		}
		names[name] = rec.Subject
		return nil
	})
	if err == nil {
		r.names = names
	}
	return err
}

// each calls do for every record that matches.
func (r *register) each(ctx context.Context, f records.Filter, do func(records.Record) error) error {
	for after := records.Cursor(""); ; {
		page, next, err := r.agency.Records.List(ctx, f, after, records.MaxPage)
		if err != nil {
			return err
		}
		for _, rec := range page {
			if err := do(rec); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}

// person finds somebody by the number of a document. Only where practitioners
// and consumers are both held is one who is found in neither unknown.
func (r *register) person(ctx context.Context, number string) (intake.Answer, error) {
	staff, err := r.has(ctx, registerPractitioners, "")
	if err != nil {
		return intake.Answer{}, err
	}
	consumers := false
	for _, category := range registerConsumers {
		held, err := r.has(ctx, category, "")
		if err != nil {
			return intake.Answer{}, err
		}
		consumers = consumers || held
	}
	if !staff && !consumers {
		return intake.Answer{}, nil
	}
	ids, err := r.agency.SubjectIDs(ctx, exchange.SubjectPerson, number)
	if err != nil {
		return intake.Answer{}, err
	}
	answer := intake.Answer{Checked: staff && consumers, Subject: ids[0]}
	for _, subject := range ids {
		rec, known, err := r.find(ctx, subject, registerPractitioners)
		if err != nil {
			return intake.Answer{}, err
		}
		if known {
			answer.Known = true
			answer.Name, err = r.sealed(ctx, rec.ID, "name")
			return answer, err
		}
	}
	for _, subject := range ids {
		if _, answer.Known, err = r.find(ctx, subject, registerConsumers...); err != nil || answer.Known {
			break
		}
	}
	return answer, err
}

// licence finds a practitioner by certificate number in own records.
func (r *register) licence(ctx context.Context, number string) (intake.Answer, error) {
	a := r.agency
	category := r.cat.Category(registerPractitioners)
	checked, err := r.has(ctx, registerPractitioners, a.Self)
	if err != nil || !checked || category == nil {
		return intake.Answer{}, err
	}
	key := a.KeyHash(intake.KeyText(category, intake.Values{"licence_number": number}))
	refs, err := a.Records.ByRowKeys(ctx, a.Self, registerPractitioners, []string{key})
	if err != nil {
		return intake.Answer{}, err
	}
	id := refs[key].ID
	if id == "" {
		if id, err = r.typed(ctx, number); err != nil || id == "" {
			return intake.Answer{Checked: true}, err
		}
	}
	rec, err := a.Records.Get(ctx, id)
	if err != nil {
		return intake.Answer{}, err
	}
	name, err := r.sealed(ctx, id, "name")
	return intake.Answer{Checked: true, Known: true, Name: name, Subject: rec.Subject}, err
}

// typed finds a practitioner who was entered by hand and has no row key.
func (r *register) typed(ctx context.Context, number string) (exchange.RecordID, error) {
	if r.licences == nil {
		licences := map[string]exchange.RecordID{}
		f := records.Filter{Category: registerPractitioners, Author: r.agency.Self, Status: records.Active}
		err := r.each(ctx, f, func(rec records.Record) error {
			if rec.RowKey != "" {
				return nil
			}
			number, err := r.sealed(ctx, rec.ID, "licence_number")
			licences[number] = rec.ID
			return err
		})
		if err != nil {
			return "", err
		}
		r.licences = licences
	}
	return r.licences[number], nil
}

// sealed opens a sealed text of a record; "" when it is not ours to open, or
// erased.
func (r *register) sealed(ctx context.Context, id exchange.RecordID, field string) (string, error) {
	rec, err := r.agency.Records.Get(ctx, id)
	if err != nil || rec.Author != r.agency.Self {
		return "", err
	}
	d, err := r.agency.openField(rec, "", field)
	switch {
	case errors.Is(err, ErrErased), errors.Is(err, ErrMismatch):
		return "", nil
	case err != nil:
		return "", err
	}
	var text string
	if err := strictjson.Unmarshal(d.Value(), &text); err != nil {
		return "", ErrSealed.Wrap(err, "field", field)
	}
	return text, nil
}
