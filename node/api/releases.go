package api

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/node/audit"
	"accord/node/wire"
)

// maxFields is how many fields one request may name, whatever the catalogue
// allows.
const maxFields = 64

// releases is a page of receipts, newest first.
func (s *Server) releases(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "status", "emergency", "cursor", "limit", "read")
	if err != nil {
		return err
	}
	find := release.Query{Status: release.Status(q.text("status", isReleaseStatus)), After: exchange.ReleaseID(q.cursor()), Limit: q.limit()}
	find.Emergency = q.flag("emergency")
	linear := q.linear()
	if err := q.err(); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	if find.After != "" {
		if _, ok := view.Release(find.After); !ok {
			return ErrQuery.With("name", "cursor")
		}
	}
	find.At = s.instant(nil, view)
	rows, next := view.Releases(find)
	out := wire.Releases{Releases: make([]wire.Release, len(rows)), Next: string(next)}
	for i := range rows {
		out.Releases[i] = releaseOf(&rows[i], find.At)
	}
	return answer(w, out)
}

// waitingReleases are the requests that wait for the operator's own word: exactly what
// it is about, so that what is approved is what was read.
func (s *Server) waitingReleases(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "limit", "read")
	if err != nil {
		return err
	}
	limit, linear := q.limit(), q.linear()
	if err := q.err(); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	self, _ := view.Member(s.Agency.Self)
	at, out := s.instant(nil, view), wire.Waiting{Waiting: []wire.WaitingRelease{}}
	for _, rel := range view.WaitingReleases(self, callerOf(r).Operator.Name, at, limit) {
		one := wire.WaitingRelease{ID: rel.ID, Recipient: rel.Requester, Category: rel.Record.Category, Fields: rel.Fields, Purpose: rel.Purpose,
			Subjects: []wire.WaitingSubject{}, Records: 1 + len(rel.More), Until: rel.Until(at).Time()}
		for _, ref := range rel.Refs() {
			rec, err := s.Agency.Records.Get(r.Context(), ref.ID)
			if errors.Is(err, records.ErrNotFound) || err == nil && rec.Digest != ref.Digest {
				continue
			} else if err != nil {
				return err
			}
			who := wire.WaitingSubject{Subject: rec.Subject, Kind: rec.SubjectKind, Names: rec.Names}
			if !slices.ContainsFunc(one.Subjects, func(w wire.WaitingSubject) bool { return w.Subject == who.Subject }) {
				one.Subjects = append(one.Subjects, who)
			}
		}
		out.Waiting = append(out.Waiting, one)
	}
	return answer(w, out)
}

func isReleaseStatus(s string) bool {
	for _, known := range release.Statuses() {
		if s == string(known) {
			return true
		}
	}
	return false
}

// release is one receipt.
func (s *Server) release(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "read")
	if err != nil {
		return err
	}
	linear := q.linear()
	if err := q.err(); err != nil {
		return err
	}
	view, err := s.read(w, r, linear)
	if err != nil {
		return err
	}
	return s.answerRelease(w, view, exchange.ReleaseID(r.PathValue("id")))
}

func (s *Server) answerRelease(w http.ResponseWriter, view *machine.View, id exchange.ReleaseID) error {
	row, ok := view.Release(id)
	if !ok {
		return agency.ErrNoRelease.With("release", printable(string(id)))
	}
	out := releaseOf(&row, s.instant(nil, view))
	out.Custody = custodyOf(view, id)
	return answer(w, out)
}

// releaseOf shows a row as it stands at an instant.
func releaseOf(r *release.Release, at exchange.Millis) wire.Release {
	out := wire.Release{ID: r.ID, Status: string(r.StatusAt(at)), Requester: r.Requester, Operator: r.Operator,
		Record: wire.RecordRef(r.Record), Fields: r.Fields, Purpose: r.Purpose, Basis: wire.Basis(r.Basis),
		Decision: r.Decision, At: r.At.Time(), Seq: r.Seq,
		Delivered: receiptOf(r.Delivered), Opened: receiptOf(r.Opened)}
	moreOf(&out, r, at)
	if until := r.Until(at); until != 0 {
		t := until.Time()
		out.Until = &t
	}
	for _, a := range r.Approvals {
		out.Approvals = append(out.Approvals, approvalOf(a, true))
	}
	if r.Denied != nil {
		out.Approvals = append(out.Approvals, approvalOf(*r.Denied, false))
	}
	return out
}

func approvalOf(a release.Approval, yes bool) wire.Approval {
	return wire.Approval{By: a.By, Operator: a.Operator, At: a.At.Time(), Approve: yes, Note: a.Note}
}

func receiptOf(r *release.Receipt) *wire.Receipt {
	if r == nil {
		return nil
	}
	return &wire.Receipt{Digest: r.Digest, At: r.At.Time()}
}

// eventOf is an audit event about a release: what was asked for, by name.
func (s *Server) eventOf(act string, r *release.Release) audit.Event {
	return audit.Event{Act: act, Release: r.ID, Record: r.Record.ID, Category: r.Record.Category, Fields: r.Fields,
		Purpose: r.Purpose, Basis: s.Audit.Digest(r.Basis.Ref)}
}

