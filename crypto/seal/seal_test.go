package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"accord/crypto/strictjson"
)

var place = Binding{Record: "r-01", Field: "amount", Digest: "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4"}

func storageKey(first byte) []byte {
	k := make([]byte, KeySize)
	for i := range k {
		k[i] = first + byte(i)
	}
	return k
}

func newSealer(t testing.TB, key []byte, random io.Reader) *Sealer {
	t.Helper()
	s, err := NewSealer(key, random)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustSeal(t testing.TB, s *Sealer, b Binding, plaintext []byte) Sealed {
	t.Helper()
	sealed, err := s.Seal(b, plaintext)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// refuses fails the test unless opening gives exactly ErrOpen and nothing else.
func refuses(t *testing.T, s *Sealer, b Binding, sealed Sealed, what string) {
	t.Helper()
	got, err := s.Open(b, sealed)
	if err != ErrOpen || got != nil {
		t.Fatalf("%s: opened with %d bytes, error %v; want exactly ErrOpen", what, len(got), err)
	}
}

func TestSealOpen(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	for _, n := range []int{0, 1, 59, 60, 61, 124, 125, 1000, 4092, 4093, MaxPlaintext - 1, MaxPlaintext} {
		plaintext := bytes.Repeat([]byte{0xA5}, n)
		sealed := mustSeal(t, s, place, plaintext)
		got, err := s.Open(place, sealed)
		if err != nil || !bytes.Equal(got, plaintext) {
			t.Errorf("%d bytes: %v", n, err)
		}
		if n > 16 && bytes.Contains(sealed.Box, plaintext[:16]) {
			t.Errorf("%d bytes: plaintext in the box", n)
		}
	}
}

// TestGolden pins the formats of what lies in stores: version 2 is made and opened,
// version 1 still opens. Both were computed by independent programs; see
// testdata/README.md.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		file string
		made bool
	}{{"golden.json", false}, {"golden2.json", true}} {
		raw, err := os.ReadFile(filepath.Join("testdata", c.file))
		if err != nil {
			t.Fatal(err)
		}
		var golden struct {
			StorageKey, Plaintext, Random []byte
			Record, Field, Digest         string
			Sealed                        json.RawMessage
		}
		if err := json.Unmarshal(raw, &golden); err != nil {
			t.Fatal(err)
		}
		s := newSealer(t, golden.StorageKey, bytes.NewReader(golden.Random))
		b := Binding{golden.Record, golden.Field, golden.Digest}
		var stored Sealed
		if err := strictjson.Unmarshal(golden.Sealed, &stored); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Open(b, stored); err != nil || !bytes.Equal(got, golden.Plaintext) {
			t.Errorf("%s opens as %q, %v", c.file, got, err)
		}
		if !c.made {
			continue
		}
		if got, err := strictjson.Marshal(mustSeal(t, s, b, golden.Plaintext)); err != nil || !bytes.Equal(got, golden.Sealed) {
			t.Errorf("sealed\n%s\nwant\n%s, %v", got, golden.Sealed, err)
		}
	}
}

// Shows: B10, D33
func TestPaddingHidesLength(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	for _, c := range []struct{ n, bucket int }{
		{0, 64}, {60, 64}, {61, 128}, {124, 128}, {125, 256}, {252, 256}, {253, 512}, {2044, 2048}, {2045, 4096}, {MaxPlaintext, 64 << 10},
	} {
		if got := len(mustSeal(t, s, place, make([]byte, c.n)).Box) - overheadOnce; got != c.bucket {
			t.Errorf("%d bytes lie in %d, want %d", c.n, got, c.bucket)
		}
	}
	if _, err := s.Seal(place, make([]byte, MaxPlaintext+1)); !errors.Is(err, ErrSize) {
		t.Errorf("overlong: %v", err)
	}
}

