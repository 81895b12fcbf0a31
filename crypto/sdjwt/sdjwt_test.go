package sdjwt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
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

// TestPayloadTellsNothing: sorted digests, decoys among them, no value, no name.
func TestPayloadTellsNothing(t *testing.T) {
	for _, decoys := range []int{0, 1, 7} {
		jwt, ds, err := sdjwt.Issue(issuer, sdjwt.TypEntry, []byte(clearText()), private(), decoys, cryptotest.Random("d"))
		if err != nil {
			t.Fatal(err)
		}
		payload := payloadOf(t, jwt)
		var digests []string
		if err := json.Unmarshal(payload["_sd"], &digests); err != nil {
			t.Fatal(err)
		}
		if want := len(ds) + max(decoys, 1); len(digests) != want {
			t.Errorf("%d decoys asked: %d digests, want %d", decoys, len(digests), want)
		}
		if !slices.IsSorted(digests) {
			t.Error("digests are not sorted")
		}
		if string(payload["_sd_alg"]) != `"sha-256"` {
			t.Errorf("_sd_alg %s", payload["_sd_alg"])
		}
		for _, d := range ds {
			if !slices.Contains(digests, d.Digest()) {
				t.Errorf("no digest for %s", d.Name())
			}
			if _, there := payload[d.Name()]; there {
				t.Errorf("%s stands in clear", d.Name())
			}
		}
	}
}

// TestSalts: 128 bits each, never the same, also for equal claims.
func TestSalts(t *testing.T) {
	seen := map[string]bool{}
	random := cryptotest.Random("salts")
	for range 200 {
		_, ds, err := sdjwt.Issue(issuer, sdjwt.TypRecord, []byte(`{}`), []sdjwt.Claim{{Name: "a", Value: 1}, {Name: "b", Value: 1}}, 0, random)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			raw, err := base64.RawURLEncoding.DecodeString(d.Salt())
			if err != nil || len(raw) != 16 || seen[d.Salt()] {
				t.Fatalf("salt %q: %d bytes, repeated %v", d.Salt(), len(raw), seen[d.Salt()])
			}
			seen[d.Salt()] = true
		}
	}
}

