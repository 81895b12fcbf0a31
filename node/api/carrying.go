package api

import (
	"io"
	"net/http"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/node/audit"
	"accord/node/wire"
)

// This file carries feeds by hand, across an air gap: what peers fetch over the wire,
// as files.

// exportFeed writes the next part of this member's feed for another member.
func (s *Server) exportFeed(w http.ResponseWriter, r *http.Request) error {
	var in wire.ExportFeed
	if err := body(r, &in); err != nil {
		return err
	}
	if !exchange.ValidName(string(in.To)) {
		return ErrBody.With().At("/to")
	}
	var part []byte
	err := s.act(r, audit.Event{Act: "feed.export", Purpose: string(in.To)}, func(*audit.Event) (err error) {
		part, err = s.Feeds.Export(r.Context(), in.To, in.Since)
		return err
	})
	if err != nil {
		return err
	}
	return raw(w, "application/octet-stream", part)
}

// importFeed takes a part of another member's feed in.
func (s *Server) importFeed(w http.ResponseWriter, r *http.Request) error {
	part, err := whole(r)
	if err != nil {
		return err
	}
	var out wire.FeedImported
	err = s.act(r, audit.Event{Act: "feed.import"}, func(*audit.Event) (err error) {
		out, err = s.Feeds.Import(r.Context(), part)
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

// feedAck is this member's word for how much of an author's feed it holds.
func (s *Server) feedAck(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "since")
	if err != nil {
		return err
	}
	since := q.number("since", 0, 0, tlog.MaxSize)
	if err := q.err(); err != nil {
		return err
	}
	author, err := feedMember(r)
	if err != nil {
		return err
	}
	ack, err := s.Feeds.Acknowledge(r.Context(), author, since)
	if err != nil {
		return err
	}
	return raw(w, "text/plain; charset=utf-8", ack)
}

// takeFeedAck keeps what another member acknowledged of this member's feed.
func (s *Server) takeFeedAck(w http.ResponseWriter, r *http.Request) error {
	ack, err := whole(r)
	if err != nil {
		return err
	}
	out, err := s.Feeds.TakeAck(r.Context(), ack)
	if err != nil {
		return err
	}
	return answer(w, out)
}

// whole reads a body that is a file.
func whole(r *http.Request) ([]byte, error) {
	if _, err := queryOf(r); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyError(err)
	}
	return data, nil
}
