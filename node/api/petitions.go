package api

import (
	"context"
	"net/http"
	"slices"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
	"accord/node/audit"
	"accord/node/wire"
)

// This file takes complaints and applications of subjects, shows them to everybody's
// staff as far as the ledger has them, and their texts to the two members they concern.

// maxPetition is the longest text in characters.
const maxPetition = 2000

// ErrPetitionUnknown is given for a record or release that is not the subject's, and
// just so for one that there is not: who asks learns of neither.
var ErrPetitionUnknown = exchange.Define(exchange.KindNotFound, "SUBJ-121",
	exchange.Text{Zh: "本节点没有该主体的这条记录或请求", En: "this node has no such record or release of this subject"},
	exchange.Text{Zh: "用 accord subject log 核对编号；也可向记录作者单位提出", En: "check the id with accord subject log, or ask at the record's author"})

// complainRelease takes a subject's complaint about a release of its record.
func (s *Server) complainRelease(w http.ResponseWriter, r *http.Request) error {
	var in wire.ComplainRelease
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(exchange.ValidID(string(in.Release)), "/release")
	f.text(in.Text, maxPetition, "/text")
	if err := f.err(); err != nil {
		return err
	}
	return s.petition(w, r, "subject.complain", wire.AskSubject{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof}, func(held []records.Record, e *audit.Event) (exchange.CommandID, error) {
		rel, ok := s.view().Release(in.Release)
		if !ok || !slices.ContainsFunc(held, func(rec records.Record) bool { return rec.ID == rel.Record.ID }) {
			return "", ErrPetitionUnknown.With()
		}
		e.Release, e.Record, e.Category = rel.ID, rel.Record.ID, rel.Record.Category
		return s.Agency.Complain(r.Context(), callerOf(r).Operator.Name, in.Release, in.Text)
	})
}

// applyDisclosure takes a subject's application for sealed fields of its record.
func (s *Server) applyDisclosure(w http.ResponseWriter, r *http.Request) error {
	var in wire.ApplyDisclosure
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(exchange.ValidID(string(in.Record)), "/record")
	f.need(len(in.Fields) > 0 && len(in.Fields) <= maxFields, "/fields")
	for i, field := range in.Fields {
		f.need(exchange.ValidName(field) && !slices.Contains(in.Fields[:i], field), "/fields")
	}
	if err := f.err(); err != nil {
		return err
	}
	return s.petition(w, r, "subject.apply", wire.AskSubject{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof}, func(held []records.Record, e *audit.Event) (exchange.CommandID, error) {
		at := slices.IndexFunc(held, func(rec records.Record) bool { return rec.ID == in.Record })
		if at < 0 {
			return "", ErrPetitionUnknown.With()
		}
		rec := held[at]
		e.Record, e.Category, e.Fields = rec.ID, rec.Category, in.Fields
		if err := s.mayApply(&rec, in.Fields); err != nil {
			return "", err
		}
		return s.Agency.Apply(r.Context(), callerOf(r).Operator.Name, lists.RecordRef{ID: rec.ID, Digest: rec.Digest, Author: rec.Author, Category: rec.Category}, in.Fields)
	})
}

// mayApply refuses fields that no record of the category has.
func (s *Server) mayApply(rec *records.Record, fields []string) error {
	cat, ok := s.view().CatalogueAt(rec.CatalogueVersion)
	for _, field := range fields {
		class, known := catalogue.Class(""), false
		if ok {
			class, known = cat.ClassOf(rec.Category, field, rec.SubjectKind)
		}
		if !known || !class.Private() {
			return ErrMember.With("member", "/fields").At("/fields")
		}
	}
	return nil
}

