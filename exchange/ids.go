package exchange

import (
	"strings"
	"time"
)

// MemberID names a member agency inside one federation, for example
// "regulator". It is chosen at founding and never reused.
type MemberID string

// MemberKind is what sort of agency a member is (监管部门, 协会, ...).
type MemberKind string

// The member kinds of the glossary.
const (
	KindRegulator    MemberKind = "regulator"
	KindCommission   MemberKind = "commission"
	KindAssociation  MemberKind = "association"
	KindCourt        MemberKind = "court"
	KindInsurer      MemberKind = "insurer"
	KindIntermediary MemberKind = "intermediary"
	KindPlatform     MemberKind = "platform"
)

// MemberKinds lists every kind a charter may name, in the glossary's order.
func MemberKinds() []MemberKind {
	return []MemberKind{KindRegulator, KindCommission, KindAssociation, KindCourt,
		KindInsurer, KindIntermediary, KindPlatform}
}

// Known says whether k is one of MemberKinds.
func (k MemberKind) Known() bool {
	for _, known := range MemberKinds() {
		if k == known {
			return true
		}
	}
	return false
}

// OperatorID names the person (经办人) at a member who made a statement. It is
// a staff name or number, never a citizen's identifier.
type OperatorID string

// RecordID is a record's random jti: 128 bits, base64url.
type RecordID string

// EntryID is a list entry's random jti: 128 bits, base64url.
type EntryID string

// ReleaseID is the id of the command that asked for a release; it is the
// nonce of the disclosure that answers it.
type ReleaseID string

// CommandID is a command's random id: 128 bits, base64url. A command done
// twice changes nothing the second time.
type CommandID string

// SubjectID names a credit subject in shared data: "org:<USCC>" in clear for
// organisations, "person:<blinded id>" for natural persons, "name:<blinded>"
// for foreign subjects known by name only.
type SubjectID string

// Subject namespaces.
const (
	SubjectOrg    = "org"
	SubjectPerson = "person"
	SubjectName   = "name"
)

// Namespace is the part of the id before the colon, "" when there is none.
func (s SubjectID) Namespace() string {
	ns, _, ok := strings.Cut(string(s), ":")
	if !ok {
		return ""
	}
	return ns
}

// Valid says whether s has a known namespace, a body, and only characters that
// need no escaping anywhere (letters, digits, '.', '-', '_').
func (s SubjectID) Valid() bool {
	ns, body, ok := strings.Cut(string(s), ":")
	if !ok || body == "" || len(s) > 160 {
		return false
	}
	switch ns {
	case SubjectOrg, SubjectPerson, SubjectName:
	default:
		return false
	}
	return safeName(body)
}

// ValidID says whether s is usable as a random id: base64url text of 16 to 64
// characters.
func ValidID(s string) bool {
	return len(s) >= 16 && len(s) <= 64 && safeName(s)
}

// ValidName says whether s is usable as a member, operator, field or category
// id: 1 to 64 characters, a letter or digit first.
func ValidName(s string) bool {
	return len(s) >= 1 && len(s) <= 64 && safeName(s) && s[0] != '-' && s[0] != '.' && s[0] != '_'
}

func safeName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return true
}

// Millis is an instant in milliseconds since 1970-01-01T00:00:00Z, the unit of
// all times in commands and rows. Zero means "none".
type Millis int64

// MillisOf converts a wall-clock time.
func MillisOf(t time.Time) Millis { return Millis(t.UnixMilli()) }

// Time converts back, in UTC.
func (m Millis) Time() time.Time { return time.UnixMilli(int64(m)).UTC() }

// Add returns the instant d later, in whole milliseconds.
func (m Millis) Add(d time.Duration) Millis { return m + Millis(d.Milliseconds()) }

// Text is the same sentence or title in Chinese and English.
type Text struct {
	Zh string `json:"zh"`
	En string `json:"en"`
}

// Lang is a user-facing language tag: "zh" or "en".
type Lang string

// The two languages of every face.
const (
	Zh Lang = "zh"
	En Lang = "en"
)

// In returns the text in lang; Chinese is the default, the other language
// stands in where one is empty.
func (t Text) In(lang Lang) string {
	if lang == En && t.En != "" {
		return t.En
	}
	if t.Zh != "" {
		return t.Zh
	}
	return t.En
}
