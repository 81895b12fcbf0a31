package machine_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/members"
)

const (
	fed            = "testland"
	founded        = exchange.Millis(1_448_409_600_000) // 2015-11-25
	day            = exchange.Millis(86_400_000)
	founderMembers = 5
)

// founders are the members of every test federation; insurer has no seat.
var founders = []struct {
	id   exchange.MemberID
	kind exchange.MemberKind
}{
	{"regulator", exchange.KindRegulator}, {"commission", exchange.KindCommission},
	{"association", exchange.KindAssociation}, {"court", exchange.KindCourt}, {"insurer", exchange.KindInsurer},
}

var keyCache sync.Map

// key is a member's fixed key; making one costs more than using it.
func key(member exchange.MemberID, use keys.Use) keys.Private {
	name := string(member) + " " + string(use)
	if k, ok := keyCache.Load(name); ok {
		return k.(keys.Private)
	}
	k := cryptotest.Key(string(member), use)
	keyCache.Store(name, k)
	return k
}

func founderRow(id exchange.MemberID, kind exchange.MemberKind, port int) members.Founder {
	f := members.Founder{ID: id, Kind: kind, Name: exchange.Text{Zh: "成员" + string(id), En: "member " + string(id)},
		Seat: kind != exchange.KindInsurer, Node: members.Node{ID: "node-" + string(id), Address: fmt.Sprintf("10.0.0.%d:7000", port)}}
	for _, use := range keys.Uses() {
		f.Keys = append(f.Keys, key(id, use).Public())
	}
	return f
}

func charterFor(cat []byte) *members.Charter {
	c := &members.Charter{Format: members.CharterFormat, Federation: fed, Name: exchange.Text{Zh: "测试联合体", En: "test federation"},
		Founded: founded, CosignQuorum: 3, Catalogue: members.CatalogueRef{Digest: catalogue.Digest(cat), Version: 1},
		Blind: members.BlindRef{Scheme: "h1", Commitment: "test"}, MachineVersion: 1, AdoptQuorum: 3}
	for i, f := range founders {
		c.Members = append(c.Members, founderRow(f.id, f.kind, i+1))
	}
	return c
}

func genesisOf(tb testing.TB, c *members.Charter, cat []byte) members.Genesis {
	tb.Helper()
	payload, err := c.Encode()
	must(tb, err)
	g := members.Genesis{Charter: payload, Catalogue: cat}
	for _, m := range c.Members {
		token, err := jws.Sign(key(m.ID, keys.Command), jws.TypCharter, payload)
		must(tb, err)
		g.Signatures = append(g.Signatures, token)
	}
	return g
}

// newMachine founds the test federation on the small catalogue of testdata.
func newMachine(tb testing.TB) *machine.Machine {
	tb.Helper()
	return found(tb, machine.Options{Frozen: true})
}

var genesisOnce sync.Map

func genesis(tb testing.TB) members.Genesis {
	tb.Helper()
	if g, ok := genesisOnce.Load("g"); ok {
		return g.(members.Genesis)
	}
	cat := smallCatalogue(tb, 1)
	g := genesisOf(tb, charterFor(cat), cat)
	genesisOnce.Store("g", g)
	return g
}

