package machinetest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"sync"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/members"
)

// The federation and its times.
const (
	Federation = "testland"
	Founded    = exchange.Millis(1_448_409_600_000) // 2015-11-25
	Hour       = exchange.Millis(3_600_000)
	Day        = 24 * Hour
	Start      = Founded + Day // the usual time of a command
)

// Founder is a member of the test federation.
type Founder struct {
	ID   exchange.MemberID
	Kind exchange.MemberKind
}

// Founders are the members in the charter's order.
func Founders() []Founder {
	return []Founder{{"regulator", exchange.KindRegulator}, {"commission", exchange.KindCommission},
		{"association", exchange.KindAssociation}, {"court", exchange.KindCourt}, {"insurer", exchange.KindInsurer}}
}

var keyCache sync.Map

// Key is a member's fixed key.
func Key(member exchange.MemberID, use keys.Use) keys.Private {
	name := string(member) + " " + string(use)
	if k, ok := keyCache.Load(name); ok {
		return k.(keys.Private)
	}
	k := cryptotest.Key(string(member), use)
	keyCache.Store(name, k)
	return k
}

// Charter is the federation's charter over a catalogue.
func Charter(cat []byte) *members.Charter {
	c := &members.Charter{Format: members.CharterFormat, Federation: Federation,
		Name: exchange.Text{Zh: "测试联合体", En: "test federation"}, Founded: Founded, CosignQuorum: 3,
		Catalogue: members.CatalogueRef{Digest: catalogue.Digest(cat), Version: 1},
		Blind:     members.BlindRef{Scheme: "h1", Commitment: "test"}, MachineVersion: 1, AdoptQuorum: 3}
	for i, f := range Founders() {
		row := members.Founder{ID: f.ID, Kind: f.Kind, Name: exchange.Text{Zh: "成员" + string(f.ID), En: "member " + string(f.ID)},
			Seat: f.Kind != exchange.KindInsurer,
			Node: members.Node{ID: "node-" + string(f.ID), Address: fmt.Sprintf("10.0.0.%d:7000", i+1)}}
		for _, use := range keys.Uses() {
			row.Keys = append(row.Keys, Key(f.ID, use).Public())
		}
		c.Members = append(c.Members, row)
	}
	return c
}

// GenesisOf signs a charter by all its members.
func GenesisOf(tb testing.TB, c *members.Charter, cat []byte) members.Genesis {
	tb.Helper()
	payload, err := c.Encode()
	Must(tb, err)
	g := members.Genesis{Charter: payload, Catalogue: cat}
	for _, m := range c.Members {
		token, err := jws.Sign(Key(m.ID, keys.Command), jws.TypCharter, payload)
		Must(tb, err)
		g.Signatures = append(g.Signatures, token)
	}
	return g
}

// Genesis is the test federation's.
func Genesis(tb testing.TB) members.Genesis {
	tb.Helper()
	cat := Catalogue(tb, 1)
	return GenesisOf(tb, Charter(cat), cat)
}

// New founds the test federation with every row watched for changes.
func New(tb testing.TB) *machine.Machine {
	tb.Helper()
	return Found(tb, machine.Options{Frozen: true})
}

// Found founds the test federation.
func Found(tb testing.TB, o machine.Options) *machine.Machine {
	tb.Helper()
	m, err := machine.New(Genesis(tb), o)
	Must(tb, err)
	return m
}

// Must ends the test on an error.
func Must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// ID makes a random-looking id from a label.
func ID(label string) string {
	sum := sha256.Sum256([]byte(label))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Hash makes a hex digest from a label.
func Hash(label string) string {
	sum := sha256.Sum256([]byte(label))
	return hex.EncodeToString(sum[:])
}

// Catalogue is the small catalogue in a version.
func Catalogue(tb testing.TB, version int) []byte {
	tb.Helper()
	data, err := strictjson.Marshal(Document(version))
	Must(tb, err)
	return data
}

// Document is the small catalogue for a test to change.
func Document(version int) *catalogue.Document {
	return &catalogue.Document{Format: catalogue.Format, ID: "test", Version: version, Title: text("test"), Source: "test",
		Subjects: []catalogue.SubjectKind{
			{ID: "enterprise", Title: text("enterprise"), Namespace: exchange.SubjectOrg},
			{ID: "practitioner", Title: text("practitioner"), Namespace: exchange.SubjectPerson}},
		Categories: []catalogue.Category{{ID: "penalty", Title: text("penalty"), Source: "test",
			Subjects: []string{"enterprise", "practitioner"},
			Authors:  kinds(exchange.KindRegulator, exchange.KindCourt), Key: []string{"number"},
			Fields: []catalogue.Field{field("number", catalogue.Public), field("amount", catalogue.Shared),
				field("address", catalogue.Restricted), field("secret", catalogue.Secret)}}},
		Purposes: []catalogue.Purpose{{ID: "approval", Title: text("approval"), Source: "test"},
			{ID: "enforcement", Title: text("enforcement"), Source: "test"}},
		Rules: releaseRules(), Lists: listRules(),
		Limits: catalogue.Limits{NameCharacters: 20, TextCharacters: 500, MoneyFlagFen: 1, EntriesPerList: 8, FieldsPerAsk: 4},
	}
}

func releaseRules() []catalogue.Rule {
	return []catalogue.Rule{
		{ID: "r1", Title: text("r1"), Categories: []string{"penalty"}, Fields: []string{"amount"},
			Requesters: kinds(exchange.KindCommission, exchange.KindRegulator), Purposes: []string{"approval"},
			Basis: catalogue.BasisCase, Approval: catalogue.ApprovalNone, ValidHours: 24, Source: "test"},
		{ID: "r2", Title: text("r2"), Categories: []string{"penalty"}, Fields: []string{"amount", "address"},
			Requesters: kinds(exchange.KindCourt, exchange.KindRegulator), Purposes: []string{"enforcement"},
			Basis: catalogue.BasisDecision, Approval: catalogue.ApprovalAuthor, ValidHours: 48, MaxFields: 2, Source: "test"},
	}
}

func listRules() []catalogue.List {
	return []catalogue.List{
		{ID: "red", Kind: "red", Title: text("red"), Subjects: []string{"enterprise"}, Source: "test",
			Nominators:   kinds(exchange.KindRegulator, exchange.KindAssociation),
			Grounds:      []catalogue.Ground{{ID: "honest", Title: text("honest"), Categories: []string{}}},
			NoticeMillis: int64(7 * Day), TermDaysMin: 30, TermDaysMax: 1095},
		{ID: "black", Kind: "black", Title: text("black"), Subjects: []string{"enterprise", "practitioner"}, Source: "test",
			Nominators: kinds(exchange.KindRegulator, exchange.KindCourt),
			Grounds: []catalogue.Ground{{ID: "default", Title: text("default"), Categories: []string{"penalty"}},
				{ID: "fraud", Title: text("fraud"), Categories: []string{"penalty"}}},
			NoticeMillis: int64(10 * Day), TermDaysMin: 365, TermDaysMax: 1825,
			Measures: []catalogue.Measure{{ID: "exit", Title: text("exit"), Actors: kinds(exchange.KindRegulator)}}},
	}
}

func text(s string) exchange.Text { return exchange.Text{Zh: s, En: s} }

func field(id string, class catalogue.Class) catalogue.Field {
	return catalogue.Field{ID: id, Title: text(id), Type: catalogue.TypeText, Class: class}
}

func kinds(k ...exchange.MemberKind) []exchange.MemberKind { return k }
