package names

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// simplified.txt has two lines of characters: the traditional ones, and below
// each the simplified one.
//
//go:embed simplified.txt
var simplifiedText string

var simplified = func() map[rune]rune {
	from, to, _ := strings.Cut(strings.TrimSpace(simplifiedText), "\n")
	m := make(map[rune]rune, len(from)/3)
	targets := []rune(to)
	for i, r := range []rune(from) {
		m[r] = targets[i]
	}
	return m
}()

// gbkPrivate are the characters of GBK's last row, FE50 to FEA0, in the order of
// the private-use code points that code page 936 and the fonts of its day gave
// them, U+E815 to U+E864. Data that went through such a system still has them.
// GB 18030-2005 and -2022 name the real ones.
const gbkPrivate = "⺁𠂇𠂉𠃌⺄㑳㑇⺈⺋龴㖞㘚㘎⺌⺗㥮㤘龵㧏㧟㩳㧐龶龷㭎㱮㳠⺧𡗗龸⺪䁖䅟⺮䌷⺳⺶⺷𢦏䎱䎬⺻䏝䓖䙡䙌" +
	"龹䜣䜩䝼䞍⻊䥇䥺䥽䦂䦃䦅䦆䦟䦛䦷䦶龺𤇾䲣䲟䲠䲡䱷䲢䴓䴔䴕䴖䴗䴘䴙䶮龻"

const firstPrivate, lastPrivate = 0xe815, 0xe864

var private = []rune(gbkPrivate)

// isDot says whether r is one of the dots that inputs use between the parts of a
// name of the minorities.
func isDot(r rune) bool {
	switch r {
	case '·', '•', '‧', '∙', '⋅', '・', '･', '﹒', '．', '᛫', '●':
		return true
	}
	return false
}

// The block of the common characters, without what was added to it later.
const firstHan, lastHan = 0x4e00, 0x9fa5

// Normal is the form in which names are compared and indexed. It is never shown
// and never stored as a name. Normal of a normal form is that form.
//
// It applies Unicode's compatibility composition (NFKC: width, ligatures, the
// compatibility ideographs and Kangxi radicals that come out of PDF files), maps
// traditional characters and GBK's private-use code points to what stands for
// them today, makes letters small, and leaves out blanks, whatever is invisible
// and all punctuation except the middle dot inside a name, of which there is one kind.
func Normal(name string) string {
	if plainHan(name) {
		return name
	}
	for range 4 { // composing can bring out what was hidden; twice is usual
		once := normalOnce(name)
		if once == name {
			break
		}
		name = once
	}
	return name
}

// plainHan says whether the name is nothing but common characters that stand
// for themselves: nearly all names are.
func plainHan(name string) bool {
	for _, r := range name {
		if r < firstHan || r > lastHan {
			return false
		}
		if _, ok := simplified[r]; ok {
			return false
		}
	}
	return name != ""
}

func normalOnce(name string) string {
	if !norm.NFKC.IsNormalString(name) || strings.ContainsFunc(name, beforeNFKC) {
		name = norm.NFKC.String(strings.Map(func(r rune) rune {
			if r >= firstPrivate && r <= lastPrivate {
				return private[r-firstPrivate]
			}
			if isDot(r) { // NFKC makes a full stop of a full-width one
				return '·'
			}
			return r
		}, name))
	}
	var b strings.Builder
	b.Grow(len(name))
	dot := false // one is due before the next character
	for _, r := range name {
		if r < firstHan || r > lastHan {
			if isDot(r) {
				dot = b.Len() > 0
				continue
			}
			if !counts(r) {
				continue
			}
			r = unicode.ToLower(r)
		}
		if dot {
			b.WriteRune('·')
			dot = false
		}
		if to, ok := simplified[r]; ok {
			r = to
		}
		b.WriteRune(r)
	}
	return b.String()
}

func beforeNFKC(r rune) bool { return r >= firstPrivate && r <= lastPrivate || isDot(r) && r != '·' }

// counts says whether a character is part of a name: letters with their marks,
// and digits. What is not valid UTF-8 is not.
func counts(r rune) bool {
	if r == utf8.RuneError {
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) && !invisible(r) || unicode.Is(unicode.Co, r) || radical(r)
}

// invisible says whether a mark only chooses between forms of a glyph.
func invisible(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r == 0x034f
}

// radical says whether r is one of the CJK radicals, symbols to Unicode, that
// stand in names because GBK had them.
func radical(r rune) bool { return r >= 0x2e80 && r <= 0x2fdf }

// legalForms end the names of organisations, the longest first.
var legalForms = []string{"股份有限公司", "有限责任公司", "有限公司", "股份公司", "责任公司", "集团公司"}

// Short is a normal form without the legal form of an organisation at its end,
// and the same if it has none or nothing else.
func Short(normal string) string {
	for _, form := range legalForms {
		if short, ok := strings.CutSuffix(normal, form); ok && utf8.RuneCountInString(short) >= 2 {
			return short
		}
	}
	return normal
}
