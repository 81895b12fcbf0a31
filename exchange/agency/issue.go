package agency

import (
	"encoding/json"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/records"
)

// The document types this member's attest key signs.
const (
	TypRecord = "accord-record+sd-jwt"
	TypEntry  = "accord-entry+sd-jwt"
)

// RecordClaims are a record's claims in clear: what decides its meaning. The
// public fields stand under "public"; every other field is a disclosure named
// by its field id.
type RecordClaims struct {
	Issuer      exchange.MemberID  `json:"iss"`
	Subject     exchange.SubjectID `json:"sub"`
	ID          exchange.RecordID  `json:"jti"`
	IssuedAt    int64              `json:"iat"` // NumericDate, seconds (RFC 7519 section 2)
	Type        string             `json:"vct"` // "record/" and the category
	Federation  string             `json:"fed"`
	Catalogue   int                `json:"cat"`
	CatDigest   string             `json:"cat_digest"`
	SubjectKind string             `json:"subject_kind"`
	Replaces    exchange.RecordID  `json:"replaces,omitempty"`
	Public      map[string]any     `json:"public"`
	Confirm     Confirmation       `json:"cnf"` // the author's release key: only it can bind a disclosure
}

// Confirmation is the cnf claim of RFC 7800 with a JWK.
type Confirmation struct {
	JWK json.RawMessage `json:"jwk"`
}

// Draft is a validated set of values about a subject, ready to be signed.
type Draft struct {
	Category    string
	SubjectKind string
	Subject     exchange.SubjectID
	Values      records.Values
	Operator    exchange.OperatorID
	RowKey      string
	RowDigest   string
	Source      string
	Trust       string
	Flags       []string
	Replaces    exchange.RecordID
}

// issuer holds what signing many records needs once.
type issuer struct {
	agency  *Agency
	cat     *catalogue.Catalogue
	attest  keys.Private
	confirm Confirmation
}

func (a *Agency) issuer() (*issuer, error) {
	attest, err := a.Keys.Key(keys.Attest)
	if err != nil {
		return nil, err
	}
	release, err := a.Keys.Key(keys.Release)
	if err != nil {
		return nil, err
	}
	return &issuer{agency: a, cat: a.Ledger.View().Catalogue(), attest: attest,
		confirm: Confirmation{JWK: release.Public().JWK()}}, nil
}

// issue signs and seals one record: public fields in clear, every other field
// a disclosure sealed under a key of its own.
func (is *issuer) issue(id string, d Draft) (records.Record, error) {
	a := is.agency
	open, hidden, err := records.Split(is.cat, d.Category, d.SubjectKind, d.Values)
	if err != nil {
		return records.Record{}, err
	}
	public, private := map[string]any{}, make([]sdjwt.Claim, len(hidden))
	for _, f := range open {
		public[f.Field] = f.Value
	}
	for i, f := range hidden {
		private[i] = sdjwt.Claim{Name: f.Field, Value: f.Value}
	}
	at := a.now()
	clear, err := strictjson.Marshal(RecordClaims{
		Issuer: a.Self, Subject: d.Subject, ID: exchange.RecordID(id), IssuedAt: int64(at) / 1000,
		Type: "record/" + d.Category, Federation: a.Federation,
		Catalogue: is.cat.Document().Version, CatDigest: is.cat.Digest(), SubjectKind: d.SubjectKind,
		Replaces: d.Replaces, Public: public, Confirm: is.confirm,
	})
	if err != nil {
		return records.Record{}, err
	}
	jwt, disclosures, err := sdjwt.Issue(is.attest, TypRecord, clear, private, 0, a.Rand, recordVisible...)
	if err != nil {
		return records.Record{}, err
	}
	r := records.Record{
		ID: exchange.RecordID(id), Category: d.Category, Author: a.Self, Operator: d.Operator,
		Subject: d.Subject, SubjectKind: d.SubjectKind,
		CatalogueVersion: is.cat.Document().Version, CatalogueDigest: is.cat.Digest(), IssuedAt: at,
		JWT: jwt, Digest: records.DigestOf(jwt), RowKey: d.RowKey, RowDigest: d.RowDigest,
		Source: d.Source, Trust: d.Trust, Flags: d.Flags, Status: records.Active, Replaces: d.Replaces,
	}
	r.FindBy(is.cat, public)
	for _, disclosure := range disclosures {
		field, digest := disclosure.Name(), disclosure.Digest()
		sealed, err := a.sealer.Seal(seal.Binding{Record: id, Field: field, Digest: digest}, []byte(disclosure.Encoded))
		if err != nil {
			return records.Record{}, err
		}
		r.Sealed = append(r.Sealed, records.SealedField{Field: field, Digest: digest, Sealed: sealed})
	}
	return r, nil
}

// recordVisible are claims of a record that may never be hidden, beside those
// of every document.
var recordVisible = []string{"fed", "cat", "cat_digest", "subject_kind", "replaces", "public"}
