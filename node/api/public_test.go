package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/config"
	"accord/node/wire"
)

// TestThePublicSeesWhatIsPublished follows an entry from its notice to its
// withdrawal with the eyes of the public.
//
// Shows: B15
func TestThePublicSeesWhatIsPublished(t *testing.T) {
	w := newWorld(t)
	id := w.nominateByName(goodCode)
	list, one, evidence := "/api/v1/lists/red/entries", "/api/v1/entries/"+id, "/api/v1/entries/"+id+"/bundle"
	if got := w.ask("court", caller{}, "GET", list, ""); !strings.Contains(got.body, id) || strings.Contains(got.body, `"operator":"clerk`) {
		t.Errorf("during the notice: %s", got.body)
	}
	if got := w.ask("court", caller{}, "GET", one, ""); !strings.Contains(got.body, goodCode) || !strings.Contains(got.body, `"document"`) {
		t.Errorf("the entry: %s", got.body)
	}
	if got := w.ask("court", caller{}, "GET", evidence, ""); got.status != http.StatusOK {
		t.Errorf("its evidence: %d %s", got.status, got.code)
	}
	if _, err := w.client("regulator", config.Officer).Withdraw(context.Background(), exchange.EntryID(id), wire.EndEntry{Text: "依据有误"}); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("court", caller{}, "GET", list, ""); strings.Contains(got.body, id) {
		t.Errorf("withdrawn, and still in the public's list: %s", got.body)
	}
	if got := w.ask("court", caller{}, "GET", one, ""); !strings.Contains(got.body, "withdrawn") || strings.Contains(got.body, goodCode) || strings.Contains(got.body, "document\"") {
		t.Errorf("withdrawn: %s", got.body)
	}
	if got := w.ask("court", caller{}, "GET", evidence, ""); got.code != ErrUnpublished.Code {
		t.Errorf("its evidence after the end: %d %s", got.status, got.code)
	}
	if got := w.ask("court", caller{member: "association"}, "GET", list, ""); !strings.Contains(got.body, id) {
		t.Error("a member does not see the withdrawn entry")
	}
	for _, query := range []string{"?read=linear", "?at=2026-11-20T08:00:00Z", "?status=withdrawn"} {
		if got := w.ask("court", caller{}, "GET", list+query, ""); got.code != ErrMembersOnly.Code {
			t.Errorf("the public asks %s: %d %s", query, got.status, got.code)
		}
	}
	if got := w.ask("court", caller{}, "GET", "/api/v1/ledger?read=linear", ""); got.code != ErrMembersOnly.Code {
		t.Errorf("the public makes the leader work: %d %s", got.status, got.code)
	}
}

// TestNothingIsToldOfALedgerNotYetKnown: until a node that started has reached
// a read point, it answers for itself and for what comes by hand, and not for the
// ledger.
func TestNothingIsToldOfALedgerNotYetKnown(t *testing.T) {
	w := newWorld(t)
	w.nodes["court"].behind = true
	for _, rt := range routes {
		path := strings.NewReplacer("{list}", "red", "{id}", "AAAAAAAAAAAAAAAAAAAAAA", "{version}", "1").Replace(rt.path)
		got := w.ask("court", caller{local: true, operator: "clerk"}, rt.method, path, "")
		if early[rt.path] || apart[rt.path] {
			if got.code == ErrNotCaughtUp.Code {
				t.Errorf("%s does not answer", rt.path)
			}
		} else if got.code != ErrNotCaughtUp.Code && got.code != ErrRole.Code && got.code != ErrCaller.Code {
			t.Errorf("%s %s answers %d %s", rt.method, rt.path, got.status, got.code)
		}
	}
}

// TestAStaleReadSaysSo: until then an operator of this node may read the state it
// has, by asking for just that, and is told how old it is. Nobody else may, nothing
// but reading is possible, and once the node has caught up nothing is marked.
func TestAStaleReadSaysSo(t *testing.T) {
	w := newWorld(t)
	id := w.nominateByName(goodCode)
	node := w.nodes["court"]
	node.behind = true
	operator := caller{local: true, operator: "auditor"}
	answered := 0
	for _, rt := range routes {
		path := strings.NewReplacer("{list}", "red", "{id}", id, "{version}", "1").Replace(rt.path)
		for _, c := range []caller{operator, {}, {member: "association"}} {
			got := w.ask("court", c, rt.method, path+"?read=stale", "")
			switch {
			case early[rt.path], apart[rt.path], got.code == ErrCaller.Code, got.code == ErrRole.Code:
			case c.local && rt.method == http.MethodGet && standing[rt.path]:
				if got.code == ErrNotCaughtUp.Code {
					t.Errorf("%s is refused to an operator", rt.path)
				} else if got.status == http.StatusOK {
					answered++
					if at, err := time.Parse(time.RFC3339, got.header.Get(wire.HeaderStale)); err != nil || at.IsZero() || got.header.Get(wire.HeaderIndex) == "" {
						t.Errorf("%s does not say how old it is: %v", rt.path, got.header)
					}
				}
			case got.code != ErrNotCaughtUp.Code:
				t.Errorf("%s %s answers %+v with %d %s", rt.method, rt.path, c, got.status, got.code)
			}
		}
	}
	if answered < 5 { // all but the receipt, which there is none of
		t.Errorf("%d routes answered", answered)
	}
	for _, read := range []string{"", "?read=local", "?read=linear"} {
		if got := w.ask("court", operator, "GET", "/api/v1/ledger"+read, ""); got.code != ErrNotCaughtUp.Code {
			t.Errorf("%q is answered: %d %s", read, got.status, got.code)
		}
	}
	node.behind = false
	if got := w.ask("court", operator, "GET", "/api/v1/ledger?read=stale", ""); got.status != http.StatusOK || got.header.Get(wire.HeaderStale) != "" {
		t.Errorf("caught up: %d %v", got.status, got.header)
	}
}
