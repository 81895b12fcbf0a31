package members_test

import (
	"errors"
	"testing"

	"accord/crypto/jws"
	"accord/crypto/keys"
	. "accord/exchange/machine/machinetest"
	"accord/exchange/members"
)

// TestVerifyRemembersOnlyTheSignature: a remembered token still has to be of
// the kind asked for, and its key still has to be allowed.
func TestVerifyRemembersOnlyTheSignature(t *testing.T) {
	command := jws.Kind{Typ: jws.TypCommand, Use: keys.Command}
	endorsement := jws.Kind{Typ: jws.TypEndorsement, Use: keys.Command}
	k := Key("court", keys.Command)
	token, err := jws.Sign(k, jws.TypCommand, []byte(`{}`))
	Must(t, err)
	find := func(string) (keys.Public, error) { return k.Public(), nil }
	tools := members.NewTools()
	for round := range 2 {
		if tok, err := tools.Verify(token, command, find); err != nil || string(tok.Payload) != `{}` {
			t.Errorf("round %d: %v", round, err)
		}
		if _, err := tools.Verify(token, endorsement, find); err == nil {
			t.Errorf("round %d: a command counts as an endorsement", round)
		}
		for what, lookup := range map[string]jws.Lookup{
			"no key":        func(string) (keys.Public, error) { return keys.Public{}, jws.ErrKey },
			"another key":   func(string) (keys.Public, error) { return Key("regulator", keys.Command).Public(), nil },
			"key of no use": func(string) (keys.Public, error) { return Key("court", keys.Cosign).Public(), nil },
		} {
			if _, err := tools.Verify(token, command, lookup); !errors.Is(err, jws.ErrKey) {
				t.Errorf("round %d, %s: %v", round, what, err)
			}
		}
		if _, err := tools.Verify(token[:len(token)-2], command, find); err == nil {
			t.Errorf("round %d: a shortened token", round)
		}
	}
}
