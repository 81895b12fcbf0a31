package feeds

import (
	"context"
	"errors"
	"fmt"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
	"accord/node/wire"
)

// errEnough ends an answer that goes on after what was asked for.
var errEnough = errors.New("feeds: more documents than were asked for")

// documents gets the documents of entries. What the author does not give is
// missing: it is counted, an alarm says so, and it is asked for again.
func (fl *follow) documents(ctx context.Context, peer Peer, from int64, entries []feed.Entry) ([]records.Item, error) {
	items := make([]records.Item, len(entries))
	ask := wire.AskDocuments{Entries: make([]wire.FeedEntry, len(entries))}
	for i, e := range entries {
		items[i] = records.Item{Index: from + int64(i), Entry: e, Lack: records.Missing}
		ask.Entries[i] = wire.FeedEntry{Index: items[i].Index, Digest: e.Hex()}
	}
	bulk, cancel := context.WithTimeout(ctx, bulkTime)
	defer cancel()
	next := 0
	err := peer.FeedDocuments(bulk, fl.author, ask, func(d wire.FeedDocument) error {
		if next == len(items) || d.Index != items[next].Index {
			return errEnough
		}
		fl.judge(&items[next], d)
		next++
		return nil
	})
	if errors.Is(err, errEnough) {
		err = ErrShort.Wrap(err, "author", fl.author)
	}
	if err != nil && next == 0 {
		return nil, err
	}
	if next == 0 {
		return nil, ErrShort.With("author", fl.author)
	}
	return items[:next], nil // what came is kept, and the rest is the next portion's
}

// judge decides what becomes of one entry by what the author says of it.
func (fl *follow) judge(item *records.Item, d wire.FeedDocument) {
	switch {
	case d.Lack == "" && item.Entry.Matches(d.Document):
		fl.read(item, d.Document)
	case d.Lack == string(records.Withheld) && item.Entry.Kind.Carries() && fl.mayWithhold(d):
		item.Lack, item.Category = records.Withheld, d.Category
	case d.Lack == string(records.Erased) && item.Entry.Kind.Carries() && fl.erasureOf(item.Entry.ID, d.Document):
		item.Lack = records.Erased
	case d.Lack == "":
		_ = fl.accuse(KindDocument, item.Index, fmt.Sprintf("the document it gives for entry %d does not have the digest the entry names", item.Index),
			fl.given(*item, d.Document))
	default:
		fl.owes(*item, fmt.Sprintf("it does not give the document of entry %d, and the catalogue does not let it withhold that", item.Index))
	}
}

// read reads a document whose digest is right.
func (fl *follow) read(item *records.Item, document string) {
	if item.Entry.Kind.Carries() {
		r, err := fl.Read(fl.author, document)
		if err == nil && string(r.ID) == item.Entry.ID && (r.Replaces != "") == (item.Entry.Kind == feed.Correction) {
			item.Record, item.Lack = &r, records.Held
			return
		}
	} else if d, err := feed.ReadDocument(item.Entry, fl.author, fl.Federation, document); err == nil {
		item.Document, item.Lack = &d, records.Held
		return
	}
	_ = fl.accuse(KindDocument, item.Index, fmt.Sprintf("the document of entry %d is not what the entry says it is", item.Index),
		fl.entry(*item, document))
}

// mayWithhold judges by the catalogue version the author named, if that was in
// force here.
func (fl *follow) mayWithhold(d wire.FeedDocument) bool {
	c, known := fl.catalogueAt(d.Catalogue)
	me, member := fl.Ledger.View().Member(fl.Self)
	return known && member && exchange.ValidName(d.Category) && c.Category(d.Category) != nil &&
		!feed.Entitled(c, d.Category, d.Namespace, me.Kind)
}

// erasureOf says whether a document is the author's signed order to erase a record.
func (fl *follow) erasureOf(record, document string) bool {
	d, err := feed.ReadErasure(fl.author, fl.Federation, document)
	return err == nil && string(d.Record) == record && d.Verify(fl.attestKey) == nil
}

// attestKey finds the author's key for documents, whenever it counted: a document
// of its feed is dated by the feed.
func (fl *follow) attestKey(kid string) (keys.Public, error) {
	for _, k := range fl.authorKeys(keys.Attest) {
		if k.KID() == kid {
			return k, nil
		}
	}
	return keys.Public{}, jws.ErrKey
}

// askAgain bounds how many documents a round asks for again.
const askAgain = 256

// lacking asks again for what is missing, and for what was withheld under an
// earlier catalogue.
func (fl *follow) lacking(ctx context.Context, src source) error {
	from := int64(0)
	if src.part != nil {
		from = src.part.From
	}
	missing, err := fl.Store.Lacking(ctx, fl.author, records.Missing, from, askAgain)
	if err != nil {
		return err
	}
	left := len(missing)
	if within := src.within(missing); len(within) > 0 {
		filled, err := fl.refill(ctx, src, within)
		if err != nil {
			return err
		}
		left -= filled
	}
	if src.part != nil {
		return fl.granted(ctx, src)
	}
	if left == 0 {
		fl.clear(fl.author, KindMissing)
	} else {
		fl.owes(missing[0], fmt.Sprintf("documents of %d or more of its entries are missing, from entry %d on", left, missing[0].Index))
	}
	version := fl.Ledger.View().Catalogue().Document().Version
	if fl.policy == version {
		return nil
	}
	if fl.policy != 0 {
		if err := fl.granted(ctx, src); err != nil {
			return err
		}
	}
	fl.policy = version
	return nil
}

// granted asks for what was withheld: the catalogue may have changed since.
func (fl *follow) granted(ctx context.Context, src source) error {
	from := int64(0)
	if src.part != nil {
		from = src.part.From
	}
	for {
		page, err := fl.Store.Lacking(ctx, fl.author, records.Withheld, from, askAgain)
		if err != nil || len(page) == 0 {
			return err
		}
		from = page[len(page)-1].Index + 1
		within := src.within(page)
		if len(within) == 0 {
			return nil
		}
		if _, err := fl.refill(ctx, src, within); err != nil {
			return err
		}
	}
}

// refill asks for documents that lack and stores those that come.
func (fl *follow) refill(ctx context.Context, peer Peer, lacking []records.Item) (filled int, err error) {
	ask := wire.AskDocuments{}
	for _, item := range lacking {
		ask.Entries = append(ask.Entries, wire.FeedEntry{Index: item.Index, Digest: item.Entry.Hex()})
	}
	bulk, cancel := context.WithTimeout(ctx, bulkTime)
	defer cancel()
	var got []records.Item
	err = peer.FeedDocuments(bulk, fl.author, ask, func(d wire.FeedDocument) error {
		if len(got) == len(lacking) || d.Index != lacking[len(got)].Index {
			return errEnough
		}
		item := lacking[len(got)]
		item.Lack, item.Category = records.Missing, ""
		fl.judge(&item, d)
		got = append(got, item)
		return nil
	})
	for i, item := range got {
		if item.Lack == lacking[i].Lack {
			continue
		}
		if err := fl.Store.Fill(ctx, fl.author, item); err != nil && !errors.Is(err, records.ErrNotFound) {
			return filled, err
		}
		filled++
	}
	if err != nil && errors.Is(err, errEnough) {
		err = ErrShort.Wrap(err, "author", fl.author)
	}
	return filled, err
}
