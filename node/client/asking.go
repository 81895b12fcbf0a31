package client

import (
	"context"
	"net/url"
	"strconv"

	"accord/exchange/records"
	"accord/node/wire"
)

// Find answers a question from everything the node holds. pairs are the question as
// it was typed: the node reads them, and says which it does not know.
func (c *Client) Find(ctx context.Context, pairs url.Values, cursor string, limit int) (wire.Records, error) {
	query := url.Values{}
	for key, v := range pairs {
		query[key] = v
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	path := "/api/v1/records"
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	var out wire.Records
	return out, c.call(ctx, "GET", path, nil, &out)
}

// Ask is Find with a question that was read here.
func (c *Client) Ask(ctx context.Context, q records.Question, cursor string, limit int) (wire.Records, error) {
	return c.Find(ctx, q.Pairs(), cursor, limit)
}

// CreditCheck is the node's answer about a subject, as one evidence file. The
// subject is an id, or a unified social credit code.
func (c *Client) CreditCheck(ctx context.Context, subject string) ([]byte, error) {
	return c.Raw(ctx, "/api/v1/check?subject="+url.QueryEscape(subject))
}
