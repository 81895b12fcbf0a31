package feeds

import (
	"bytes"
	"context"
	"strings"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/wire"
)

// This file carries a feed by hand: Export writes parts, Import takes them in by the
// follower's own rounds, and an acknowledgement tells the author where to go on.

// The errors of carrying a feed.
var (
	ErrPartPeer = exchange.Define(exchange.KindRefused, "FEED-045",
		exchange.Text{Zh: "{to} 不是可以接收本单位记录流的其他成员", En: "{to} is no other member that may be given this member's feed"},
		exchange.Text{Zh: "成员见 accord member list", En: "see accord member list for the members"})
	ErrPartSince = exchange.Define(exchange.KindInvalid, "FEED-046",
		exchange.Text{Zh: "本单位的记录流只有 {size} 条，不能从第 {since} 条开始", En: "this member's feed has {size} entries and cannot be exported from entry {since} on"},
		exchange.Text{Zh: "用 --ack 从对方的回执继续，或从 0 开始", En: "go on from the other's acknowledgement with --ack, or begin at 0"})
	ErrAckOther = exchange.Define(exchange.KindConflict, "FEED-047",
		exchange.Text{Zh: "{member} 确认的 {size} 条与本单位的记录流不是同一历史", En: "the {size} entries that {member} acknowledges are another history than this member's feed"},
		exchange.Text{Zh: "记录库是否被旧备份替换？对照 accord feed status 和双方的警报", En: "was the record store replaced by an older backup? Compare accord feed status and the alarms of both sides"})
)

// Export writes the part of this member's feed that begins at an entry, for a member,
// as long as PartTarget allows. The head of what it wrote says where the next begins;
// a part without entries says that there is nothing more.
func (f *Feeds) Export(ctx context.Context, to exchange.MemberID, since int64) ([]byte, error) {
	view := f.Ledger.View()
	m, ok := view.Member(to)
	if !ok || to == f.Self || !m.Takes() {
		return nil, ErrPartPeer.With("to", to)
	}
	note, err := f.Checkpoint(ctx, f.Self)
	if err != nil {
		return nil, err
	}
	head, _, err := tlog.Read(note)
	if err != nil {
		return nil, err
	}
	if since < 0 || since > head.Size {
		return nil, ErrPartSince.With("size", head.Size, "since", since)
	}
	c := view.Catalogue()
	p := &Part{PartHead: PartHead{Federation: f.Federation, Author: f.Self, To: to, From: since, Size: head.Size,
		MadeAt: int64(exchange.MillisOf(f.Clock())), Catalogue: c.Document().Version, Note: string(note)}}
	if p.documents, err = f.stretch(ctx, c, m.Kind, since, head.Size); err != nil {
		return nil, err
	}
	p.Until = since + int64(len(p.documents))
	if p.tiles, err = f.tilesOf(ctx, p.PartHead); err != nil {
		return nil, err
	}
	if f.Proof != nil {
		if p.word, err = f.Proof(ctx); err != nil {
			f.Log.Warn("a part of the feed is exported without what the ledger says of it", "error", err)
		}
	}
	attest, err := f.Keys.Key(keys.Attest)
	if err != nil {
		return nil, err
	}
	return p.encode(attest)
}

// stretch is the documents from an entry on, as a member of a kind gets them.
func (f *Feeds) stretch(ctx context.Context, c *catalogue.Catalogue, kind exchange.MemberKind, from, size int64) (all []wire.FeedDocument, err error) {
	for bytes := 0; from < size; {
		items, err := f.Store.FeedItems(ctx, f.Self, from, int(min(size-from, tlog.TileWidth)))
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			d := given(c, kind, item)
			all = append(all, d)
			if bytes += len(d.Document) + 64; bytes >= f.PartTarget {
				return all, nil
			}
		}
		if len(items) == 0 {
			return nil, records.ErrNotFound.With()
		}
		from += int64(len(items))
	}
	return all, nil
}

