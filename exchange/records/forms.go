package records

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
)

// Bounds of single values that no catalogue sets.
const (
	maxLicence = 100  // characters
	maxURL     = 2000 // bytes
	maxItems   = 100  // of a list
	maxNumber  = 1<<53 - 1
	minYear    = 1900
	maxYear    = 2200
)

// field checks one value against its field's type.
func (v *validator) field(f *catalogue.Field, value any) {
	switch f.Type {
	case catalogue.TypeMoney, catalogue.TypeCount:
		v.number(f, value)
		return
	case catalogue.TypeBool:
		if _, ok := value.(bool); !ok {
			v.problem(f, ErrForm.With("form", "true/false"))
		}
		return
	case catalogue.TypeCodes, catalogue.TypeTexts:
		v.list(f, value)
		return
	}
	s, ok := value.(string)
	if !ok {
		v.problem(f, ErrForm.With("form", "string"))
		return
	}
	if s == "" {
		v.problem(f, ErrMissing.With())
		return
	}
	if e := v.word(f, s); e != nil {
		v.problem(f, e)
	}
}

func (v *validator) number(f *catalogue.Field, value any) {
	n, ok := value.(int64)
	if !ok || n < 0 || n > maxNumber {
		v.problem(f, ErrForm.With("form", "integer ≥ 0"))
		return
	}
	if f.Type == catalogue.TypeMoney && v.limits.MoneyFlagFen > 0 && n > v.limits.MoneyFlagFen {
		v.flag(FlagAmount)
	}
}

func (v *validator) list(f *catalogue.Field, value any) {
	items, ok := value.([]string)
	if !ok || len(items) > maxItems {
		v.problem(f, ErrForm.With("form", "list of strings"))
		return
	}
	if len(items) == 0 {
		v.problem(f, ErrMissing.With())
		return
	}
	for i, item := range items {
		var e *exchange.Error
		switch {
		case item == "":
			e = ErrMissing.With()
		case f.Type == catalogue.TypeCodes && (f.ValueOf(item) == nil || contains(items[:i], item)):
			e = ErrValue.With()
		case f.Type == catalogue.TypeTexts:
			e = v.freeText(item)
		}
		if e != nil {
			v.problem(f, e)
			return
		}
	}
}

// word checks a value that is one string.
func (v *validator) word(f *catalogue.Field, s string) *exchange.Error {
	switch f.Type {
	case catalogue.TypeText:
		return v.freeText(s)
	case catalogue.TypeName:
		return v.name(s)
	case catalogue.TypeLicence:
		return line(s, maxLicence)
	case catalogue.TypeCode:
		if f.ValueOf(s) == nil {
			return ErrValue.With()
		}
	case catalogue.TypeUSCC:
		return v.uscc(s)
	case catalogue.TypeResidentID:
		return checked(identifiers.CheckResidentID(s))
	case catalogue.TypeIDNumber:
		return v.idNumber(f, s)
	case catalogue.TypeDate:
		return v.date(f, s)
	case catalogue.TypeTime:
		return v.time(f, s)
	case catalogue.TypePhone:
		if !digits(s, 5, 20) {
			return ErrForm.With("form", "5–20 digits")
		}
	case catalogue.TypeArea:
		if !digits(s, 6, 6) {
			return ErrForm.With("form", "6 digits")
		}
	case catalogue.TypeURL:
		return link(s)
	default:
		return ErrForm.With("form", string(f.Type)) // a type this build does not know is never stored
	}
	return nil
}

// freeText may hold anything that displays as text.
func (v *validator) freeText(s string) *exchange.Error {
	if e := bounded(s, v.limits.TextCharacters); e != nil {
		return e
	}
	for _, r := range s {
		if forbidden(r) && r != '\n' && r != '\t' && r != '\r' {
			return ErrCharacters.With()
		}
	}
	if strings.ContainsAny(s[:1], "=+-@") {
		v.flag(FlagFormula)
	}
	if i := strings.IndexByte(s, '<'); i >= 0 && i+1 < len(s) && (s[i+1] == '/' || s[i+1] == '!' || isLetter(s[i+1])) {
		v.flag(FlagMarkup)
	}
	return nil
}

func (v *validator) name(s string) *exchange.Error {
	if e := line(s, v.limits.NameCharacters); e != nil {
		return e
	}
	if strings.ContainsAny(s[:1], "=+-@") {
		return ErrCharacters.With()
	}
	for _, r := range s {
		if r >= 0xE000 && r <= 0xF8FF || r >= 0xF0000 {
			v.flag(FlagPrivateUse)
		}
	}
	return nil
}

func (v *validator) uscc(s string) *exchange.Error {
	if e := checked(identifiers.CheckUSCC(s)); e != nil {
		return e
	}
	if identifiers.CheckOrgCode(identifiers.InnerCode(s)) != nil {
		v.flag(FlagInnerCode)
	}
	return nil
}

// residentKinds and usccKinds are the words and codes by which sources name
// the documents whose numbers can be checked.
var (
	residentKinds = []string{"resident-id", "居民身份证", "身份证", "公民身份证", "中华人民共和国居民身份证"}
	usccKinds     = []string{"uscc", "统一社会信用代码", "统一社会信用代码证"}
)

func (v *validator) idNumber(f *catalogue.Field, s string) *exchange.Error {
	kind := v.values.text(f.KindField)
	switch {
	case contains(residentKinds, kind):
		return checked(identifiers.CheckResidentID(s))
	case contains(usccKinds, kind):
		return v.uscc(s)
	}
	if len(s) < 4 || len(s) > 40 {
		return ErrForm.With("form", "4–40 letters and digits")
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '(' && c != ')' && c != '-' {
			return ErrForm.With("form", "4–40 letters and digits")
		}
	}
	return nil
}

func (v *validator) date(f *catalogue.Field, s string) *exchange.Error {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		if t, err = time.Parse("2006-01", s); err != nil {
			return ErrDate.With()
		}
		v.flag(FlagMonth)
	}
	if y := t.Year(); y < minYear || y > maxYear {
		return ErrDate.With()
	}
	if f.Past && s > v.today[:len(s)] {
		return ErrFuture.With()
	}
	return nil
}

func (v *validator) time(f *catalogue.Field, s string) *exchange.Error {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < minYear || t.Year() > maxYear {
		return ErrDate.With()
	}
	if f.Past && t.After(v.at) {
		return ErrFuture.With()
	}
	return nil
}

// line is bounded text on one line without markup or outer spaces.
func line(s string, max int) *exchange.Error {
	if e := bounded(s, max); e != nil {
		return e
	}
	if strings.TrimSpace(s) != s || strings.ContainsAny(s, "<>") {
		return ErrCharacters.With()
	}
	for _, r := range s {
		if forbidden(r) {
			return ErrCharacters.With()
		}
	}
	return nil
}

func bounded(s string, max int) *exchange.Error {
	if !utf8.ValidString(s) {
		return ErrCharacters.With()
	}
	if utf8.RuneCountInString(s) > max {
		return ErrLength.With("max", max)
	}
	return nil
}

// forbidden are characters that do not show, or show other text in another
// order than it is stored: controls, zero-width and bidirectional marks, lost
// characters.
func forbidden(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return true
	}
	return r == utf8.RuneError
}

func link(s string) *exchange.Error {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURL || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return ErrForm.With("form", "http(s)://…")
	}
	return line(s, maxURL)
}

func checked(err error) *exchange.Error {
	if err != nil {
		return ErrCheckDigit.With() // the cause would tell digits
	}
	return nil
}

func digits(s string, least, most int) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
