package lists

import (
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
func Get(r state.Reader, id exchange.EntryID) (Entry, bool) { return entries.Get(r, string(id)) }

// Count is the number of entries, ended ones included.
func Count(v *state.View) int { return entries.Len(v) }

// Find gives a page of entries, newest first within a list, and the entry to
// continue after, "" at the end. Pages stay true while entries are added: an
// entry never changes its place. An After that names no entry gives nothing.
func Find(r state.Reader, q Query) (page []Entry, next exchange.EntryID) {
	limit := min(max(q.Limit, 1), MaxPage)
	for e := range q.rows(r) {
		if !q.fits(&e) {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].ID
		}
		page = append(page, e)
	}
	return page, ""
}

// All gives every entry in the order of Find.
func All(r state.Reader) iter.Seq[Entry] { return byList.Scan(r) }

func (q *Query) rows(r state.Reader) iter.Seq[Entry] {
	index, prefix := byList, []string{}
	switch {
	case q.Subject != "" && q.List != "":
		index, prefix = bySubject, []string{string(q.Subject), q.List}
	case q.Subject != "":
		index, prefix = bySubject, []string{string(q.Subject)}
	case q.List != "":
		prefix = []string{q.List}
	}
	if q.After == "" {
		return index.Scan(r, prefix...)
	}
	last, ok := Get(r, q.After)
	if !ok {
		return func(func(Entry) bool) {}
	}
	place := []string{last.List, last.age()}
	if index == bySubject {
		place = []string{string(last.Subject), last.List, last.age()}
	}
	return index.ScanAfter(r, prefix, place, string(last.ID))
}

func (q *Query) fits(e *Entry) bool {
	return (q.By == "" || q.By == e.By) && (q.Status == "" || q.Status == e.StatusAt(q.At))
}

// DocumentOf is the entry's document as its nominator signed it, with the
// trailing tilde, taken from the statement that brought it.
func DocumentOf(r state.Reader, e *Entry) (string, error) {
	s, ok := journal.Get(r, e.Seq)
	if !ok {
		return "", journal.ErrJournal.With("why", "an entry without its statement")
	}
	token, err := jws.Parse(s.JWS)
	if err != nil {
		return "", journal.ErrJournal.Wrap(err, "why", "a statement that does not parse")
	}
	cmd, err := exchange.DecodeCommand(token.Payload)
	if err != nil {
		return "", err
	}
	var b NominateBody
	if err := exchange.DecodeBody(cmd.Verb, cmd.Body, &b); err != nil {
		return "", err
	}
	if e.Pos < 0 || e.Pos >= len(b.Entries) {
		return "", journal.ErrJournal.With("why", "an entry outside its statement")
	}
	return b.Entries[e.Pos].Doc, nil
}