// given is an own entry's document as a member of a kind gets it, or why it does not.
func given(c *catalogue.Catalogue, kind exchange.MemberKind, item records.Item) wire.FeedDocument {
	if item.Lack == records.Held && item.Entry.Kind.Carries() {
		if ns := item.Subject.Namespace(); !feed.Entitled(c, item.Category, ns, kind) {
			return wire.FeedDocument{Index: item.Index, Lack: string(records.Withheld), Category: item.Category, Namespace: ns,
				Catalogue: c.Document().Version}
		}
	}
	return wire.FeedDocument{Index: item.Index, Document: item.JWT, Lack: string(item.Lack)}
}

// tilesOf are the tiles that a member asks for to verify a part, wherever in it, or
// at its beginning, what it holds ends: found by asking for them.
func (f *Feeds) tilesOf(ctx context.Context, h PartHead) (map[tlog.Tile][]byte, error) {
	tiles := map[tlog.Tile][]byte{}
	tree := tlog.NewTiled(h.Size, func(t tlog.Tile) (data []byte, err error) {
		if data = tiles[t]; data == nil {
			data, err = f.Store.FeedTile(ctx, f.Self, t)
			tiles[t] = data
		}
		return data, err
	})
	sizes := []int64{h.From, h.Until}
	for border := (h.From/tlog.TileWidth + 1) * tlog.TileWidth; border < h.Until; border += tlog.TileWidth {
		sizes = append(sizes, border)
	}
	for _, size := range sizes {
		if _, err := tree.ProveConsistency(size, h.Size); err != nil {
			return nil, err
		}
	}
	for n := h.From / tlog.TileWidth; n*tlog.TileWidth < h.Until; n++ {
		bundle := tlog.Tile{Level: tlog.EntriesLevel, Index: n, Width: int(min(tlog.TileWidth, h.Size-n*tlog.TileWidth))}
		data, err := f.Store.FeedTile(ctx, f.Self, bundle)
		if err != nil {
			return nil, err
		}
		tiles[bundle] = data
		delete(tiles, tlog.Tile{Level: 0, Index: n, Width: bundle.Width}) // made of the entries
	}
	return tiles, nil
}

// Import takes a part in: once for all, however often it comes. It verifies what a
// round over the wire verifies, by the same steps, and raises the same alarms.
func (f *Feeds) Import(ctx context.Context, raw []byte) (out wire.FeedImported, err error) {
	p, err := ReadPart(raw)
	if err != nil {
		return out, err
	}
	if p.Federation != f.Federation || p.To != f.Self {
		return out, ErrPartFor.With("federation", p.Federation, "author", p.Author, "to", p.To)
	}
	if m, _ := f.Ledger.View().Member(p.Author); m.Suspended != 0 {
		return out, members.ErrSuspended.With("member", p.Author)
	}
	w, err := f.readWord(p)
	if err != nil {
		return out, err
	}
	fl := f.follow(p.Author)
	select {
	case fl.turn <- struct{}{}:
		defer fl.end()
	case <-ctx.Done():
		return out, ctx.Err()
	}
	if fl.word = w; len(fl.authorKeys(keys.Attest)) == 0 {
		return out, ErrPartLedger.With("why", "the author is no member that is known here")
	}
	if err := p.verify(fl.attestKey); err != nil {
		return out, err
	}
	if _, known := fl.catalogueAt(p.Catalogue); !known {
		return out, ErrPartLedger.With("why", "the catalogue version by which it was made is not known here")
	}
	before, err := f.Store.Feed(ctx, p.Author)
	if err != nil {
		return out, err
	}
	if have := before.Edge.Size(); p.From > have {
		return out, ErrPartGap.With("author", p.Author, "from", p.From, "have", have)
	}
	if err := fl.advance(ctx, source{Peer: p, part: p, word: w}); err != nil {
		return out, err
	}
	after, err := f.Store.Feed(ctx, p.Author)
	if err != nil {
		return out, err
	}
	fl.mu.Lock()
	fl.polled, fl.well, fl.have = fl.Clock(), fl.Clock(), after.Edge.Size()
	anchored := fl.anchored
	fl.mu.Unlock()
	lacks, err := f.Store.Lacks(ctx, p.Author)
	return wire.FeedImported{Author: p.Author, From: p.From, Until: p.Until, New: after.Edge.Size() - before.Edge.Size(), Size: after.Edge.Size(),
		Seen: p.Size, Anchored: anchored, Withheld: lacks[records.Withheld], Missing: lacks[records.Missing] + lacks[records.Clash],
		Erased: lacks[records.Erased]}, err
}

