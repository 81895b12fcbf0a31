package tlog

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"accord/crypto/keys"
	ours "accord/crypto/tlog"
	"accord/exchange/intake"
	"accord/node/client"
	"accord/node/nodetest"
	"accord/node/wire"

	tessera "github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"
)

// records is how many a feed has: more than one full tile.
const records = 300

// serveFeed is a member's feed over HTTP, and the key it is signed with.
func serveFeed(t *testing.T) served {
	t.Helper()
	c := nodetest.New(t)
	ctx := t.Context()
	node := c.Client("association")
	raw, err := intake.Sample("discipline-sample.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Import(ctx, client.ImportQuery{File: "discipline-sample.xlsx", Mapping: "auto"}, bytes.NewReader(raw), nil); err != nil {
		t.Fatal(err)
	}
	page, err := node.Records(ctx, client.RecordQuery{Category: "discipline-organisation", Limit: 1})
	if err != nil || len(page.Records) != 1 {
		t.Fatalf("%d records: %v", len(page.Records), err)
	}
	model := page.Records[0]
	var values map[string]json.RawMessage
	if err := json.Unmarshal(model.PublicFields, &values); err != nil {
		t.Fatal(err)
	}
	for range records {
		if _, err := node.AddRecord(ctx, wire.AddRecord{Category: model.Category, SubjectKind: model.SubjectKind,
			USCC: strings.TrimPrefix(string(model.Subject), "org:"), Values: values}); err != nil {
			t.Fatal(err)
		}
	}
	f, err := node.Federation(ctx)
	if err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse("https://" + c.Address("association") + "/feeds/association/")
	if err != nil {
		t.Fatal(err)
	}
	hc := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	fetcher, err := tessera.NewHTTPFetcher(address, hc)
	if err != nil {
		t.Fatal(err)
	}
	s := served{origin: ours.FeedOrigin(f.Federation, "association"), fetcher: fetcher, local: node}
	for _, m := range f.Members {
		for _, raw := range m.Keys {
			var k keys.Public
			if err := json.Unmarshal(raw, &k); err != nil {
				t.Fatal(err)
			}
			if m.ID != "association" || k.Use() != keys.Cosign {
				continue
			}
			key, err := ours.FeedKey(f.Federation, "association", k)
			if err != nil {
				t.Fatal(err)
			}
			if s.key, err = note.NewVerifier(key.String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// TestForeignToolsAuditAFeed: Tessera's fsck walks a member's whole feed, and
// refuses one in which a byte was changed.
//
// Shows: B8
func TestForeignToolsAuditAFeed(t *testing.T) {
	s := serveFeed(t)
	if err := check(t, s, s.fetcher); err != nil {
		t.Errorf("tessera fsck refuses the served feed: %v", err)
	}
	for level, what := range map[int]string{-1: "an entry", 0: "a tile of leaf hashes", 1: "a tile above"} {
		if err := check(t, s, flipped{s.fetcher, level}); err == nil {
			t.Errorf("tessera fsck takes a feed with a changed byte in %s", what)
		}
	}
	point, _, _, err := tessera.FetchCheckpoint(context.Background(), s.fetcher.ReadCheckpoint, s.key, s.origin)
	if err != nil || point.Size <= records {
		t.Errorf("%+v %v", point, err)
	}
}
