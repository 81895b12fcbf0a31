package node

import (
	"context"
	"time"
)

// How the background check of entries' documents spends time: documents at a
// time, and how many times as long as it worked it then rests, while the ledger
// is busy and while it is not. Each document costs about 80 µs, which the path of
// commits does not have to spare.
const (
	documentBatch = 16
	restBusy      = 199
	restIdle      = 19
	quiet         = time.Second
)

// checkDocuments verifies the own signatures of what is on the lists, in the
// background, and says so once when one is bad.
func (n *Node) checkDocuments(ctx context.Context) {
	for !n.CaughtUp() { // a start has better things to do
		select {
		case <-ctx.Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	faults := 0
	before := n.machine.View()
	for ctx.Err() == nil {
		seen := n.machine.View()
		busy := seen != before // since the last look: commands come in groups, and between two of them it is still
		before = seen
		began := n.opts.Clock()
		did, err := n.machine.CheckDocuments(documentBatch)
		if err != nil {
			return // the node is stopping
		}
		took := max(n.opts.Clock().Sub(began), 0)
		rest := min(took*restIdle, quiet)
		if busy {
			rest = min(max(took*restBusy, 10*time.Millisecond), quiet)
		}
		if all := n.machine.View().Documents(); len(all.Faults) > faults {
			for _, f := range all.Faults {
				n.log.Warn("an entry's document does not verify; its author signed over it", "entry", f.Entry, "by", f.By, "statement", f.Seq)
			}
			faults = len(all.Faults)
		}
		if did == 0 {
			select {
			case <-ctx.Done():
			case <-seen.Changed():
			}
			rest = quiet // let the commands that came together be done first
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
}
