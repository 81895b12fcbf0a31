package lists

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"accord/exchange/journal"
	"accord/exchange/state"
)

// Scrub compares the entries that a statement of list.nominate brought about
// with what was signed and what was answered. The error is journal.ErrJournal.
func Scrub(r state.Reader, s journal.Statement, b *NominateBody) error {
	placed := &NominateOutcome{Entries: make([]Placed, len(b.claims))}
	for pos, c := range b.claims {
		_, e, ok := byID.Get(r, string(c.ID))
		if !ok || e.Seq != s.Seq || e.Pos != pos || e.Operator != s.Operator || !e.says(c) ||
			e.Doc.Len > 0 && e.Doc.Digest != sha256.Sum256([]byte(b.Entries[pos].Doc)) {
			return journal.ErrJournal.With("why", "an entry is not what was signed")
		}
		placed.Entries[pos] = Placed{e.ID, e.ListedFrom, e.ListedUntil}
	}
	if !bytes.Equal(placed.AppendJSON(nil), s.Outcome) {
		return journal.ErrJournal.With("why", "an entry's times are not those that were answered")
	}
	return nil
}

// says compares everything that the claims fixed.
func (e *Entry) says(c *Claims) bool {
	return e.By == c.Issuer && e.List == c.List && e.Subject == c.Subject && e.SubjectKind == c.SubjectKind && e.Name == c.Name &&
		e.Ground == c.Ground && e.TermDays == c.TermDays && e.Catalogue == c.Catalogue && slices.Equal(e.Records, c.Records) &&
		slices.Equal(e.Measures, c.Measures) && (e.Decision == nil) == (c.Decision == nil) && (e.Decision == nil || *e.Decision == *c.Decision)
}

// ScrubWithdraw compares the end of an entry with the statement that withdrew it.
func ScrubWithdraw(r state.Reader, s journal.Statement, b *WithdrawBody) error {
	e, ok := Get(r, b.Entry)
	return scrubEnd(s, e, ok, End{Status: Withdrawn, Text: b.Reason})
}

// ScrubRemove compares the end of an entry with the statement that removed it.
func ScrubRemove(r state.Reader, s journal.Statement, b *RemoveBody) error {
	e, ok := Get(r, b.Entry)
	return scrubEnd(s, e, ok, End{Status: Removed, Reason: b.Reason, Text: b.Text, Basis: b.Basis})
}

func scrubEnd(s journal.Statement, e Entry, ok bool, want End) error {
	if ok && e.End != nil {
		want.At, want.By, want.Operator, want.Seq = e.End.At, s.Issuer, s.Operator, s.Seq
	}
	if !ok || e.End == nil || *e.End != want {
		return journal.ErrJournal.With("why", "an entry's end is not what was signed")
	}
	return nil
}
