package records

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"accord/exchange"
	"accord/exchange/names"
)

// Found is a page of what a question finds.
type Found struct {
	// Records are the newest first; where a name was asked for, those of the
	// subject that answers best before those of the next. Each is as it stood at the
	// times asked for.
	Records []Record
	// Names are the subjects of the page as a search by name found them, in order.
	Names []Named
	// More says that more subjects answer to the name than are looked at.
	More bool
	// Known is the position the whole answer stands on: what had reached the store
	// by then. All pages of an answer have the same.
	Known exchange.Millis
	Next  Cursor // "" after the last page
}

// maxSubjects is how many subjects a question by name looks at.
const maxSubjects = 100

// place is where an answer goes on. A cursor holds it with the digest of its
// question; it opens nothing that the question itself would not.
type place struct {
	known    exchange.Millis
	position int64
	subject  uint64 // short digest of the subject, where a name was asked for
}

const cursorVersion = 1

func (p place) cursor(q Question) Cursor {
	raw := []byte{cursorVersion}
	for _, n := range []uint64{uint64(p.known), uint64(p.position), p.subject, short(q.String())} {
		raw = binary.BigEndian.AppendUint64(raw, n)
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(raw))
}

func readCursor(c Cursor, q Question, newest exchange.Millis) (p place, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(raw) != 1+4*8 || raw[0] != cursorVersion {
		return place{}, ErrCursor.With()
	}
	at := func(i int) uint64 { return binary.BigEndian.Uint64(raw[1+8*i:]) }
	p = place{exchange.Millis(at(0)), int64(at(1)), at(2)}
	if at(3) != short(q.String()) || p.position < 1 || p.known < 0 || p.known > newest || (q.Name == "") != (p.subject == 0) ||
		q.KnownAt != 0 && p.known > q.KnownAt {
		return place{}, ErrCursor.With()
	}
	return p, nil
}

// short is the first half of a digest, never 0.
func short(text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return max(1, binary.BigEndian.Uint64(sum[:]))
}

// Find implements Store.
func (s *sqlStore) Find(ctx context.Context, q Question, after Cursor, limit int) (Found, error) {
	limit = min(max(limit, 1), MaxPage)
	newest, err := s.newest(ctx)
	if err != nil {
		return Found{}, err
	}
	at := place{known: newest, position: math.MaxInt64}
	if q.KnownAt != 0 {
		at.known = min(newest, q.KnownAt)
	}
	if after != "" {
		if at, err = readCursor(after, q, newest); err != nil {
			return Found{}, err
		}
	}
	out := Found{Known: at.known}
	if q.Name != "" {
		err := s.findNamed(ctx, q, at, limit, &out)
		return out, err
	}
	page, err := s.findPage(ctx, q, at, limit+1)
	if err != nil {
		return Found{}, err
	}
	if len(page) > limit {
		page = page[:limit]
		out.Next = place{known: at.known, position: page[limit-1].Position}.cursor(q)
	}
	out.Records = page
	return out, nil
}

// findNamed goes through the subjects that answer to the name, the best first.
func (s *sqlStore) findNamed(ctx context.Context, q Question, at place, limit int, out *Found) error {
	top, err := s.topAt(ctx, at.known)
	if err != nil {
		return err
	}
	all, more, err := s.searchNames(ctx, q.Name, maxSubjects, top)
	if err != nil {
		return err
	}
	out.More = more
	going := at.subject == 0
	for _, n := range all {
		from := place{known: at.known, position: math.MaxInt64}
		if !going {
			if short(string(n.Subject)) != at.subject {
				continue
			}
			going, from.position = true, at.position
		}
		if q.Subject != "" && n.Subject != q.Subject {
			continue
		}
		one := q
		one.Subject = n.Subject
		page, err := s.findPage(ctx, one, from, limit-len(out.Records)+1)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			continue
		}
		if len(out.Records) == limit { // this subject is the next page's first
			last := out.Records[limit-1]
			out.Next = place{at.known, last.Position, short(string(last.Subject))}.cursor(q)
			return nil
		}
		out.Names = append(out.Names, n)
		if left := limit - len(out.Records); len(page) > left {
			out.Records = append(out.Records, page[:left]...)
			out.Next = place{at.known, page[left-1].Position, short(string(n.Subject))}.cursor(q)
			return nil
		}
		out.Records = append(out.Records, page...)
	}
	if !going { // the subject it stopped at has been erased meanwhile
		return ErrCursor.With()
	}
	return nil
}