// petition runs the taking of one between two audit lines and answers with it.
func (s *Server) petition(w http.ResponseWriter, r *http.Request, act string, in wire.AskSubject, take func(held []records.Record, e *audit.Event) (exchange.CommandID, error)) error {
	ids, err := s.subjectAsking(r, in)
	if err != nil {
		return err
	}
	var id exchange.CommandID
	err = s.act(r, s.subjectEvent(act, ids[0], in.Proof), func(e *audit.Event) error {
		held, err := s.recordsOf(r.Context(), ids)
		if err == nil {
			id, err = take(held, e)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.answerPetition(w, id)
}

func (s *Server) answerPetition(w http.ResponseWriter, id exchange.CommandID) error {
	view := s.view()
	p, err := s.petitionRow(view, id)
	if err != nil {
		return err
	}
	setIndex(w, view)
	return answer(w, p)
}

// petitionAsked is the petition that a request acts on, and the state in which it was
// found.
func (s *Server) petitionAsked(r *http.Request) (*machine.View, wire.Petition, error) {
	id := exchange.CommandID(r.PathValue("id"))
	view, err := s.abreast(r, func(view *machine.View) bool { _, err := s.petitionRow(view, id); return err == nil })
	if err != nil {
		return nil, wire.Petition{}, err
	}
	p, err := s.petitionRow(view, id)
	return view, p, err
}

// petitionRow finds a complaint, an application or an objection.
func (s *Server) petitionRow(view *machine.View, id exchange.CommandID) (wire.Petition, error) {
	at := s.instant(nil, view)
	if c, ok := subjects.GetComplaint(view.Rows(), id); ok {
		return complaintOf(&c, at), nil
	}
	if p, ok := subjects.GetApplication(view.Rows(), id); ok {
		return applicationOf(&p, at), nil
	}
	if o, ok := subjects.GetObjection(view.Rows(), id); ok {
		return objectionOf(view, &o, at), nil
	}
	return wire.Petition{}, subjects.ErrComplaint.With("id", printable(string(id)))
}

func complaintOf(c *subjects.Complaint, at exchange.Millis) wire.Petition {
	p := wire.Petition{ID: c.ID, Kind: "complaint", Status: string(c.StatusAt(at)), Record: wire.RecordRef(c.Record), Release: c.Release,
		By: c.By, Answers: c.Against, At: c.At.Time(), Due: c.Due.Time(), Seq: c.Seq}
	return answeredOf(p, c.Answer, c.Due)
}

func applicationOf(a *subjects.Application, at exchange.Millis) wire.Petition {
	p := wire.Petition{ID: a.ID, Kind: "application", Status: string(a.StatusAt(at)), Record: wire.RecordRef(a.Record), Fields: a.Fields,
		By: a.By, Answers: a.Record.Author, At: a.At.Time(), Due: a.Due.Time(), Seq: a.Seq}
	return answeredOf(p, a.Answer, a.Due)
}

func answeredOf(p wire.Petition, a *subjects.Answer, due exchange.Millis) wire.Petition {
	if a != nil {
		at := a.At.Time()
		p.Answered, p.Late, p.Ground = &at, a.At >= due, a.Ground
	}
	return p
}

// petitions lists complaints, applications and objections, newest first.
func (s *Server) petitions(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "kind", "status")
	if err != nil {
		return err
	}
	kind := q.text("kind", func(v string) bool { return v == "complaint" || v == "application" || v == "objection" })
	status := q.text("status", func(v string) bool {
		return slices.Contains([]subjects.Status{subjects.Open, subjects.Overdue, subjects.Upheld, subjects.Rejected, subjects.Released, subjects.Refused}, subjects.Status(v))
	})
	if err := q.err(); err != nil {
		return err
	}
	view, err := s.read(w, r, false)
	if err != nil {
		return err
	}
	at, all := s.instant(nil, view), []wire.Petition{}
	if kind == "" || kind == "complaint" {
		for _, c := range subjects.Complaints(view.Rows()) {
			all = append(all, complaintOf(&c, at))
		}
	}
	if kind == "" || kind == "application" {
		for _, a := range subjects.Applications(view.Rows()) {
			all = append(all, applicationOf(&a, at))
		}
	}
	if kind == "" || kind == "objection" {
		for _, o := range subjects.Objections(view.Rows()) {
			all = append(all, objectionOf(view, &o, at))
		}
	}
	all = slices.DeleteFunc(all, func(p wire.Petition) bool { return status != "" && p.Status != status })
	slices.SortStableFunc(all, func(a, b wire.Petition) int { return int(b.Seq - a.Seq) })
	return answer(w, wire.Petitions{Petitions: all})
}

// onePetition shows one with its texts, as far as they are this member's to read: its
// own it has, the other party's node gives the others.
func (s *Server) onePetition(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	view := s.view()
	p, err := s.petitionRow(view, exchange.CommandID(r.PathValue("id")))
	if err != nil {
		return err
	}
	err = s.act(r, audit.Event{Act: "subject.petition", Record: p.Record.ID, Release: p.Release, Category: p.Record.Category}, func(*audit.Event) error {
		return s.fillTexts(r.Context(), view, &p)
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return answer(w, p)
}

// textOf is one text of a petition: what kind, whose, and its digest.
type textOf struct {
	kind, digest string
	by           exchange.MemberID
}

// textsOf are the texts of a petition: what was asked, and the reply.
func textsOf(view *machine.View, id exchange.CommandID) (text, reply *textOf) {
	if c, ok := subjects.GetComplaint(view.Rows(), id); ok {
		text = &textOf{agency.TextComplaint, c.Digest, c.By}
		if c.Answer != nil {
			reply = &textOf{agency.TextAnswer, c.Answer.Digest, c.Against}
		}
	}
	if a, ok := subjects.GetApplication(view.Rows(), id); ok && a.Answer != nil && a.Answer.Outcome == subjects.Refused {
		reply = &textOf{agency.TextReasons, a.Answer.Digest, a.Record.Author}
	}
	if o, ok := subjects.GetObjection(view.Rows(), id); ok {
		text = &textOf{agency.TextObjection, o.Digest, o.By}
		switch {
		case o.Before != nil:
			reply = &textOf{agency.TextFollowed, o.Answer.Digest, o.Against}
		case o.Answer != nil:
			reply = &textOf{agency.TextAnswer, o.Answer.Digest, o.Against}
		}
	}
	return text, reply
}

func (s *Server) fillTexts(ctx context.Context, view *machine.View, p *wire.Petition) error {
	if s.Agency.Self != p.By && s.Agency.Self != p.Answers {
		return nil
	}
	text, reply := textsOf(view, p.ID)
	var theirs wire.PetitionTexts
	for _, t := range []*textOf{text, reply} {
		if t != nil && t.by != s.Agency.Self {
			peer, err := s.Node.Peer(t.by)
			if err != nil {
				return err
			}
			if theirs, err = peer.PetitionTexts(ctx, p.ID); err != nil {
				return err
			}
		}
	}
	for _, one := range []struct {
		of   *textOf
		sent string
		into *string
	}{{text, theirs.Text, &p.Text}, {reply, theirs.Reply, &p.Reply}} {
		if one.of == nil {
			continue
		}
		doc := one.sent
		if one.of.by == s.Agency.Self {
			var err error
			if doc, err = s.Agency.PetitionDocument(p.ID, one.of.kind, one.of.digest); err != nil {
				return err
			}
		}
		if doc == "" { // the member has lost it; the ledger's part is all there is
			continue
		}
		var err error
		if *one.into, err = agency.ReadPetition(p.ID, doc, one.of.digest); err != nil {
			return err
		}
	}
	return nil
}

// petitionTexts gives the texts this member wrote of a petition to the other member it
// concerns, and to no third one.
func (s *Server) petitionTexts(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	view, p, err := s.petitionAsked(r)
	if err != nil {
		return err
	}
	id := p.ID
	if m := callerOf(r).Member; m != p.By && m != p.Answers || s.Agency.Self != p.By && s.Agency.Self != p.Answers {
		return subjects.ErrComplaint.With("id", printable(string(id)))
	}
	var out wire.PetitionTexts
	err = s.act(r, audit.Event{Act: "subject.texts", Record: p.Record.ID, Release: p.Release}, func(*audit.Event) error {
		text, reply := textsOf(view, id)
		for _, one := range []struct {
			of   *textOf
			into *string
		}{{text, &out.Text}, {reply, &out.Reply}} {
			if one.of != nil && one.of.by == s.Agency.Self {
				if *one.into, err = s.Agency.PetitionDocument(id, one.of.kind, one.of.digest); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// answerComplaint answers a complaint about this member, or an objection that it
// decides.
func (s *Server) answerComplaint(w http.ResponseWriter, r *http.Request) error {
	return s.reply(w, r, "subject.answer", func(id exchange.CommandID, in wire.AnswerPetition) error {
		var f form
		f.need(in.Outcome == string(subjects.Upheld) || in.Outcome == string(subjects.Rejected), "/outcome")
		f.none(in.Ground, "/ground")
		if err := f.err(); err != nil {
			return err
		}
		op, outcome := callerOf(r).Operator.Name, subjects.Status(in.Outcome)
		if _, is := subjects.GetObjection(s.view().Rows(), id); is {
			return s.Agency.Settle(r.Context(), op, id, outcome, in.Text)
		}
		return s.Agency.AnswerComplaint(r.Context(), op, id, outcome, in.Text)
	})
}

// refuseApplication refuses an application for a record of this member's, with reasons.
func (s *Server) refuseApplication(w http.ResponseWriter, r *http.Request) error {
	return s.reply(w, r, "subject.refuse", func(id exchange.CommandID, in wire.AnswerPetition) error {
		var f form
		f.none(in.Outcome, "/outcome")
		f.need(slices.Contains(subjects.Grounds(), in.Ground), "/ground")
		if err := f.err(); err != nil {
			return err
		}
		return s.Agency.Refuse(r.Context(), callerOf(r).Operator.Name, id, in.Ground, in.Text)
	})
}

func (s *Server) reply(w http.ResponseWriter, r *http.Request, act string, do func(exchange.CommandID, wire.AnswerPetition) error) error {
	var in wire.AnswerPetition
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.text(in.Text, maxPetition, "/text")
	if err := f.err(); err != nil {
		return err
	}
	_, p, err := s.petitionAsked(r)
	if err != nil {
		return err
	}
	event := audit.Event{Act: act, Record: p.Record.ID, Release: p.Release, Category: p.Record.Category, Purpose: in.Ground}
	if err := s.act(r, event, func(*audit.Event) error { return do(p.ID, in) }); err != nil {
		return err
	}
	return s.answerPetition(w, p.ID)
}

// releaseApplication answers an application by a presentation for the subject: an
// evidence file with its record and the fields it applied for.
func (s *Server) releaseApplication(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	_, p, err := s.petitionAsked(r)
	if err != nil {
		return err
	}
	var file []byte
	event := audit.Event{Act: "subject.release", Record: p.Record.ID, Category: p.Record.Category, Fields: p.Fields}
	err = s.act(r, event, func(*audit.Event) error {
		presentation, err := s.Agency.Present(r.Context(), callerOf(r).Operator.Name, p.ID)
		if err != nil {
			return err
		}
		point, err := s.Witness.Vouched(r.Context(), s.view().Size())
		if err != nil {
			return err
		}
		file, err = s.evidenceFile(r.Context(), []byte(point.Note), func(_ context.Context, checkpoint []byte) (*bundle.Bundle, error) {
			return s.Agency.PresentationBundle(p.ID, presentation, checkpoint)
		})
		return err
	})
	if err != nil {
		return err
	}
	return raw(w, "application/json", file)
}
