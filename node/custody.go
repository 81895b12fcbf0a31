package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"accord/exchange"
	"accord/exchange/members"
)

// custodyTime bounds one round with one custodian.
const custodyTime = time.Minute

// custodyWork is what this node remembers of handing shares over.
type custodyWork struct {
	mu   sync.Mutex
	why  map[exchange.MemberID]string // guarded by mu: codes of the last failures
	busy map[exchange.MemberID]bool   // guarded by mu
}

// CustodyFaults says why custodians were not reached with the last try.
func (n *Node) CustodyFaults() map[exchange.MemberID]string {
	n.custody.mu.Lock()
	defer n.custody.mu.Unlock()
	out := map[exchange.MemberID]string{}
	for m, why := range n.custody.why {
		out[m] = why
	}
	return out
}

// keepCustody puts own records into the custody that the catalogue asks for, as they
// come in, and brings every custodian its part until it has signed for it.
func (n *Node) keepCustody(ctx context.Context) {
	var rounds sync.WaitGroup
	defer rounds.Wait()
	for {
		if _, gone := n.removed(); !gone && n.ready.Load() && !n.witness.Stopped() && n.machine.Allows(exchange.VerbCustodyDeposit) == nil {
			if err := n.dealCustody(ctx); err != nil && ctx.Err() == nil {
				n.log.Warn("records are not all in custody yet", "error", err)
			}
			for _, m := range n.machine.View().Members() {
				if m.ID == n.id.Member || m.Status != members.Active || slices.Contains(n.cfg.FeedByHand, string(m.ID)) || !n.custodyTurn(m.ID) {
					continue
				}
				rounds.Go(func() {
					err := n.handOver(ctx, m.ID)
					n.custodyDone(m.ID, err)
				})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(cmp.Or(n.cfg.FeedPoll, 5*time.Second)):
		}
	}
}

// dealCustody deals and anchors until there is nothing left of it.
func (n *Node) dealCustody(ctx context.Context) error {
	for {
		if err := n.agency.AnchorCustody(ctx, announcer); err != nil {
			return err
		}
		more, err := n.agency.DealCustody(ctx)
		if err != nil {
			return err
		}
		if err := n.agency.AnchorCustody(ctx, announcer); err != nil || !more {
			return err
		}
	}
}

func (n *Node) handOver(ctx context.Context, m exchange.MemberID) error {
	for {
		round, cancel := context.WithTimeout(ctx, custodyTime)
		peer, err := n.peerClient(m)
		more := false
		if err == nil {
			more, err = n.agency.HandOver(round, m, peer)
		}
		cancel()
		if err != nil || !more {
			return err
		}
	}
}

// custodyTurn says whether no round with a custodian ran, and one does now.
func (n *Node) custodyTurn(m exchange.MemberID) bool {
	n.custody.mu.Lock()
	defer n.custody.mu.Unlock()
	if n.custody.busy == nil {
		n.custody.busy, n.custody.why = map[exchange.MemberID]bool{}, map[exchange.MemberID]string{}
	}
	was := n.custody.busy[m]
	n.custody.busy[m] = true
	return !was
}

func (n *Node) custodyDone(m exchange.MemberID, err error) {
	n.custody.mu.Lock()
	defer n.custody.mu.Unlock()
	delete(n.custody.busy, m)
	delete(n.custody.why, m)
	if err != nil {
		n.custody.why[m] = exchange.AsError(err).Code
	}
}
