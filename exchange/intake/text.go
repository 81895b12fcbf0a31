package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isBlank says whether r only keeps apart: Unicode white space, which includes
// the full-width and the no-break space.
func isBlank(r rune) bool { return unicode.IsSpace(r) }

// isInvisible says whether r shows nothing and changes nothing in Chinese text:
// zero-width characters, the byte order mark, direction marks, soft hyphen.
func isInvisible(r rune) bool {
	switch {
	case r >= 0x200b && r <= 0x200f, r >= 0x2060 && r <= 0x2065, r >= 0x206a && r <= 0x206f:
		return true
	case r == 0xfeff, r == 0x00ad, r == 0x180e, r == 0x061c:
		return true
	}
	return false
}

// isBidiControl says whether r embeds, overrides or isolates the writing
// direction, which can make a name read as another one.
func isBidiControl(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// isPrivateUse says whether r has no meaning outside somebody's own font.
func isPrivateUse(r rune) bool {
	return r >= 0xe000 && r <= 0xf8ff || r >= 0xf0000
}

// halfWidth maps the full-width forms of ASCII to ASCII.
func halfWidth(r rune) rune {
	if r >= 0xff01 && r <= 0xff5e {
		return r - 0xff01 + '!'
	}
	return r
}

// middleDot maps the dots that inputs use in names of the minorities to the one
// of GB 18030 and Unicode, U+00B7.
func middleDot(r rune) rune {
	switch r {
	case 0x2022, 0x30fb, 0xff65, 0x2027, 0x2219, 0x22c5:
		return 0x00b7
	}
	return r
}

// trim removes white space and invisible characters from both ends.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return isBlank(r) || isInvisible(r) })
}

// fold is the form in which names and codes are compared: half width, one kind
// of middle dot, no blanks, nothing invisible. It is never stored.
func fold(s string) string {
	if !strings.ContainsFunc(s, folds) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		if !isBlank(r) && !isInvisible(r) {
			b.WriteRune(middleDot(halfWidth(r)))
		}
	}
	return b.String()
}

// Fold is the form in which names are compared, for registers.
func Fold(s string) string { return fold(s) }

// folds says whether fold changes or removes r.
func folds(r rune) bool {
	return isBlank(r) || r >= 0xad && (isInvisible(r) || middleDot(halfWidth(r)) != r)
}

// without removes the runes for which drop is true; changed says whether there
// were any.
func without(s string, drop func(rune) bool) (out string, changed bool) {
	if !strings.ContainsFunc(s, drop) {
		return s, false
	}
	return strings.Map(func(r rune) rune {
		if drop(r) {
			return -1
		}
		return r
	}, s), true
}

// hasMarkup says whether s holds something a browser would take for a tag.
func hasMarkup(s string) bool {
	for {
		i := strings.IndexByte(s, '<')
		if i < 0 || i+1 >= len(s) {
			return false
		}
		s = s[i+1:]
		c := s[0]
		if c == '/' || c == '!' || c == '?' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return true
		}
	}
}

// formulaLike says whether a spreadsheet would take the text for a formula.
func formulaLike(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@", halfWidth(first))
}

// lineEnds makes every line and paragraph end a line feed.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n", "\v", "\n", "\f", "\n")

// isLineEnd says whether lineEnds replaces r.
func isLineEnd(r rune) bool {
	return r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// hasControl says whether s holds control characters besides tab and line feed.
func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0
	})
}

// longerThan says whether s has more than n characters.
func longerThan(s string, n int) bool {
	if len(s) <= n {
		return false
	}
	count := 0
	for range s {
		if count++; count > n {
			return true
		}
	}
	return false
}
