package api

import (
	"encoding/json"
	"net/http"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/wire"
)

// memberList is the answer of GET /api/v1/members.
type memberList struct {
	Members []wire.Member `json:"members"`
}

// federation is what a stranger needs to find and to judge this federation.
func (s *Server) federation(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	list, err := s.memberRows(view)
	if err != nil {
		return err
	}
	f, cat := view.Federation(), view.Catalogue()
	return answer(w, wire.Federation{
		Federation: f.ID, Name: f.Name, Charter: f.Digest, Phrase: members.Phrase(f.Digest), Founded: f.Founded.Time(),
		Catalogue: cat.Document().ID, CatalogueVersion: cat.Document().Version, CatalogueDigest: cat.Digest(),
		MachineVersion: f.MachineVersion, Members: list,
	})
}

// members is the members alone.
func (s *Server) members(w http.ResponseWriter, r *http.Request) error {
	view, err := s.still(w, r)
	if err != nil {
		return err
	}
	list, err := s.memberRows(view)
	if err != nil {
		return err
	}
	return answer(w, memberList{list})
}

// memberRows lists the members with the keys that count or counted.
func (s *Server) memberRows(view *machine.View) ([]wire.Member, error) {
	rows := view.Members()
	list := make([]wire.Member, len(rows))
	for i, m := range rows {
		list[i] = wire.Member{ID: m.ID, Kind: m.Kind, Name: m.Name, USCC: m.USCC, Seat: m.Seat,
			Status: standingOf(&m), Node: m.Node.ID, Role: string(m.Node.Role), Address: m.Node.Address, Self: m.ID == s.Agency.Self}
		for _, k := range m.Keys {
			key, err := strictjson.Marshal(k.Public)
			if err != nil {
				return nil, err
			}
			list[i].Keys = append(list[i].Keys, json.RawMessage(key))
			if k.Until > 0 {
				if list[i].Ended == nil {
					list[i].Ended = map[string]time.Time{}
				}
				list[i].Ended[k.Public.KID()] = k.Until.Time()
			}
		}
	}
	return list, nil
}

// standingOf is where a member stands, in a word.
func standingOf(m *members.Member) string {
	if m.Suspended != 0 {
		return "suspended"
	}
	return string(m.Status)
}

// still is the state for a route that takes no parameters.
func (s *Server) still(w http.ResponseWriter, r *http.Request) (*machine.View, error) {
	if _, err := queryOf(r); err != nil {
		return nil, err
	}
	view := s.view()
	setIndex(w, view)
	return view, nil
}
