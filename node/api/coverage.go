package api

import (
	"net/http"

	"accord/exchange/agency"
	"accord/node/wire"
)

// coverage counts the subjects this node holds records of, by kind and area.
func (s *Server) coverage(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	lines, known, err := s.Agency.Records.Coverage(r.Context(), agency.RatingCategories(s.view().Catalogue()))
	if err != nil {
		return err
	}
	out := wire.Coverage{Known: known.Time(), Lines: []wire.Covered{}}
	for _, c := range lines {
		out.Lines = append(out.Lines, wire.Covered(c))
	}
	return answer(w, out)
}
