package api

import (
	"context"
	"net/http"
	"strings"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
	"accord/exchange/lists"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/wire"
)

// nominate puts a subject on a list: by a record, from which subject and kind
// are taken once it is verified, or by name.
func (s *Server) nominate(w http.ResponseWriter, r *http.Request) error {
	var in wire.Nominate
	if err := body(r, &in); err != nil {
		return err
	}
	list := r.PathValue("list")
	if s.view().Catalogue().List(list) == nil {
		return ErrNoList.With("list", printable(list))
	}
	if err := checkNominate(in); err != nil {
		return err
	}
	var id exchange.EntryID
	event := audit.Event{Act: "list.nominate", Record: in.Record}
	err := s.act(r, event, func(e *audit.Event) error {
		n, err := s.nomination(r.Context(), list, in)
		if err != nil {
			return err
		}
		if len(n.Records) > 0 {
			e.Category = n.Records[0].Category
		}
		id, err = s.Agency.Nominate(r.Context(), callerOf(r).Operator.Name, n)
		return err
	})
	if err != nil {
		return err
	}
	view := s.view()
	setIndex(w, view)
	return answerEntry(w, r, view, id, s.stand(view))
}

func checkNominate(in wire.Nominate) error {
	var f form
	if in.Record != "" {
		f.need(exchange.ValidID(string(in.Record)), "/record")
		f.need(in.Author == "" || exchange.ValidName(string(in.Author)), "/author")
		f.none(in.SubjectKind, "/subject_kind") // the record says who it is about
		f.none(in.USCC, "/uscc")
		f.none(in.PersonID, "/person_id")
	} else {
		f.none(string(in.Author), "/author")
		f.need(exchange.ValidName(in.SubjectKind), "/subject_kind")
	}
	f.maybe(in.Name, maxName, "/name")
	f.need(exchange.ValidName(in.Ground), "/ground")
	if d := in.Decision; d != nil {
		f.text(d.Number, maxNumber, "/decision/number")
		f.text(d.Authority, maxName, "/decision/authority")
		f.need(d.Date == "" || validDay(d.Date), "/decision/date")
	}
	f.need(in.TermDays > 0, "/term_days")
	for _, m := range in.Measures {
		f.need(exchange.ValidName(m), "/measures")
	}
	return f.err()
}

// nomination turns the body into what the agency signs.
func (s *Server) nomination(ctx context.Context, list string, in wire.Nominate) (agency.Nomination, error) {
	n := agency.Nomination{List: list, Name: in.Name, Ground: in.Ground, TermDays: in.TermDays, Measures: in.Measures}
	if d := in.Decision; d != nil {
		n.Decision = &lists.DecisionRef{Number: d.Number, Authority: d.Authority, Date: d.Date}
	}
	if in.Record == "" {
		var err error
		n.SubjectKind = in.SubjectKind
		if n.Subject, err = s.subjectOf(ctx, in.SubjectKind, in.USCC, in.PersonID, in.Name); err != nil {
			return n, err
		}
		return n, s.onceOnly(ctx, list, in)
	}
	held, err := s.holdRecord(ctx, in.Author, in.Record)
	if err != nil {
		return n, err
	}
	if err := held.active(); err != nil {
		return n, err
	}
	n.Subject, n.SubjectKind = held.claims.Subject, held.claims.SubjectKind
	n.Records = []lists.RecordRef{agency.ReferenceTo(held.claims.Issuer, held.claims, held.jwt)}
	if name := publicName(held.claims); name != "" {
		n.Name = name
	}
	return n, nil
}

// onceOnly refuses a person that is on the list for the ground under an id of a former
// key: of the id that the number has now the ledger sees it itself.
func (s *Server) onceOnly(ctx context.Context, list string, in wire.Nominate) error {
	if in.PersonID == "" {
		return nil
	}
	ids, err := s.Agency.SubjectIDs(ctx, exchange.SubjectPerson, strings.ToUpper(in.PersonID))
	if err != nil {
		return err
	}
	view := s.view()
	for _, subject := range ids[1:] {
		if id := lists.Standing(view.Rows(), list, subject, in.Ground, s.instant(nil, view)); id != "" {
			return lists.ErrActive.With("list", list, "id", id)
		}
	}
	return nil
}

// publicName is the name an organisation's record shows in clear.
func publicName(c agency.RecordClaims) string {
	if c.Subject.Namespace() != exchange.SubjectOrg {
		return ""
	}
	for _, field := range []string{"name", "party_name"} {
		if name, ok := c.Public[field].(string); ok {
			return name
		}
	}
	return ""
}

// subjectOf names a subject by the identifier its kind is known by, exactly
// one. Persons' numbers are blinded here and go no further.
func (s *Server) subjectOf(ctx context.Context, kind, uscc, person, name string) (exchange.SubjectID, error) {
	k := s.view().Catalogue().Subject(kind)
	if k == nil {
		return "", records.ErrSubjectKind.With().At("/subject_kind")
	}
	var f form
	key := ""
	switch k.Namespace {
	case exchange.SubjectOrg:
		key = strings.ToUpper(uscc)
		if identifiers.CheckUSCC(key) != nil {
			return "", ErrUSCC.With().At("/uscc")
		}
		f.none(person, "/person_id")
	case exchange.SubjectPerson:
		key = strings.ToUpper(person)
		if identifiers.CheckResidentID(key) != nil {
			return "", ErrPersonID.With().At("/person_id")
		}
		f.none(uscc, "/uscc")
	default:
		key = name
		f.text(name, maxName, "/name")
		f.none(uscc, "/uscc")
		f.none(person, "/person_id")
	}
	if err := f.err(); err != nil {
		return "", err
	}
	return s.Agency.SubjectID(ctx, k.Namespace, key)
}

// privateNames are the category's fields that are private for this kind of
// subject and not shown: those that may be asked for.
func privateNames(cat *catalogue.Catalogue, category, kind string, public map[string]any) []string {
	c := cat.Category(category)
	if c == nil {
		return nil
	}
	var names []string
	for i := range c.Fields {
		class, ok := cat.ClassOf(category, c.Fields[i].ID, kind)
		if _, shown := public[c.Fields[i].ID]; ok && class.Private() && !shown {
			names = append(names, c.Fields[i].ID)
		}
	}
	return names
}
