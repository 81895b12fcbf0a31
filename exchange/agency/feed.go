package agency

import (
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// feedDocument signs the document of a retraction or erasure.
func (a *Agency) feedDocument(kind feed.Kind, id exchange.RecordID, ground string) (feed.Document, error) {
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return feed.Document{}, err
	}
	jti, err := a.randomID()
	if err != nil {
		return feed.Document{}, err
	}
	return feed.SignDocument(kind, feed.Claims{Issuer: a.Self, ID: jti, IssuedAt: int64(a.now()) / 1000, Federation: a.Federation,
		Record: id, Ground: ground}, attest)
}

// ReadRecord takes another member's record apart without verifying its signature:
// for one whose digest the author's signed feed names.
func (a *Agency) ReadRecord(author exchange.MemberID, jwt string) (records.Record, error) {
	t, err := jws.Parse(jwt)
	if err != nil || t.Typ != TypRecord {
		return records.Record{}, ErrDelivery.Wrap(err, "what", "form")
	}
	c, _, err := a.recordClaims(author, t.Payload)
	if err != nil {
		return records.Record{}, err
	}
	category, ok := strings.CutPrefix(c.Type, "record/")
	if !ok || !exchange.ValidName(category) || !exchange.ValidName(c.SubjectKind) || !c.Subject.Valid() || c.IssuedAt <= 0 || c.IssuedAt > maxSeconds ||
		c.Replaces != "" && !exchange.ValidID(string(c.Replaces)) || c.Replaces == c.ID {
		return records.Record{}, ErrDelivery.With("what", "claims")
	}
	r := records.Record{ID: c.ID, Category: category, Author: author, Subject: c.Subject, SubjectKind: c.SubjectKind,
		CatalogueVersion: c.Catalogue, CatalogueDigest: c.CatDigest, IssuedAt: exchange.Millis(c.IssuedAt) * 1000,
		JWT: jwt, Digest: records.DigestOf(jwt), Status: records.Active, Replaces: c.Replaces}
	// A record issued under a version that is not in force here yet is found by what
	// the one that is lets be public.
	view := a.Ledger.View()
	cat, known := view.CatalogueAt(c.Catalogue)
	if !known {
		cat = view.Catalogue()
	}
	r.FindBy(cat, c.Public)
	return r, nil
}

// maxSeconds keeps times within what every JSON reader holds exactly.
const maxSeconds = (1<<53 - 1) / 1000
