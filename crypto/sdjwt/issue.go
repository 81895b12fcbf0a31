package sdjwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"accord/crypto/internal/b64url"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// Errors of this package. Their texts hold nothing of a document.
var (
	ErrForm         = errors.New("sdjwt: not a well-formed SD-JWT")
	ErrTyp          = errors.New("sdjwt: not a type of document")
	ErrPayload      = errors.New("sdjwt: payload is not acceptable")
	ErrDisclosure   = errors.New("sdjwt: disclosure is not acceptable")
	ErrUnreferenced = errors.New("sdjwt: disclosure that no digest refers to")
	ErrRepeated     = errors.New("sdjwt: something occurs twice that may occur once")
	ErrName         = errors.New("sdjwt: claim name is not acceptable")
	ErrHidden       = errors.New("sdjwt: claim that must stand in clear was hidden")
	ErrIssuer       = errors.New("sdjwt: issuer's signature is not accepted")
	ErrBinding      = errors.New("sdjwt: key binding is not accepted")
	ErrRandom       = errors.New("sdjwt: random source failed")
)

// The types of documents every node knows. Any typ of the form
// accord-…+sd-jwt can be issued and verified: all are signed with an attest
// key, and a verifier names the one it expects.
const (
	TypRecord     = "accord-record+sd-jwt" // a credit record
	TypEntry      = "accord-entry+sd-jwt"  // a list entry
	TypKeyBinding = "kb+jwt"               // RFC 9901 section 4.3
)

// Decoys: their number is part of what hides how many private claims there are.
const (
	DefaultDecoys = 1
	maxDecoys     = 64
)

// AlwaysClear are the top-level claims that are never hidable (RFC 9901
// section 9.7): who says it, of whom, what kind, for how long, with which key.
func AlwaysClear() []string { return slices.Clone(alwaysClear) }

var alwaysClear = []string{"iss", "aud", "exp", "nbf", "iat", "cnf", "vct", "sub", "jti", "status"}

// clearNames are the top-level claims that are never hidden: too few for a map to pay.
type clearNames []string

func clearWith(more []string) clearNames { return slices.Concat(alwaysClear, more) }

func (c clearNames) have(name string) bool { return slices.Contains(c, name) }

// kindOf is the JWS kind of a document type.
func kindOf(typ string) (jws.Kind, error) {
	if !strings.HasPrefix(typ, "accord-") || !strings.HasSuffix(typ, "+sd-jwt") {
		return jws.Kind{}, ErrTyp
	}
	return jws.Kind{Typ: typ, Use: keys.Attest}, nil
}

// Issue signs a document with an attest key. Clear is a JSON object, the claims
// everybody sees; each private claim becomes a disclosure with a random salt of
// its own, in the order given. The digests are sorted together with the decoys,
// so that their order tells nothing; decoys is their number, 0 means
// [DefaultDecoys]. Visible are further top-level claims that must not be hidden,
// besides [AlwaysClear].
//
// The JWT alone is the document that can be shared; the disclosures are the
// private part.
func Issue(k keys.Private, typ string, clear []byte, private []Claim, decoys int, rand io.Reader, visible ...string) (string, []Disclosure, error) {
	kind, err := kindOf(typ)
	if err != nil {
		return "", nil, err
	}
	claims, plain := plainClaims(clear)
	if !plain {
		if claims, err = clearClaims(clear); err != nil {
			return "", nil, err
		}
	}
	if decoys == 0 {
		decoys = DefaultDecoys
	}
	if decoys < 0 || decoys > maxDecoys || len(private) > MaxDisclosures {
		return "", nil, fmt.Errorf("%w: too many or too few decoys or private claims", ErrPayload)
	}
	disclosures, digests, err := disclose(claims, private, clearWith(visible), rand)
	if err != nil {
		return "", nil, err
	}
	for range decoys {
		digest, err := decoy(rand)
		if err != nil {
			return "", nil, err
		}
		digests = append(digests, digest)
	}
	slices.Sort(digests)
	if len(slices.Compact(slices.Clone(digests))) != len(digests) {
		return "", nil, ErrRandom // two equal digests of fresh random bits
	}
	if claims["_sd"], err = strictjson.Marshal(digests); err != nil {
		return "", nil, ErrPayload
	}
	claims["_sd_alg"] = json.RawMessage(`"` + hashName + `"`)
	payload := plainPayload(claims)
	if !plain {
		if payload, err = strictjson.Marshal(claims); err != nil {
			return "", nil, fmt.Errorf("%w: %w", ErrPayload, err)
		}
	}
	jwt, err := jws.SignKind(k, kind, payload)
	if err != nil {
		return "", nil, err
	}
	size := len(jwt) + 1
	for _, d := range disclosures {
		size += len(d.Encoded) + 1
	}
	if size > MaxSize {
		return "", nil, fmt.Errorf("%w: too long", ErrForm)
	}
	return jwt, disclosures, nil
}