const (
	ackTag = "accord-feed-acknowledgement/1\n"
	// MaxAck is the longest acknowledgement in bytes.
	MaxAck = 32 << 20
)

// Acknowledge is this member's word for how much of an author's feed it holds, as a
// file, with its receipts for what was erased since an entry:
//
//	accord-feed-acknowledgement/1
//	<JWS>                          feed.Ack
//	<JWS>                          a receipt, as many as there are
func (f *Feeds) Acknowledge(ctx context.Context, author exchange.MemberID, since int64) ([]byte, error) {
	have, err := f.Store.Feed(ctx, author)
	if err != nil {
		return nil, err
	}
	if have.Edge.Size() == 0 || author == f.Self {
		return nil, ErrNoFeed.With("author", author)
	}
	attest, err := f.Keys.Key(keys.Attest)
	if err != nil {
		return nil, err
	}
	token, err := feed.SignAck(feed.Ack{Issuer: f.Self, IssuedAt: f.Clock().Unix(), Federation: f.Federation, Author: author,
		Size: have.Edge.Size(), Root: have.Edge.Root()}, attest)
	if err != nil {
		return nil, err
	}
	out := []byte(ackTag + token + "\n")
	fl := f.follow(author)
	for at := max(since, 0); at < have.Edge.Size(); {
		items, err := f.Store.FeedItems(ctx, author, at, tlog.TileWidth)
		if err == nil && len(items) == 0 {
			err = records.ErrNotFound.With()
		}
		if err != nil {
			return nil, err
		}
		at += int64(len(items))
		for _, item := range items {
			if item.Entry.Kind != feed.Erasure || item.Lack != records.Held {
				continue
			}
			d, err := feed.ReadDocument(item.Entry, author, f.Federation, item.JWT)
			if err != nil {
				continue // an alarm was raised when it came
			}
			receipt, err := fl.signReceipt(ctx, d)
			if err != nil {
				return nil, err
			}
			if len(out)+len(receipt) > MaxAck {
				return nil, ErrPart.With("why", "too long")
			}
			out = append(append(out, receipt...), '\n')
		}
	}
	return out, nil
}

// TakeAck verifies an acknowledgement of this member's feed and keeps the receipts
// that came with it. Where it stands the next export goes on.
func (f *Feeds) TakeAck(ctx context.Context, raw []byte) (out wire.FeedAcknowledged, err error) {
	rest, ok := bytes.CutPrefix(raw, []byte(ackTag))
	if !ok || len(raw) > MaxAck || !bytes.HasSuffix(rest, []byte("\n")) {
		return out, ErrPart.With("why", "of another kind or version")
	}
	tokens := strings.Split(strings.TrimSuffix(string(rest), "\n"), "\n")
	a, err := feed.ReadAck(tokens[0], f.Self, f.Federation, func(m exchange.MemberID) jws.Lookup { return f.attestKeyOf(m) })
	if err != nil {
		return out, err
	}
	own, err := f.Store.Feed(ctx, f.Self)
	if err != nil {
		return out, err
	}
	tree := tlog.NewTiled(own.Edge.Size(), func(t tlog.Tile) ([]byte, error) { return f.Store.FeedTile(ctx, f.Self, t) })
	if a.Size > own.Edge.Size() {
		return out, ErrAckOther.With("member", a.Issuer, "size", a.Size)
	}
	if root, err := tree.RootAt(a.Size); err != nil {
		return out, err
	} else if root != a.Root {
		return out, ErrAckOther.With("member", a.Issuer, "size", a.Size)
	}
	for _, token := range tokens[1:] {
		if err := f.TakeReceipt(ctx, a.Issuer, token); err != nil {
			return out, err
		}
	}
	return wire.FeedAcknowledged{Member: a.Issuer, Size: a.Size, Of: own.Edge.Size(), Receipts: len(tokens) - 1}, nil
}
