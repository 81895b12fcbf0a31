package lists

import (
	"crypto/sha256"

	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/state"
)

// Scrub compares the entries that a statement of list.nominate brought about
// with what was signed. The error is journal.ErrJournal.
func Scrub(r state.Reader, seq int64, b *NominateBody) error {
	for pos, c := range b.claims {
		_, e, ok := byID.Get(r, string(c.ID))
		if !ok || e.Seq != seq || e.Pos != pos || e.By != c.Issuer || e.List != c.List || e.Subject != c.Subject ||
			e.SubjectKind != c.SubjectKind || e.Name != c.Name || e.Ground != c.Ground || e.TermDays != c.TermDays ||
			e.ListedUntil != e.ListedFrom+exchange.Millis(c.TermDays)*day || e.Doc.Len > 0 && e.Doc.Digest != sha256.Sum256([]byte(b.Entries[pos].Doc)) ||
			len(e.Records) != len(c.Records) {
			return journal.ErrJournal.With("why", "an entry is not what was signed")
		}
		for i, rec := range e.Records {
			if rec != c.Records[i] {
				return journal.ErrJournal.With("why", "an entry rests on other records than was signed")
			}
		}
	}
	return nil
}
