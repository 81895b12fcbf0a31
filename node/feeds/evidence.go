package feeds

import (
	"context"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange/records"
)

// history is the evidence about an author that shows another history than it showed
// or anchored: its own words for both. Where it does not show how its history hangs
// together, there is no more to be had than the words.
func (fl *follow) history(ctx context.Context, have records.Feed, anchor anchored, h head) bundle.FeedEvidence {
	ev := bundle.FeedEvidence{Notes: []string{string(h.note)}}
	if held, _, err := tlog.Read([]byte(have.Note)); err == nil {
		ev.Notes = append(ev.Notes, have.Note)
		switch {
		case held.Size < h.Size:
			link(&ev, 0, held.Size, h.tree, h.Checkpoint)
		case held.Size > h.Size && held.Size == have.Edge.Size():
			link(&ev, 1, h.Size, fl.own(ctx, held.Size), held)
		}
	}
	if anchor.Size > 0 {
		if anchor.paper != "" {
			ev.Anchors = []string{anchor.paper}
		}
		switch {
		case len(ev.Notes) > 1 && anchor.Size < have.Edge.Size() && have.Edge.Size() == noted(have):
			link(&ev, 1, anchor.Size, fl.own(ctx, have.Edge.Size()), tlog.Checkpoint{Size: have.Edge.Size(), Root: have.Edge.Root()})
		case anchor.Size < h.Size:
			link(&ev, 0, anchor.Size, h.tree, h.Checkpoint)
		}
	}
	return ev
}

// noted is the size of the checkpoint by which a feed was taken over.
func noted(have records.Feed) int64 {
	c, _, err := tlog.Read([]byte(have.Note))
	if err != nil {
		return -1
	}
	return c.Size
}

// own is the author's tree as it is held here.
func (fl *follow) own(ctx context.Context, size int64) *tlog.Tiled {
	return tlog.NewTiled(size, func(t tlog.Tile) ([]byte, error) { return fl.Store.FeedTile(ctx, fl.author, t) })
}

// link adds what the tree under a note says of a smaller size, if it can be proved.
func link(ev *bundle.FeedEvidence, to int, size int64, tree *tlog.Tiled, point tlog.Checkpoint) {
	if size < 1 {
		return
	}
	root, err := tree.RootAt(size)
	if err != nil {
		return
	}
	proof, err := tree.ProveConsistency(size, point.Size)
	if err != nil || tlog.CheckConsistency(proof, size, root, point.Size, point.Root) != nil {
		return
	}
	ev.Links = append(ev.Links, bundle.FeedLink{To: to, Size: size, Root: root, Proof: proof})
}

// entry is the evidence that the author signed for an entry, with its document where
// that is what is wrong.
func (fl *follow) entry(item records.Item, document string) bundle.FeedEvidence {
	h := fl.shown
	text := item.Entry.Encode()
	ev := bundle.FeedEvidence{Notes: []string{string(h.note)}}
	if h.tree == nil {
		return bundle.FeedEvidence{}
	}
	proof, err := h.tree.ProveInclusion(item.Index, h.Size)
	if err == nil {
		err = tlog.CheckInclusion(proof, h.Size, item.Index, h.Root, tlog.LeafHash(text))
	}
	if err == nil {
		ev.Entry = &bundle.FeedWitness{Index: item.Index, Text: string(text), Proof: proof, Document: document}
	}
	return ev
}

// given is entry with the digest of what came in the document's place.
func (fl *follow) given(item records.Item, document string) bundle.FeedEvidence {
	ev := fl.entry(item, "")
	ev.Given = records.DigestOf(document)
	return ev
}

// owes says that the author does not give what it signed for. The alarm is raised
// once, and the evidence made once.
func (fl *follow) owes(item records.Item, why string) {
	a := Alarm{Author: fl.author, Kind: KindMissing, Size: item.Index, Why: why}
	if fl.open(a) {
		fl.raise(a, nil)
		return
	}
	ev := fl.entry(item, "")
	fl.raise(a, &ev)
}
