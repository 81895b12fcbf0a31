package jws

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// A vector is one token in the manner of Wycheproof: what it is, and whether a
// verifier that knows the file's keys and expects the typ may accept it.
type vector struct {
	ID      int    `json:"id"`
	Comment string `json:"comment"`
	Typ     string `json:"typ"` // expected by the verifier
	Token   string `json:"token"`
	Valid   bool   `json:"valid"`
	Error   string `json:"error,omitempty"` // which of the package's errors
}

type vectorFile struct {
	Note  string                     `json:"note"`
	Keys  map[string]json.RawMessage `json:"keys"`
	Tests []vector                   `json:"tests"`
}

var errorNames = map[string]error{"": nil, "token": ErrToken, "header": ErrHeader, "typ": ErrTyp, "key": ErrKey, "signature": ErrSignature}

// record stands for a document kind of another package.
var record = Kind{Typ: "accord-record+sd-jwt", Use: keys.Attest}

// builder makes tokens that are right in all but one point.
type builder struct {
	command, attest keys.Private
	list            []vector
}

func (b *builder) add(comment, typ, token, err string) {
	b.list = append(b.list, vector{ID: len(b.list) + 1, Comment: comment, Typ: typ, Token: token, Valid: err == "", Error: err})
}

// signed gives the compact form of any header and payload, well signed.
func signed(k keys.Private, header, payload string) string {
	input := b64url.Encode([]byte(header)) + "." + b64url.Encode([]byte(payload))
	sig, err := k.Sign([]byte(input))
	if err != nil {
		panic(err)
	}
	return input + "." + b64url.Encode(sig)
}

const payload = `{"v":1}`

func build() vectorFile {
	b := &builder{command: cryptotestKey(keys.Command), attest: cryptotestKey(keys.Attest)}
	b.valid()
	b.headers()
	b.algorithms()
	b.encodings()
	b.signatures()
	file := vectorFile{
		Note:  "Tokens of package crypto/jws. A verifier knows these keys and expects the typ of each test; error is the kind of refusal.",
		Keys:  map[string]json.RawMessage{},
		Tests: b.list,
	}
	for _, k := range []keys.Private{b.command, b.attest} {
		form, err := k.Public().MarshalJSON()
		if err != nil {
			panic(err)
		}
		file.Keys[string(k.Use())] = form
	}
	return file
}

func (b *builder) valid() {
	kid, akid := b.command.KID(), b.attest.KID()
	b.add("a command", TypCommand, signed(b.command, `{"alg":"EdDSA","kid":"`+kid+`","typ":"accord-command+jws"}`, payload), "")
	b.add("members in another order", TypCommand, signed(b.command, `{"typ":"accord-command+jws","kid":"`+kid+`","alg":"EdDSA"}`, payload), "")
	b.add("a payload of one byte that is no JSON", TypCommand, signed(b.command, `{"alg":"EdDSA","kid":"`+kid+`","typ":"accord-command+jws"}`, "\x00"), "")
	b.add("a document", record.Typ, signed(b.attest, `{"alg":"ES256","kid":"`+akid+`","typ":"accord-record+sd-jwt"}`, payload), "")
}

