package strictjson

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What can be wrong with a text; errors.Is finds them in an *Error.
var (
	ErrSyntax    = errors.New("strictjson: not one well-formed JSON value")
	ErrDuplicate = errors.New("strictjson: member name given twice")
	ErrUnknown   = errors.New("strictjson: unknown member")
	ErrValue     = errors.New("strictjson: value of the wrong type or out of range")
	ErrDepth     = errors.New("strictjson: nested too deeply")
	ErrSize      = errors.New("strictjson: text too long")
)

var errInexact = errors.New("number cannot be held exactly")

// Error says what is wrong and where. Its text holds nothing of the document.
type Error struct {
	Kind   error // one of the Err variables of this package
	Offset int64 // byte at or after which the fault lies

	// Pointer is the JSON pointer (RFC 6901) to the faulty value. It is made of
	// member names, which are input: show it only to whoever sent the text.
	Pointer string

	cause error
}

// Error gives kind and offset.
func (e *Error) Error() string { return fmt.Sprintf("%v (byte %d)", e.Kind, e.Offset) }

// Is finds the kind, and the error of a type's own UnmarshalJSON when that was
// the cause. The cause cannot be unwrapped: foreign ones quote their input.
func (e *Error) Is(target error) bool {
	return e.Kind == target || (e.cause != nil && errors.Is(e.cause, target))
}

// GoString keeps the cause out of %#v.
func (e *Error) GoString() string { return e.Error() }

func wrap(err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Kind: ErrValue}
	var syntactic *jsontext.SyntacticError
	var semantic *json.SemanticError
	switch {
	case errors.As(err, &syntactic):
		e.Kind, e.Offset, e.Pointer = ErrSyntax, syntactic.ByteOffset, string(syntactic.JSONPointer)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e.Kind = ErrDuplicate
		}
	case errors.As(err, &semantic):
		e.Offset, e.Pointer, e.cause = semantic.ByteOffset, string(semantic.JSONPointer), semantic.Err
		if errors.Is(err, json.ErrUnknownName) {
			e.Kind = ErrUnknown
		}
		var inner *Error // from a member's own UnmarshalJSON: its kind says more
		if errors.As(semantic.Err, &inner) {
			e.Kind = inner.Kind
		}
	default:
		e.cause = err // a programming fault such as a nil pointer
	}
	return e
}
