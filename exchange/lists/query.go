package lists

import (
	"crypto/sha256"
	"encoding/base64"
	"iter"

	"accord/crypto/jws"
	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/state"
)

// Query asks for entries. Empty members do not narrow it.
type Query struct {
	List    string
	Subject exchange.SubjectID
	Status  Status            // at At
	By      exchange.MemberID // nominator
	At      exchange.Millis   // the time whose statuses are meant; 0 narrows nothing and Status must be empty
	After   exchange.EntryID  // the last entry of the page before
	Limit   int               // most entries to give; 1 to MaxPage
}

// MaxPage is the longest page.
const MaxPage = 1000

// Get finds an entry.
func Get(r state.Reader, id exchange.EntryID) (Entry, bool) {
	_, e, ok := byID.Get(r, string(id))
	if ok {
		withEnd(r, &e)
	}
	return e, ok
}

// At is the n-th entry ever nominated, from 1.
func At(r state.Reader, n int64) (Entry, bool) {
	e, ok := entries.Get(r, n)
	if ok {
		withEnd(r, &e)
	}
	return e, ok
}

// Count is the number of entries, ended ones included.
func Count(r state.Reader) int { return int(entries.Len(r)) }

// Find gives a page of entries, newest first, and the entry to continue after,
// "" at the end. Pages stay true while entries are added: an entry never changes
// its place. An After that names no entry, or one outside list and subject of
// the query, gives nothing.
func Find(r state.Reader, q Query) (page []Entry, next exchange.EntryID) {
	limit := min(max(q.Limit, 1), MaxPage)
	for e := range q.rows(r) {
		if !q.within(&e) {
			continue
		}
		if withEnd(r, &e); !q.fits(&e) {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].ID
		}
		page = append(page, e)
	}
	return page, ""
}

// All gives every entry, newest first.
func All(r state.Reader) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, e := range entries.Newest(r, 0) {
			if withEnd(r, &e); !yield(e) {
				return
			}
		}
	}
}

// rows gives the entries of the list or the subject, whichever are fewer, or
// all, behind the cursor, without their ends.
func (q *Query) rows(r state.Reader) iter.Seq[Entry] {
	key, value := byList, q.List
	if q.Subject != "" {
		key, value = bySubject, string(q.Subject)
	}
	var rows iter.Seq2[int64, Entry]
	last, e, ok := byID.Get(r, string(q.After))
	switch {
	case q.After != "" && (!ok || !q.within(&e)):
		return func(func(Entry) bool) {}
	case value == "":
		rows = entries.Newest(r, last)
	case last != 0:
		rows = key.Older(r, last)
	default:
		rows = key.Newest(r, value)
	}
	return func(yield func(Entry) bool) {
		for _, e := range rows {
			if !yield(e) {
				return
			}
		}
	}
}

// within says whether the entry is on the list and of the subject asked for.
func (q *Query) within(e *Entry) bool {
	return (q.List == "" || q.List == e.List) && (q.Subject == "" || q.Subject == e.Subject)
}

func (q *Query) fits(e *Entry) bool {
	return (q.By == "" || q.By == e.By) && (q.Status == "" || q.Status == e.StatusAt(q.At))
}

// DocumentOf is the entry's document as its nominator signed it, with the
// trailing tilde, taken from the statement that brought it.
func DocumentOf(r state.Reader, e *Entry) (string, error) {
	if e.Doc.Len > 0 {
		return documentAt(r, e)
	}
	s, ok, err := journal.Get(r, e.Seq)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", journal.ErrJournal.With("why", "an entry without its statement")
	}
	docs, err := documentsOf(s.JWS)
	if err != nil {
		return "", err
	}
	if e.Pos < 0 || e.Pos >= len(docs) {
		return "", journal.ErrJournal.With("why", "an entry outside its statement")
	}
	return docs[e.Pos].Doc, nil
}

// documentAt reads the document alone, of a statement that may be a hundred times
// as long. What it reads is verified by the digest in the entry's row.
func documentAt(r state.Reader, e *Entry) (string, error) {
	d := e.Doc
	lead := d.At % 3 // bytes before it in its first group of three, which are four characters
	text, err := journal.Part(r, e.Seq, d.Payload+d.At/3*4, (lead+d.Len+2)/3*4)
	if err != nil {
		return "", err
	}
	doc, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(doc) < lead+d.Len || sha256.Sum256(doc[lead:lead+d.Len]) != d.Digest {
		return "", state.ErrBlob.Wrap(err, "why", "a document in it is another")
	}
	return string(doc[lead : lead+d.Len]), nil
}

// documentsOf are the documents in a statement of list.nominate.
func documentsOf(token string) ([]Document, error) {
	t, err := jws.Parse(token)
	if err != nil {
		return nil, journal.ErrJournal.Wrap(err, "why", "a statement that does not parse")
	}
	cmd, err := exchange.DecodeCommand(t.Payload)
	if err != nil {
		return nil, err
	}
	if docs := plainBody(string(cmd.Body)); docs != nil {
		return docs, nil
	}
	var b NominateBody
	err = exchange.DecodeBody(cmd.Verb, cmd.Body, &b)
	return b.Entries, err
}
