package jws

import (
	"errors"
	"fmt"
	"strings"

	"accord/crypto/internal/b64url"
	"accord/crypto/keys"
)

// Limits of a token.
const (
	MaxToken  = 1 << 20 // bytes of the compact form
	MaxHeader = 512     // bytes of the header's JSON
)

// Errors of this package. Their texts quote nothing of the token.
var (
	ErrToken     = errors.New("jws: not a well-formed token")
	ErrHeader    = errors.New("jws: header is not the one required")
	ErrTyp       = errors.New("jws: wrong type of token")
	ErrKey       = errors.New("jws: wrong key")
	ErrSignature = errors.New("jws: signature does not verify")
)

// Token is a token taken apart. From Parse nothing of it is verified.
type Token struct {
	Typ, KID, Alg string
	Payload       []byte
	Signature     []byte
	SigningInput  string // what the signature covers: header "." payload, as received
}

// Parse takes a token apart and checks its form only.
func Parse(token string) (Token, error) { return parse(token, true) }

func parse(token string, withKID bool) (Token, error) {
	if len(token) > MaxToken {
		return Token{}, fmt.Errorf("%w: too long", ErrToken)
	}
	head, rest, _ := strings.Cut(token, ".")
	body, tail, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(tail, '.') >= 0 {
		return Token{}, fmt.Errorf("%w: want three parts", ErrToken)
	}
	if len(head) > (MaxHeader*8+5)/6 {
		return Token{}, fmt.Errorf("%w: too long", ErrHeader)
	}
	header, err := b64url.Decode(head)
	if err != nil {
		return Token{}, fmt.Errorf("%w: header: %w", ErrToken, err)
	}
	t, err := parseHeader(header, withKID)
	if err != nil {
		return Token{}, err
	}
	if t.Payload, err = b64url.Decode(body); err != nil {
		return Token{}, fmt.Errorf("%w: payload: %w", ErrToken, err)
	}
	if len(t.Payload) == 0 {
		return Token{}, fmt.Errorf("%w: no payload", ErrToken)
	}
	if t.Signature, err = b64url.Decode(tail); err != nil || len(t.Signature) != keys.SignatureSize {
		return Token{}, fmt.Errorf("%w: signature is not %d bytes of base64url", ErrToken, keys.SignatureSize)
	}
	t.SigningInput = token[:len(head)+1+len(body)]
	return t, nil
}

// parseHeader reads the one form of header accepted: a JSON object without
// white space or escapes whose members are strings. General JSON is not needed
// for it, and what need not be decoded cannot be decoded in two ways.
// FuzzHeader holds it against strictjson.
func parseHeader(b []byte, withKID bool) (Token, error) {
	s, opened := strings.CutPrefix(string(b), "{")
	s, closed := strings.CutSuffix(s, "}")
	if !opened || !closed {
		return Token{}, fmt.Errorf("%w: not a compact JSON object", ErrHeader)
	}
	var t Token
	for more := true; more; {
		var name, value string
		var ok bool
		if name, s, ok = cutString(s); !ok || !strings.HasPrefix(s, ":") {
			return Token{}, fmt.Errorf("%w: not compact JSON", ErrHeader)
		}
		if value, s, ok = cutString(s[1:]); !ok {
			return Token{}, fmt.Errorf("%w: a member is not a plain string", ErrHeader)
		}
		if err := t.set(name, value); err != nil {
			return Token{}, err
		}
		if s, more = strings.CutPrefix(s, ","); !more && s != "" {
			return Token{}, fmt.Errorf("%w: not compact JSON", ErrHeader)
		}
	}
	if t.Alg == "" || t.Typ == "" || (t.KID != "") != withKID {
		return Token{}, fmt.Errorf("%w: a member is missing or too many", ErrHeader)
	}
	return t, nil
}

// cutString cuts a JSON string without escapes. What a string may hold is for
// set, whose values contain neither backslash nor anything else to escape.
func cutString(s string) (content, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, `"`); !ok {
		return "", "", false
	}
	return strings.Cut(s, `"`)
}

// set takes one header member; valid values are not empty, so a member that is
// already set was given twice.
func (t *Token) set(name, value string) error {
	var member *string
	valid := false
	switch name {
	case "alg":
		member, valid = &t.Alg, value == string(keys.EdDSA) || value == string(keys.ES256)
	case "kid":
		member, valid = &t.KID, validKID(value)
	case "typ":
		member, valid = &t.Typ, validTyp(value)
	default:
		return fmt.Errorf("%w: unknown member", ErrHeader)
	}
	if !valid || *member != "" {
		return fmt.Errorf("%w: %s is not acceptable or given twice", ErrHeader, name)
	}
	*member = value
	return nil
}

// validKID tells whether s has the form of a thumbprint, so that nothing that
// looks up a kid ever sees a path, a URL or an unbounded name.
func validKID(s string) bool {
	if len(s) != 43 {
		return false
	}
	_, err := b64url.Decode(s)
	return err == nil
}

// validTyp tells whether s is a media type name without its "application/"
// prefix (RFC 7515 section 4.1.9, RFC 6838 section 4.2), lower case only.
func validTyp(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' {
			return false
		}
	}
	return true
}
