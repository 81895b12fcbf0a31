package sdjwt

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"accord/crypto/internal/b64url"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
)

// maxBindingText bounds audience and nonce, in bytes.
const maxBindingText = 512

// kindKeyBinding is the kind of a key binding. Its header names no key: the key
// is the one the document confirms in cnf.
var kindKeyBinding = jws.Kind{Typ: TypKeyBinding, Use: keys.Release, NoKID: true}

// Binding is a key binding that has been checked.
type Binding struct {
	Audience string      // for whom it was made
	Nonce    string      // for which request
	IssuedAt int64       // when, in seconds since 1970 as the holder says
	Holder   keys.Public // the release key that signed, from the document's cnf
}

// bindingClaims is the payload of a key binding (RFC 9901 section 4.3).
type bindingClaims struct {
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Nonce    string `json:"nonce"`
	Hash     string `json:"sd_hash"`
}

func (c bindingClaims) valid() bool {
	return bindingText(c.Audience) && bindingText(c.Nonce) && c.IssuedAt > 0 && c.IssuedAt < 1<<53 && len(c.Hash) == digestSize
}

func bindingText(s string) bool {
	return s != "" && len(s) <= maxBindingText && utf8.ValidString(s)
}

// Bind gives the SD-JWT+KB of exactly these disclosures for one audience and
// one nonce, signed by the holder's release key, which must be the one in the
// document's cnf. Iat is the time in seconds since 1970. The issuer's signature
// is not checked here; that the disclosures belong to the document is.
func Bind(jwt string, disclosures []Disclosure, holder keys.Private, aud, nonce string, iat int64) (string, error) {
	signed := Combine(jwt, disclosures)
	claims := bindingClaims{Audience: aud, IssuedAt: iat, Nonce: nonce, Hash: digest(signed)}
	if !claims.valid() {
		return "", fmt.Errorf("%w: audience, nonce or time", ErrBinding)
	}
	p, err := split(signed)
	if err != nil {
		return "", err
	}
	token, err := jws.Parse(p.jwt)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	if _, err := processed(token.Payload, p.disclosures, alwaysClear); err != nil {
		return "", err
	}
	confirmed, err := confirmationKey(token.Payload)
	if err != nil {
		return "", err
	}
	if !confirmed.Equal(holder.Public()) {
		return "", fmt.Errorf("%w: not the holder's key", ErrBinding)
	}
	payload, err := strictjson.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("%w: payload", ErrBinding)
	}
	binding, err := jws.SignKind(holder, kindKeyBinding, payload)
	if err != nil {
		return "", err
	}
	if len(signed)+len(binding) > MaxSize {
		return "", fmt.Errorf("%w: too long", ErrForm)
	}
	return signed + binding, nil
}

// VerifyBound checks an SD-JWT+KB: everything Verify checks, and that the
// holder's release key from the document's cnf has signed exactly this
// presentation for this audience and nonce (RFC 9901 section 7.3). Whether
// IssuedAt is recent enough is for the caller to judge. On error the results
// are nil.
func VerifyBound(combined, typ string, lookup func(kid string) (keys.Public, error), aud, nonce string, visible ...string) (*Verified, *Binding, error) {
	v, err := newVerifier(typ, lookup, visible)
	if err != nil {
		return nil, nil, err
	}
	return v.bound(combined, aud, nonce)
}

func (v verifier) bound(combined, aud, nonce string) (*Verified, *Binding, error) {
	if !bindingText(aud) || !bindingText(nonce) {
		return nil, nil, fmt.Errorf("%w: no audience or nonce to expect", ErrBinding)
	}
	p, err := split(combined)
	if err != nil {
		return nil, nil, err
	}
	if p.binding == "" {
		return nil, nil, fmt.Errorf("%w: missing", ErrBinding)
	}
	document, err := v.document(p)
	if err != nil {
		return nil, nil, err
	}
	holder, err := confirmationKey(document.Clear)
	if err != nil {
		return nil, nil, err
	}
	payload, err := v.binding(p.binding, holder)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBinding, err)
	}
	var claims bindingClaims
	if err := strictjson.Unmarshal(payload, &claims); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrBinding, err)
	}
	switch {
	case !claims.valid():
		return nil, nil, fmt.Errorf("%w: claims", ErrBinding)
	case claims.Hash != digest(p.signed):
		return nil, nil, fmt.Errorf("%w: made for other disclosures", ErrBinding)
	case claims.Audience != aud:
		return nil, nil, fmt.Errorf("%w: made for another audience", ErrBinding)
	case claims.Nonce != nonce:
		return nil, nil, fmt.Errorf("%w: made for another request", ErrBinding)
	}
	return document, &Binding{Audience: claims.Audience, Nonce: claims.Nonce, IssuedAt: claims.IssuedAt, Holder: holder}, nil
}

// Confirmed is the release key that a document confirms as its holder's (RFC 7800): the
// one that may bind its disclosures. The document's signature is not checked.
func Confirmed(jwt string) (keys.Public, error) {
	token, err := jws.Parse(jwt)
	if err != nil {
		return keys.Public{}, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return confirmationKey(token.Payload)
}

// confirmationKey reads the holder's key from the clear payload: cnf must be
// exactly {"jwk":{…}} with a P-256 key (RFC 7800 section 3.2).
func confirmationKey(payload []byte) (keys.Public, error) {
	var outer struct {
		CNF json.RawMessage `json:"cnf"`
	}
	if err := strictjson.UnmarshalLoose(payload, &outer); err != nil || outer.CNF == nil {
		return keys.Public{}, fmt.Errorf("%w: document confirms no key", ErrBinding)
	}
	var cnf struct {
		JWK json.RawMessage `json:"jwk"`
	}
	if err := strictjson.Unmarshal(outer.CNF, &cnf); err != nil || cnf.JWK == nil {
		return keys.Public{}, fmt.Errorf("%w: document confirms no key in the form wanted", ErrBinding)
	}
	key, err := keys.FromJWK(keys.Release, cnf.JWK)
	if err != nil {
		return keys.Public{}, fmt.Errorf("%w: %w", ErrBinding, err)
	}
	return key, nil
}

// BoundTo is for whom and for which request a presentation says that it was made. It
// verifies nothing: whoever asks goes on to VerifyBound with both.
func BoundTo(combined string) (aud, nonce string, ok bool) {
	p, err := split(combined)
	if err != nil || p.binding == "" {
		return "", "", false
	}
	part := strings.Split(p.binding, ".")
	if len(part) != 3 {
		return "", "", false
	}
	payload, err := b64url.Decode(part[1])
	var claims bindingClaims
	if err != nil || strictjson.Unmarshal(payload, &claims) != nil || !claims.valid() {
		return "", "", false
	}
	return claims.Audience, claims.Nonce, true
}
