package jws

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"accord/crypto/cryptotest"
	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

func cryptotestKey(use keys.Use) keys.Private { return cryptotest.Key("regulator", use) }

var (
	lookup = cryptotest.Lookup("regulator", "court")
	bound  = Kind{Typ: "kb+jwt", Use: keys.Release, NoKID: true}
)

func TestSignAndVerify(t *testing.T) {
	k := cryptotestKey(keys.Command)
	for _, typ := range []string{TypCommand, TypEndorsement, TypCharter, TypIntroduction, TypInvitation, TypComplaint} {
		token, err := Sign(k, typ, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		header, _ := b64url.Decode(token[:strings.Index(token, ".")])
		if want := `{"alg":"EdDSA","kid":"` + k.KID() + `","typ":"` + typ + `"}`; string(header) != want {
			t.Errorf("header %s, want %s", header, want)
		}
		got, err := Verify(token, typ, lookup)
		if err != nil || string(got.Payload) != payload || got.Typ != typ || got.KID != k.KID() || got.Alg != "EdDSA" {
			t.Errorf("%s: %+v, %v", typ, got, err)
		}
		for _, other := range []string{TypCommand, TypEndorsement, TypCharter, TypIntroduction, TypInvitation, TypComplaint} {
			if _, err := Verify(token, other, lookup); (err == nil) != (other == typ) {
				t.Errorf("%s passes for %s: %v", typ, other, err)
			}
		}
		if again, err := Sign(k, typ, []byte(payload)); err != nil || again != token {
			t.Errorf("signing again gives another token: %v", err)
		}
	}
}

// TestUsesDoNotMix signs each kind with a key for each use.
//
// Shows: D2
func TestUsesDoNotMix(t *testing.T) {
	for _, kind := range []Kind{{Typ: TypCommand, Use: keys.Command}, record, bound} {
		for _, use := range keys.Uses() {
			token, err := SignKind(cryptotestKey(use), kind, []byte(payload))
			if (err == nil) != (use == kind.Use) {
				t.Errorf("%s signed with a key for %s: %v", kind.Typ, use, err)
			}
			if err != nil && (token != "" || !errors.Is(err, ErrKey)) {
				t.Errorf("%s with %s: %q, %v", kind.Typ, use, token, err)
			}
		}
	}
	for name, kind := range map[string]Kind{
		"a statement's typ for another use":  {Typ: TypCommand, Use: keys.Cosign},
		"a statement's typ without a kid":    {Typ: TypCommand, Use: keys.Command, NoKID: true},
		"a use that signs nothing":           {Typ: "x+jwt", Use: keys.Seal},
		"no use":                             {Typ: "x+jwt"},
		"no typ":                             {Use: keys.Command},
		"a typ that would need an escape":    {Typ: `x"y`, Use: keys.Command},
		"a typ too long":                     {Typ: strings.Repeat("x", 65), Use: keys.Command},
		"a typ with its prefix, and a slash": {Typ: "application/x", Use: keys.Command},
	} {
		if token, err := SignKind(cryptotestKey(keys.Command), kind, []byte(payload)); err == nil || token != "" {
			t.Errorf("%s: signed", name)
		}
		if _, err := VerifyKind("x", kind, lookup); err == nil {
			t.Errorf("%s: verified", name)
		}
	}
	if _, err := Sign(cryptotestKey(keys.Command), "kb+jwt", []byte(payload)); !errors.Is(err, ErrTyp) {
		t.Errorf("a document's typ through Sign: %v", err)
	}
}

// TestVerifyWith is the way of key-binding tokens, whose header has no kid.
func TestVerifyWith(t *testing.T) {
	k := cryptotestKey(keys.Release)
	token, err := SignKind(k, bound, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := VerifyWith(token, bound, k.Public()); err != nil || string(got.Payload) != payload || got.KID != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := VerifyWith(token, bound, cryptotest.Public("court", keys.Release)); !errors.Is(err, ErrSignature) {
		t.Errorf("with another member's key: %v", err)
	}
	if _, err := VerifyWith(token, bound, cryptotestKey(keys.Attest).Public()); !errors.Is(err, ErrKey) {
		t.Errorf("with a key for another use: %v", err)
	}
	if _, err := VerifyWith(token, bound, keys.Public{}); !errors.Is(err, ErrKey) {
		t.Errorf("with no key: %v", err)
	}
	if _, err := VerifyKind(token, bound, lookup); !errors.Is(err, ErrKey) {
		t.Errorf("by lookup: %v", err)
	}
	if _, err := Parse(token); !errors.Is(err, ErrHeader) {
		t.Errorf("Parse takes a header without kid: %v", err)
	}
	withKID := signed(k, `{"alg":"ES256","kid":"`+k.KID()+`","typ":"kb+jwt"}`, payload)
	if _, err := VerifyWith(withKID, bound, k.Public()); !errors.Is(err, ErrHeader) {
		t.Errorf("a kid where none belongs: %v", err)
	}
}

// TestLookupIsNotTrusted gives keys that were not asked for.
func TestLookupIsNotTrusted(t *testing.T) {
	token, err := Sign(cryptotestKey(keys.Command), TypCommand, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	errLookup := errors.New("lookup")
	for name, lookup := range map[string]Lookup{
		"no key":              func(string) (keys.Public, error) { return keys.Public{}, nil },
		"another key":         func(string) (keys.Public, error) { return cryptotest.Public("court", keys.Command), nil },
		"a key for another":   func(string) (keys.Public, error) { return cryptotestKey(keys.TLS).Public(), nil },
		"a key and an error":  func(string) (keys.Public, error) { return cryptotestKey(keys.Command).Public(), errLookup },
		"the seal key":        func(string) (keys.Public, error) { return cryptotestKey(keys.Seal).Public(), nil },
		"a key of other sort": func(string) (keys.Public, error) { return cryptotestKey(keys.Attest).Public(), nil },
	} {
		if got, err := Verify(token, TypCommand, lookup); !errors.Is(err, ErrKey) || got.Payload != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Verify(token, TypCommand, func(string) (keys.Public, error) { return keys.Public{}, errLookup }); !errors.Is(err, errLookup) {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestSizes(t *testing.T) {
	k := cryptotestKey(keys.Command)
	if token, err := Sign(k, TypCommand, nil); !errors.Is(err, ErrToken) || token != "" {
		t.Errorf("no payload: %v", err)
	}
	largest := 0
	for _, n := range []int{1, 1000, MaxToken * 3 / 4 * 999 / 1000, MaxToken * 3 / 4, MaxToken} {
		token, err := Sign(k, TypCommand, make([]byte, n))
		if err != nil {
			continue
		}
		largest = n
		if _, err := Verify(token, TypCommand, lookup); err != nil {
			t.Errorf("%d bytes are signed and then refused: %v", n, err)
		}
	}
	if largest != MaxToken*3/4*999/1000 {
		t.Errorf("the largest payload signed has %d bytes", largest)
	}
	token := signed(k, `{"alg":"EdDSA","kid":"`+k.KID()+`","typ":"`+TypCommand+`"}`, strings.Repeat("x", MaxToken))
	if _, err := Verify(token, TypCommand, lookup); !errors.Is(err, ErrToken) {
		t.Errorf("too large: %v", err)
	}
}

func TestVerifyBatchIsVerify(t *testing.T) {
	var tokens []string
	for i := range 300 {
		token, err := Sign(cryptotest.Key([]string{"regulator", "court", "stranger"}[i%3], keys.Command), TypCommand, fmt.Append(nil, i))
		if err != nil {
			t.Fatal(err)
		}
		switch i % 11 {
		case 4:
			token = token[:len(token)-3] + "AAA"
		case 7:
			token += "x"
		}
		tokens = append(tokens, token)
	}
	bad := 0
	for i, got := range VerifyBatch(tokens, TypCommand, lookup) {
		want, err := Verify(tokens[i], TypCommand, lookup)
		if fmt.Sprint(err) != fmt.Sprint(got.Err) || got.Token.SigningInput != want.SigningInput || string(got.Token.Payload) != string(want.Payload) {
			t.Errorf("%d: %v in a batch, %v alone", i, got.Err, err)
		}
		if err != nil {
			bad++
		}
	}
	if bad < 100 {
		t.Errorf("only %d bad tokens", bad)
	}
	for _, r := range VerifyBatch(tokens[:2], "JWT", lookup) {
		if !errors.Is(r.Err, ErrTyp) {
			t.Errorf("unknown typ: %v", r.Err)
		}
	}
}

// TestGoJose makes tokens with another implementation and verifies ours by it.
func TestGoJose(t *testing.T) {
	for _, kind := range []Kind{{Typ: TypCommand, Use: keys.Command}, record, bound} {
		k := cryptotestKey(kind.Use)
		alg := jose.SignatureAlgorithm(k.Public().Alg())
		var private, public any = k.Ed25519(), k.Public().Ed25519()
		if kind.Use.Alg() == keys.ES256 {
			private, public = k.ECDSA(), k.Public().ECDSA()
		}
		ours, err := SignKind(k, kind, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedCompact(ours, []jose.SignatureAlgorithm{alg})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Verify(public); err != nil || string(got) != payload {
			t.Errorf("%s: go-jose does not verify ours: %q, %v", kind.Typ, got, err)
		}

		jwk := jose.JSONWebKey{Key: private, KeyID: k.KID()}
		if kind.NoKID {
			jwk.KeyID = ""
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jwk}, (&jose.SignerOptions{}).WithType(jose.ContentType(kind.Typ)))
		if err != nil {
			t.Fatal(err)
		}
		object, err := signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := VerifyWith(theirs, kind, k.Public()); err != nil || string(got.Payload) != payload {
			t.Errorf("%s: we do not verify go-jose's: %v", kind.Typ, err)
		}
		if alg == jose.EdDSA && theirs != ours { // deterministic, and the same header
			t.Errorf("%s: go-jose makes\n%s\nand we\n%s", kind.Typ, theirs, ours)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range build().Tests {
		f.Add(v.Token)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, withKID := range []bool{true, false} {
			token, err := parse(s, withKID)
			if err != nil {
				if token.SigningInput != "" || token.Payload != nil || token.Signature != nil || token.Alg != "" {
					t.Fatal("a token and an error")
				}
				continue
			}
			head, body, _ := strings.Cut(token.SigningInput, ".")
			header, err := b64url.Decode(head)
			if err != nil {
				t.Fatal(err)
			}
			again := b64url.Encode(header) + "." + b64url.Encode(token.Payload) + "." + b64url.Encode(token.Signature)
			if again != s || body == "" {
				t.Fatalf("parsed %q, which encodes again as %q", s, again)
			}
		}
	})
}

// FuzzHeader holds the header parser against strict JSON: it takes exactly the
// headers that strict JSON takes and that some order of our members spells.
func FuzzHeader(f *testing.F) {
	for _, v := range build().Tests {
		head, _, _ := strings.Cut(v.Token, ".")
		if header, err := b64url.Decode(head); err == nil {
			f.Add(header)
		}
	}
	f.Add([]byte(`{"alg":"ES256","typ":"kb+jwt"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, withKID := range []bool{true, false} {
			got, err := parseHeader(b, withKID)
			want, ok := reference(b, withKID)
			if (err == nil) != ok || got.Alg != want.Alg || got.KID != want.KID || got.Typ != want.Typ {
				t.Fatalf("%q: %+v, %v; strict JSON says %+v, %v", b, got, err, want, ok)
			}
		}
	})
}

func reference(b []byte, withKID bool) (Token, bool) {
	var h struct {
		Alg string `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}
	if strictjson.Unmarshal(b, &h) != nil || (h.Alg != "EdDSA" && h.Alg != "ES256") || !validTyp(h.Typ) ||
		withKID != (h.KID != "") || (withKID && !validKID(h.KID)) {
		return Token{}, false
	}
	members := []string{`"alg":"` + h.Alg + `"`, `"typ":"` + h.Typ + `"`}
	if withKID {
		members = append(members, `"kid":"`+h.KID+`"`)
	}
	if !slices.Contains(orders(members), string(b)) {
		return Token{}, false
	}
	return Token{Alg: h.Alg, KID: h.KID, Typ: h.Typ}, true
}

// orders spells an object in every order of its members.
func orders(members []string) []string {
	var all []string
	var walk func(chosen, left []string)
	walk = func(chosen, left []string) {
		if len(left) == 0 {
			all = append(all, "{"+strings.Join(chosen, ",")+"}")
		}
		for i := range left {
			walk(append(slices.Clone(chosen), left[i]), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	walk(nil, members)
	return all
}

func TestOrders(t *testing.T) {
	if got, _ := json.Marshal(orders([]string{"a", "b", "c"})); string(got) != `["{a,b,c}","{a,c,b}","{b,a,c}","{b,c,a}","{c,a,b}","{c,b,a}"]` {
		t.Errorf("%s", got)
	}
}

func BenchmarkToken(b *testing.B) {
	for _, kind := range []Kind{{Typ: TypCommand, Use: keys.Command}, record} {
		k := cryptotestKey(kind.Use)
		body := make([]byte, 600)
		token, err := SignKind(k, kind, body)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("sign "+string(k.Public().Alg()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := SignKind(k, kind, body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("parse "+string(k.Public().Alg()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(token); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("verify "+string(k.Public().Alg()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := VerifyWith(token, kind, k.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
