package records_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// opener opens the store under test; a second call with the same name opens
// the same data again.
type opener func(t *testing.T, name string) records.Store

// RunStoreTests is what every implementation of records.Store has to pass.
func RunStoreTests(t *testing.T, open opener) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, opener)
	}{
		{"round trip", testRoundTrip}, {"atomic batch", testAtomicBatch}, {"row keys", testRowKeys},
		{"correction", testCorrection}, {"retraction", testRetraction}, {"pages", testPages}, {"filters", testFilters},
		{"erase", testErase}, {"positions", testPositions}, {"refusals", testRefusals}, {"cancelled", testCancelled},
		{"reopen", testReopen}, {"feed", testFeed}, {"follow", testFollow}, {"erasures", testErasures}, {"names", testNames}, {"names forgotten", testNamesForgotten},
		{"name set", testNameSet}, {"questions", testQuestions}, {"pages stand", testPagesStand}, {"pages of names stand", testPagesOfNamesStand}, {"two times", testTwoTimes},
		{"tallies", testTallies}, {"late arrivals", testLateArrivals}, {"questions forgotten", testQuestionsForgotten}, {"coverage", testCoverage}, {"custody", testCustody},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open) })
	}
}

var sealer = func() *seal.Sealer {
	s, err := seal.NewSealer(bytes.Repeat([]byte{7}, 32), rand.NewChaCha8([32]byte{1}))
	if err != nil {
		panic(err)
	}
	return s
}()

func recordID(n int) exchange.RecordID { return exchange.RecordID(fmt.Sprintf("record-%016d", n)) }

// sample makes the n-th record; the plaintext of its sealed field is secret.
func sample(t *testing.T, n int, secret string) records.Record {
	t.Helper()
	id, digest := recordID(n), fmt.Sprintf("digest-%d", n)
	sealed, err := sealer.Seal(seal.Binding{Record: string(id), Field: "resident_id", Digest: digest}, []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	jwt := fmt.Sprintf("header.payload-%d.signature", n)
	return records.Record{
		ID: id, Category: "discipline-practitioner", Author: "association", Operator: "zhang",
		Subject: exchange.SubjectID(fmt.Sprintf("person:h1.%d", n%7)), SubjectKind: "practitioner",
		Names:   []string{fmt.Sprintf("例省第%d公司", n%7)},
		Numbers: []string{fmt.Sprintf("例保许%03d", n)}, Area: int64(630100 + n%7),
		CatalogueVersion: 1, CatalogueDigest: "sha256:00", IssuedAt: exchange.Millis(1_700_000_000_000 + n),
		JWT: jwt, Digest: records.DigestOf(jwt),
		Sealed: []records.SealedField{{Field: "resident_id", Digest: digest, Sealed: sealed}},
		RowKey: fmt.Sprintf("key-%d", n), RowDigest: fmt.Sprintf("row-%d", n),
		Source: "discipline.xlsx", Trust: "official", Flags: []string{"date_month_only"}, Status: records.Active,
	}
}

// takenBack is the association's retraction of a record, as far as a store looks at it.
func takenBack(id exchange.RecordID) feed.Document {
	return feed.Document{Kind: feed.Retraction, JWT: "retraction of " + string(id),
		Claims: feed.Claims{Issuer: "association", ID: "retraction-" + string(id), Federation: "qinghai", Record: id}}
}

func insert(t *testing.T, s records.Store, batch ...records.Record) {
	t.Helper()
	if err := s.InsertBatch(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s records.Store, id exchange.RecordID) records.Record {
	t.Helper()
	r, err := s.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testRoundTrip(t *testing.T, open opener) {
	s := open(t, "store")
	want := sample(t, 1, "secret")
	insert(t, s, want)
	want.Position, want.FeedIndex = 1, 0
	got := get(t, s, want.ID)
	if want.KnownAt = got.KnownAt; got.KnownAt == 0 {
		t.Error("when it arrived is not kept")
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
	plain, err := sealer.Open(seal.Binding{Record: string(got.ID), Field: "resident_id", Digest: "digest-1"}, got.Sealed[0].Sealed)
	if err != nil || string(plain) != "secret" {
		t.Errorf("the sealed field does not open after storing: %v", err)
	}
	if _, err := s.Get(context.Background(), recordID(2)); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an absent record gave %v", err)
	}
}

func testAtomicBatch(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	insert(t, s, sample(t, 1, "x"))
	clash := sample(t, 3, "x")
	clash.RowKey = "key-2"
	err := s.InsertBatch(ctx, []records.Record{sample(t, 2, "x"), clash}, records.Position{Feed: "f", Index: 9})
	if !errors.Is(err, records.ErrDuplicate) {
		t.Fatalf("two rows of one key in a batch: %v", err)
	}
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 4, "x"), sample(t, 1, "x")}); !errors.Is(err, records.ErrDuplicate) {
		t.Fatalf("an id that exists: %v", err)
	}
	if n, _ := s.Count(ctx, records.Filter{}); n != 1 {
		t.Errorf("a refused batch left %d records, want 1", n)
	}
	if p, _ := s.Position(ctx, "f"); p != 0 {
		t.Errorf("a refused batch moved the feed to %d", p)
	}
	insert(t, s, sample(t, 5, "x"))
	if r := get(t, s, recordID(5)); r.Position != 2 {
		t.Errorf("position %d after refused batches, want 2", r.Position)
	}
}

