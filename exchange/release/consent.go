package release

import (
	"crypto/sha256"
	"encoding/hex"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/members"
	"accord/exchange/state"
)

// ConsentFormat names the form of a consent.
const ConsentFormat = "accord-consent/1"

// Bounds of a consent: of its JWS in bytes, and of how long one may hold.
const (
	MaxConsent     = 8 << 10
	MaxConsentTerm = exchange.Millis(366 * 86_400_000)
)

// Consent is a subject's consent (主体同意), as the member signs it at whose counter or
// portal the subject gave it: a JWS of type jws.TypConsent under its command key. It
// holds for one recipient, one purpose and some fields, of one record or of the
// subject's records of one category, for a time, and for one release.
//
// It stands on the ledger and names no person: Subject is a digest that whoever knows
// the subject's id can compare (SubjectOf), as the record's author does before it
// delivers anything.
type Consent struct {
	Format     string              `json:"format"`
	Federation string              `json:"fed"`
	ID         string              `json:"id"` // random
	Issuer     exchange.MemberID   `json:"iss"`
	Operator   exchange.OperatorID `json:"op"`      // who saw the subject consent
	Subject    string              `json:"subject"` // see SubjectOf
	Category   string              `json:"category"`
	Record     exchange.RecordID   `json:"record,omitempty"`
	Fields     []string            `json:"fields"`
	Purpose    string              `json:"purpose"`
	Recipient  exchange.MemberID   `json:"aud"`
	At         exchange.Millis     `json:"iat"`
	Until      exchange.Millis     `json:"exp"`
}

// SubjectOf is how the consent with an id names a subject: hex SHA-256 of both.
func SubjectOf(id string, subject exchange.SubjectID) string {
	sum := sha256.Sum256([]byte("accord-consent/1\n" + id + "\n" + string(subject)))
	return hex.EncodeToString(sum[:])
}

// Encode gives the bytes to sign, or ErrConsent for what is none.
func (c *Consent) Encode() ([]byte, error) {
	data, err := strictjson.Marshal(c)
	if err != nil {
		return nil, ErrConsent.With("why", "malformed")
	}
	_, err = ParseConsent(data)
	return data, err
}

// ParseConsent reads what a consent's JWS holds.
func ParseConsent(payload []byte) (*Consent, error) {
	c := new(Consent)
	if err := strictjson.Unmarshal(payload, c); err != nil {
		return nil, ErrConsent.With("why", "malformed")
	}
	ok := c.Format == ConsentFormat && exchange.ValidName(c.Federation) && exchange.ValidID(c.ID) && exchange.ValidName(string(c.Issuer)) &&
		exchange.ValidName(string(c.Operator)) && exchange.ValidHash(c.Subject) && exchange.ValidName(c.Category) &&
		(c.Record == "" || exchange.ValidID(string(c.Record))) && exchange.ValidName(c.Purpose) && exchange.ValidName(string(c.Recipient)) &&
		len(c.Fields) > 0 && len(c.Fields) <= maxFields && c.At > 0 && c.At < c.Until && c.Until-c.At <= MaxConsentTerm
	for _, f := range c.Fields {
		ok = ok && exchange.ValidName(f)
	}
	if !ok {
		return nil, ErrConsent.With("why", "malformed")
	}
	return c, nil
}

// ConsentRef is the consent a request rests on.
type ConsentRef struct {
	ID       string              `json:"id"`
	Issuer   exchange.MemberID   `json:"iss"`
	Operator exchange.OperatorID `json:"op"`
	Subject  string              `json:"subject"` // see SubjectOf
	Digest   string              `json:"digest"`  // hex SHA-256 of the JWS
	Until    exchange.Millis     `json:"exp"`
}

// Spent is what became of a consent: which release rests on it, that it was withdrawn.
type Spent struct {
	ID        string             `json:"id"` // issuer/id
	Release   exchange.ReleaseID `json:"release,omitempty"`
	Withdrawn *Approval          `json:"withdrawn,omitempty"`
}

var consents = state.NewTable("release.consents", func(s *Spent) string { return s.ID }).Later()

func consentKey(issuer exchange.MemberID, id string) string { return string(issuer) + "/" + id }

// restOn makes a request rest on a consent if it holds for it, and gives the row that
// says so.
func (r *Release) restOn(a *members.Act, token string) (*Spent, error) {
	c, err := verifyConsent(a, token)
	if err != nil {
		return nil, err
	}
	if why := c.fits(r, a); why != "" {
		return nil, ErrConsent.With("why", why)
	}
	key := consentKey(c.Issuer, c.ID)
	if before, ok := consents.Get(a.Tx, key); ok {
		if before.Withdrawn != nil {
			return nil, ErrConsent.With("why", "it was withdrawn")
		}
		if other, ok := releases.Get(a.Tx, string(before.Release)); ok && other.StatusAt(a.Now) != Lapsed {
			return nil, ErrConsent.With("why", "another release rests on it")
		}
	}
	sum := sha256.Sum256([]byte(token))
	r.Consent = &ConsentRef{ID: c.ID, Issuer: c.Issuer, Operator: c.Operator, Subject: c.Subject, Digest: hex.EncodeToString(sum[:]), Until: c.Until}
	if r.Decision.Approval == catalogue.ApprovalConsent {
		r.Approvals = []Approval{{By: c.Issuer, Operator: c.Operator, At: a.Now, Seq: a.Seq}}
	}
	return &Spent{ID: key, Release: r.ID}, nil
}

