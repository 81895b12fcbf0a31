package bundle

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
	"accord/crypto/tlog"
)

const (
	testFederation = "qinghai"
	testFounded    = 1767225600000 // 2026-01-01T00:00:00Z
	testTime       = testFounded + 86400000
)

var testMembers = []string{"regulator", "association", "court", "insurer-a", "platform"}

// fixture is a small federation whose every part a test may change before it is
// signed, logged or exported. Its keys are fixed, so its bundle always is the
// same apart from ES256 signatures.
type fixture struct {
	tb         testing.TB
	charter    map[string]any
	signers    []string          // who signs the charter
	signatures []string          // instead of signing, if set
	commands   []string          // JWS, logged after the charter: indexes 1, 2, …
	ids        []string          // their ids
	refused    map[int]bool      // which of them the ledger refused
	ledger     tlog.Tree         // filled by bundle
	origin     string            // of the checkpoint
	cosigners  []string          // who cosigns
	cosignAs   map[string]string // cosigner -> whose key it uses
	cosignTime int64
}

func newFixture(tb testing.TB) *fixture {
	f := &fixture{tb: tb, signers: testMembers, origin: tlog.LedgerOrigin(testFederation),
		cosigners: testMembers[:3], cosignAs: map[string]string{}, cosignTime: testTime / 1000}
	var members []any
	for _, m := range testMembers {
		members = append(members, f.member(m))
	}
	f.charter = map[string]any{"format": CharterFormat, "federation": testFederation,
		"name": Text{"青海", "Qinghai"}, "founded": testFounded, "cosign_quorum": 3, "members": members,
		"catalogue": map[string]any{"digest": "…", "version": 1}}
	return f
}

func (f *fixture) member(name string) map[string]any {
	var list []keys.Public
	for _, use := range keys.Uses() {
		list = append(list, cryptotest.Public(name, use))
	}
	return map[string]any{"id": name, "kind": "regulator", "seat": true, "name": Text{"单位", name}, "keys": list}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func (f *fixture) payload() []byte { return must(json.Marshal(f.charter))(f.tb) }

// command signs a command of the member and logs it; its index is the number of
// commands so far. change may alter the payload before it is signed.
func (f *fixture) command(issuer, verb string, body any, change func(map[string]any)) int64 {
	f.tb.Helper()
	n := len(f.commands) + 1
	p := map[string]any{"fed": testFederation, "iss": issuer, "op": "op-7", "iat": testTime + int64(n)*1000, "cat": 1,
		"id": fmt.Sprintf("command-%014d", n), "verb": verb, "body": body}
	if change != nil {
		change(p)
	}
	token := must(jws.Sign(cryptotest.Key(issuer, keys.Command), jws.TypCommand, must(json.Marshal(p))(f.tb)))(f.tb)
	f.commands = append(f.commands, token)
	f.ids = append(f.ids, p["id"].(string))
	return int64(n)
}

// document issues an SD-JWT of the member with two private fields.
func (f *fixture) document(issuer, typ string, change func(map[string]any)) (string, []sdjwt.Disclosure) {
	f.tb.Helper()
	clear := map[string]any{"iss": issuer, "vct": "penalty", "sub": "org:91350100M000100Y43", "jti": "record-000000000000001",
		"cnf": map[string]any{"jwk": json.RawMessage(cryptotest.Public(issuer, keys.Release).JWK())}}
	if change != nil {
		change(clear)
	}
	private := []sdjwt.Claim{{Name: "amount", Value: 250000}, {Name: "reason", Value: secretReason}}
	jwt, ds, err := sdjwt.Issue(cryptotest.Key(issuer, keys.Attest), typ, must(json.Marshal(clear))(f.tb), private, 2,
		cryptotest.Random("document "+issuer))
	if err != nil {
		f.tb.Fatal(err)
	}
	return jwt, ds
}

const secretReason = "虚假理赔 secret reason"

// seal signs the charter, fills the ledger, cosigns it and gives an empty
// bundle over it.
func (f *fixture) seal() *Bundle {
	f.tb.Helper()
	payload := f.payload()
	signatures := f.signatures
	if signatures == nil {
		for _, m := range f.signers {
			signatures = append(signatures, must(jws.Sign(cryptotest.Key(m, keys.Command), jws.TypCharter, payload))(f.tb))
		}
	}
	f.ledger = tlog.Tree{}
	f.ledger.Append(tlog.LeafHash(CharterLeaf(payload)))
	for i, token := range f.commands {
		f.ledger.Append(tlog.LeafHash(Leaf(f.ids[i], []byte(token), f.outcome(i))))
	}
	f.ledger.Append(tlog.LeafHash([]byte("somebody else's command")))
	return New(testFederation, signatures, f.note())
}

// note is the checkpoint of the ledger as it is, cosigned.
func (f *fixture) note() []byte {
	f.tb.Helper()
	c := tlog.Checkpoint{Origin: f.origin, Size: f.ledger.Size(), Root: f.ledger.Root()}
	var sigs []tlog.Signature
	for _, m := range f.cosigners {
		key := m
		if other, ok := f.cosignAs[m]; ok {
			key = other
		}
		s := must(tlog.NewCosigner(testFederation, m, cryptotest.Key(key, keys.Cosign)))(f.tb)
		sigs = append(sigs, must(s.Sign(c, f.cosignTime))(f.tb))
	}
	return must(tlog.Format(c, sigs...))(f.tb)
}

// add puts all commands into the bundle.
func (f *fixture) add(b *Bundle) {
	f.tb.Helper()
	for i, token := range f.commands {
		if err := b.AddCommand(f.ledger.View(), int64(i+1), token, f.outcome(i)); err != nil {
			f.tb.Fatal(err)
		}
	}
}

// full is a bundle with one of everything: a record, an entry that stands in a
// command, and a release.
func full(tb testing.TB) (*fixture, *Bundle) {
	tb.Helper()
	f := newFixture(tb)
	return f, f.full()
}

func (f *fixture) full() *Bundle {
	f.tb.Helper()
	record, disclosures := f.document("regulator", sdjwt.TypRecord, nil)
	entry, shown := f.document("association", sdjwt.TypEntry, nil)
	nominated := f.command("association", "list.nominate", map[string]any{"list": "black", "entries": []string{"x", entry + "~"}}, nil)
	asked := f.command("insurer-a", "release.request", map[string]any{"record": "record-000000000000001", "fields": []string{"reason"}}, nil)
	released := must(sdjwt.Bind(record, disclosures[:1], cryptotest.Key("regulator", keys.Release),
		"insurer-a", f.ids[asked-1], testTime/1000+60))(f.tb)
	b := f.seal()
	f.add(b)
	b.AddDocument(KindRecord, sdjwt.Combine(record, disclosures))
	b.AddDocumentOn(KindEntry, sdjwt.Combine(entry, shown[:1]), nominated)
	b.AddDocumentOn(KindRelease, released, asked)
	if err := b.LogCharter(f.ledger.View(), 0); err != nil {
		f.tb.Fatal(err)
	}
	return b
}

func marshal(tb testing.TB, b *Bundle) []byte { tb.Helper(); return must(b.Marshal())(tb) }

// failed lists the names of the failed checks, each once, sorted by first use.
func failed(r *Report) string {
	var names []string
	for _, c := range r.Checks {
		if c.Status == Failed && !strings.Contains(strings.Join(names, " ")+" ", c.Name+" ") {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

// outcome is what the ledger answered to command i.
func (f *fixture) outcome(i int) Outcome {
	if f.refused[i] {
		return Refused
	}
	return Accepted
}
