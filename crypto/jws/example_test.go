package jws_test

import (
	"fmt"

	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
)

// A member signs a command, and another verifies it with the keys the ledger
// gives for the kid.
func Example() {
	key := cryptotest.Key("regulator", keys.Command)
	token, err := jws.Sign(key, jws.TypCommand, []byte(`{"verb":"vote"}`))
	if err != nil {
		panic(err)
	}

	ledger := cryptotest.Lookup("regulator", "court")
	t, err := jws.Verify(token, jws.TypCommand, ledger)
	fmt.Println(string(t.Payload), err)

	// The same signature is good for nothing else.
	_, err = jws.Verify(token, jws.TypCharter, ledger)
	fmt.Println(err)
	// Output:
	// {"verb":"vote"} <nil>
	// jws: wrong type of token: not the one expected
}
