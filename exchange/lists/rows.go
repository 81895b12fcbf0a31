package lists

import (
	"accord/exchange"
	"accord/exchange/state"
)

// An entry is two rows: what its nomination fixed for ever, in a log that only
// grows, and, once its life was cut short, how. Its place in every order is its
// place in the log: the one nominated later comes first.

// ended is the row of an entry whose life was cut short.
type ended struct {
	Entry   exchange.EntryID `json:"entry"`
	End     End              `json:"end"`
	Version int              `json:"version"` // the entry's
}

var (
	byID      = state.NewKey(func(dst []byte, e *Entry) []byte { return append(dst, e.ID...) })
	bySubject = state.NewKey(func(dst []byte, e *Entry) []byte { return append(dst, e.Subject...) })
	byList    = state.NewKey(func(dst []byte, e *Entry) []byte { return append(dst, e.List...) })

	entries = state.NewLog("lists.entries", writeEntry, readEntry, byID, bySubject, byList)
	ends    = state.NewTable("lists.ends", func(e *ended) string { return string(e.Entry) })
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{entries, ends} }

// writeEntry is the encoding of what the nomination fixed: everything but End
// and Version, in this order.
func writeEntry(dst []byte, e *Entry) []byte {
	dst = state.AppendID(dst, e.ID)
	dst = state.AppendText(state.AppendText(dst, e.List), e.Subject)
	dst = state.AppendText(state.AppendText(dst, e.SubjectKind), e.Name)
	dst = state.AppendUint(state.AppendText(dst, e.Ground), uint64(len(e.Records)))
	for _, r := range e.Records {
		dst = state.AppendHash(state.AppendID(dst, r.ID), r.Digest)
		dst = state.AppendText(state.AppendText(dst, r.Author), r.Category)
	}
	if d := e.Decision; d == nil {
		dst = append(dst, 0)
	} else {
		dst = state.AppendText(append(dst, 1), d.Number)
		dst = state.AppendText(state.AppendText(dst, d.Authority), d.Date)
	}
	dst = state.AppendUint(dst, uint64(len(e.Measures)))
	for _, m := range e.Measures {
		dst = state.AppendText(dst, m)
	}
	dst = state.AppendUint(dst, uint64(e.TermDays))
	dst = state.AppendText(state.AppendText(dst, e.By), e.Operator)
	for _, n := range []int64{int64(e.Catalogue), int64(e.NominatedAt), int64(e.ListedFrom), int64(e.ListedUntil), e.Seq, int64(e.Pos)} {
		dst = state.AppendUint(dst, uint64(n))
	}
	dst = state.AppendUint(dst, uint64(e.Doc.Len))
	if e.Doc.Len == 0 {
		return dst
	}
	dst = state.AppendUint(state.AppendUint(dst, uint64(e.Doc.Payload)), uint64(e.Doc.At))
	return append(dst, e.Doc.Digest[:]...)
}

func readEntry(f *state.Fields, e *Entry) {
	e.ID = exchange.EntryID(f.ID())
	e.List, e.Subject = f.Text(), exchange.SubjectID(f.Text())
	e.SubjectKind, e.Name, e.Ground = f.Text(), f.Text(), f.Text()
	if n := f.Count(); n > 0 {
		e.Records = make([]RecordRef, n)
	}
	for i := range e.Records {
		e.Records[i] = RecordRef{ID: exchange.RecordID(f.ID()), Digest: f.Hash(), Author: exchange.MemberID(f.Text()), Category: f.Text()}
	}
	switch f.Uint() {
	case 0:
	case 1:
		e.Decision = &DecisionRef{Number: f.Text(), Authority: f.Text(), Date: f.Text()}
	default:
		f.Fail()
	}
	if n := f.Count(); n > 0 {
		e.Measures = make([]string, n)
	}
	for i := range e.Measures {
		e.Measures[i] = f.Text()
	}
	e.TermDays = int(f.Uint())
	e.By, e.Operator = exchange.MemberID(f.Text()), exchange.OperatorID(f.Text())
	e.Catalogue = int(f.Uint())
	e.NominatedAt, e.ListedFrom, e.ListedUntil = exchange.Millis(f.Uint()), exchange.Millis(f.Uint()), exchange.Millis(f.Uint())
	e.Seq, e.Pos = int64(f.Uint()), int(f.Uint())
	if e.Doc.Len = int(f.Uint()); e.Doc.Len != 0 {
		e.Doc.Payload, e.Doc.At = int(f.Uint()), int(f.Uint())
		e.Doc.Digest = state.Digest([]byte(f.Raw(32)))
	}
	e.Version = 1
}

// withEnd adds what became of the entry.
func withEnd(r state.Reader, e *Entry) {
	if end, ok := ends.Get(r, string(e.ID)); ok {
		e.End, e.Version = &end.End, end.Version
	}
}
