package records

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// A signed part is stored packed and given back byte for byte: its three parts
// without base64, the signature and every digest or id in it as bytes, and what
// stands in the signed part of every record of a category and author (names of
// claims and fields, keys, digest of the catalogue) as numbers of words. What
// would not come back as it was is stored as it is.
//
//	0x00 text
//	0x01 header: word, signature: length and bytes, payload: packed JSON
//
// Packed JSON is the text itself with these codes, which no JSON text holds:
const (
	codeHash byte = 1 // 43 characters of base64url: 32 bytes follow
	codeNext byte = 2 // the same behind ","
	codeID   byte = 3 // 22 characters of base64url: 16 bytes follow
	codeWord byte = 4 // the number of a word follows
	codeOwn  byte = 5 // the record's id, as in its row
	codeWhom byte = 6 // its subject, as in its row

	packedText byte = 0
	packedJWS  byte = 1
)

const (
	hashText = 43
	idText   = 22
	maxWord  = 512 // bytes
)

// beside is what of a signed part stands in columns of its row, too.
type beside struct{ id, subject string }

// find is the code of what the text, which follows a quotation mark, begins with.
func (row beside) find(text []byte) (code byte, length int) {
	is := func(own string) bool {
		return own != "" && len(text) > len(own) && text[len(own)] == '"' && string(text[:len(own)]) == own
	}
	switch {
	case is(row.id):
		return codeOwn, len(row.id)
	case is(row.subject):
		return codeWhom, len(row.subject)
	}
	return 0, 0
}

// numbering gives the number of a word, 0 of one that has none.
type numbering func(word []byte) (uint64, error)

// spelling is its reverse.
type spelling func(number uint64) (word string, ok bool)

var errPacked = errors.New("a signed part that does not unpack")

// packJWT packs a signed part. payload is what is signed, nil of what is no JWS.
func packJWT(jwt string, row beside, number numbering, spell spelling) (packed, payload []byte, err error) {
	plain := append([]byte{packedText}, jwt...)
	part := strings.Split(jwt, ".")
	if len(part) != 3 {
		return plain, nil, nil
	}
	var raw [3][]byte
	for i := range raw {
		if raw[i], err = base64.RawURLEncoding.Strict().DecodeString(part[i]); err != nil || strings.ContainsAny(part[i], "\r\n") {
			return plain, nil, nil
		}
	}
	if len(raw[0]) == 0 || len(raw[0]) > maxWord {
		return plain, raw[1], nil
	}
	header, err := number(raw[0])
	if err != nil || header == 0 {
		return plain, raw[1], err
	}
	packed = binary.AppendUvarint(append(make([]byte, 0, len(jwt)/2), packedJWS), header)
	packed = append(binary.AppendUvarint(packed, uint64(len(raw[2]))), raw[2]...)
	body := len(packed)
	if packed, err = packJSON(packed, raw[1], row, number); err != nil {
		return nil, nil, err
	}
	// Its base64 was read strictly, so that it can be written in one way only.
	if back, ok := unpackJSON(packed[body:], row, spell); !ok || !bytes.Equal(back, raw[1]) || len(packed) >= len(plain) {
		return plain, raw[1], nil
	}
	return packed, raw[1], nil
}

// unpackJWT is the reverse of packJWT.
func unpackJWT(data []byte, row beside, spell spelling) (jwt string, payload []byte, err error) {
	if len(data) > 0 && data[0] == packedText {
		jwt = string(data[1:])
		if _, rest, ok := strings.Cut(jwt, "."); ok {
			signed, _, _ := strings.Cut(rest, ".")
			payload, _ = base64.RawURLEncoding.DecodeString(signed) // of what is no JWS there is none
		}
		return jwt, payload, nil
	}
	if len(data) == 0 || data[0] != packedJWS {
		return "", nil, errPacked
	}
	number, rest, ok := cutNumber(data[1:])
	header, known := spell(number)
	if !ok || !known {
		return "", nil, errPacked
	}
	signature, rest, ok := cutBytes(rest)
	if !ok {
		return "", nil, errPacked
	}
	if payload, ok = unpackJSON(rest, row, spell); !ok {
		return "", nil, errPacked
	}
	b := make([]byte, 0, (len(header)+len(payload)+len(signature))*4/3+8)
	b = append(base64.RawURLEncoding.AppendEncode(b, []byte(header)), '.')
	b = append(base64.RawURLEncoding.AppendEncode(b, payload), '.')
	return string(base64.RawURLEncoding.AppendEncode(b, signature)), payload, nil
}

func cutNumber(data []byte) (n uint64, rest []byte, ok bool) {
	n, size := binary.Uvarint(data)
	if size <= 0 {
		return 0, nil, false
	}
	return n, data[size:], true
}

