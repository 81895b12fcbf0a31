package machinetest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/release"
)

// Order is a command before it is signed. Zero members get usual values.
type Order struct {
	By   exchange.MemberID
	Op   exchange.OperatorID // "clerk"
	At   exchange.Millis     // Start
	Cat  int                 // 1
	ID   string              // label of the command's id
	Fed  string              // Federation
	Verb exchange.Verb
	Body any
	Raw  string              // the body as text instead
	Key  exchange.MemberID   // who signs, if not By
	Use  keys.Use            // with which key, if not the command key
	Edit func(string) string // changes the text that is signed
}

// Sign makes the payload of a command.
func Sign(tb testing.TB, o Order) []byte {
	tb.Helper()
	body := []byte(o.Raw)
	if o.Raw == "" {
		var err error
		body, err = strictjson.Marshal(o.Body)
		Must(tb, err)
	}
	payload, err := strictjson.Marshal(exchange.Command{Federation: or(o.Fed, Federation), Issuer: o.By, Operator: or(o.Op, "clerk"),
		At: or(o.At, Start), Catalogue: or(o.Cat, 1), ID: exchange.CommandID(ID(o.ID)), Verb: o.Verb, Body: json.RawMessage(body)})
	Must(tb, err)
	if o.Edit != nil {
		payload = []byte(o.Edit(string(payload)))
	}
	use := or(o.Use, keys.Command)
	token, err := jws.SignKind(Key(or(o.Key, o.By), use), jws.Kind{Typ: jws.TypCommand, Use: use}, payload)
	if err != nil { // a typ is bound to its use: the hostile signer writes the header by itself
		token = forge(tb, Key(or(o.Key, o.By), use), jws.TypCommand, payload)
	}
	return []byte(token)
}

// forge signs what package jws refuses to sign.
func forge(tb testing.TB, k keys.Private, typ string, payload []byte) string {
	tb.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	header := `{"alg":"` + string(k.Public().Alg()) + `","kid":"` + k.KID() + `","typ":"` + typ + `"}`
	input := encode([]byte(header)) + "." + encode(payload)
	sig, err := k.Sign([]byte(input))
	Must(tb, err)
	return input + "." + encode(sig)
}

func or[T comparable](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}

// Entry is the usual document on a list, changed by edit, signed by its issuer:
// an enterprise on the black list for "default", resting on a court's record.
func Entry(tb testing.TB, by exchange.MemberID, label string, edit func(*lists.Claims)) lists.Document {
	tb.Helper()
	return EntryBy(tb, by, label, edit, Key(by, keys.Attest), lists.Kind)
}

// EntryBy is Entry signed with another key or of another type.
func EntryBy(tb testing.TB, by exchange.MemberID, label string, edit func(*lists.Claims), k keys.Private, kind jws.Kind) lists.Document {
	tb.Helper()
	c := lists.Claims{Issuer: by, Subject: "org:91639900MA0000001X", ID: exchange.EntryID(ID("entry " + label)),
		IssuedAt: int64(Start) / 1000, Federation: Federation, Catalogue: 1, List: "black", SubjectKind: "enterprise",
		Name: "某公司", Ground: "default", TermDays: 365,
		Records: []lists.RecordRef{Record("record", "court")},
		Cnf:     lists.Confirmation{JWK: Key(by, keys.Release).Public().JWK()},
		SD:      []string{strings.Repeat("A", 43)}, SDAlg: "sha-256"}
	if edit != nil {
		edit(&c)
	}
	c.Type = or(c.Type, lists.VCT(c.List))
	payload, err := strictjson.Marshal(c)
	Must(tb, err)
	token, err := jws.SignKind(k, kind, payload)
	Must(tb, err)
	return lists.Document{Doc: token + "~"}
}

// Record is a reference to a record.
func Record(label string, author exchange.MemberID) lists.RecordRef {
	return lists.RecordRef{ID: exchange.RecordID(ID(label)), Digest: Hash(label), Author: author, Category: "penalty"}
}

// Nominate is a body of list.nominate.
func Nominate(docs ...lists.Document) lists.NominateBody { return lists.NominateBody{Entries: docs} }

// Ask is the usual body of release.request: rule r1 grants it to the
// commission, for a record of the court.
func Ask(edit func(*release.RequestBody)) release.RequestBody {
	b := release.RequestBody{Record: Record("record", "court"), Fields: []string{"amount"}, Purpose: "approval",
		Basis: release.Basis{Kind: "case", Ref: "（2016）青01行初1号"}}
	if edit != nil {
		edit(&b)
	}
	return b
}

// AskApproval changes Ask into what rule r2 grants the regulator once the court
// approves.
func AskApproval(b *release.RequestBody) {
	b.Fields, b.Purpose, b.Basis.Kind = []string{"amount", "address"}, "enforcement", "decision"
}

// Endorse is a member's endorsement of a catalogue.
func Endorse(tb testing.TB, by exchange.MemberID, e members.Endorsement) string {
	tb.Helper()
	payload, err := e.Encode()
	Must(tb, err)
	token, err := jws.Sign(Key(by, keys.Command), jws.TypEndorsement, payload)
	Must(tb, err)
	return token
}

// Apply puts payloads into one log entry and gives the answers.
func Apply(tb testing.TB, m *machine.Machine, payloads ...[]byte) []exchange.Result {
	tb.Helper()
	raw, err := m.Apply(m.View().Index()+1, payloads)
	Must(tb, err)
	results := make([]exchange.Result, len(raw))
	for i, r := range raw {
		results[i], err = exchange.DecodeResult(r)
		Must(tb, err)
	}
	return results
}

// Do signs, checks and applies one command.
func Do(tb testing.TB, m *machine.Machine, o Order) exchange.Result {
	tb.Helper()
	payload := Sign(tb, o)
	Must(tb, m.Check(payload))
	return Apply(tb, m, payload)[0]
}

// Code is an answer's error code, "" when it is a yes.
func Code(r exchange.Result) string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}

// Outcome reads the outcome of an answer that must be a yes.
func Outcome[T any](tb testing.TB, r exchange.Result) T {
	tb.Helper()
	var out T
	if !r.OK {
		tb.Fatalf("refused: %v", r.Error)
	}
	Must(tb, strictjson.Unmarshal(r.Body, &out))
	return out
}