func testRowKeys(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	var batch []records.Record
	var keys []string
	for n := range 1200 {
		r := sample(t, n, "x")
		r.Sealed = nil
		batch, keys = append(batch, r), append(keys, r.RowKey)
	}
	batch[7].RowKey = "" // made by hand
	insert(t, s, batch...)
	if err := s.MarkRetracted(ctx, takenBack(recordID(3)), ""); err != nil {
		t.Fatal(err)
	}
	found, err := s.ByRowKeys(ctx, "association", "discipline-practitioner", append(keys, "", "unknown"))
	if err != nil || len(found) != 1198 {
		t.Fatalf("%d rows, %v; want 1198: a retracted one and one by hand do not count", len(found), err)
	}
	if found["key-5"] != (records.RowRef{ID: recordID(5), RowDigest: "row-5"}) {
		t.Errorf("key-5 gave %v", found["key-5"])
	}
	for _, other := range []struct {
		author   exchange.MemberID
		category string
	}{{"regulator", "discipline-practitioner"}, {"association", "admin-penalty"}} {
		if found, _ := s.ByRowKeys(ctx, other.author, other.category, keys); len(found) != 0 {
			t.Errorf("%v sees %d rows of another", other, len(found))
		}
	}
	if found, err := s.ByRowKeys(ctx, "association", "discipline-practitioner", nil); err != nil || len(found) != 0 {
		t.Errorf("no keys gave %v, %v", found, err)
	}
}

func testCorrection(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	insert(t, s, sample(t, 1, "x"))
	better := sample(t, 2, "y")
	better.RowKey, better.Replaces, better.Reason = "key-1", recordID(1), "wrong name"
	insert(t, s, better)
	old := get(t, s, recordID(1))
	if old.Status != records.Corrected || old.ReplacedBy != recordID(2) || old.Reason != "wrong name" {
		t.Errorf("the corrected record says %v by %q for %q", old.Status, old.ReplacedBy, old.Reason)
	}
	if r := get(t, s, recordID(2)); r.Replaces != recordID(1) || r.Status != records.Active {
		t.Errorf("the correction says %v for %q", r.Status, r.Replaces)
	}
	if found, _ := s.ByRowKeys(ctx, "association", "discipline-practitioner", []string{"key-1"}); found["key-1"].ID != recordID(2) {
		t.Errorf("the row is held by %v", found["key-1"])
	}
	if err := s.MarkReplaced(ctx, recordID(1), recordID(2), "again"); err != nil {
		t.Errorf("the same correction again: %v", err)
	}
	if r := get(t, s, recordID(1)); r.Reason != "wrong name" {
		t.Errorf("saying it again changed the reason to %q", r.Reason)
	}
	other := sample(t, 3, "z")
	other.Replaces = recordID(1)
	if err := s.InsertBatch(ctx, []records.Record{other}); !errors.Is(err, records.ErrNotActive) {
		t.Errorf("a second correction of the same record: %v", err)
	}
	other.Replaces = recordID(77)
	if err := s.InsertBatch(ctx, []records.Record{other}); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a correction of nothing: %v", err)
	}
	if err := s.MarkReplaced(ctx, recordID(2), recordID(2), ""); !errors.Is(err, records.ErrRecord) {
		t.Errorf("a record replaced by itself: %v", err)
	}
}

func testRetraction(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	insert(t, s, sample(t, 1, "x"))
	for range 2 {
		if err := s.MarkRetracted(ctx, takenBack(recordID(1)), "not ours"); err != nil {
			t.Fatal(err)
		}
	}
	if r := get(t, s, recordID(1)); r.Status != records.Retracted || r.Reason != "not ours" {
		t.Errorf("status %v, reason %q", r.Status, r.Reason)
	}
	if err := s.MarkReplaced(ctx, recordID(1), recordID(2), ""); !errors.Is(err, records.ErrNotActive) {
		t.Errorf("correcting a retracted record: %v", err)
	}
	if err := s.MarkRetracted(ctx, takenBack(recordID(9)), ""); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("retracting nothing: %v", err)
	}
	again := sample(t, 2, "x")
	again.RowKey = "key-1"
	insert(t, s, again) // a retracted row may come back
}

