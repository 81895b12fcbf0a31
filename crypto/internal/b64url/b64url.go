// Package b64url is base64url without padding as JOSE uses it (RFC 7515
// section 2), with exactly one text for each byte string. The standard decoder
// skips line breaks and, by default, ignores stray bits in the last character:
// both would let one signed value travel under many spellings.
package b64url

import (
	"encoding/base64"
	"errors"
	"strings"
)

// ErrEncoding is the one error of Decode.
var ErrEncoding = errors.New("b64url: not canonical unpadded base64url")

var encoding = base64.RawURLEncoding.Strict()

// Encode gives the one text for b.
func Encode(b []byte) string { return encoding.EncodeToString(b) }

// Decode accepts only what Encode gives.
func Decode(s string) ([]byte, error) {
	if strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return nil, ErrEncoding
	}
	b, err := encoding.DecodeString(s)
	if err != nil {
		return nil, ErrEncoding
	}
	return b, nil
}
