package api

import (
	"net/http"
	"slices"

	"accord/exchange"
	"accord/exchange/lists"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
	"accord/node/audit"
	"accord/node/wire"
)

// objectTo takes a subject's objection against an entry of it on a list, or a record.
func (s *Server) objectTo(w http.ResponseWriter, r *http.Request) error {
	var in wire.ObjectTo
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need((in.Entry == "") != (in.Record == ""), "/entry")
	f.need(in.Entry == "" || exchange.ValidID(string(in.Entry)), "/entry")
	f.need(in.Record == "" || exchange.ValidID(string(in.Record)), "/record")
	f.text(in.Text, maxPetition, "/text")
	if err := f.err(); err != nil {
		return err
	}
	asks := wire.AskSubject{Subject: in.Subject, PersonID: in.PersonID, Proof: in.Proof}
	if in.Record != "" {
		return s.petition(w, r, "subject.object", asks, func(held []records.Record, e *audit.Event) (exchange.CommandID, error) {
			at := slices.IndexFunc(held, func(rec records.Record) bool { return rec.ID == in.Record })
			if at < 0 {
				return "", ErrPetitionUnknown.With()
			}
			rec := held[at]
			e.Record, e.Category = rec.ID, rec.Category
			ref := lists.RecordRef{ID: rec.ID, Digest: rec.Digest, Author: rec.Author, Category: rec.Category}
			return s.Agency.Object(r.Context(), callerOf(r).Operator.Name, "", &ref, in.Text)
		})
	}
	var id exchange.CommandID
	err := s.forSubject(r, "subject.object", asks, func(ids []exchange.SubjectID) error {
		entry, ok := lists.Get(s.view().Rows(), in.Entry)
		if !ok || !slices.Contains(ids, entry.Subject) {
			return ErrPetitionUnknown.With()
		}
		var err error
		id, err = s.Agency.Object(r.Context(), callerOf(r).Operator.Name, in.Entry, nil, in.Text)
		return err
	})
	if err != nil {
		return err
	}
	return s.answerPetition(w, id)
}

func objectionOf(view *machine.View, o *subjects.Objection, at exchange.Millis) wire.Petition {
	p := wire.Petition{ID: o.ID, Kind: "objection", Status: string(o.StatusAt(view.Rows(), at)), Entry: o.Entry, Disputed: o.Disputes(view.Rows(), at),
		By: o.By, Answers: o.Against, At: o.At.Time(), Due: o.Due.Time(), Seq: o.Seq}
	if o.Record != nil {
		p.Record = wire.RecordRef(*o.Record)
	}
	return answeredOf(p, o.Answer, o.Due)
}