// clearClaims reads the clear part: an object in which no name of the
// mechanism occurs at any depth.
func clearClaims(text []byte) (map[string]json.RawMessage, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: too long", ErrPayload)
	}
	v, err := decode(text)
	if err != nil {
		return nil, err
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, fmt.Errorf("%w: not an object", ErrPayload)
	}
	if hasReserved(v) {
		return nil, fmt.Errorf("%w: reserved", ErrName)
	}
	var claims map[string]json.RawMessage
	if err := strictjson.Unmarshal(text, &claims); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return claims, nil
}

// plainClaims is clearClaims for a clear part in the plainest spelling, in which the
// mechanism's names occur nowhere, be it as a value.
func plainClaims(text []byte) (map[string]json.RawMessage, bool) {
	all := string(text)
	if len(all) > MaxSize || strings.Contains(all, `"_sd`) || strings.Contains(all, `"..."`) || longNumber(all) {
		return nil, false
	}
	p := strictjson.NewPlain(all)
	claims := map[string]json.RawMessage{}
	p.Skip("{")
	for more := true; more && len(claims) < maxPlainClaims; {
		name := p.String()
		p.Skip(":")
		value := p.Value()
		if _, twice := claims[name]; twice || value == "" {
			return nil, false
		}
		claims[name] = json.RawMessage(value)
		if more = p.Next(","); !more {
			p.Skip("}")
		}
	}
	return claims, p.Done()
}

// longNumber says whether a number may be one that not every reader holds exactly; it
// also says so of some strings.
func longNumber(text string) bool {
	digits, counting := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9' && counting:
			if digits++; digits > 15 {
				return true
			}
		default:
			digits, counting = 0, c == ':' || c == '[' || c == ','
		}
	}
	return false
}

// maxPlainClaims bounds the claims of a document in the plainest spelling.
const maxPlainClaims = 64

// plainPayload is what strictjson.Marshal gives for claims that are spelt as it would.
func plainPayload(claims map[string]json.RawMessage) []byte {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(claims)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(append(out, '"'), name...), `":`...), claims[name]...)
	}
	return append(out, '}')
}

func disclose(clear map[string]json.RawMessage, private []Claim, visible clearNames, rand io.Reader) ([]Disclosure, []string, error) {
	disclosures := make([]Disclosure, 0, len(private))
	digests := make([]string, 0, len(private)+DefaultDecoys)
	names := make(map[string]bool, len(private))
	for _, c := range private {
		if visible.have(c.Name) {
			return nil, nil, ErrHidden
		}
		if _, inClear := clear[c.Name]; inClear || names[c.Name] {
			return nil, nil, fmt.Errorf("%w: collision", ErrName)
		}
		names[c.Name] = true
		d, err := newDisclosure(c, rand)
		if err != nil {
			return nil, nil, err
		}
		disclosures = append(disclosures, d)
		digests = append(digests, d.Digest())
	}
	return disclosures, digests, nil
}

// decoy is the digest of random bits (RFC 9901 section 4.2.5). It is hashed
// like a disclosure so that it cannot be told from one.
func decoy(rand io.Reader) (string, error) {
	b := make([]byte, 32)
	if _, err := io.ReadFull(rand, b); err != nil {
		return "", ErrRandom
	}
	return digest(b64url.Encode(b)), nil
}

// Combine gives the SD-JWT: the JWT and the disclosures, each followed by a
// tilde.
func Combine(jwt string, disclosures []Disclosure) string {
	var b strings.Builder
	b.WriteString(jwt)
	b.WriteByte('~')
	for _, d := range disclosures {
		b.WriteString(d.Encoded)
		b.WriteByte('~')
	}
	return b.String()
}
