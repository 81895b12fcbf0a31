package agency

import (
	"cmp"
	"slices"

	"accord/crypto/bundle"
	"accord/crypto/sdjwt"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
)

// AccessTree is who asked for which record after size leaves of the ledger, as every
// node computes it: of each record the accepted statements about it.
func AccessTree(view *machine.View, size int64) (*bundle.AccessTree, error) {
	steps := subjects.All(view.Rows())
	steps = slices.DeleteFunc(steps, func(s subjects.Step) bool { return s.Seq >= size })
	slices.SortFunc(steps, func(a, b subjects.Step) int { return cmp.Compare(a.Seq, b.Seq) })
	leaves := map[string][]tlog.Hash{}
	for _, s := range steps {
		leaf, err := view.Tree().Leaf(s.Seq)
		if err != nil {
			return nil, err
		}
		leaves[string(s.Record.ID)] = append(leaves[string(s.Record.ID)], leaf)
	}
	return bundle.NewAccessTree(view.Federation().ID, leaves), nil
}

// AccessesWord is who asked for records, as a quorum vouches for it.
type AccessesWord struct {
	Checkpoint []byte
	Tree       *bundle.AccessTree
	Note       string
}

// AccessBundle is the evidence file of who asked for these records: every statement
// about them up to the checkpoint, and the members' word that there are no others.
func (a *Agency) AccessBundle(ids []exchange.RecordID, word AccessesWord) (*bundle.Bundle, error) {
	view := a.Ledger.View()
	c, _, err := tlog.Read(word.Checkpoint)
	if err != nil {
		return nil, err
	}
	b := bundle.New(a.Federation, a.Genesis.Signatures, word.Checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	b.Accesses = &bundle.Accesses{Position: c.Size, Note: word.Note}
	var seqs []int64
	for _, id := range ids {
		one, err := word.Tree.Of(string(id))
		if err != nil {
			return nil, err
		}
		b.Accesses.Records = append(b.Accesses.Records, one)
		for _, s := range subjects.OfRecord(view.Rows(), id) {
			if s.Seq < c.Size {
				seqs = append(seqs, s.Seq)
			}
		}
	}
	return b, addSeqs(b, view, c.Size, seqs)
}

// OpenForSubject opens the sealed fields of an own record for its subject: all that
// were not erased, but for those of the class secret, which the catalogue keeps from
// everybody (who reported it, say).
func (a *Agency) OpenForSubject(view *machine.View, rec records.Record) ([]sdjwt.Disclosure, error) {
	if rec.Author != a.Self {
		return nil, nil
	}
	var out []sdjwt.Disclosure
	for _, f := range rec.Sealed {
		if f.Erased || a.keptFromAll(view, &rec, f.Field) {
			continue
		}
		d, err := a.openField(rec, "", f.Field)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// keptFromAll says whether a field is kept from everybody, its subject included: by the
// catalogue that the record was written under, or by the one in force.
func (a *Agency) keptFromAll(view *machine.View, rec *records.Record, field string) bool {
	under, ok := view.CatalogueAt(rec.CatalogueVersion)
	if !ok {
		return true
	}
	class, known := under.ClassOf(rec.Category, field, rec.SubjectKind)
	if !known || class == catalogue.Secret {
		return true
	}
	class, known = view.CatalogueFor(a.instant(view)).ClassOf(rec.Category, field, rec.SubjectKind)
	return known && class == catalogue.Secret
}
