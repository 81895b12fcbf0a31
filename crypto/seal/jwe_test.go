package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
)

const content = "accord-grant+sd-jwt"

var b64 = base64.RawURLEncoding

func refusesJWE(t *testing.T, k keys.Private, cty, token, what string) {
	t.Helper()
	if got, err := Decrypt(k, cty, token); err != ErrOpen || got != nil {
		t.Errorf("%s: opened with %d bytes, error %v; want exactly ErrOpen", what, len(got), err)
	}
}

func TestEncryptDecrypt(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Seal)
	for _, n := range []int{0, 1, 100, 70_000, MaxDelivery} {
		plaintext := bytes.Repeat([]byte("x"), n)
		token, err := Encrypt(k.Public(), content, plaintext)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(k, content, token)
		if err != nil || got == nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	token, err := Encrypt(k.Public(), content, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	header, _ := b64.DecodeString(strings.Split(token, ".")[0])
	var members map[string]any
	if err := json.Unmarshal(header, &members); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, []string{"alg", "cty", "enc", "epk", "kid", "typ"}) {
		t.Errorf("header members %v", got)
	}
	if members["kid"] != k.KID() || members["typ"] != TypRelease || members["cty"] != content {
		t.Errorf("header %s", header)
	}
}

func TestDeliveriesDiffer(t *testing.T) {
	to := cryptotest.Public("regulator", keys.Seal)
	seen := map[string]bool{}
	for range 200 {
		token, err := Encrypt(to, content, []byte("same"))
		if err != nil {
			t.Fatal(err)
		}
		part := strings.Split(token, ".")
		for _, i := range []int{0, 2, 3, 4} { // ephemeral key, nonce, ciphertext, tag
			if seen[part[i]] {
				t.Fatalf("part %d repeats", i)
			}
			seen[part[i]] = true
		}
	}
}

func TestEncryptRefuses(t *testing.T) {
	to := cryptotest.Public("regulator", keys.Seal)
	for _, use := range keys.Uses() {
		if use == keys.Seal {
			continue
		}
		if token, err := Encrypt(cryptotest.Public("regulator", use), content, nil); err != ErrKey || token != "" {
			t.Errorf("to a %s key: %v", use, err)
		}
		if _, err := Decrypt(cryptotest.Key("regulator", use), content, "a.b.c.d.e"); err != ErrOpen {
			t.Errorf("with a %s key: %v", use, err)
		}
	}
	if _, err := Encrypt(keys.Public{}, content, nil); err != ErrKey {
		t.Errorf("to no key: %v", err)
	}
	if _, err := Decrypt(keys.Private{}, content, ""); err != ErrOpen {
		t.Errorf("with no key: %v", err)
	}
	if _, err := Encrypt(to, content, make([]byte, MaxDelivery+1)); err != ErrSize {
		t.Errorf("too long: %v", err)
	}
	for _, cty := range []string{"", "A", "a b", "a\n", "a\"", strings.Repeat("a", maxContentType+1), "ä"} {
		if _, err := Encrypt(to, cty, nil); err != ErrContentType {
			t.Errorf("content type %q: %v", cty, err)
		}
	}
}