func (b *builder) headers() {
	kid := b.command.KID()
	a, k, y := `"alg":"EdDSA"`, `"kid":"`+kid+`"`, `"typ":"accord-command+jws"`
	header := func(comment, h, err string) { b.add(comment, TypCommand, signed(b.command, h, payload), err) }
	for _, extra := range []string{`"crit":["exp"],"exp":1`, `"crit":[]`, `"b64":false`, `"b64":true`, `"zip":"DEF"`, `"cty":"JWT"`, `"jku":"https://example.com/k"`,
		`"jwk":` + string(b.command.Public().JWK()), `"x5u":"https://example.com/c"`, `"x5c":["AA=="]`, `"x5t":"AA"`, `"p2c":1000000000`, `"nonce":"AA"`, `"":""`, `"KID":"` + kid + `"`, `"a\u006cg":"none"`} {
		header("another header member: "+extra[:strings.Index(extra, ":")], `{`+a+`,`+k+`,`+y+`,`+extra+`}`, "header")
	}
	header("alg twice", `{`+a+`,`+k+`,`+y+`,`+a+`}`, "header")
	header("alg twice, none last", `{`+a+`,`+k+`,`+y+`,"alg":"none"}`, "header")
	header("kid twice", `{`+a+`,`+k+`,`+k+`,`+y+`}`, "header")
	header("typ twice", `{`+a+`,`+k+`,`+y+`,"typ":"accord-charter+jws"}`, "header")
	header("no alg", `{`+k+`,`+y+`}`, "header")
	header("no kid", `{`+a+`,`+y+`}`, "header")
	header("no typ", `{`+a+`,`+k+`}`, "header")
	header("wrong case", `{"Alg":"EdDSA",`+k+`,`+y+`}`, "header")
	header("white space", `{ `+a+`,`+k+`,`+y+`}`, "header")
	header("white space after a colon", `{"alg": "EdDSA",`+k+`,`+y+`}`, "header")
	header("line break at the end", `{`+a+`,`+k+`,`+y+`}`+"\n", "header")
	header("escape in a name", `{"\u0061lg":"EdDSA",`+k+`,`+y+`}`, "header")
	header("escape in a value", `{"alg":"Ed\u0044SA",`+k+`,`+y+`}`, "header")
	header("trailing comma", `{`+a+`,`+k+`,`+y+`,}`, "header")
	header("comma missing", `{`+a+k+`,`+y+`}`, "header")
	header("trailing object", `{`+a+`,`+k+`,`+y+`}{}`, "header")
	header("byte-order mark", "\ufeff{"+a+`,`+k+`,`+y+`}`, "header")
	header("an array", `[`+a+`,`+k+`,`+y+`]`, "header")
	header("empty object", `{}`, "header")
	header("null", `null`, "header")
	header("alg null", `{"alg":null,`+k+`,`+y+`}`, "header")
	header("kid a number", `{`+a+`,"kid":1,`+y+`}`, "header")
	header("kid empty", `{`+a+`,"kid":"",`+y+`}`, "header")
	header("kid a path", `{`+a+`,"kid":"../../../../../../../../../../../../etc/shadow",`+y+`}`, "header")
	header("kid with stray bits", `{`+a+`,"kid":"`+strings.Repeat("A", 42)+`B",`+y+`}`, "header")
	header("kid of nobody", `{`+a+`,"kid":"`+strings.Repeat("A", 43)+`",`+y+`}`, "key")
	header("kid of another key", `{`+a+`,"kid":"`+b.attest.KID()+`",`+y+`}`, "key")
	header("typ in upper case", `{`+a+`,`+k+`,"typ":"ACCORD-COMMAND+JWS"}`, "header")
	header("typ with its prefix", `{`+a+`,`+k+`,"typ":"application/accord-command+jws"}`, "header")
	header("typ JWT", `{`+a+`,`+k+`,"typ":"JWT"}`, "header")
	header("typ of another statement", `{`+a+`,`+k+`,"typ":"accord-charter+jws"}`, "typ")
	header("typ of a document", `{`+a+`,`+k+`,"typ":"accord-record+sd-jwt"}`, "typ")
	header("header too long", `{`+a+`,`+k+`,`+y+`}`+strings.Repeat(" ", MaxHeader), "header")
	b.add("a command's signature where a document is expected", record.Typ, signed(b.command, `{`+a+`,`+k+`,"typ":"accord-record+sd-jwt"}`, payload), "key")
	b.add("a document's key under a command", TypCommand, signed(b.attest, `{"alg":"ES256","kid":"`+b.attest.KID()+`",`+y+`}`, payload), "key")
	b.add("a typ nobody knows", "accord-unknown+jws", signed(b.command, `{`+a+`,`+k+`,"typ":"accord-unknown+jws"}`, payload), "typ")
}

func (b *builder) algorithms() {
	head := func(alg string) string {
		return b64url.Encode([]byte(`{"alg":"` + alg + `","kid":"` + b.command.KID() + `","typ":"accord-command+jws"}`))
	}
	body := b64url.Encode([]byte(payload))
	for _, none := range []string{"none", "None", "NONE", "nOnE"} {
		b.add("alg "+none+" without a signature", TypCommand, head(none)+"."+body+".", "header")
		b.add("alg "+none+" with a signature", TypCommand, head(none)+"."+body+"."+strings.Repeat("A", 86), "header")
	}
	for _, secret := range [][]byte{b.command.Public().Ed25519(), b.command.Public().JWK()} {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(head("HS256") + "." + body))
		b.add("alg HS256 keyed with the public key", TypCommand, head("HS256")+"."+body+"."+b64url.Encode(mac.Sum(nil)), "header")
	}
	for _, alg := range []string{"Ed25519", "eddsa", "RS256", "PS256", "ES384", "ES256K", "HS512", "ML-DSA-65", ""} {
		b.add("alg "+alg, TypCommand, signed(b.command, `{"alg":"`+alg+`","kid":"`+b.command.KID()+`","typ":"accord-command+jws"}`, payload), "header")
	}
	b.add("alg ES256 with an Ed25519 key", TypCommand, signed(b.command, `{"alg":"ES256","kid":"`+b.command.KID()+`","typ":"accord-command+jws"}`, payload), "key")
	b.add("alg EdDSA with a P-256 key", record.Typ, signed(b.attest, `{"alg":"EdDSA","kid":"`+b.attest.KID()+`","typ":"accord-record+sd-jwt"}`, payload), "key")
}

