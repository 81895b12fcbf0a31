package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/config"
	"accord/node/witness"
)

// TestTheServedLogIsWhole rebuilds the log from its tiles and entries as a
// stranger would, with nothing but the policy.
func TestTheServedLogIsWhole(t *testing.T) {
	w := newWorld(t)
	if got := w.ask("court", caller{}, "GET", "/ledger/checkpoint", ""); got.code != witness.ErrNoCheckpoint.Code {
		t.Errorf("before there is one: %d %s", got.status, got.code)
	}
	w.nominateByName(goodCode)
	for range 260 { // refused by a rule, and an entry of the log like any other
		_, _ = w.servers["court"].Agency.Act(context.Background(), "zhao", exchange.VerbReleaseDeny,
			map[string]string{"release": "AAAAAAAAAAAAAAAAAAAAAA", "note": "x"})
	}
	if w.machine.View().Size() < tlog.TileWidth {
		t.Fatalf("%d entries do not fill a tile", w.machine.View().Size())
	}
	if _, err := w.client("court", config.Auditor).Bundle(context.Background()); err != nil {
		t.Fatal(err)
	}
	get := func(path string) reply { return w.ask("court", caller{}, "GET", path, "") }
	policy, err := tlog.ParsePolicy([]byte(get("/ledger/policy").body))
	if err != nil {
		t.Fatal(err)
	}
	served := get("/ledger/checkpoint")
	signed, err := policy.Check([]byte(served.body), tlog.LedgerOrigin("qinghai"))
	if err != nil || signed.Size != w.machine.View().Size() {
		t.Fatalf("%v, size %d of %d", err, signed.Size, w.machine.View().Size())
	}
	tree := new(tlog.Tree)
	for first := int64(0); first < signed.Size; first += tlog.TileWidth {
		tile := tlog.Tile{Level: tlog.EntriesLevel, Index: first / tlog.TileWidth, Width: int(min(tlog.TileWidth, signed.Size-first))}
		got := get("/ledger/" + tile.Path())
		entries, err := tlog.ParseEntryBundle([]byte(got.body), tile.Width)
		if err != nil {
			t.Fatalf("%s: %v", tile.Path(), err)
		}
		if full := tile.Width == tlog.TileWidth; full != strings.Contains(got.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s is cached as %q", tile.Path(), got.header.Get("Cache-Control"))
		}
		for _, e := range entries {
			if !strings.HasPrefix(string(e), "accord-ledger-leaf/1\n") || len(e) > 200 {
				t.Errorf("an entry holds more than a leaf: %q", e)
			}
			tree.Append(tlog.LeafHash(e))
		}
	}
	if tree.Root() != signed.Root {
		t.Error("the entries do not have the signed root")
	}
	tiles, err := tree.View().Tiles(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tile := range tiles {
		want, err := tree.View().TileData(tile)
		if err != nil {
			t.Fatal(err)
		}
		if got := get("/ledger/" + tile.Path()); got.body != string(want) || got.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s differs", tile.Path())
		}
	}
	tag := served.header.Get("ETag")
	r := w.ask("court", caller{}, "GET", "/ledger/checkpoint", "", "If-None-Match", tag)
	if tag == "" || r.status != http.StatusNotModified || r.body != "" {
		t.Errorf("asked again with %q: %d", tag, r.status)
	}
	for _, bad := range []string{"tile/0/999", "tile/0/000.p/256", "tile/entries/001.p/255", "tile/9/000", "tile/data/000", "tile/0/-1", "tile/entries/000.p/0"} {
		if got := get("/ledger/" + bad); got.code != ErrTile.Code {
			t.Errorf("%s: %d %s", bad, got.status, got.code)
		}
	}
}

// TestProofsForStrangers: they get what is gathered, and do not make the node
// call on the others.
func TestProofsForStrangers(t *testing.T) {
	w := newWorld(t)
	id := w.nominateByName(goodCode)
	var asked atomic.Int32 // members are asked side by side
	n := w.nodes["court"]
	honest := (&fakeNode{w: w, self: "court"})
	n.peer = func(m exchange.MemberID) (Peer, error) { asked.Add(1); return honest.Peer(m) }
	target := "/api/v1/ledger/proof/inclusion?entry=" + id
	if got := w.ask("court", caller{}, "GET", target, ""); got.code != witness.ErrNoCheckpoint.Code || asked.Load() != 0 {
		t.Errorf("%d %s, %d calls", got.status, got.code, asked.Load())
	}
	file := w.ask("court", as(config.Auditor), "GET", target, "")
	if file.status != http.StatusOK || asked.Load() == 0 {
		t.Fatalf("%d %s", file.status, file.code)
	}
	asked.Store(0)
	if got := w.ask("court", caller{}, "GET", target, ""); got.status != http.StatusOK || asked.Load() != 0 {
		t.Errorf("%d %s, %d calls", got.status, got.code, asked.Load())
	}
	policy, err := tlog.ParsePolicy([]byte(w.ask("court", caller{}, "GET", "/ledger/policy", "").body))
	if err != nil {
		t.Fatal(err)
	}
	report := bundle.VerifyFile([]byte(file.body), bundle.Options{Policy: policy})
	if !report.OK || report.Proof == nil || report.Proof.Outcome != bundle.Accepted || report.Proof.Index != 1 {
		t.Errorf("%+v", report)
	}
	for _, bad := range []string{"", "?seq=1&entry=" + id, "?seq=-1", "?seq=1&size=1", "?seq=9"} {
		if got := w.ask("court", as(config.Auditor), "GET", "/api/v1/ledger/proof/inclusion"+bad, ""); got.status == http.StatusOK {
			t.Errorf("%q is answered", bad)
		}
	}
	for _, bad := range []string{"", "?from=0", "?from=2&to=1", "?from=" + strconv.Itoa(99)} {
		if got := w.ask("court", as(config.Auditor), "GET", "/api/v1/ledger/proof/consistency"+bad, ""); got.status == http.StatusOK {
			t.Errorf("%q is answered", bad)
		}
	}
}
