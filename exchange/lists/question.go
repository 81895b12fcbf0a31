package lists

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"accord/exchange"
	"accord/exchange/question"
	"accord/exchange/state"
)

// ErrCursor is given for a cursor that is not one of the question's.
var ErrCursor = exchange.Define(exchange.KindInvalid, "LIST-030",
	exchange.Text{Zh: "续页标记不属于这次查询", En: "the cursor is not one of this question's"},
	exchange.Text{Zh: "从第一页重新查询", En: "begin with the first page again"})

// Question is what somebody wants to know of the entries of all lists. Empty members
// do not narrow it. Its keys are spelled as those of a question about records, and
// those of the same name mean the same.
type Question struct {
	List    string
	Subject exchange.SubjectID
	Kind    string // of subject
	Ground  string
	By      exchange.MemberID // nominator
	Status  Status            // at AsOf
	From    exchange.Millis   // nominated, inclusive
	Until   exchange.Millis   // nominated, exclusive
	// AsOf asks how entries stood at a time, which may be to come. KnownAt asks by
	// what was on the ledger at a time of the ledger's: a removal that came after it
	// has not happened. 0 is now for KnownAt, and for AsOf the time of KnownAt.
	AsOf    exchange.Millis
	KnownAt exchange.Millis
}

var questionKeys = question.Keys[Question]{
	question.Name("list", "名单标识 / list id", func(q *Question) *string { return &q.List }),
	question.Subject(func(q *Question) *exchange.SubjectID { return &q.Subject }),
	question.Name("kind", "标识 / id", func(q *Question) *string { return &q.Kind }),
	question.Name("ground", "事由标识 / ground id", func(q *Question) *string { return &q.Ground }),
	question.Name("by", "单位标识 / member id", func(q *Question) *exchange.MemberID { return &q.By }),
	question.Word("status", func(q *Question) *Status { return &q.Status }, Statuses()...),
	question.Instant("from", func(q *Question) *exchange.Millis { return &q.From }),
	question.Instant("until", func(q *Question) *exchange.Millis { return &q.Until }),
	question.Instant("as-of", func(q *Question) *exchange.Millis { return &q.AsOf }),
	question.Instant("known-at", func(q *Question) *exchange.Millis { return &q.KnownAt }),
}

// QuestionKeys are the keys of a question.
func QuestionKeys() []string { return questionKeys.Names() }

// ParseQuestion reads a question from pairs of key and value. The errors are
// question.ErrKey and question.ErrValue.
func ParseQuestion(pairs url.Values) (Question, error) {
	q, err := questionKeys.Read(pairs)
	if err == nil && q.Until != 0 && q.Until <= q.From {
		return Question{}, question.ErrValue.With("key", "until", "form", "> from")
	}
	return q, err
}

// Pairs is the question as pairs; reading them gives the same question.
func (q Question) Pairs() url.Values { return questionKeys.Pairs(&q) }

// String is the question's one spelling, as it stands in a link.
func (q Question) String() string { return questionKeys.String(&q) }

// Stand is where an answer stands on both axes of time.
type Stand struct {
	AsOf exchange.Millis // the time whose statuses are meant
	// Known and Size are what is known: commands up to this ledger time, among the
	// first Size leaves of the ledger.
	Known exchange.Millis
	Size  int64
}

// Of is the entry by what is known there, false if it did not exist then or was not
// known.
func (s Stand) Of(e Entry) (Entry, bool) {
	if e.Seq >= s.Size || e.NominatedAt > s.Known || e.NominatedAt > s.AsOf {
		return Entry{}, false
	}
	if e.End != nil && (e.End.Seq >= s.Size || e.End.At > s.Known) {
		e.End, e.Version = nil, 1
	}
	return e, true
}

// Stand is where a question's answer stands by a ledger of size leaves whose time is
// head, asked now. The ledger's times never go back, so that what is known at one is
// settled as soon as the ledger has passed it.
func (q Question) Stand(size int64, head, now exchange.Millis) Stand {
	s := Stand{AsOf: q.AsOf, Known: head, Size: size}
	if q.KnownAt != 0 {
		s.Known = min(head, q.KnownAt)
	}
	switch {
	case s.AsOf != 0:
	case q.KnownAt != 0:
		s.AsOf = q.KnownAt
	default:
		s.AsOf = max(now, head)
	}
	return s
}