func found(tb testing.TB, o machine.Options) *machine.Machine {
	tb.Helper()
	m, err := machine.New(genesis(tb), o)
	must(tb, err)
	return m
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// smallCatalogue is a catalogue with one red list, one black list, and three
// rules, in the given version.
func smallCatalogue(tb testing.TB, version int) []byte {
	tb.Helper()
	text := func(s string) exchange.Text { return exchange.Text{Zh: s, En: s} }
	field := func(id string, class catalogue.Class) catalogue.Field {
		return catalogue.Field{ID: id, Title: text(id), Type: catalogue.TypeText, Class: class}
	}
	k := func(kinds ...exchange.MemberKind) []exchange.MemberKind { return kinds }
	doc := &catalogue.Document{Format: catalogue.Format, ID: "test", Version: version, Title: text("test"), Source: "test",
		Subjects: []catalogue.SubjectKind{{ID: "enterprise", Title: text("enterprise"), Namespace: exchange.SubjectOrg},
			{ID: "practitioner", Title: text("practitioner"), Namespace: exchange.SubjectPerson}},
		Categories: []catalogue.Category{{ID: "penalty", Title: text("penalty"), Source: "test", Subjects: []string{"enterprise", "practitioner"},
			Authors: k(exchange.KindRegulator, exchange.KindCourt), Key: []string{"number"},
			Fields: []catalogue.Field{field("number", catalogue.Public), field("amount", catalogue.Shared),
				field("address", catalogue.Restricted), field("secret", catalogue.Secret)}}},
		Purposes: []catalogue.Purpose{{ID: "approval", Title: text("approval"), Source: "test"}, {ID: "enforcement", Title: text("enforcement"), Source: "test"}},
		Rules: []catalogue.Rule{
			{ID: "r1", Title: text("r1"), Categories: []string{"penalty"}, Fields: []string{"amount"}, Source: "test",
				Requesters: k(exchange.KindCommission, exchange.KindRegulator), Purposes: []string{"approval"}, Basis: catalogue.BasisCase, Approval: catalogue.ApprovalNone, ValidHours: 24},
			{ID: "r2", Title: text("r2"), Categories: []string{"penalty"}, Fields: []string{"amount", "address"}, Source: "test",
				Requesters: k(exchange.KindCourt, exchange.KindRegulator), Purposes: []string{"enforcement"}, Basis: catalogue.BasisDecision, Approval: catalogue.ApprovalAuthor, ValidHours: 48, MaxFields: 2}},
		Lists: []catalogue.List{
			{ID: "red", Kind: "red", Title: text("red"), Subjects: []string{"enterprise"}, Nominators: k(exchange.KindRegulator, exchange.KindAssociation), Source: "test",
				Grounds: []catalogue.Ground{{ID: "honest", Title: text("honest"), Categories: []string{}}}, NoticeMillis: int64(7 * day), TermDaysMin: 30, TermDaysMax: 1095},
			{ID: "black", Kind: "black", Title: text("black"), Subjects: []string{"enterprise", "practitioner"}, Nominators: k(exchange.KindRegulator, exchange.KindCourt), Source: "test",
				Grounds:      []catalogue.Ground{{ID: "default", Title: text("default"), Categories: []string{"penalty"}}, {ID: "fraud", Title: text("fraud"), Categories: []string{"penalty"}}},
				NoticeMillis: int64(10 * day), TermDaysMin: 365, TermDaysMax: 1825, Measures: []catalogue.Measure{{ID: "exit", Title: text("exit"), Actors: k(exchange.KindRegulator)}}}},
		Limits: catalogue.Limits{NameCharacters: 20, TextCharacters: 500, MoneyFlagFen: 1, EntriesPerList: 8, FieldsPerAsk: 4},
	}
	data, err := strictjson.Marshal(doc)
	must(tb, err)
	if _, err := catalogue.Parse(data); err != nil {
		for _, f := range catalogue.Lint(doc) {
			tb.Log(f)
		}
		tb.Fatal(err)
	}
	return data
}

// id makes a random-looking id from a label.
func id(label string) string {
	sum := sha256.Sum256([]byte(label))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func hash(label string) string {
	sum := sha256.Sum256([]byte(label))
	return hex.EncodeToString(sum[:])
}

// order is a command before it is signed; zero members get usual values.
type order struct {
	by    exchange.MemberID
	op    exchange.OperatorID
	at    exchange.Millis
	cat   int
	id    string // label of the command's id
	fed   string
	verb  exchange.Verb
	body  any
	raw   string            // body as text instead
	key   exchange.MemberID // who signs, if not by
	after func(token string) string
}

// sign makes the payload of a command.
func sign(tb testing.TB, o order) []byte {
	tb.Helper()
	body := []byte(o.raw)
	if o.raw == "" {
		var err error
		body, err = strictjson.Marshal(o.body)
		must(tb, err)
	}
	c := exchange.Command{Federation: or(o.fed, fed), Issuer: o.by, Operator: or(o.op, "clerk"), At: or(o.at, founded+day),
		Catalogue: or(o.cat, 1), ID: exchange.CommandID(id(o.id)), Verb: o.verb, Body: json.RawMessage(body)}
	payload, err := strictjson.Marshal(c)
	must(tb, err)
	token, err := jws.Sign(key(or(o.key, o.by), keys.Command), jws.TypCommand, payload)
	must(tb, err)
	if o.after != nil {
		token = o.after(token)
	}
	return []byte(token)
}

func or[T comparable](v, usual T) T {
	var zero T
	if v == zero {
		return usual
	}
	return v
}

// entry is the usual document on a list, changed by edit, signed by its issuer.
func entry(tb testing.TB, by exchange.MemberID, label string, edit func(*lists.Claims)) lists.Document {
	tb.Helper()
	return signEntry(tb, by, label, edit, key(by, keys.Attest), lists.Kind)
}

func signEntry(tb testing.TB, by exchange.MemberID, label string, edit func(*lists.Claims), k keys.Private, kind jws.Kind) lists.Document {
	tb.Helper()
	c := lists.Claims{Issuer: by, Subject: "org:91639900MA0000001X", ID: exchange.EntryID(id("entry " + label)), IssuedAt: int64(founded+day) / 1000,
		Federation: fed, Catalogue: 1, List: "black", SubjectKind: "enterprise", Name: "某公司", Ground: "default", TermDays: 365,
		Records: []lists.RecordRef{{ID: exchange.RecordID(id("record")), Digest: hash("record"), Author: "court", Category: "penalty"}},
		Cnf:     lists.Confirmation{JWK: key(by, keys.Release).Public().JWK()}, SD: []string{strings.Repeat("A", 43)}, SDAlg: "sha-256"}
	if edit != nil {
		edit(&c)
	}
	c.Type = or(c.Type, lists.VCT(c.List))
	payload, err := strictjson.Marshal(c)
	must(tb, err)
	token, err := jws.SignKind(k, kind, payload)
	must(tb, err)
	return lists.Document{Doc: token + "~"}
}

func nominate(docs ...lists.Document) lists.NominateBody { return lists.NominateBody{Entries: docs} }

// apply puts payloads into one entry and gives the answers.
func apply(tb testing.TB, m *machine.Machine, payloads ...[]byte) []exchange.Result {
	tb.Helper()
	raw, err := m.Apply(m.View().Index()+1, payloads)
	must(tb, err)
	results := make([]exchange.Result, len(raw))
	for i, r := range raw {
		results[i], err = exchange.DecodeResult(r)
		must(tb, err)
	}
	return results
}

// do signs and applies one command.
func do(tb testing.TB, m *machine.Machine, o order) exchange.Result {
	tb.Helper()
	payload := sign(tb, o)
	must(tb, m.Check(payload))
	return apply(tb, m, payload)[0]
}

// code is the error's code, "" when the answer is a yes.
func code(r exchange.Result) string {
	if r.Error == nil {
		return ""
	}
	return r.Error.Code
}
