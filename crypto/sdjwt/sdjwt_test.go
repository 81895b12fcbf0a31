package sdjwt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

var (
	issuer = cryptotest.Key("regulator", keys.Attest)
	holder = cryptotest.Key("regulator", keys.Release)
	lookup = cryptotest.Lookup("regulator", "court")
)

const aud, nonce = "did:accord:court", "release-0001"

// clearText is the clear part of a record with the holder's key confirmed.
func clearText() string {
	return `{"iss":"regulator","sub":"91630000MA7580000X","vct":"penalty","jti":"8f14e45f","iat":1700000000,"cnf":{"jwk":` +
		string(holder.Public().JWK()) + `},"amount_class":"b"}`
}

func private() []sdjwt.Claim {
	return []sdjwt.Claim{
		{Name: "amount", Value: 1250000},
		{Name: "person", Value: "张三 <&>"},
		{Name: "detail", Value: json.RawMessage(`{"b": [1, null, true], "a": "x"}`)},
		{Name: "note", Value: nil},
	}
}

func mustIssue(t testing.TB, visible ...string) (string, []sdjwt.Disclosure) {
	t.Helper()
	jwt, ds, err := sdjwt.Issue(issuer, sdjwt.TypRecord, []byte(clearText()), private(), 0, cryptotest.Random("issue"), visible...)
	if err != nil {
		t.Fatal(err)
	}
	return jwt, ds
}

