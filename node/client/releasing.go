package client

import (
	"context"
	"net/http"

	"accord/exchange"
	"accord/node/wire"
)

// Emergencies pages through what was asked as an emergency, newest first.
func (c *Client) Emergencies(ctx context.Context, status, cursor string, limit int) (wire.Releases, error) {
	var out wire.Releases
	return out, c.get(ctx, "/api/v1/releases", map[string]string{"status": status, "emergency": "true", "cursor": cursor, "limit": num(limit)}, &out)
}

// WaitingReleases are the requests on which the operator's word is asked for.
func (c *Client) WaitingReleases(ctx context.Context, limit int) (wire.Waiting, error) {
	var out wire.Waiting
	return out, c.get(ctx, "/api/v1/releases/waiting", map[string]string{"limit": num(limit)}, &out)
}

// Second stands by a bulk request of the own member.
func (c *Client) Second(ctx context.Context, id exchange.ReleaseID, note string) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/second", wire.Judge{Note: note}, &out)
}

// Justify says why it was an emergency.
func (c *Client) Justify(ctx context.Context, id exchange.ReleaseID, text string) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/justify", wire.Justify{Text: text}, &out)
}

// PresentConsent brings the subject's consent to a pending release.
func (c *Client) PresentConsent(ctx context.Context, id exchange.ReleaseID, consent string) (wire.Release, error) {
	var out wire.Release
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/consent", wire.PresentConsent{Consent: consent}, &out)
}

// SignConsent has a consent signed that a subject gave.
func (c *Client) SignConsent(ctx context.Context, in wire.AskConsent) (wire.Consent, error) {
	var out wire.Consent
	return out, c.call(ctx, http.MethodPost, "/api/v1/consents", in, &out)
}

// WithdrawConsent takes one back.
func (c *Client) WithdrawConsent(ctx context.Context, id, note string) (wire.ConsentWithdrawn, error) {
	var out wire.ConsentWithdrawn
	return out, c.call(ctx, http.MethodPost, "/api/v1/consents/"+seg(id)+"/withdraw", wire.WithdrawConsent{Note: note}, &out)
}

// Trace finds the releases that something leaked can have come from.
func (c *Client) Trace(ctx context.Context, text string) (wire.Trace, error) {
	var out wire.Trace
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/trace", wire.AskTrace{Text: text}, &out)
}
