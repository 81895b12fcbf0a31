package api

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/question"
	"accord/node/config"
	"accord/node/wire"
)

// TestEntriesAreAskedOnTwoAxes: over the API an entry is what it was at a time, by
// what was known at one; pages go on by their links; the public asks neither.
func TestEntriesAreAskedOnTwoAxes(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	id := exchange.EntryID(w.nominateByName(goodCode))
	w.pass(2 * time.Hour)
	then := w.clock().UTC().Format(time.RFC3339)
	w.pass(time.Hour)
	if _, err := w.client("regulator", config.Officer).Remove(ctx, id, wire.EndEntry{Reason: lists.Error, Text: "主体有误", Basis: "1号"}); err != nil {
		t.Fatal(err)
	}
	w.nominateByName(otherCode)
	reader := w.client("court", config.Auditor)
	for text, want := range map[string]string{
		"subject=" + goodCode:                                  "removed",
		"subject=" + goodCode + "&as-of=" + then:               "listed, annulled: error",
		"subject=" + goodCode + "&known-at=" + then:            "listed",
		"status=listed&as-of=" + then + "&known-at=" + then:    "listed",
		"status=removed&known-at=" + then:                      "",
		"list=black&as-of=" + then:                             "",
		"list=red&kind=enterprise&by=regulator&status=removed": "removed",
		"ground=decision&until=" + url.QueryEscape(then):       "removed",
		"subject=" + goodCode + "&as-of=2026-11-19":            "",
	} {
		page, err := reader.FindEntries(ctx, pairs(t, text), "", 0, false)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, e := range page.Entries {
			one := e.Status
			if e.AnnulledAt != nil {
				one += ", annulled: " + e.AnnulReason
			}
			got = append(got, one)
		}
		if strings.Join(got, "; ") != want || page.Question == "" || page.Known.IsZero() {
			t.Errorf("%s: %q, want %q (%s)", text, got, want, page.Question)
		}
	}
	if e, err := reader.EntryAt(ctx, id, "", then); err != nil || e.Status != "listed" || e.AnnulledAt != nil || e.Version != 1 {
		t.Errorf("one entry as known then: %+v, %v", e, err)
	}
	if e, err := reader.EntryAt(ctx, id, then, ""); err != nil || e.Status != "listed" || e.AnnulledAt == nil {
		t.Errorf("one entry as of then: %+v, %v", e, err)
	}
	seen := 0
	for path := "/api/v1/entries?list=red&limit=1"; path != ""; seen++ {
		page, err := reader.FindEntries(ctx, pairs(t, path[strings.Index(path, "?")+1:]), "", 0, false)
		if err != nil || len(page.Entries) != 1 && page.Link != "" {
			t.Fatalf("%s: %v", path, err)
		}
		path = page.Link
	}
	if seen != 2 {
		t.Errorf("%d pages", seen)
	}
	for text, want := range map[string]string{"colour=red": question.ErrKey.Code, "status=active": question.ErrValue.Code, "cursor=x": lists.ErrCursor.Code,
		"as-of=11010519491231002X": question.ErrValue.Code} {
		if _, err := reader.FindEntries(ctx, pairs(t, text), "", 0, false); code(err) != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, path := range []string{"?as-of=" + then, "?known-at=" + then, "?status=removed", "/" + string(id) + "?as-of=" + then, "/" + string(id) + "?known-at=" + then} {
		if got := w.ask("court", caller{}, "GET", "/api/v1/entries"+path, ""); got.code != ErrMembersOnly.Code {
			t.Errorf("the public asks %s: %d %s", path, got.status, got.code)
		}
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/entries", ""); strings.Contains(got.body, goodCode) || !strings.Contains(got.body, otherCode) || strings.Contains(got.body, `"operator":"clerk`) {
		t.Errorf("the public sees %s", got.body)
	}
	for _, query := range []string{"?cursor=x", "?list=red", "?limit=1"} {
		if _, err := reader.Raw(ctx, "/api/v1/entries/"+string(id)+query); code(err) != ErrQuery.Code {
			t.Errorf("one entry with %s: %v", query, err)
		}
	}
}
