package client

import (
	"context"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/wire"
)

// ErrWhole is given when what a node tells of a log is not one log.
var ErrWhole = exchange.Define(exchange.KindUnverified, "NET-005",
	exchange.Text{Zh: "节点 {where} 所示日志 {log} 不完整或与先前不一致：{why}", En: "the log {log} that the node at {where} shows is not whole, or not the one it showed: {why}"},
	exchange.Text{Zh: "保存本地位置和检查点作为证据，向其他成员核对", En: "keep the place and the checkpoint as evidence, and compare with another member"})

// Follower is a place in a log and all that checking what follows needs. The zero
// value is the beginning. Whoever wants to go on after a restart keeps Edge.
type Follower struct {
	Feed exchange.MemberID // whose feed; "" is the ledger
	Edge tlog.Frontier
	// Verify, if not nil, must believe a checkpoint's signatures: a tlog.Policy for
	// the ledger, the author's key for a feed.
	Verify func(note []byte) error
}

// Next takes the next changes in, waiting up to so many seconds for one: it checks
// that they follow without a gap and that they have the signed root where the
// checkpoint ends among them. On error nothing is taken in.
func (f *Follower) Next(ctx context.Context, c *Client, wait int) ([]wire.Change, error) {
	got, err := c.Changes(ctx, f.Feed, f.Edge.Size(), maxChanges, wait)
	if err != nil {
		return nil, err
	}
	bad := func(why string) error { return ErrWhole.With("where", c.where, "log", got.Log, "why", why) }
	head := tlog.Checkpoint{Size: -1}
	if got.Checkpoint != "" {
		if head, _, err = tlog.Read([]byte(got.Checkpoint)); err != nil || head.Origin != got.Log {
			return nil, bad("checkpoint")
		}
		if f.Verify != nil {
			if err := f.Verify([]byte(got.Checkpoint)); err != nil {
				return nil, err
			}
		}
	}
	edge := f.Edge
	if got.Size < edge.Size() || edge.Size() == head.Size && edge.Root() != head.Root {
		return nil, bad("it is another one")
	}
	for _, change := range got.Changes {
		if change.Number != edge.Append(tlog.LeafHash([]byte(change.Entry))) {
			return nil, bad("a gap")
		}
		if edge.Size() == head.Size && edge.Root() != head.Root {
			return nil, bad("root")
		}
	}
	f.Edge = edge
	return got.Changes, nil
}

// maxChanges is what one call asks for.
const maxChanges = 500
