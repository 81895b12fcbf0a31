package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

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
// a read point, it answers for itself and not for the ledger.
func TestNothingIsToldOfALedgerNotYetKnown(t *testing.T) {
	w := newWorld(t)
	w.nodes["court"].behind = true
	for _, rt := range routes {
		path := strings.NewReplacer("{list}", "red", "{id}", "AAAAAAAAAAAAAAAAAAAAAA", "{version}", "1").Replace(rt.path)
		got := w.ask("court", caller{local: true, operator: "clerk"}, rt.method, path, "")
		if early[rt.path] {
			if got.code == ErrNotCaughtUp.Code {
				t.Errorf("%s does not answer", rt.path)
			}
		} else if got.code != ErrNotCaughtUp.Code && got.code != ErrRole.Code && got.code != ErrCaller.Code {
			t.Errorf("%s %s answers %d %s", rt.method, rt.path, got.status, got.code)
		}
	}
}
