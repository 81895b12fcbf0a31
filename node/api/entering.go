package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/wire"
)

// addRecord enters one record by hand.
func (s *Server) addRecord(w http.ResponseWriter, r *http.Request) error {
	var in wire.AddRecord
	if err := body(r, &in); err != nil {
		return err
	}
	var f form
	f.need(exchange.ValidName(in.Category), "/category")
	f.need(exchange.ValidName(in.SubjectKind), "/subject_kind")
	f.need(len(in.Values) > 0, "/values")
	if err := f.err(); err != nil {
		return err
	}
	values, err := valuesOf(in.Values)
	if err != nil {
		return err
	}
	return s.enter(w, r, audit.Event{Act: "record.add", Category: in.Category}, func() (records.Record, error) {
		subject, err := s.subjectOf(r.Context(), in.SubjectKind, in.USCC, in.PersonID, in.Name)
		if err != nil {
			return records.Record{}, err
		}
		return s.Agency.Add(r.Context(), callerOf(r).Operator.Name,
			agency.Addition{Category: in.Category, SubjectKind: in.SubjectKind, Subject: subject, Values: values})
	})
}

// correctRecord replaces a record by one with other values, all of them.
func (s *Server) correctRecord(w http.ResponseWriter, r *http.Request) error {
	id, in, err := correction(r)
	if err != nil {
		return err
	}
	var f form
	f.need(len(in.Values) > 0, "/values")
	if err := f.err(); err != nil {
		return err
	}
	values, err := valuesOf(in.Values)
	if err != nil {
		return err
	}
	return s.enter(w, r, audit.Event{Act: "record.correct", Record: id}, func() (records.Record, error) {
		return s.Agency.Correct(r.Context(), callerOf(r).Operator.Name, id, values, in.Reason)
	})
}

// retractRecord takes a record back.
func (s *Server) retractRecord(w http.ResponseWriter, r *http.Request) error {
	id, in, err := correction(r)
	if err != nil {
		return err
	}
	var f form
	f.need(len(in.Values) == 0, "/values")
	if err := f.err(); err != nil {
		return err
	}
	return s.enter(w, r, audit.Event{Act: "record.retract", Record: id}, func() (records.Record, error) {
		return s.Agency.Retract(r.Context(), id, in.Reason)
	})
}

// correction reads what a correction and a retraction have in common.
func correction(r *http.Request) (exchange.RecordID, wire.CorrectRecord, error) {
	var in wire.CorrectRecord
	if err := body(r, &in); err != nil {
		return "", in, err
	}
	id := exchange.RecordID(r.PathValue("id"))
	if !exchange.ValidID(string(id)) {
		return "", in, records.ErrNotFound.With()
	}
	var f form
	f.text(in.Reason, maxReason, "/reason")
	return id, in, f.err()
}

// enter changes the record store between two audit lines and shows the record
// as its author now holds it.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, e audit.Event, do func() (records.Record, error)) error {
	var rec records.Record
	err := s.act(r, e, func(e *audit.Event) (err error) {
		if rec, err = do(); err == nil {
			e.Record, e.Category = rec.ID, rec.Category
		}
		return valueError(err)
	})
	if err != nil {
		return err
	}
	held, err := s.holdOwn(r.Context(), rec.ID)
	if err != nil {
		return err
	}
	out, err := recordOf(s.view(), held, true)
	if err != nil {
		return err
	}
	return answer(w, out)
}

// valuesOf reads a record's values into their stored forms.
func valuesOf(in map[string]json.RawMessage) (records.Values, error) {
	text, err := strictjson.Marshal(in)
	if err != nil {
		return nil, ErrBody.Wrap(err)
	}
	values, err := records.DecodeValues(text)
	return values, valueError(err)
}

// valueError gives the first of the problems with values, its field named as a
// member of the body.
func valueError(err error) error {
	var problems records.Problems
	if errors.As(err, &problems) && len(problems) > 0 {
		first := *problems[0]
		return first.At("/values" + first.Field)
	}
	return err
}
