package api

import (
	"net/http"
	"strconv"
	"strings"

	"accord/node/wire"
	"accord/node/witness"
)

// checkpoints is the chain of cosigned checkpoints this node keeps.
func (s *Server) checkpoints(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	out := wire.CosignedList{Checkpoints: []wire.Cosigned{}}
	for _, c := range s.Witness.Chain() {
		out.Checkpoints = append(out.Checkpoints, wire.Cosigned{Size: c.Size, Root: c.Root.String(), Index: c.Index,
			At: c.At.Time(), Signers: c.Signers, Note: c.Note})
	}
	return answer(w, out)
}

// maxSizes bounds the sizes in one question about states.
const maxSizes = 64

func validSizes(s string) bool {
	return len(s) <= 20*maxSizes && strings.Trim(s, "0123456789,") == ""
}

// ledgerState is the digests of all rows, for another member to compare.
func (s *Server) ledgerState(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "sizes")
	if err != nil {
		return err
	}
	list := strings.Split(q.text("sizes", validSizes), ",")
	if len(list) > maxSizes {
		return ErrQuery.With("name", "sizes")
	}
	var sizes []int64
	for _, text := range list {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 1 {
			return ErrQuery.With("name", "sizes")
		}
		sizes = append(sizes, n)
	}
	st, err := s.Witness.State(r.Context(), sizes)
	if err != nil {
		return err
	}
	return answer(w, st)
}

// alarms is what this node found wrong with a ledger.
func (s *Server) alarms(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	out := wire.Alarms{Stopped: s.Witness.Stopped(), Alarms: []wire.Alarm{}}
	for _, a := range s.Witness.Alarms() {
		out.Alarms = append(out.Alarms, alarmOf(a))
	}
	return answer(w, out)
}

func alarmOf(a witness.Alarm) wire.Alarm {
	out := wire.Alarm{ID: a.ID, Kind: a.Kind, Size: a.Size, Index: a.Index, Member: a.Member, Ours: a.Ours, Theirs: a.Theirs,
		With: a.With, Against: a.Against, Verdict: a.Verdict, Stops: a.Stops, Why: a.Why, FoundAt: a.FoundAt.Time(), Evidence: a.Evidence}
	if s := a.Settled; s != nil {
		at := s.At.Time()
		out.SettledAt, out.SettledBy, out.Reason = &at, s.By, s.Reason
	}
	return out
}

// alarmEvidence is an alarm's evidence file.
func (s *Server) alarmEvidence(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	file, err := s.Witness.Evidence(r.PathValue("id"))
	if err != nil {
		return err
	}
	return raw(w, "application/json", file)
}

// maxSettlement is the longest reason of a settlement, in bytes.
const maxSettlement = 1000

// settleAlarm closes an alarm on an operator's word.
func (s *Server) settleAlarm(w http.ResponseWriter, r *http.Request) error {
	var in wire.Settle
	if err := body(r, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" || len(in.Reason) > maxSettlement {
		return ErrBody.With().At("/reason")
	}
	a, err := s.Witness.Settle(r.PathValue("id"), callerOf(r).Operator.Name, in.Reason)
	if err != nil {
		return err
	}
	return answer(w, alarmOf(a))
}

// complaints is what members complained of. It shows no statement.
func (s *Server) complaints(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return answer(w, wire.Complaints{Complaints: s.Witness.Complaints()})
}

// complain takes a complaint from a member's node.
func (s *Server) complain(w http.ResponseWriter, r *http.Request) error {
	var in wire.ComplaintPaper
	if err := body(r, &in); err != nil {
		return err
	}
	c, err := s.Witness.Hear(in.JWS, callerOf(r).Member)
	if err != nil {
		return err
	}
	return answer(w, c)
}
