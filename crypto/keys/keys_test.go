package keys

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

// fixed makes the same key in every run.
func fixed(t testing.TB, use Use) Private {
	t.Helper()
	k, err := Generate(use, rand.NewChaCha8([32]byte([]byte("key for tests, fixed by its use."))))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSuite(t *testing.T) {
	want := map[Use]Alg{"command": "EdDSA", "attest": "ES256", "release": "ES256", "seal": "ECDH-ES", "tls": "EdDSA", "cosign": "EdDSA"}
	if len(Uses()) != len(want) {
		t.Errorf("uses %v", Uses())
	}
	for _, use := range Uses() {
		if use.Alg() != want[use] {
			t.Errorf("%s: %s, want %s", use, use.Alg(), want[use])
		}
	}
	for _, name := range []string{"", "Command", "command ", "sign", "EdDSA"} {
		if use, err := ParseUse(name); err == nil || use != "" {
			t.Errorf("use %q was taken", name)
		}
	}
}

func TestRoundTripEveryUse(t *testing.T) {
	for _, use := range Uses() {
		k := fixed(t, use)
		p := k.Public()
		b, err := strictjson.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParsePublic(b)
		if err != nil || !parsed.Equal(p) || parsed.KID() != p.KID() || parsed.Use() != use || parsed.Alg() != use.Alg() {
			t.Errorf("%s: %s, %v", use, b, err)
		}
		bare, err := FromJWK(use, p.JWK())
		if err != nil || !bare.Equal(p) {
			t.Errorf("%s: %s, %v", use, p.JWK(), err)
		}
		secret, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromBytes(use, secret)
		if err != nil || !again.Public().Equal(p) {
			t.Errorf("%s: from its bytes: %v", use, err)
		}
	}
}

// TestKidAgreesWithJose computes the thumbprint with another implementation,
// and lets it read our keys.
func TestKidAgreesWithJose(t *testing.T) {
	for _, use := range Uses() {
		p := fixed(t, use).Public()
		var theirs jose.JSONWebKey
		if err := theirs.UnmarshalJSON(p.JWK()); err != nil {
			t.Fatal(err)
		}
		sum, err := theirs.Thumbprint(crypto.SHA256)
		if err != nil || b64url.Encode(sum) != p.KID() {
			t.Errorf("%s: go-jose says %s, %v; we say %s", use, b64url.Encode(sum), err, p.KID())
		}
		switch use.Alg() {
		case EdDSA:
			if !p.Ed25519().Equal(theirs.Key) || p.ECDSA() != nil {
				t.Errorf("%s: another point", use)
			}
		default:
			if !p.ECDSA().Equal(theirs.Key) || p.Ed25519() != nil {
				t.Errorf("%s: another point", use)
			}
		}
	}
}

func TestParsePublicRefuses(t *testing.T) {
	ed, ec := fixed(t, Command).Public(), fixed(t, Attest).Public()
	form := func(p Public) string { b, _ := p.MarshalJSON(); return string(b) }
	swap := func(p Public, old, new string) string {
		s := strings.Replace(form(p), old, new, 1)
		if s == form(p) {
			t.Fatalf("%q is not in %s", old, s)
		}
		return s
	}
	// withPoint keeps the kid right, so that only the point can be at fault.
	withPoint := func(use Use, jwk string) string {
		k := finish(&public{use: use, jwk: jwk}).k
		return `{"kid":"` + k.kid + `","use":"` + string(use) + `","alg":"` + string(use.Alg()) + `","jwk":` + jwk + `}`
	}
	okp := func(raw []byte) string { return `{"crv":"Ed25519","kty":"OKP","x":"` + b64url.Encode(raw) + `"}` }
	p256 := func(x, y []byte) string {
		return `{"crv":"P-256","kty":"EC","x":"` + b64url.Encode(x) + `","y":"` + b64url.Encode(y) + `"}`
	}
	filled := func(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }
	x := ed.Ed25519()
	point, _ := ec.ECDSA().Bytes()

	for name, text := range map[string]string{
		"empty":                  ``,
		"null":                   `null`,
		"empty object":           `{}`,
		"array":                  `[]`,
		"trailing data":          form(ed) + `{}`,
		"too long":               form(ed) + strings.Repeat(" ", maxPublic),
		"unknown member":         swap(ed, `{"kid"`, `{"exp":1,"kid"`),
		"private member":         swap(ed, `"kty"`, `"d":"AA","kty"`),
		"unknown jwk member":     swap(ed, `"kty"`, `"alg":"EdDSA","kty"`),
		"duplicate member":       swap(ed, `"use":"command"`, `"use":"command","use":"command"`),
		"duplicate jwk member":   swap(ed, `"kty":"OKP"`, `"kty":"OKP","kty":"OKP"`),
		"wrong case":             swap(ed, `"kid"`, `"KID"`),
		"unknown use":            swap(ed, `"command"`, `"sign"`),
		"other use":              swap(ed, `"use":"command"`, `"use":"attest"`),
		"use of another alg":     swap(ec, `"use":"attest"`, `"use":"seal"`),
		"alg none":               swap(ed, `"EdDSA"`, `"none"`),
		"alg HS256":              swap(ed, `"EdDSA"`, `"HS256"`),
		"alg of the other curve": swap(ed, `"EdDSA"`, `"ES256"`),
		"RFC 9864 name":          swap(ed, `"EdDSA"`, `"Ed25519"`),
		"other kty":              swap(ed, `"OKP"`, `"EC"`),
		"X25519":                 swap(ed, `"crv":"Ed25519"`, `"crv":"X25519"`),
		"P-384":                  swap(ec, `"P-256"`, `"P-384"`),
		"secp256k1":              swap(ec, `"P-256"`, `"secp256k1"`),
		"y on Ed25519":           swap(ed, `"x":`, `"y":"","x":`),
		"y missing":              withPoint(Attest, `{"crv":"P-256","kty":"EC","x":"`+b64url.Encode(point[1:33])+`"}`),
		"kid of another key":     swap(ed, ed.KID(), ec.KID()),
		"kid missing":            swap(ed, `"kid":"`+ed.KID()+`",`, ``),
		"kid not canonical":      swap(ed, ed.KID(), ed.KID()+"="),
		"jwk null":               swap(ed, string(ed.JWK()), `null`),
		"jwk a string":           swap(ed, string(ed.JWK()), `"x"`),
		"x null":                 swap(ed, `"`+b64url.Encode(x)+`"`, `null`),
		"x empty":                withPoint(Command, okp(nil)),
		"x short":                withPoint(Command, okp(x[:31])),
		"x long":                 withPoint(Command, okp(append(x[:32:32], 0))),
		"x padded":               withPoint(Command, strings.Replace(okp(x), `"}`, `="}`, 1)),
		"x with line break":      withPoint(Command, strings.Replace(okp(x), `"x":"`, `"x":"\n`, 1)),
		"not an Ed25519 point":   withPoint(Command, okp(append([]byte{2}, make([]byte, 31)...))),
		"P-256 origin":           withPoint(Attest, p256(filled(0), filled(0))),
		"P-256 off the curve":    withPoint(Attest, p256(point[1:33], filled(1))),
		"P-256 above the field":  withPoint(Attest, p256(filled(255), point[33:])),
		"P-256 swapped":          withPoint(Attest, p256(point[33:], point[1:33])),
		"P-256 short x":          withPoint(Attest, p256(point[2:33], point[33:])),
		"P-256 long x":           withPoint(Attest, p256(append([]byte{0}, point[1:33]...), point[33:])),
	} {
		p, err := ParsePublic([]byte(text))
		if !errors.Is(err, ErrKey) || !p.IsZero() {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if err != nil && strings.Contains(err.Error(), b64url.Encode(x)) {
			t.Errorf("%s: the error quotes the key: %v", name, err)
		}
	}

	// The bytes of a good point, cut at the wrong place.
	if p, err := FromJWK(Attest, []byte(p256(point[1:32], point[32:]))); err == nil || !p.IsZero() {
		t.Error("coordinates of 31 and 33 bytes were taken")
	}

	// Order and white space do not matter; the thumbprint fixes the meaning.
	loose := ` { "jwk" : ` + string(ed.JWK()) + `, "alg":"EdDSA", "use":"command", "kid":"` + ed.KID() + `" } `
	if p, err := ParsePublic([]byte(loose)); err != nil || !p.Equal(ed) {
		t.Errorf("another order of members: %v", err)
	}
}

func TestSmallOrderKeysAreRefused(t *testing.T) {
	for _, raw := range loadEdges(t).encodings(t) {
		jwk := `{"crv":"Ed25519","kty":"OKP","x":"` + b64url.Encode(raw) + `"}`
		if p, err := FromJWK(Command, []byte(jwk)); err == nil || !p.IsZero() {
			t.Errorf("%x was taken", raw)
		}
	}
}

// TestNonCanonicalKeysAreRefused takes every encoding of y from p up, of which
// some decode to points of full order.
func TestNonCanonicalKeysAreRefused(t *testing.T) {
	decodable := 0
	for low := 0xed; low <= 0xff; low++ {
		for _, high := range []byte{0x7f, 0xff} {
			raw := bytes.Repeat([]byte{0xff}, 32)
			raw[0], raw[31] = byte(low), high
			if _, err := voi.NewExpandedPublicKey(raw); err == nil {
				decodable++
			}
			if p, err := FromJWK(Command, []byte(`{"crv":"Ed25519","kty":"OKP","x":"`+b64url.Encode(raw)+`"}`)); err == nil || !p.IsZero() {
				t.Errorf("%x was taken", raw)
			}
		}
	}
	if decodable <= 4 {
		t.Errorf("only %d of them decode", decodable)
	}
}

func TestEqual(t *testing.T) {
	k := fixed(t, Command)
	secret, _ := k.Bytes()
	other, err := FromBytes(Cosign, secret)
	if err != nil {
		t.Fatal(err)
	}
	if k.Public().Equal(other.Public()) {
		t.Error("keys for two uses are equal")
	}
	if k.KID() != other.KID() {
		t.Error("the thumbprint depends on the use")
	}
	if k.Public().Equal(Public{}) || (Public{}).Equal(k.Public()) || !(Public{}).Equal(Public{}) {
		t.Error("equality with no key")
	}
}

func TestZeroKeys(t *testing.T) {
	var p Public
	var k Private
	if p.KID() != "" || p.Use() != "" || p.Alg() != "" || p.JWK() != nil || p.Ed25519() != nil || p.ECDSA() != nil || !p.IsZero() {
		t.Error("no public key has something")
	}
	if err := p.Verify(nil, make([]byte, 64)); !errors.Is(err, ErrUse) {
		t.Errorf("no key verifies: %v", err)
	}
	if b, err := p.MarshalJSON(); err == nil || b != nil {
		t.Errorf("no key has the JSON form %s", b)
	}
	if !k.IsZero() || !k.Public().IsZero() || k.Ed25519() != nil || k.ECDSA() != nil || k.KID() != "" {
		t.Error("no private key has something")
	}
	if b, err := k.Bytes(); err == nil || b != nil {
		t.Error("no key has bytes")
	}
	if sig, err := k.Sign(nil); !errors.Is(err, ErrUse) || sig != nil {
		t.Errorf("no key signs: %v", err)
	}
	if s, err := k.ECDH(p); !errors.Is(err, ErrUse) || s != nil {
		t.Errorf("no key agrees: %v", err)
	}
	var decoded struct {
		Key Public `json:"key"`
	}
	if err := strictjson.Unmarshal([]byte(`{"key":{"kid":"x"}}`), &decoded); !errors.Is(err, ErrKey) || !decoded.Key.IsZero() {
		t.Errorf("inside another document: %v", err)
	}
}

func TestGenerateFailures(t *testing.T) {
	if k, err := Generate(Command, io.LimitReader(zeros{}, 31)); err == nil || !k.IsZero() {
		t.Error("a key of 31 bytes")
	}
	if k, err := Generate("none", nil); err == nil || !k.IsZero() {
		t.Error("a key for no use")
	}
	// Zero is no P-256 scalar: the next 32 bytes are taken.
	k, err := Generate(Attest, io.MultiReader(io.LimitReader(zeros{}, 32), bytes.NewReader(bytes.Repeat([]byte{7}, 32))))
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := k.Bytes(); !bytes.Equal(b, bytes.Repeat([]byte{7}, 32)) {
		t.Errorf("scalar %x", b)
	}
	for _, use := range []Use{Attest, Seal} {
		for _, secret := range [][]byte{nil, make([]byte, 31), make([]byte, 33), make([]byte, 32), bytes.Repeat([]byte{255}, 32)} {
			if k, err := FromBytes(use, secret); err == nil || !k.IsZero() {
				t.Errorf("%s: %x was taken", use, secret)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestECDH(t *testing.T) {
	a, err := Generate(Seal, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Generate(Seal, nil)
	if err != nil {
		t.Fatal(err)
	}
	ab, err := a.ECDH(b.Public())
	if err != nil {
		t.Fatal(err)
	}
	ba, err := b.ECDH(a.Public())
	if err != nil || !bytes.Equal(ab, ba) || len(ab) != 32 {
		t.Errorf("%x, %x, %v", ab, ba, err)
	}
	if _, err := a.ECDH(fixed(t, Attest).Public()); !errors.Is(err, ErrUse) {
		t.Errorf("with an attest key: %v", err)
	}
	if _, err := fixed(t, Attest).ECDH(a.Public()); !errors.Is(err, ErrUse) {
		t.Errorf("by an attest key: %v", err)
	}
	if _, err := a.Sign([]byte("x")); !errors.Is(err, ErrUse) {
		t.Errorf("a seal key signs: %v", err)
	}
	if err := a.Public().Verify([]byte("x"), make([]byte, 64)); !errors.Is(err, ErrUse) {
		t.Errorf("a seal key verifies: %v", err)
	}
}

// TestAccessorsGiveCopies changes what accessors return: keys are immutable.
func TestAccessorsGiveCopies(t *testing.T) {
	ed, ec := fixed(t, Command), fixed(t, Attest)
	message := []byte("message")
	before, _ := ed.Sign(message)
	clear(ed.Ed25519())
	clear(ed.Public().Ed25519())
	clear(ed.Public().JWK())
	//lint:ignore SA1019 the test does what nobody should
	ec.ECDSA().D.SetInt64(1)
	//lint:ignore SA1019 the test does what nobody should
	ec.Public().ECDSA().X.SetInt64(1)
	after, err := ed.Sign(message)
	if err != nil || !bytes.Equal(before, after) || ed.Public().Verify(message, after) != nil {
		t.Error("the Ed25519 key was changed through an accessor")
	}
	sig, err := ec.Sign(message)
	if err != nil || ec.Public().Verify(message, sig) != nil {
		t.Error("the P-256 key was changed through an accessor")
	}
}

func FuzzParsePublic(f *testing.F) {
	for _, use := range Uses() {
		b, _ := fixed(f, use).Public().MarshalJSON()
		f.Add(b)
	}
	f.Add([]byte(`{"kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"command","alg":"EdDSA","jwk":{"crv":"Ed25519","kty":"OKP","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePublic(b)
		if err != nil {
			if !p.IsZero() {
				t.Fatal("a key and an error")
			}
			return
		}
		form, err := p.MarshalJSON()
		if err != nil || !json.Valid(form) {
			t.Fatalf("%s: %v", form, err)
		}
		again, err := ParsePublic(form)
		if err != nil || !again.Equal(p) {
			t.Fatalf("%s: %v", form, err)
		}
		if p.Ed25519() == nil && p.ECDSA() == nil {
			t.Fatal("a key without a point")
		}
	})
}
