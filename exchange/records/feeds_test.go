package records_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// treeOf makes a feed's tree from its entries, and compares every tile with what
// the store serves.
func treeOf(t *testing.T, s records.Store, author exchange.MemberID) *tlog.Tree {
	t.Helper()
	ctx := context.Background()
	f, err := s.Feed(ctx, author)
	if err != nil {
		t.Fatal(err)
	}
	tree := new(tlog.Tree)
	for from := int64(0); from < f.Edge.Size(); {
		items, err := s.FeedItems(ctx, author, from, 1000)
		if err != nil || len(items) == 0 {
			t.Fatalf("from %d: %d items, %v", from, len(items), err)
		}
		for _, item := range items {
			if item.Index != tree.Append(item.Entry.Leaf()) {
				t.Fatalf("item %d is out of place", item.Index)
			}
		}
		from += int64(len(items))
	}
	if tree.Root() != f.Edge.Root() {
		t.Fatal("the entries do not have the feed's root")
	}
	tiles, err := tree.View().Tiles(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tile := range tiles {
		want, _ := tree.View().TileData(tile)
		if got, err := s.FeedTile(ctx, author, tile); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %v", tile.Path(), err)
		}
	}
	return tree
}

// TestFeedOfMany crosses the borders of bundles and of the first level of tiles.
func testFeed(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	n := 0
	for _, size := range []int{1, 254, 1, 1, 600, 255, 300} {
		var batch []records.Record
		for range size {
			r := sample(t, n, "x")
			r.Sealed = nil
			batch, n = append(batch, r), n+1
		}
		insert(t, s, batch...)
	}
	better := sample(t, n, "y")
	better.Replaces = recordID(7)
	insert(t, s, better)
	if err := s.MarkRetracted(ctx, takenBack(recordID(9)), "x"); err != nil {
		t.Fatal(err)
	}
	tree := treeOf(t, s, "association")
	if tree.Size() != int64(n)+2 {
		t.Fatalf("%d entries for %d records, a correction and a retraction", tree.Size(), n)
	}
	if got := get(t, s, recordID(300)); got.FeedIndex != 300 {
		t.Errorf("record 300 says it is at %d", got.FeedIndex)
	}
	items, err := s.FeedItems(ctx, "association", int64(n)-1, 10)
	if err != nil || len(items) != 3 || items[0].Entry.Kind != feed.Record || items[1].Entry.Kind != feed.Correction ||
		items[2].Entry.Kind != feed.Retraction || !items[2].Entry.Matches(items[2].JWT) || !items[1].Entry.Matches(items[1].JWT) {
		t.Errorf("%+v %v", items, err)
	}
	clash := sample(t, 1, "x")
	if err := s.InsertBatch(ctx, []records.Record{sample(t, 5000, "x"), clash}); !errors.Is(err, records.ErrDuplicate) {
		t.Fatal(err)
	}
	if f, _ := s.Feed(ctx, "association"); f.Edge.Size() != tree.Size() {
		t.Error("a refused batch is in the feed")
	}
	for _, tile := range []tlog.Tile{{Level: 0, Index: 99, Width: 1}, {Level: 5, Width: 1}, {Level: -2, Width: 1}, {Level: 0, Width: 0},
		{Level: 0, Index: 5, Width: 256}, {Level: tlog.EntriesLevel, Index: 5, Width: 256}, {Level: 1, Width: 99}} {
		if _, err := s.FeedTile(ctx, "association", tile); !errors.Is(err, records.ErrNotFound) {
			t.Errorf("%+v: %v", tile, err)
		}
	}
}

// mirrored is what a follower takes over of a record.
func mirrored(r records.Record, kind feed.Kind) records.Item {
	r.Sealed, r.RowKey, r.RowDigest, r.Operator, r.Source, r.Flags = nil, "", "", "", "", nil
	return records.Item{Entry: feed.EntryOf(kind, string(r.ID), r.JWT), Record: &r}
}