func TestDecryptRefusesOthers(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Seal)
	token, err := Encrypt(k.Public(), content, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	refusesJWE(t, cryptotest.Key("court", keys.Seal), content, token, "another member")
	refusesJWE(t, k, "accord-other+sd-jwt", token, "another content type")
	refusesJWE(t, k, "", token, "no content type")
	refusesJWE(t, k, content, strings.Repeat("A", maxJWE+1), "too long")

	p := strings.Split(token, ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	for name, bad := range map[string]string{
		"empty": "", "one part": p[0], "four parts": join(p[:4]...), "six parts": token + ".", "spaces": " " + token, "newline": token + "\n",
		"encrypted key": join(p[0], "AAAA", p[2], p[3], p[4]), "no nonce": join(p[0], "", "", p[3], p[4]), "no tag": join(p[0], "", p[2], p[3], ""),
		"short tag": join(p[0], "", p[2], p[3], p[4][:16]), "long nonce": join(p[0], "", p[2]+"AAAA", p[3], p[4]), "padding": join(p[0], "", p[2], p[3]+"=", p[4]),
		"line break": join(p[0], "", p[2], p[3][:3]+"\n"+p[3][3:], p[4]), "JSON": `{"protected":"` + p[0] + `","iv":"` + p[2] + `","ciphertext":"` + p[3] + `","tag":"` + p[4] + `"}`,
	} {
		refusesJWE(t, k, content, bad, name)
	}
	for n := range len(token) {
		refusesJWE(t, k, content, token[:n], fmt.Sprintf("cut to %d", n))
	}
}

func TestEveryByteOfAJWECounts(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Seal)
	token, err := Encrypt(k.Public(), content, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(token, ".")
	for i, text := range part {
		raw, err := b64.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		for at := range raw {
			for bit := range 8 {
				changed := bytes.Clone(raw)
				changed[at] ^= 1 << bit
				p := slices.Clone(part)
				p[i] = b64.EncodeToString(changed)
				refusesJWE(t, k, content, strings.Join(p, "."), fmt.Sprintf("part %d byte %d bit %d", i, at, bit))
			}
		}
	}
}

// forge makes a JWE whose cryptography is right for any header text, by
// RFC 7518 section 4.6 written anew: only the header check can refuse it.
func forge(t *testing.T, to keys.Public, ephemeral *ecdh.PrivateKey, header string, plaintext []byte) string {
	t.Helper()
	peer, err := to.ECDSA().ECDH()
	if err != nil {
		t.Fatal(err)
	}
	z, err := ephemeral.ECDH(peer)
	if err != nil {
		t.Fatal(err)
	}
	// Concat KDF, one round: counter ‖ Z ‖ AlgorithmID ‖ PartyUInfo ‖ PartyVInfo ‖ SuppPubInfo
	info := binary.BigEndian.AppendUint32(nil, 1)
	info = append(info, z...)
	info = binary.BigEndian.AppendUint32(info, uint32(len("A256GCM")))
	info = append(info, "A256GCM"...)
	info = append(info, make([]byte, 8)...)
	info = binary.BigEndian.AppendUint32(info, 256)
	key := sha256.Sum256(info)
	block, err := aes.NewCipher(key[:])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, gcmNonce)
	protected := b64.EncodeToString([]byte(header))
	sealed := gcm.Seal(nil, nonce, plaintext, []byte(protected))
	body, tag := sealed[:len(plaintext)], sealed[len(plaintext):]
	return strings.Join([]string{protected, "", b64.EncodeToString(nonce), b64.EncodeToString(body), b64.EncodeToString(tag)}, ".")
}

