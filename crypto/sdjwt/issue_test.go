package sdjwt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/sdjwt"
)

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

func BenchmarkIssue(b *testing.B) {
	random := cryptotest.Random("bench")
	for b.Loop() {
		if _, _, err := sdjwt.Issue(issuer, sdjwt.TypRecord, []byte(clearText()), private(), 0, random); err != nil {
			b.Fatal(err)
		}
	}
}
