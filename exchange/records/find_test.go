package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// clocked gives a store a clock that a test turns.
func clocked(t *testing.T, s records.Store, at *time.Time) {
	t.Helper()
	clock := func() time.Time { return *at }
	switch s := s.(type) {
	case *records.SQLite:
		s.Clock = clock
	case *records.Postgres:
		s.Clock = clock
	default:
		t.Fatalf("%T", s)
	}
}

// all is what a question finds, page by page, and the ids in their order.
func all(t *testing.T, s records.Store, q records.Question, limit int, between func()) (ids []string, found []records.Found) {
	t.Helper()
	for after := records.Cursor(""); ; {
		page, err := s.Find(context.Background(), q, after, limit)
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if len(page.Records) > limit {
			t.Fatalf("%s: %d records on a page of %d", q, len(page.Records), limit)
		}
		for _, r := range page.Records {
			ids = append(ids, strings.TrimLeft(strings.TrimPrefix(string(r.ID), "record-"), "0"))
		}
		found = append(found, page)
		if after = page.Next; after == "" {
			return ids, found
		}
		if between != nil {
			between()
		}
	}
}

func wantFound(t *testing.T, s records.Store, text string, want ...string) {
	t.Helper()
	for _, limit := range []int{1, 2, 100} {
		if got, _ := all(t, s, ask(t, text), limit, nil); !slices.Equal(got, want) {
			t.Errorf("%s, %d a page: %v, want %v", text, limit, got, want)
		}
	}
}

// one is the n-th record with what a question can ask for.
func one(t *testing.T, n int, edit func(*records.Record)) records.Record {
	t.Helper()
	r := sample(t, n, "x")
	r.RowKey, r.Names, r.Numbers, r.Area = "", nil, nil, 0
	edit(&r)
	return r
}

// Each key narrows, and all of them together do.
func testQuestions(t *testing.T, open opener) {
	s := open(t, "store")
	day := exchange.MillisOf(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	insert(t, s,
		one(t, 1, func(r *records.Record) {
			r.Category, r.Subject, r.SubjectKind, r.Area, r.IssuedAt = "penalty", "org:1", "enterprise", 630102, day
		}),
		one(t, 2, func(r *records.Record) {
			r.Category, r.Subject, r.SubjectKind, r.Area, r.IssuedAt = "penalty", "org:2", "enterprise", 630200, day+1
		}),
		one(t, 3, func(r *records.Record) {
			r.Numbers, r.Area = []string{records.NumberKey("青罚决〔2024〕1号"), "许1"}, 640000
		}),
		one(t, 4, func(r *records.Record) { r.Author, r.Numbers = "court", []string{"许1"} }),
		one(t, 5, func(r *records.Record) { r.Replaces = recordID(3) }))
	if err := s.MarkRetracted(context.Background(), takenBack(recordID(1)), "why"); err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, "", "5", "4", "3", "2", "1")
	wantFound(t, s, "category=penalty", "2", "1")
	wantFound(t, s, "subject=org:2", "2")
	wantFound(t, s, "kind=enterprise&author=association", "2", "1")
	wantFound(t, s, "author=court", "4")
	wantFound(t, s, "number=青罚决(2024)1号", "3")
	wantFound(t, s, "number=许-1", "4", "3")
	wantFound(t, s, "number=许1&author=court", "4")
	wantFound(t, s, "area=63", "2", "1")
	wantFound(t, s, "area=6301", "1")
	wantFound(t, s, "area=630200", "2")
	wantFound(t, s, "area=640000", "3")
	wantFound(t, s, "area=65")
	wantFound(t, s, "status=active", "5", "4", "2")
	wantFound(t, s, "status=retracted", "1")
	wantFound(t, s, "status=corrected", "3")
	wantFound(t, s, "from=2026-11-20T00:00:00.001Z", "2")
	wantFound(t, s, "from=2026-11-20T00:00:00Z&until=2026-11-20T00:00:00.001Z", "1")
	wantFound(t, s, "category=penalty&area=63&status=active&kind=enterprise", "2")
}

