package strictjson

import (
	"errors"
	"math"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Limits of a text. Callers that know better keep tighter ones of their own.
const (
	MaxDepth = 64       // nested objects and arrays
	MaxSize  = 64 << 20 // bytes
)

// maxUntyped bounds numbers in untyped values: from 2^53 on a float64 no longer
// holds every integer (I-JSON, RFC 7493 section 2.2). Larger ones need a typed
// member, and money is integer fen in an int64.
const maxUntyped = 1<<53 - 1

var (
	looseOptions = json.JoinOptions(
		jsontext.AllowDuplicateNames(false),
		jsontext.AllowInvalidUTF8(false),
		json.MatchCaseInsensitiveNames(false),
		json.WithUnmarshalers(json.UnmarshalFromFunc(exactNumber)),
	)
	strictOptions  = json.JoinOptions(looseOptions, json.RejectUnknownMembers(true))
	marshalOptions = json.JoinOptions(
		json.Deterministic(true),
		jsontext.AllowInvalidUTF8(false),
		jsontext.EscapeForHTML(false),
		jsontext.EscapeForJS(false),
	)
)

// Unmarshal decodes the JSON text into v, a non-nil pointer, and refuses
// everything the package comment lists. After an error v may be partly filled
// and must not be used. The error is an *Error.
func Unmarshal(data []byte, v any) error { return unmarshal(data, v, strictOptions) }

// UnmarshalLoose is Unmarshal for documents of foreign make: members that v
// does not know are passed over. A known name in the wrong case is an unknown
// name. All other refusals stay.
func UnmarshalLoose(data []byte, v any) error { return unmarshal(data, v, looseOptions) }

func unmarshal(data []byte, v any, options json.Options) error {
	if len(data) > MaxSize {
		return &Error{Kind: ErrSize, Offset: MaxSize}
	}
	if at, deep := tooDeep(data); deep {
		return &Error{Kind: ErrDepth, Offset: int64(at)}
	}
	return wrap(json.Unmarshal(data, v, options))
}

// Marshal encodes v: map keys sorted, struct members in the order declared, no
// HTML escaping, no white space, no trailing newline. Equal values give equal
// bytes for one version of the program; bytes that are signed are nevertheless
// kept as signed and never encoded again.
func Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v, marshalOptions)
	if err != nil {
		return nil, wrap(err)
	}
	return b, nil
}

// tooDeep finds the first bracket that opens level MaxDepth+1. It only counts
// brackets outside strings; whether the text is JSON is the decoder's matter,
// which would itself go ten thousand levels down.
func tooDeep(data []byte) (offset int, deep bool) {
	depth, inString := 0, false
	for i := 0; i < len(data); i++ {
		c := data[i]
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return i, true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return 0, false
}

// exactNumber refuses numbers that an untyped value might hold rounded to
// another integer; all other values take the decoder's own way.
func exactNumber(dec *jsontext.Decoder, v *any) error {
	if dec.PeekKind() != '0' {
		return errors.ErrUnsupported // the decoder's word for "not mine"
	}
	var f float64
	if err := json.UnmarshalDecode(dec, &f); err != nil {
		return err
	}
	if math.Abs(f) > maxUntyped {
		return errInexact
	}
	*v = f
	return nil
}
