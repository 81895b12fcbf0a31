package node

import (
	"context"
	"time"

	"accord/exchange"
	"accord/exchange/records"
	"accord/node/audit"
)

// retentionLooks is how often it is seen whether another day has begun, or another
// catalogue is in force.
const retentionLooks = 5 * time.Second

// keepRetention erases, once a day and whenever the catalogue changes, the own
// records whose retention is over. Every one stands in the audit log first. What
// goes wrong is tried again with the next look.
func (n *Node) keepRetention(ctx context.Context) {
	day, catalogue := "", ""
	for {
		today, now := records.Day(n.opts.Clock()), n.machine.View().Catalogue().Digest()
		if _, gone := n.removed(); !gone && n.ready.Load() && !n.witness.Stopped() && (today != day || now != catalogue) {
			erased, err := n.agency.ErasePast(ctx, n.auditRetention)
			switch {
			case err == nil:
				day, catalogue = today, now
			case ctx.Err() == nil:
				n.log.Warn("records past their retention are not all erased", "error", err)
			}
			if erased > 0 {
				n.log.Info("records past their retention were erased", "count", erased)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retentionLooks):
		}
	}
}

func (n *Node) auditRetention(id exchange.RecordID, category string) error {
	return n.audit.Write(audit.Event{At: n.opts.Clock(), Act: "record.erase", Caller: "operator:" + string(announcer), Operator: announcer,
		Record: id, Category: category, Purpose: "retention", Result: "allowed"})
}