// Pages of one answer are those of one moment: nothing that arrives or changes
// between them is on them, twice or missing. A cursor is its question's.
func testPagesStand(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	for n := 1; n <= 6; n++ {
		insert(t, s, one(t, n, func(r *records.Record) { r.Category = "penalty" }))
	}
	n := 6
	for _, text := range []string{"", "category=penalty", "status=active"} {
		before, _ := all(t, s, ask(t, text), 100, nil)
		active, _ := all(t, s, ask(t, "status=active"), 100, nil)
		var changing int // a record that is on a later page
		fmt.Sscan(active[len(active)-1], &changing)
		turn := 0
		got, pages := all(t, s, ask(t, text), 2, func() {
			turn++
			n++
			insert(t, s, one(t, n, func(r *records.Record) { r.Category = "penalty" }))
			if turn == 1 {
				n++
				insert(t, s, one(t, n, func(r *records.Record) { r.Category, r.Replaces = "penalty", recordID(changing) }))
			}
		})
		if !slices.Equal(got, before) {
			t.Errorf("%q: page by page %v, at once %v", text, got, before)
		}
		for _, p := range pages {
			if p.Known != pages[0].Known {
				t.Errorf("pages of two positions: %d and %d", pages[0].Known, p.Known)
			}
		}
		for _, p := range pages {
			for _, r := range p.Records {
				if r.ID == recordID(changing) && r.Status != records.Active {
					t.Errorf("%q: a later change shows on a page", text)
				}
			}
		}
		if _, err := s.Find(ctx, ask(t, "category=other"), pages[0].Next, 2); !errors.Is(err, records.ErrCursor) {
			t.Errorf("a cursor of another question: %v", err)
		}
		for i := range pages[0].Next {
			bad := []byte(pages[0].Next)
			bad[i] = '!'
			if _, err := s.Find(ctx, ask(t, text), records.Cursor(bad), 2); !errors.Is(err, records.ErrCursor) {
				t.Errorf("a damaged cursor: %v", err)
			}
		}
	}
}

// Subjects that answer to a name stay in their order, whatever names arrive.
func testPagesOfNamesStand(t *testing.T, open opener) {
	s := open(t, "store")
	is := func(n int, subject string, given string) records.Record {
		return one(t, n, func(r *records.Record) {
			r.Subject, r.SubjectKind, r.Names = exchange.SubjectID("org:"+subject), "enterprise", []string{given}
		})
	}
	insert(t, s, is(1, "near", "例省衡安保险代理有限公司"), is(2, "same", "例省恒安保险代理有限公司"), is(3, "alias", "例省恒安保险代理有限公司"),
		is(4, "alias", "例省青藏保险经纪有限公司"), is(5, "same", "例省恒安保险代理有限公司"), is(6, "near", "例省衡安保险代理有限公司"), is(7, "far", "例市平安财产保险公司"))
	const text = "name=例省恒安保险代理有限公司"
	want := []string{"5", "2", "4", "3", "6", "1"}
	wantFound(t, s, text, want...)
	n := 7
	got, pages := all(t, s, ask(t, text), 1, func() {
		n += 2 // another subject that would be first, and the second one's name changes places
		insert(t, s, is(n, fmt.Sprint("a", n), "例省恒安保险代理有限公司"), is(n+1, "same", "例省另有其名公司"))
	})
	if !slices.Equal(got, want) {
		t.Errorf("page by page %v, at once %v", got, want)
	}
	for i, level := range []string{"identical", "identical", "alias", "alias", "similar", "similar"} {
		if names := pages[i].Names; len(names) != 1 || string(names[0].Match.Reason) != level {
			t.Errorf("page %d: %+v, want %s", i, names, level)
		}
	}
	wantFound(t, s, text+"&known-at="+pages[0].Known.Time().Format("2006-01-02T15:04:05.999Z"), want...)
	wantFound(t, s, text+"&subject=org:near", "6", "1")
	if p, err := s.Find(context.Background(), ask(t, text), "", 100); err != nil || p.Names[0].Subject == "org:same" {
		t.Errorf("what arrived does not count afterwards: %+v %v", p.Names, err)
	}
}

