package feeds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
)

// The errors of following a feed.
var (
	ErrFollow = exchange.Define(exchange.KindUnverified, "FEED-020",
		exchange.Text{Zh: "{author} 的记录流不可信：{why}", En: "the feed of {author} is not believed: {why}"},
		exchange.Text{Zh: "用 accord feed status 查看警报和证据文件", En: "see the alarm and its evidence with accord feed status"})
	ErrRoom = exchange.Define(exchange.KindUnavailable, "FEED-021",
		exchange.Text{Zh: "磁盘余量不足，暂停接收其他单位的记录", En: "too little disk is left to take in more of others' records"},
		exchange.Text{Zh: "腾出空间；接收会自动继续", En: "make room; it goes on by itself"})
	ErrShort = exchange.Define(exchange.KindUnverified, "FEED-022",
		exchange.Text{Zh: "{author} 的应答超出限度或中断", En: "the answer of {author} breaks a limit or breaks off"},
		exchange.Text{Zh: "下一轮会重试；若持续如此，请联系该单位", En: "it is asked again in the next round; if it stays so, ask that member"})
)

// Bounds of single requests.
const (
	askTime  = 20 * time.Second // a checkpoint or tile
	bulkTime = 2 * time.Minute  // the documents of a batch
)

// head is an author's checkpoint that verified, with the note it came in.
type head struct {
	tlog.Checkpoint
	note []byte
	tree *tlog.Tiled // as the author shows it; nothing of it is believed unproved
}

// poll does one round. What it returns has been said as an alarm.
func (fl *follow) poll(ctx context.Context) error {
	err := fl.visit(ctx)
	var known *exchange.Error
	switch {
	case err == nil:
		fl.failed(false)
		fl.clear(fl.author, KindStalled)
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
	case errors.Is(err, ErrFollow), errors.Is(err, records.ErrMoved): // said, or another round's doing
	case !fl.failed(true): // a node may be started again, or be away for a while
	default:
		why := "it does not answer"
		if errors.As(err, &known) {
			why = known.Code + " " + known.What(exchange.En)
		}
		fl.raise(Alarm{Author: fl.author, Kind: KindStalled, Size: fl.size(ctx), Why: why}, nil)
	}
	return err
}

// failed notes how a round ended; it says whether none has ended well for so long that
// the author is stalled.
func (fl *follow) failed(now bool) bool {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	switch {
	case !now:
		fl.failing = time.Time{}
	case fl.failing.IsZero():
		fl.failing = fl.Clock()
	}
	return now && fl.Clock().Sub(fl.failing) >= fl.Patience
}

func (fl *follow) size(ctx context.Context) int64 {
	f, err := fl.Store.Feed(ctx, fl.author)
	if err != nil {
		return 0
	}
	return f.Edge.Size()
}

// visit asks the author's node.
func (fl *follow) visit(ctx context.Context) error {
	peer, err := fl.Peer(fl.author)
	if err != nil {
		return err
	}
	return fl.advance(ctx, source{Peer: peer})
}

// advance takes over what is new.
func (fl *follow) advance(ctx context.Context, src source) error {
	fl.word = src.word
	anchors := fl.anchors() // before the checkpoint, which must cover them
	h, err := fl.checkpoint(ctx, src)
	if err != nil {
		return err
	}
	have, err := fl.Store.Feed(ctx, fl.author)
	if err != nil {
		return err
	}
	fl.shown = h
	if src.part != nil {
		if h.Size < have.Edge.Size() {
			return fl.past(ctx, have, h)
		}
		anchors = reached(anchors, have, src.reach(h))
	}
	if err := fl.extends(ctx, have, anchors, h); err != nil {
		return err
	}
	if err := fl.takeOver(ctx, src, have.Edge, h); err != nil {
		return err
	}
	if err := fl.lacking(ctx, src); err != nil {
		return err
	}
	return fl.signatures(ctx, src)
}