// TestHeader: a correct header made by other code opens; every departure from
// it is refused although key agreement and GCM are right.
func TestHeader(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Seal)
	ephemeral, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point := ephemeral.PublicKey().Bytes()
	x, y := b64.EncodeToString(point[1:33]), b64.EncodeToString(point[33:])
	epk := `{"kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`
	good := `{"alg":"ECDH-ES","cty":"` + content + `","enc":"A256GCM","epk":` + epk + `,"kid":"` + k.KID() + `","typ":"` + TypRelease + `"}`
	if got, err := Decrypt(k, content, forge(t, k.Public(), ephemeral, good, []byte("value"))); err != nil || string(got) != "value" {
		t.Fatalf("correct header: %q, %v", got, err)
	}
	replace := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("no %s in the header", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	add := func(member string) string { return replace(`{"alg"`, `{`+member+`,"alg"`) }
	for name, header := range map[string]string{
		"zip": add(`"zip":"DEF"`), "crit": add(`"crit":["exp"],"exp":1`), "empty crit": add(`"crit":[]`), "p2c": add(`"p2c":1000000`), "p2s": add(`"p2s":"AA"`),
		"apu": add(`"apu":""`), "apv": add(`"apv":""`), "jku": add(`"jku":"https://example.org/k"`), "jwk": add(`"jwk":` + epk), "x5c": add(`"x5c":[]`),
		"iv": add(`"iv":"AAAA"`), "tag": add(`"tag":"AAAA"`), "nonce": add(`"nonce":"a"`), "own member": add(`"accord":1`),
		"alg twice": add(`"alg":"ECDH-ES"`), "alg twice other": add(`"alg":"dir"`), "Alg": add(`"Alg":"dir"`), "kid twice": add(`"kid":"x"`),
		"alg dir": replace(`"ECDH-ES"`, `"dir"`), "alg none": replace(`"ECDH-ES"`, `"none"`), "alg RSA1_5": replace(`"ECDH-ES"`, `"RSA1_5"`),
		"alg KW": replace(`"ECDH-ES"`, `"ECDH-ES+A256KW"`), "alg PBES2": replace(`"ECDH-ES"`, `"PBES2-HS256+A128KW"`), "alg case": replace(`"ECDH-ES"`, `"ecdh-es"`),
		"enc A128GCM": replace(`"A256GCM"`, `"A128GCM"`), "enc CBC": replace(`"A256GCM"`, `"A256CBC-HS512"`),
		"no alg": replace(`"alg":"ECDH-ES",`, ``), "no enc": replace(`"enc":"A256GCM",`, ``), "no cty": replace(`"cty":"`+content+`",`, ``),
		"no kid": replace(`"kid":"`+k.KID()+`",`, ``), "no typ": replace(`,"typ":"`+TypRelease+`"`, ``), "no epk": replace(`"epk":`+epk+`,`, ``),
		"null alg": replace(`"ECDH-ES"`, `null`), "null kid": replace(`"`+k.KID()+`"`, `null`), "null epk": replace(epk, `null`),
		"other kid": replace(k.KID(), cryptotest.Key("court", keys.Seal).KID()), "other cty": replace(content, "accord-other"), "other typ": replace(TypRelease, "jwe"),
		"typ case": replace(TypRelease, "Accord-release+jwe"), "typ application": replace(TypRelease, "application/"+TypRelease),
		"trailing": good + "{}", "array": "[" + good + "]", "not JSON": "alg", "empty": "", "UTF-16": "\xff\xfe" + good, "BOM": "\xef\xbb\xbf" + good,
		"large": good[:len(good)-1] + strings.Repeat(" ", maxJWEHeader) + "}",
		// the ephemeral key
		"epk private": replace(`{"kty"`, `{"d":"AAAA","kty"`), "epk kid": replace(`{"kty"`, `{"kid":"a","kty"`), "epk OKP": replace(`"EC"`, `"OKP"`), "epk P-384": replace(`"P-256"`, `"P-384"`),
		"epk off curve": replace(y, b64.EncodeToString(make([]byte, 32))), "epk zero": replace(epk, `{"kty":"EC","crv":"P-256","x":"`+b64.EncodeToString(make([]byte, 32))+`","y":"`+b64.EncodeToString(make([]byte, 32))+`"}`),
		"epk swapped": replace(epk, `{"kty":"EC","crv":"P-256","x":"`+y+`","y":"`+x+`"}`), "epk short x": replace(x, x[:40]), "epk long x": replace(x, b64.EncodeToString(append([]byte{0}, point[1:33]...))),
		"epk no y": replace(`,"y":"`+y+`"`, ``), "epk padded": replace(x, x+"="), "epk twice": replace(`"epk":`, `"epk":`+epk+`,"epk":`),
	} {
		refusesJWE(t, k, content, forge(t, k.Public(), ephemeral, header, []byte("value")), name)
	}
	// A key of the same curve and another use is no key to open with.
	signing := cryptotest.Key("regulator", keys.Release)
	refusesJWE(t, signing, content, forge(t, signing.Public(), ephemeral, replace(k.KID(), signing.KID()), []byte("value")), "to a release key")
}

// TestForeignAlgorithms: what go-jose itself would make and open with this key
// under other settings.
func TestForeignAlgorithms(t *testing.T) {
	k := cryptotest.Key("regulator", keys.Seal)
	point := k.Public().ECDSA()
	options := func() *jose.EncrypterOptions {
		return (&jose.EncrypterOptions{}).WithType(TypRelease).WithContentType(content)
	}
	deflate := options()
	deflate.Compression = jose.DEFLATE
	for name, c := range map[string]struct {
		enc jose.ContentEncryption
		to  jose.Recipient
		o   *jose.EncrypterOptions
	}{
		"A128GCM": {jose.A128GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point, KeyID: k.KID()}, options()},
		"CBC":     {jose.A256CBC_HS512, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point, KeyID: k.KID()}, options()},
		"A256KW":  {jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: point, KeyID: k.KID()}, options()},
		"deflate": {jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point, KeyID: k.KID()}, deflate},
		"no kid":  {jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point}, options()},
		"no typ":  {jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: point, KeyID: k.KID()}, (&jose.EncrypterOptions{}).WithContentType(content)},
	} {
		encrypter, err := jose.NewEncrypter(c.enc, c.to, c.o)
		if err != nil {
			t.Fatal(err)
		}
		object, err := encrypter.Encrypt([]byte("value"))
		if err != nil {
			t.Fatal(err)
		}
		token, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := object.Decrypt(k.ECDSA()); err != nil {
			t.Fatalf("%s: go-jose itself should open it: %v", name, err)
		}
		refusesJWE(t, k, content, token, name)
	}
}

func BenchmarkEncrypt(b *testing.B) {
	to := cryptotest.Public("regulator", keys.Seal)
	for b.Loop() {
		if _, err := Encrypt(to, content, make([]byte, 1000)); err != nil {
			b.Fatal(err)
		}
	}
}
