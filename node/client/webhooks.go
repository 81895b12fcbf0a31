package client

import (
	"context"
	"net/http"

	"accord/node/wire"
)

// Webhooks are the node's endpoints.
func (c *Client) Webhooks(ctx context.Context) (wire.Webhooks, error) {
	var out wire.Webhooks
	return out, c.get(ctx, "/api/v1/webhooks", nil, &out)
}

// AddWebhook makes an endpoint; the key it verifies with is given once.
func (c *Client) AddWebhook(ctx context.Context, in wire.AddWebhook) (wire.WebhookKey, error) {
	var out wire.WebhookKey
	return out, c.call(ctx, http.MethodPost, "/api/v1/webhooks", in, &out)
}

// RotateWebhook gives an endpoint a new key.
func (c *Client) RotateWebhook(ctx context.Context, name string) (wire.WebhookKey, error) {
	var out wire.WebhookKey
	return out, c.call(ctx, http.MethodPost, "/api/v1/webhooks/"+seg(name)+"/rotate", struct{}{}, &out)
}

// TestWebhook sends an endpoint a test message.
func (c *Client) TestWebhook(ctx context.Context, name string) error {
	var out struct{}
	return c.call(ctx, http.MethodPost, "/api/v1/webhooks/"+seg(name)+"/test", struct{}{}, &out)
}

// ReplayWebhook sends changes again from a number on, and enables the endpoint.
func (c *Client) ReplayWebhook(ctx context.Context, name string, in wire.ReplayWebhook) (wire.Webhook, error) {
	var out wire.Webhook
	return out, c.call(ctx, http.MethodPost, "/api/v1/webhooks/"+seg(name)+"/replay", in, &out)
}

// DisableWebhook stops an endpoint.
func (c *Client) DisableWebhook(ctx context.Context, name string) (wire.Webhook, error) {
	var out wire.Webhook
	return out, c.call(ctx, http.MethodPost, "/api/v1/webhooks/"+seg(name)+"/disable", struct{}{}, &out)
}

// RemoveWebhook forgets an endpoint.
func (c *Client) RemoveWebhook(ctx context.Context, name string) error {
	var out struct{}
	return c.call(ctx, http.MethodPost, "/api/v1/webhooks/"+seg(name)+"/remove", struct{}{}, &out)
}
