package api

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/identifiers"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/exchange/subjects"
	"accord/node/audit"
	"accord/node/wire"
)

// This file answers subjects about themselves, through an operator who says how the
// subject proved who it is. Numbers travel in bodies and never in a URL, and every
// question is in the audit log, and so in the answer to the next one.

// maxSubjectRecords bounds the records of one subject.
const maxSubjectRecords = 10_000

// ErrSubjectRecords is given for a subject with more records than one answer holds.
var ErrSubjectRecords = exchange.Define(exchange.KindRefused, "SUBJ-120",
	exchange.Text{Zh: "该主体的记录超过 {limit} 条，不能一次答复", En: "the subject has more than {limit} records, too many for one answer"},
	exchange.Text{Zh: "请向各记录的作者单位分别查询", En: "ask the authors of the records one by one"})

// subjectAsking reads who asks about itself. What cannot be a number or code is
// refused by its form alone: whether anybody is known by it plays no part. A number gives
// its ids under all keys there were, the newest first; everything else one.
func (s *Server) subjectAsking(r *http.Request, in wire.AskSubject) ([]exchange.SubjectID, error) {
	var f form
	f.need((in.Subject == "") != (in.PersonID == ""), "/subject")
	f.proof(in.Proof)
	if err := f.err(); err != nil {
		return nil, err
	}
	if in.PersonID != "" {
		number := strings.ToUpper(in.PersonID)
		if identifiers.CheckResidentID(number) != nil {
			return nil, ErrPersonID.With().At("/person_id")
		}
		return s.Agency.SubjectIDs(r.Context(), exchange.SubjectPerson, number)
	}
	subject := exchange.SubjectID(in.Subject)
	if !strings.Contains(in.Subject, ":") {
		code := strings.ToUpper(in.Subject)
		if identifiers.CheckUSCC(code) != nil || identifiers.CheckResidentID(code) == nil {
			return nil, ErrUSCC.With().At("/subject")
		}
		subject = exchange.SubjectID(exchange.SubjectOrg + ":" + code)
	}
	f.need(subject.Valid(), "/subject")
	return []exchange.SubjectID{subject}, f.err()
}

// proof needs a known kind of proof with its number.
func (f *form) proof(p wire.SubjectProof) {
	f.need(slices.Contains(wire.SubjectProofs, p.Kind), "/proof/kind")
	f.text(p.Ref, maxNumber, "/proof/ref")
}

// forSubject runs one act for a subject that proved who it is.
func (s *Server) forSubject(r *http.Request, act string, in wire.AskSubject, do func(ids []exchange.SubjectID) error) error {
	ids, err := s.subjectAsking(r, in)
	if err != nil {
		return err
	}
	return s.act(r, s.subjectEvent(act, ids[0], in.Proof), func(*audit.Event) error { return do(ids) })
}

func (s *Server) subjectEvent(act string, subject exchange.SubjectID, p wire.SubjectProof) audit.Event {
	return audit.Event{Act: act, Subject: s.Audit.Digest(string(subject)), Proof: p.Kind, Basis: s.Audit.Digest(p.Ref)}
}

// recordsOf are the records this node holds on a subject, its own and mirrored ones,
// whatever became of them: who looked at a record that was corrected since looked.
func (s *Server) recordsOf(ctx context.Context, ids []exchange.SubjectID) ([]records.Record, error) {
	var all []records.Record
	for _, subject := range ids {
		for after := records.Cursor(""); ; {
			page, next, err := s.Agency.Records.List(ctx, records.Filter{Subject: subject}, after, records.MaxPage)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
			if len(all) > maxSubjectRecords {
				return nil, ErrSubjectRecords.With("limit", maxSubjectRecords)
			}
			if next == "" {
				break
			}
			after = next
		}
	}
	return all, nil
}