// checkpoint gets the author's newest and verifies its signature.
func (fl *follow) checkpoint(ctx context.Context, src source) (head, error) {
	ask, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	note, err := src.FeedCheckpoint(ask, fl.author)
	if err != nil {
		return head{}, err
	}
	var known []tlog.Key
	for _, k := range fl.authorKeys(keys.Cosign) {
		if key, err := tlog.FeedKey(fl.Federation, string(fl.author), k); err == nil {
			known = append(known, key)
		}
	}
	signed, err := tlog.Open(note, tlog.FeedOrigin(fl.Federation, string(fl.author)), known...)
	if err != nil {
		return head{}, fl.accuse(KindCheckpoint, 0, "its checkpoint does not verify: "+err.Error(), bundle.FeedEvidence{Given: string(note)})
	}
	fl.mu.Lock()
	if src.part == nil {
		fl.seen = signed.Size
	} else {
		fl.seen = max(fl.seen, signed.Size) // a file may be older than what was seen
	}
	fl.mu.Unlock()
	return head{signed.Checkpoint, note, tlog.NewTiled(signed.Size, func(t tlog.Tile) ([]byte, error) {
		ask, cancel := context.WithTimeout(ctx, askTime)
		defer cancel()
		return src.FeedTile(ask, fl.author, t)
	})}, nil
}

// extends proves that what is held, and what the ledger has anchored, are the
// beginning of what the author shows now.
func (fl *follow) extends(ctx context.Context, have records.Feed, anchors []anchored, h head) error {
	ev := func(a anchored) func() bundle.FeedEvidence {
		return func() bundle.FeedEvidence { return fl.history(ctx, have, a, h) }
	}
	if h.Size < have.Edge.Size() {
		return fl.accuse(KindShrunk, h.Size, fmt.Sprintf("its checkpoint has %d entries, and it showed %d before", h.Size, have.Edge.Size()), ev(anchored{})())
	}
	for _, a := range anchors {
		if h.Size < a.Size {
			return fl.accuse(KindShrunk, h.Size, fmt.Sprintf("its checkpoint has %d entries, and it anchored %d", h.Size, a.Size), ev(a)())
		}
	}
	if err := fl.begins(have.Edge.Size(), have.Edge.Root(), h); err != nil {
		return fl.proven(err, KindRewrite, have.Edge.Size(), "what it showed before is not the beginning of what it shows now", ev(anchored{}))
	}
	for _, a := range anchors {
		if a.Size <= fl.anchored {
			continue
		}
		if err := fl.leads(ctx, a, have, h); err != nil {
			return fl.proven(err, KindAnchor, a.Size, "what it anchored on the ledger is not the beginning of what it shows", ev(a))
		}
		fl.mu.Lock()
		fl.anchored = a.Size
		fl.mu.Unlock()
	}
	return nil
}

// leads is nil when an anchor is the beginning of the head's tree. Of what is held
// already, which was proved to be that, the tiles here tell.
func (fl *follow) leads(ctx context.Context, a anchored, have records.Feed, h head) error {
	if a.Size > have.Edge.Size() {
		return fl.begins(a.Size, a.Root, h)
	}
	root, err := fl.own(ctx, have.Edge.Size()).RootAt(a.Size)
	if err == nil && root != a.Root {
		err = tlog.ErrProof
	}
	return err
}

// begins is nil when the tree of that size and root is the beginning of the head's:
// tlog.ErrProof when it is not, or another error when that cannot be told.
func (fl *follow) begins(size int64, root tlog.Hash, h head) error {
	if size == h.Size {
		if root != h.Root {
			return tlog.ErrProof
		}
		return nil
	}
	proof, err := h.tree.ProveConsistency(size, h.Size)
	if err != nil {
		return err
	}
	return tlog.CheckConsistency(proof, size, root, h.Size, h.Root)
}

// proven accuses when a proof failed and passes other errors on.
func (fl *follow) proven(err error, kind string, size int64, why string, ev func() bundle.FeedEvidence) error {
	if errors.Is(err, tlog.ErrProof) || errors.Is(err, tlog.ErrFormat) || errors.Is(err, tlog.ErrRange) {
		return fl.accuse(kind, size, why, ev())
	}
	return err
}

