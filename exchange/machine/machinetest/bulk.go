package machinetest

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
)

// FoundBulk founds the test federation with room for entries by the hundred in
// one command, for measuring.
func FoundBulk(tb testing.TB, o machine.Options) *machine.Machine {
	tb.Helper()
	doc := Document(1)
	doc.Limits.EntriesPerList = 500
	cat, err := strictjson.Marshal(doc)
	Must(tb, err)
	m, err := machine.New(GenesisOf(tb, Charter(cat), cat), o)
	Must(tb, err)
	return m
}

// Bulk is n commands with so many entries each, every entry of a subject of its
// own, as an ordinary client makes them: about 1,000 bytes a document. The
// documents' own signatures have the form of one and do not verify (making them
// would cost more than what is measured); from numbers them all differently.
func Bulk(tb testing.TB, from, n, entries int) [][]byte {
	tb.Helper()
	cnf := Key("court", keys.Release).Public().JWK()
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"` + Key("court", keys.Attest).KID() + `","typ":"` + lists.Kind.Typ + `"}`))
	signature := strings.Repeat("A", 86)
	payloads := make([][]byte, n)
	for i := range payloads {
		body := lists.NominateBody{Entries: make([]lists.Document, entries)}
		for j := range body.Entries {
			label := fmt.Sprint("bulk ", from+i, " ", j)
			c := lists.Claims{Issuer: "court", Subject: exchange.SubjectID("org:91" + strings.ToUpper(Hash(label)[:16])), ID: exchange.EntryID(ID(label)),
				IssuedAt: int64(Start) / 1000, Federation: Federation, Catalogue: 1, List: "black", SubjectKind: "enterprise", Type: lists.VCT("black"),
				Name: "某某保险代理有限公司", Ground: "default", TermDays: 365, Measures: []string{"exit"},
				Records: []lists.RecordRef{Record(label, "court")}, Cnf: lists.Confirmation{JWK: cnf},
				SD: []string{base64.RawURLEncoding.EncodeToString([]byte(Hash(label)[:32]))}, SDAlg: "sha-256"}
			claims, err := strictjson.Marshal(c)
			Must(tb, err)
			body.Entries[j].Doc = header + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + signature + "~"
		}
		text, err := strictjson.Marshal(body)
		Must(tb, err)
		cmd, err := exchange.Command{Federation: Federation, Issuer: "court", Operator: "clerk", At: Start, Catalogue: 1,
			ID: exchange.CommandID(ID(fmt.Sprint("bulk ", from+i))), Verb: exchange.VerbNominate, Body: text}.Encode()
		Must(tb, err)
		token, err := jws.Sign(Key("court", keys.Command), jws.TypCommand, cmd)
		Must(tb, err)
		payloads[i] = []byte(token)
	}
	return payloads
}
