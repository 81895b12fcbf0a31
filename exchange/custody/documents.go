package custody

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/share"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// The types of the documents here, each signed with its issuer's attest key.
var (
	StatementKind = jws.Kind{Typ: "accord-custody+jws", Use: keys.Attest}
	ReceiptKind   = jws.Kind{Typ: "accord-custody-receipt+jws", Use: keys.Attest}
	AnswerKind    = jws.Kind{Typ: "accord-custody-answer+jws", Use: keys.Attest}
)

// The content types of what is encrypted to a member's seal key.
const (
	SharesType = "accord-custody-shares" // from the author to a custodian
	AnswerType = "accord-custody-answer" // from a custodian to a requester
)

// Bounds in bytes and of one record.
const (
	maxStatement = 256 << 10
	maxFields    = 64
	MaxBoxes     = 2 << 20 // of all boxes of a record
)

// Bytes are written in base64url.
type Bytes []byte

func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	return err
}

// Field is one private field of a record in custody.
type Field struct {
	Name       string `json:"field"`
	Digest     string `json:"digest"`     // of the disclosure, as in the record's _sd
	Commitment Bytes  `json:"commitment"` // share.Commitment of the field's key
	Box        string `json:"box"`        // hex SHA-256 of the field's ciphertext
}

// Statement is what the author says of the custody of a record. The ledger holds its
// digest, one for each generation, so that all custodians and requesters mean the
// same commitments.
type Statement struct {
	Issuer       exchange.MemberID   `json:"iss"`
	ID           string              `json:"jti"`
	IssuedAt     int64               `json:"iat"` // seconds
	Federation   string              `json:"fed"`
	Record       exchange.RecordID   `json:"record"`
	RecordDigest string              `json:"record_digest"`
	Category     string              `json:"category"`
	Generation   int                 `json:"generation"`
	K            int                 `json:"k"`
	Custodians   []exchange.MemberID `json:"custodians"` // in the order of their shares
	Fields       []Field             `json:"fields"`
}

// Digest is what names a document on the ledger: hex SHA-256.
func Digest(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func boxDigest(box []byte) string { return Digest(string(box)) }

// SignStatement makes the token.
func SignStatement(s Statement, attest keys.Private) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	return sign(s, StatementKind, attest)
}

// ReadStatement verifies an author's statement.
func ReadStatement(token string, author exchange.MemberID, federation string, lookup jws.Lookup) (Statement, error) {
	var s Statement
	if err := read(token, maxStatement, StatementKind, lookup, &s); err != nil {
		return Statement{}, err
	}
	if s.Issuer != author || s.Federation != federation {
		return Statement{}, ErrDocument.With("why", "claims")
	}
	return s, s.check()
}

func (s *Statement) check() error {
	ok := exchange.ValidName(string(s.Issuer)) && exchange.ValidID(s.ID) && exchange.ValidName(s.Federation) && exchange.ValidID(string(s.Record)) &&
		exchange.ValidHash(s.RecordDigest) && exchange.ValidName(s.Category) && s.Generation >= 1 && s.Generation <= maxGeneration &&
		s.K >= 2 && s.K <= len(s.Custodians) && len(s.Custodians) <= share.MaxHolders && len(s.Fields) > 0 && len(s.Fields) <= maxFields
	seen := map[string]bool{}
	for i := range s.Fields {
		f := &s.Fields[i]
		ok = ok && exchange.ValidName(f.Name) && !seen[f.Name] && f.Digest != "" && exchange.ValidHash(f.Box) &&
			share.Commitment(f.Commitment).Threshold() == s.K
		seen[f.Name] = true
	}
	for i, m := range s.Custodians {
		ok = ok && exchange.ValidName(string(m)) && m != s.Issuer && !slices.Contains(s.Custodians[:i], m)
	}
	if !ok {
		return ErrDocument.With("why", "claims")
	}
	return nil
}

// Index is the index of a custodian's shares, 0 when it is none.
func (s *Statement) Index(m exchange.MemberID) int { return slices.Index(s.Custodians, m) + 1 }

// Field finds a field, nil when it is in no custody.
func (s *Statement) Field(name string) *Field {
	for i := range s.Fields {
		if s.Fields[i].Name == name {
			return &s.Fields[i]
		}
	}
	return nil
}

// Context binds a field's key to where it belongs.
func (s *Statement) Context(f *Field) string {
	return string(s.Record) + "/" + f.Name + "/" + f.Digest + "/" + s.Federation
}

// Shares are a custodian's shares of all fields, in their order. They travel and lie
// only encrypted to the custodian's seal key, and name the statement they belong to.
type Shares struct {
	Statement string  `json:"statement"` // hex SHA-256
	Index     int     `json:"index"`
	Shares    []Bytes `json:"shares"`
}

// Encode gives the bytes that are encrypted.
func (s Shares) Encode() ([]byte, error) { return strictjson.Marshal(s) }

