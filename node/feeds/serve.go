package feeds

import (
	"context"

	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/wire"
)

// The errors of serving a feed.
var (
	ErrNoFeed = exchange.Define(exchange.KindNotFound, "FEED-030",
		exchange.Text{Zh: "本节点没有 {author} 的完整记录流", En: "this node has no complete feed of {author}"},
		exchange.Text{Zh: "向该单位的节点索取", En: "ask that member's node"})
	ErrNotEntry = exchange.Define(exchange.KindConflict, "FEED-031",
		exchange.Text{Zh: "第 {index} 条不是所指摘要的条目", En: "entry {index} is not the one of that digest"},
		exchange.Text{Zh: "重新取检查点和条目", En: "get checkpoint and entries anew"})
)

// Checkpoint is the newest signed checkpoint of a feed as far as this node can show
// all of it: an own one is signed now, another's is the one that was verified.
func (f *Feeds) Checkpoint(ctx context.Context, author exchange.MemberID) ([]byte, error) {
	have, err := f.Store.Feed(ctx, author)
	if err != nil {
		return nil, err
	}
	if author != f.Self {
		if c, _, err := tlog.Read([]byte(have.Note)); err != nil || c.Size != have.Edge.Size() {
			return nil, ErrNoFeed.With("author", author)
		}
		return []byte(have.Note), nil
	}
	key, err := f.Keys.Key(keys.Cosign)
	if err != nil {
		return nil, err
	}
	signer, err := tlog.NewFeedSigner(f.Federation, string(author), key)
	if err != nil {
		return nil, err
	}
	c := tlog.Checkpoint{Origin: tlog.FeedOrigin(f.Federation, string(author)), Size: have.Edge.Size(), Root: have.Edge.Root()}
	line, err := signer.Sign(c, 0)
	if err != nil {
		return nil, err
	}
	return tlog.Format(c, line)
}

// MaxAsk is the most documents of one request.
const MaxAsk = records.MaxItems

// Documents gives the documents of own entries to a member, in the order asked for:
// each as signed, or why not. It stops at the first entry that has another digest.
func (f *Feeds) Documents(ctx context.Context, to exchange.MemberID, ask wire.AskDocuments, each func(wire.FeedDocument) error) error {
	view := f.Ledger.View()
	c := view.Catalogue()
	m, _ := view.Member(to)
	if m.Suspended != 0 {
		return members.ErrSuspended.With("member", to)
	}
	for rest := ask.Entries; len(rest) > 0; {
		n := run(rest)
		items, err := f.Store.FeedItems(ctx, f.Self, rest[0].Index, n)
		if err != nil {
			return err
		}
		for i := range n {
			if i >= len(items) || items[i].Entry.Hex() != rest[i].Digest {
				return ErrNotEntry.With("index", rest[i].Index)
			}
			if err := each(given(c, m.Kind, items[i])); err != nil {
				return err
			}
		}
		rest = rest[n:]
	}
	return nil
}

// run is how many entries at the beginning follow each other, at most a bundle.
func run(entries []wire.FeedEntry) int {
	n := 1
	for n < len(entries) && n < tlog.TileWidth && entries[n].Index == entries[0].Index+int64(n) {
		n++
	}
	return n
}
