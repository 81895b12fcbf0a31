package keys

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	voi "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"accord/crypto/internal/b64url"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// unsound makes a public key of any encoding that decodes, also of those
// FromJWK refuses, to reach the edges of the verification rules.
func unsound(t testing.TB, raw []byte) Public {
	t.Helper()
	expanded, err := voi.NewExpandedPublicKey(raw)
	if err != nil {
		t.Fatal(err)
	}
	return finish(&public{use: Command, ed: expanded, jwk: hex.EncodeToString(raw)})
}

// bothWays verifies alone and inside a batch of good signatures.
func bothWays(t testing.TB, p Public, message, sig []byte) (alone, batched bool) {
	t.Helper()
	k := fixed(t, Command)
	good, err := k.Sign([]byte("good"))
	if err != nil {
		t.Fatal(err)
	}
	failed := VerifyBatch([]Signed{{k.Public(), []byte("good"), good}, {p, message, sig}, {k.Public(), []byte("good"), good}})
	if slices.Contains(failed, 0) || slices.Contains(failed, 2) {
		t.Error("a good signature fails beside another")
	}
	return p.Verify(message, sig) == nil, !slices.Contains(failed, 1)
}

// TestRFC8032 is section 7.1, tests 1 to 3.
func TestRFC8032(t *testing.T) {
	for i, c := range []struct{ seed, public, message, sig string }{
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
			"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
			"92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
			"6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	} {
		k, err := FromBytes(Command, unhex(t, c.seed))
		if err != nil {
			t.Fatal(err)
		}
		if got := hex.EncodeToString(k.Public().Ed25519()); got != c.public {
			t.Errorf("test %d: public key %s", i+1, got)
		}
		sig, err := k.Sign(unhex(t, c.message))
		if err != nil || hex.EncodeToString(sig) != c.sig {
			t.Errorf("test %d: signature %x, %v", i+1, sig, err)
		}
		if alone, batched := bothWays(t, k.Public(), unhex(t, c.message), sig); !alone || !batched {
			t.Errorf("test %d does not verify: alone %v, batched %v", i+1, alone, batched)
		}
	}
}

// TestRFC6979 is appendix A.2.5 with SHA-256: ES256 signing is deterministic.
func TestRFC6979(t *testing.T) {
	k, err := FromBytes(Attest, unhex(t, "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"))
	if err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]string{
		"sample": "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
		"test":   "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
	} {
		sig, err := k.Sign([]byte(message))
		if err != nil || hex.EncodeToString(sig) != want {
			t.Errorf("%s: %x, %v", message, sig, err)
		}
		if err := k.Public().Verify([]byte(message), sig); err != nil {
			t.Errorf("%s: %v", message, err)
		}
	}
}

// TestRFC8037 is appendix A: key, thumbprint and signature of an EdDSA JWS.
func TestRFC8037(t *testing.T) {
	jwk := `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	p, err := FromJWK(Command, []byte(jwk))
	if err != nil {
		t.Fatal(err)
	}
	if p.KID() != "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" {
		t.Errorf("thumbprint %s", p.KID())
	}
	input := "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
	sig := "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	raw, err := b64url.Decode(sig)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify([]byte(input), raw); err != nil {
		t.Error(err)
	}
	seed, _ := b64url.Decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	k, err := FromBytes(Command, seed)
	if err != nil {
		t.Fatal(err)
	}
	if made, err := k.Sign([]byte(input)); err != nil || b64url.Encode(made) != sig {
		t.Errorf("signature %s, %v", b64url.Encode(made), err)
	}
}

// TestRFC7515A3 is the ES256 example.
func TestRFC7515A3(t *testing.T) {
	jwk := `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	p, err := FromJWK(Attest, []byte(jwk))
	if err != nil {
		t.Fatal(err)
	}
	input := "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	sig, err := b64url.Decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify([]byte(input), sig); err != nil {
		t.Error(err)
	}
	d, _ := b64url.Decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")
	if k, err := FromBytes(Attest, d); err != nil || !k.Public().Equal(p) {
		t.Errorf("the private key has another public half: %v", err)
	}
}

