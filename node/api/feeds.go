package api

import (
	"compress/gzip"
	"net/http"
	"slices"
	"strings"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/feed"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/feeds"
	"accord/node/wire"
)

// This file serves members' feeds: to anybody's transparency-log tools in C2SP's
// forms under /feeds/<member>, and their documents to the members whom the
// catalogue lets hold them.

// feedMember is the member whose feed a route is about.
func feedMember(r *http.Request) (exchange.MemberID, error) {
	m := r.PathValue("member")
	if !exchange.ValidName(m) {
		return "", feeds.ErrNoFeed.With("author", "?")
	}
	return exchange.MemberID(m), nil
}

func (s *Server) feedCheckpoint(w http.ResponseWriter, r *http.Request) error {
	author, err := feedMember(r)
	if err != nil {
		return err
	}
	if _, err := queryOf(r); err != nil {
		return err
	}
	note, err := s.Feeds.Checkpoint(r.Context(), author)
	if err != nil {
		return err
	}
	return tagged(w, r, "text/plain; charset=utf-8", "no-cache", note)
}

func (s *Server) feedTile(w http.ResponseWriter, r *http.Request) error {
	author, err := feedMember(r)
	if err != nil {
		return err
	}
	if _, err := queryOf(r); err != nil {
		return err
	}
	tile, err := tlog.ParseTilePath("tile/" + r.PathValue("path"))
	if err != nil {
		return ErrTile.Wrap(err)
	}
	data, err := s.Agency.Records.FeedTile(r.Context(), author, tile)
	if err != nil {
		if exchange.AsError(err).Code == records.ErrNotFound.Code {
			return ErrTile.Wrap(err)
		}
		return err
	}
	cache := "public, max-age=31536000, immutable"
	if tile.Width < tlog.TileWidth {
		cache = "public, max-age=60"
	}
	return tagged(w, r, "application/octet-stream", cache, data)
}

// feedDocuments streams documents of this member's own feed. Nobody is a go-between:
// what a member may hold its author tells it.
func (s *Server) feedDocuments(w http.ResponseWriter, r *http.Request) error {
	var ask wire.AskDocuments
	if err := body(r, &ask); err != nil {
		return err
	}
	author, err := feedMember(r)
	switch {
	case err != nil:
		return err
	case author != s.Agency.Self:
		return ErrCaller.With()
	case len(ask.Entries) == 0 || len(ask.Entries) > feeds.MaxAsk:
		return ErrBody.With().At("/entries")
	}
	var out *gzip.Writer
	err = s.Feeds.Documents(r.Context(), callerOf(r).Member, ask, func(d wire.FeedDocument) error {
		if out == nil { // nothing can be refused any more
			w.Header().Set("Content-Type", wire.TypeCompressedLines)
			out, _ = gzip.NewWriterLevel(w, gzip.BestSpeed) // a level that exists
		}
		line, err := d.Line()
		if err != nil {
			return err
		}
		_, err = out.Write(append(line, '\n'))
		return err
	})
	if out == nil {
		return err
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the asker sees that the answer breaks off
	}
	return out.Close()
}

// takeFeedReceipt keeps a member's word that it erased.
func (s *Server) takeFeedReceipt(w http.ResponseWriter, r *http.Request) error {
	var in wire.FeedReceipt
	if err := body(r, &in); err != nil {
		return err
	}
	author, err := feedMember(r)
	if err == nil && author != s.Agency.Self {
		err = ErrCaller.With()
	}
	if err == nil {
		err = s.Feeds.TakeReceipt(r.Context(), callerOf(r).Member, in.JWS)
	}
	if err != nil {
		return err
	}
	return answer(w, struct{}{})
}

// feedReceipts is what the members have said of an own erasure.
func (s *Server) feedReceipts(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	all, err := s.Agency.Records.Receipts(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	out := wire.FeedReceipts{Receipts: []wire.KeptReceipt{}, Awaited: []exchange.MemberID{}}
	have := map[exchange.MemberID]bool{s.Agency.Self: true}
	for _, x := range all {
		have[x.Member] = true
		out.Receipts = append(out.Receipts, wire.KeptReceipt{Member: x.Member, At: x.At.Time(), JWS: x.JWT})
	}
	for _, m := range s.Feeds.Authors() {
		if !have[m] {
			out.Awaited = append(out.Awaited, m)
		}
	}
	return answer(w, out)
}

func (s *Server) feedsStatus(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	st, err := s.Feeds.Status(r.Context())
	if err != nil {
		return err
	}
	return answer(w, st)
}

func (s *Server) settleFeedAlarm(w http.ResponseWriter, r *http.Request) error {
	var in wire.Settle
	if err := body(r, &in); err != nil {
		return err
	}
	if strings.TrimSpace(in.Reason) == "" || len(in.Reason) > maxSettlement {
		return ErrBody.With().At("/reason")
	}
	a, err := s.Feeds.Settle(r.PathValue("id"), callerOf(r).Operator.Name, in.Reason)
	if err != nil {
		return err
	}
	return answer(w, a.Wire())
}

// eraseRecord destroys an own record everywhere. The number of the decision it rests
// on is kept as a keyed digest in the audit log and nowhere else.
func (s *Server) eraseRecord(w http.ResponseWriter, r *http.Request) error {
	var in wire.EraseRecord
	if err := body(r, &in); err != nil {
		return err
	}
	id := exchange.RecordID(r.PathValue("id"))
	switch {
	case !exchange.ValidID(string(id)):
		return records.ErrNotFound.With()
	case !slices.Contains(feed.Grounds(), in.Ground):
		return ErrBody.With().At("/ground")
	case !exchange.PlainText(in.Reference, 200):
		return ErrBody.With().At("/reference")
	}
	var d feed.Document
	err := s.act(r, audit.Event{Act: "record.erase", Record: id, Purpose: in.Ground, Basis: s.Audit.Digest(in.Reference)}, func(*audit.Event) (err error) {
		d, err = s.Agency.EraseRecord(r.Context(), id, in.Ground)
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, wire.Erasure{ID: d.ID, Record: d.Record, Ground: d.Ground, Document: d.JWT})
}
