package api

import (
	"context"
	"net/http"

	"accord/crypto/bundle"
	"accord/exchange/agency"
	"accord/node/witness"
)

// listsProof is what a quorum of members signed over everybody who is on a list, as a
// file for strangers. With it they know that the entries they were shown are all.
func (s *Server) listsProof(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "size")
	if err != nil {
		return err
	}
	view := s.view()
	size := q.number("size", 1, 1, view.Size())
	if err := q.err(); err != nil {
		return err
	}
	said, err := s.Witness.Lists(r.Context(), size)
	if err != nil {
		return err
	}
	word := wordOf(said)
	file, err := s.evidenceFile(r.Context(), word.Checkpoint, func(context.Context, []byte) (*bundle.Bundle, error) {
		return s.Agency.ListsProof(view, word)
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return raw(w, "application/json", file)
}

// wordOf is what the witness gathered, for whoever makes answers of it.
func wordOf(said *witness.ListsWord) agency.ListsWord {
	return agency.ListsWord{Checkpoint: []byte(said.Point.Note), Size: said.Point.Size, Root: said.Point.Root, At: said.At, Tree: said.Tree, Note: said.Note}
}
