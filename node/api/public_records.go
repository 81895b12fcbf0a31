package api

import (
	"encoding/json"
	"net/http"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/exchange/subjects"
	"accord/node/wire"
)

// publicRecords is a page of what the catalogue in force shows the public of the records
// this node holds, newest first: of those that stand, in the time of their disclosure,
// the fields it names. A page may hold fewer records than were asked for, or none,
// before the last one: what is not shown leaves no trace.
func (s *Server) publicRecords(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "subject", "category", "author", "cursor", "limit")
	if err != nil {
		return err
	}
	ask := records.Question{Subject: q.subject(), Category: q.name("category"), Author: exchange.MemberID(q.name("author")), Status: records.Active}
	after, limit := records.Cursor(q.cursor()), min(q.limit(), publicPage)
	if err := q.err(); err != nil {
		return err
	}
	view := s.view()
	at := s.instant(nil, view)
	cat := view.CatalogueFor(at)
	out := wire.PublicRecords{At: at.Time(), Catalogue: cat.Document().Version, Records: []wire.PublicRecord{}}
	if ask.Category != "" && cat.Category(ask.Category) == nil {
		return ErrQuery.With("name", "category")
	}
	if ask.Subject != "" && !goesByName(ask.Subject) {
		return answer(w, out)
	}
	found, err := s.Agency.Records.Find(r.Context(), ask, after, limit)
	if err != nil {
		return err
	}
	out.Next = string(found.Next)
	for i := range found.Records {
		one, shown, err := s.disclosed(view, cat, at, &found.Records[i])
		if err != nil {
			return err
		}
		if shown {
			out.Records = append(out.Records, one)
		}
	}
	setIndex(w, view)
	return answer(w, out)
}

// publicPage is the most records of one page: each is verified, for anybody who asks.
const publicPage = 100

// goesByName says whether a subject goes by a name that is public. The ids of persons do not:
// by them a stranger could put together what is known of one.
func goesByName(id exchange.SubjectID) bool { return id.Namespace() != exchange.SubjectPerson }

// disclosed is what the public sees of a record at a time; shown is false where that is
// nothing, or where the record does not verify.
func (s *Server) disclosed(view *machine.View, cat *catalogue.Catalogue, at exchange.Millis, row *records.Record) (out wire.PublicRecord, shown bool, err error) {
	claims, _, bad := s.Agency.VerifyRecord(row.Author, row.JWT)
	if bad != nil || row.Status != records.Active {
		return out, false, nil
	}
	ref := agency.ReferenceTo(row.Author, claims, row.JWT)
	p, ok := cat.Publication(ref.Category, claims.SubjectKind, func(field string) string {
		text, _ := claims.Public[field].(string)
		return text
	})
	if !ok || !p.At(at) {
		return out, false, nil
	}
	out = wire.PublicRecord{ID: ref.ID, Category: ref.Category, Author: row.Author, SubjectKind: claims.SubjectKind, IssuedAt: row.IssuedAt.Time(),
		Digest: ref.Digest, Fields: map[string]json.RawMessage{}, Until: instantOf(p.Until), Disputed: subjects.DisputedRecord(view.Rows(), ref.ID, view.Time())}
	for _, field := range p.Fields {
		if value, ok := claims.Public[field]; ok {
			if out.Fields[field], err = json.Marshal(value); err != nil {
				return out, false, err
			}
		}
	}
	if len(out.Fields) == 0 {
		return out, false, nil
	}
	if goesByName(claims.Subject) {
		out.Subject = claims.Subject
		if len(out.Fields) == len(claims.Public) { // nothing in it that is not shown
			out.Document = row.JWT + "~"
		}
	}
	return out, true, nil
}