func (b *builder) encodings() {
	good := signed(b.command, `{"alg":"EdDSA","kid":"`+b.command.KID()+`","typ":"accord-command+jws"}`, payload)
	parts := strings.Split(good, ".")
	bad := func(comment, token string) { b.add(comment, TypCommand, token, "token") }
	bad("empty", "")
	b.add("only dots", TypCommand, "..", "header")
	bad("one part", parts[0])
	bad("two parts", parts[0]+"."+parts[1])
	bad("four parts", good+"."+parts[2])
	bad("dot at the end", good+".")
	bad("dot in front", "."+good)
	b.add("no header", TypCommand, "."+parts[1]+"."+parts[2], "header")
	bad("no payload", parts[0]+".."+parts[2])
	bad("no signature", parts[0]+"."+parts[1]+".")
	bad("JSON serialisation", `{"protected":"`+parts[0]+`","payload":"`+parts[1]+`","signature":"`+parts[2]+`"}`)
	bad("disclosures behind", good+"~")
	for i, name := range []string{"header", "payload", "signature"} {
		change := func(f func(string) string) string {
			p := append([]string(nil), parts...)
			p[i] = f(p[i])
			return strings.Join(p, ".")
		}
		bad("space in front of the "+name, change(func(s string) string { return " " + s }))
		bad("line break in the "+name, change(func(s string) string { return s[:4] + "\n" + s[4:] }))
		bad("carriage return at the end of the "+name, change(func(s string) string { return s + "\r" }))
		bad("NUL at the end of the "+name, change(func(s string) string { return s + "\x00" }))
		bad("padding after the "+name, change(func(s string) string {
			return s + strings.Repeat("=", (4-len(s)%4)%4) + map[bool]string{true: "="}[len(s)%4 == 0]
		}))
		bad("standard alphabet in the "+name, change(func(s string) string { return "+/" + s[2:] }))
		bad("truncated "+name, change(func(s string) string { return s[:len(s)/4*4-3] }))
		bad("a letter outside ASCII in the "+name, change(func(s string) string { return s[:2] + "А" + s[3:] }))
	}
	bad("stray bits in the payload", parts[0]+"."+strayBits(parts[1])+"."+parts[2])
	bad("stray bits in the signature", parts[0]+"."+parts[1]+"."+strayBits(parts[2]))
}

// strayBits changes the unused bits of the last character.
func strayBits(s string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, s[len(s)-1])
	changed := s[:len(s)-1] + string(alphabet[last^1])
	a, _ := base64.RawURLEncoding.DecodeString(s)
	b, err := base64.RawURLEncoding.DecodeString(changed)
	if err != nil || !bytes.Equal(a, b) {
		panic("no stray bits in " + s)
	}
	return changed
}

func (b *builder) signatures() {
	for _, c := range []struct {
		kind Kind
		key  keys.Private
	}{{Kind{Typ: TypCommand, Use: keys.Command}, b.command}, {record, b.attest}} {
		alg := string(c.key.Public().Alg())
		good := signed(c.key, `{"alg":"`+alg+`","kid":"`+c.key.KID()+`","typ":"`+c.kind.Typ+`"}`, payload)
		input, tail := good[:strings.LastIndex(good, ".")], good[strings.LastIndex(good, ".")+1:]
		sig, _ := b64url.Decode(tail)
		with := func(comment string, sig []byte, err string) {
			b.add(alg+" "+comment, c.kind.Typ, input+"."+b64url.Encode(sig), err)
		}
		flip := func(i int) []byte { s := bytes.Clone(sig); s[i] ^= 1; return s }
		with("first bit of the signature changed", flip(0), "signature")
		with("last bit of the signature changed", flip(63), "signature")
		with("signature of zeros", make([]byte, 64), "signature")
		with("signature of ones", bytes.Repeat([]byte{255}, 64), "signature")
		with("signature too short", sig[:63], "token")
		with("signature too long", append(bytes.Clone(sig), 0), "token")
		with("halves swapped", append(bytes.Clone(sig[32:]), sig[:32]...), "signature")
		head, _, _ := strings.Cut(input, ".")
		b.add(alg+" another payload", c.kind.Typ, head+"."+b64url.Encode([]byte(`{"v":2}`))+"."+tail, "signature")
		b.add(alg+" payload shorter by a byte", c.kind.Typ, head+"."+b64url.Encode([]byte(payload[1:]))+"."+tail, "signature")
		other := signed(c.key, `{"typ":"`+c.kind.Typ+`","alg":"`+alg+`","kid":"`+c.key.KID()+`"}`, payload)
		b.add(alg+" signature under another order of the header", c.kind.Typ, other[:strings.LastIndex(other, ".")]+"."+tail, "signature")
	}
	b.es256()
	b.ed25519()
}

