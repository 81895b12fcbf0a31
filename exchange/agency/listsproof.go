package agency

import (
	"accord/crypto/bundle"
	"accord/exchange/machine"
)

// ListsProof is the members' common word on the lists of one position as an evidence
// file that names nobody: whoever has all entries by other ways computes the same tree
// and knows that none is missing.
func (a *Agency) ListsProof(view *machine.View, word ListsWord) (*bundle.Bundle, error) {
	b := bundle.New(a.Federation, a.Genesis.Signatures, word.Checkpoint)
	if err := b.LogCharter(view.Tree(), 0); err != nil {
		return nil, err
	}
	if err := addSeqs(b, view, word.Size, nil); err != nil {
		return nil, err
	}
	b.Lists = &bundle.Lists{Position: word.Size, At: int64(word.At), Note: word.Note, Absent: []bundle.Absent{}}
	return b, nil
}
