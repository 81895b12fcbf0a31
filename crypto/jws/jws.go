package jws

import (
	"fmt"

	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
)

// Lookup finds the key of a kid. It must give a key with that very kid or an
// error; it decides whether the key was valid for its purpose at its time.
type Lookup = func(kid string) (keys.Public, error)

// Sign signs a statement of one of the Typ types. The header is exactly
// {"alg","kid","typ"}.
func Sign(k keys.Private, typ string, payload []byte) (string, error) {
	kind, err := kindOf(typ)
	if err != nil {
		return "", err
	}
	return SignKind(k, kind, payload)
}

// SignKind signs a token of another package's kind. The key must be for the
// kind's use. The same key, kind and payload give the same token.
func SignKind(k keys.Private, kind Kind, payload []byte) (string, error) {
	if err := kind.check(); err != nil {
		return "", err
	}
	public := k.Public()
	if public.Use() != kind.Use {
		return "", fmt.Errorf("%w: want one for %s", ErrKey, kind.Use)
	}
	if len(payload) == 0 {
		return "", fmt.Errorf("%w: no payload", ErrToken)
	}
	header := `{"alg":"` + string(public.Alg()) + `","kid":"` + public.KID() + `","typ":"` + kind.Typ + `"}`
	if kind.NoKID {
		header = `{"alg":"` + string(public.Alg()) + `","typ":"` + kind.Typ + `"}`
	}
	input := b64url.Encode([]byte(header)) + "." + b64url.Encode(payload)
	sig, err := k.Sign([]byte(input))
	if err != nil {
		return "", err
	}
	token := input + "." + b64url.Encode(sig)
	if len(token) > MaxToken {
		return "", fmt.Errorf("%w: too long", ErrToken)
	}
	return token, nil
}

// Verify checks a statement of the given type against the key its kid names.
// When it fails the Token is empty.
func Verify(token, typ string, lookup Lookup) (Token, error) {
	kind, err := kindOf(typ)
	if err != nil {
		return Token{}, err
	}
	return VerifyKind(token, kind, lookup)
}

// VerifyKind is Verify for another package's kind.
func VerifyKind(token string, kind Kind, lookup Lookup) (Token, error) {
	if kind.NoKID {
		return Token{}, fmt.Errorf("%w: this kind names no key", ErrKey)
	}
	return verify(token, kind, lookup)
}

// VerifyWith checks a token of the kind against a key the caller has already,
// which for a kind with NoKID is the only way.
func VerifyWith(token string, kind Kind, key keys.Public) (Token, error) {
	return verify(token, kind, func(string) (keys.Public, error) { return key, nil })
}

// Result is the outcome for one token of a batch: a Token or an error.
type Result struct {
	Token Token
	Err   error
}

// VerifyBatch verifies many statements of one type together and gives for each
// what Verify gives. Ed25519 signatures are checked in batches.
func VerifyBatch(tokens []string, typ string, lookup Lookup) []Result {
	results := make([]Result, len(tokens))
	kind, err := kindOf(typ)
	var signed []keys.Signed
	var index []int
	for i, token := range tokens {
		if err != nil {
			results[i].Err = err
			continue
		}
		t, key, err := open(token, kind, lookup)
		if err != nil {
			results[i].Err = err
			continue
		}
		results[i].Token = t
		signed = append(signed, keys.Signed{Key: key, Message: []byte(t.SigningInput), Sig: t.Signature})
		index = append(index, i)
	}
	for _, failed := range keys.VerifyBatch(signed) {
		results[index[failed]] = Result{Err: ErrSignature}
	}
	return results
}

func verify(token string, kind Kind, lookup Lookup) (Token, error) {
	t, key, err := open(token, kind, lookup)
	if err != nil {
		return Token{}, err
	}
	if err := key.Verify([]byte(t.SigningInput), t.Signature); err != nil {
		return Token{}, ErrSignature
	}
	return t, nil
}

// open does all of verification but the signature: form, type, key, algorithm.
// The algorithm is the key's; a token that says another one was not made with it.
func open(token string, kind Kind, lookup Lookup) (Token, keys.Public, error) {
	fail := func(err error) (Token, keys.Public, error) { return Token{}, keys.Public{}, err }
	if err := kind.check(); err != nil {
		return fail(err)
	}
	t, err := parse(token, !kind.NoKID)
	if err != nil {
		return fail(err)
	}
	if t.Typ != kind.Typ {
		return fail(fmt.Errorf("%w: not the one expected", ErrTyp))
	}
	key, err := lookup(t.KID)
	switch {
	case err != nil:
		return fail(fmt.Errorf("%w: %w", ErrKey, err))
	case key.Use() != kind.Use:
		return fail(fmt.Errorf("%w: want one for %s", ErrKey, kind.Use))
	case !kind.NoKID && t.KID != key.KID():
		return fail(fmt.Errorf("%w: kid names another", ErrKey))
	case t.Alg != string(key.Alg()):
		return fail(fmt.Errorf("%w: the algorithm is not the key's", ErrKey))
	}
	return t, key, nil
}
