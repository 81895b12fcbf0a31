package api

import (
	"errors"
	"net/http"

	"accord/exchange"
	"accord/node/audit"
)

// ErrUnlogged is given when something was done but no audit file took the line
// that says so.
var ErrUnlogged = exchange.Define(exchange.KindUnknownOutcome, "AUDIT-010",
	exchange.Text{Zh: "已执行，但审计日志未能记录结果，因此不予答复", En: "it was done, but no audit file took its result, so the answer is withheld"},
	exchange.Text{Zh: "修复审计文件后查询账本确认结果", En: "mend the audit files, then see in the ledger what became of it"})

// The results an audit line may hold beside an error code.
const (
	resultBegun   = "begun"
	resultAllowed = "allowed"
)

// act does something that must leave a trace, between two audit lines: the
// first is on disk before anything happens, the second before anything is
// answered. Without a working audit file there is no act. do may complete the
// event for the second line; its error's code becomes the result.
func (s *Server) act(r *http.Request, e audit.Event, do func(*audit.Event) error) error {
	s.beginAct(r, &e)
	if err := s.Audit.Write(e); err != nil {
		return err
	}
	return s.endAct(e, do, func() error { return nil })
}

// actOnLedger is act for what is said on the ledger in the operator's name, where it stays
// whatever becomes of this node: its first line is in the audit files before anything
// happens, and both are on disk before anything is answered or handed out. The ledger
// works while the disk does.
func (s *Server) actOnLedger(r *http.Request, e audit.Event, do func(*audit.Event) error) error {
	s.beginAct(r, &e)
	begun, err := s.Audit.Begin(e)
	if err != nil {
		return err
	}
	return s.endAct(e, do, begun)
}

// look answers an operator about a subject, which may learn that somebody
// looked: the line comes to the disk while do looks, and before anything is told.
func (s *Server) look(r *http.Request, e audit.Event, do func() error) error {
	s.beginAct(r, &e)
	e.Result = resultAllowed
	looked := s.Audit.Post(e)
	err := do()
	if lost := looked(); lost != nil {
		return lost
	}
	return err
}

// glance is look for what shows no sealed field: the line is on a disk before anything is
// told, but where no file takes one it is told all the same. The lines that are missing
// are counted in the first one that a file takes again ([audit.ActResumed]).
func (s *Server) glance(r *http.Request, events ...audit.Event) (looked func()) {
	var waits []func() error
	for i := range events {
		s.beginAct(r, &events[i])
		events[i].Result = resultAllowed
		waits = append(waits, s.Audit.Post(events[i]))
	}
	return func() {
		for _, wait := range waits {
			_ = wait()
		}
	}
}

func (s *Server) beginAct(r *http.Request, e *audit.Event) {
	c := callerOf(r)
	e.At, e.Caller, e.Operator, e.Result = s.Clock(), c.String(), c.Operator.Name, resultBegun
}

// endAct does it and writes the second line. begun waits for the first.
func (s *Server) endAct(e audit.Event, do func(*audit.Event) error, begun func() error) error {
	e.Result = resultAllowed
	err := do(&e)
	if err != nil {
		e.Result = exchange.AsError(err).Code
	}
	e.At = s.Clock()
	if lost := errors.Join(s.Audit.Write(e), begun()); lost != nil && err == nil {
		return ErrUnlogged.Wrap(lost)
	}
	return err
}
