package feeds

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"accord/crypto/bundle"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
	"accord/node/founding"
	"accord/node/wire"
)

// place names the positions kept in the store beside a feed.
func (fl *follow) place(what string) string { return what + "/" + string(fl.author) }

// erased makes sure that what a batch erased is gone from the store's files, and
// from the evidence of alarms.
func (fl *follow) erased(ctx context.Context, items []records.Item) error {
	gone := map[exchange.RecordID]bool{}
	for _, item := range items {
		if item.Document != nil && item.Document.Kind == feed.Erasure {
			gone[item.Document.Record] = true
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return errors.Join(fl.bare(func(id exchange.RecordID) bool { return gone[id] }), fl.Store.Scrub(ctx))
}

// bare takes the documents of records out of evidence files. Their digest stays, so
// that the accusation can still be held against a copy that somebody may have.
func (f *Feeds) bare(gone func(exchange.RecordID) bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir := filepath.Join(f.Dir, "evidence")
	files, err := os.ReadDir(dir)
	if err != nil {
		return ErrAlarms.Wrap(err)
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name())
		raw, err := os.ReadFile(path)
		if err != nil {
			return ErrAlarms.Wrap(err)
		}
		ev, err := bundle.ParseFeedEvidence(raw)
		if err != nil || ev.Entry == nil || ev.Entry.Document == "" {
			continue
		}
		e, err := feed.DecodeEntry([]byte(ev.Entry.Text))
		if err != nil || !gone(exchange.RecordID(e.ID)) {
			continue
		}
		ev.Entry.Document = ""
		if raw, err = ev.Marshal(); err == nil {
			err = founding.WriteFile(path, raw)
		}
		if err != nil {
			return ErrAlarms.Wrap(err)
		}
	}
	return nil
}

// checkAtOnce bounds how many documents a round looks at behind the feed.
const checkAtOnce = 4096

// signatures verifies, behind the feed, the own signatures of what was taken over,
// and gives receipts for what was erased. A record is authentic by its place in its
// author's signed feed; that it does not verify by itself is the author's fault.
func (fl *follow) signatures(ctx context.Context, src source) error {
	at, err := fl.Store.Position(ctx, fl.place("checked"))
	if err != nil {
		return err
	}
	for done := 0; done < checkAtOnce; {
		items, err := fl.Store.FeedItems(ctx, fl.author, at, 256)
		if err != nil || len(items) == 0 {
			return err
		}
		for _, item := range items {
			if err := fl.check(ctx, src, item); err != nil {
				return err
			}
		}
		at += int64(len(items))
		done += len(items)
		if err := fl.Store.SetPosition(ctx, records.Position{Feed: fl.place("checked"), Index: at}); err != nil {
			return err
		}
	}
	return nil
}

// check verifies one document and, for an erasure, tells its author.
func (fl *follow) check(ctx context.Context, src source, item records.Item) error {
	if item.Lack != records.Held {
		return nil
	}
	var err error
	var d feed.Document
	if item.Entry.Kind.Carries() {
		err = fl.Verify(fl.author, item.JWT)
	} else if d, err = feed.ReadDocument(item.Entry, fl.author, fl.Federation, item.JWT); err == nil {
		err = d.Verify(fl.attestKey)
	}
	if err != nil {
		_ = fl.accuse(KindSignature, item.Index, fmt.Sprintf("the document of entry %d is not signed with its author's key", item.Index),
			fl.entry(item, item.JWT))
		return nil
	}
	if d.Kind == feed.Erasure {
		return fl.receipt(ctx, src, d)
	}
	return nil
}

// receipt hands the author this member's signed word that it erased. The round ends
// where the author does not take it, and begins there again.
func (fl *follow) receipt(ctx context.Context, src source, d feed.Document) error {
	token, err := fl.signReceipt(ctx, d)
	if err != nil {
		return err
	}
	ask, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return src.FeedReceipt(ask, fl.author, wire.FeedReceipt{JWS: token})
}

// signReceipt makes the word, once it is true.
func (fl *follow) signReceipt(ctx context.Context, d feed.Document) (string, error) {
	switch _, err := fl.Store.Get(ctx, d.Record); {
	case err == nil:
		err = records.ErrStorage.Wrap(errors.New("an erased record is still there"))
		fl.Fatal(err)
		return "", err
	case !errors.Is(err, records.ErrNotFound):
		return "", err
	}
	switch kept, err := fl.Store.SharesOf(ctx, fl.author, d.Record); { // as its custodian
	case err != nil:
		return "", err
	case len(kept) > 0:
		err = records.ErrStorage.Wrap(errors.New("shares of an erased record are still there"))
		fl.Fatal(err)
		return "", err
	}
	// Again, after a crash or what could not be done then.
	if err := errors.Join(fl.bare(func(id exchange.RecordID) bool { return id == d.Record }), fl.Store.Scrub(ctx)); err != nil {
		return "", err
	}
	attest, err := fl.Keys.Key(keys.Attest)
	if err != nil {
		return "", err
	}
	return feed.SignReceipt(feed.Receipt{Issuer: fl.Self, IssuedAt: fl.Clock().Unix(), Federation: fl.Federation, Author: fl.author,
		Erasure: d.ID, Record: d.Record}, attest)
}

// TakeReceipt keeps a member's receipt for an own erasure.
func (f *Feeds) TakeReceipt(ctx context.Context, member exchange.MemberID, token string) error {
	r, err := feed.ReadReceipt(token, member, f.Self, f.Federation, f.attestKeyOf(member))
	if err != nil {
		return err
	}
	return f.Store.AddReceipt(ctx, records.Receipt{Erasure: r.Erasure, Member: member, JWT: token, At: exchange.MillisOf(f.Clock())})
}

// attestKeyOf finds a member's keys for documents, whenever they counted.
func (f *Feeds) attestKeyOf(member exchange.MemberID) jws.Lookup {
	m, _ := f.Ledger.View().Member(member)
	return func(kid string) (keys.Public, error) {
		for _, k := range m.Keys {
			if k.Public.KID() == kid && k.Public.Use() == keys.Attest {
				return k.Public, nil
			}
		}
		return keys.Public{}, jws.ErrKey
	}
}
