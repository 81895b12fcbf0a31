package feed

import (
	"slices"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// The types of documents beside records, signed with the author's attest key.
var (
	RetractionKind = jws.Kind{Typ: "accord-retraction+jws", Use: keys.Attest}
	ErasureKind    = jws.Kind{Typ: "accord-erasure+jws", Use: keys.Attest}
	ReceiptKind    = jws.Kind{Typ: "accord-erasure-receipt+jws", Use: keys.Attest}
)

// Grounds of an erasure. The decision itself, its number and whom it is about stay
// with the author.
const (
	GroundRetention = "retention" // 保存期满: the catalogue's time is over
	GroundOrder     = "order"     // 决定: a court or authority ordered it
	GroundRequest   = "request"   // 申请: the subject asked, and the author granted it
)

// Grounds lists the grounds.
func Grounds() []string { return []string{GroundRetention, GroundOrder, GroundRequest} }

// Claims are what the document of a retraction or erasure says: which record, and
// for an erasure on what ground. Why a record was taken back stays with its author,
// since words can tell what fields hide.
type Claims struct {
	Issuer     exchange.MemberID `json:"iss"`
	ID         string            `json:"jti"` // random
	IssuedAt   int64             `json:"iat"` // seconds
	Federation string            `json:"fed"`
	Record     exchange.RecordID `json:"record"`
	Ground     string            `json:"ground,omitempty"`
}

// Document is a signed retraction or erasure.
type Document struct {
	Kind Kind
	Claims
	JWT string
}

// maxDocument is the longest such document in bytes.
const maxDocument = 4 << 10

func (k Kind) token() (jws.Kind, bool) {
	switch k {
	case Retraction:
		return RetractionKind, true
	case Erasure:
		return ErasureKind, true
	}
	return jws.Kind{}, false
}

// SignDocument makes the document of a retraction or erasure.
func SignDocument(kind Kind, c Claims, attest keys.Private) (Document, error) {
	typ, ok := kind.token()
	if !ok || !c.valid(kind) {
		return Document{}, ErrDocument.With("why", "claims")
	}
	payload, err := strictjson.Marshal(c)
	if err != nil {
		return Document{}, err
	}
	token, err := jws.SignKind(attest, typ, payload)
	return Document{Kind: kind, Claims: c, JWT: token}, err
}

// ReadDocument reads what SignDocument makes, as an entry of the author's feed names
// it. The signature is not verified: the entry has the document's digest, and the
// feed is signed. Who passes it on verifies it (Document.Verify).
func ReadDocument(e Entry, author exchange.MemberID, federation, token string) (Document, error) {
	if !e.Matches(token) {
		return Document{}, ErrDocument.With("why", "digest")
	}
	d, err := readClaims(e.Kind, author, federation, token)
	if err == nil && d.ID != e.ID {
		return Document{}, ErrDocument.With("why", "claims")
	}
	return d, err
}

// ReadErasure reads the document of an erasure without its entry. Nothing but the
// form is verified.
func ReadErasure(author exchange.MemberID, federation, token string) (Document, error) {
	return readClaims(Erasure, author, federation, token)
}

func readClaims(kind Kind, author exchange.MemberID, federation, token string) (Document, error) {
	typ, ok := kind.token()
	if !ok || len(token) > maxDocument {
		return Document{}, ErrDocument.With("why", "form")
	}
	t, err := jws.Parse(token)
	if err != nil || t.Typ != typ.Typ {
		return Document{}, ErrDocument.Wrap(err, "why", "form")
	}
	d := Document{Kind: kind, JWT: token}
	if err := strictjson.Unmarshal(t.Payload, &d.Claims); err != nil {
		return Document{}, ErrDocument.Wrap(err, "why", "claims")
	}
	if !d.valid(kind) || d.Issuer != author || d.Federation != federation {
		return Document{}, ErrDocument.With("why", "claims")
	}
	return d, nil
}

// Entry is the document's entry.
func (d Document) Entry() Entry { return EntryOf(d.Kind, d.ID, d.JWT) }

// Verify checks the document's signature.
func (d Document) Verify(lookup jws.Lookup) error {
	typ, _ := d.Kind.token()
	if _, err := jws.VerifyKind(d.JWT, typ, lookup); err != nil {
		return ErrDocument.Wrap(err, "why", "signature")
	}
	return nil
}

func (c Claims) valid(kind Kind) bool {
	ground := c.Ground == ""
	if kind == Erasure {
		ground = slices.Contains(Grounds(), c.Ground)
	}
	return ground && exchange.ValidName(string(c.Issuer)) && exchange.ValidID(c.ID) && exchange.ValidName(c.Federation) &&
		exchange.ValidID(string(c.Record)) && c.IssuedAt > 0 && c.IssuedAt <= (1<<53-1)/1000
}

// Receipt is what a member signs when it has destroyed what an erasure names.
type Receipt struct {
	Issuer     exchange.MemberID `json:"iss"`
	IssuedAt   int64             `json:"iat"` // seconds
	Federation string            `json:"fed"`
	Author     exchange.MemberID `json:"author"`
	Erasure    string            `json:"erasure"` // id of the document
	Record     exchange.RecordID `json:"record"`
}

// SignReceipt makes the receipt's token.
func SignReceipt(r Receipt, attest keys.Private) (string, error) {
	payload, err := strictjson.Marshal(r)
	if err != nil {
		return "", err
	}
	return jws.SignKind(attest, ReceiptKind, payload)
}

// ReadReceipt verifies a member's receipt for an erasure of this author.
func ReadReceipt(token string, member, author exchange.MemberID, federation string, lookup jws.Lookup) (Receipt, error) {
	if len(token) > maxDocument {
		return Receipt{}, ErrDocument.With("why", "form")
	}
	t, err := jws.VerifyKind(token, ReceiptKind, lookup)
	if err != nil {
		return Receipt{}, ErrDocument.Wrap(err, "why", "signature")
	}
	var r Receipt
	if err := strictjson.Unmarshal(t.Payload, &r); err != nil {
		return Receipt{}, ErrDocument.Wrap(err, "why", "claims")
	}
	if r.Issuer != member || r.Author != author || r.Federation != federation || !exchange.ValidID(r.Erasure) {
		return Receipt{}, ErrDocument.With("why", "claims")
	}
	return r, nil
}