// TestUnpadIsExact: one plaintext has one padded form.
func TestUnpadIsExact(t *testing.T) {
	good := pad([]byte("abc"))
	for name, spoil := range map[string]func([]byte) []byte{
		"no bucket":    func(b []byte) []byte { return b[:63] },
		"empty":        func(b []byte) []byte { return nil },
		"larger":       func(b []byte) []byte { return append(b, make([]byte, 64)...) },
		"non-zero":     func(b []byte) []byte { b[63] = 1; return b },
		"length 2^32":  func(b []byte) []byte { copy(b, "\xff\xff\xff\xff"); return b },
		"length past":  func(b []byte) []byte { b[3] = 61; return b },
		"beyond cap":   func(b []byte) []byte { return make([]byte, maxBucket*2) },
		"wrong bucket": func(b []byte) []byte { return append(b[:64:64], make([]byte, 64)...) },
	} {
		if _, ok := unpad(spoil(bytes.Clone(good))); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Shows: B10, D29
func TestOtherPlaceDoesNotOpen(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	sealed := mustSeal(t, s, place, []byte("value"))
	other := mustSeal(t, s, place, []byte("other"))
	for _, b := range []Binding{
		{"r-02", place.Field, place.Digest}, {place.Record, "name", place.Digest}, {place.Record, place.Field, place.Digest[1:]},
		{place.Record + "a", place.Field[1:], place.Digest}, {place.Field, place.Record, place.Digest},
		{"", place.Field, place.Digest}, {place.Record, "", place.Digest}, {place.Record, place.Field, ""}, {},
		{strings.Repeat("r", 513), place.Field, place.Digest},
	} {
		refuses(t, s, b, sealed, fmt.Sprintf("%+v", b))
	}
	refuses(t, s, place, Sealed{Key: sealed.Key, Box: other.Box}, "another box under this key")
	refuses(t, s, place, Sealed{Key: other.Key, Box: sealed.Box}, "another key to this box")
	refuses(t, s, place, Sealed{Key: sealed.Box[:len(sealed.Key)], Box: sealed.Box}, "box as key")
	refuses(t, newSealer(t, storageKey(2), rand.Reader), place, sealed, "another storage key")
	for _, b := range []Binding{{"", "f", "d"}, {"r", "", "d"}, {"r", "f", ""}, {"r", "f", strings.Repeat("d", 513)}} {
		if _, err := s.Seal(b, nil); err != ErrBinding {
			t.Errorf("seal at %+v: %v", b, err)
		}
	}
}

// Shows: B10, D35
func TestEveryBitCounts(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	sealed := mustSeal(t, s, place, []byte("value"))
	spoil := func(part []byte, rebuild func([]byte) Sealed, name string) {
		for i := range part {
			for bit := range 8 {
				b := bytes.Clone(part)
				b[i] ^= 1 << bit
				refuses(t, s, place, rebuild(b), fmt.Sprintf("%s byte %d bit %d", name, i, bit))
			}
		}
		for n := range part {
			refuses(t, s, place, rebuild(part[:n]), fmt.Sprintf("%s cut to %d", name, n))
			refuses(t, s, place, rebuild(part[n+1:]), fmt.Sprintf("%s without its first %d", name, n+1))
		}
		refuses(t, s, place, rebuild(append(bytes.Clone(part), 0)), name+" longer by one")
		refuses(t, s, place, rebuild(append(bytes.Clone(part), make([]byte, 64)...)), name+" longer by a bucket")
	}
	spoil(sealed.Key, func(b []byte) Sealed { return Sealed{Key: b, Box: sealed.Box} }, "key")
	spoil(sealed.Box, func(b []byte) Sealed { return Sealed{Key: sealed.Key, Box: b} }, "box")
	before := sealedBefore(t, s, []byte("value"))
	spoil(before.Key, func(b []byte) Sealed { return Sealed{Key: b, Box: before.Box} }, "key of version 1")
	spoil(before.Box, func(b []byte) Sealed { return Sealed{Key: before.Key, Box: b} }, "box of version 1")
}

// TestCommitment shows that the commitment is checked by itself: a layer whose
// ciphertext is right for the key but whose commitment is that of another key
// does not open, although the AEAD alone would take it.
//
// Shows: B10, D30
func TestCommitment(t *testing.T) {
	k1, k2, context := storageKey(1), storageKey(2), place.frame(tagBox)
	layer, err := lock(k1, context, []byte("value"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	nonce := layer[1 : 1+nonceSize]
	foreign, _, err := split(k2, nonce, context)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(layer)
	copy(forged[1+nonceSize:], foreign)

	_, sub, err := split(k1, nonce, context)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := chacha20poly1305.NewX(sub)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := aead.Open(nil, nonce, forged[1+nonceSize+commitSize:], []byte(context)); err != nil {
		t.Fatalf("the AEAD alone should take it: %v", err)
	}
	for _, k := range [][]byte{k1, k2} {
		if got, err := unlock(k, context, forged); err != ErrOpen || got != nil {
			t.Errorf("forged commitment opened: %v", err)
		}
	}
	if got, err := unlock(k1, context, layer); err != nil || string(got) != "value" {
		t.Errorf("the true one: %v", err)
	}
	for _, version := range []byte{0, 2, 0xff} {
		other := bytes.Clone(layer)
		other[0] = version
		if got, err := unlock(k1, context, other); err != ErrOpen || got != nil {
			t.Errorf("version %d opened: %v", version, err)
		}
	}
}

// TestCommitmentOfOneUse is TestCommitment for boxes of version 2.
//
// Shows: B10, D30
func TestCommitmentOfOneUse(t *testing.T) {
	k1, k2, context := storageKey(1), storageKey(2), place.frame(tagOnce)
	layer, err := lockOnce(k1, context, []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	foreign, _, err := splitOnce(k2, context)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Clone(layer)
	copy(forged[1:], foreign)
	for _, k := range [][]byte{k1, k2} {
		if got, err := unlockOnce(k, context, forged); err != ErrOpen || got != nil {
			t.Errorf("forged commitment opened: %v", err)
		}
	}
	if got, err := unlockOnce(k1, context, layer); err != nil || string(got) != "value" {
		t.Errorf("the true one: %v", err)
	}
	if got, err := unlockOnce(k1, place.frame(tagBox), layer); err != ErrOpen || got != nil {
		t.Errorf("under another context: %v", err)
	}
	layer[0] = version1
	if got, err := unlockOnce(k1, context, layer); err != ErrOpen || got != nil {
		t.Errorf("as version 1: %v", err)
	}
}

// TestNothingRepeats: fresh key and result for each seal, also after a
// restart with the same storage key.
//
// Shows: B10, D29, D32
func TestNothingRepeats(t *testing.T) {
	const perStart, starts = 5000, 4
	seen := make(map[string]bool, 4*perStart*starts)
	add := func(what string, b []byte) {
		if k := what + string(b); seen[k] {
			t.Fatalf("%s repeats", what)
		} else {
			seen[k] = true
		}
	}
	for range starts {
		s := newSealer(t, storageKey(1), rand.Reader)
		for range perStart {
			sealed := mustSeal(t, s, place, []byte("same value"))
			add("wrapped key", sealed.Key)
			add("commitment", sealed.Box[1:1+commitSize])
			add("ciphertext", sealed.Box[1+commitSize:])
			fieldKey, err := s.fieldKey(place, sealed)
			if err != nil {
				t.Fatal(err)
			}
			add("field key", fieldKey)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			b := Binding{Record: fmt.Sprint(i), Field: "f", Digest: "d"}
			for range 50 {
				sealed, err := s.Seal(b, []byte(b.Record))
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := s.Open(b, sealed); err != nil || string(got) != b.Record {
					t.Errorf("record %d: %q, %v", i, got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestRewrap(t *testing.T) {
	old, next := newSealer(t, storageKey(1), rand.Reader), newSealer(t, storageKey(2), rand.Reader)
	sealed := mustSeal(t, old, place, []byte("value"))
	moved, err := old.Rewrap(place, sealed, next)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := next.Open(place, moved); err != nil || string(got) != "value" {
		t.Errorf("after the move: %q, %v", got, err)
	}
	refuses(t, old, place, moved, "moved value under the old key")
	if got, err := next.Rewrap(place, sealed, old); err != ErrOpen || got.Key != nil {
		t.Errorf("rewrap with a foreign key: %v", err)
	}
	first := sealedBefore(t, old, []byte("value"))
	if moved, err = old.Rewrap(place, first, next); err != nil || moved.Key[0] != version2 || !bytes.Equal(moved.Box, first.Box) {
		t.Fatalf("of version 1: %v", err)
	}
	if got, err := next.Open(place, moved); err != nil || string(got) != "value" {
		t.Errorf("version 1 after the move: %q, %v", got, err)
	}
}

// sealedBefore is a value in version 1, as stores hold it.
func sealedBefore(t testing.TB, s *Sealer, plaintext []byte) Sealed {
	t.Helper()
	fieldKey := storageKey(77)
	box, err := lock(fieldKey, place.frame(tagBox), pad(plaintext), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := lock(s.key[:], place.frame(tagKey), fieldKey, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return Sealed{Key: key, Box: box}
}

func TestRandomFails(t *testing.T) {
	for n := range KeySize {
		s := newSealer(t, storageKey(1), io.LimitReader(rand.Reader, int64(n)))
		if got, err := s.Seal(place, []byte("x")); err != ErrRandom || got.Key != nil || got.Box != nil {
			t.Fatalf("random source of %d bytes: %v", n, err)
		}
	}
	for _, k := range [][]byte{nil, make([]byte, 31), make([]byte, 33), make([]byte, KeySize)} {
		if s, err := NewSealer(k, rand.Reader); s != nil || err != ErrKey {
			t.Errorf("storage key of %d bytes: %v", len(k), err)
		}
	}
	if s, err := NewSealer(storageKey(1), nil); s != nil || err == nil {
		t.Error("no random source accepted")
	}
}

func TestSealedJSON(t *testing.T) {
	s := newSealer(t, storageKey(1), rand.Reader)
	sealed := mustSeal(t, s, place, []byte("value"))
	good, err := strictjson.Marshal(sealed)
	if err != nil {
		t.Fatal(err)
	}
	var back Sealed
	if err := strictjson.Unmarshal(good, &back); err != nil || !bytes.Equal(back.Key, sealed.Key) || !bytes.Equal(back.Box, sealed.Box) {
		t.Fatalf("round trip: %v", err)
	}
	key, box := base64.RawURLEncoding.EncodeToString(sealed.Key), base64.RawURLEncoding.EncodeToString(sealed.Box)
	form := func(k, b string) string { return `{"key":"` + k + `","box":"` + b + `"}` }
	for name, bad := range map[string]string{
		"null": `null`, "array": `[]`, "empty": `{}`, "empty text": ``,
		"no box": `{"key":"` + key + `"}`, "no key": `{"box":"` + box + `"}`,
		"unknown member": form(key, box)[:len(form(key, box))-1] + `,"x":1}`,
		"twice":          form(key, box)[:len(form(key, box))-1] + `,"key":"` + key + `"}`,
		"wrong case":     strings.Replace(form(key, box), `"key"`, `"Key"`, 1),
		"trailing":       form(key, box) + `{}`,
		"padding":        form(key+"=", box), "std alphabet": form(key, strings.NewReplacer("-", "+", "_", "/").Replace(box)+"+"),
		"line break": form(key, box[:8]+`\n`+box[8:]),
		"swapped":    form(box, key), "no bucket": form(key, box[:len(box)-4]), "version 0": form("AA"+key[2:], box), "version 1": form(key, "AQ"+box[2:]), "version 3": form(key, "Aw"+box[2:]),
		"null member": `{"key":null,"box":"` + box + `"}`, "array member": `{"key":[1],"box":"` + box + `"}`,
		"huge": form(key, strings.Repeat("A", 1<<20)),
	} {
		got := Sealed{Key: []byte{1}}
		if err := got.UnmarshalJSON([]byte(bad)); err != ErrOpen || got.Key != nil || got.Box != nil {
			t.Errorf("%s: %v, left %d bytes", name, err, len(got.Key))
		}
	}
	if _, err := strictjson.Marshal(Sealed{}); err == nil {
		t.Error("the zero Sealed has a JSON form")
	}
}

func TestSealerIsNeverFormatted(t *testing.T) {
	s := newSealer(t, storageKey(0), rand.Reader)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "sealer", s)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sealer", s)
	//lint:ignore SA9005 that nothing is exported is what is tested
	js, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		out += fmt.Sprintf(verb, s) + "\n"
	}
	for _, leak := range []string{"0 1 2 3", "0x0", "000102", "0, 1, 2", base64.StdEncoding.EncodeToString(storageKey(0))[:8]} {
		if strings.Contains(out, leak) {
			t.Errorf("output holds key bytes (%q):\n%s", leak, out)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	s := newSealer(b, storageKey(1), rand.Reader)
	value := make([]byte, 80)
	for b.Loop() {
		mustSeal(b, s, place, value)
	}
}

func BenchmarkOpen(b *testing.B) {
	s := newSealer(b, storageKey(1), rand.Reader)
	sealed := mustSeal(b, s, place, make([]byte, 80))
	for b.Loop() {
		if _, err := s.Open(place, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
