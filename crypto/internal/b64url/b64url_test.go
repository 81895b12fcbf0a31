package b64url

import (
	"bytes"
	"strings"
	"testing"
)

func TestDecodeRefusesSecondSpellings(t *testing.T) {
	for _, s := range []string{"=", "AA==", "AA=", "AB", "AAB", "A", "A\nA", "AA\r\n", "AA ", "A+", "A/", "é"} {
		if b, err := Decode(s); err == nil || b != nil {
			t.Errorf("Decode(%q) = %x, %v; want nil and an error", s, b, err)
		}
	}
	for _, s := range []string{"", "AA", "AAA", "AAAA", "_w", "-_-_"} {
		if _, err := Decode(s); err != nil {
			t.Errorf("Decode(%q): %v", s, err)
		}
	}
}

// standard is Decode by the standard library alone.
func standard(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, ErrEncoding
	}
	return encoding.DecodeString(s)
}

// TestEveryByteAtEveryPlace: what is no character of the alphabet is refused wherever
// it stands, and of all others the standard library gives the same.
func TestEveryByteAtEveryPlace(t *testing.T) {
	for length := range 36 {
		good := []byte(Encode(bytes.Repeat([]byte{0xa5, 0x1f, 0x00}, length)))[:length]
		for at := range length {
			for c := range 256 {
				s := bytes.Clone(good)
				s[at] = byte(c)
				got, err := Decode(string(s))
				want, err2 := standard(string(s))
				if (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(got, want) {
					t.Fatalf("%q: %x, %v; the standard library gives %x, %v", s, got, err, want, err2)
				}
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("AAB")
	f.Add("_-A\n")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAA\n")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Decode(s)
		if want, err2 := standard(s); (err == nil) != (err2 == nil) || err == nil && !bytes.Equal(b, want) {
			t.Fatalf("%q: %x, %v; the standard library gives %x, %v", s, b, err, want, err2)
		}
		if err != nil {
			return
		}
		if Encode(b) != s {
			t.Fatalf("%q decodes but encodes again as %q", s, Encode(b))
		}
		if again, err := Decode(Encode(b)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("not stable: %x %v", again, err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	text := Encode(bytes.Repeat([]byte("0123456789"), 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandard(b *testing.B) {
	text := Encode(bytes.Repeat([]byte("0123456789"), 10_000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := standard(text); err != nil {
			b.Fatal(err)
		}
	}
}
