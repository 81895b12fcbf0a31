package sdjwt

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"accord/crypto/internal/b64url"
	"accord/crypto/strictjson"
)

// Limits. They are checked before anything is decoded.
const (
	MaxSize        = 1 << 20   // bytes of a whole SD-JWT or SD-JWT+KB
	MaxDisclosures = 512       // in one SD-JWT
	MaxDisclosure  = 60 << 10  // bytes of one disclosure, base64url
	maxName        = 256       // bytes of a claim name
	saltSize       = 16        // random bytes; RFC 9901 section 9.3 asks for 128 bits
	minSalt        = 22        // bytes of a salt's text: 128 bits as base64url
	maxSalt        = 128       // bytes of a salt's text
	digestSize     = 43        // bytes of a SHA-256 digest's text
	hashName       = "sha-256" // the only hash of `_sd_alg`
)

// Disclosure is one disclosed claim (RFC 9901 section 4.2.1) or array element
// (section 4.2.2). Encoded is its text as issued and the only form to store or
// send. fmt and slog never print it: it holds a private value.
type Disclosure struct {
	Encoded string

	salt, name, value string
	element           bool // an array element: it has no name
}

// Claim is a private claim to be issued. Value is anything that strictjson can
// encode; a json.RawMessage is taken as it is, white space apart.
type Claim struct {
	Name  string
	Value any
}

// ParseDisclosure reads the text of a disclosure. It accepts canonical
// base64url of a JSON array of two or three members: a salt, the claim's name
// unless it is an array element, and the value. The JSON text inside may have
// white space and escapes, as other issuers write them.
func ParseDisclosure(encoded string) (Disclosure, error) {
	if encoded == "" || len(encoded) > MaxDisclosure {
		return Disclosure{}, fmt.Errorf("%w: empty or too long", ErrDisclosure)
	}
	text, err := b64url.Decode(encoded)
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: %w", ErrDisclosure, err)
	}
	var parts []json.RawMessage
	if err := strictjson.Unmarshal(text, &parts); err != nil {
		return Disclosure{}, fmt.Errorf("%w: %w", ErrDisclosure, err)
	}
	d := Disclosure{Encoded: encoded, element: len(parts) == 2}
	switch len(parts) {
	case 2:
	case 3:
		if d.name, err = jsonString(parts[1]); err != nil {
			return Disclosure{}, err
		}
		if err := checkName(d.name); err != nil {
			return Disclosure{}, err
		}
	default:
		return Disclosure{}, fmt.Errorf("%w: want two or three members", ErrDisclosure)
	}
	if d.salt, err = jsonString(parts[0]); err != nil {
		return Disclosure{}, err
	}
	if len(d.salt) < minSalt || len(d.salt) > maxSalt {
		return Disclosure{}, fmt.Errorf("%w: salt too short or too long", ErrDisclosure)
	}
	d.value = string(parts[len(parts)-1])
	if _, err := decode([]byte(d.value)); err != nil {
		return Disclosure{}, fmt.Errorf("%w: %w", ErrDisclosure, err)
	}
	return d, nil
}

// jsonString reads a JSON string; null and other types are refused.
func jsonString(raw json.RawMessage) (string, error) {
	var s string
	if len(raw) == 0 || raw[0] != '"' {
		return "", fmt.Errorf("%w: salt and name are strings", ErrDisclosure)
	}
	if err := strictjson.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDisclosure, err)
	}
	return s, nil
}

// checkName refuses names that no disclosure may carry: the two of RFC 9901
// section 7.1 and `_sd_alg`, which has a meaning of its own in the payload.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName:
		return fmt.Errorf("%w: empty or too long", ErrName)
	case reserved(name):
		return fmt.Errorf("%w: reserved", ErrName)
	}
	return nil
}

func reserved(name string) bool { return name == "_sd" || name == "_sd_alg" || name == "..." }

// newDisclosure makes the disclosure of a claim with a fresh salt.
func newDisclosure(c Claim, rand io.Reader) (Disclosure, error) {
	if err := checkName(c.Name); err != nil {
		return Disclosure{}, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return Disclosure{}, ErrRandom
	}
	if d, ok := plainDisclosure(b64url.Encode(salt), c); ok {
		return d, nil
	}
	text, err := strictjson.Marshal([]any{b64url.Encode(salt), c.Name, c.Value})
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: value cannot be encoded", ErrDisclosure)
	}
	// Reading it back refuses at once whatever a verifier would refuse.
	d, err := ParseDisclosure(b64url.Encode(text))
	if err != nil {
		return Disclosure{}, err
	}
	if v, err := decode([]byte(d.value)); err != nil || hasReserved(v) {
		return Disclosure{}, fmt.Errorf("%w: inside a value", ErrName)
	}
	return d, nil
}

// plainDisclosure is newDisclosure for a plain string under a plain name, as nearly
// all are: the same bytes, with nothing in them that a verifier could refuse.
func plainDisclosure(salt string, c Claim) (Disclosure, bool) {
	value, ok := c.Value.(string)
	if !ok || !strictjson.PlainString(c.Name) || !strictjson.PlainString(value) {
		return Disclosure{}, false
	}
	d := Disclosure{salt: salt, name: c.Name, value: `"` + value + `"`}
	d.Encoded = b64url.Encode([]byte(`["` + salt + `","` + c.Name + `",` + d.value + `]`))
	return d, len(d.Encoded) <= MaxDisclosure
}

// Name is the claim's name, "" for an array element.
func (d Disclosure) Name() string { return d.parsed().name }

// Value is the JSON text of the value. The caller owns the bytes.
func (d Disclosure) Value() []byte { return []byte(d.parsed().value) }

// Salt is the salt as it stands in the disclosure.
func (d Disclosure) Salt() string { return d.parsed().salt }

// Element tells whether it discloses an array element rather than a claim.
func (d Disclosure) Element() bool { return d.parsed().element }

// DigestOf is the digest of the disclosure with this JSON text, which must be the text
// as issued to the byte.
func DigestOf(text []byte) string { return digest(b64url.Encode(text)) }

// Digest is base64url of SHA-256 over the text as issued (section 4.2.3): the
// entry of `_sd` or `...` that refers to this disclosure.
func (d Disclosure) Digest() string { return digest(d.Encoded) }

// parsed is d itself, or for a Disclosure built from its text alone the one
// ParseDisclosure gives; the zero value if that text is none.
func (d Disclosure) parsed() Disclosure {
	if d.salt == "" {
		d, _ = ParseDisclosure(d.Encoded)
	}
	return d
}

// Format prints the digest for every verb, LogValue for slog.
func (d Disclosure) Format(f fmt.State, _ rune) { fmt.Fprint(f, "sdjwt.Disclosure("+d.Digest()+")") }
func (d Disclosure) LogValue() slog.Value       { return slog.StringValue(fmt.Sprint(d)) }

// MarshalJSON refuses: a disclosure is written as its text, Encoded, and a
// structure that holds one must not slip into a log or an answer whole.
func (d Disclosure) MarshalJSON() ([]byte, error) {
	return nil, fmt.Errorf("%w: has no JSON form but its text", ErrDisclosure)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return b64url.Encode(sum[:])
}
