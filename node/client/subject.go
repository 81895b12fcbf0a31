package client

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"accord/crypto/strictjson"
	"accord/node/wire"
)

// SubjectLog is who looked at a subject's records, or tried to.
func (c *Client) SubjectLog(ctx context.Context, in wire.AskSubject) (wire.SubjectLog, error) {
	var out wire.SubjectLog
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/log", in, &out)
}

// SubjectRecords is what the node holds on a subject, for the subject.
func (c *Client) SubjectRecords(ctx context.Context, in wire.AskSubject) (wire.SubjectRecords, error) {
	var out wire.SubjectRecords
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/records", in, &out)
}

// SubjectProof is the evidence file of the accesses of the subject's records: all of
// them, as a quorum of members vouches.
func (c *Client) SubjectProof(ctx context.Context, in wire.AskSubject) ([]byte, error) {
	raw, err := strictjson.Marshal(in)
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/subject/proof", "application/json", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	file, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.failed(ctx, http.MethodPost, err)
	}
	return file, nil
}