// askRelease asks the federation to open private fields of another member's
// record. A refusal by the catalogue is an answer, not an error.
func (s *Server) askRelease(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskRelease
	if err := body(r, &in); err != nil {
		return err
	}
	if err := checkAsk(in); err != nil {
		return err
	}
	if in.Author == s.Agency.Self {
		return release.ErrOwn.With()
	}
	event := audit.Event{Act: "release.request", Record: in.Record, Fields: in.Fields, Purpose: in.Purpose, Basis: s.Audit.Digest(in.Basis.Ref)}
	var id exchange.ReleaseID
	err := s.actOnLedger(r, event, func(e *audit.Event) error {
		held, err := s.holdForAsking(r.Context(), in.Author, in.Record)
		if err != nil {
			return err
		}
		ref := agency.ReferenceTo(in.Author, held.claims, held.jwt)
		e.Category = ref.Category
		more, err := s.askedBeside(r.Context(), ref, in.More)
		if err != nil {
			return err
		}
		e.Count = int64(len(more))
		id, err = s.Agency.AskRelease(r.Context(), callerOf(r).Operator.Name, release.RequestBody{Record: ref, More: more,
			Fields: in.Fields, Purpose: in.Purpose, Basis: release.Basis(in.Basis), Consent: in.Consent, Emergency: in.Emergency})
		e.Release = id
		if row, ok := s.view().Release(id); ok {
			e.Result = string(row.Decision.Outcome)
		}
		return err
	})
	if err != nil {
		s.Metrics.Release("request", "failed")
		return err
	}
	view := s.view()
	setIndex(w, view)
	if row, ok := view.Release(id); ok {
		s.Metrics.Release("request", string(row.Decision.Outcome))
	}
	return s.answerRelease(w, view, id)
}

// askedBeside names the further records of a request: of the same author and category
// as the first.
func (s *Server) askedBeside(ctx context.Context, first lists.RecordRef, ids []exchange.RecordID) (more []release.Part, err error) {
	for _, id := range ids {
		held, err := s.holdForAsking(ctx, first.Author, id)
		if err != nil {
			return nil, err
		}
		ref := agency.ReferenceTo(first.Author, held.claims, held.jwt)
		if ref.Category != first.Category {
			return nil, ErrMember.With("member", "/more") // of another category
		}
		more = append(more, release.Part{ID: ref.ID, Digest: ref.Digest})
	}
	return more, nil
}

func checkAsk(in wire.AskRelease) error {
	var f form
	f.need(exchange.ValidID(string(in.Record)), "/record")
	f.need(exchange.ValidName(string(in.Author)), "/author")
	f.need(len(in.More) <= release.MaxParts, "/more")
	for i, id := range in.More {
		f.need(exchange.ValidID(string(id)) && id != in.Record && !slices.Contains(in.More[:i], id), "/more")
	}
	f.need(len(in.Fields) > 0 && len(in.Fields) <= maxFields, "/fields")
	for _, field := range in.Fields {
		f.need(exchange.ValidName(field), "/fields")
	}
	f.need(exchange.ValidName(in.Purpose), "/purpose")
	f.need(exchange.ValidName(in.Basis.Kind), "/basis/kind")
	f.need(len(in.Consent) <= release.MaxConsent, "/consent")
	f.text(in.Basis.Ref, catalogue.MaxBasisRef, "/basis/ref")
	return f.err()
}

// approve gives this member's consent to a pending release of its record.
func (s *Server) approve(w http.ResponseWriter, r *http.Request) error {
	return s.judge(w, r, "release.approve", exchange.VerbReleaseApprove)
}

// deny refuses it.
func (s *Server) deny(w http.ResponseWriter, r *http.Request) error {
	return s.judge(w, r, "release.deny", exchange.VerbReleaseDeny)
}

// judge says a person's word on a release, with a note.
func (s *Server) judge(w http.ResponseWriter, r *http.Request, act string, verb exchange.Verb) error {
	var in wire.Judge
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.maybe(in.Note, maxReason, "/note")
	if err := f.err(); err != nil {
		return err
	}
	return s.stepRelease(w, r, act, verb, func(id exchange.ReleaseID) any { return release.JudgeBody{Release: id, Note: in.Note} })
}

// releaseRow finds the release of the path.
func (s *Server) releaseRow(r *http.Request) (release.Release, error) {
	return s.releaseWhere(r, func(release.Release) bool { return true })
}

// grantedRow is releaseRow for who acts on a grant: what is wanting may have been given at
// a node that is further on.
func (s *Server) grantedRow(r *http.Request) (release.Release, error) {
	return s.releaseWhere(r, func(row release.Release) bool { return row.StatusAt(s.instant(nil, s.view())) != release.Pending })
}

func (s *Server) releaseWhere(r *http.Request, ok func(release.Release) bool) (release.Release, error) {
	id := exchange.ReleaseID(r.PathValue("id"))
	view, err := s.abreast(r, func(view *machine.View) bool {
		row, here := view.Release(id)
		return here && ok(row)
	})
	if err != nil {
		return release.Release{}, err
	}
	row, here := view.Release(id)
	if !here {
		return row, agency.ErrNoRelease.With("release", printable(string(id)))
	}
	return row, nil
}

// outcome is an act's result as metrics count it.
func outcome(err error) string {
	if err != nil {
		return "failed"
	}
	return "done"
}
