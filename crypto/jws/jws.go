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
	t, err := parseKind(token, kind)
	if err != nil {
		return Token{}, err
	}
	key, err := lookup(t.KID)
	if err != nil {
		return Token{}, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if err := t.check(kind, key); err != nil {
		return Token{}, err
	}
	if err := key.Verify([]byte(t.SigningInput), t.Signature); err != nil {
		return Token{}, ErrSignature
	}
	return t, nil
}

// VerifyWith checks a token of the kind against a key the caller has already,
// which for a kind with NoKID is the only way.
func VerifyWith(token string, kind Kind, key keys.Public) (Token, error) {
	t, err := parseKind(token, kind)
	if err != nil {
		return Token{}, err
	}
	if err := t.check(kind, key); err != nil {
		return Token{}, err
	}
	if err := key.Verify([]byte(t.SigningInput), t.Signature); err != nil {
		return Token{}, ErrSignature
	}
	return t, nil
}

func parseKind(token string, kind Kind) (Token, error) {
	if err := kind.check(); err != nil {
		return Token{}, err
	}
	t, err := parse(token, !kind.NoKID)
	if err != nil {
		return Token{}, err
	}
	if t.Typ != kind.Typ {
		return Token{}, fmt.Errorf("%w: not the one expected", ErrTyp)
	}
	return t, nil
}

// check holds the token's claims against the key. The algorithm is the key's;
// a token that says another one was not made with this key.
func (t Token) check(kind Kind, key keys.Public) error {
	switch {
	case key.IsZero() || key.Use() != kind.Use:
		return fmt.Errorf("%w: want one for %s", ErrKey, kind.Use)
	case !kind.NoKID && t.KID != key.KID():
		return fmt.Errorf("%w: kid names another", ErrKey)
	case t.Alg != string(key.Alg()):
		return fmt.Errorf("%w: the algorithm is not the key's", ErrKey)
	}
	return nil
}