func testPages(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	var batch []records.Record
	for n := range 25 {
		batch = append(batch, sample(t, n, "x"))
	}
	insert(t, s, batch...)
	for _, newest := range []bool{false, true} {
		var seen []exchange.RecordID
		cursor, pages := records.Cursor(""), 0
		for {
			page, next, err := s.List(ctx, records.Filter{Newest: newest}, cursor, 10)
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, r := range page {
				if r.Sealed != nil {
					t.Error("a list carries sealed fields")
				}
				seen = append(seen, r.ID)
			}
			if next == "" {
				break
			}
			cursor = next
		}
		if len(seen) != 25 || pages != 3 {
			t.Fatalf("newest %v: %d records on %d pages, want 25 on 3", newest, len(seen), pages)
		}
		for i, id := range seen {
			want := recordID(i)
			if newest {
				want = recordID(24 - i)
			}
			if id != want {
				t.Fatalf("newest %v: place %d holds %s, want %s", newest, i, id, want)
			}
		}
	}
	for _, cursor := range []records.Cursor{"x", "0", "-1", "01", "+1", "1 ", "9223372036854775808", "1 OR 1=1"} {
		if _, _, err := s.List(ctx, records.Filter{}, cursor, 10); !errors.Is(err, records.ErrCursor) {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	if page, next, err := s.List(ctx, records.Filter{}, "", 25); err != nil || len(page) != 25 || next != "" {
		t.Errorf("a page of exactly all: %d, %q, %v", len(page), next, err)
	}
}

func testFilters(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	var batch []records.Record
	for n := range 14 {
		r := sample(t, n, "x")
		if n >= 10 {
			r.Category, r.Author, r.SubjectKind, r.Source = "admin-penalty", "regulator", "enterprise", "penalties.csv"
		}
		batch = append(batch, r)
	}
	insert(t, s, batch...)
	if err := s.MarkRetracted(ctx, takenBack(recordID(0)), ""); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		filter records.Filter
		want   int64
	}{
		{records.Filter{}, 14},
		{records.Filter{Category: "admin-penalty"}, 4},
		{records.Filter{Author: "association"}, 10},
		{records.Filter{Subject: "person:h1.0"}, 2},
		{records.Filter{SubjectKind: "enterprise"}, 4},
		{records.Filter{Source: "penalties.csv"}, 4},
		{records.Filter{Status: records.Active}, 13},
		{records.Filter{Status: records.Retracted}, 1},
		{records.Filter{IssuedFrom: 1_700_000_000_005, IssuedUntil: 1_700_000_000_008}, 3},
		{records.Filter{Category: "admin-penalty", Author: "association"}, 0},
		{records.Filter{Category: "' OR 1=1 --"}, 0},
	} {
		n, err := s.Count(ctx, test.filter)
		page, _, errList := s.List(ctx, test.filter, "", 100)
		if err != nil || errList != nil || n != test.want || int64(len(page)) != test.want {
			t.Errorf("%+v: count %d, list %d (%v, %v); want %d", test.filter, n, len(page), err, errList, test.want)
		}
	}
	page, err := s.BySubject(ctx, "person:h1.0", 10)
	if err != nil || len(page) != 2 || page[0].ID != recordID(7) || page[1].Status != records.Retracted {
		t.Errorf("by subject: %v, %v", page, err)
	}
	on, err := s.OnSubject(ctx, "person:h1.0", []exchange.RecordID{page[0].ID, recordID(8), "none"})
	if err != nil || len(on) != 1 || on[page[0].ID] != page[0].Author {
		t.Errorf("on the subject: %v, %v", on, err)
	}
	counts, err := s.Counts(ctx, "person:h1.0") // the first of its two was retracted
	if want := []records.Counted{{Category: page[0].Category, Author: page[0].Author, Active: 1}}; err != nil || !slices.Equal(counts, want) {
		t.Errorf("counts: %v, %v", counts, err)
	}
}

func testErase(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	r := sample(t, 1, "x")
	second, err := sealer.Seal(seal.Binding{Record: string(r.ID), Field: "name", Digest: "d"}, []byte("y"))
	if err != nil {
		t.Fatal(err)
	}
	r.Sealed = append(r.Sealed, records.SealedField{Field: "name", Digest: "d", Sealed: second})
	insert(t, s, r)
	if _, err := s.Erase(ctx, r.ID, "name", "unknown"); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an unknown field: %v", err)
	}
	if got := get(t, s, r.ID); got.Sealed[1].Erased {
		t.Error("a refused erasure erased something")
	}
	if n, err := s.Erase(ctx, r.ID, "name"); n != 1 || err != nil {
		t.Fatalf("erased %d, %v", n, err)
	}
	got := get(t, s, r.ID)
	if got.Sealed[0].Erased || !got.Sealed[1].Erased || got.Sealed[1].Digest != "d" || got.Sealed[1].Sealed.Key != nil {
		t.Errorf("after erasing one field: %+v", got.Sealed)
	}
	if got.JWT != r.JWT || got.Digest != r.Digest {
		t.Error("erasing changed the signed part")
	}
	if n, err := s.Erase(ctx, r.ID); n != 1 || err != nil {
		t.Errorf("erasing the rest: %d, %v", n, err)
	}
	if n, err := s.Erase(ctx, r.ID); n != 0 || err != nil {
		t.Errorf("erasing again: %d, %v", n, err)
	}
	if _, err := s.Erase(ctx, recordID(9)); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an unknown record: %v", err)
	}
}

