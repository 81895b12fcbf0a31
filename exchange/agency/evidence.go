package agency

import (
	"context"
	"errors"
	"fmt"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
)

// ErrSize is given when a checkpoint of a size this node has not reached is
// asked for.
var ErrSize = exchange.Define(exchange.KindNotFound, "LEDGER-010",
	exchange.Text{Zh: "本节点的账本尚无 {size} 条", En: "this node's ledger has not reached size {size}"},
	exchange.Text{Zh: "稍后再试,或不指定大小", En: "try again later, or leave the size out"})

// ErrEntry is given when an entry is not known.
var ErrEntry = exchange.Define(exchange.KindNotFound, "LIST-100",
	exchange.Text{Zh: "没有名单条目 {entry}", En: "there is no list entry {entry}"},
	exchange.Text{Zh: "用 accord list show 查看", En: "see accord list show"})

// ErrFork is given when a member signed another root of the ledger than this
// node computed.
var ErrFork = exchange.Define(exchange.KindUnverified, "LEDGER-014",
	exchange.Text{Zh: "有成员共签的账本与本节点不同:{theirs},本节点为 {ours}", En: "a member cosigned another ledger, {theirs}; this node's is {ours}"},
	exchange.Text{Zh: "两份检查点都是证据,请保存并通知全体成员", En: "both checkpoints are evidence; keep them and tell every member"})

// Checkpoint is the ledger's root at size as this node computed it, as a signed
// note with this member's cosignature; size 0 means all of it. Every node signs
// only roots of its own tree, so a quorum of cosignatures means a quorum of
// nodes hold the same history.
func (a *Agency) Checkpoint(size int64) (int64, []byte, error) {
	tree := a.Ledger.View().Tree()
	if size == 0 {
		size = tree.Size()
	}
	root, err := tree.RootAt(size)
	if err != nil || size < 1 {
		return 0, nil, ErrSize.With("size", size)
	}
	key, err := a.Keys.Key(keys.Cosign)
	if err != nil {
		return 0, nil, err
	}
	signer, err := tlog.NewCosigner(a.Federation, string(a.Self), key)
	if err != nil {
		return 0, nil, err
	}
	c := tlog.Checkpoint{Origin: tlog.LedgerOrigin(a.Federation), Size: size, Root: root}
	sig, err := signer.Sign(c, a.Clock().Unix())
	if err != nil {
		return 0, nil, err
	}
	note, err := tlog.Format(c, sig)
	return size, note, err
}

// Cosign puts this member's and the others' notes over one checkpoint into one
// note. A note over another root or size is an error: it is evidence.
func Cosign(own []byte, others ...[]byte) ([]byte, error) {
	c, sigs, err := tlog.Read(own)
	if err != nil {
		return nil, err
	}
	for _, note := range others {
		oc, osigs, err := tlog.Read(note)
		if err != nil {
			return nil, err
		}
		if oc != c {
			return nil, ErrFork.With("theirs", shown(oc), "ours", shown(c))
		}
		sigs = append(sigs, osigs...)
	}
	return tlog.Format(c, sigs...)
}

func shown(c tlog.Checkpoint) string { return fmt.Sprintf("%d %x", c.Size, c.Root[:8]) }

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
		if err := b.AddCommand(view.Tree(), s.Seq, s.JWS, s.Recorded()); err != nil {
			return nil, err
		}
	}
	named := map[exchange.RecordID]bool{}
	for e := range lists.All(view.Rows()) {
		if e.Seq >= c.Size {
			continue
		}
		if err := addEntry(b, view, e); err != nil {
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
// ended it, its document, and the charter.
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
	seqs := []int64{e.Seq}
	if e.End != nil {
		seqs = append(seqs, e.End.Seq)
	}
	for _, seq := range seqs {
		s, ok := view.Statement(seq)
		if !ok {
			return nil, ErrEntry.With("entry", id)
		}
		if err := b.AddCommand(view.Tree(), seq, s.JWS, s.Recorded()); err != nil {
			return nil, err
		}
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

func addEntry(b *bundle.Bundle, view *machine.View, e lists.Entry) error {
	doc, err := view.EntryDocument(&e)
	if err != nil {
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