// DecodeShares reads them: those of a statement, for a custodian, each verified
// against its commitment.
func DecodeShares(data []byte, token string, s *Statement, holder exchange.MemberID) (Shares, error) {
	var out Shares
	if err := strictjson.Unmarshal(data, &out); err != nil {
		return Shares{}, ErrDocument.With("why", "form")
	}
	if out.Statement != Digest(token) || out.Index != s.Index(holder) || out.Index == 0 || len(out.Shares) != len(s.Fields) {
		return Shares{}, ErrDocument.With("why", "shares")
	}
	for i := range s.Fields {
		if share.Verify(share.Commitment(s.Fields[i].Commitment), share.Share{Index: out.Index, Value: out.Shares[i]}) != nil {
			return Shares{}, ErrDocument.With("why", "shares")
		}
	}
	return out, nil
}

// CheckBoxes says whether these are the statement's ciphertexts, in its order.
func (s *Statement) CheckBoxes(boxes [][]byte) error {
	size, ok := 0, len(boxes) == len(s.Fields)
	for i := 0; ok && i < len(boxes); i++ {
		size += len(boxes[i])
		ok = boxDigest(boxes[i]) == s.Fields[i].Box && size <= MaxBoxes
	}
	if !ok {
		return ErrDocument.With("why", "boxes")
	}
	return nil
}

// What a receipt says was done.
const (
	Kept      = "kept"
	Destroyed = "destroyed"
)

// Receipt is a custodian's word that it keeps its shares of a generation, or has
// destroyed them.
type Receipt struct {
	Issuer     exchange.MemberID `json:"iss"`
	IssuedAt   int64             `json:"iat"`
	Federation string            `json:"fed"`
	Author     exchange.MemberID `json:"author"`
	Record     exchange.RecordID `json:"record"`
	Generation int               `json:"generation"`
	Statement  string            `json:"statement"` // hex SHA-256
	Did        string            `json:"did"`
}

// SignReceipt makes the token.
func SignReceipt(r Receipt, attest keys.Private) (string, error) { return sign(r, ReceiptKind, attest) }

// ReadReceipt verifies a custodian's receipt; want is what it has to say, its time
// apart.
func ReadReceipt(token string, want Receipt, lookup jws.Lookup) (Receipt, error) {
	var r Receipt
	if err := read(token, 4<<10, ReceiptKind, lookup, &r); err != nil {
		return Receipt{}, err
	}
	want.IssuedAt = r.IssuedAt
	if r != want {
		return Receipt{}, ErrDocument.With("why", "claims")
	}
	return r, nil
}

// Part is what a custodian gives of one granted field.
type Part struct {
	Field string `json:"field"`
	Share Bytes  `json:"share"`
	Box   Bytes  `json:"box"`
}

// Answer is what a custodian gives to one requester under one release: signed by it,
// so that a wrong share is its provable fault, and encrypted to the requester.
type Answer struct {
	Issuer     exchange.MemberID  `json:"iss"`
	Audience   exchange.MemberID  `json:"aud"`
	Release    exchange.ReleaseID `json:"nonce"`
	IssuedAt   int64              `json:"iat"`
	Federation string             `json:"fed"`
	Statement  string             `json:"statement"` // the author's, as signed
	Parts      []Part             `json:"parts"`
	More       []Given            `json:"more,omitempty"` // of the other records of the release, in its order
}

// Given is what a custodian gives of one record.
type Given struct {
	Statement string `json:"statement"`
	Parts     []Part `json:"parts"`
}

// Of gives what is given of each record, in the release's order.
func (a *Answer) Of() []Given { return append([]Given{{a.Statement, a.Parts}}, a.More...) }

// SignAnswer makes the token.
func SignAnswer(a Answer, attest keys.Private) (string, error) { return sign(a, AnswerKind, attest) }

// ReadAnswer verifies that a custodian gave this answer to this member under this
// release. Its shares are judged by the statement, not here.
func ReadAnswer(token string, from, to exchange.MemberID, id exchange.ReleaseID, federation string, lookup jws.Lookup) (Answer, error) {
	var a Answer
	if err := read(token, jws.MaxToken, AnswerKind, lookup, &a); err != nil {
		return Answer{}, err
	}
	tooMany := func(g Given) bool { return len(g.Parts) > maxFields }
	if a.Issuer != from || a.Audience != to || a.Release != id || a.Federation != federation || slices.ContainsFunc(a.Of(), tooMany) {
		return Answer{}, ErrDocument.With("why", "claims")
	}
	return a, nil
}

func sign(claims any, kind jws.Kind, attest keys.Private) (string, error) {
	payload, err := strictjson.Marshal(claims)
	if err != nil {
		return "", err
	}
	return jws.SignKind(attest, kind, payload)
}

func read(token string, most int, kind jws.Kind, lookup jws.Lookup, into any) error {
	if len(token) > most {
		return ErrDocument.With("why", "form")
	}
	t, err := jws.VerifyKind(token, kind, lookup)
	if err != nil {
		return ErrDocument.Wrap(err, "why", "signature")
	}
	if strictjson.Unmarshal(t.Payload, into) != nil {
		return ErrDocument.With("why", "claims")
	}
	return nil
}
