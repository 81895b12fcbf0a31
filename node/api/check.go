package api

import (
	"net/http"
	"sync"

	"accord/exchange"
)

// check looks at this node and its peers, for accord doctor.
func (s *Server) check(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	found, err := s.Node.Check(r.Context())
	if err != nil {
		return err
	}
	return answer(w, found)
}

// dialling lets each member have one question under way, so that a peer cannot
// make this node dial without end.
type dialling struct {
	mu   sync.Mutex
	busy map[exchange.MemberID]bool // guarded by mu
}

func (d *dialling) take(m exchange.MemberID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[m] {
		return false
	}
	if d.busy == nil {
		d.busy = map[exchange.MemberID]bool{}
	}
	d.busy[m] = true
	return true
}

func (d *dialling) done(m exchange.MemberID) {
	d.mu.Lock()
	delete(d.busy, m)
	d.mu.Unlock()
}

// ErrAsked is given to a peer whose question is still being answered.
var ErrAsked = exchange.Define(exchange.KindUnavailable, "API-026",
	exchange.Text{Zh: "上一次询问尚未答复", En: "the last question is still being answered"},
	exchange.Text{Zh: "稍候再试", En: "try again in a moment"})

// checkPeer answers a peer that asks how this node sees it.
func (s *Server) checkPeer(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	m := callerOf(r).Member
	if !s.dialling.take(m) {
		return ErrAsked.With()
	}
	defer s.dialling.done(m)
	out := s.Node.Answer() // first: it notes the time
	if err := s.Node.DialBack(r.Context(), m); err != nil {
		out.Why = exchange.AsError(err).Code
	} else {
		out.Back = true
	}
	return answer(w, out)
}
