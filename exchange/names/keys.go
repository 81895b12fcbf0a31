package names

import (
	"strings"
	"unicode/utf8"

	"github.com/mozillazg/go-pinyin"
)

// Keys of an index are text of letters alone, except that the key of a sound
// begins with a colon and that of a whole name with an equals sign.
const (
	soundMark = ":"
	wholeMark = "="
)

// MaxRunes is how much of a name counts: what is longer is compared and indexed
// as if it ended there. The longest name of an organisation the register of
// enterprises takes has about a hundred characters.
const MaxRunes = 200

// Keys are what an index keeps of a normal form, each once, in the order of the
// name: every two neighbouring characters, the outer two of a name of three or
// four, so that one wrong character always leaves a key, the whole without its
// legal form, and how it sounds. A name of which nothing counts has none.
func Keys(normal string) []string {
	keys := grams(normal)
	if len(keys) > 0 {
		keys = append(keys, wholeMark+Short(normal))
	}
	if sound := Sound(normal); sound != "" {
		keys = append(keys, soundMark+sound)
	}
	return keys
}

// grams are the keys without the sound. The middle dot is passed over: it is
// often forgotten.
func grams(normal string) []string {
	runes := letters(normal)
	seen := make(map[string]bool, len(runes))
	keys := make([]string, 0, len(runes))
	add := func(key string) {
		if !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	if len(runes) == 1 {
		add(string(runes))
	}
	for i := 0; i+1 < len(runes); i++ {
		add(string(runes[i : i+2]))
	}
	if n := len(runes); n == 3 || n == 4 {
		add(string([]rune{runes[0], runes[n-1]}))
	}
	return keys
}

// letters are the characters that count, at most [MaxRunes].
func letters(normal string) []rune {
	runes := make([]rune, 0, min(len(normal), MaxRunes))
	for _, r := range normal {
		if r != '·' {
			if len(runes) == MaxRunes {
				break
			}
			runes = append(runes, r)
		}
	}
	return runes
}

var pinyinArgs = pinyin.Args{Style: pinyin.Normal, Separator: "", Fallback: func(rune, pinyin.Args) []string { return nil }}

// Sound is how a Chinese name of two to six characters sounds, without tones:
// "zhang wei". It is empty for others, and where a character's sound is not
// known. A character with several readings has its commonest; since that is the
// same wherever it stands, names that differ in other characters still meet.
func Sound(normal string) string {
	if n := utf8.RuneCountInString(normal); n < 2 || n > 6 {
		return ""
	}
	syllables := make([]string, 0, 6)
	for _, r := range normal {
		said := pinyin.SinglePinyin(r, pinyinArgs)
		if len(said) == 0 {
			return ""
		}
		syllables = append(syllables, said[0])
	}
	return strings.Join(syllables, " ")
}
