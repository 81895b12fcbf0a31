package sdjwt_test

import (
	"errors"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

var keyBinding = jws.Kind{Typ: sdjwt.TypKeyBinding, Use: keys.Release, NoKID: true}

func TestBindVerifyBound(t *testing.T) {
	jwt, ds := mustIssue(t)
	token, err := sdjwt.Bind(jwt, ds[:2], holder, aud, nonce, 1700000001)
	if err != nil {
		t.Fatal(err)
	}
	got, binding, err := sdjwt.VerifyBound(token, sdjwt.TypRecord, lookup, aud, nonce)
	if err != nil {
		t.Fatal(err)
	}
	if binding.Audience != aud || binding.Nonce != nonce || binding.IssuedAt != 1700000001 || !binding.Holder.Equal(holder.Public()) {
		t.Errorf("binding %+v", binding)
	}
	if len(got.Disclosed) != 2 || got.Claims["amount"] != 1250000.0 {
		t.Errorf("verified %+v", got)
	}
	again, err := sdjwt.Bind(jwt, ds[:2], holder, aud, nonce, 1700000001)
	if err != nil || again != token {
		t.Errorf("the same binding twice differs: %v", err)
	}
	if _, _, err := sdjwt.VerifyBound(token, sdjwt.TypRecord, lookup, aud, nonce, "amount"); !errors.Is(err, sdjwt.ErrHidden) {
		t.Errorf("amount must be in clear, yet: %v", err)
	}
	none, err := sdjwt.Bind(jwt, nil, holder, aud, nonce, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := sdjwt.VerifyBound(none, sdjwt.TypRecord, lookup, aud, nonce); err != nil {
		t.Errorf("nothing disclosed: %v", err)
	}
}

// boundBy makes an SD-JWT+KB with any key and any payload of the binding.
func boundBy(t *testing.T, sd string, key keys.Private, kind jws.Kind, payload string) string {
	t.Helper()
	payload = strings.ReplaceAll(payload, "HASH", digestOf(sd))
	kb, err := jws.SignKind(key, kind, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return sd + kb
}

// TestVerifyBoundRefuses is section 7.3 rule by rule.
func TestVerifyBoundRefuses(t *testing.T) {
	jwt, ds := mustIssue(t)
	sd := sdjwt.Combine(jwt, ds[:1])
	const good = `{"aud":"` + aud + `","iat":1700000001,"nonce":"` + nonce + `","sd_hash":"HASH"}`
	token := boundBy(t, sd, holder, keyBinding, good)
	if _, _, err := sdjwt.VerifyBound(token, sdjwt.TypRecord, lookup, aud, nonce); err != nil {
		t.Fatal(err)
	}
	kb := strings.TrimPrefix(token, sd)
	change := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("no %s", from)
		}
		return boundBy(t, sd, holder, keyBinding, strings.Replace(good, from, to, 1))
	}
	noCNF := signed(t, `{"iss":"regulator"}`) + "~"
	cnf := func(value string) string {
		return boundBy(t, signed(t, `{"cnf":`+value+`}`)+"~", holder, keyBinding, good)
	}
	jwk := string(holder.Public().JWK())
	rogue := cryptotest.Key("court", keys.Release)
	// a holder that tries to keep the key itself to be disclosed later
	hidden := disclosure(`[` + salt + `,"jwk",` + jwk + `]`)
	hiddenKey := signed(t, `{"cnf":{"_sd":["`+digestOf(hidden)+`"]}}`) + "~" + hidden + "~"

	for name, c := range map[string]struct {
		token, aud, nonce string
		want              error
	}{
		"other nonce":        {token, aud, nonce + "1", sdjwt.ErrBinding},
		"other audience":     {token, aud + "1", nonce, sdjwt.ErrBinding},
		"no nonce expected":  {token, aud, "", sdjwt.ErrBinding},
		"no audience":        {token, "", nonce, sdjwt.ErrBinding},
		"no binding":         {sd, aud, nonce, sdjwt.ErrBinding},
		"binding twice":      {token + "~" + kb, aud, nonce, sdjwt.ErrDisclosure},
		"one more disclosed": {sdjwt.Combine(jwt, ds[:2]) + kb, aud, nonce, sdjwt.ErrBinding},
		"one less disclosed": {jwt + "~" + kb, aud, nonce, sdjwt.ErrBinding},
		"unreferenced":       {boundBy(t, sd+disclosure(`[`+salt+`,"a",1]`)+"~", holder, keyBinding, good), aud, nonce, sdjwt.ErrUnreferenced},
		"other key":          {boundBy(t, sd, rogue, keyBinding, good), aud, nonce, jws.ErrSignature},
		"with kid":           {boundBy(t, sd, holder, jws.Kind{Typ: sdjwt.TypKeyBinding, Use: keys.Release}, good), aud, nonce, jws.ErrHeader},
		"other typ":          {boundBy(t, sd, holder, jws.Kind{Typ: "jwt", Use: keys.Release, NoKID: true}, good), aud, nonce, jws.ErrTyp},
		"issuer's key":       {boundBy(t, sd, issuer, jws.Kind{Typ: sdjwt.TypKeyBinding, Use: keys.Attest, NoKID: true}, good), aud, nonce, jws.ErrSignature},
		"signature cut":      {token[:len(token)-2], aud, nonce, sdjwt.ErrBinding},
		"no cnf":             {boundBy(t, noCNF, holder, keyBinding, good), aud, nonce, sdjwt.ErrBinding},
		"cnf null":           {cnf(`null`), aud, nonce, sdjwt.ErrBinding},
		"cnf text":           {cnf(`"x"`), aud, nonce, sdjwt.ErrBinding},
		"cnf kid":            {cnf(`{"kid":"x"}`), aud, nonce, sdjwt.ErrBinding},
		"cnf jwk and kid":    {cnf(`{"jwk":` + jwk + `,"kid":"x"}`), aud, nonce, sdjwt.ErrBinding},
		"cnf jwk null":       {cnf(`{"jwk":null}`), aud, nonce, sdjwt.ErrBinding},
		"cnf jwk with alg":   {cnf(`{"jwk":` + jwk[:len(jwk)-1] + `,"alg":"ES256"}}`), aud, nonce, sdjwt.ErrBinding},
		"cnf private":        {cnf(`{"jwk":` + jwk[:len(jwk)-1] + `,"d":"AAAA"}}`), aud, nonce, sdjwt.ErrBinding},
		"cnf Ed25519":        {cnf(`{"jwk":` + string(cryptotest.Public("regulator", keys.Command).JWK()) + `}`), aud, nonce, sdjwt.ErrBinding},
		"cnf off curve":      {cnf(`{"jwk":{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `"}}`), aud, nonce, sdjwt.ErrBinding},
		"cnf hidden":         {boundBy(t, hiddenKey, holder, keyBinding, good), aud, nonce, sdjwt.ErrBinding},
		"no sd_hash":         {change(`,"sd_hash":"HASH"`, ``), aud, nonce, sdjwt.ErrBinding},
		"sd_hash of other":   {change(`HASH`, strings.Repeat("A", 43)), aud, nonce, sdjwt.ErrBinding},
		"no iat":             {change(`"iat":1700000001,`, ``), aud, nonce, sdjwt.ErrBinding},
		"iat text":           {change(`1700000001`, `"1700000001"`), aud, nonce, sdjwt.ErrBinding},
		"iat negative":       {change(`1700000001`, `-1`), aud, nonce, sdjwt.ErrBinding},
		"iat huge":           {change(`1700000001`, `9007199254740993`), aud, nonce, sdjwt.ErrBinding},
		"iat fraction":       {change(`1700000001`, `1700000001.5`), aud, nonce, sdjwt.ErrBinding},
		"no nonce":           {change(`"nonce":"`+nonce+`",`, ``), aud, nonce, sdjwt.ErrBinding},
		"nonce null":         {change(`"`+nonce+`"`, `null`), aud, nonce, sdjwt.ErrBinding},
		"nonce twice":        {change(`"nonce"`, `"nonce":"x","nonce"`), aud, nonce, sdjwt.ErrBinding},
		"Nonce":              {change(`"nonce"`, `"Nonce"`), aud, nonce, sdjwt.ErrBinding},
		"aud list":           {change(`"`+aud+`"`, `["`+aud+`"]`), aud, nonce, sdjwt.ErrBinding},
		"further member":     {change(`{"aud"`, `{"x":1,"aud"`), aud, nonce, sdjwt.ErrBinding},
		"not JSON":           {boundBy(t, sd, holder, keyBinding, "x"), aud, nonce, sdjwt.ErrBinding},
	} {
		got, binding, err := sdjwt.VerifyBound(c.token, sdjwt.TypRecord, lookup, c.aud, c.nonce)
		if !errors.Is(err, c.want) || got != nil || binding != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := sdjwt.Verify(token, sdjwt.TypRecord, lookup); !errors.Is(err, sdjwt.ErrForm) {
		t.Errorf("Verify takes a bound one: %v", err)
	}
	if _, _, err := sdjwt.VerifyBound(token, sdjwt.TypEntry, lookup, aud, nonce); !errors.Is(err, jws.ErrTyp) {
		t.Errorf("other typ of document: %v", err)
	}
	if _, _, err := sdjwt.VerifyBound(token, "", lookup, aud, nonce); !errors.Is(err, sdjwt.ErrTyp) {
		t.Errorf("no typ: %v", err)
	}
}

func TestBindRefuses(t *testing.T) {
	jwt, ds := mustIssue(t)
	stranger, err := sdjwt.ParseDisclosure(disclosure(`[` + salt + `,"a",1]`))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("n", 513)
	for name, c := range map[string]struct {
		jwt        string
		ds         []sdjwt.Disclosure
		key        keys.Private
		aud, nonce string
		iat        int64
		want       error
	}{
		"foreign disclosure": {jwt, append(ds[:1:1], stranger), holder, aud, nonce, 1, sdjwt.ErrUnreferenced},
		"twice":              {jwt, append(ds[:1:1], ds[0]), holder, aud, nonce, 1, sdjwt.ErrRepeated},
		"no disclosure":      {jwt, []sdjwt.Disclosure{{}}, holder, aud, nonce, 1, sdjwt.ErrDisclosure},
		"other holder":       {jwt, ds, cryptotest.Key("court", keys.Release), aud, nonce, 1, sdjwt.ErrBinding},
		"attest key":         {jwt, ds, issuer, aud, nonce, 1, sdjwt.ErrBinding},
		"no key":             {jwt, ds, keys.Private{}, aud, nonce, 1, sdjwt.ErrBinding},
		"no cnf":             {signed(t, `{}`), nil, holder, aud, nonce, 1, sdjwt.ErrBinding},
		"no JWT":             {"a.b.c", nil, holder, aud, nonce, 1, sdjwt.ErrForm},
		"tilde in JWT":       {jwt + "~", ds, holder, aud, nonce, 1, sdjwt.ErrDisclosure},
		"no audience":        {jwt, ds, holder, "", nonce, 1, sdjwt.ErrBinding},
		"no nonce":           {jwt, ds, holder, aud, "", 1, sdjwt.ErrBinding},
		"long nonce":         {jwt, ds, holder, aud, long, 1, sdjwt.ErrBinding},
		"nonce UTF-8":        {jwt, ds, holder, aud, "\xff", 1, sdjwt.ErrBinding},
		"no time":            {jwt, ds, holder, aud, nonce, 0, sdjwt.ErrBinding},
		"far time":           {jwt, ds, holder, aud, nonce, 1 << 53, sdjwt.ErrBinding},
	} {
		if token, err := sdjwt.Bind(c.jwt, c.ds, c.key, c.aud, c.nonce, c.iat); !errors.Is(err, c.want) || token != "" {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestGolden pins what we issue. Signing is deterministic, the random source
// of the test too; other implementations read these bytes in crypto/interop.
func TestGolden(t *testing.T) {
	jwt, ds := mustIssue(t)
	token, err := sdjwt.Bind(jwt, ds, holder, aud, nonce, 1700000001)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digestOf(token), "ou4JrZb4BNwLf039XIeh07YghrSljkkurtLh5NeQT1Y"; got != want {
		t.Errorf("SHA-256 of the bound record is %s, want %s; the record:\n%s", got, want, token)
	}
}
