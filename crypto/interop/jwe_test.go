package interop

import (
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/seal"
)

const content = "accord-grant+sd-jwt"

// TestPeerOpensOurs: the peer decrypts our JWE, and nothing altered.
func TestPeerOpensOurs(t *testing.T) {
	k := cryptotest.Key("court", keys.Seal)
	_, _, bound := record(t)
	token, err := seal.Encrypt(k.Public(), content, []byte(bound))
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(token, ".")
	decrypt := func(token string, k keys.Private) request {
		return request{"op": "jweDecrypt", "token": token, "key": privateJWK(t, k)}
	}
	part[3] = "AAAA" + part[3][4:]
	a := ask(t, decrypt(token, k), decrypt(strings.Join(part, "."), k), decrypt(token, cryptotest.Key("insurer", keys.Seal)))
	accepted(t, "decrypt", a[0])
	if a[0].Plaintext != bound {
		t.Error("the peer reads another plaintext")
	}
	if h := a[0].Header; h["typ"] != seal.TypRelease || h["cty"] != content || h["kid"] != k.KID() || h["alg"] != "ECDH-ES" || h["enc"] != "A256GCM" {
		t.Errorf("the peer reads header %v", h)
	}
	refused(t, "altered", a[1], "decrypt")
	refused(t, "another key", a[2], "decrypt")
}

// TestWeOpenPeers: a JWE of the peer with our header opens; with another
// suite, no kid or a further header it does not, though the peer made it well.
func TestWeOpenPeers(t *testing.T) {
	k := cryptotest.Key("court", keys.Seal)
	header := func(change map[string]any) map[string]any {
		h := map[string]any{"alg": "ECDH-ES", "enc": "A256GCM", "typ": seal.TypRelease, "cty": content, "kid": k.KID()}
		for name, value := range change {
			if h[name] = value; value == nil {
				delete(h, name)
			}
		}
		return h
	}
	encrypt := func(change map[string]any) request {
		return request{"op": "jweEncrypt", "key": publicJWK(k.Public()), "header": header(change), "plaintext": "机密"}
	}
	changes := []map[string]any{nil, {"alg": "ECDH-ES+A256KW"}, {"enc": "A128GCM"}, {"enc": "A256CBC-HS512"}, {"kid": nil}, {"typ": nil}, {"cty": "other"}, {"iss": "court"}}
	var requests []request
	for _, c := range changes {
		requests = append(requests, encrypt(c))
	}
	for i, a := range ask(t, requests...) {
		accepted(t, "encrypt", a)
		plaintext, err := seal.Decrypt(k, content, a.Token)
		if i == 0 && (err != nil || string(plaintext) != "机密") {
			t.Errorf("the peer's JWE: %q, %v", plaintext, err)
		}
		if i > 0 && (err != seal.ErrOpen || plaintext != nil) {
			t.Errorf("%v: %v", changes[i], err)
		}
	}
}

// TestPeerVerifiesStatements: statements signed with Ed25519 are plain JWS too.
func TestPeerVerifiesStatements(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Command)
	const statement = `{"verb":"test"}`
	token, err := jws.Sign(k, jws.TypCommand, []byte(statement))
	if err != nil {
		t.Fatal(err)
	}
	verify := func(token string) request {
		return request{"op": "jwsVerify", "token": token, "key": publicJWK(k.Public()), "alg": "EdDSA"}
	}
	part := strings.Split(token, ".")
	part[2] = "AAAA" + part[2][4:]
	a := ask(t, verify(token), verify(strings.Join(part, ".")))
	accepted(t, "statement", a[0])
	if a[0].Payload != statement || a[0].Header["kid"] != k.KID() {
		t.Errorf("the peer reads %v %s", a[0].Header, a[0].Payload)
	}
	refused(t, "altered statement", a[1], "signature")
}
