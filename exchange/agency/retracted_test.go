package agency_test

import (
	"errors"
	"testing"

	"accord/exchange/agency"
	"accord/exchange/release"
)

// TestARetractedRecordIsNotOpened retracts a record after a grant: nothing is
// delivered, and the reason is the retraction and no suspicion of forgery.
func TestARetractedRecordIsNotOpened(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	ref, _ := recordRef(t, w, importSample(t, w)[0])
	id, err := w.agency["court"].AskRelease(ctx, "wang", release.RequestBody{Record: ref, Fields: []string{"resident_id"},
		Purpose: "enforcement", Basis: release.Basis{Kind: "case", Ref: "(2026)青9901执1号"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.agency["association"].Retract(ctx, ref.ID, "依据被撤销"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.agency["association"].Deliver(ctx, "node", "court", id); !errors.Is(err, agency.ErrRetracted) {
		t.Errorf("delivered, or refused for another reason: %v", err)
	}
}
