package lists

import (
	"reflect"
	"testing"

	"accord/crypto/strictjson"
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
