package jws

import (
	"testing"

	"accord/crypto/keys"
)

func TestX(t *testing.T) {
	for _, kind := range []Kind{{TypCommand, keys.Command, false}, {"a+sd-jwt", keys.Attest, false}, {"kb+jwt", keys.Release, true}} {
		k, err := keys.Generate(kind.Use, nil)
		if err != nil {
			t.Fatal(err)
		}
		tok, err := SignKind(k, kind, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyWith(tok, kind, k.Public()); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	for _, kind := range []Kind{{TypCommand, keys.Command, false}, {"a+sd-jwt", keys.Attest, false}} {
		k, _ := keys.Generate(kind.Use, nil)
		payload := make([]byte, 600)
		tok, _ := SignKind(k, kind, payload)
		b.Run("sign-"+string(kind.Use), func(b *testing.B) {
			for b.Loop() {
				SignKind(k, kind, payload)
			}
		})
		b.Run("parse-"+string(kind.Use), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Parse(tok)
			}
		})
		b.Run("verify-"+string(kind.Use), func(b *testing.B) {
			for b.Loop() {
				VerifyWith(tok, kind, k.Public())
			}
		})
	}
}
