package state

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// The encoding of a Log's rows is a list of fields without names. It is compact
// and canonical: a value has one encoding, which reading and writing again
// proves when a row comes from elsewhere.

// AppendUint adds a number: LEB128, 7 bits a byte, low ones first.
func AppendUint(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

// AppendText adds a string with its length in front.
func AppendText[S ~string](dst []byte, s S) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var id64 = base64.RawURLEncoding.Strict()

// AppendID adds an id: a 0 and 16 bytes when it is the base64url text of 16
// bytes, as random ids are; otherwise its length plus one and the text.
func AppendID[S ~string](dst []byte, s S) []byte {
	var raw [16]byte
	if len(s) == 22 && strings.IndexByte(string(s), '\n') < 0 && strings.IndexByte(string(s), '\r') < 0 {
		if n, err := id64.Decode(raw[:], []byte(s)); err == nil && n == len(raw) {
			return append(append(dst, 0), raw[:]...)
		}
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))+1), s...)
}

// AppendHash adds a digest in hex: a 0 and 32 bytes; what is none, as AppendID
// does with text.
func AppendHash(dst []byte, s string) []byte {
	var raw [32]byte
	if len(s) == 64 && strings.ToLower(s) == s {
		if n, err := hex.Decode(raw[:], []byte(s)); err == nil && n == len(raw) {
			return append(append(dst, 0), raw[:]...)
		}
	}
	return append(binary.AppendUvarint(dst, uint64(len(s))+1), s...)
}

// Fields reads what the Append functions wrote. After the first field that does
// not read, all are zero and the row is refused.
type Fields struct {
	rest string
	bad  bool
}

func (f *Fields) done() bool { return !f.bad && f.rest == "" }

// Fail refuses the row.
func (f *Fields) Fail() { f.bad = true }

// Uint reads a number.
func (f *Fields) Uint() uint64 {
	var n uint64
	for i := 0; i < len(f.rest) && i < binary.MaxVarintLen64; i++ {
		b := f.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			f.rest = f.rest[i+1:]
			return n
		}
	}
	f.bad, f.rest = true, ""
	return 0
}

// Raw reads n bytes.
func (f *Fields) Raw(n int) string {
	if n < 0 || n > len(f.rest) {
		f.bad, f.rest = true, ""
		return strings.Repeat("\x00", min(max(n, 0), 64))
	}
	s := f.rest[:n]
	f.rest = f.rest[n:]
	return s
}

// Text reads a string.
func (f *Fields) Text() string {
	n := f.Uint()
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, ""
		return ""
	}
	return f.Raw(int(n))
}

// ID reads an id.
func (f *Fields) ID() string {
	if strings.HasPrefix(f.rest, "\x00") {
		f.rest = f.rest[1:]
		return id64.EncodeToString([]byte(f.Raw(16)))
	}
	return f.longer()
}

// longer reads a text whose length is written plus one.
func (f *Fields) longer() string {
	n := f.Uint()
	if n == 0 || n-1 > uint64(len(f.rest)) {
		f.bad, f.rest = true, ""
		return ""
	}
	return f.Raw(int(n - 1))
}

// Hash reads a digest in hex.
func (f *Fields) Hash() string {
	if strings.HasPrefix(f.rest, "\x00") {
		f.rest = f.rest[1:]
		return hex.EncodeToString([]byte(f.Raw(32)))
	}
	return f.longer()
}

// Count reads the length of a list that has at least one byte for each element.
func (f *Fields) Count() int {
	n := f.Uint()
	if n > uint64(len(f.rest)) {
		f.bad, f.rest = true, ""
		return 0
	}
	return int(n)
}
