package lists

import (
	"reflect"
	"strings"
	"testing"

	"accord/crypto/strictjson"
	"accord/exchange/state"
)

const (
	plainBodyText   = `{"entries":[{"doc":"a.b.c~"},{"doc":""}]}`
	plainClaimsText = `{"_sd":["AAA"],"_sd_alg":"sha-256","cat":1,"cnf":{"jwk":{"crv":"P-256","kty":"EC","x":"a","y":"b"}},` +
		`"decision":{"number":"某〔2016〕1号","authority":"a","date":"2016-01-01"},"fed":"f","ground":"g","iat":1,"iss":"i","jti":"j",` +
		`"list":"black","measures":["exit"],"name":"某公司","records":[{"id":"r","digest":"d","author":"a","category":"c"}],` +
		`"sub":"org:1","subject_kind":"enterprise","term_days":365,"vct":"list/black"}`
)

func TestPlainIsTheUsual(t *testing.T) {
	if docs := plainBody(plainBodyText); len(docs) != 2 {
		t.Error("the usual body is not plain")
	}
	if c := plainClaims(plainClaimsText); c == nil || c.Decision.Date != "2016-01-01" || len(c.Records) != 1 {
		t.Errorf("the usual claims are not plain: %+v", c)
	}
}

// FuzzPlain: what the plain readers take, the general decoder takes with the
// same values.
func FuzzPlain(f *testing.F) {
	for _, s := range []string{plainBodyText, plainClaimsText, `{"entries":[]}`, `{"iss":"a","iss":"b"}`, `{"records":[]}`,
		`{"cnf":{"jwk":{"a":1,"a":2}}}`, `{"cnf":{"jwk":1}}`, `{"decision":{"number":"","authority":""}}`, `{}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if docs := plainBody(text); docs != nil {
			var b NominateBody
			if err := strictjson.Unmarshal([]byte(text), &b); err != nil || !reflect.DeepEqual(docs, b.Entries) {
				t.Fatalf("%q: %v", text, err)
			}
		}
		if got := plainClaims(text); got != nil {
			want := new(Claims)
			if err := strictjson.Unmarshal([]byte(text), want); err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%q: %+v, %+v, %v", text, got, want, err)
			}
		}
	})
}

// FuzzRows: an entry's row that reads is written again byte for byte.
func FuzzRows(f *testing.F) {
	e := Entry{ID: "AAAAAAAAAAAAAAAAAAAAAA", List: "black", Subject: "org:1", SubjectKind: "enterprise", Name: "某", Ground: "g",
		Records:  []RecordRef{{ID: "AAAAAAAAAAAAAAAAAAAAAA", Digest: strings.Repeat("a0", 32), Author: "a", Category: "c"}, {ID: "x", Digest: "y"}},
		Decision: &DecisionRef{Number: "1", Authority: "a"}, Measures: []string{"exit"}, TermDays: 365, By: "b", Operator: "o",
		Catalogue: 1, NominatedAt: 1, ListedFrom: 2, ListedUntil: 3, Version: 1, Seq: 4, Pos: 5,
		Doc: Place{Payload: 6, At: 7, Len: 8, Digest: state.Digest{9}}}
	var back Entry
	bare := Entry{ID: "AAAAAAAAAAAAAAAAAAAAA_", Version: 1}
	for _, row := range []*Entry{&e, &bare} {
		f.Add(writeEntry(nil, row))
	}
	if err := entries.Reread(&e, &back); err != nil || !reflect.DeepEqual(e, back) {
		f.Fatalf("%+v, %v", back, err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := entries.CheckEncoding(data); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOutcomeIsWrittenAsUsual(t *testing.T) {
	for _, o := range []NominateOutcome{{Entries: []Placed{}}, {Entries: []Placed{{"AAAAAAAAAAAAAAAA", 1, 2}}}, {Entries: []Placed{{"a", 0, -5}, {"b-_.", 1 << 52, 3}}}} {
		if want, err := strictjson.Marshal(&o); err != nil || string(want) != string(o.AppendJSON(nil)) {
			t.Errorf("%s, want %s", o.AppendJSON(nil), want)
		}
	}
}
