package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/wire"
)

// This file answers questions about what this node holds: own records and those it
// mirrors. It is open to this node's own people; a peer asks authors, and holds
// itself what the catalogue lets it hold.

// records is a page of what a question finds, without the signed documents.
func (s *Server) records(w http.ResponseWriter, r *http.Request) error {
	question, page, err := questionOf(r, records.ParseQuestion, "cursor", "limit")
	if err != nil {
		return err
	}
	after, limit := records.Cursor(page.cursor()), page.limit()
	if err := page.err(); err != nil {
		return err
	}
	found, err := s.findRecords(r, question, after, limit)
	if err != nil {
		return err
	}
	out, err := s.foundOf(s.view(), found)
	if err != nil {
		return err
	}
	out.Question, out.Link = question.String(), nextLink(r, question.Pairs(), out.Next, limit)
	return answer(w, out)
}

// maxNamed is how many subjects one line of the audit log names.
const maxNamed = 1000

// findRecords is a page of what a question finds, once the audit log says about whom.
func (s *Server) findRecords(r *http.Request, q records.Question, after records.Cursor, limit int) (records.Found, error) {
	event := audit.Event{Act: "record.find", Category: q.Category}
	if q.Subject != "" {
		event.Subject = s.Audit.Digest(string(q.Subject))
		defer s.glance(r, event)()
		return s.Agency.Records.Find(r.Context(), q, after, limit)
	}
	found, err := s.Agency.Records.Find(r.Context(), q, after, limit)
	if err != nil {
		return found, err
	}
	of := map[exchange.SubjectID]bool{}
	for i := range found.Records {
		of[found.Records[i].Subject] = true
	}
	for _, n := range found.Names {
		of[n.Subject] = true
	}
	var lines []audit.Event
	for some := range slices.Chunk(slices.Sorted(maps.Keys(of)), maxNamed) {
		event.Subjects = nil
		for _, subject := range some {
			event.Subjects = append(event.Subjects, s.Audit.Digest(string(subject)))
		}
		lines = append(lines, event)
	}
	s.glance(r, lines...)()
	return found, nil
}

// nextLink is the link to a question's next page, "" where there is none.
func nextLink(r *http.Request, pairs url.Values, next string, limit int) string {
	if next == "" {
		return ""
	}
	pairs.Set("cursor", next)
	pairs.Set("limit", strconv.Itoa(limit))
	return r.URL.Path + "?" + pairs.Encode()
}

// questionOf reads a question, and more parameters apart.
func questionOf[Q any](r *http.Request, parse func(url.Values) (Q, error), apart ...string) (q Q, page *query, err error) {
	page = &query{values: map[string]string{}}
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, nil, ErrQuery.With("name", "?")
	}
	for _, name := range apart {
		switch v := given[name]; len(v) {
		case 0:
		case 1:
			page.values[name] = v[0]
		default:
			return q, nil, ErrQuery.With("name", name)
		}
		delete(given, name)
	}
	q, err = parse(given)
	return q, page, err
}

func (s *Server) foundOf(view *machine.View, found records.Found) (wire.Records, error) {
	out := wire.Records{Records: make([]wire.Record, len(found.Records)), Next: string(found.Next), Known: found.Known.Time(), More: found.More}
	for i := range found.Records {
		row := &found.Records[i]
		claims, _, bad := s.Agency.VerifyRecord(row.Author, row.JWT)
		one, err := recordOf(view, heldRecord{jwt: row.JWT, claims: claims, own: row}, bad == nil)
		if err != nil {
			return wire.Records{}, err
		}
		one.Document = ""
		out.Records[i] = one
	}
	for _, n := range found.Names {
		out.Names = append(out.Names, wire.NamedSubject{Subject: n.Subject, Name: n.Name, Current: n.Current, Level: n.Match.Level.Word(),
			Reason: string(n.Match.Reason), Why: n.Match.Reason.Text(), Score: n.Match.Score})
	}
	return out, nil
}
