package agency

import (
	"context"
	"errors"
	"slices"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
)

// ErrEntry is given when an entry is not known.
var ErrEntry = exchange.Define(exchange.KindNotFound, "LIST-100",
	exchange.Text{Zh: "没有名单条目 {entry}", En: "there is no list entry {entry}"},
	exchange.Text{Zh: "用 accord list show 查看", En: "see accord list show"})

// Bundle is the evidence file over everything this node can show under the
// cosigned checkpoint: every statement of the ledger, the document of every
// list entry, and this member's own records as far as entries name them.
func (a *Agency) Bundle(ctx context.Context, checkpoint []byte) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	c, _, err := tlog.Read(checkpoint)
	if err != nil {
		return nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	for s := range view.Statements(0) {
		if s.Seq >= c.Size {
			break
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := addStatement(b, view, s); err != nil {
			return nil, err
		}
	}
	named := map[exchange.RecordID]bool{}
	for e := range lists.All(view.Rows()) {
		if e.Seq >= c.Size {
			continue
		}
		if err := addEntry(b, view, e); errors.Is(err, lists.ErrSignature) {
			continue // its statement, which is in, shows whose fault it is
		} else if err != nil {
			return nil, err
		}
		for _, r := range e.Records {
			if r.Author == a.Self && !named[r.ID] {
				named[r.ID] = true
				if err := a.addRecord(ctx, b, r.ID); err != nil {
					return nil, err
				}
			}
		}
	}
	return b, nil
}

// EntryBundle is the evidence file of one entry: its statement, those that
// ended it, its document, the charter, and the rosters by which its members and
// their keys are judged.
func (a *Agency) EntryBundle(ctx context.Context, id exchange.EntryID, checkpoint []byte) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	e, ok := view.Entry(id)
	if !ok {
		return nil, ErrEntry.With("entry", id)
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	c, _, err := tlog.Read(checkpoint)
	if err != nil {
		return nil, err
	}
	seqs := []int64{e.Seq}
	if e.End != nil {
		seqs = append(seqs, e.End.Seq)
	}
	if err := addSeqs(b, view, c.Size, seqs); err != nil {
		return nil, err
	}
	if err := addEntry(b, view, e); err != nil {
		return nil, err
	}
	for _, r := range e.Records {
		if r.Author == a.Self {
			if err := a.addRecord(ctx, b, r.ID); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// FeedBundle is what the ledger says of this member's feed, for those who have no
// ledger: its anchor, the statement that put the catalogue in force, and the rosters,
// as far as the checkpoint covers them.
func (a *Agency) FeedBundle(checkpoint []byte) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	c, _, err := tlog.Read(checkpoint)
	if err != nil {
		return nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	var seqs []int64
	if anchor, ok := view.Anchor(a.Self); ok {
		seqs = append(seqs, anchor.Seq)
	}
	if adopted := view.CatalogueVersion(); adopted.Seq > 0 {
		seqs = append(append(seqs, adopted.Papers...), adopted.Seq)
	}
	seqs = append(seqs, view.RosterSeqs()...)
	slices.Sort(seqs)
	for _, seq := range slices.Compact(seqs) {
		s, ok := view.Statement(seq)
		if !ok || seq >= c.Size {
			continue
		}
		if err := addStatement(b, view, s); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// addStatement adds a statement of the ledger. A verifier has to be told which of
// them change the keys it goes by.
func addStatement(b *bundle.Bundle, view *machine.View, s journal.Statement) error {
	if view.BringsRoster(s) {
		return b.AddChange(view.Tree(), s.Seq, s.JWS)
	}
	return b.AddCommand(view.Tree(), s.Seq, s.JWS, s.Recorded())
}

func addEntry(b *bundle.Bundle, view *machine.View, e lists.Entry) error {
	doc, err := view.EntryDocument(&e)
	if err != nil {
		return err
	}
	if err := view.VerifyDocument(&e, doc); err != nil {
		return err
	}
	b.AddDocumentOn(bundle.KindEntry, doc, e.Seq)
	return nil
}

// addRecord adds an own record that an entry names. The entry may be another
// member's, and nothing keeps that from naming a record there never was: what is
// not here is left out, or one false reference would spoil all evidence.
func (a *Agency) addRecord(ctx context.Context, b *bundle.Bundle, id exchange.RecordID) error {
	rec, err := a.Records.Get(ctx, id)
	if errors.Is(err, records.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.Author == a.Self && rec.Status != records.Retracted {
		b.AddDocument(bundle.KindRecord, rec.JWT+"~")
	}
	return nil
}
