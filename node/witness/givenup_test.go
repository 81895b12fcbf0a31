package witness

import (
	"errors"
	"testing"
	"time"
)

// TestWhoWasGivenUpHasNoSay: two of four come back with a history of their own. For
// whom they were given up they are neither a quorum nor a doubt; without that, the
// same two stop this node.
//
// Shows: F30
func TestWhoWasGivenUpHasNoSay(t *testing.T) {
	for _, gone := range []bool{true, false} {
		w := newWorld(t)
		w.grow(2)
		w.grow(1, "court", "regulator")
		w.grow(1, "association", "commission")
		p := w.member["association"]
		cfg := p.config()
		cfg.GivenUp = func(node string) bool { return gone && (node == "court-1" || node == "regulator-1") }
		wit, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		p.Witness = wit
		if _, err := p.Gather(t.Context(), 0); !errors.Is(err, ErrCosign) {
			t.Errorf("cosigned: %v", err)
		}
		p.judge(t.Context())
		w.pass(p.Grace + time.Second)
		p.judge(t.Context())
		if p.Stopped() == gone || (len(p.Alarms()) == 0) != gone {
			t.Errorf("given up %v: %+v", gone, p.Alarms())
		}
	}
}
