package api

import (
	"net/http"
	"strconv"

	"accord/exchange"
	"accord/exchange/members"
	"accord/node/audit"
	"accord/node/wire"
)

// ErrNoVersion is given for a catalogue version that was never in force.
var ErrNoVersion = exchange.Define(exchange.KindNotFound, "API-006",
	exchange.Text{Zh: "没有目录第 {version} 版", En: "there is no catalogue version {version}"},
	exchange.Text{Zh: "现行版本见 accord catalogue show", En: "accord catalogue show names the one in force"})

// catalogue is the document in force: the exact bytes the seats signed, so that
// anybody can compare the digest.
func (s *Server) catalogue(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	return raw(w, "application/json", []byte(view.CatalogueVersion().Document))
}

// catalogueVersion is any version that is or was in force.
func (s *Server) catalogueVersion(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	text := r.PathValue("version")
	version, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(version) != text {
		return ErrNoVersion.With("version", printable(text))
	}
	row, ok := members.VersionOf(view.Rows(), version)
	if !ok {
		return ErrNoVersion.With("version", version)
	}
	return raw(w, "application/json", []byte(row.Document))
}

// endorse signs a document with this member's command key, for its seat.
func (s *Server) endorse(w http.ResponseWriter, r *http.Request) error {
	var in wire.AdoptCatalogue
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(in.Document != "", "/document")
	f.need(len(in.Endorsements) == 0, "/endorsements")
	if err := f.err(); err != nil {
		return err
	}
	var out wire.Endorsement
	err := s.act(r, audit.Event{Act: "catalogue.endorse"}, func(*audit.Event) error {
		e, token, err := s.Agency.Endorse([]byte(in.Document))
		out = wire.Endorsement{Member: s.Agency.Self, Digest: e.Catalogue, Version: e.Version, Signature: token}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// adopt carries a document with its endorsements to the ledger.
func (s *Server) adopt(w http.ResponseWriter, r *http.Request) error {
	var in wire.AdoptCatalogue
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(in.Document != "", "/document")
	f.need(len(in.Endorsements) > 0 && len(in.Endorsements) <= members.MaxMembers, "/endorsements")
	if err := f.err(); err != nil {
		return err
	}
	var out wire.Done
	err := s.act(r, audit.Event{Act: "catalogue.adopt"}, func(*audit.Event) error {
		res, err := s.Agency.Act(r.Context(), callerOf(r).Operator.Name, exchange.VerbAdopt,
			members.AdoptBody{Document: in.Document, Endorsements: in.Endorsements})
		out = wire.Done{ID: res.ID, Index: res.Index, Seq: res.Seq}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}
