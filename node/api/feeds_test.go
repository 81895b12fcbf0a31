package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/records"
	"accord/node/config"
	"accord/node/feeds"
	"accord/node/wire"
)

// TestAFeedOverHTTP: what a member imports another holds, got through the API, and
// nothing that anybody may read of it tells of a subject or a value.
//
// Shows: I4
func TestAFeedOverHTTP(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	court := w.servers["court"]
	if err := court.Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	store := w.servers["association"].Agency.Records
	own, _ := store.Feed(ctx, "association")
	got, _ := court.Agency.Records.Feed(ctx, "association")
	if own.Edge.Size() == 0 || got.Edge.Root() != own.Edge.Root() {
		t.Fatalf("%d entries there, %d here", own.Edge.Size(), got.Edge.Size())
	}
	st, err := w.client("court", config.Clerk).Feeds(ctx)
	if err != nil || len(st.Alarms) > 0 {
		t.Fatalf("%+v %v", st, err)
	}
	held, err := court.Agency.Records.Count(ctx, records.Filter{Author: "association"})
	lacks, _ := court.Agency.Records.Lacks(ctx, "association")
	if err != nil || held+lacks[records.Withheld] != own.Edge.Size() || held == 0 {
		t.Errorf("%d records held of %d, lacking %v: %v", held, own.Edge.Size(), lacks, err)
	}
	page, _, err := store.List(ctx, records.Filter{}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []exchange.MemberID{"association", "court"} { // a mirror serves what it holds whole
		bundle := w.ask(at, caller{}, "GET", "/feeds/association/"+tlog.Tile{Level: tlog.EntriesLevel, Width: int(own.Edge.Size())}.Path(), "")
		note := w.ask(at, caller{}, "GET", "/feeds/association/checkpoint", "")
		if bundle.status != http.StatusOK || note.status != http.StatusOK {
			t.Fatalf("%s: %d %d", at, bundle.status, note.status)
		}
		for _, r := range page {
			if strings.Contains(bundle.body, string(r.Subject)) || strings.Contains(bundle.body, r.Category) {
				t.Error("an entry tells of its record")
			}
		}
	}
	if got := w.ask("court", caller{member: "regulator"}, "POST", "/api/v1/feeds/association/documents", `{"entries":[{"index":0,"digest":"x"}]}`); got.code != ErrCaller.Code {
		t.Errorf("a mirror hands documents on: %d %s", got.status, got.code)
	}
	for _, n := range []int{0, feeds.MaxAsk + 1} {
		many := `{"entries":[` + strings.TrimSuffix(strings.Repeat(`{"index":0,"digest":"x"},`, n), ",") + `]}`
		if got := w.ask("association", caller{member: "court"}, "POST", "/api/v1/feeds/association/documents", many); got.code != ErrBody.Code {
			t.Errorf("%d documents in one request: %d %s", n, got.status, got.code)
		}
	}
	if got := w.ask("association", caller{member: "court"}, "POST", "/api/v1/feeds/association/documents", `{"entries":[{"index":0,"digest":"x"}]}`); got.code != "FEED-031" {
		t.Errorf("another digest: %d %s", got.status, got.code)
	}
}

// TestChanges follows the ledger and a feed to their ends by number, and finds the
// roots that were signed.
func TestChanges(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	entry := exchange.EntryID(w.nominateByName(goodCode))
	public := w.client("association", config.Auditor)
	if _, err := w.client("association", config.Auditor).Bundle(ctx); err != nil {
		t.Fatal(err)
	}
	for _, feed := range []exchange.MemberID{"", "association"} {
		tree, next, named := new(tlog.Tree), int64(0), false
		for {
			got, err := public.Changes(ctx, feed, next, 7, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range got.Changes {
				if c.Number != tree.Append(tlog.LeafHash([]byte(c.Entry))) {
					t.Fatalf("change %d is out of place", c.Number)
				}
				named = named || slices.Contains(c.Entries, entry)
			}
			if next = got.Next; len(got.Changes) > 0 {
				continue
			}
			head, _, err := tlog.Read([]byte(got.Checkpoint))
			if root, rerr := tree.RootAt(head.Size); err != nil || rerr != nil || root != head.Root || head.Size == 0 || got.Size != tree.Size() {
				t.Errorf("%q: %+v of %d: %v %v", feed, head, tree.Size(), err, rerr)
			}
			break
		}
		if (feed == "") != named {
			t.Errorf("%q: list entry named: %v", feed, named)
		}
	}
	size := w.machine.View().Size()
	done := make(chan wire.Changes)
	go func() {
		got, _ := public.Changes(ctx, "", size, 10, 30)
		done <- got
	}()
	time.Sleep(50 * time.Millisecond)
	_, _ = w.servers["court"].Agency.Act(ctx, "zhao", exchange.VerbReleaseDeny, map[string]string{"release": "AAAAAAAAAAAAAAAAAAAAAA", "note": "x"})
	if got := <-done; len(got.Changes) == 0 || got.Changes[0].Number != size {
		t.Errorf("after waiting: %+v", got)
	}
	w.servers["association"].Config.RequestTimeout = 200 * time.Millisecond
	events := w.ask("association", caller{}, "GET", "/api/v1/changes", "", "Accept", "text/event-stream", "Last-Event-ID", "0")
	if !strings.HasPrefix(events.body, "id: 1\nevent: change\ndata: {") || !strings.HasPrefix(events.header.Get("Content-Type"), "text/event-stream") {
		t.Errorf("%v %.200s", events.header, events.body)
	}
	for _, bad := range []string{"?since=-1", "?wait=61", "?feed=nobody", "?x=1"} {
		if got := w.ask("association", caller{}, "GET", "/api/v1/changes"+bad, ""); got.status < 400 {
			t.Errorf("%s: %d", bad, got.status)
		}
	}
}

// TestErasure: an erased record is gone here and at its mirror, which signs for it.
func TestErasure(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	court := w.servers["court"]
	if err := court.Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	page, _, err := court.Agency.Records.List(ctx, records.Filter{Author: "association"}, "", 1)
	if err != nil || len(page) != 1 {
		t.Fatal(len(page), err)
	}
	officer := w.client("association", config.Officer)
	for _, bad := range []wire.EraseRecord{{Ground: "order"}, {Ground: "whim", Reference: "青01号"}} {
		if _, err := officer.EraseRecord(ctx, page[0].ID, bad); code(err) != ErrBody.Code {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	e, err := officer.EraseRecord(ctx, page[0].ID, wire.EraseRecord{Ground: "order", Reference: "青01号"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := officer.FeedReceipts(ctx, e.ID); err != nil || len(got.Receipts) != 0 || len(got.Awaited) != 3 {
		t.Errorf("before: %+v %v", got, err)
	}
	if err := court.Feeds.Poll(ctx, "association"); err != nil {
		t.Fatal(err)
	}
	for _, m := range []exchange.MemberID{"association", "court"} {
		if _, err := w.servers[m].Agency.Records.Get(ctx, page[0].ID); code(err) != records.ErrNotFound.Code {
			t.Errorf("%s: %v", m, err)
		}
	}
	got, err := officer.FeedReceipts(ctx, e.ID)
	if err != nil || len(got.Receipts) != 1 || got.Receipts[0].Member != "court" || len(got.Awaited) != 2 {
		t.Errorf("after: %+v %v", got, err)
	}
	raw, _ := json.Marshal(got)
	if strings.Contains(string(raw), "青01号") || strings.Contains(w.log.String(), "青01号") {
		t.Error("the decision's number got out")
	}
}
