package strictjson

import (
	"strings"
	"unicode/utf8"
)

// Plain reads JSON in the plainest spelling, the one Marshal gives for objects
// of plain strings and whole numbers: no white space, no escapes, no fractions.
// It is for hot paths, in front of Unmarshal and never instead of it: what
// Plain does not take it leaves to Unmarshal, and what it takes Unmarshal takes
// with the same values. After the first piece that does not fit, every method
// gives zero values and Done says false.
type Plain struct {
	rest string
	bad  bool
}

// NewPlain begins to read a text.
func NewPlain(text string) Plain { return Plain{rest: text} }

// Done says whether the whole text was read and all of it fitted.
func (p *Plain) Done() bool { return !p.bad && p.rest == "" }

// Fail gives the text up.
func (p *Plain) Fail() { p.bad = true }

// Skip reads exactly these bytes.
func (p *Plain) Skip(s string) {
	if !p.Next(s) {
		p.bad = true
	}
}

// Next reads these bytes if they are next.
func (p *Plain) Next(s string) bool {
	if p.bad || !strings.HasPrefix(p.rest, s) {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// String reads a string without escapes.
func (p *Plain) String() string {
	if p.bad || len(p.rest) < 2 || p.rest[0] != '"' {
		p.bad = true
		return ""
	}
	end := strings.IndexByte(p.rest[1:], '"')
	if end < 0 {
		p.bad = true
		return ""
	}
	s := p.rest[1 : 1+end]
	p.rest = p.rest[2+end:]
	if !plainText(s) {
		p.bad = true
		return ""
	}
	return s
}

// PlainString says whether s between quotes is what Marshal gives for it.
func PlainString(s string) bool { return strings.IndexByte(s, '"') < 0 && plainText(s) }

// plainText says whether s stands in JSON as it is. It looks at eight bytes at a
// time: nearly all that is signed passes here, some of it three times.
func plainText(s string) bool {
	wide, i := false, 0
	for ; i+8 <= len(s); i += 8 {
		w := word(s[i : i+8])
		if below(w, 0x20)|zero(w^each*'\\')|zero(w^each*0x7f) != 0 {
			return false
		}
		wide = wide || w&tops != 0
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c < 0x20 || c == '\\' || c == 0x7f {
			return false
		}
		wide = wide || c >= utf8.RuneSelf
	}
	return !wide || utf8.ValidString(s)
}

// Eight bytes as one number: a 1 and the top bit of each.
const each, tops uint64 = 0x0101010101010101, 0x8080808080808080

// word is eight bytes as a number.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// below is not 0 if a byte of w is less than n, which is at most 0x80.
func below(w, n uint64) uint64 { return (w - each*n) &^ w & tops }

// zero is not 0 if a byte of w is 0.
func zero(w uint64) uint64 { return below(w, 1) }

// Int reads a whole number that is not negative, up to 18 digits.
func (p *Plain) Int() int64 {
	n, digits := int64(0), 0
	for !p.bad && digits < len(p.rest) && p.rest[digits] >= '0' && p.rest[digits] <= '9' {
		if digits == 18 {
			p.bad = true
			return 0
		}
		n = n*10 + int64(p.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 1 && p.rest[0] == '0' {
		p.bad = true
		return 0
	}
	p.rest = p.rest[digits:]
	return n
}

// Strings reads an array of strings.
func (p *Plain) Strings() []string {
	p.Skip("[")
	if p.Next("]") {
		return []string{}
	}
	var all []string
	for !p.bad {
		all = append(all, p.String())
		if p.Next("]") {
			return all
		}
		p.Skip(",")
	}
	return nil
}

// Bounds of Value: deeper or wider texts are for Unmarshal.
const (
	plainDepth = 8
	plainWidth = 32 // members of one object
)

// Value reads one value of any kind and gives its text.
func (p *Plain) Value() string {
	from := p.rest
	p.value(0)
	if p.bad {
		return ""
	}
	return from[:len(from)-len(p.rest)]
}

func (p *Plain) value(depth int) {
	switch {
	case p.bad || p.rest == "" || depth > plainDepth:
		p.bad = true
	case p.rest[0] == '"':
		_ = p.String()
	case p.rest[0] == '{':
		p.object(depth)
	case p.rest[0] == '[':
		p.Skip("[")
		for more := !p.Next("]"); more && !p.bad; {
			p.value(depth + 1)
			if more = !p.Next("]"); more {
				p.Skip(",")
			}
		}
	case p.Next("true"), p.Next("false"):
	default:
		p.Int()
	}
}

func (p *Plain) object(depth int) {
	var names [plainWidth]string
	p.Skip("{")
	count := 0
	for more := !p.Next("}"); more && !p.bad; {
		name := p.String()
		for _, n := range names[:count] {
			if n == name {
				p.bad = true
			}
		}
		if count == plainWidth {
			p.bad = true
			return
		}
		names[count] = name
		count++
		p.Skip(":")
		p.value(depth + 1)
		if more = !p.Next("}"); more {
			p.Skip(",")
		}
	}
}
