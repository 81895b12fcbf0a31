package api

import (
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
	c := callerOf(r)
	e.At, e.Caller, e.Operator, e.Result = s.Clock(), c.String(), c.Operator.Name, resultBegun
	if err := s.Audit.Write(e); err != nil {
		return err
	}
	e.Result = resultAllowed
	err := do(&e)
	if err != nil {
		e.Result = exchange.AsError(err).Code
	}
	e.At = s.Clock()
	if lost := s.Audit.Write(e); lost != nil && err == nil {
		return ErrUnlogged.Wrap(lost)
	}
	return err
}