func TestIssueRefuses(t *testing.T) {
	random := cryptotest.Random("refuse")
	raw := func(s string) any { return json.RawMessage(s) }
	long := make([]sdjwt.Claim, sdjwt.MaxDisclosures+1)
	for i := range long {
		long[i] = sdjwt.Claim{Name: fmt.Sprint("n", i)}
	}
	for name, c := range map[string]struct {
		key     keys.Private
		typ     string
		clear   string
		private []sdjwt.Claim
		decoys  int
		random  io.Reader
		want    error
	}{
		"typ":              {issuer, "example+sd-jwt", `{}`, nil, 0, random, sdjwt.ErrTyp},
		"typ of KB":        {issuer, sdjwt.TypKeyBinding, `{}`, nil, 0, random, sdjwt.ErrTyp},
		"typ of command":   {issuer, jws.TypCommand, `{}`, nil, 0, random, sdjwt.ErrTyp},
		"release key":      {holder, sdjwt.TypRecord, `{}`, nil, 0, random, jws.ErrKey},
		"command key":      {cryptotest.Key("regulator", keys.Command), sdjwt.TypRecord, `{}`, nil, 0, random, jws.ErrKey},
		"no key":           {keys.Private{}, sdjwt.TypRecord, `{}`, nil, 0, random, jws.ErrKey},
		"clear array":      {issuer, sdjwt.TypRecord, `[]`, nil, 0, random, sdjwt.ErrPayload},
		"clear null":       {issuer, sdjwt.TypRecord, `null`, nil, 0, random, sdjwt.ErrPayload},
		"clear twice":      {issuer, sdjwt.TypRecord, `{"a":1,"a":1}`, nil, 0, random, sdjwt.ErrPayload},
		"clear deep twice": {issuer, sdjwt.TypRecord, `{"a":{"b":1,"b":1}}`, nil, 0, random, sdjwt.ErrPayload},
		"clear trailing":   {issuer, sdjwt.TypRecord, `{} {}`, nil, 0, random, sdjwt.ErrPayload},
		"clear inexact":    {issuer, sdjwt.TypRecord, `{"a":{"b":[9007199254740993]}}`, nil, 0, random, sdjwt.ErrPayload},
		"clear _sd":        {issuer, sdjwt.TypRecord, `{"_sd":[]}`, nil, 0, random, sdjwt.ErrName},
		"clear deep _sd":   {issuer, sdjwt.TypRecord, `{"a":[{"_sd":[]}]}`, nil, 0, random, sdjwt.ErrName},
		"clear _sd_alg":    {issuer, sdjwt.TypRecord, `{"_sd_alg":"sha-256"}`, nil, 0, random, sdjwt.ErrName},
		"clear ...":        {issuer, sdjwt.TypRecord, `{"a":[{"...":"x"}]}`, nil, 0, random, sdjwt.ErrName},
		"collision":        {issuer, sdjwt.TypRecord, `{"a":1}`, []sdjwt.Claim{{"a", 1}}, 0, random, sdjwt.ErrName},
		"twice":            {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", 1}, {"a", 2}}, 0, random, sdjwt.ErrName},
		"name empty":       {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"", 1}}, 0, random, sdjwt.ErrName},
		"name _sd":         {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"_sd", 1}}, 0, random, sdjwt.ErrName},
		"name ...":         {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"...", 1}}, 0, random, sdjwt.ErrName},
		"name _sd_alg":     {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"_sd_alg", 1}}, 0, random, sdjwt.ErrName},
		"name invalid":     {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"\xff", 1}}, 0, random, sdjwt.ErrDisclosure},
		"value _sd":        {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", raw(`{"b":{"_sd":[]}}`)}}, 0, random, sdjwt.ErrName},
		"value ...":        {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", raw(`[{"...":"x"}]`)}}, 0, random, sdjwt.ErrName},
		"value no JSON":    {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", raw(`{"b"}`)}}, 0, random, sdjwt.ErrDisclosure},
		"value twice":      {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", raw(`{"b":1,"b":2}`)}}, 0, random, sdjwt.ErrDisclosure},
		"value inexact":    {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", int64(1<<53 + 1)}}, 0, random, sdjwt.ErrPayload},
		"value func":       {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", func() {}}}, 0, random, sdjwt.ErrDisclosure},
		"value long":       {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", strings.Repeat("x", sdjwt.MaxDisclosure)}}, 0, random, sdjwt.ErrDisclosure},
		"too many":         {issuer, sdjwt.TypRecord, `{}`, long, 0, random, sdjwt.ErrPayload},
		"decoys -1":        {issuer, sdjwt.TypRecord, `{}`, nil, -1, random, sdjwt.ErrPayload},
		"decoys 1000":      {issuer, sdjwt.TypRecord, `{}`, nil, 1000, random, sdjwt.ErrPayload},
		"random ends":      {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", 1}}, 0, bytes.NewReader(make([]byte, 15)), sdjwt.ErrRandom},
		"random ends late": {issuer, sdjwt.TypRecord, `{}`, []sdjwt.Claim{{"a", 1}}, 0, bytes.NewReader(make([]byte, 16+31)), sdjwt.ErrRandom},
		"random stuck":     {issuer, sdjwt.TypRecord, `{}`, nil, 2, bytes.NewReader(make([]byte, 1000)), sdjwt.ErrRandom},
	} {
		jwt, ds, err := sdjwt.Issue(c.key, c.typ, []byte(c.clear), c.private, c.decoys, c.random)
		if !errors.Is(err, c.want) || jwt != "" || ds != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, name := range append(sdjwt.AlwaysClear(), "level") {
		_, _, err := sdjwt.Issue(issuer, sdjwt.TypRecord, []byte(`{}`), []sdjwt.Claim{{name, 1}}, 0, random, "level")
		if !errors.Is(err, sdjwt.ErrHidden) {
			t.Errorf("%s can be hidden: %v", name, err)
		}
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

func BenchmarkIssue(b *testing.B) {
	random := cryptotest.Random("bench")
	for b.Loop() {
		if _, _, err := sdjwt.Issue(issuer, sdjwt.TypRecord, []byte(clearText()), private(), 0, random); err != nil {
			b.Fatal(err)
		}
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
