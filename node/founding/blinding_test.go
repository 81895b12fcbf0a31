package founding

import (
	"testing"

	"accord/exchange"
	"accord/exchange/members"
)

// TestWhoHoldsTheBlindingKey: each holder's share fits the charter's commitment at its
// own place and at no other's; who holds none gets none; what cannot be is refused.
func TestWhoHoldsTheBlindingKey(t *testing.T) {
	all := []exchange.MemberID{"a", "b", "c"}
	for _, c := range []struct {
		holders   []exchange.MemberID
		threshold int
		k         int // commitments; 0: refused
	}{{all[:1], 0, 1}, {all[:1], 1, 1}, {all, 0, 2}, {all, 3, 3}, {all, 4, 0}, {all, 1, 0}, {all[:1], 2, 0}} {
		ref, secrets, err := makeBlind(Terms{Holders: c.holders, Threshold: c.threshold})
		if (err != nil) != (c.k == 0) {
			t.Errorf("%d of %d: %v", c.threshold, len(c.holders), err)
		}
		if err != nil {
			continue
		}
		if got := max(1, len(ref.Commitments)); got != c.k {
			t.Errorf("%d of %d: %d commitments", c.threshold, len(c.holders), got)
		}
		if group, err := ref.Group(); err != nil || group.Threshold() != c.k {
			t.Errorf("%d of %d: %v", c.threshold, len(c.holders), err)
		}
		for _, m := range append(all, "d") {
			secret := secrets(m)
			if (secret != nil) != HoldsBlind(ref, m) {
				t.Errorf("%s gets %d bytes", m, len(secret))
			}
			for _, other := range c.holders {
				if secret != nil && fitsBlind(ref, other, secret) != (other == m) {
					t.Errorf("the share of %s fits %s", m, other)
				}
			}
		}
	}
	ref, secrets, err := makeBlind(Terms{})
	if err != nil || !HoldsBlind(ref, "a") || !fitsBlind(ref, "a", secrets("a")) || len(ref.Holders) != 0 {
		t.Errorf("%+v %v", ref, err)
	}
	if fitsBlind(members.BlindRef{Scheme: "x"}, "a", secrets("a")) {
		t.Error("a key fits an unknown scheme")
	}
}
