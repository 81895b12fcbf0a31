package cryptotest

import (
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
)

// TestKeysStayTheSame guards the golden files of other packages.
func TestKeysStayTheSame(t *testing.T) {
	want := map[keys.Use]string{
		keys.Command: "_nuVum9Jx6kBVr5GwSylnAaYDLrrmbo2aWjjrk3ciac",
		keys.Attest:  "w4sI9NEOdo8JWeacZBEJ7zMfi3G8E8hSxWIsi-G12yk",
		keys.Release: "Cv0_HrKoB3ZTzZ0xDCsEzEqdAm8KTsv7OxRyufYUxeQ",
		keys.Seal:    "-W95VqxlbIBQXAZ3thvQDrAU1f9u6d3TxxHOvTExE88",
		keys.TLS:     "2bL2Krh59BvqhY1TGBT0wP0UrmR1nhVkyOKccEKpOD8",
		keys.Cosign:  "Lvs_FTQJhRjWzPlKZ2pwQgyT3dbpW3Iet7Q62OTf9f4",
	}
	for _, use := range keys.Uses() {
		if got := Key("regulator", use).KID(); got != want[use] {
			t.Errorf("%s key is now %q", use, got)
		}
		if Key("regulator", use).KID() == Key("court", use).KID() {
			t.Errorf("two members share their %s key", use)
		}
	}
}

func TestLookup(t *testing.T) {
	token, err := jws.Sign(Key("court", keys.Command), jws.TypCommand, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := jws.Verify(token, jws.TypCommand, Lookup("regulator", "court")); err != nil {
		t.Error(err)
	}
	if _, err := jws.Verify(token, jws.TypCommand, Lookup("regulator")); err == nil {
		t.Error("a member who is not known verifies")
	}
}

func TestStore(t *testing.T) {
	s, _ := Store(t, "court")
	for _, use := range keys.Uses() {
		k, err := s.Key(use)
		if err != nil || k.KID() != Key("court", use).KID() {
			t.Errorf("%s: %v %v", use, k, err)
		}
	}
	for _, name := range []string{"storage", "blind"} {
		if b, err := s.Secret(name); err != nil || string(b) != string(Secret("court", name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
