package seal

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
)

func TestSealUnder(t *testing.T) {
	key, b := bytes.Repeat([]byte{5}, KeySize), Binding{"record", "field", "digest"}
	box, err := SealUnder(key, b, 2, []byte("value"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := OpenUnder(key, b, 2, box); err != nil || string(got) != "value" {
		t.Fatalf("%q %v", got, err)
	}
	turned := bytes.Clone(box)
	turned[len(turned)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"another generation": func() ([]byte, error) { return OpenUnder(key, b, 1, box) },
		"another record":     func() ([]byte, error) { return OpenUnder(key, Binding{"other", "field", "digest"}, 2, box) },
		"another field":      func() ([]byte, error) { return OpenUnder(key, Binding{"record", "other", "digest"}, 2, box) },
		"another digest":     func() ([]byte, error) { return OpenUnder(key, Binding{"record", "field", "other"}, 2, box) },
		"another key":        func() ([]byte, error) { return OpenUnder(bytes.Repeat([]byte{6}, KeySize), b, 2, box) },
		"a short key":        func() ([]byte, error) { return OpenUnder(key[1:], b, 2, box) },
		"damaged":            func() ([]byte, error) { return OpenUnder(key, b, 2, turned) },
		"nothing":            func() ([]byte, error) { return OpenUnder(key, b, 2, nil) },
	} {
		if got, err := try(); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}
