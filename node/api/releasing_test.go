package api

import (
	"context"
	"testing"

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
