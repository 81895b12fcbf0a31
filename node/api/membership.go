package api

import (
	"math"
	"net/http"
	"slices"
	"strings"

	"accord/crypto/keys"
	"accord/exchange/members"
	"accord/node/audit"
	"accord/node/wire"
)

// rosters are the papers of the membership. Anybody may have them: they prove
// themselves, and a node that was taken off must be able to learn that it was.
func (s *Server) rosters(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "after")
	if err != nil {
		return err
	}
	after := q.number("after", 0, 0, math.MaxInt32)
	if err := q.err(); err != nil {
		return err
	}
	return answer(w, s.Node.Rosters(int(after)))
}

// recoveries are the plans by which the ledger went on after a loss. Anybody may
// have them, as rosters: a node that was given up must be able to learn that it was.
func (s *Server) recoveries(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return answer(w, s.Node.Recoveries())
}

// membership is where the nodes stand on the way to the roster.
func (s *Server) membership(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	got, err := s.Node.Membership(r.Context())
	if err != nil {
		return err
	}
	return answer(w, got)
}

// maxProofs bounds the introductions and endorsements of one roster.
const maxProofs = members.MaxMembers

func rosterBody(r *http.Request, signed bool) (wire.SignedRoster, error) {
	var in wire.SignedRoster
	if err := body(r, &in); err != nil {
		return in, err
	}
	var f form
	f.need(in.Document != "" && len(in.Document) <= members.MaxRoster, "/document")
	f.need((len(in.Endorsements) > 0) == signed && len(in.Endorsements) <= maxProofs, "/endorsements")
	f.need(len(in.Proofs) <= maxProofs, "/proofs")
	return in, f.err()
}

// endorseRoster signs a proposed roster with this member's command key.
func (s *Server) endorseRoster(w http.ResponseWriter, r *http.Request) error {
	in, err := rosterBody(r, false)
	if err != nil {
		return err
	}
	var out wire.Endorsement
	err = s.act(r, audit.Event{Act: "members.endorse"}, func(*audit.Event) error {
		e, token, err := s.Agency.EndorseRoster(in)
		out = wire.Endorsement{Member: s.Agency.Self, Digest: e.Roster, Version: e.Version, Signature: token}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// enactRoster carries a roster with its endorsements to the ledger.
func (s *Server) enactRoster(w http.ResponseWriter, r *http.Request) error {
	in, err := rosterBody(r, true)
	if err != nil {
		return err
	}
	var out wire.Done
	if err := s.Node.MayEnact(in.Document); err != nil {
		return err
	}
	err = s.act(r, audit.Event{Act: "members.enact"}, func(*audit.Event) error {
		res, err := s.Agency.EnactRoster(r.Context(), callerOf(r).Operator.Name, in)
		out = wire.Done{ID: res.ID, Index: res.Index, Seq: res.Seq}
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// newKeys makes keys that count once a roster lists them.
func (s *Server) newKeys(w http.ResponseWriter, r *http.Request) error {
	var in wire.NewKeys
	if err := body(r, &in); err != nil {
		return err
	}
	known := keys.Uses()
	var f form
	f.need(len(in.Uses) > 0 && len(in.Uses) <= len(known), "/uses")
	for i, use := range in.Uses {
		f.need(slices.Contains(known, use) && !slices.Contains(in.Uses[:i], use), "/uses")
	}
	if err := f.err(); err != nil {
		return err
	}
	var out wire.Introduction
	err := s.act(r, audit.Event{Act: "members.keys"}, func(*audit.Event) error {
		token, err := s.Node.NewKeys(in.Uses)
		out.Introduction = strings.TrimSpace(token)
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}
