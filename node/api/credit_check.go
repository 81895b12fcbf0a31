package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/node/audit"
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

// creditCheck answers what there is about a subject in one signed file, which is
// verified before it leaves, as whoever keeps it will; or, with form=jws, by this
// member's signed word alone.
func (s *Server) creditCheck(w http.ResponseWriter, r *http.Request) error {
	subject, form, err := checkAsked(r)
	if err != nil {
		return err
	}
	var view *machine.View
	var media string
	var answer []byte
	err = s.look(r, audit.Event{Act: "credit.check", Subject: s.Audit.Digest(string(subject))}, func() (err error) {
		view, media, answer, err = s.checkAnswer(r.Context(), subject, form)
		return err
	})
	if err != nil {
		return err
	}
	setIndex(w, view)
	return raw(w, media, answer)
}

// checkAnswer makes the answer, and says of which type it is and from which view.
func (s *Server) checkAnswer(ctx context.Context, subject exchange.SubjectID, form string) (*machine.View, string, []byte, error) {
	feeds, err := s.checkFeeds(ctx, form == formJWS)
	if err != nil {
		return nil, "", nil, err
	}
	view := s.view()
	said, err := s.Witness.Lists(ctx, agency.CheckPosition(view, subject))
	if err != nil {
		return nil, "", nil, err
	}
	word := wordOf(said)
	if form == formJWS {
		token, err := s.Agency.CreditAnswer(ctx, subject, word, feeds)
		return view, "application/jose", []byte(token), err
	}
	file, err := s.evidenceFile(ctx, word.Checkpoint, func(ctx context.Context, checkpoint []byte) (*bundle.Bundle, error) {
		word.Checkpoint = checkpoint
		return s.Agency.CreditCheck(ctx, subject, word, feeds)
	})
	return view, "application/json", file, err
}

// The forms of an answer: a file with proofs, or the signed answer alone.
const (
	formFile = "file"
	formJWS  = "jws"
)

func checkAsked(r *http.Request) (subject exchange.SubjectID, form string, err error) {
	q, err := queryOf(r, "subject", "form")
	if err != nil {
		return "", "", err
	}
	subject, form = q.subject(), q.text("form", func(v string) bool { return v == formFile || v == formJWS })
	if err := q.err(); err != nil {
		return "", "", err
	}
	if subject == "" {
		return "", "", ErrQuery.With("name", "subject")
	}
	return subject, form, nil
}

// feedsKept is how old the extents of feeds may be that an answer without proofs
// names. What they say is still true then, of less.
const feedsKept = time.Second

// recentFeeds are the extents as they were read last; mu guards them.
type recentFeeds struct {
	mu    sync.Mutex
	at    time.Time
	feeds []bundle.CheckFeed
}

// checkFeeds is how much of each author's records an answer was looked up in. It is
// read before the records are, so that it says no more than was there; recent is
// enough where that is said.
func (s *Server) checkFeeds(ctx context.Context, recent bool) ([]bundle.CheckFeed, error) {
	if !recent {
		return s.feedExtents(ctx)
	}
	s.extents.mu.Lock()
	defer s.extents.mu.Unlock()
	if s.extents.feeds != nil && time.Since(s.extents.at) < feedsKept {
		return s.extents.feeds, nil
	}
	at := time.Now()
	feeds, err := s.feedExtents(ctx)
	if err != nil {
		return nil, err
	}
	s.extents.at, s.extents.feeds = at, feeds
	return feeds, nil
}

func (s *Server) feedExtents(ctx context.Context) ([]bundle.CheckFeed, error) {
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