// subjectLog tells a subject who looked at its records, or tried to.
func (s *Server) subjectLog(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskSubject
	if err := body(r, &in); err != nil {
		return err
	}
	var out wire.SubjectLog
	var view *machine.View
	err := s.forSubject(r, "subject.log", in, func(ids []exchange.SubjectID) error {
		held, err := s.recordsOf(r.Context(), ids)
		if err != nil {
			return err
		}
		if err := s.Node.Barrier(r); err != nil {
			return err
		}
		view = s.view()
		out = wire.SubjectLog{Subject: ids[0], Position: view.Size(), Records: []wire.SubjectReceipt{}, Accesses: []wire.SubjectAccess{}}
		for i := range held {
			accesses := accessesOf(view, &held[i])
			out.Records = append(out.Records, wire.SubjectReceipt{Record: held[i].ID, Category: held[i].Category, Author: held[i].Author, Count: int64(len(accesses))})
			out.Accesses = append(out.Accesses, accesses...)
		}
		slices.SortStableFunc(out.Accesses, func(a, b wire.SubjectAccess) int { return cmp.Compare(a.Seq, b.Seq) })
		out.Looks, err = s.looksAt(ids, held)
		return err
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return answer(w, out)
}

// accessesOf are the statements about a record, numbered.
func accessesOf(view *machine.View, rec *records.Record) []wire.SubjectAccess {
	steps := subjects.OfRecord(view.Rows(), rec.ID)
	slices.SortFunc(steps, func(a, b subjects.Step) int { return cmp.Compare(a.Seq, b.Seq) })
	out := make([]wire.SubjectAccess, len(steps))
	for i, step := range steps {
		a := wire.SubjectAccess{Record: rec.ID, Category: rec.Category, Author: rec.Author, Number: int64(i + 1), Seq: step.Seq,
			At: step.At.Time(), Event: step.Kind, By: step.By, Operator: "person", Outcome: step.Kind}
		if m, ok := view.Member(step.By); ok {
			a.ByKind = m.Kind
		}
		if step.Operator == nodeOperator {
			a.Operator = "node"
		}
		switch {
		case step.Release != nil:
			a.Release, a.Purpose, a.Fields = step.Release.ID, step.Release.Purpose, step.Release.Fields
			a.BasisKind, a.BasisRef = step.Release.Basis.Kind, step.Release.Basis.Ref
			if step.Kind == release.StepRequest {
				a.Outcome, a.Clause = string(step.Release.Decision.Outcome), step.Release.Decision.Clause
			}
		case step.Complaint != nil:
			a.Ref, a.Release = step.Complaint.ID, step.Complaint.Release
			if step.Kind == subjects.StepAnswer {
				a.Outcome = string(step.Complaint.Answer.Outcome)
			}
		case step.Objection != nil:
			a.Ref = step.Objection.ID
			if step.Kind == subjects.StepSettle {
				a.Outcome = outcomeOf(step)
			}
		case step.Application != nil:
			a.Ref, a.Fields = step.Application.ID, step.Application.Fields
			if step.Kind == subjects.StepDecide {
				a.Outcome, a.Clause = string(step.Application.Answer.Outcome), step.Application.Answer.Ground
			}
		}
		out[i] = a
	}
	return out
}

// outcomeOf is what a member decided on an objection by a statement.
func outcomeOf(step subjects.Step) string {
	if b := step.Objection.Before; b != nil && b.Seq == step.Seq {
		return string(b.Outcome)
	}
	return string(step.Objection.Answer.Outcome)
}

// looksAt are the lines of this node's audit log about a subject or its records, and
// those that tell of a gap. A line that says only that something began is there if none
// says how it ended.
func (s *Server) looksAt(ids []exchange.SubjectID, held []records.Record) ([]wire.SubjectLook, error) {
	own := map[exchange.RecordID]bool{}
	for i := range held {
		own[held[i].ID] = true
	}
	digests := map[string]bool{}
	for _, subject := range ids {
		digests[s.Audit.Digest(string(subject))] = true
	}
	lines, err := s.Audit.Lines(func(e *audit.Event) bool {
		return e.Act == audit.ActResumed && e.Count > 0 || digests[e.Subject] || e.Record != "" && own[e.Record] ||
			slices.ContainsFunc(e.Subjects, func(of string) bool { return digests[of] })
	})
	if err != nil {
		return nil, err
	}
	type key struct {
		act, caller, subject string
		release              exchange.ReleaseID
		record               exchange.RecordID
	}
	out, begun := []wire.SubjectLook{}, map[key][]int{}
	ended := map[int]bool{}
	for i, ln := range lines {
		k := key{ln.Act, ln.Caller, ln.Subject, "", ln.Record}
		if ln.Result == resultBegun {
			begun[k] = append(begun[k], i)
		} else if open := begun[k]; len(open) > 0 {
			ended[open[0]], begun[k] = true, open[1:]
		}
	}
	for i, ln := range lines {
		if ended[i] {
			continue
		}
		caller := ln.Caller
		if strings.HasPrefix(caller, "operator:") {
			caller = "operator"
		}
		look := wire.SubjectLook{Line: ln.Number, At: ln.At, Act: ln.Act, Caller: caller, Record: ln.Record, Release: ln.Release,
			Report: ln.Report, Category: ln.Category, Purpose: ln.Purpose, Fields: ln.Fields, Result: ln.Result}
		if ln.Act == audit.ActResumed {
			look.Missing = ln.Count
		}
		out = append(out, look)
	}
	return out, nil
}

// subjectRecords shows a subject what this node holds on it.
func (s *Server) subjectRecords(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskSubject
	if err := body(r, &in); err != nil {
		return err
	}
	var out wire.SubjectRecords
	view := s.view()
	err := s.forSubject(r, "subject.records", in, func(ids []exchange.SubjectID) error {
		held, err := s.recordsOf(r.Context(), ids)
		if err != nil {
			return err
		}
		out = wire.SubjectRecords{Subject: ids[0], Records: []wire.SubjectRecord{}}
		for i := range held {
			if held[i].Author == s.Agency.Self { // a page holds no sealed fields
				if held[i], err = s.Agency.Records.Get(r.Context(), held[i].ID); err != nil {
					return err
				}
			}
			one, err := s.subjectRecord(view, &held[i])
			if err != nil {
				return err
			}
			out.Records = append(out.Records, one)
		}
		return nil
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return answer(w, out)
}

func (s *Server) subjectRecord(view *machine.View, rec *records.Record) (wire.SubjectRecord, error) {
	claims, _, bad := s.Agency.VerifyRecord(rec.Author, rec.JWT)
	shown, err := recordOf(view, heldRecord{jwt: rec.JWT, claims: claims, own: rec}, bad == nil)
	if err != nil {
		return wire.SubjectRecord{}, err
	}
	shown.Operator, shown.Document = "", ""
	out := wire.SubjectRecord{Record: shown}
	if rec.Author != s.Agency.Self {
		return out, nil
	}
	opened, err := s.Agency.OpenForSubject(view, *rec)
	if err != nil {
		return out, err
	}
	out.Opened = map[string]json.RawMessage{}
	for _, d := range opened {
		out.Opened[d.Name()] = d.Value()
	}
	return out, nil
}

// subjectProof answers with the evidence file of all accesses of the subject's
// records: a quorum of members signed how many there are.
func (s *Server) subjectProof(w http.ResponseWriter, r *http.Request) error {
	var in wire.AskSubject
	if err := body(r, &in); err != nil {
		return err
	}
	var file []byte
	err := s.forSubject(r, "subject.proof", in, func(ids []exchange.SubjectID) error {
		held, err := s.recordsOf(r.Context(), ids)
		if err != nil {
			return err
		}
		named := make([]exchange.RecordID, len(held))
		for i := range held {
			named[i] = held[i].ID
		}
		if err := s.Node.Barrier(r); err != nil {
			return err
		}
		word, err := s.Witness.Accesses(r.Context(), s.view().Size())
		if err != nil {
			return err
		}
		file, err = s.evidenceFile(r.Context(), []byte(word.Point.Note), func(_ context.Context, checkpoint []byte) (*bundle.Bundle, error) {
			return s.Agency.AccessBundle(named, agency.AccessesWord{Checkpoint: checkpoint, Tree: word.Tree, Note: word.Note})
		})
		return err
	})
	if err != nil {
		return err
	}
	return raw(w, "application/json", file)
}

// accessesWord is this member's signed word on who asked for records, for another
// member that gathers a quorum of them.
func (s *Server) accessesWord(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "size")
	if err != nil {
		return err
	}
	size := q.number("size", 0, 1, 1<<53-1)
	if err := q.err(); err != nil {
		return err
	}
	if size == 0 {
		return ErrQuery.With("name", "size")
	}
	note, err := s.Witness.SignAccesses(r.Context(), size)
	if err != nil {
		return err
	}
	return raw(w, "text/plain; charset=utf-8", note)
}
