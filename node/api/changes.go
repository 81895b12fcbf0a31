package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/strictjson"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/node/feeds"
	"accord/node/wire"
)

// This file tells integrators what is new, in order and without gaps: of the ledger,
// or of a member's feed. What an entry says is what anybody may see of it; its hash
// is the leaf, so that a follower can check the whole against the signed head.

// Bounds of waiting.
const (
	maxWait    = 60 * time.Second
	feedGlance = 500 * time.Millisecond // between two looks at a feed
	eventPause = 15 * time.Second       // of silence, after which a comment keeps the stream open
)

// changes answers at once when there is something after since, or else when there
// is, or when the wait is over. Who accepts text/event-stream gets a stream.
func (s *Server) changes(w http.ResponseWriter, r *http.Request) error {
	q, err := queryOf(r, "feed", "since", "limit", "wait")
	if err != nil {
		return err
	}
	author := exchange.MemberID(q.name("feed"))
	since, limit := q.number("since", 0, 0, tlog.MaxSize), q.limit()
	wait := time.Duration(q.number("wait", 0, 0, int64(maxWait/time.Second))) * time.Second
	if err := q.err(); err != nil {
		return err
	}
	if strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream") {
		return s.changeEvents(w, r, author, since, limit)
	}
	out, err := s.ChangesAfter(r.Context(), author, since, limit, wait)
	if err != nil {
		return err
	}
	return answer(w, out)
}

// ChangesAfter waits for something new of a log, the ledger or an author's feed, at
// most as long as it is told.
func (s *Server) ChangesAfter(ctx context.Context, author exchange.MemberID, since int64, limit int, wait time.Duration) (wire.Changes, error) {
	if s.Config.RequestTimeout > 0 { // leave time to answer
		wait = min(wait, s.Config.RequestTimeout*3/4)
	}
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		view := s.view()
		out, err := s.changesNow(ctx, view, author, since, limit)
		if err != nil || len(out.Changes) > 0 || wait == 0 {
			return out, err
		}
		glance, changed := (<-chan time.Time)(nil), view.Changed()
		if author != "" {
			glance, changed = time.After(feedGlance), nil
		}
		select {
		case <-end.C:
			return out, nil
		case <-ctx.Done():
			return out, nil
		case <-glance:
		case <-changed:
		}
	}
}

func (s *Server) changesNow(ctx context.Context, view *machine.View, author exchange.MemberID, since int64, limit int) (wire.Changes, error) {
	if author == "" {
		return s.ledgerChanges(view, since, limit), nil
	}
	have, err := s.Agency.Records.Feed(ctx, author)
	if err != nil {
		return wire.Changes{}, err
	}
	if _, known := view.Member(author); !known {
		return wire.Changes{}, feeds.ErrNoFeed.With("author", string(author))
	}
	out := wire.Changes{Log: tlog.FeedOrigin(s.Agency.Federation, string(author)), Size: have.Edge.Size(), Next: since, Changes: []wire.Change{}}
	items, err := s.Agency.Records.FeedItems(ctx, author, since, limit)
	if err != nil {
		return wire.Changes{}, err
	}
	for _, item := range items {
		out.Changes = append(out.Changes, wire.Change{Number: item.Index, Kind: string(item.Entry.Kind), ID: item.Entry.ID,
			Entry: string(item.Entry.Encode()), Member: author})
		out.Next = item.Index + 1
	}
	if note, err := s.Feeds.Checkpoint(ctx, author); err == nil {
		out.Checkpoint = string(note)
	}
	return out, nil
}

// ledgerChanges numbers statements as the ledger does; number 0 is the charter.
func (s *Server) ledgerChanges(view *machine.View, since int64, limit int) wire.Changes {
	out := wire.Changes{Log: tlog.LedgerOrigin(s.Agency.Federation), Size: view.Size(), Next: since, Changes: []wire.Change{}}
	if since == 0 {
		out.Changes = append(out.Changes, wire.Change{Kind: "charter", ID: "charter", Entry: string(bundle.CharterLeaf([]byte(view.Federation().Charter)))})
		out.Next = 1
	}
	for st := range view.Statements(max(since-1, 0)) {
		if len(out.Changes) >= limit {
			break
		}
		at := st.At.Time()
		c := wire.Change{Number: st.Seq, Kind: "statement", ID: string(st.ID), At: &at, Entry: string(bundle.Leaf(string(st.ID), []byte(st.JWS), st.Recorded()))}
		switch st.Verb {
		case exchange.VerbNominate, exchange.VerbWithdraw, exchange.VerbRemove, exchange.VerbAdopt, exchange.VerbRoster, exchange.VerbFeedAnchor:
			c.Kind, c.Member = string(st.Verb), st.Issuer
			if st.OK {
				c.Entries = entriesOf(st.Outcome)
			} else {
				c.Kind = "refused"
			}
		}
		out.Changes = append(out.Changes, c)
		out.Next = st.Seq + 1
	}
	if note, err := s.served(); err == nil {
		out.Checkpoint = string(note)
	}
	return out
}

// entriesOf is the list entries that a list verb's outcome names.
func entriesOf(outcome json.RawMessage) (ids []exchange.EntryID) {
	var o struct {
		Entry   exchange.EntryID `json:"entry"`
		Entries []struct {
			ID exchange.EntryID `json:"id"`
		} `json:"entries"`
	}
	if strictjson.UnmarshalLoose(outcome, &o) != nil {
		return nil
	}
	for _, e := range o.Entries {
		ids = append(ids, e.ID)
	}
	if o.Entry != "" {
		ids = append(ids, o.Entry)
	}
	return ids
}

// changeEvents streams changes as server-sent events until the request's time is
// over; the id of each is where to go on, as browsers do by themselves.
func (s *Server) changeEvents(w http.ResponseWriter, r *http.Request, author exchange.MemberID, since int64, limit int) error {
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		n, err := strconv.ParseInt(last, 10, 64)
		if err != nil || n < 0 || n >= tlog.MaxSize {
			return ErrQuery.With("name", "Last-Event-ID")
		}
		since = n + 1
	}
	out, err := s.changesNow(r.Context(), s.view(), author, since, limit)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	for {
		for _, c := range out.Changes {
			line, err := strictjson.Marshal(c)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: change\ndata: %s\n\n", c.Number, line); err != nil {
				return nil // gone
			}
		}
		if len(out.Changes) == 0 {
			if _, err := fmt.Fprint(w, ": waiting\n\n"); err != nil {
				return nil
			}
		}
		if control.Flush() != nil || r.Context().Err() != nil {
			return nil
		}
		if out, err = s.ChangesAfter(r.Context(), author, out.Next, limit, eventPause); err != nil {
			return nil // nothing can be said of it here; the next request will
		}
	}
}
