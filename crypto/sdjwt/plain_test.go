package sdjwt

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

var clearTexts = []string{
	`{"iss":"court","sub":"org:91639900MA00000001","iat":1764201600,"public":{"name":"例省某某保险代理有限公司","kinds":["a","b"],"n":7},"cnf":{"jwk":{"kty":"EC"}}}`,
	`{}`, `{"a":1}`, `{"b":true,"a":false}`, `{"a":{}}`, `{"a":[]}`, `{"a":null}`, `{"a":1.5}`, `{"a":-1}`, `{"a":01}`, ` {"a":1}`, `{"a":1} `, `{"a":1}x`,
	`{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"a":"\\u0041"}`, `{"a":"\u007f"}`, `{"_sd":[]}`, `{"a":{"_sd":[]}}`, `{"a":[{"...":"x"}]}`, `{"_sd_alg":"sha-256"}`,
	`{"a":9007199254740991}`, `{"a":9007199254740993}`, `{"a":[9007199254740993]}`, `{"a":999999999999999}`, `{"a":"b`, `["a"]`, `{"":1}`, `{"a":}`, `{,}`, "{\"a\":\"\xff\"}",
}

// FuzzPlainClaims: what the short way takes the long one takes, and both sign the
// same bytes.
func FuzzPlainClaims(f *testing.F) {
	for _, text := range clearTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		short, ok := plainClaims([]byte(text))
		if !ok {
			return
		}
		long, err := clearClaims([]byte(text))
		if err != nil {
			t.Fatalf("%q is refused by the long way: %v", text, err)
		}
		want, err := strictjson.Marshal(long)
		if got := plainPayload(short); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q signs %s instead of %s, %v", text, got, want, err)
		}
	})
}

// FuzzPlainDisclosure: the same for one value.
func FuzzPlainDisclosure(f *testing.F) {
	for _, value := range []string{"", "639900199000000000", "例省", "a\"b", "a\\b", "\u007f", "\u2028", "<&>", "\xff", "\n"} {
		f.Add("name", value)
	}
	f.Add("na\"me", "x")
	f.Fuzz(func(t *testing.T, name, value string) {
		if checkName(name) != nil {
			return
		}
		salt := b64url.Encode(make([]byte, saltSize))
		short, ok := plainDisclosure(salt, Claim{Name: name, Value: value})
		if !ok {
			return
		}
		text, err := strictjson.Marshal([]any{salt, name, value})
		if err != nil || short.Encoded != b64url.Encode(text) {
			t.Fatalf("%q is %s, %v", text, short.Encoded, err)
		}
		if long, err := ParseDisclosure(short.Encoded); err != nil || long != short {
			t.Errorf("%+q is read as another: %v", value, err)
		}
	})
}

// The commonest document goes the short way: a change that sends it the long way
// costs an import a fifth of its speed and no test its success.
func TestRecordsGoTheShortWay(t *testing.T) {
	if claims, ok := plainClaims([]byte(clearTexts[0])); !ok || len(claims) != 5 {
		t.Errorf("%d claims, %v", len(claims), ok)
	}
	key := cryptotest.Key("court", "attest")
	jwt, disclosures, err := Issue(key, TypRecord, []byte(clearTexts[0]), []Claim{{"id_number", "639900199000000000"}}, 0, cryptotest.Random("x"))
	if err != nil || len(disclosures) != 1 || strings.Count(jwt, ".") != 2 {
		t.Fatalf("%s, %v", jwt, err)
	}
	payload, err := b64url.Decode(strings.Split(jwt, ".")[1])
	var claims map[string]json.RawMessage
	if err != nil || strictjson.Unmarshal(payload, &claims) != nil || len(claims) != 7 {
		t.Errorf("%s, %v", payload, err)
	}
}
