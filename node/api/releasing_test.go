package api

import (
	"context"
	"testing"

	"accord/exchange/agency"
	"accord/exchange/meeting"
	"accord/exchange/subjects"
	"accord/node/config"
	"accord/node/wire"
)

func init() {
	for name, v := range map[string]any{"ConsentRef": wire.ConsentRef{}, "Justify": wire.Justify{}, "PresentConsent": wire.PresentConsent{},
		"AskConsent": wire.AskConsent{}, "Consent": wire.Consent{}, "WithdrawConsent": wire.WithdrawConsent{}, "ConsentWithdrawn": wire.ConsentWithdrawn{},
		"AskTrace": wire.AskTrace{}, "Trace": wire.Trace{}, "Traced": wire.Traced{}} {
		bodies[name] = v
	}
	requests = append(requests, "Justify", "PresentConsent", "AskConsent", "WithdrawConsent", "AskTrace")
	for route, open := range map[string]string{"POST /api/v1/releases/trace": "oa", "POST /api/v1/releases/{id}/second": "o", "POST /api/v1/releases/{id}/justify": "o",
		"POST /api/v1/releases/{id}/consent": "c", "POST /api/v1/consents": "c", "POST /api/v1/consents/{id}/withdraw": "c"} {
		matrix[route] = open
	}
}

// TestAnApprovalGivenElsewhereCounts: the author's node has not applied it yet when the
// requester, whose node has, fetches what was granted.
func TestAnApprovalGivenElsewhereCounts(t *testing.T) {
	w, ctx := newWorld(t), context.Background()
	w.importSample("association", "discipline-sample.xlsx")
	in, m := w.needsApproval(w.one("association", "discipline-practitioner"))
	rel, err := w.client(m, config.Clerk).AskRelease(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	author := w.nodes["association"]
	author.learns = func() {
		author.learns = nil
		if _, err := w.client("association", config.Officer).Approve(ctx, rel.ID, "同意"); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.client(m, config.Clerk).Open(ctx, rel.ID); err != nil {
		t.Error(err)
	}
}

// TestWhatIsUnknownIsLookedForOnce: what is not here yet may be elsewhere, so the node
// catches up before it says no; not for what is no id, and not to read.
func TestWhatIsUnknownIsLookedForOnce(t *testing.T) {
	w := newWorld(t)
	node, here, peer := w.nodes["court"], caller{local: true, operator: string(config.Officer)}, caller{member: "regulator"}
	for _, c := range []struct {
		who          caller
		before, rest string
		body, code   string
	}{
		{peer, "/api/v1/releases/", "/deliver", `{}`, agency.ErrNoRelease.Code},
		{here, "/api/v1/releases/", "/approve", `{}`, agency.ErrNoRelease.Code},
		{here, "/api/v1/entries/", "/withdraw", `{"text":"x"}`, code(errNoEntry("x"))},
		{here, "/api/v1/proposals/", "/vote", `{"choice":"no"}`, meeting.ErrUnknown.Code},
		{here, "/api/v1/proposals/", "/withdraw", `{"reason":"x"}`, meeting.ErrUnknown.Code},
		{here, "/api/v1/subject/petitions/", "/answer", `{"outcome":"rejected","text":"x"}`, subjects.ErrComplaint.Code},
		{here, "/api/v1/subject/petitions/", "/release", `{}`, subjects.ErrComplaint.Code},
		{peer, "/api/v1/subject/petitions/", "/texts", `{}`, subjects.ErrComplaint.Code},
	} {
		for id, barriers := range map[string]int{"AAAAAAAAAAAAAAAAAAAAAA": 1, "x": 0} {
			node.barriers = 0
			if got := w.ask("court", c.who, "POST", c.before+id+c.rest, c.body); got.code != c.code || node.barriers != barriers {
				t.Errorf("%s%s%s: %s after %d barriers", c.before, id, c.rest, got.code, node.barriers)
			}
		}
	}
	node.barriers = 0
	if got := w.ask("court", here, "GET", "/api/v1/proposals/AAAAAAAAAAAAAAAAAAAAAA", ""); got.code != meeting.ErrUnknown.Code || node.barriers != 0 {
		t.Errorf("read: %s after %d barriers", got.code, node.barriers)
	}
}
