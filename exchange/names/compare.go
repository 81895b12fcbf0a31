package names

import "strings"

// Level is how well a name answers a question; the lower the better.
type Level int

const (
	// Exact: the same name, however it is written.
	Exact Level = iota + 1
	// Alias: another name of the same subject, or the same name without its
	// legal form.
	Alias
	// Near: a name like it, for a person to judge.
	Near
	// Apart: another name.
	Apart
)

// Reason says in what the likeness lies. It is shown with each answer.
type Reason string

// The reasons, the strongest first.
const (
	Identical Reason = "identical"  // character by character
	Writing   Reason = "writing"    // width, dots, brackets, case, traditional characters
	Former    Reason = "alias"      // the subject bears or bore this name too
	LegalForm Reason = "legal-form" // the same but for 有限公司 and the like
	Sounds    Reason = "sound"      // other characters, the same sounds
	Contains  Reason = "part"       // what was asked for stands in the name
	Similar   Reason = "similar"    // few characters differ
)

// Match is how a name answers a question. Score, from 0 to 1000, orders what is
// equally near; it is no probability.
type Match struct {
	Level  Level
	Reason Reason
	Score  int
}

// Query is a name that is looked for, made ready once.
type Query struct {
	text, normal, short, sound string
	runes                      []rune
}

// NewQuery makes a name ready to be compared with many.
func NewQuery(name string) Query {
	normal := Normal(name)
	return Query{text: name, normal: normal, short: Short(normal), sound: Sound(normal), runes: letters(normal)}
}

// Normal is the normal form of what is looked for; empty when nothing of it counts.
func (q Query) Normal() string { return q.normal }

// Compare says how a name, as it was written, answers the query. alias says that
// the name is not the subject's first one.
func (q Query) Compare(name string, alias bool) Match {
	m := q.compare(name)
	if alias && m.Level == Exact {
		return Match{Alias, Former, m.Score}
	}
	return m
}

func (q Query) compare(name string) Match {
	if q.normal == "" {
		return Match{Level: Apart}
	}
	if name == q.text {
		return Match{Exact, Identical, 1000}
	}
	normal := Normal(name)
	switch {
	case normal == q.normal:
		return Match{Exact, Writing, 1000}
	case Short(normal) == q.short:
		return Match{Alias, LegalForm, 950}
	}
	runes := letters(normal)
	n := max(len(q.runes), len(runes))
	apart := distance(q.runes, runes, allowed(n))
	like := 0
	if n > 0 && apart <= allowed(n) {
		like = 900 - 900*apart/n
	}
	switch {
	case q.sound != "" && q.sound == Sound(normal):
		return Match{Near, Sounds, max(like, 800)}
	case len(q.runes) >= 2 && strings.Contains(normal, q.normal):
		return Match{Near, Contains, max(like, 400+400*len(q.runes)/n)}
	case like > 0:
		return Match{Near, Similar, like}
	}
	return Match{Level: Apart}
}

// allowed is how many characters may differ between names of n characters. Two
// characters are too few for one of them to be wrong.
func allowed(n int) int {
	switch {
	case n < 3:
		return 0
	case n < 8:
		return 1
	default:
		return min(n/5+1, 5)
	}
}

// distance counts what turns a into b: characters put in, left out, exchanged or
// swapped with their neighbour (optimal string alignment). It gives up above most and says most+1.
func distance(a, b []rune, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], most+1)
}

// Probe says what to ask an index for, so that no name is missed which is no
// further than near.
type Probe struct {
	Whole string   // the key of all that are exact, or the same but for the legal form
	Sound string   // the key of all that sound alike; empty where there is none
	Any   []string // any of these is in all others that are near
	// Need is how many of Any suffice, if they are those that occur most rarely:
	// a character that differs takes three keys with it at most, and long names
	// have more than that.
	Need int
}

// Probe is what to ask an index for; nothing if nothing of the query counts.
func (q Query) Probe() Probe {
	p := Probe{Any: grams(q.normal)}
	if len(p.Any) == 0 {
		return p
	}
	p.Whole, p.Need = wholeMark+q.short, len(p.Any)
	if n := len(q.runes); n >= 8 {
		p.Need = min(p.Need, 3*allowed(n+5)+1)
	}
	if q.sound != "" {
		p.Sound = soundMark + q.sound
	}
	return p
}