func (b *builder) es256() {
	order, _ := new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)
	good := signed(b.attest, `{"alg":"ES256","kid":"`+b.attest.KID()+`","typ":"`+record.Typ+`"}`, payload)
	input, tail := good[:strings.LastIndex(good, ".")], good[strings.LastIndex(good, ".")+1:]
	sig, _ := b64url.Decode(tail)
	with := func(comment string, r, s []byte, err string) {
		b.add("ES256 "+comment, record.Typ, input+"."+b64url.Encode(append(bytes.Clone(r), s...)), err)
	}
	n := order.FillBytes(make([]byte, 32))
	negated := new(big.Int).Sub(order, new(big.Int).SetBytes(sig[32:])).FillBytes(make([]byte, 32))
	with("with n-s for s: valid, RFC 7518 asks for no low s", sig[:32], negated, "")
	with("r zero", make([]byte, 32), sig[32:], "signature")
	with("s zero", sig[:32], make([]byte, 32), "signature")
	with("r the group order", n, sig[32:], "signature")
	with("s the group order", sig[:32], n, "signature")
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	der := fmt.Appendf(nil, "\x30\x44\x02\x20%s\x02\x20%s", r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	b.add("ES256 signature in ASN.1", record.Typ, input+"."+b64url.Encode(der), "token")
}

func (b *builder) ed25519() {
	input := b64url.Encode([]byte(`{"alg":"EdDSA","kid":"`+b.command.KID()+`","typ":"accord-command+jws"}`)) + "." + b64url.Encode([]byte(payload))
	sig, _ := b.command.Sign([]byte(input))
	// S + L names the same scalar; RFC 8032 and ZIP-215 both refuse it.
	l, _ := new(big.Int).SetString("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed", 16)
	s := new(big.Int).Add(new(big.Int).SetBytes(reversed(sig[32:])), l)
	long := append(bytes.Clone(sig[:32]), reversed(s.FillBytes(make([]byte, 32)))...)
	b.add("EdDSA with S above the group order", TypCommand, input+"."+b64url.Encode(long), "signature")
	identity := append([]byte{1}, make([]byte, 63)...)
	b.add("EdDSA with R the neutral point and S zero, good only for keys of small order", TypCommand, input+"."+b64url.Encode(identity), "signature")
}

func reversed(b []byte) []byte {
	r := make([]byte, len(b))
	for i := range b {
		r[len(b)-1-i] = b[i]
	}
	return r
}

// TestVectors holds the package against testdata/vectors.json, and the file
// against the code that made it.
func TestVectors(t *testing.T) {
	path := filepath.Join("testdata", "vectors.json")
	want, err := json.MarshalIndent(build(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("testdata/vectors.json is not what this file makes; see -update")
	}
	var file vectorFile
	if err := json.Unmarshal(got, &file); err != nil {
		t.Fatal(err)
	}
	known := map[string]keys.Public{}
	for _, form := range file.Keys {
		p, err := keys.ParsePublic(form)
		if err != nil {
			t.Fatal(err)
		}
		known[p.KID()] = p
	}
	lookup := func(kid string) (keys.Public, error) {
		if p, ok := known[kid]; ok {
			return p, nil
		}
		return keys.Public{}, errors.New("no such key")
	}
	for _, v := range file.Tests {
		check(t, v, lookup)
	}
}

func check(t *testing.T, v vector, lookup Lookup) {
	t.Helper()
	var token Token
	var err error
	if v.Typ == record.Typ {
		token, err = VerifyKind(v.Token, record, lookup)
	} else {
		token, err = Verify(v.Token, v.Typ, lookup)
		if r := VerifyBatch([]string{v.Token}, v.Typ, lookup)[0]; (r.Err == nil) != v.Valid || r.Token.KID != token.KID {
			t.Errorf("%d %s: in a batch %v", v.ID, v.Comment, r.Err)
		}
	}
	if (err == nil) != v.Valid || !errors.Is(err, errorNames[v.Error]) {
		t.Errorf("%d %s: %v, want %q", v.ID, v.Comment, err, v.Error)
	}
	if err != nil && (token.KID != "" || token.Payload != nil || token.SigningInput != "") {
		t.Errorf("%d %s: a token and an error", v.ID, v.Comment)
	}
}