// findPage is what the question finds before a position, newest first, as it stood.
func (s *sqlStore) findPage(ctx context.Context, q Question, at place, limit int) ([]Record, error) {
	condition, args := q.where(at)
	page, err := s.query(ctx, `SELECT `+columns+` FROM records WHERE `+condition+` ORDER BY position DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	for i := range page {
		page[i].standAt(q.asOf(), at.known)
	}
	return page, nil
}

// asOf is the time at the authors, beyond all times where none is asked for.
func (q *Question) asOf() exchange.Millis {
	if q.AsOf == 0 {
		return math.MaxInt64
	}
	return q.AsOf
}

// where is the question as a condition, its name apart.
func (q *Question) where(at place) (condition string, args []any) {
	parts := []string{"position < ?", "known_at <= ?"}
	args = []any{at.position, int64(at.known)}
	add := func(part string, more ...any) { parts, args = append(parts, part), append(args, more...) }
	author := "author"
	if q.Category != "" || q.Subject != "" { // the index of the author would find much more
		author = "author || ''"
	}
	for _, m := range []struct{ column, value string }{
		{"subject", string(q.Subject)}, {"category", q.Category}, {author, string(q.Author)}, {"subject_kind", q.Kind},
	} {
		if m.value != "" {
			add(m.column+" = ?", m.value)
		}
	}
	if q.Number != "" {
		add("position IN (SELECT position FROM numbers WHERE number = ?)", q.Number)
	}
	if q.Area != "" {
		from, until := areas(q.Area)
		add("area >= ? AND area < ?", from, until)
	}
	if q.From != 0 {
		add("issued_at >= ?", int64(q.From))
	}
	if q.Until != 0 {
		add("issued_at < ?", int64(q.Until))
	}
	if q.AsOf != 0 {
		add("issued_at <= ?", int64(q.AsOf))
	}
	switch ended := []any{int64(at.known), int64(q.asOf())}; q.Status {
	case "":
	case Active:
		add("(status = 'active' OR changed_at > ? OR ended_at > ?)", ended...)
	default:
		add("status = ? AND changed_at <= ? AND ended_at <= ?", append([]any{string(q.Status)}, ended...)...)
	}
	return strings.Join(parts, " AND "), args
}

// standAt shows the record as it stood: a status is final, so that before its change
// it was Active.
func (r *Record) standAt(asOf, known exchange.Millis) {
	if r.Status != Active && (r.ChangedAt > known || r.EndedAt > asOf) {
		r.Status, r.ReplacedBy, r.Reason, r.ChangedAt, r.EndedAt = Active, "", "", 0, 0
	}
}

// Counted is how many active records of a category an author has on a subject.
type Counted struct {
	Category string
	Author   exchange.MemberID
	Active   int
}

// Counts implements Store.
func (s *sqlStore) Counts(ctx context.Context, subject exchange.SubjectID) ([]Counted, error) {
	return gather(s.engine.brief(ctx), s, func(row scanner) (c Counted, err error) {
		return c, row.Scan(&c.Category, (*string)(&c.Author), &c.Active)
	}, countActive, string(subject))
}

const countActive = `SELECT category, author, COUNT(*) FROM records WHERE subject = ? AND status = 'active'
	GROUP BY category, author ORDER BY category, author`

// OnSubject implements Store.
func (s *sqlStore) OnSubject(ctx context.Context, subject exchange.SubjectID, ids []exchange.RecordID) (map[exchange.RecordID]exchange.MemberID, error) {
	found := map[exchange.RecordID]exchange.MemberID{}
	for some := range slices.Chunk(ids, rowKeysPerQuery) {
		args := make([]any, len(some))
		for i, id := range some {
			args[i] = string(id)
		}
		_, err := gather(ctx, s, func(row scanner) (none struct{}, err error) {
			var id, author, of string
			if err = row.Scan(&id, &author, &of); err == nil && of == string(subject) {
				found[exchange.RecordID(id)] = exchange.MemberID(author)
			}
			return none, err
		}, subjectsByID+marks(len(some)), args...)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// subjectsByID goes by ids alone: a subject may have many records.
const subjectsByID = `SELECT id, author, subject FROM records WHERE id IN `

// newest is the latest time at which anything reached the store.
func (s *sqlStore) newest(ctx context.Context) (at exchange.Millis, err error) {
	err = s.read(ctx, func(p pool) error { return p.QueryRowContext(ctx, newestMoment).Scan((*int64)(&at)) })
	return at, err
}

// newestMoment is the latest time of all rows. Times never go back from one
// transaction to the next, so the newest row has the latest time of arrival.
const newestMoment = `SELECT COALESCE(MAX(at), 0) FROM (
	SELECT known_at AS at FROM records WHERE position = (SELECT MAX(position) FROM records)
	UNION ALL SELECT MAX(changed_at) AS at FROM records WHERE changed_at > 0) AS moments`

// topAt is the position of the last record that had arrived by a time.
func (s *sqlStore) topAt(ctx context.Context, known exchange.Millis) (top int64, err error) {
	found, err := gather(ctx, s, func(row scanner) (n int64, err error) { return n, row.Scan(&n) },
		`SELECT position FROM records WHERE known_at <= ? ORDER BY position DESC LIMIT 1`, int64(known))
	if len(found) > 0 {
		top = found[0]
	}
	return top, err
}

// now is the time of everything that a transaction stores: the clock's, and later
// than that of every transaction before. So a time says what was in the store by
// then, and a question that stands on one gets the same answer again.
func (t *transaction) now(ctx context.Context) (exchange.Millis, error) {
	if t.at == 0 {
		var last int64
		if err := t.QueryRowContext(ctx, newestMoment).Scan(&last); err != nil {
			return 0, err
		}
		t.at = max(exchange.MillisOf(t.clock()), exchange.Millis(last)+1)
	}
	return t.at, nil
}

// searchNames finds subjects by the names they had by the time the store had top
// positions.
func (s *sqlStore) searchNames(ctx context.Context, name string, limit int, top int64) ([]Named, bool, error) {
	query := names.NewQuery(name)
	probe := query.Probe()
	if probe.Whole == "" || limit < 1 {
		return nil, false, nil
	}
	some, more, err := s.rarest(ctx, probe.Any, probe.Need)
	if err != nil {
		return nil, false, err
	}
	byID := map[int64]candidate{}
	for _, look := range []struct {
		keys []string
		most int
	}{{[]string{probe.Whole}, maxSame}, {[]string{probe.Sound}, maxCompared}, {some, maxCompared}} {
		found, err := s.candidates(ctx, look.keys, look.most)
		if err != nil {
			return nil, false, err
		}
		more = more || len(found) == look.most
		for _, c := range found {
			if c.first <= top {
				byID[c.id] = c
			}
		}
	}
	found, err := s.judge(ctx, query, byID, top)
	if err != nil {
		return nil, false, err
	}
	if len(found) > limit {
		found, more = found[:limit], true
	}
	return found, more, nil
}
