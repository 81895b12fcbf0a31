package lists

import (
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange/journal"
	"accord/exchange/members"
	"accord/exchange/state"
)

// VerifyDocument checks the own signature of an entry's document, as DocumentOf
// gives it, with the attest key its nominator had when it nominated. Apply does
// not: the nominator signed the command over all its documents, and a document
// that fails here is its provable fault. The error is ErrSignature.
func VerifyDocument(r state.Reader, e *Entry, doc string) error {
	_, err := jws.VerifyKind(strings.TrimSuffix(doc, "~"), Kind, func(kid string) (keys.Public, error) {
		m, ok := members.Get(r, e.By)
		if !ok {
			return keys.Public{}, jws.ErrKey
		}
		key, ok := members.KeyFor(r, m, kid, e.NominatedAt, e.Seq)
		if !ok {
			return keys.Public{}, jws.ErrKey
		}
		return key, nil
	})
	if err != nil {
		return ErrSignature.Wrap(err)
	}
	return nil
}

// CheckDocuments verifies the documents of the entries that came after row
// after, up to about so many (a statement's entries are taken together), and
// gives the last row it judged and the entries whose document is bad. Rows are
// numbered in the order of nomination, from 1; it is over when last is after.
func CheckDocuments(r state.Reader, after int64, most int) (last int64, bad []Entry, err error) {
	var docs []Document
	of := int64(0) // the statement docs are of
	last = after
	for n, e := range entries.From(r, after) {
		if e.Seq != of {
			if most <= 0 {
				return last, bad, nil
			}
			s, ok, err := journal.Get(r, e.Seq)
			if err != nil {
				return last, bad, err
			}
			if !ok {
				return last, bad, journal.ErrJournal.With("why", "an entry without its statement")
			}
			if docs, err = documentsOf(s.JWS); err != nil {
				return last, bad, err
			}
			of = e.Seq
		}
		if e.Pos < 0 || e.Pos >= len(docs) {
			return last, bad, journal.ErrJournal.With("why", "an entry outside its statement")
		}
		if VerifyDocument(r, &e, docs[e.Pos].Doc) != nil {
			bad = append(bad, e)
		}
		last, most = n, most-1
	}
	return last, bad, nil
}
