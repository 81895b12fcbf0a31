package witness

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A member that does not cosign is said once it lasts, then hourly, and when it is
// back; one that has just started is not.
func TestWhoDoesNotCosignIsSaidOnce(t *testing.T) {
	var out bytes.Buffer
	now := founded
	w := &Witness{Config: Config{Log: slog.New(slog.NewTextHandler(&out, nil)), Clock: func() time.Time { return now }}}
	why := errors.New("starting")
	w.missing("court", 1, why)
	w.met("court")
	if out.Len() > 0 {
		t.Errorf("one round: %s", &out)
	}
	for range 2 * 360 { // two hours
		w.missing("court", 1, why)
		now = now.Add(10 * time.Second)
	}
	w.met("court")
	if n := strings.Count(out.String(), "a member does not cosign"); n != 2 || !strings.Contains(out.String(), `"a member cosigns again" member=court after=2h0m0s`) {
		t.Errorf("%d times:\n%s", n, &out)
	}
}
