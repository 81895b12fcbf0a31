package api

import (
	"context"
	"net/http"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
)

// listsWord is this member's signed word on the lists of a position, for another
// member that gathers a quorum of them.
func (s *Server) listsWord(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "size", "at")
	if err != nil {
		return err
	}
	size, at := q.number("size", 0, 1, 1<<53-1), q.number("at", 0, 1, 1<<53-1)
	if err := q.err(); err != nil {
		return err
	}
	if size == 0 || at == 0 {
		return ErrQuery.With("name", "size, at")
	}
	note, err := s.Witness.SignLists(r.Context(), size, exchange.Millis(at))
	if err != nil {
		return err
	}
	return raw(w, "text/plain; charset=utf-8", note)
}

// subjectAsked is the one subject that a request asks about.
func subjectAsked(r *http.Request) (exchange.SubjectID, error) {
	q, err := queryOf(r, "subject")
	if err != nil {
		return "", err
	}
	subject := q.subject()
	if err := q.err(); err != nil {
		return "", err
	}
	if subject == "" {
		return "", ErrQuery.With("name", "subject")
	}
	return subject, nil
}

// creditCheck answers what there is about a subject in one signed file. It is
// verified before it leaves, as whoever keeps it will.
func (s *Server) creditCheck(w http.ResponseWriter, r *http.Request) error {
	subject, err := subjectAsked(r)
	if err != nil {
		return err
	}
	feeds, err := s.checkFeeds(r.Context())
	if err != nil {
		return err
	}
	view := s.view()
	word, err := s.Witness.Lists(r.Context(), agency.CheckPosition(view, subject))
	if err != nil {
		return err
	}
	file, err := s.evidenceFile(r.Context(), []byte(word.Point.Note), func(ctx context.Context, checkpoint []byte) (*bundle.Bundle, error) {
		return s.Agency.CreditCheck(ctx, subject, agency.ListsWord{Checkpoint: checkpoint, At: word.At, Tree: word.Tree, Note: word.Note}, feeds)
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return raw(w, "application/json", file)
}

// checkFeeds is how much of each author's records an answer was looked up in. It is
// read before the records are, so that it says no more than was there.
func (s *Server) checkFeeds(ctx context.Context) ([]bundle.CheckFeed, error) {
	st, err := s.Feeds.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := []bundle.CheckFeed{}
	for _, f := range st.Feeds {
		out = append(out, bundle.CheckFeed{Author: string(f.Author), Entries: f.Size, Withheld: f.Withheld, Erased: f.Erased, Missing: f.Missing})
	}
	return out, nil
}
