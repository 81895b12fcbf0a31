package b64url

import (
	"bytes"
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

func FuzzDecode(f *testing.F) {
	f.Add("AAB")
	f.Add("_-A\n")
	f.Fuzz(func(t *testing.T, s string) {
		b, err := Decode(s)
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