func testPositions(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	if p, err := s.Position(ctx, "court"); p != 0 || err != nil {
		t.Fatalf("at first %d, %v", p, err)
	}
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 1, "x")}, records.Position{Feed: "court", Index: 4}); err != nil {
		t.Fatal(err)
	}
	if err := s.InsertBatch(ctx, nil, records.Position{Feed: "regulator", Index: 2}, records.Position{Feed: "court", Index: 5}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPosition(ctx, records.Position{Feed: "insurer", Index: 7}); err != nil {
		t.Fatal(err)
	}
	for feed, want := range map[string]int64{"court": 5, "regulator": 2, "insurer": 7} {
		if p, err := s.Position(ctx, feed); p != want || err != nil {
			t.Errorf("%s at %d (%v), want %d", feed, p, err, want)
		}
	}
	if err := s.SetPosition(ctx, records.Position{Feed: "", Index: 7}); !errors.Is(err, records.ErrRecord) {
		t.Errorf("a position of no feed: %v", err)
	}
}

func testRefusals(t *testing.T, open opener) {
	s := open(t, "store")
	for name, spoil := range map[string]func(*records.Record){
		"short id":        func(r *records.Record) { r.ID = "short" },
		"category":        func(r *records.Record) { r.Category = "a b" },
		"author":          func(r *records.Record) { r.Author = "" },
		"subject":         func(r *records.Record) { r.Subject = "person:a b" },
		"digest":          func(r *records.Record) { r.Digest = records.DigestOf("other") },
		"no jwt":          func(r *records.Record) { r.JWT = "" },
		"status":          func(r *records.Record) { r.Status = "gone" },
		"field twice":     func(r *records.Record) { r.Sealed = append(r.Sealed, r.Sealed[0]) },
		"field of no box": func(r *records.Record) { r.Sealed[0].Sealed = seal.Sealed{} },
		"NUL":             func(r *records.Record) { r.Source = "a\x00b" },
		"not UTF-8":       func(r *records.Record) { r.RowKey = "a\xff" },
		"long reason":     func(r *records.Record) { r.Reason = string(make([]byte, 3000)) },
	} {
		r := sample(t, 1, "x")
		spoil(&r)
		if err := s.InsertBatch(context.Background(), []records.Record{r}); !errors.Is(err, records.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n, _ := s.Count(context.Background(), records.Filter{}); n != 0 {
		t.Errorf("%d refused records are stored", n)
	}
}

func testCancelled(t *testing.T, open opener) {
	s := open(t, "store")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 1, "x")}); !errors.Is(err, context.Canceled) {
		t.Errorf("insert: %v", err)
	}
	if _, err := s.Count(ctx, records.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("count: %v", err)
	}
}

func testReopen(t *testing.T, open opener) {
	s := open(t, "store")
	want := sample(t, 1, "x")
	if err := s.InsertBatch(context.Background(), []records.Record{want}, records.Position{Feed: "court", Index: 3}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, "store")
	want.Position, want.KnownAt = 1, get(t, s, want.ID).KnownAt
	if got := get(t, s, want.ID); !reflect.DeepEqual(got, want) {
		t.Errorf("after reopening: %#v", got)
	}
	if p, _ := s.Position(context.Background(), "court"); p != 3 {
		t.Errorf("the feed is at %d, want 3", p)
	}
}
