package client

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"accord/exchange"
	"accord/node/wire"
)

// ComplainRelease takes a subject's complaint about a release of its record.
func (c *Client) ComplainRelease(ctx context.Context, in wire.ComplainRelease) (wire.Petition, error) {
	var out wire.Petition
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/complaints", in, &out)
}

// ApplyDisclosure takes a subject's application for sealed fields of its record.
func (c *Client) ApplyDisclosure(ctx context.Context, in wire.ApplyDisclosure) (wire.Petition, error) {
	var out wire.Petition
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/applications", in, &out)
}

// ObjectTo takes a subject's objection against an entry or a record.
func (c *Client) ObjectTo(ctx context.Context, in wire.ObjectTo) (wire.Petition, error) {
	var out wire.Petition
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/objections", in, &out)
}

// Petitions lists complaints, applications and objections; kind and status narrow it, "" for all.
func (c *Client) Petitions(ctx context.Context, kind, status string) (wire.Petitions, error) {
	var out wire.Petitions
	return out, c.get(ctx, "/api/v1/subject/petitions", map[string]string{"kind": kind, "status": status}, &out)
}

// Petition is one with its texts, as far as they are the member's to read.
func (c *Client) Petition(ctx context.Context, id exchange.CommandID) (wire.Petition, error) {
	var out wire.Petition
	return out, c.get(ctx, "/api/v1/subject/petitions/"+seg(string(id)), nil, &out)
}

// PetitionTexts are the texts another member wrote, for the one they concern.
func (c *Client) PetitionTexts(ctx context.Context, id exchange.CommandID) (wire.PetitionTexts, error) {
	var out wire.PetitionTexts
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/petitions/"+seg(string(id))+"/texts", struct{}{}, &out)
}

// AnswerComplaint answers a complaint about the member, or an objection that it decides.
func (c *Client) AnswerComplaint(ctx context.Context, id exchange.CommandID, in wire.AnswerPetition) (wire.Petition, error) {
	var out wire.Petition
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/petitions/"+seg(string(id))+"/answer", in, &out)
}

// RefuseApplication refuses an application, with reasons.
func (c *Client) RefuseApplication(ctx context.Context, id exchange.CommandID, in wire.AnswerPetition) (wire.Petition, error) {
	var out wire.Petition
	return out, c.call(ctx, http.MethodPost, "/api/v1/subject/petitions/"+seg(string(id))+"/refuse", in, &out)
}

// ReleaseApplication answers an application by a presentation for the subject: the
// evidence file to hand out.
func (c *Client) ReleaseApplication(ctx context.Context, id exchange.CommandID) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/subject/petitions/"+seg(string(id))+"/release", "application/json", bytes.NewReader([]byte("{}")))
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
