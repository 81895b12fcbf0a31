// Package b64url is base64url without padding as JOSE uses it (RFC 7515
// section 2), with exactly one text for each byte string. The standard decoder
// skips line breaks and, by default, ignores stray bits in the last character:
// both would let one signed value travel under many spellings.
package b64url

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

// ErrEncoding is the one error of Decode.
var ErrEncoding = errors.New("b64url: not canonical unpadded base64url")

var encoding = base64.RawURLEncoding.Strict()

// Encode gives the one text for b.
func Encode(b []byte) string { return encoding.EncodeToString(b) }

// pairs gives the twelve bits of two characters, the first in the low byte, and none
// for what is not of the alphabet.
var pairs = func() *[1 << 16]uint16 {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	t := new([1 << 16]uint16)
	for i := range t {
		t[i] = none
	}
	for i, a := range []byte(alphabet) {
		for j, b := range []byte(alphabet) {
			t[uint16(a)|uint16(b)<<8] = uint16(i<<6 | j)
		}
	}
	return t
}()

const none = 0xffff

// Decode accepts only what Encode gives. Eight characters at a time it reads by
// itself, two in a look: all that is signed passes here twice, once as a statement and
// once as a document in it.
func Decode(s string) ([]byte, error) {
	if len(s)%4 == 1 {
		return nil, ErrEncoding
	}
	b := make([]byte, encoding.DecodedLen(len(s)))
	from, to := 0, 0
	for ; len(s)-from >= 8 && len(b)-to >= 8; from, to = from+8, to+6 {
		w := s[from : from+8]
		v := [...]uint16{pairs[uint16(w[0])|uint16(w[1])<<8], pairs[uint16(w[2])|uint16(w[3])<<8],
			pairs[uint16(w[4])|uint16(w[5])<<8], pairs[uint16(w[6])|uint16(w[7])<<8]}
		if (v[0]|v[1]|v[2]|v[3])>>12 != 0 {
			return nil, ErrEncoding
		}
		binary.BigEndian.PutUint64(b[to:], uint64(v[0])<<52|uint64(v[1])<<40|uint64(v[2])<<28|uint64(v[3])<<16)
	}
	// The standard decoder passes over line breaks, and then gives less.
	if n, err := encoding.Decode(b[to:], []byte(s[from:])); err != nil || n != len(b)-to {
		return nil, ErrEncoding
	}
	return b, nil
}