// verifyConsent opens a consent that a member signed with a key that counts now: a
// key taken back cannot consent into the past.
func verifyConsent(a *members.Act, token string) (*Consent, error) {
	var signer members.Member
	t, err := a.Tools.Verify(token, jws.Kind{Typ: jws.TypConsent, Use: keys.Command}, func(kid string) (keys.Public, error) {
		m, key, ok := members.KeyAt(a.Tx, kid, a.Now)
		if !ok || !m.Takes() {
			return keys.Public{}, jws.ErrKey
		}
		signer = m
		return key, nil
	})
	if err != nil {
		return nil, ErrConsent.With("why", "signature")
	}
	c, err := ParseConsent(t.Payload)
	if err != nil {
		return nil, err
	}
	if c.Issuer != signer.ID {
		return nil, ErrConsent.With("why", "signature")
	}
	return c, nil
}

// fits says why the consent does not hold for a request, "" when it does. One that the
// requester signed itself holds for nothing: it would be its own word.
func (c *Consent) fits(r *Release, a *members.Act) string {
	switch {
	case c.Federation != a.Command.Federation:
		return "it is for another federation"
	case c.Issuer == r.Requester:
		return "the requester signed it itself"
	case c.Recipient != r.Requester:
		return "it is for another recipient"
	case c.Purpose != r.Purpose:
		return "it is for another purpose"
	case c.Category != r.Record.Category || c.Record != "" && c.Record != r.Record.ID || len(r.More) > 0:
		return "it is for other records"
	case a.Now < c.At || a.Now >= c.Until:
		return "it does not hold at this time"
	}
	for _, f := range r.Fields {
		if !contains(c.Fields, f) {
			return "it is for other fields"
		}
	}
	return ""
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}

// ConsentBody is the body of release.consent.
type ConsentBody struct {
	Release exchange.ReleaseID `json:"release"`
	Consent string             `json:"consent"`
}

// DecodeConsent reads the body.
func DecodeConsent(body []byte) (*ConsentBody, error) {
	b := new(ConsentBody)
	if err := exchange.DecodeBody(exchange.VerbReleaseConsent, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(string(b.Release)) || b.Consent == "" || len(b.Consent) > MaxConsent {
		return nil, exchange.ErrBody.With("verb", exchange.VerbReleaseConsent)
	}
	return b, nil
}

// PresentConsent brings the subject's consent to a pending request that wants one.
func PresentConsent(a *members.Act, b *ConsentBody) (*Stepped, error) {
	var spent *Spent
	out, r, err := judged(a, b.Release, requester, Pending, func(r *Release) (err error) {
		if r.Decision.Approval != catalogue.ApprovalConsent {
			return ErrApproval.With("approval", r.Decision.Approval)
		}
		if err := r.Stands(a); err != nil {
			return err
		}
		spent, err = r.restOn(a, b.Consent)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := consents.Insert(a.Tx, spent); err != nil {
		return nil, err
	}
	return out, releases.Insert(a.Tx, r)
}

// WithdrawBody is the body of release.withdraw.
type WithdrawBody struct {
	Consent string `json:"consent"` // the consent's id
	Note    string `json:"note,omitempty"`
}

// DecodeWithdraw reads the body.
func DecodeWithdraw(body []byte) (*WithdrawBody, error) {
	b := new(WithdrawBody)
	if err := exchange.DecodeBody(exchange.VerbReleaseWithdraw, body, b); err != nil {
		return nil, err
	}
	if !exchange.ValidID(b.Consent) || b.Note != "" && !exchange.PlainText(b.Note, maxNote) {
		return nil, exchange.ErrBody.With("verb", exchange.VerbReleaseWithdraw)
	}
	return b, nil
}

// Withdrawn is the outcome of release.withdraw.
type Withdrawn struct {
	Consent string             `json:"consent"`
	Release exchange.ReleaseID `json:"release,omitempty"` // that rested on it and is not opened
}

// Withdraw takes back a consent that this member signed, because its subject did: no
// release rests on it any more, and one that does is not delivered from now on. What
// was opened was opened.
func Withdraw(a *members.Act, b *WithdrawBody) (*Withdrawn, error) {
	key := consentKey(a.Issuer.ID, b.Consent)
	row, _ := consents.Get(a.Tx, key)
	if row.Withdrawn != nil {
		return nil, ErrConsent.With("why", "it was withdrawn")
	}
	no := word(a, b.Note)
	out := &Withdrawn{Consent: b.Consent}
	if r, ok := releases.Get(a.Tx, string(row.Release)); ok && r.Opened == nil && r.Denied == nil {
		r.Denied, out.Release = &no, r.ID
		if err := releases.Insert(a.Tx, &r); err != nil {
			return nil, err
		}
	}
	return out, consents.Insert(a.Tx, &Spent{ID: key, Release: row.Release, Withdrawn: &no})
}
