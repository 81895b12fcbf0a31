package sdjwt_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

// vectors are the examples of RFC 9901, see testdata/README.md.
type vectors struct {
	IssuerJWK     json.RawMessage `json:"issuer_jwk"`
	Audience      string          `json:"audience"`
	Nonce         string          `json:"nonce"`
	KeyBindingIAT int64           `json:"key_binding_iat"`
	Signed        []struct {
		Section      string          `json:"section"`
		Typ          string          `json:"typ"`
		JWT          string          `json:"jwt"`
		Disclosures  []string        `json:"disclosures"`
		Presentation string          `json:"presentation"`
		Processed    json.RawMessage `json:"processed"`
		Decoys       []string        `json:"decoys"`
	} `json:"signed"`
	Processing []struct {
		Section     string          `json:"section"`
		Payload     json.RawMessage `json:"payload"`
		Disclosures []struct {
			Encoded string `json:"encoded"`
			Digest  string `json:"digest"`
		} `json:"disclosures"`
		Processed json.RawMessage `json:"processed"`
	} `json:"processing"`
	Disclosures []struct {
		Section string          `json:"section"`
		Encoded string          `json:"encoded"`
		Digest  string          `json:"digest"`
		Salt    string          `json:"salt"`
		Name    string          `json:"name"`
		Value   json.RawMessage `json:"value"`
	} `json:"disclosures"`
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "rfc9901.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// foreign verifies the RFC's examples with the key of appendix A.5. Only the
// headers are treated otherwise than for our own documents.
func (v vectors) foreign(t testing.TB) sdjwt.Foreign {
	t.Helper()
	issuer, err := keys.FromJWK(keys.Attest, v.IssuerJWK)
	if err != nil {
		t.Fatal(err)
	}
	return sdjwt.Foreign{
		Issuer: func(jwt string) ([]byte, error) { return rawVerify(jwt, issuer, "example+sd-jwt", "dc+sd-jwt") },
		Binding: func(token string, holder keys.Public) ([]byte, error) {
			return rawVerify(token, holder, "kb+jwt")
		},
	}
}

// rawVerify checks a JWS with a header of alg ES256 and one of the types.
func rawVerify(token string, key keys.Public, types ...string) ([]byte, error) {
	piece := strings.Split(token, ".")
	if len(piece) != 3 {
		return nil, errors.New("three parts wanted")
	}
	var raw [3][]byte
	for i := range piece {
		var err error
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(piece[i]); err != nil {
			return nil, err
		}
	}
	var header struct{ Alg, Typ string }
	if err := json.Unmarshal(raw[0], &header); err != nil {
		return nil, err
	}
	known := false
	for _, typ := range types {
		known = known || header.Typ == typ
	}
	if header.Alg != "ES256" || !known {
		return nil, errors.New("header")
	}
	return raw[1], key.Verify([]byte(piece[0]+"."+piece[1]), raw[2])
}

// sameJSON compares two values as JSON.
func sameJSON(t *testing.T, what string, got any, want []byte) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var g, w any
	if err := errors.Join(json.Unmarshal(text, &g), json.Unmarshal(want, &w)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s:\n got %s\nwant %s", what, text, want)
	}
}

func parseAll(t *testing.T, texts []string) []sdjwt.Disclosure {
	t.Helper()
	var out []sdjwt.Disclosure
	for _, text := range texts {
		d, err := sdjwt.ParseDisclosure(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, d)
	}
	return out
}

