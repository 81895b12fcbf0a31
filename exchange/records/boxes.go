package records

import (
	"bytes"
	"encoding/binary"
	"errors"

	"accord/crypto/seal"
)

// Sealed fields are stored in one value, field after field:
//
//	flags, field: word or length and text, digest: place in the signed payload or
//	length and text, and unless it is erased: key, where it is not kept apart, and
//	box, each with its length
const (
	boxErased byte = 1 << iota
	boxApart       // its key is kept elsewhere
	boxWord        // the field is the number of a word
	boxPlace       // the digest is a place in the payload
)

var errBoxes = errors.New("sealed fields that do not read")

// encodeBoxes writes the fields, without their keys where those are kept apart.
// digests are looked for in the payload.
func encodeBoxes(fields []SealedField, apart bool, payload []byte, number numbering) ([]byte, error) {
	data := make([]byte, 0, 340*len(fields))
	for i := range fields {
		f := &fields[i]
		word, err := number([]byte(f.Field))
		if err != nil {
			return nil, err
		}
		place := -1
		if len(f.Digest) == hashText {
			place = bytes.Index(payload, []byte(f.Digest))
		}
		flags := flagged(f.Erased, boxErased) | flagged(apart, boxApart) | flagged(word > 0, boxWord) | flagged(place >= 0, boxPlace)
		// A field that comes from where keys are apart has its box alone.
		if !f.Erased && !f.Sealed.Whole() && !(apart && len(f.Sealed.Key) == 0 && len(f.Sealed.Box) > 0) {
			return nil, malformed("sealed")
		}
		data = append(data, flags)
		if data = binary.AppendUvarint(data, word); word == 0 {
			data = appendBytes(data[:len(data)-1], []byte(f.Field))
		}
		if place >= 0 {
			data = binary.AppendUvarint(data, uint64(place))
		} else {
			data = appendBytes(data, []byte(f.Digest))
		}
		if f.Erased {
			continue
		}
		if !apart {
			data = appendBytes(data, f.Sealed.Key)
		}
		data = appendBytes(data, f.Sealed.Box)
	}
	return data, nil
}

func flagged(is bool, flag byte) byte {
	if is {
		return flag
	}
	return 0
}

func appendBytes(to, b []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(b))), b...)
}

// decodeBoxes is its reverse; keys that are kept apart are still missing.
func decodeBoxes(data, payload []byte, spell spelling) ([]SealedField, error) {
	var fields []SealedField
	for len(data) > 0 {
		f, rest, ok := cutField(data, payload, spell)
		if !ok {
			return nil, ErrStorage.Wrap(errBoxes)
		}
		fields, data = append(fields, f), rest
	}
	return fields, nil
}

func cutField(data, payload []byte, spell spelling) (f SealedField, rest []byte, ok bool) {
	flags := data[0]
	data = data[1:]
	var n uint64
	var text []byte
	if flags&boxWord != 0 {
		if n, data, ok = cutNumber(data); ok {
			f.Field, ok = spell(n)
		}
	} else {
		text, data, ok = cutBytes(data)
		f.Field = string(text)
	}
	if !ok {
		return f, nil, false
	}
	if flags&boxPlace != 0 {
		n, data, ok = cutNumber(data)
		if !ok || n+hashText > uint64(len(payload)) {
			return f, nil, false
		}
		f.Digest = string(payload[n : n+hashText])
	} else {
		text, data, ok = cutBytes(data)
		f.Digest = string(text)
	}
	if f.Erased = flags&boxErased != 0; f.Erased || !ok {
		return f, data, ok
	}
	f.Sealed = seal.Sealed{}
	if flags&boxApart == 0 {
		if text, data, ok = cutBytes(data); !ok {
			return f, nil, false
		}
		f.Sealed.Key = bytes.Clone(text)
	}
	text, data, ok = cutBytes(data)
	f.Sealed.Box = bytes.Clone(text)
	return f, data, ok && len(text) > 0
}
