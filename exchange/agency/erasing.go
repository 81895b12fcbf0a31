package agency

import (
	"context"
	"encoding/json"
	"errors"

	"accord/crypto/jws"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// EraseRecord destroys an own record and its sealed fields, and has every mirror do
// the same. The ground goes into the feed; the decision it rests on does not. With
// records.ErrUnscrubbed it is done, and the old bytes are not yet gone.
func (a *Agency) EraseRecord(ctx context.Context, id exchange.RecordID, ground string) (feed.Document, error) {
	rec, err := a.Records.Get(ctx, id)
	if err != nil {
		return feed.Document{}, err
	}
	if rec.Author != a.Self {
		return feed.Document{}, records.ErrNotFound.With()
	}
	d, err := a.feedDocument(feed.Erasure, id, ground)
	if err != nil {
		return feed.Document{}, err
	}
	return d, a.Records.EraseRecord(ctx, d)
}

// eraseAtOnce bounds how many records one transaction erases.
const eraseAtOnce = 256

// ErasePast erases the own records on natural persons whose retention is over by the
// catalogue in force, whatever their status, and says how many. before is told of
// each, and its error ends it: nothing is erased that it does not know of.
// Organisations' records are flagged when they come in, and stay.
func (a *Agency) ErasePast(ctx context.Context, before func(id exchange.RecordID, category string) error) (erased int, err error) {
	cat := a.Ledger.View().Catalogue()
	for i := range cat.Document().Categories {
		c := &cat.Document().Categories[i]
		if c.RetentionDays <= 0 || c.EventField == "" {
			continue
		}
		for _, kind := range c.Subjects {
			if cat.Subject(kind).Namespace != exchange.SubjectPerson {
				continue
			}
			n, err := a.erasePast(ctx, c, kind, before)
			if erased += n; err != nil {
				return erased, err
			}
		}
	}
	return erased, nil
}

func (a *Agency) erasePast(ctx context.Context, c *catalogue.Category, kind string, before func(exchange.RecordID, string) error) (erased int, err error) {
	// From the newest: what comes meanwhile was judged as it came, and is not met.
	filter := records.Filter{Category: c.ID, Author: a.Self, SubjectKind: kind, Newest: true}
	for at, more := records.Cursor(""), true; more; {
		page, next, err := a.Records.List(ctx, filter, at, eraseAtOnce)
		if err != nil {
			return erased, err
		}
		var past []feed.Document
		for i := range page {
			day, err := a.eventOf(ctx, &page[i], c.EventField)
			if err != nil {
				return erased, err
			}
			if !records.PastRetention(c, day, a.Clock()) {
				continue
			}
			d, err := a.feedDocument(feed.Erasure, page[i].ID, feed.GroundRetention)
			if err == nil {
				err = before(page[i].ID, c.ID)
			}
			if err != nil {
				return erased, err
			}
			past = append(past, d)
		}
		if len(past) > 0 {
			// What is not scrubbed yet is erased: the node scrubs it by and by.
			if err := a.Records.EraseRecord(ctx, past...); err != nil && !errors.Is(err, records.ErrUnscrubbed) {
				return erased, err
			}
			erased += len(past)
		}
		at, more = next, next != ""
	}
	return erased, nil
}

// eventOf is the date from which a record's retention counts, "" where it has none:
// a public claim, or opened from its seal.
func (a *Agency) eventOf(ctx context.Context, r *records.Record, field string) (string, error) {
	v, err := claimsOf(r.JWT)
	if err != nil {
		return "", ErrSealed.Wrap(err, "field", field)
	}
	if day, ok := v.Public[field].(string); ok {
		return day, nil
	}
	full, err := a.Records.Get(ctx, r.ID)
	if err != nil {
		return "", err
	}
	for _, f := range full.Sealed {
		if f.Field != field || f.Erased {
			continue
		}
		plain, err := a.sealer.Open(seal.Binding{Record: string(r.ID), Field: field, Digest: f.Digest}, f.Sealed)
		if err != nil {
			return "", ErrSealed.Wrap(err, "field", field)
		}
		d, err := sdjwt.ParseDisclosure(string(plain))
		if err != nil {
			return "", ErrSealed.Wrap(err, "field", field)
		}
		var day string
		if json.Unmarshal(d.Value(), &day) != nil {
			return "", nil // not a date's form: the catalogue has changed the field
		}
		return day, nil
	}
	return "", nil
}

// claimsOf reads an own record's claims, for which its store vouches.
func claimsOf(jwt string) (c RecordClaims, err error) {
	t, err := jws.Parse(jwt)
	if err == nil {
		err = strictjson.UnmarshalLoose(t.Payload, &c)
	}
	return c, err
}
