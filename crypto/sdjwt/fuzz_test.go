package sdjwt_test

import (
	"strings"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

// FuzzDisclosure: what parses is kept verbatim and reads the same again;
// an error gives nothing.
func FuzzDisclosure(f *testing.F) {
	for _, e := range readVectors(f).Disclosures[:8] {
		f.Add(e.Encoded)
	}
	f.Add("")
	f.Add(disclosure(`["2GLC42sKQveCfGfryNRN9w","a",{"_sd":["x"]}]`))
	f.Add(disclosure(`["2GLC42sKQveCfGfryNRN9w","\ud800",1]`))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := sdjwt.ParseDisclosure(text)
		if err != nil {
			if d != (sdjwt.Disclosure{}) {
				t.Fatal("an error and a disclosure")
			}
			return
		}
		if again, err := sdjwt.ParseDisclosure(d.Encoded); err != nil || again != d || d.Encoded != text {
			t.Fatalf("reads otherwise the second time: %v", err)
		}
		if d.Element() != (d.Name() == "") || d.Salt() == "" || len(d.Value()) == 0 {
			t.Fatal("a part is missing")
		}
	})
}

// FuzzVerify: arbitrary text; an error gives nothing, and success only with
// the JWT that was really signed.
func FuzzVerify(f *testing.F) {
	jwt, ds := mustIssue(f)
	f.Add(sdjwt.Combine(jwt, ds))
	f.Add(sdjwt.Combine(jwt, ds[1:3]))
	f.Add(jwt + "~~")
	f.Add("~")
	bound, err := sdjwt.Bind(jwt, ds, holder, aud, nonce, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bound)
	f.Fuzz(func(t *testing.T, combined string) {
		got, err := sdjwt.Verify(combined, sdjwt.TypRecord, lookup)
		if (err == nil) != (got != nil) {
			t.Fatalf("result %v, error %v", got, err)
		}
		if err == nil && (got.JWT != jwt || sdjwt.Combine(got.JWT, got.Disclosed) != combined) {
			t.Fatal("verified what was not issued, or changed it")
		}
		got, binding, err := sdjwt.VerifyBound(combined, sdjwt.TypRecord, lookup, aud, nonce)
		if (err == nil) != (got != nil) || (err == nil) != (binding != nil) {
			t.Fatalf("result %v, binding %v, error %v", got, binding, err)
		}
		if err == nil && combined != bound {
			t.Fatal("verified a binding that was not made")
		}
	})
}

// FuzzProcess: any payload an issuer may sign, with any disclosures. Nothing of
// the mechanism may remain in what is accepted, and it is accepted again alone.
func FuzzProcess(f *testing.F) {
	for _, e := range readVectors(f).Processing {
		var ds []string
		for _, d := range e.Disclosures {
			ds = append(ds, d.Encoded)
		}
		f.Add(string(e.Payload), strings.Join(ds, "~"))
	}
	a := disclosure(`["2GLC42sKQveCfGfryNRN9w","a",{"b":[{"...":"x"}]}]`)
	f.Add(`{"_sd":["`+digestOf(a)+`"],"a":1}`, a)
	kind := jws.Kind{Typ: sdjwt.TypRecord, Use: keys.Attest}
	f.Fuzz(func(t *testing.T, payload, disclosures string) {
		jwt, err := jws.SignKind(issuer, kind, []byte(payload))
		if err != nil {
			return
		}
		combined := jwt + "~"
		if disclosures != "" {
			combined += disclosures + "~"
		}
		got, err := sdjwt.Verify(combined, sdjwt.TypRecord, lookup)
		if err != nil {
			if got != nil {
				t.Fatal("an error and a result")
			}
			return
		}
		text, err := got.Processed()
		if err != nil {
			t.Fatal(err)
		}
		again, err := jws.SignKind(issuer, kind, text)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := sdjwt.Verify(again+"~", sdjwt.TypRecord, lookup)
		if err != nil {
			t.Fatalf("processed payload is not a payload: %v", err)
		}
		if twice, err := plain.Processed(); err != nil || string(twice) != string(text) {
			t.Fatalf("processing twice changes it: %s, %s, %v", text, twice, err)
		}
	})
}
