package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/wire"
)

// meddling is a node between a stranger and an honest one, which changes answers.
type meddling struct {
	through
	edit  func(path string, body []byte) []byte
	asked map[string]int
}

func (m *meddling) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := m.through.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(resp.Body)
	if m.asked != nil {
		m.asked[r.URL.Path]++
	}
	if m.edit != nil {
		raw = m.edit(r.URL.Path, raw)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
	return resp, err
}

// stranger speaks to a member's node as anybody may, through somebody who meddles.
func (w *world) stranger(m exchange.MemberID, edit func(path string, body []byte) []byte, asked map[string]int) *client.Client {
	return client.Public("http://node", &meddling{through{w.servers[m].Handler(), caller{}}, edit, asked}, exchange.En)
}

// TestAStrangerKnowsThatListsAreWhole: every entry proves itself, and that none is
// missing, or was added, is the word of a quorum; a node that leaves one out, changes
// one, shows another's evidence or an old word is found out.
func TestAStrangerKnowsThatListsAreWhole(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	charter := bundle.DigestOf(w.genesis.Charter)
	first := w.nominateByName("91639911MA6T008137")
	w.pass(time.Second)
	old, err := w.stranger("court", nil, nil).PublicLists(ctx, charter, nil)
	if err != nil || len(old.Entries) != 1 || string(old.Entries[0].ID) != first || old.Position != w.machine.View().Size() {
		t.Fatalf("%+v %v", old, err)
	}
	second := w.nominateByName("91639919MA6T005730")
	w.pass(time.Second)
	asked := map[string]int{}
	got, err := w.stranger("association", nil, asked).PublicLists(ctx, charter, func(id exchange.EntryID) []byte { return old.Files[id] })
	if err != nil || len(got.Entries) != 2 || asked["/api/v1/entries/"+first+"/bundle"] != 0 || asked["/api/v1/entries/"+second+"/bundle"] != 1 {
		t.Fatalf("%d entries, asked %v: %v", len(got.Entries), asked, err)
	}
	spoilt, err := w.stranger("association", nil, nil).PublicLists(ctx, charter, func(exchange.EntryID) []byte { return []byte("{}") })
	if err != nil || len(spoilt.Entries) != 2 {
		t.Errorf("spoilt files of one's own are not fetched again: %v", err)
	}
	for _, file := range append([][]byte{got.Proof}, got.Files[exchange.EntryID(first)], got.Files[exchange.EntryID(second)]) {
		if report := bundle.Verify(file, bundle.Options{Trust: &charter}); !report.OK || !report.Anchored {
			t.Errorf("a file that was kept does not verify: %+v", report)
		}
	}
	entries := func(change func(*wire.Entries)) func(string, []byte) []byte {
		return func(path string, body []byte) []byte {
			if path != "/api/v1/entries" {
				return body
			}
			var page wire.Entries
			if err := json.Unmarshal(body, &page); err != nil {
				t.Error(err)
			}
			change(&page)
			out, _ := json.Marshal(page)
			return out
		}
	}
	bundleOf := "/api/v1/entries/" + second + "/bundle"
	for name, edit := range map[string]func(string, []byte) []byte{
		"an entry is left out":   entries(func(p *wire.Entries) { p.Entries = p.Entries[1:] }),
		"all are":                entries(func(p *wire.Entries) { p.Entries = nil }),
		"one is shown as over":   entries(func(p *wire.Entries) { p.Entries[0].ListedUntil = start }),
		"one is of another":      entries(func(p *wire.Entries) { p.Entries[0].Subject = "org:91639900MA0000001C" }),
		"one is by another":      entries(func(p *wire.Entries) { p.Entries[0].By = "court" }),
		"one is on another list": entries(func(p *wire.Entries) { p.Entries[0].List = "black" }),
		"another's evidence": func(path string, body []byte) []byte {
			if path == bundleOf {
				return got.Files[exchange.EntryID(first)]
			}
			return body
		},
		"an old word": func(path string, body []byte) []byte {
			if path == "/api/v1/lists/proof" {
				return old.Proof
			}
			return body
		},
		"an altered word": func(path string, body []byte) []byte {
			if path == "/api/v1/lists/proof" {
				return []byte(strings.Replace(string(body), `"position":`, `"position":1`, 1))
			}
			return body
		},
	} {
		lists, err := w.stranger("association", edit, nil).PublicLists(ctx, charter, nil)
		if !errors.Is(err, client.ErrLists) || lists != nil {
			t.Errorf("%s: %v %v", name, lists, err)
		}
	}
	if _, err := w.stranger("court", nil, nil).PublicLists(ctx, bundle.DigestOf([]byte("another")), nil); !errors.Is(err, client.ErrLists) {
		t.Errorf("of another federation: %v", err)
	}
	if _, err := w.client("regulator", config.Officer).Remove(ctx, exchange.EntryID(first), wire.EndEntry{Reason: "error", Text: "有误", Basis: "更正〔2026〕1号"}); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Second)
	left, err := w.stranger("court", nil, nil).PublicLists(ctx, charter, nil)
	if err != nil || len(left.Entries) != 1 || string(left.Entries[0].ID) != second {
		t.Errorf("after one was taken back: %+v %v", left, err)
	}
}