// portion is entries that are proved, with what came with them.
type portion struct {
	from  int64
	items []records.Item
	edge  tlog.Frontier // behind them
	err   error
}

// takeOver stores everything that the source has up to the head. The next portion is fetched and proved
// while one is stored; no more than these two are ever held.
func (fl *follow) takeOver(ctx context.Context, src source, edge tlog.Frontier, h head) error {
	ctx, stop := context.WithCancel(ctx)
	ahead := make(chan portion)
	var fetching sync.WaitGroup
	defer fetching.Wait()
	defer stop()
	fl.at(edge.Size())
	fetching.Go(func() {
		defer close(ahead)
		for edge := edge; edge.Size() < src.reach(h) && ctx.Err() == nil; {
			p := fl.fetch(ctx, src, edge, h)
			edge = p.edge
			select {
			case ahead <- p:
			case <-ctx.Done():
			}
			if p.err != nil {
				return
			}
		}
	})
	for p := range ahead {
		if p.err != nil {
			return p.err
		}
		if err := fl.Room(); err != nil {
			return err
		}
		fl.hit("feeds.documents")
		fl.hit("feeds.batch.before")
		if err := fl.Store.Follow(ctx, fl.author, p.from, p.items, string(h.note)); err != nil {
			return err
		}
		fl.hit("feeds.batch.after")
		if err := fl.erased(ctx, p.items); err != nil {
			return err
		}
		fl.at(p.edge.Size())
	}
	return ctx.Err()
}

// at notes how far the feed is taken over.
func (fl *follow) at(size int64) {
	fl.mu.Lock()
	defer fl.mu.Unlock()
	fl.have = size
}

// fetch gets the entries behind an edge, proves that they lead to the head, and gets
// their documents.
func (fl *follow) fetch(ctx context.Context, src source, edge tlog.Frontier, h head) portion {
	from := edge.Size()
	p := portion{from: from, edge: edge}
	// up to a border of bundles, so that each bundle is fetched once
	until := min(src.reach(h), (from+int64(fl.Batch))/tlog.TileWidth*tlog.TileWidth)
	if until <= from {
		until = min(src.reach(h), (from/tlog.TileWidth+1)*tlog.TileWidth)
	}
	entries, err := fl.entries(ctx, src, from, until, h.Size)
	if err != nil {
		p.err = err
		return p
	}
	for _, e := range entries {
		edge.Append(e.Leaf())
	}
	if err := fl.begins(until, edge.Root(), h); err != nil {
		p.err = fl.proven(err, KindRewrite, until, "its entries do not lead to its checkpoint", func() bundle.FeedEvidence { return bundle.FeedEvidence{Notes: []string{string(h.note)}} })
		return p
	}
	if p.items, p.err = fl.documents(ctx, src, from, entries); p.err != nil {
		return p
	}
	if len(p.items) == len(entries) {
		p.edge = edge
		return p
	}
	for _, item := range p.items { // the answer broke off
		p.edge.Append(item.Entry.Leaf())
	}
	return p
}

// entries gets a range of entries from the bundles they lie in.
func (fl *follow) entries(ctx context.Context, peer Peer, from, until, size int64) ([]feed.Entry, error) {
	all := make([]feed.Entry, 0, until-from)
	for n := from / tlog.TileWidth; n*tlog.TileWidth < until; n++ {
		tile := tlog.Tile{Level: tlog.EntriesLevel, Index: n, Width: int(min(tlog.TileWidth, size-n*tlog.TileWidth))}
		ask, cancel := context.WithTimeout(ctx, askTime)
		data, err := peer.FeedTile(ask, fl.author, tile)
		cancel()
		if err != nil {
			return nil, err
		}
		raw, err := tlog.ParseEntryBundle(data, tile.Width)
		if err != nil {
			return nil, ErrShort.Wrap(err, "author", fl.author)
		}
		for i, one := range raw {
			at := n*tlog.TileWidth + int64(i)
			if at < from || at >= until {
				continue
			}
			e, err := feed.DecodeEntry(one)
			if err != nil {
				return nil, err // signed or not, this version cannot go on here
			}
			all = append(all, e)
		}
	}
	return all, nil
}
