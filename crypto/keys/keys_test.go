package keys

import "testing"

func TestRoundTripEveryUse(t *testing.T) {
	for _, use := range Uses() {
		k, err := Generate(use, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := k.Public().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		p, err := ParsePublic(b)
		if err != nil || !p.Equal(k.Public()) {
			t.Fatalf("%s: %v", b, err)
		}
	}
}
