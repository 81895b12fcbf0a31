package seal

import (
	"bytes"
	"crypto/rand"
	"testing"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// FuzzSealed: what parses re-encodes to one form that parses to the same, and
// nothing but what the Sealer made opens.
func FuzzSealed(f *testing.F) {
	s := newSealer(f, storageKey(1), rand.Reader)
	for _, value := range []string{"", "a", "a longer value that has to lie in the second bucket, because it has more than sixty bytes"} {
		text, err := strictjson.Marshal(mustSeal(f, s, place, []byte(value)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"key":"AA","box":"AA"}`))
	f.Add([]byte(`{"key":"","box":"","x":null}`))
	stranger := newSealer(f, storageKey(9), rand.Reader)
	f.Fuzz(func(t *testing.T, text []byte) {
		var sealed Sealed
		if err := sealed.UnmarshalJSON(text); err != nil {
			if err != ErrOpen || sealed.Key != nil || sealed.Box != nil {
				t.Fatalf("error %v left %v", err, sealed)
			}
			return
		}
		again, err := sealed.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var back Sealed
		if err := back.UnmarshalJSON(again); err != nil || !bytes.Equal(back.Key, sealed.Key) || !bytes.Equal(back.Box, sealed.Box) {
			t.Fatalf("round trip: %v", err)
		}
		if got, err := stranger.Open(place, sealed); err != ErrOpen || got != nil {
			t.Fatalf("opened under a key that never sealed: %v", err)
		}
	})
}

// FuzzOpen: arbitrary layers never open and never panic.
func FuzzOpen(f *testing.F) {
	s := newSealer(f, storageKey(1), rand.Reader)
	sealed := mustSeal(f, s, place, []byte("value"))
	f.Add(sealed.Key, sealed.Box, "r")
	before := sealedBefore(f, s, []byte("value"))
	f.Add(before.Key, before.Box, "r-01")
	f.Add([]byte{}, []byte{}, "")
	f.Add(sealed.Key[:len(sealed.Key)-1], sealed.Box[1:], "r-01")
	f.Fuzz(func(t *testing.T, key, box []byte, record string) {
		b := Binding{Record: record, Field: place.Field, Digest: place.Digest}
		got, err := s.Open(b, Sealed{Key: key, Box: box})
		if err != nil && (err != ErrOpen || got != nil) {
			t.Fatalf("%d bytes with error %v", len(got), err)
		}
		if err == nil && (b != place || !bytes.Equal(key, sealed.Key) && !bytes.Equal(key, before.Key) || !bytes.Equal(box, sealed.Box) && !bytes.Equal(box, before.Box)) {
			t.Fatal("opened what was not sealed")
		}
	})
}

// FuzzUnpad: what unpads is exactly what pad gives.
func FuzzUnpad(f *testing.F) {
	f.Add(pad(nil))
	f.Add(pad([]byte("abc")))
	f.Add(make([]byte, 128))
	f.Fuzz(func(t *testing.T, padded []byte) {
		if plaintext, ok := unpad(padded); ok && !bytes.Equal(pad(plaintext), padded) {
			t.Fatal("two padded forms of one plaintext")
		}
	})
}

// FuzzDecrypt: only tokens of the corpus open; errors give nothing.
func FuzzDecrypt(f *testing.F) {
	k := cryptotest.Key("regulator", keys.Seal)
	token, err := Encrypt(k.Public(), content, []byte("value"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("....")
	f.Add("e30....")
	f.Add(token[:len(token)-2])
	f.Fuzz(func(t *testing.T, jwe string) {
		got, err := Decrypt(k, content, jwe)
		if err != nil && (err != ErrOpen || got != nil) {
			t.Fatalf("%d bytes with error %v", len(got), err)
		}
		if err == nil && !bytes.Equal(got, []byte("value")) {
			t.Fatal("opened what was not made")
		}
	})
}
