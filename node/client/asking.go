package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/records"
	"accord/node/wire"
)

// PublicQuery says which of the records that the public is shown are meant.
type PublicQuery struct {
	Subject, Category, Author string
	Cursor                    string
	Limit                     int
}

// PublicRecords is a page of what the public is shown of the records the node holds.
func (c *Client) PublicRecords(ctx context.Context, q PublicQuery) (out wire.PublicRecords, err error) {
	query := map[string]string{"subject": q.Subject, "category": q.Category, "author": q.Author, "cursor": q.Cursor, "limit": num(q.Limit)}
	return out, c.get(ctx, "/api/v1/records/public", query, &out)
}

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

// FindEntries answers a question about the entries of all lists, like Find. Linear
// waits for everything committed by now.
func (c *Client) FindEntries(ctx context.Context, pairs url.Values, cursor string, limit int, linear bool) (wire.Entries, error) {
	query := c.reading(map[string]string{"cursor": cursor, "limit": num(limit)}, linear)
	for key, v := range pairs {
		query[key] = v[0]
	}
	var out wire.Entries
	return out, c.get(ctx, "/api/v1/entries", query, &out)
}

// Quality is the report on quality; the keys of query are source, member, category,
// from, to and within.
func (c *Client) Quality(ctx context.Context, query map[string]string) (wire.Quality, error) {
	var out wire.Quality
	return out, c.get(ctx, "/api/v1/records/quality", query, &out)
}

// EntryAt is one list entry as it stood at a time, by what was known at one; empty
// times are now.
func (c *Client) EntryAt(ctx context.Context, id exchange.EntryID, asOf, knownAt string) (wire.Entry, error) {
	var out wire.Entry
	return out, c.get(ctx, "/api/v1/entries/"+seg(string(id)), c.reading(map[string]string{"as-of": asOf, "known-at": knownAt}, false), &out)
}

// IssueReport is a new credit report, as one evidence file.
func (c *Client) IssueReport(ctx context.Context, in wire.AskReport) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/reports", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	file, err := io.ReadAll(io.LimitReader(resp.Body, bundle.MaxFile+1))
	if err != nil {
		return nil, c.failed(ctx, http.MethodPost, err)
	}
	return file, nil
}

// ReportLog is every report the node has issued on a subject.
func (c *Client) ReportLog(ctx context.Context, subject string) (wire.ReportLog, error) {
	var out wire.ReportLog
	return out, c.get(ctx, "/api/v1/reports", map[string]string{"subject": subject}, &out)
}

// Coverage is how many subjects the node holds records of, by kind and area.
func (c *Client) Coverage(ctx context.Context) (wire.Coverage, error) {
	var out wire.Coverage
	return out, c.get(ctx, "/api/v1/coverage", nil, &out)
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

// CreditAnswer is the node's signed answer about a subject by itself, as a compact
// JWS: its own word, without the proofs that CreditCheck brings.
func (c *Client) CreditAnswer(ctx context.Context, subject string) (string, error) {
	token, err := c.Raw(ctx, "/api/v1/check?form=jws&subject="+url.QueryEscape(subject))
	return string(token), err
}