// TestRFCPresentations: sections 5, 8.2 and A.1 to A.4, presentations with and
// without key binding, against the processed payloads printed in the RFC.
func TestRFCPresentations(t *testing.T) {
	v := readVectors(t)
	if len(v.Signed) != 6 {
		t.Fatalf("%d signed examples, want 6", len(v.Signed))
	}
	foreign := v.foreign(t)
	for _, e := range v.Signed {
		t.Run(e.Section, func(t *testing.T) {
			bound := !strings.HasSuffix(e.Presentation, "~")
			var got *sdjwt.Verified
			var err error
			if bound {
				var binding *sdjwt.Binding
				got, binding, err = foreign.VerifyBound(e.Presentation, v.Audience, v.Nonce)
				if err == nil && (binding.IssuedAt != v.KeyBindingIAT || binding.Audience != v.Audience || binding.Nonce != v.Nonce) {
					t.Errorf("binding %+v", binding)
				}
			} else {
				got, err = foreign.Verify(e.Presentation)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.JWT != e.JWT {
				t.Error("JWT is not kept as received")
			}
			sameJSON(t, "processed payload", got.Claims, e.Processed)
			if bound {
				for _, c := range [][2]string{{v.Audience, "1234567891"}, {"https://other.example.org", v.Nonce}, {v.Audience, ""}, {"", v.Nonce}} {
					if d, b, err := foreign.VerifyBound(e.Presentation, c[0], c[1]); !errors.Is(err, sdjwt.ErrBinding) || d != nil || b != nil {
						t.Errorf("audience %q nonce %q: %v", c[0], c[1], err)
					}
				}
			}
		})
	}
}

// TestRFCIssuances: the same documents with all their disclosures.
func TestRFCIssuances(t *testing.T) {
	v := readVectors(t)
	foreign := v.foreign(t)
	for _, e := range v.Signed {
		t.Run(e.Section, func(t *testing.T) {
			all := parseAll(t, e.Disclosures)
			got, err := foreign.Verify(sdjwt.Combine(e.JWT, all))
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := got.Processed(); strings.Contains(string(text), `"_sd`) || strings.Contains(string(text), `"..."`) {
				t.Errorf("digests remain: %s", text)
			}
			// None but the nested ones can be left out alone, none given twice.
			if _, err := foreign.Verify(sdjwt.Combine(e.JWT, append(all, all[0]))); !errors.Is(err, sdjwt.ErrRepeated) {
				t.Errorf("first disclosure twice: %v", err)
			}
			none, err := foreign.Verify(e.JWT + "~")
			if err != nil || len(none.Disclosed) != 0 {
				t.Errorf("without disclosures: %v", err)
			}
			for _, decoy := range e.Decoys {
				if !strings.Contains(string(got.Clear), decoy) {
					t.Errorf("decoy %s is not in the payload", decoy)
				}
			}
		})
	}
}

// TestRFCHiddenSubject: sections 8.2 and A.1 hide sub. Our own rule refuses
// that as soon as it is disclosed.
func TestRFCHiddenSubject(t *testing.T) {
	v := readVectors(t)
	foreign := v.foreign(t)
	foreign.Visible = sdjwt.AlwaysClear()
	hidden := 0
	for _, e := range v.Signed {
		all := parseAll(t, e.Disclosures)
		hides := false
		for _, d := range all {
			hides = hides || d.Name() == "sub"
		}
		_, err := foreign.Verify(sdjwt.Combine(e.JWT, all))
		if hides != errors.Is(err, sdjwt.ErrHidden) {
			t.Errorf("%s: hides sub %v, error %v", e.Section, hides, err)
		}
		if hides {
			hidden++
		}
	}
	if hidden != 2 {
		t.Errorf("%d examples hide sub, want 2", hidden)
	}
}

// TestRFCProcessing: section 6, flat, structured and recursive, whose payloads
// the RFC gives without a signature.
func TestRFCProcessing(t *testing.T) {
	for _, e := range readVectors(t).Processing {
		t.Run(e.Section, func(t *testing.T) {
			var all []string
			for _, d := range e.Disclosures {
				all = append(all, d.Encoded)
				parsed := parseAll(t, []string{d.Encoded})[0]
				if parsed.Digest() != d.Digest {
					t.Errorf("digest %s, want %s", parsed.Digest(), d.Digest)
				}
			}
			got, err := sdjwt.Process(e.Payload, parseAll(t, all))
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, "processed payload", got, e.Processed)
			if e.Section == "6.3" { // an inner disclosure without the outer one
				if _, err := sdjwt.Process(e.Payload, parseAll(t, all[:1])); !errors.Is(err, sdjwt.ErrUnreferenced) {
					t.Errorf("inner disclosure alone: %v", err)
				}
			}
		})
	}
}

// TestRFCDisclosures: section 4.2 in its different spellings, and every
// disclosure of the other examples.
func TestRFCDisclosures(t *testing.T) {
	all := readVectors(t).Disclosures
	if len(all) < 80 {
		t.Fatalf("%d disclosures", len(all))
	}
	for _, e := range all {
		d := parseAll(t, []string{e.Encoded})[0]
		if d.Digest() != e.Digest || d.Salt() != e.Salt || d.Name() != e.Name || d.Element() != (e.Name == "") {
			t.Errorf("%s %s: %s, salt %s, name %s", e.Section, e.Encoded, d.Digest(), d.Salt(), d.Name())
		}
		sameJSON(t, e.Section, json.RawMessage(d.Value()), e.Value)
	}
}