type wycheproof struct {
	Groups []struct {
		Key   string
		Tests []struct {
			ID      int
			Comment string
			Msg     string
			Sig     string
			Valid   bool
		}
	}
}

// byZIP215 is the one test of the suite, which follows RFC 8032, that ZIP-215
// decides otherwise: R is a non-canonical encoding of the neutral point. Only
// the holder of the key can make such a signature.
const byZIP215 = 151

func TestWycheproofEd25519(t *testing.T) {
	var file wycheproof
	load(t, "wycheproof_ed25519.json", &file)
	count := 0
	for _, g := range file.Groups {
		raw := unhex(t, g.Key)
		p, err := FromJWK(Command, fmt.Appendf(nil, `{"crv":"Ed25519","kty":"OKP","x":"%s"}`, b64url.Encode(raw)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range g.Tests {
			count++
			want := c.Valid || c.ID == byZIP215
			if alone, batched := bothWays(t, p, unhex(t, c.Msg), unhex(t, c.Sig)); alone != want || batched != want {
				t.Errorf("%d %s: alone %v, batched %v, want %v", c.ID, c.Comment, alone, batched, want)
			}
		}
	}
	if count != 151 {
		t.Errorf("%d tests", count)
	}
}

func TestWycheproofES256(t *testing.T) {
	var file wycheproof
	load(t, "wycheproof_es256.json", &file)
	count := 0
	for _, g := range file.Groups {
		point := unhex(t, g.Key)
		p, err := fromPoint(Attest, point)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range g.Tests {
			count++
			if alone, batched := bothWays(t, p, unhex(t, c.Msg), unhex(t, c.Sig)); alone != c.Valid || batched != c.Valid {
				t.Errorf("%d %s: alone %v, batched %v, want %v", c.ID, c.Comment, alone, batched, c.Valid)
			}
		}
	}
	if count != 262 {
		t.Errorf("%d tests", count)
	}
}

type edges struct {
	Encodings []string
	Cases     []struct {
		Comment, Key, Msg, Sig string
		Valid                  bool
	}
}

func loadEdges(t testing.TB) edges {
	t.Helper()
	var e edges
	load(t, "ed25519_edges.json", &e)
	if len(e.Encodings) != 14 || len(e.Cases) != 12 {
		t.Fatalf("%d encodings, %d cases", len(e.Encodings), len(e.Cases))
	}
	return e
}

func (e edges) encodings(t testing.TB) [][]byte {
	var all [][]byte
	for _, s := range e.Encodings {
		all = append(all, unhex(t, s))
	}
	return all
}

// TestZIP215 verifies with every pair of small-order A and R and S = 0: ZIP-215
// takes them all, alone and in batches, where RFC 8032 verifiers differ.
func TestZIP215(t *testing.T) {
	message, stdlib := []byte("Zcash"), 0
	for _, a := range loadEdges(t).encodings(t) {
		for _, r := range loadEdges(t).encodings(t) {
			sig := append(bytes.Clone(r), make([]byte, 32)...)
			if alone, batched := bothWays(t, unsound(t, a), message, sig); !alone || !batched {
				t.Errorf("A %x R %x: alone %v, batched %v", a, r, alone, batched)
			}
			if ed25519.Verify(a, message, sig) {
				stdlib++
			}
		}
	}
	if stdlib == 196 {
		t.Error("crypto/ed25519 takes all of them too: the rules no longer differ, and this package could use it")
	}
}

// TestEdges are the twelve cases on which deployed verifiers disagree.
func TestEdges(t *testing.T) {
	for i, c := range loadEdges(t).Cases {
		if alone, batched := bothWays(t, unsound(t, unhex(t, c.Key)), unhex(t, c.Msg), unhex(t, c.Sig)); alone != c.Valid || batched != c.Valid {
			t.Errorf("%d %s: alone %v, batched %v, want %v", i, c.Comment, alone, batched, c.Valid)
		}
	}
}

var p256Order, _ = new(big.Int).SetString("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)

func TestES256Edges(t *testing.T) {
	k := fixed(t, Attest)
	message := []byte("message")
	sig, err := k.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	join := func(r, s *big.Int) []byte {
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	zero, highest := new(big.Int), new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	for name, c := range map[string]struct {
		sig  []byte
		want bool
	}{
		"as made":       {sig, true},
		"other half":    {join(r, new(big.Int).Sub(p256Order, s)), true}, // RFC 7518 does not ask for a low s
		"r zero":        {join(zero, s), false},
		"s zero":        {join(r, zero), false},
		"both zero":     {make([]byte, 64), false},
		"r is n":        {join(p256Order, s), false},
		"s is n":        {join(r, p256Order), false},
		"r highest":     {join(highest, s), false},
		"s highest":     {join(r, highest), false},
		"swapped":       {join(s, r), false},
		"short":         {sig[:63], false},
		"long":          {append(bytes.Clone(sig), 0), false},
		"long in front": {append([]byte{0}, sig...), false},
		"none":          {nil, false},
	} {
		if got := k.Public().Verify(message, c.sig) == nil; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestVerifyBatch(t *testing.T) {
	ed, ec, seal := fixed(t, Command), fixed(t, Attest), fixed(t, Seal)
	var items []Signed
	var want []int
	for i := range 3*batchSize + 7 {
		message := fmt.Appendf(nil, "message %d", i)
		k := ed
		if i%50 == 3 {
			k = ec
		}
		sig, err := k.Sign(message)
		if err != nil {
			t.Fatal(err)
		}
		item := Signed{k.Public(), message, sig}
		switch i % 67 {
		case 5:
			item.Sig = bytes.Clone(sig)
			item.Sig[i%64] ^= 1
		case 11:
			item.Message = append(message, '!')
		case 17:
			item.Sig = sig[:63]
		case 23:
			item.Key = seal.Public()
		case 29:
			item.Key = Public{}
		}
		if item.Key.Verify(item.Message, item.Sig) != nil {
			want = append(want, i)
		}
		items = append(items, item)
	}
	if got := VerifyBatch(items); !slices.Equal(got, want) || len(want) < 20 {
		t.Errorf("failed %v, want %v", got, want)
	}
	if got := VerifyBatch(nil); got != nil {
		t.Errorf("nothing fails as %v", got)
	}
}

// FuzzVerify holds the batch against the single verification on any input.
func FuzzVerify(f *testing.F) {
	k := fixed(f, Command)
	sig, _ := k.Sign([]byte("message"))
	f.Add([]byte(k.Public().Ed25519()), []byte("message"), sig)
	for _, c := range loadEdges(f).Cases {
		f.Add(unhex(f, c.Key), unhex(f, c.Msg), unhex(f, c.Sig))
	}
	f.Fuzz(func(t *testing.T, key, message, sig []byte) {
		if _, err := voi.NewExpandedPublicKey(key); err != nil {
			return
		}
		if alone, batched := bothWays(t, unsound(t, key), message, sig); alone != batched {
			t.Fatalf("alone %v, batched %v", alone, batched)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for _, use := range []Use{Command, Attest} {
		k := fixed(b, use)
		message := make([]byte, 500)
		sig, _ := k.Sign(message)
		b.Run(string(use.Alg()), func(b *testing.B) {
			for b.Loop() {
				if k.Public().Verify(message, sig) != nil {
					b.Fatal()
				}
			}
		})
	}
	k := fixed(b, Command)
	for _, n := range []int{8, 64, 128, 256, 1024} {
		var items []Signed
		for i := range n {
			message := fmt.Appendf(make([]byte, 500), "%d", i)
			sig, _ := k.Sign(message)
			items = append(items, Signed{k.Public(), message, sig})
		}
		b.Run(fmt.Sprintf("batch of %d", n), func(b *testing.B) {
			for b.Loop() {
				if VerifyBatch(items) != nil {
					b.Fatal()
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/signature")
		})
	}
}
