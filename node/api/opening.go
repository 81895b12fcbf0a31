package api

import (
	"encoding/json"
	"net/http"

	"accord/exchange/agency"
	"accord/node/audit"
	"accord/node/wire"
)

// open fetches a granted release from the record's author, verifies it and
// shows the fields. The audit line that says who is about to see what is on
// disk before the author is asked for anything.
func (s *Server) open(w http.ResponseWriter, r *http.Request) error {
	var in wire.OpenRelease
	if err := body(r, &in); err != nil {
		return err
	}
	row, err := s.grantedRow(r)
	if err != nil {
		return err
	}
	out := wire.Opened{Issuer: row.Record.Author, Fields: map[string]json.RawMessage{}}
	err = s.actOnLedger(r, s.eventOf("release.open", &row), func(*audit.Event) error {
		if row.Requester != s.Agency.Self {
			return agency.ErrNotParty.With("release", row.ID)
		}
		return s.openFrom(r, &row, in.Custodians, &out)
	})
	s.Metrics.Release("open", outcome(err))
	if err != nil {
		return err
	}
	if out.Copy, err = s.Agency.MarkCopy(callerOf(r).Operator.Name, row.ID); err != nil {
		return err
	}
	view := s.view()
	setIndex(w, view)
	if row, ok := view.Release(row.ID); ok {
		out.Release = releaseOf(&row, s.instant(nil, view))
		out.Release.Custody = custodyOf(view, row.ID)
	}
	return answer(w, out)
}

// nodeOperator signs for what the node does by itself on a peer's request.
const nodeOperator = "node"

// deliver hands a granted release to the member that asked for it: the envelope
// only that member can open.
func (s *Server) deliver(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	row, err := s.grantedRow(r)
	if err != nil {
		return err
	}
	out := wire.Delivery{Release: row.ID}
	err = s.actOnLedger(r, s.eventOf("release.deliver", &row), func(*audit.Event) (err error) {
		out.Envelope, err = s.Agency.Deliver(r.Context(), nodeOperator, callerOf(r).Member, row.ID)
		return err
	})
	s.Metrics.Release("deliver", outcome(err))
	if err != nil {
		return err
	}
	return answer(w, out)
}