func cutBytes(data []byte) (b, rest []byte, ok bool) {
	n, rest, ok := cutNumber(data)
	if !ok || n > uint64(len(rest)) {
		return nil, nil, false
	}
	return rest[:n], rest[n:], true
}

// packJSON appends the packed form of a JSON text.
func packJSON(to, text []byte, row beside, number numbering) ([]byte, error) {
	open := len(to) // from here on, to ends with characters of the text
	for i := 0; i < len(text); {
		if text[i] == '"' {
			if end := wordAt(text, i); end > 0 {
				start := i
				if i > 0 && len(to) > open && (text[i-1] == ',' || text[i-1] == '{') {
					start--
				}
				n, err := number(text[start:end])
				if err != nil {
					return nil, err
				}
				if n > 0 {
					to = binary.AppendUvarint(append(to[:len(to)-(i-start)], codeWord), n)
					i, open = end, len(to)
					continue
				}
			}
		}
		if i > 0 && text[i-1] == '"' {
			if code, length := row.find(text[i:]); length > 0 {
				to = append(to, code)
				i, open = i+length, len(to)
				continue
			}
		}
		if i > 0 && (text[i-1] == '"' || text[i-1] == '.') {
			if raw := runAt(text[i:], hashText); raw != nil {
				code := codeHash
				if len(to)-open >= 3 && bytes.HasSuffix(to, []byte(`","`)) {
					to, code = to[:len(to)-3], codeNext
				}
				to = append(append(to, code), raw...)
				i, open = i+hashText, len(to)
				continue
			}
			if raw := runAt(text[i:], idText); raw != nil {
				to = append(append(to, codeID), raw...)
				i, open = i+idText, len(to)
				continue
			}
		}
		to = append(to, text[i])
		i++
	}
	return to, nil
}

// runAt is the bytes that the text begins with as so many characters of base64url,
// nil unless a quotation mark follows and they are written in their one way.
func runAt(text []byte, characters int) []byte {
	if len(text) <= characters || text[characters] != '"' {
		return nil
	}
	var raw [34]byte
	n, err := base64.RawURLEncoding.Strict().Decode(raw[:], text[:characters])
	if err != nil || n != characters*3/4 {
		return nil
	}
	return raw[:n:n]
}

// constant are the claims whose values are the same in many records and say nothing
// of any of them.
var constant = map[string]bool{"_sd_alg": true, "cat": true, "cat_digest": true, "fed": true, "iss": true, "vct": true, "subject_kind": true}

// wordAt is where the name of a member that begins here ends as a word: behind the
// quotation mark that opens its value, or behind a value that is constant. 0: none.
func wordAt(text []byte, i int) int {
	j := i + 1
	for j < len(text) && j-i <= 64 && nameByte(text[j]) {
		j++
	}
	if j == i+1 || j+2 >= len(text) || text[j] != '"' || text[j+1] != ':' {
		return 0
	}
	name, end := string(text[i+1:j]), j+2
	value := text[end:min(len(text), end+maxWord-128)]
	switch {
	case name == "cnf" && value[0] == '{':
		if n := bytes.Index(value, []byte("}}")); n >= 0 {
			return end + n + 2
		}
	case constant[name] && value[0] == '"':
		if n := bytes.IndexByte(value[1:], '"'); n >= 0 && n <= 128 {
			return end + n + 2
		}
	case constant[name]:
		n := 0
		for n < len(value) && value[n] >= '0' && value[n] <= '9' {
			n++
		}
		return end + n
	}
	if value[0] == '"' {
		end++
	}
	return end
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// unpackJSON is the reverse of packJSON.
func unpackJSON(data []byte, row beside, spell spelling) ([]byte, bool) {
	text := make([]byte, 0, 3*len(data))
	for i := 0; i < len(data); {
		c := data[i]
		i++
		size := 32
		switch c {
		case codeWord:
			n, rest, ok := cutNumber(data[i:])
			word, known := spell(n)
			if !ok || !known {
				return nil, false
			}
			text, i = append(text, word...), len(data)-len(rest)
			continue
		case codeOwn:
			text = append(text, row.id...)
			continue
		case codeWhom:
			text = append(text, row.subject...)
			continue
		case codeID:
			size = 16
		case codeNext:
			text = append(text, `","`...)
		case codeHash:
		default:
			text = append(text, c)
			continue
		}
		if len(data)-i < size {
			return nil, false
		}
		text = base64.RawURLEncoding.AppendEncode(text, data[i:i+size])
		i += size
	}
	return text, true
}

// claimedDigest is the digest of the catalogue that a signed payload names.
func claimedDigest(payload []byte) string {
	const claim = `"cat_digest":"`
	at := bytes.Index(payload, []byte(claim))
	if at < 0 {
		return ""
	}
	value := payload[at+len(claim):]
	return string(value[:max(0, bytes.IndexByte(value, '"'))])
}
