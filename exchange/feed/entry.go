package feed

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"accord/crypto/tlog"
	"accord/exchange"
)

// Kind is what an entry tells of.
type Kind string

// The kinds of entry. A reader that meets another one stops there: it cannot know
// what it would miss.
const (
	Record     Kind = "record"     // 记录: a new record
	Correction Kind = "correction" // 更正: a record that replaces another, which it names
	Retraction Kind = "retraction" // 撤回: the author takes a record back
	Erasure    Kind = "erasure"    // 清除: a record's body must be destroyed wherever it lies
)

// Known says whether the kind is one of the four.
func (k Kind) Known() bool {
	return k == Record || k == Correction || k == Retraction || k == Erasure
}

// Carries says whether the entry's document is a record, which not everybody may
// hold. The documents of the other kinds name a record and say nothing of it.
func (k Kind) Carries() bool { return k == Record || k == Correction }

// Entry is one entry of a feed.
type Entry struct {
	Kind   Kind
	ID     string   // random: of the record, or of the document that takes one back or erases one
	Digest [32]byte // SHA-256 of the document as signed
}

// entryTag opens every entry and names the version of its form.
const entryTag = "accord-feed-entry/1\n"

// MaxEntry is the longest entry in bytes.
const MaxEntry = len(entryTag) + len(Correction) + 64 + 64 + 3

// EntryOf is the entry about a signed document.
func EntryOf(kind Kind, id, document string) Entry {
	return Entry{Kind: kind, ID: id, Digest: sha256.Sum256([]byte(document))}
}

// Encode is the entry as it stands in the log:
//
//	accord-feed-entry/1
//	<kind>
//	<random id>
//	<SHA-256 of the document as signed, lower-case hex>
//
// each line ended by a line feed.
func (e Entry) Encode() []byte {
	b := make([]byte, 0, MaxEntry)
	b = append(append(append(b, entryTag...), e.Kind...), '\n')
	b = append(append(b, e.ID...), '\n')
	return append(hex.AppendEncode(b, e.Digest[:]), '\n')
}

// Leaf is the entry's hash in the log.
func (e Entry) Leaf() tlog.Hash { return tlog.LeafHash(e.Encode()) }

// Hex is the document's digest as records are named by.
func (e Entry) Hex() string { return hex.EncodeToString(e.Digest[:]) }

// Matches says whether a document is the one the entry is about.
func (e Entry) Matches(document string) bool { return sha256.Sum256([]byte(document)) == e.Digest }

// DecodeEntry reads what Encode writes, and only that: ErrEntry.
func DecodeEntry(data []byte) (Entry, error) {
	rest, ok := strings.CutPrefix(string(data), entryTag)
	lines := strings.Split(rest, "\n")
	if !ok || len(data) > MaxEntry || len(lines) != 4 || lines[3] != "" {
		return Entry{}, ErrEntry.With()
	}
	e := Entry{Kind: Kind(lines[0]), ID: lines[1]}
	if !e.Kind.Known() || !exchange.ValidID(e.ID) || !exchange.ValidHash(lines[2]) {
		return Entry{}, ErrEntry.With()
	}
	if _, err := hex.Decode(e.Digest[:], []byte(lines[2])); err != nil {
		return Entry{}, ErrEntry.Wrap(err)
	}
	return e, nil
}
