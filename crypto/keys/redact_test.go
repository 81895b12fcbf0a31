package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"accord/crypto/strictjson"
)

// TestPrivateKeysAreNeverShown prints and encodes private keys in every way a
// program might by accident, alone and inside other values, and looks for the
// secret in every form those ways could give it.
func TestPrivateKeysAreNeverShown(t *testing.T) {
	for _, use := range Uses() {
		k := fixed(t, use)
		secret, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		for how, text := range shown(t, k) {
			for _, form := range spellings(secret) {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					t.Errorf("%s key by %s shows its secret: %.200s", use, how, text)
				}
			}
		}
		name := "keys.Private(" + string(use) + " " + k.KID() + ")"
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
			if s := fmt.Sprintf(verb, k); s != name {
				t.Errorf("printed with %s as %s", verb, s)
			}
		}
		if b, err := json.Marshal(k); err != nil || string(b) != `"`+name+`"` {
			t.Errorf("JSON %s, %v", b, err)
		}
		if s := slog.AnyValue(k).Resolve().String(); s != name {
			t.Errorf("logged as %s", s)
		}
	}
}

// shown prints and encodes k.
func shown(t *testing.T, k Private) map[string]string {
	t.Helper()
	type open struct{ Key Private }
	type closed struct{ key Private }
	values := map[string]any{
		"value": k, "pointer": &k, "exported member": open{k}, "unexported member": closed{k}, "pointer to member": &closed{k},
		"slice": []Private{k}, "map": map[string]Private{"k": k}, "unexported slice": struct{ ks []Private }{[]Private{k}},
		"deep": struct{ a struct{ b *closed } }{struct{ b *closed }{&closed{k}}}, "any": []any{k},
	}
	texts := map[string]string{}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%t", "%e", "%c", "%U", "%w", "%!"} {
			texts[name+" "+verb] = fmt.Sprintf(verb, v)
		}
		texts[name+" error"] = fmt.Errorf("failed with %v: %w", v, ErrKey).Error()
		b, err := json.Marshal(v)
		texts[name+" json"] = fmt.Sprint(string(b), err)
		b, err = strictjson.Marshal(v)
		texts[name+" strictjson"] = fmt.Sprint(string(b), err)
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("m", "key", v, slog.Group("g", "key", v))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "key", v, slog.Group("g", "key", v))
		texts[name+" slog"] = log.String()
	}
	return texts
}

// spellings are the forms in which bytes turn up in texts. Half of the secret
// is looked for, so that a longer encoding around it does not hide it.
func spellings(secret []byte) []string {
	half := secret[:15] // a multiple of three: the same in every longer base64
	list := strings.Trim(fmt.Sprint(half), "[]")
	return []string{
		string(half), hex.EncodeToString(half), list, strings.ReplaceAll(list, " ", ","), strings.ReplaceAll(list, " ", ", "),
		strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", half), "[]byte"), "{}"), fmt.Sprintf("% x", half),
		base64.StdEncoding.EncodeToString(half), base64.RawURLEncoding.EncodeToString(half),
	}
}

// TestSpellingsAreFound makes sure the test above can fail.
func TestSpellingsAreFound(t *testing.T) {
	secret, _ := fixed(t, Command).Bytes()
	quoted, _ := json.Marshal(secret)
	for _, text := range []string{fmt.Sprintf("%v", secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%#v", secret), string(quoted), string(secret)} {
		found := false
		for _, form := range spellings(secret) {
			found = found || strings.Contains(text, form)
		}
		if !found {
			t.Errorf("not found in %s", text)
		}
	}
}