// payloadOf reads a token's payload without verifying.
func payloadOf(t testing.TB, jwt string) map[string]json.RawMessage {
	t.Helper()
	token, err := jws.Parse(jwt)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(token.Payload, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// signed signs any payload as a record, as a careless or lying issuer would.
func signed(t testing.TB, payload string) string {
	t.Helper()
	jwt, err := jws.SignKind(issuer, jws.Kind{Typ: sdjwt.TypRecord, Use: keys.Attest}, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return jwt
}

// disclosure encodes any JSON text as a disclosure.
func disclosure(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func digestOf(encoded string) string { return sdjwt.Disclosure{Encoded: encoded}.Digest() }

const salt = `"2GLC42sKQveCfGfryNRN9w"`

func TestIssueVerify(t *testing.T) {
	jwt, ds := mustIssue(t)
	got, err := sdjwt.Verify(sdjwt.Combine(jwt, ds), sdjwt.TypRecord, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if got.JWT != jwt || !got.Issuer.Equal(issuer.Public()) || len(got.Disclosed) != 4 {
		t.Errorf("verified %+v", got)
	}
	text, err := got.Processed()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"amount":1250000,"amount_class":"b","cnf":{"jwk":` + string(holder.Public().JWK()) +
		`},"detail":{"a":"x","b":[1,null,true]},"iat":1700000000,"iss":"regulator","jti":"8f14e45f","note":null,"person":"张三 <&>","sub":"91630000MA7580000X","vct":"penalty"}`
	if string(text) != want {
		t.Errorf("processed\n%s\nwant\n%s", text, want)
	}
	for i, c := range private() {
		if ds[i].Name() != c.Name || got.Disclosed[i].Encoded != ds[i].Encoded {
			t.Errorf("disclosure %d is %s", i, ds[i].Name())
		}
	}
	if v := string(ds[2].Value()); v != `{"b":[1,null,true],"a":"x"}` {
		t.Errorf("raw value became %s", v)
	}
	// Any subset, in any order, is a valid presentation and shows just that.
	part, err := sdjwt.Verify(sdjwt.Combine(jwt, []sdjwt.Disclosure{ds[3], ds[0]}), sdjwt.TypRecord, lookup)
	if err != nil {
		t.Fatal(err)
	}
	if _, there := part.Claims["person"]; there || part.Claims["amount"] != 1250000.0 {
		t.Errorf("part %v", part.Claims)
	}
}

// TestVerifyRefuses is section 7.1 rule by rule, with documents an issuer could
// really have signed.
func TestVerifyRefuses(t *testing.T) {
	jwt, ds := mustIssue(t)
	full := sdjwt.Combine(jwt, ds)
	d := func(text string) string { return disclosure(text) }
	a1 := d(`[` + salt + `,"a",1]`)
	a2 := d(`["eluV5Og3gSNII8EYnsxA_A","a",2]`)
	el := d(`[` + salt + `,"element"]`)
	doc := func(payload string, disclosures ...string) string {
		s := signed(t, payload) + "~"
		for _, d := range disclosures {
			s += d + "~"
		}
		return s
	}
	sd := func(encoded ...string) string {
		var out []string
		for _, e := range encoded {
			out = append(out, `"`+digestOf(e)+`"`)
		}
		return `"_sd":[` + strings.Join(out, ",") + `]`
	}
	nest := func(n int) string { return strings.Repeat(`{"n":`, n) + `1` + strings.Repeat(`}`, n) }
	other := func(text string) string { return d(`[` + salt + `,` + text + `]`) }
	many := strings.Repeat("A~", sdjwt.MaxDisclosures+1)

	for name, c := range map[string]struct {
		combined string
		want     error
	}{
		"empty":             {"", sdjwt.ErrForm},
		"no tilde":          {jwt, sdjwt.ErrForm},
		"only tilde":        {"~", sdjwt.ErrIssuer},
		"too long":          {jwt + "~" + strings.Repeat("A", sdjwt.MaxSize) + "~", sdjwt.ErrForm},
		"too many":          {jwt + "~" + many, sdjwt.ErrForm},
		"empty disclosure":  {jwt + "~~", sdjwt.ErrDisclosure},
		"key binding":       {full + "a.b.c", sdjwt.ErrForm},
		"space":             {" " + full, sdjwt.ErrIssuer},
		"unreferenced":      {full + a1 + "~", sdjwt.ErrUnreferenced},
		"unreferenced only": {jwt + "~" + a1 + "~", sdjwt.ErrUnreferenced},
		"given twice":       {full + ds[0].Encoded + "~", sdjwt.ErrRepeated},
		"altered":           {strings.Replace(full, ds[0].Encoded, d(`["`+ds[0].Salt()+`","amount",1250001]`), 1), sdjwt.ErrUnreferenced},

		"digest twice":          {doc(`{` + sd(a1, a1) + `}`), sdjwt.ErrRepeated},
		"digest twice levels":   {doc(`{` + sd(a1) + `,"b":{` + sd(a1) + `}}`), sdjwt.ErrRepeated},
		"digest twice array":    {doc(`{` + sd(el) + `,"b":[{"...":"` + digestOf(el) + `"}]}`), sdjwt.ErrRepeated},
		"digest in disclosure":  {doc(`{`+sd(a1, other(`"b",{`+sd(a1)+`}`))+`}`, other(`"b",{`+sd(a1)+`}`)), sdjwt.ErrRepeated},
		"collision clear":       {doc(`{`+sd(a1)+`,"a":1}`, a1), sdjwt.ErrName},
		"collision disclosed":   {doc(`{`+sd(a1, a2)+`}`, a1, a2), sdjwt.ErrName},
		"collision deep":        {doc(`{"o":{`+sd(a1)+`,"a":1}}`, a1), sdjwt.ErrName},
		"element as claim":      {doc(`{`+sd(el)+`}`, el), sdjwt.ErrDisclosure},
		"claim as element":      {doc(`{"b":[{"...":"`+digestOf(a1)+`"}]}`, a1), sdjwt.ErrDisclosure},
		"_sd no array":          {doc(`{"_sd":{}}`), sdjwt.ErrPayload},
		"_sd null":              {doc(`{"_sd":null}`), sdjwt.ErrPayload},
		"_sd of numbers":        {doc(`{"_sd":[1]}`), sdjwt.ErrPayload},
		"_sd short digest":      {doc(`{"_sd":["AAAA"]}`), sdjwt.ErrPayload},
		"_sd non-canonical":     {doc(`{"_sd":["` + digestOf(a1)[:42] + `_"]}`), sdjwt.ErrPayload},
		"_sd with line break":   {doc(`{"_sd":["` + digestOf(a1)[:42] + `\n"]}`), sdjwt.ErrPayload},
		"... in object":         {doc(`{"...":"` + digestOf(a1) + `"}`), sdjwt.ErrName},
		"... beside others":     {doc(`{"b":[{"...":"` + digestOf(el) + `","c":1}]}`), sdjwt.ErrPayload},
		"... no string":         {doc(`{"b":[{"...":1}]}`), sdjwt.ErrPayload},
		"... as member value":   {doc(`{"b":{"...":"` + digestOf(el) + `"}}`), sdjwt.ErrName},
		"_sd_alg sha-512":       {doc(`{"_sd_alg":"sha-512"}`), sdjwt.ErrPayload},
		"_sd_alg case":          {doc(`{"_sd_alg":"SHA-256"}`), sdjwt.ErrPayload},
		"_sd_alg number":        {doc(`{"_sd_alg":256}`), sdjwt.ErrPayload},
		"_sd_alg null":          {doc(`{"_sd_alg":null}`), sdjwt.ErrPayload},
		"_sd_alg deep":          {doc(`{"b":{"_sd_alg":"sha-256"}}`), sdjwt.ErrName},
		"payload array":         {doc(`[]`), sdjwt.ErrPayload},
		"payload text":          {doc(`"a"`), sdjwt.ErrPayload},
		"payload twice":         {doc(`{"a":1,"a":1}`), sdjwt.ErrPayload},
		"payload inexact":       {doc(`{"a":9007199254740993}`), sdjwt.ErrPayload},
		"payload too deep":      {doc(nest(33)), sdjwt.ErrPayload},
		"disclosure makes deep": {doc(`{"b":{"c":{`+sd(other(`"d",`+nest(30)))+`}}}`, other(`"d",`+nest(30))), sdjwt.ErrPayload},

		"name _sd":            {doc(`{`+sd(other(`"_sd",[]`))+`}`, other(`"_sd",[]`)), sdjwt.ErrName},
		"name ...":            {doc(`{`+sd(other(`"...","a"`))+`}`, other(`"...","a"`)), sdjwt.ErrName},
		"name _sd_alg":        {doc(`{`+sd(other(`"_sd_alg","sha-256"`))+`}`, other(`"_sd_alg","sha-256"`)), sdjwt.ErrName},
		"name empty":          {jwt + "~" + other(`"",1`) + "~", sdjwt.ErrName},
		"name number":         {jwt + "~" + other(`1,1`) + "~", sdjwt.ErrDisclosure},
		"name null":           {jwt + "~" + other(`null,1`) + "~", sdjwt.ErrDisclosure},
		"value has bad _sd":   {doc(`{`+sd(other(`"b",{"_sd":1}`))+`}`, other(`"b",{"_sd":1}`)), sdjwt.ErrPayload},
		"value twice":         {jwt + "~" + other(`"b",{"c":1,"c":2}`) + "~", sdjwt.ErrDisclosure},
		"four members":        {jwt + "~" + other(`"b",1,1`) + "~", sdjwt.ErrDisclosure},
		"one member":          {jwt + "~" + d(`[`+salt+`]`) + "~", sdjwt.ErrDisclosure},
		"object":              {jwt + "~" + d(`{"a":1}`) + "~", sdjwt.ErrDisclosure},
		"null":                {jwt + "~" + d(`null`) + "~", sdjwt.ErrDisclosure},
		"trailing":            {jwt + "~" + d(`[`+salt+`,"a",1]]`) + "~", sdjwt.ErrDisclosure},
		"salt short":          {jwt + "~" + d(`["abc","a",1]`) + "~", sdjwt.ErrDisclosure},
		"salt number":         {jwt + "~" + d(`[1,"a",1]`) + "~", sdjwt.ErrDisclosure},
		"no base64url":        {jwt + "~" + a1 + "=~", sdjwt.ErrDisclosure},
		"base64 other":        {jwt + "~" + a1[:8] + "+" + a1[9:] + "~", sdjwt.ErrDisclosure},
		"base64 line break":   {jwt + "~" + a1[:8] + "\n" + a1[8:] + "~", sdjwt.ErrDisclosure},
		"invalid UTF-8":       {jwt + "~" + d("["+salt+",\"a\",\"\xff\"]") + "~", sdjwt.ErrDisclosure},
		"lone surrogate":      {jwt + "~" + d(`[`+salt+`,"a","\ud800"]`) + "~", sdjwt.ErrDisclosure},
		"disclosure too long": {jwt + "~" + strings.Repeat("A", sdjwt.MaxDisclosure+1) + "~", sdjwt.ErrDisclosure},
	} {
		if got, err := sdjwt.Verify(c.combined, sdjwt.TypRecord, lookup); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestVerifySigned: the signature, its type and its key.
func TestVerifySigned(t *testing.T) {
	jwt, ds := mustIssue(t)
	full := sdjwt.Combine(jwt, ds)
	part := strings.Split(jwt, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	none := b64([]byte(`{"alg":"none","kid":"`+issuer.KID()+`","typ":"`+sdjwt.TypRecord+`"}`)) + "." + part[1] + "."
	tail := "~" + strings.SplitN(full, "~", 2)[1]
	command, err := jws.SignKind(cryptotest.Key("regulator", keys.Command), jws.Kind{Typ: "accord-other+jws", Use: keys.Command}, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		combined, typ string
		lookup        func(string) (keys.Public, error)
		want          error
	}{
		"other typ":      {full, sdjwt.TypEntry, lookup, jws.ErrTyp},
		"foreign typ":    {full, "example+sd-jwt", lookup, sdjwt.ErrTyp},
		"empty typ":      {full, "", lookup, sdjwt.ErrTyp},
		"unknown key":    {full, sdjwt.TypRecord, cryptotest.Lookup("court"), sdjwt.ErrIssuer},
		"no lookup":      {full, sdjwt.TypRecord, nil, sdjwt.ErrIssuer},
		"wrong key":      {full, sdjwt.TypRecord, func(string) (keys.Public, error) { return cryptotest.Public("court", keys.Attest), nil }, jws.ErrKey},
		"wrong use":      {full, sdjwt.TypRecord, func(string) (keys.Public, error) { return holder.Public(), nil }, jws.ErrKey},
		"zero key":       {full, sdjwt.TypRecord, func(string) (keys.Public, error) { return keys.Public{}, nil }, jws.ErrKey},
		"none":           {none + tail, sdjwt.TypRecord, lookup, sdjwt.ErrIssuer},
		"none signed":    {none + part[2] + tail, sdjwt.TypRecord, lookup, jws.ErrHeader},
		"other payload":  {part[0] + "." + b64([]byte(`{}`)) + "." + part[2] + "~", sdjwt.TypRecord, lookup, jws.ErrSignature},
		"signature flip": {part[0] + "." + part[1] + "." + "AAAA" + part[2][4:] + tail, sdjwt.TypRecord, lookup, jws.ErrSignature},
		"command":        {command + "~", sdjwt.TypRecord, lookup, jws.ErrTyp},
	} {
		if got, err := sdjwt.Verify(c.combined, c.typ, c.lookup); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestHiddenClaims: an issuer that hid what decides validity is found out as
// soon as it is disclosed.
func TestHiddenClaims(t *testing.T) {
	for _, name := range append(sdjwt.AlwaysClear(), "level") {
		d := disclosure(`[` + salt + `,"` + name + `",1]`)
		top := signed(t, `{"_sd":["`+digestOf(d)+`"]}`) + "~" + d + "~"
		if got, err := sdjwt.Verify(top, sdjwt.TypRecord, lookup, "level"); !errors.Is(err, sdjwt.ErrHidden) || got != nil {
			t.Errorf("%s hidden at the top: %v", name, err)
		}
		inner := signed(t, `{"o":{"_sd":["`+digestOf(d)+`"]}}`) + "~" + d + "~"
		if _, err := sdjwt.Verify(inner, sdjwt.TypRecord, lookup, "level"); err != nil {
			t.Errorf("%s inside another claim: %v", name, err)
		}
	}
	d := disclosure(`[` + salt + `,"level",1]`)
	if _, err := sdjwt.Verify(signed(t, `{"_sd":["`+digestOf(d)+`"]}`)+"~"+d+"~", sdjwt.TypRecord, lookup); err != nil {
		t.Errorf("level hidden where nobody forbids it: %v", err)
	}
}

// TestForms: forms we do not issue but verify.
func TestForms(t *testing.T) {
	inner := disclosure(`[` + salt + `,"c",[1]]`)
	outer := disclosure(`["eluV5Og3gSNII8EYnsxA_A","b",{"_sd":["` + digestOf(inner) + `"],"x":[{"...":"` + strings.Repeat("A", 43) + `"}]}]`)
	element := disclosure(`["6Ij7tM-a5iVPGboS5tmvVA",{"_sd":[]}]`)
	jwt := signed(t, `{"_sd":["`+digestOf(outer)+`"],"l":[0,{"...":"`+digestOf(element)+`"},2]}`)
	for name, c := range map[string]struct {
		disclosures []string
		want        string
	}{
		"nothing":   {nil, `{"l":[0,2]}`},
		"element":   {[]string{element}, `{"l":[0,{},2]}`},
		"outer":     {[]string{outer}, `{"b":{"x":[]},"l":[0,2]}`},
		"all":       {[]string{element, inner, outer}, `{"b":{"c":[1],"x":[]},"l":[0,{},2]}`},
		"any order": {[]string{inner, outer, element}, `{"b":{"c":[1],"x":[]},"l":[0,{},2]}`},
	} {
		got, err := sdjwt.Verify(strings.Join(append([]string{jwt}, c.disclosures...), "~")+"~", sdjwt.TypRecord, lookup)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text, _ := got.Processed(); string(text) != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
	if _, err := sdjwt.Verify(jwt+"~"+inner+"~", sdjwt.TypRecord, lookup); !errors.Is(err, sdjwt.ErrUnreferenced) {
		t.Errorf("inner without outer: %v", err)
	}
}

func TestPrivateValuesAreNeverFormatted(t *testing.T) {
	jwt, ds := mustIssue(t)
	verified, err := sdjwt.Verify(sdjwt.Combine(jwt, ds), sdjwt.TypRecord, lookup)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		logger.Info("x", "d", ds[1], "all", ds, "v", verified)
	}
	out := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		out += fmt.Sprintf(verb, ds[1]) + fmt.Sprintf(verb, ds) + fmt.Sprintf(verb, verified) + "\n"
	}
	for _, v := range []any{ds[1], ds, verified} {
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("a JSON form: %s", text)
		}
	}
	for _, leak := range []string{"张三", ds[1].Encoded, ds[1].Salt(), fmt.Sprintf("%x", ds[1].Salt())} {
		if strings.Contains(out, leak) {
			t.Errorf("output holds %q", leak)
		}
	}
}

// TestDisclosureFromText: a Disclosure kept as its text alone is the same.
func TestDisclosureFromText(t *testing.T) {
	_, ds := mustIssue(t)
	d := sdjwt.Disclosure{Encoded: ds[0].Encoded}
	if d.Name() != "amount" || string(d.Value()) != "1250000" || d.Salt() != ds[0].Salt() || d.Digest() != ds[0].Digest() || d.Element() {
		t.Error("read from its text it is another")
	}
	if bad := (sdjwt.Disclosure{Encoded: "AAAA"}); bad.Name() != "" || len(bad.Value()) != 0 {
		t.Error("no disclosure, but a name")
	}
}

func BenchmarkVerify(b *testing.B) {
	jwt, ds := mustIssue(b)
	full := sdjwt.Combine(jwt, ds)
	for b.Loop() {
		if _, err := sdjwt.Verify(full, sdjwt.TypRecord, lookup); err != nil {
			b.Fatal(err)
		}
	}
}
