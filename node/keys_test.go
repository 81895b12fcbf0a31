package node

import (
	"testing"
	"time"

	"accord/node/wire"
)

// TestAKeyIsWarnedOfBeforeItsDay: 30, 7 and 1 days before, once each, and every day
// after; what was replaced is no longer spoken of.
//
// Shows: F37
func TestAKeyIsWarnedOfBeforeItsDay(t *testing.T) {
	made := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	windows := []wire.KeyWindow{{Use: "tls", KID: "a", From: made}}
	l := keyLog{stage: map[string]int{}, said: map[string]time.Time{}}
	renewAfter := 100 * day
	said := 0
	at := func(passed time.Duration, want int) []wire.KeyDue {
		t.Helper()
		now := made.Add(passed)
		all := keysDue(windows, renewAfter, now)
		if said = len(l.speak(all, now)); said != want {
			t.Errorf("after %v it speaks %d times, want %d", passed, said, want)
		}
		return all
	}
	if len(at(70*day-time.Second, 0)) != 0 {
		t.Error("31 days before it is due")
	}
	if k := at(70*day, 1); len(k) != 1 || k[0].Days != 30 || k[0].Use != "tls" {
		t.Errorf("30 days before: %+v", k)
	}
	at(92*day, 0)
	at(93*day, 1) // 7 days before
	at(98*day, 0)
	at(99*day, 1) // 1 day before
	at(99*day+time.Hour, 0)
	if k := at(100*day, 1); k[0].Days != 0 {
		t.Errorf("on its day: %+v", k)
	}
	if k := at(100*day+time.Hour, 0); k[0].Days != -1 {
		t.Errorf("an hour late: %+v", k)
	}
	at(101*day+time.Hour, 1) // each day
	at(101*day+2*time.Hour, 0)

	ended := made.Add(101 * day)
	windows[0].Until = &ended
	windows = append(windows, wire.KeyWindow{Use: "tls", KID: "b", From: ended})
	if len(at(102*day, 0)) != 0 {
		t.Error("a key that was replaced is spoken of")
	}
	at(101*day+70*day, 1) // its successor's turn

	soon := ended.Add(10 * day) // a roster ends it before its time
	windows[1].Until = &soon
	if k := at(101*day+9*day, 1); len(k) != 1 || !k[0].Due.Equal(soon) {
		t.Errorf("%+v", k)
	}
}

// TestReadinessIsNotOldNews: what a majority confirmed a while ago says nothing of now.
func TestReadinessIsNotOldNews(t *testing.T) {
	n := &Node{}
	n.cfg.RaftTimeout = 3 * time.Second
	if n.confirmedLately() {
		t.Error("a node that nobody confirmed is ready")
	}
	for ago, want := range map[time.Duration]bool{0: true, time.Second: true, 3 * time.Second: false} {
		at := time.Now().Add(-ago)
		if n.confirmed.Store(&at); n.confirmedLately() != want {
			t.Errorf("confirmed %v ago counts: %v", ago, !want)
		}
	}
}
