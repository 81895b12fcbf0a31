package sdjwt

import (
	"fmt"
	"log/slog"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// Verified is a document whose signature and disclosures have been checked.
type Verified struct {
	JWT       string         // the signed part alone, as received
	Clear     []byte         // its payload as signed, digests included
	Claims    map[string]any // the processed payload: clear and disclosed claims; numbers are float64
	Disclosed []Disclosure   // in the order presented
	Issuer    keys.Public    // the key that signed
}

// Processed is the processed payload as JSON with sorted names: what to decode
// into a struct.
func (v *Verified) Processed() ([]byte, error) { return strictjson.Marshal(v.Claims) }

// Format prints the number of disclosures for every verb, LogValue for slog:
// claims are private.
func (v *Verified) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "sdjwt.Verified(%d disclosed)", len(v.Disclosed))
}

// LogValue is what Format prints.
func (v *Verified) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(v)) }

// Verify checks an SD-JWT without key binding: signature, type and key as
// crypto/jws does, then every rule of RFC 9901 section 7.1 that needs no clock.
// Lookup finds the attest key of a kid. Visible are further top-level claims
// that must not be hidden, besides [AlwaysClear]. On error the result is nil.
func Verify(combined, typ string, lookup func(kid string) (keys.Public, error), visible ...string) (*Verified, error) {
	v, err := newVerifier(typ, lookup, visible)
	if err != nil {
		return nil, err
	}
	p, err := split(combined)
	if err != nil {
		return nil, err
	}
	if p.binding != "" {
		return nil, fmt.Errorf("%w: unexpected key binding", ErrForm)
	}
	return v.document(p)
}

// verifier holds what differs between our own documents, for which it is
// crypto/jws, and the examples of the RFC, whose headers have no kid.
type verifier struct {
	issuer  func(jwt string) (payload []byte, key keys.Public, err error)
	binding func(token string, holder keys.Public) (payload []byte, err error)
	visible clearNames
}

func newVerifier(typ string, lookup func(kid string) (keys.Public, error), visible []string) (verifier, error) {
	kind, err := kindOf(typ)
	if err != nil {
		return verifier{}, err
	}
	if lookup == nil {
		return verifier{}, fmt.Errorf("%w: no keys", ErrIssuer)
	}
	return verifier{
		issuer: func(jwt string) ([]byte, keys.Public, error) {
			var used keys.Public
			token, err := jws.VerifyKind(jwt, kind, func(kid string) (keys.Public, error) {
				key, err := lookup(kid)
				used = key
				return key, err
			})
			return token.Payload, used, err
		},
		binding: func(token string, holder keys.Public) ([]byte, error) {
			t, err := jws.VerifyWith(token, kindKeyBinding, holder)
			return t.Payload, err
		},
		visible: clearWith(visible),
	}, nil
}

// parts is an SD-JWT or SD-JWT+KB taken apart.
type parts struct {
	jwt         string
	disclosures []Disclosure
	signed      string // what sd_hash covers: everything before the key binding
	binding     string // "" without key binding
}

// split takes the compact form apart (RFC 9901 section 4).
func split(combined string) (parts, error) {
	if len(combined) > MaxSize {
		return parts{}, fmt.Errorf("%w: too long", ErrForm)
	}
	tildes := strings.Count(combined, "~")
	if tildes < 1 || tildes-1 > MaxDisclosures {
		return parts{}, fmt.Errorf("%w: no tilde or too many", ErrForm)
	}
	pieces := strings.Split(combined, "~")
	last := len(pieces) - 1
	p := parts{jwt: pieces[0], binding: pieces[last], signed: combined[:len(combined)-len(pieces[last])]}
	for _, text := range pieces[1:last] {
		d, err := ParseDisclosure(text)
		if err != nil {
			return parts{}, err
		}
		p.disclosures = append(p.disclosures, d)
	}
	return p, nil
}

// document checks everything but the key binding.
func (v verifier) document(p parts) (*Verified, error) {
	clear, key, err := v.issuer(p.jwt)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIssuer, err)
	}
	claims, err := processed(clear, p.disclosures, v.visible)
	if err != nil {
		return nil, err
	}
	return &Verified{JWT: p.jwt, Clear: clear, Claims: claims, Disclosed: p.disclosures, Issuer: key}, nil
}

func processed(payload []byte, disclosures []Disclosure, visible clearNames) (map[string]any, error) {
	tree, err := decode(payload)
	if err != nil {
		return nil, err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: not an object", ErrPayload)
	}
	return process(object, disclosures, visible)
}
