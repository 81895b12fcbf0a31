package node

import (
	"context"
	"log/slog"
	"time"

	"accord/exchange"
	"accord/exchange/release"
)

// emergencyLooks is how often it is seen whether somebody declared an emergency.
const emergencyLooks = time.Second

// tellEmergencies warns of every emergency that any member declares and the rules
// grant, on every node: it works at once, and nobody shall have to look for it.
func (n *Node) tellEmergencies(ctx context.Context) {
	told := n.machine.View().Size() // what is older, the log of its time tells
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(emergencyLooks):
		}
		if view := n.machine.View(); view.Size() > told {
			warnOfEmergencies(n.log, view, told)
			told = view.Size()
		}
	}
}

// warnOfEmergencies tells those that stand at or behind a size of the ledger.
func warnOfEmergencies(log *slog.Logger, view interface {
	Releases(release.Query) ([]release.Release, exchange.ReleaseID)
}, from int64) {
	for q := (release.Query{Emergency: true, Limit: 100}); ; {
		page, next := view.Releases(q)
		for i := range page {
			r := &page[i]
			if r.Seq < from { // the newest are first
				return
			}
			if r.JustifyBy != 0 {
				log.Warn("sealed fields are opened as an emergency", "member", r.Requester, "operator", r.Operator, "release", r.ID,
					"author", r.Record.Author, "record", r.Record.ID, "purpose", r.Purpose, "rule", r.Decision.Rule, "justify_by", r.JustifyBy.Time())
			}
		}
		if q.After = next; next == "" {
			return
		}
	}
}
