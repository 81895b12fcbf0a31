package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/identifiers"
	"accord/exchange/machine"
	"accord/node/audit"
	"accord/node/wire"
)

// maxReportDays is the longest a report is valid.
const maxReportDays = 365

// issueReport answers with a credit report in one signed file. Who asked, about whom
// and what for is in the audit log before anything is looked up, and the report's id
// before it leaves.
func (s *Server) issueReport(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskReport
	if err := body(r, &in); err != nil {
		return err
	}
	subject := exchange.SubjectID(in.Subject)
	if !strings.Contains(in.Subject, ":") {
		if identifiers.CheckUSCC(in.Subject) != nil || identifiers.CheckResidentID(in.Subject) == nil {
			return ErrUSCC.With()
		}
		subject = exchange.SubjectID(exchange.SubjectOrg + ":" + in.Subject)
	}
	var f form
	f.need(subject.Valid(), "/subject")
	f.need(exchange.ValidName(in.Purpose), "/purpose")
	f.need(in.Days >= 1 && in.Days <= maxReportDays, "/days")
	if err := f.err(); err != nil {
		return err
	}
	before, err := s.reportsOn(subject)
	if err != nil {
		return err
	}
	order := agency.ReportOrder{Purpose: in.Purpose, Days: in.Days}
	for _, old := range before {
		if old.State == wire.ReportValid {
			order.Replaces = append(order.Replaces, old.ID)
		}
	}
	var file []byte
	var view *machine.View
	event := audit.Event{Act: actReport, Subject: s.Audit.Digest(string(subject)), Purpose: in.Purpose}
	err = s.act(r, event, func(e *audit.Event) error {
		feeds, err := s.checkFeeds(r.Context(), false)
		if err != nil {
			return err
		}
		view = s.view()
		word, err := s.Witness.Lists(r.Context(), agency.CheckPosition(view, subject))
		if err != nil {
			return err
		}
		file, err = s.evidenceFile(r.Context(), []byte(word.Point.Note), func(ctx context.Context, _ []byte) (*bundle.Bundle, error) {
			b, report, err := s.Agency.CreditReport(ctx, subject, order, wordOf(word), feeds)
			if err == nil {
				e.Report, e.Until = report.ID, time.Unix(report.ValidUntil, 0).UTC()
			}
			return b, err
		})
		return err
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return raw(w, "application/json", file)
}

// actReport is the act of issuing a report in the audit log.
const actReport = "report.issue"

// reportLog is every report this node has issued on a subject, for the subject to see.
func (s *Server) reportLog(w http.ResponseWriter, r *http.Request) error {
	subject, err := subjectAsked(r)
	if err != nil {
		return err
	}
	reports, err := s.reportsOn(subject)
	if err != nil {
		return err
	}
	return answer(w, wire.ReportLog{Subject: subject, Reports: reports})
}

// reportsOn reads the audit log: it is the one place that has every issue, and is
// chained.
func (s *Server) reportsOn(subject exchange.SubjectID) ([]wire.IssuedReport, error) {
	digest := s.Audit.Digest(string(subject))
	events, err := s.Audit.Find(func(e *audit.Event) bool {
		return e.Act == actReport && e.Subject == digest && e.Result == resultAllowed
	})
	if err != nil {
		return nil, err
	}
	out := []wire.IssuedReport{}
	for i, e := range events {
		state := wire.ReportValid
		switch {
		case !s.Clock().Before(e.Until):
			state = wire.ReportExpired
		case i < len(events)-1:
			state = wire.ReportSuperseded
		}
		out = append(out, wire.IssuedReport{ID: e.Report, At: e.At, Caller: e.Caller, Purpose: e.Purpose, Until: e.Until, State: state})
	}
	return out, nil
}
