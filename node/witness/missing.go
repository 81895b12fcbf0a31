package witness

import (
	"time"

	"accord/exchange"
)

// missingReminder is how often the log says again that a member does not cosign.
const missingReminder = time.Hour

// absence is a member whose cosignature is missing: since when, and when the log last
// said so; zero: not yet.
type absence struct{ since, said time.Time }

// missing notes that a member did not cosign. Once is nothing, as when its node has
// just started; what lasts is said, then hourly.
func (w *Witness) missing(m exchange.MemberID, size int64, why error) {
	now := w.Clock()
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.absent[m]
	if a == nil {
		if w.absent == nil {
			w.absent = map[exchange.MemberID]*absence{}
		}
		w.absent[m] = &absence{since: now}
		w.Log.Debug("a member did not cosign", "member", m, "size", size, "error", why)
		return
	}
	if !a.said.IsZero() && now.Sub(a.said) < missingReminder {
		return
	}
	a.said = now
	w.Log.Warn("a member does not cosign", "member", m, "for", now.Sub(a.since).Round(time.Second), "size", size, "error", why)
}

// met notes that a member cosigned.
func (w *Witness) met(m exchange.MemberID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.absent[m]
	if a == nil {
		return
	}
	delete(w.absent, m)
	if !a.said.IsZero() {
		w.Log.Info("a member cosigns again", "member", m, "after", w.Clock().Sub(a.since).Round(time.Second))
	}
}
