package records

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"accord/crypto/seal"
	"accord/exchange"
)

// Status is where a record stands in its life.
type Status string

// The statuses. Only Active records count; the others stay as evidence.
const (
	Active    Status = "active"    // 有效
	Corrected Status = "corrected" // 已更正: another record replaces it
	Retracted Status = "retracted" // 已撤回: its author took it back
)

func (s Status) known() bool { return s == Active || s == Corrected || s == Retracted }

// SealedField is one private field of a record: the digest that stands for it
// in the signed part, and the sealed disclosure. An erased field keeps its
// digest only.
type SealedField struct {
	Field  string
	Digest string // the disclosure's digest, as it stands under _sd
	Sealed seal.Sealed
	Erased bool
}

// Record is one credit record as its author's store keeps it.
type Record struct {
	ID          exchange.RecordID
	Category    string
	Author      exchange.MemberID
	Operator    exchange.OperatorID
	Subject     exchange.SubjectID
	SubjectKind string
	Names       []string // the subject's, where they are public: what a search by name finds it by
	Numbers     []string // of documents it is found by, in their normal form (NumberKey)
	Area        int64    // where the subject is, six digits of GB/T 2260; 0 unknown

	CatalogueVersion int
	CatalogueDigest  string // of the catalogue's exact bytes

	IssuedAt exchange.Millis
	JWT      string        // the signed part, without disclosures
	Digest   string        // hex SHA-256 of JWT
	Sealed   []SealedField // empty in a mirror

	RowKey    string   // keyed digest of the category and the source row's key, of one active record; "" for those made by hand
	RowDigest string   // keyed digest of the source row's content
	Source    string   // where the row came from
	Trust     string   // trust grade of that source
	Flags     []string // findings stored with the record

	Status     Status
	Replaces   exchange.RecordID // the record this one corrects
	ReplacedBy exchange.RecordID
	Reason     string // of a correction or retraction

	// When it reached this store, when its change of status did, and when its author
	// changed it, 0 while it is active; given by the store.
	KnownAt   exchange.Millis
	ChangedAt exchange.Millis
	EndedAt   exchange.Millis

	Position  int64 // order of arrival in this store, from 1; given by the store
	FeedIndex int64 // place in its author's feed, from 0; given by the store
}

// DigestOf is the digest by which feeds and the ledger know a record.
func DigestOf(jwt string) string {
	sum := sha256.Sum256([]byte(jwt))
	return hex.EncodeToString(sum[:])
}

// Bounds of a stored record.
const (
	maxJWT    = 1 << 20
	maxText   = 2000 // source, reason, trust: bytes
	maxFlags  = 64
	maxSealed = 64
	maxNames  = 8
)

// check refuses a record that could not have come from the agency code.
func (r *Record) check() error {
	switch {
	case !exchange.ValidID(string(r.ID)):
		return malformed("id")
	case !exchange.ValidName(r.Category):
		return malformed("category")
	case !exchange.ValidName(string(r.Author)):
		return malformed("author")
	case !r.Subject.Valid():
		return malformed("subject")
	case r.JWT == "" || len(r.JWT) > maxJWT:
		return malformed("jwt")
	case r.Digest != DigestOf(r.JWT):
		return malformed("digest")
	case r.Status != "" && !r.Status.known():
		return malformed("status")
	case len(r.Source) > maxText || len(r.Reason) > maxText || len(r.Trust) > maxText:
		return malformed("source")
	case !storable(r.Source, r.Reason, r.Trust, r.RowKey, r.RowDigest, r.JWT, r.CatalogueDigest, r.SubjectKind):
		return malformed("text")
	case len(r.Flags) > maxFlags:
		return malformed("flags")
	case !namesHold(r.Names):
		return malformed("names")
	case !numbersHold(r.Numbers) || r.Area < 0 || r.Area > 999_999:
		return malformed("numbers")
	case len(r.Sealed) > maxSealed:
		return malformed("sealed")
	}
	seen := make(map[string]bool, len(r.Sealed))
	for _, f := range r.Sealed {
		if !exchange.ValidName(f.Field) || f.Digest == "" || seen[f.Field] {
			return malformed("sealed")
		}
		seen[f.Field] = true
	}
	return nil
}

// namesHold says whether names can be stored: few, none twice, none empty.
func namesHold(given []string) bool {
	for i, name := range given {
		if name == "" || len(name) > maxText || !storable(name) || slices.Contains(given[:i], name) {
			return false
		}
	}
	return len(given) <= maxNames
}

// storable says whether every engine keeps the texts as they are: some refuse a
// NUL or what is not UTF-8, others cut there.
func storable(texts ...string) bool {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.ContainsRune(t, 0) {
			return false
		}
	}
	return true
}

// Format prints what identifies the record, under every verb: the signed part
// may hold what is public only to those who may see the record.
func (r Record) Format(s fmt.State, _ rune) {
	_, _ = fmt.Fprintf(s, "record %s (%s by %s, %s)", r.ID, r.Category, r.Author, r.Status)
}

func malformed(member string) error { return ErrRecord.With("member", member).At("/" + member) }
