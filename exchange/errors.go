package exchange

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
)

// Kind says what a caller can do about an error. Kinds are append-only: they
// cross the wire and decide HTTP status and exit code, once, at the edge.
type Kind uint8

// The kinds.
const (
	KindInternal        Kind = iota // a fault of this node; the text is for its operator only
	KindInvalid                     // the input is wrong; mend it and send it again
	KindRefused                     // well-formed, but a rule says no
	KindNotFound                    // there is no such thing here
	KindConflict                    // somebody changed it first, or it exists with other content
	KindUnauthenticated             // nobody is named, or the name is not proven
	KindForbidden                   // this caller may not do this at all
	KindUnavailable                 // try again later; nothing was changed
	KindNoQuorum                    // too few members reachable to agree; nothing was changed
	KindUnknownOutcome              // it may or may not have happened; repeat it with the same id
	KindUnverified                  // a signature, digest or proof does not hold
	KindPartial                     // done in part; the answer says which
)

var kindNames = [...]string{"internal", "invalid", "refused", "not-found", "conflict", "unauthenticated",
	"forbidden", "unavailable", "no-quorum", "unknown-outcome", "unverified", "partial"}

// String is the kind's name as used in JSON and metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "internal"
}

// KindOf is the kind of a name as it stands in JSON.
func KindOf(name string) (Kind, bool) {
	i := slices.Index(kindNames[:], name)
	return Kind(max(i, 0)), i >= 0
}

// Definition is one error the product can give: its stable code, kind, what
// happened and what to do next. Texts hold {name} places for arguments.
type Definition struct {
	Code string
	Kind Kind
	What Text
	Next Text
}

var registry = struct {
	sync.Mutex
	byCode map[string]*Definition
}{byCode: map[string]*Definition{}}

// Define registers an error once, as a package variable beside the code that
// gives it. Codes look like "LIST-004" and are never reused; two definitions
// of one code are a programming fault and panic at start.
func Define(kind Kind, code string, what, next Text) *Definition {
	registry.Lock()
	defer registry.Unlock()
	if registry.byCode[code] != nil {
		panic("exchange: error code defined twice: " + code)
	}
	d := &Definition{Code: code, Kind: kind, What: what, Next: next}
	registry.byCode[code] = d
	return d
}

// Definitions lists every registered error by code, for `accord explain` and
// the documentation tests.
func Definitions() []*Definition {
	registry.Lock()
	defer registry.Unlock()
	all := make([]*Definition, 0, len(registry.byCode))
	for _, d := range registry.byCode {
		all = append(all, d)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Code < all[j].Code })
	return all
}

// Lookup finds a definition by code, nil when there is none.
func Lookup(code string) *Definition {
	registry.Lock()
	defer registry.Unlock()
	return registry.byCode[code]
}

// Error makes a Definition usable with errors.Is.
func (d *Definition) Error() string { return d.Code + ": " + d.What.En }

// Arg is one value named in an error's texts. Values are shown to users, so
// they never hold a private field's value.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// With makes an error from the definition with alternating names and values
// for the places in its texts.
func (d *Definition) With(pairs ...any) *Error {
	e := &Error{Code: d.Code, Kind: d.Kind}
	for i := 0; i+1 < len(pairs); i += 2 {
		e.Args = append(e.Args, Arg{Name: fmt.Sprint(pairs[i]), Value: fmt.Sprint(pairs[i+1])})
	}
	return e
}

// Wrap is With plus the cause, which operators see in the log and users never.
func (d *Definition) Wrap(cause error, pairs ...any) *Error {
	e := d.With(pairs...)
	e.Cause = cause
	return e
}

// Error is what every layer returns: a code, a kind, arguments, and perhaps a
// field and a cause. It travels as JSON without its cause.
type Error struct {
	Code  string `json:"code"`
	Kind  Kind   `json:"kind"`
	Args  []Arg  `json:"args,omitempty"`
	Field string `json:"field,omitempty"` // JSON pointer or column the error is about
	Cause error  `json:"-"`

	what, next string // in place of a definition's texts, see Relayed
}

// Relayed is an error that another program has given and this one does not define:
// that of a newer version, or of a package that is not part of this program. The
// kind decides what is done about it, and the other's words are passed on.
func Relayed(code string, kind Kind, what, next string) *Error {
	return &Error{Code: code, Kind: kind, what: what, next: next}
}

// At says which input member or column the error is about.
func (e *Error) At(field string) *Error {
	e.Field = field
	return e
}

// Error is the English text with the code, for logs.
func (e *Error) Error() string {
	s := e.Code + ": " + e.What(En)
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrSomething) true for the definition and for any
// error of the same code.
func (e *Error) Is(target error) bool {
	switch t := target.(type) {
	case *Definition:
		return t.Code == e.Code
	case *Error:
		return t.Code == e.Code
	}
	return false
}

// What says what happened, in lang.
func (e *Error) What(lang Lang) string {
	if s := e.render(lang, func(d *Definition) Text { return d.What }, e.what); s != "" {
		return s
	}
	return e.Code
}

// Next says what to do about it, in lang; may be empty.
func (e *Error) Next(lang Lang) string {
	return e.render(lang, func(d *Definition) Text { return d.Next }, e.next)
}

// render fills in a text, or gives the other program's where there is no definition.
func (e *Error) render(lang Lang, pick func(*Definition) Text, relayed string) string {
	d := Lookup(e.Code)
	if d == nil {
		return relayed
	}
	s := pick(d).In(lang)
	for _, a := range e.Args {
		s = strings.ReplaceAll(s, "{"+a.Name+"}", a.in(lang))
	}
	return s
}

// in is the value as people read it in lang.
func (a Arg) in(lang Lang) string {
	switch zh, isPaper := papers[a.Value]; {
	case a.Name == "why" || a.Name == "what":
		return Reason(a.Value).In(lang)
	case a.Name == "file" && isPaper && lang == Zh:
		return zh
	}
	return a.Value
}

// ErrInternal is what unknown errors become at the edge; its cause stays in
// the log.
var ErrInternal = Define(KindInternal, "NODE-001",
	Text{"节点内部错误", "internal error of this node"},
	Text{"请查看本节点日志并联系运维人员", "look into this node's log"})

// AsError returns err as *Error; anything unknown becomes ErrInternal with the
// cause kept.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	var d *Definition
	if errors.As(err, &d) {
		return d.With()
	}
	return ErrInternal.Wrap(err)
}