// Two times: as-of is the author's, known-at this store's.
func testTwoTimes(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	clocked(t, s, &now)
	at := func(day int) exchange.Millis {
		return exchange.MillisOf(time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC))
	}
	issued := func(n, day int, edit func(*records.Record)) records.Record {
		return one(t, n, func(r *records.Record) {
			r.IssuedAt = at(day)
			if edit != nil {
				edit(r)
			}
		})
	}
	insert(t, s, issued(1, 1, nil), issued(2, 2, nil)) // known on the 20th
	now = now.AddDate(0, 0, 1)
	insert(t, s, issued(3, 10, func(r *records.Record) { r.Replaces = recordID(1) })) // on the 21st
	now = now.AddDate(0, 0, 1)
	d := takenBack(recordID(2))
	d.IssuedAt = int64(at(15)) / 1000
	if err := s.MarkRetracted(ctx, d, "why"); err != nil { // on the 22nd
		t.Fatal(err)
	}
	day := func(key string, n int) string { return fmt.Sprintf("%s=2026-11-%02dT23:00:00Z", key, n) }
	for _, c := range []struct {
		text string
		want string // id and status of each
	}{
		{"", "3 active, 2 retracted, 1 corrected"},
		{day("as-of", 1), "1 active"},
		{day("as-of", 5), "2 active, 1 active"},
		{day("as-of", 10), "3 active, 2 active, 1 corrected"},
		{day("as-of", 16), "3 active, 2 retracted, 1 corrected"},
		{day("known-at", 19), ""},
		{day("known-at", 20), "2 active, 1 active"},
		{day("known-at", 21), "3 active, 2 active, 1 corrected"},
		{day("known-at", 22), "3 active, 2 retracted, 1 corrected"},
		{day("known-at", 20) + "&" + day("as-of", 16), "2 active, 1 active"}, // then we did not know better
		{day("known-at", 22) + "&" + day("as-of", 5), "2 active, 1 active"},
		{"status=active", "3 active"},
		{"status=active&" + day("as-of", 5), "2 active, 1 active"},
		{"status=corrected&" + day("known-at", 21), "1 corrected"},
		{"status=retracted&" + day("known-at", 21), ""},
	} {
		page, err := s.Find(ctx, ask(t, c.text), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range page.Records {
			got = append(got, fmt.Sprintf("%s %s", strings.TrimLeft(strings.TrimPrefix(string(r.ID), "record-"), "0"), r.Status))
			if (r.ReplacedBy != "") != (r.Status == records.Corrected) {
				t.Errorf("%q: %s is %s and replaced by %q", c.text, r.ID, r.Status, r.ReplacedBy)
			}
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
	now = now.AddDate(-1, 0, 0) // a clock that goes back does not make history
	insert(t, s, issued(4, 16, nil))
	if r := get(t, s, recordID(4)); r.KnownAt <= get(t, s, recordID(2)).ChangedAt {
		t.Errorf("it arrived at %d, before what was there", r.KnownAt)
	}
}

// A mirrored record may arrive after what its author said of it.
func testLateArrivals(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	clocked(t, s, &now)
	day := func(n int) exchange.Millis { return exchange.MillisOf(time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC)) }
	old := one(t, 1, func(r *records.Record) { r.Author, r.IssuedAt = "court", day(1) })
	retraction := feed.Document{Kind: feed.Retraction, JWT: "retraction", Claims: feed.Claims{Issuer: "court", ID: "retraction-000000001",
		IssuedAt: int64(day(5)) / 1000, Federation: "qinghai", Record: old.ID}}
	entry := feed.EntryOf(feed.Record, string(old.ID), old.JWT)
	items := []records.Item{{Index: 0, Entry: entry, Lack: records.Missing}, {Index: 1, Entry: retraction.Entry(), Lack: records.Held, Document: &retraction}}
	if err := s.Follow(ctx, "court", 0, items, ""); err != nil {
		t.Fatal(err)
	}
	now = now.AddDate(0, 0, 1)
	if err := s.Fill(ctx, "court", records.Item{Index: 0, Entry: entry, Lack: records.Held, Record: &old}); err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, "status=retracted", "1")
	wantFound(t, s, "status=active&as-of=2026-11-03T00:00:00Z", "1")
	wantFound(t, s, "known-at=2026-11-20T23:00:00Z")
	wantFound(t, s, "known-at=2026-11-21T23:00:00Z&status=retracted", "1")
}

// What is erased answers no question any more.
func testQuestionsForgotten(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	insert(t, s, one(t, 1, func(r *records.Record) { r.Numbers = []string{"许1"} }))
	wantFound(t, s, "number=许1", "1")
	d := feed.Document{Kind: feed.Erasure, JWT: "erasure", Claims: feed.Claims{Issuer: "association", ID: "erasure-0000000000001", Federation: "qinghai", Record: recordID(1)}}
	if err := s.EraseRecord(ctx, d); err != nil {
		t.Fatal(err)
	}
	wantFound(t, s, "number=许1")
	if n := records.CountNumbers(t, s); n != 0 {
		t.Errorf("%d numbers of an erased record are left", n)
	}
}
