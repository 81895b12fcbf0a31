package agency

import (
	"context"
	"slices"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// The errors of writing records by hand.
var (
	ErrAuthorKind = exchange.Define(exchange.KindForbidden, "REC-030",
		exchange.Text{Zh: "{kind} 不是类别 {category} 的记录单位", En: "a {kind} does not author records of category {category}"},
		exchange.Text{Zh: "由目录所列单位记录", En: "leave it to a member of a kind that the catalogue names"})
	ErrOtherSubject = exchange.Define(exchange.KindInvalid, "REC-031",
		exchange.Text{Zh: "信息项中的标识与所称信用主体不一致", En: "the identifier among the values is not that of the subject named"},
		exchange.Text{Zh: "核对信用主体与信息项", En: "compare the subject with the values"})
	ErrReason = exchange.Define(exchange.KindInvalid, "REC-032",
		exchange.Text{Zh: "更正或撤回须写明理由（不超过 500 字）", En: "a correction or retraction needs a reason (at most 500 characters)"},
		exchange.Text{Zh: "用一句话写明理由", En: "say why in a sentence"})
)

// maxReason is the longest reason in characters.
const maxReason = 500

// Addition is one record entered by hand. Its values are plaintext and stay
// here but for the public ones.
type Addition struct {
	Category    string
	SubjectKind string
	Subject     exchange.SubjectID
	Values      records.Values
}

// MayAuthor says whether the catalogue in force lets this member author records
// of a category: nil, records.ErrCategory or ErrAuthorKind.
func (a *Agency) MayAuthor(category string) error {
	return a.mayAuthor(a.Ledger.View().Catalogue(), category)
}

func (a *Agency) mayAuthor(cat *catalogue.Catalogue, category string) error {
	c := cat.Category(category)
	if c == nil {
		return records.ErrCategory.With()
	}
	for _, k := range c.Authors {
		if k == a.Kind {
			return nil
		}
	}
	return ErrAuthorKind.With("kind", a.Kind, "category", category)
}

// Add checks, signs, seals and stores one record. The catalogue its values are
// checked against is the one it is signed under. What is wrong with the values
// comes back as records.Problems, which name fields and no values.
func (a *Agency) Add(ctx context.Context, op exchange.OperatorID, add Addition) (records.Record, error) {
	is, err := a.issuer()
	if err != nil {
		return records.Record{}, err
	}
	d, err := is.draft(ctx, op, add)
	if err != nil {
		return records.Record{}, err
	}
	return is.store(ctx, d, "")
}

// Correct replaces an own active record by one with these values, all of them:
// what is not given is not in the new record. Subject, category and source row
// stay.
func (a *Agency) Correct(ctx context.Context, op exchange.OperatorID, id exchange.RecordID, values records.Values, reason string) (records.Record, error) {
	old, err := a.ownActive(ctx, id, reason)
	if err != nil {
		return records.Record{}, err
	}
	is, err := a.issuer()
	if err != nil {
		return records.Record{}, err
	}
	d, err := is.draft(ctx, op, Addition{Category: old.Category, SubjectKind: old.SubjectKind, Subject: old.Subject, Values: values})
	if err != nil {
		return records.Record{}, err
	}
	// The source row, if there was one, is now represented by this record: the
	// same file imported again brings nothing, another one clashes.
	d.RowKey, d.RowDigest, d.Source, d.Trust, d.Replaces = old.RowKey, old.RowDigest, old.Source, old.Trust, id
	return is.store(ctx, d, reason)
}

// Retract takes an own active record back. It stays as evidence; nothing of it
// is released or referred to any more.
func (a *Agency) Retract(ctx context.Context, id exchange.RecordID, reason string) (records.Record, error) {
	if _, err := a.ownActive(ctx, id, reason); err != nil {
		return records.Record{}, err
	}
	d, err := a.feedDocument(feed.Retraction, id, "")
	if err != nil {
		return records.Record{}, err
	}
	if err := a.Records.MarkRetracted(ctx, d, reason); err != nil {
		return records.Record{}, err
	}
	return a.Records.Get(ctx, id)
}

// ownActive finds the record that a correction or retraction is about.
func (a *Agency) ownActive(ctx context.Context, id exchange.RecordID, reason string) (records.Record, error) {
	if !exchange.PlainText(reason, maxReason) {
		return records.Record{}, ErrReason.With().At("/reason")
	}
	rec, err := a.Records.Get(ctx, id)
	switch {
	case err != nil:
		return records.Record{}, err
	case rec.Author != a.Self:
		return records.Record{}, records.ErrNotFound.With()
	case rec.Status != records.Active:
		return records.Record{}, records.ErrNotActive.With()
	}
	return rec, nil
}

// draft checks an addition against the issuer's catalogue.
func (is *issuer) draft(ctx context.Context, op exchange.OperatorID, add Addition) (Draft, error) {
	if err := is.agency.mayAuthor(is.cat, add.Category); err != nil {
		return Draft{}, err
	}
	flags, err := records.Validate(is.cat, add.Category, add.SubjectKind, add.Values, is.agency.Clock())
	if err != nil {
		return Draft{}, err
	}
	if err := is.sameSubject(ctx, add); err != nil {
		return Draft{}, err
	}
	return Draft{Category: add.Category, SubjectKind: add.SubjectKind, Subject: add.Subject, Values: add.Values,
		Operator: op, Flags: flags}, nil
}

// sameSubject compares the subject with the one identifier of its namespace
// that the category has a field for. Where there are several such fields only
// people know which is the subject's.
func (is *issuer) sameSubject(ctx context.Context, add Addition) error {
	namespace := is.cat.Subject(add.SubjectKind).Namespace
	if add.Subject.Namespace() != namespace {
		return ErrOtherSubject.With()
	}
	var field string
	for _, f := range is.cat.Category(add.Category).Fields {
		if !identifies(f.Type, namespace) {
			continue
		}
		if field != "" {
			return nil
		}
		field = f.ID
	}
	value, ok := add.Values[field].(string)
	if field == "" || !ok {
		return nil
	}
	named, err := is.agency.SubjectIDs(ctx, namespace, value)
	if err != nil {
		return err
	}
	if !slices.Contains(named, add.Subject) {
		return ErrOtherSubject.With().At("/" + field)
	}
	return nil
}

func identifies(t catalogue.Type, namespace string) bool {
	switch namespace {
	case exchange.SubjectOrg:
		return t == catalogue.TypeUSCC
	case exchange.SubjectPerson:
		return t == catalogue.TypeResidentID || t == catalogue.TypeIDNumber
	}
	return false
}

// store issues one draft and stores it; reason is why it replaces another.
func (is *issuer) store(ctx context.Context, d Draft, reason string) (records.Record, error) {
	id, err := is.agency.randomID()
	if err != nil {
		return records.Record{}, err
	}
	rec, err := is.issue(id, d)
	if err != nil {
		return records.Record{}, err
	}
	rec.Reason = reason
	t := newTallies(is.cat, rec.IssuedAt)
	if d.Replaces == "" { // a correction says nothing of how complete or timely its source is
		t.record(d.Source, d.Category, d.Values)
	}
	if err := is.agency.Records.InsertCounted(ctx, []records.Record{rec}, t.list()); err != nil {
		return records.Record{}, err
	}
	return is.agency.Records.Get(ctx, rec.ID)
}
