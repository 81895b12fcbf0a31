package api

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Shows: B2
func TestStrangersAreMetered(t *testing.T) {
	var s strangers
	now := time.Unix(1_000_000, 0)
	count := func(remote string, tries int) (admitted int) {
		for range tries {
			if s.admit(remote, 10, now) {
				admitted++
			}
		}
		return admitted
	}
	if got := count("192.0.2.1:1000", 2*strangerBurst); got != strangerBurst {
		t.Errorf("%d admitted at once, want %d", got, strangerBurst)
	}
	if got := count("192.0.2.1:2000", 5); got != 0 {
		t.Errorf("another port of the same host: %d admitted", got)
	}
	if got := count("[::ffff:192.0.2.1]:7", 5); got != 0 {
		t.Errorf("the same host written as IPv6: %d admitted", got)
	}
	if got := count("192.0.2.2:1000", 5); got != 5 {
		t.Errorf("another host: %d of 5 admitted", got)
	}
	now = now.Add(time.Second)
	if got := count("192.0.2.1:1000", 100); got != 10 {
		t.Errorf("a second later: %d admitted, want 10", got)
	}
	now = now.Add(-time.Hour) // a clock set back neither gives nor takes
	if got := count("192.0.2.1:1000", 100); got != 0 {
		t.Errorf("a clock set back: %d admitted", got)
	}
	if got := count("[2001:db8::1]:1", strangerBurst) + count("[2001:db8::ffff]:1", strangerBurst); got != strangerBurst {
		t.Errorf("two addresses of one subscriber: %d admitted, want %d", got, strangerBurst)
	}
	if !s.admit("no address", 10, now) || !s.admit("192.0.2.1:1000", 0, now) {
		t.Error("an unreadable address, or no limit, refuses")
	}
}

// The meters are bounded however many addresses come.
//
// Shows: B2
func TestMetersAreBounded(t *testing.T) {
	var s strangers
	now := time.Unix(1_000_000, 0)
	for i := range 3 * maxMeters {
		s.admit(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), 1, now)
		if len(s.meters) > maxMeters {
			t.Fatalf("%d meters after %d addresses", len(s.meters), i+1)
		}
	}
}

// A stranger who asks too much is told when to come again; members and operators
// are not metered.
//
// Shows: B2
func TestATooEagerStrangerWaits(t *testing.T) {
	w := newWorld(t)
	w.servers["court"].Config.PublicRate = 1
	var got reply
	for range strangerBurst + 1 {
		got = w.ask("court", caller{}, "GET", "/api/v1/ledger", "")
	}
	if got.status != http.StatusTooManyRequests || got.code != ErrRate.Code || got.header.Get("Retry-After") == "" {
		t.Errorf("after %d requests: %d %s", strangerBurst+1, got.status, got.body)
	}
	for _, c := range []caller{{member: "regulator"}, {local: true}} {
		if got := w.ask("court", c, "GET", "/api/v1/ledger", ""); got.status != http.StatusOK {
			t.Errorf("%+v: %d %s", c, got.status, got.code)
		}
	}
}
