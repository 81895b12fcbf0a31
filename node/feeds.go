package node

import (
	"context"
	"path/filepath"
	"slices"

	"accord/exchange"
	"accord/exchange/feed"
	"accord/node/doctor"
	"accord/node/failpoint"
	"accord/node/feeds"
)

// leastRoom is how much disk others' records must leave, in bytes: this node's own
// log and records come first.
const leastRoom = 1 << 30

// openFeeds makes what anchors this member's feed and follows the others'.
func (n *Node) openFeeds() (err error) {
	n.feeds, err = feeds.Open(feeds.Config{
		Federation: n.cfg.Federation, Genesis: n.genesis, Self: n.id.Member, Dir: filepath.Join(n.cfg.Dir, "feeds"), Store: n.records, Ledger: n.machine,
		Keys: currentKeys{n}, Peer: n.feedPeer,
		Read: n.agency.ReadRecord,
		Verify: func(author exchange.MemberID, jwt string) error {
			_, _, err := n.agency.VerifyRecord(author, jwt)
			return err
		},
		Anchor: func(ctx context.Context, b feed.AnchorBody) error {
			if n.machine.Allows(exchange.VerbFeedAnchor) != nil {
				return nil // until every node knows the verb
			}
			attempt, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
			defer cancel()
			_, err := n.agency.Act(attempt, announcer, exchange.VerbFeedAnchor, b)
			return err
		},
		Proof: n.feedProof,
		Fatal: n.fatal,
		Ready: func() bool {
			_, gone := n.removed()
			return !gone && n.ready.Load() && !n.witness.Stopped()
		},
		Room: func() error {
			if doctor.Free(n.cfg.Dir) < leastRoom {
				return feeds.ErrRoom.With()
			}
			return nil
		},
		ByHand: func(m exchange.MemberID) bool { return slices.Contains(n.cfg.FeedByHand, string(m)) },
		Every:  n.cfg.FeedPoll, AnchorEvery: n.cfg.FeedAnchor,
		Clock: n.opts.Clock, Log: n.log, Hook: failpoint.Hook(),
	})
	return err
}

// feedProof is what the ledger says of this member's feed, under the newest checkpoint
// that covers it.
func (n *Node) feedProof(ctx context.Context) ([]byte, error) {
	view := n.machine.View()
	size := view.CatalogueVersion().Seq + 1
	if a, ok := view.Anchor(n.id.Member); ok {
		size = max(size, a.Seq+1)
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	point, err := n.witness.Vouched(ctx, size)
	if err != nil {
		return nil, err
	}
	b, err := n.agency.FeedBundle([]byte(point.Note))
	if err != nil {
		return nil, err
	}
	return b.Marshal()
}
