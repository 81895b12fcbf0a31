package agency_test

import (
	"context"
	"errors"
	"testing"

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
		for _, use := range keys.Uses() {
			if key := cryptotest.Key(string(m), use); key.KID() == kid {
				return key, nil
			}
		}
		return keys.Private{}, errors.New("none")
	}
}

// TestNothingIsSealedToAKeyThatWasReplaced: the requester's keys are exchanged after the
// grant, after a try whose statement is lost, or after it was delivered. Nothing leaves any
// more that the old key opens, and nothing is lost.
//
// Shows: F37
func TestNothingIsSealedToAKeyThatWasReplaced(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	author, court := w.agency["association"], w.agency["court"]
	fresh, tried, delivered := granted(t, w), granted(t, w), granted(t, w)
	lost := w.again(t, "association", func(c *agency.Config) {
		c.Proposer = proposeFunc(func(context.Context, []byte) ([]byte, error) { return nil, context.DeadlineExceeded })
	})
	if _, err := lost.Deliver(ctx, "node", "court", tried); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if _, err := author.Deliver(ctx, "node", "court", delivered); err != nil {
		t.Fatal(err)
	}
	w.renew(t, "court")
	for what, id := range map[string]exchange.ReleaseID{"granted before": fresh, "tried before": tried, "delivered before": delivered} {
		envelope, err := author.Deliver(ctx, "node", "court", id)
		if err != nil || seal.Recipient(envelope) != cryptotest.Key("court-2", keys.Seal).KID() {
			t.Errorf("%s: sealed to %q, %v", what, seal.Recipient(envelope), err)
		}
		if _, err := court.Open(ctx, "wang", id, envelope); err != nil {
			t.Error(what, err)
		}
		if r, _ := w.machine.View().Release(id); r.StatusAt(exchange.MillisOf(w.now)) != release.Opened {
			t.Errorf("%s: %+v", what, r)
		}
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

// TestWhatWasAuthoredBeforeIsDelivered: the author's keys are exchanged after it wrote its
// records, which confirm the release key that it had.
func TestWhatWasAuthoredBeforeIsDelivered(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	before := granted(t, w)
	w.renew(t, "association")
	for _, id := range []exchange.ReleaseID{before, granted(t, w)} {
		envelope, err := w.agency["association"].Deliver(ctx, "node", "court", id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.agency["court"].Open(ctx, "wang", id, envelope); err != nil {
			t.Error(err)
		}
	}
}