func testFollow(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	own := sample(t, 50, "x")
	own.Author = "regulator"
	insert(t, s, own)
	better := sample(t, 3, "x")
	better.Replaces = recordID(1)
	back := takenBack(recordID(2))
	thief := sample(t, 50, "x") // the id of our own record
	hostile := sample(t, 51, "x")
	hostile.Replaces = recordID(50) // which is not the association's
	items := []records.Item{mirrored(sample(t, 1, "x"), feed.Record), mirrored(sample(t, 2, "x"), feed.Record),
		{Entry: feed.EntryOf(feed.Record, string(recordID(4)), "withheld"), Lack: records.Withheld, Category: "secret"},
		mirrored(better, feed.Correction), {Entry: back.Entry(), Document: &back}, mirrored(thief, feed.Record), mirrored(hostile, feed.Correction)}
	if err := s.Follow(ctx, "association", 0, items, "note 1"); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(ctx, "association", 0, items, "note 1"); !errors.Is(err, records.ErrMoved) {
		t.Errorf("the same again: %v", err)
	}
	for id, want := range map[exchange.RecordID]records.Status{recordID(1): records.Corrected, recordID(2): records.Retracted,
		recordID(3): records.Active, recordID(50): records.Active, recordID(51): records.Active} {
		if got := get(t, s, id); got.Status != want {
			t.Errorf("%s is %s, not %s", id, got.Status, want)
		}
	}
	if get(t, s, recordID(50)).Author != "regulator" {
		t.Error("another member's record took the place of an own one")
	}
	for why, at := range map[records.Lack]int64{records.Withheld: 2, records.Clash: 5} {
		got, err := s.Lacking(ctx, "association", why, 0, 10)
		if err != nil || len(got) != 1 || got[0].Index != at {
			t.Errorf("%s: %+v %v", why, got, err)
		}
	}
	if f, _ := s.Feed(ctx, "association"); f.Note != "note 1" || f.Edge.Size() != 7 {
		t.Errorf("%+v", f)
	}
	treeOf(t, s, "association")
	late := sample(t, 4, "x")
	late.JWT = "withheld"
	late.Digest = records.DigestOf(late.JWT)
	filled := mirrored(late, feed.Record)
	filled.Index = 2
	for _, want := range []error{nil, records.ErrNotFound} {
		if err := s.Fill(ctx, "association", filled); !errors.Is(err, want) {
			t.Errorf("filling in: %v, want %v", err, want)
		}
	}
	for name, bad := range map[string]records.Item{
		"another member's record": mirrored(own, feed.Record),
		"no document":             {Entry: items[0].Entry},
		"another document":        {Entry: items[0].Entry, Record: items[1].Record},
		"lacking and there":       {Entry: items[0].Entry, Record: items[0].Record, Lack: records.Missing},
	} {
		if err := s.Follow(ctx, "association", 7, []records.Item{bad}, "x"); !errors.Is(err, records.ErrRecord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testErasures(t *testing.T, open opener) {
	s, ctx := open(t, "store"), context.Background()
	better := sample(t, 2, "x")
	better.RowKey, better.Replaces = "key-1", recordID(1)
	insert(t, s, sample(t, 1, "x"), better, sample(t, 3, "x"))
	erasure := func(by exchange.MemberID, id exchange.RecordID) feed.Document {
		return feed.Document{Kind: feed.Erasure, JWT: fmt.Sprint("erasure of ", id, " by ", by),
			Claims: feed.Claims{Issuer: by, ID: fmt.Sprint("erasure-", by, "-", id), Record: id, Ground: feed.GroundOrder}}
	}
	if err := s.EraseRecord(ctx, erasure("regulator", recordID(1))); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("another member's record: %v", err)
	}
	if err := s.EraseRecord(ctx, erasure("association", recordID(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(ctx, recordID(1)); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("an erased record: %v", err)
	}
	if got := get(t, s, recordID(2)); got.Replaces != "" || got.Status != records.Active {
		t.Errorf("its correction: %+v", got)
	}
	items, err := s.FeedItems(ctx, "association", 0, 10)
	if err != nil || len(items) != 4 || items[0].Lack != records.Erased || items[0].JWT != items[3].JWT || items[3].Entry.Kind != feed.Erasure {
		t.Errorf("%+v %v", items, err)
	}
	treeOf(t, s, "association")
	receipt := records.Receipt{Erasure: items[3].Entry.ID, Member: "court", JWT: "a.b.c", At: 7}
	for range 2 {
		if err := s.AddReceipt(ctx, receipt); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Receipts(ctx, receipt.Erasure); err != nil || len(got) != 1 || got[0] != receipt {
		t.Errorf("%+v %v", got, err)
	}
	receipt.Erasure = "of-nothing-at-all"
	if err := s.AddReceipt(ctx, receipt); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("a receipt for nothing: %v", err)
	}
}
