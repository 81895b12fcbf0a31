package api

import (
	"net/http"

	"accord/exchange"
	"accord/node/audit"
	"accord/node/wire"
)

// This file manages the endpoints that are told of changes (package webhooks).

// sizeOf is how many changes a log has, 0 where that cannot be told.
func (s *Server) sizeOf(r *http.Request) func(exchange.MemberID) int64 {
	return func(author exchange.MemberID) int64 {
		if author == "" {
			return s.view().Size()
		}
		have, err := s.Agency.Records.Feed(r.Context(), author)
		if err != nil {
			return 0
		}
		return have.Edge.Size()
	}
}

func (s *Server) listWebhooks(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	return answer(w, wire.Webhooks{Webhooks: s.Webhooks.List(s.sizeOf(r))})
}

func (s *Server) addWebhook(w http.ResponseWriter, r *http.Request) error {
	var in wire.AddWebhook
	if err := body(r, &in); err != nil {
		return err
	}
	if in.Since == -1 {
		in.Since = s.sizeOf(r)(in.Feed)
	}
	if _, err := s.changesNow(r.Context(), s.view(), in.Feed, 0, 1); err != nil {
		return err
	}
	return s.keyed(w, r, "webhook.add", func() (wire.WebhookKey, error) { return s.Webhooks.Add(in) })
}

func (s *Server) rotateWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	return s.keyed(w, r, "webhook.rotate", func() (wire.WebhookKey, error) { return s.Webhooks.Rotate(r.PathValue("name")) })
}

// keyed does something that gives a key, and leaves a trace.
func (s *Server) keyed(w http.ResponseWriter, r *http.Request, act string, do func() (wire.WebhookKey, error)) error {
	var out wire.WebhookKey
	err := s.act(r, audit.Event{Act: act}, func(*audit.Event) (err error) {
		out, err = do()
		return err
	})
	if err != nil {
		return err
	}
	return answer(w, out)
}

func (s *Server) testWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	if err := s.Webhooks.Test(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return answer(w, struct{}{})
}

func (s *Server) replayWebhook(w http.ResponseWriter, r *http.Request) error {
	var in wire.ReplayWebhook
	if err := body(r, &in); err != nil {
		return err
	}
	if in.Since < -1 {
		return ErrBody.With().At("/since")
	}
	out, err := s.Webhooks.Replay(r.PathValue("name"), in.Since)
	if err != nil {
		return err
	}
	return answer(w, out)
}

func (s *Server) disableWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	out, err := s.Webhooks.Disable(r.PathValue("name"), callerOf(r).Operator.Name)
	if err != nil {
		return err
	}
	return answer(w, out)
}

func (s *Server) removeWebhook(w http.ResponseWriter, r *http.Request) error {
	if err := body(r, &struct{}{}); err != nil {
		return err
	}
	err := s.act(r, audit.Event{Act: "webhook.remove"}, func(*audit.Event) error { return s.Webhooks.Remove(r.PathValue("name")) })
	if err != nil {
		return err
	}
	return answer(w, struct{}{})
}