// Found is a page of what a question finds.
type Found struct {
	Entries []Entry // newest first, each by what was known
	Stand   Stand   // all pages of an answer have the same
	Next    string  // cursor, "" after the last page
}

// maxLooked is how many rows one page looks through. A page may be short, or empty,
// and yet have a next one.
const maxLooked = 20_000

// Ask answers a question; first is where its first page stands. The error is
// ErrCursor.
func Ask(r state.Reader, q Question, first Stand, cursor string, limit int) (Found, error) {
	out := Found{Stand: first}
	find := Query{List: q.List, Subject: q.Subject}
	if cursor != "" {
		var ok bool
		if out.Stand, find.After, ok = readCursor(cursor, q, first); !ok {
			return Found{}, ErrCursor.With()
		}
		if last, known := Get(r, find.After); !known || !find.within(&last) {
			return Found{}, ErrCursor.With()
		}
	}
	limit = min(max(limit, 1), MaxPage)
	looked := 0
	last := exchange.EntryID("")
	for e := range find.rows(r) {
		if len(out.Entries) == limit || looked == maxLooked {
			out.Next = writeCursor(out.Stand, last, q)
			return out, nil
		}
		looked, last = looked+1, e.ID
		if !q.fixed(&e) {
			continue
		}
		withEnd(r, &e)
		if e, ok := out.Stand.Of(e); ok && (q.Status == "" || q.Status == e.StatusAt(out.Stand.AsOf)) {
			out.Entries = append(out.Entries, e)
		}
	}
	return out, nil
}

// fixed says whether what never changes of an entry is what was asked for.
func (q *Question) fixed(e *Entry) bool {
	return (q.List == "" || q.List == e.List) && (q.Subject == "" || q.Subject == e.Subject) &&
		(q.Kind == "" || q.Kind == e.SubjectKind) && (q.Ground == "" || q.Ground == e.Ground) && (q.By == "" || q.By == e.By) &&
		e.NominatedAt >= q.From && (q.Until == 0 || e.NominatedAt < q.Until)
}

// A cursor is where the answer stands, the last entry looked at and the question's
// short digest. It opens nothing that the question itself would not.
func writeCursor(s Stand, last exchange.EntryID, q Question) string {
	n := func(v int64) string { return strconv.FormatInt(v, 36) }
	return strings.Join([]string{"1", n(int64(s.AsOf)), n(int64(s.Known)), n(s.Size), string(last), shortOf(q)}, ".")
}

func readCursor(cursor string, q Question, newest Stand) (s Stand, after exchange.EntryID, ok bool) {
	part := strings.Split(cursor, ".")
	if len(part) != 6 || part[0] != "1" || part[5] != shortOf(q) || !exchange.ValidID(part[4]) {
		return s, "", false
	}
	var n [3]int64
	for i := range n {
		v, err := strconv.ParseInt(part[1+i], 36, 64)
		if err != nil || v < 1 || strconv.FormatInt(v, 36) != part[1+i] {
			return s, "", false
		}
		n[i] = v
	}
	s = Stand{exchange.Millis(n[0]), exchange.Millis(n[1]), n[2]}
	return s, exchange.EntryID(part[4]), s.Size <= newest.Size && s.Known <= newest.Known
}

func shortOf(q Question) string {
	sum := sha256.Sum256([]byte(q.String()))
	return hex.EncodeToString(sum[:8])
}

// Annulled is the end by which an entry was taken back as never right, where it came
// after a time at which the entry stood: what the list said then, it should not have.
// Repair says nothing of what was.
func (e *Entry) Annulled(at exchange.Millis) *End {
	if e.End == nil || e.End.At <= at || e.End.Reason != Revoked && e.End.Reason != Error {
		return nil
	}
	return e.End
}
