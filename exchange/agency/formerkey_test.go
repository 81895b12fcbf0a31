package agency_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/members"
	"accord/exchange/release"
)

// renew exchanges a member's keys.
func (w *world) renew(t *testing.T, m exchange.MemberID) {
	t.Helper()
	renewed, _ := w.machine.View().Lineage().Roster().Member(m)
	renewed.Keys = nil
	for _, use := range keys.Uses() {
		renewed.Keys = append(renewed.Keys, cryptotest.Public(string(m)+"-2", use))
	}
	w.enact(t, func(r *members.Roster) {
		for i := range r.Members {
			if r.Members[i].ID == m {
				r.Members[i] = renewed
			}
		}
	}, renewed)
	a := w.agency[m]
	a.Keys = fixedKeys(string(m) + "-2")
	a.Former = func(kid string) (keys.Private, error) {
		if key := cryptotest.Key(string(m), keys.Seal); key.KID() == kid {
			return key, nil
		}
		return keys.Private{}, errors.New("none")
	}
}

// TestNothingIsSealedToAKeyThatWasReplaced: the requester's keys are exchanged after the
// grant, after an envelope was made, or after it was delivered. What is under way at that
// moment arrives; a minute later nothing leaves any more that the old key opens.
//
// Shows: F37
func TestNothingIsSealedToAKeyThatWasReplaced(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	author, court := w.agency["association"], w.agency["court"]
	fresh, made, delivered := granted(t, w), granted(t, w), granted(t, w)
	lost := w.again(t, "association", func(c *agency.Config) {
		c.Proposer = proposeFunc(func(context.Context, []byte) ([]byte, error) { return nil, context.DeadlineExceeded })
	})
	if _, err := lost.Deliver(ctx, "node", "court", made); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := author.Deliver(ctx, "node", "court", delivered); err != nil {
		t.Fatal(err)
	}
	w.renew(t, "court")
	old, now := cryptotest.Key("court", keys.Seal).KID(), cryptotest.Key("court-2", keys.Seal).KID()

	deliver := func(what string, id exchange.ReleaseID, want error, to string) string {
		t.Helper()
		envelope, err := author.Deliver(ctx, "node", "court", id)
		if !errors.Is(err, want) || want == nil && seal.Recipient(envelope) != to {
			t.Errorf("%s: sealed to %q, %v", what, seal.Recipient(envelope), err)
		}
		return envelope
	}
	deliver("delivered before", delivered, nil, old)
	w.now = w.now.Add(61 * time.Second)
	deliver("made before, its statement may still come", made, agency.ErrFormerKey, "")
	deliver("delivered before, a minute later", delivered, agency.ErrFormerKey, "")
	deliver("granted before", fresh, nil, now)
	w.now = w.now.Add(time.Minute)
	envelope := deliver("made before, its statement can no longer come", made, nil, now)
	if _, err := court.Open(ctx, "wang", made, envelope); err != nil {
		t.Error(err)
	}
	if r, _ := w.machine.View().Release(made); r.StatusAt(exchange.MillisOf(w.now)) != release.Opened {
		t.Errorf("%+v", r)
	}
}

// TestWhatWasSealedToTheFormerKeyOpens: keys are exchanged between delivery and opening.
func TestWhatWasSealedToTheFormerKeyOpens(t *testing.T) {
	w := newWorld(t)
	id := granted(t, w)
	envelope, err := w.agency["association"].Deliver(t.Context(), "node", "court", id)
	if err != nil {
		t.Fatal(err)
	}
	w.renew(t, "court")
	if _, err := w.agency["court"].Open(t.Context(), "wang", id, envelope); err != nil {
		t.Error(err)
	}
}
