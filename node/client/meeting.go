package client

import (
	"context"
	"net/http"

	"accord/exchange"
	"accord/node/wire"
)

const proposalsPath = "/api/v1/proposals"

// Proposals are the matters before the joint meeting, newest first.
func (c *Client) Proposals(ctx context.Context, status string) (wire.Proposals, error) {
	var out wire.Proposals
	return out, c.get(ctx, proposalsPath, map[string]string{"status": status}, &out)
}

// Proposal is one of them, with its document and what that changes.
func (c *Client) Proposal(ctx context.Context, id exchange.CommandID) (wire.Proposal, error) {
	var out wire.Proposal
	return out, c.get(ctx, proposalsPath+"/"+seg(string(id)), nil, &out)
}

// Propose puts a matter before the joint meeting.
func (c *Client) Propose(ctx context.Context, in wire.Propose) (wire.Proposal, error) {
	var out wire.Proposal
	return out, c.call(ctx, http.MethodPost, proposalsPath, in, &out)
}

// CastVote casts this member's vote.
func (c *Client) CastVote(ctx context.Context, id exchange.CommandID, in wire.CastVote) (wire.Proposal, error) {
	var out wire.Proposal
	return out, c.call(ctx, http.MethodPost, proposalsPath+"/"+seg(string(id))+"/vote", in, &out)
}

// WithdrawProposal takes an own proposal back.
func (c *Client) WithdrawProposal(ctx context.Context, id exchange.CommandID, reason string) (wire.Proposal, error) {
	var out wire.Proposal
	return out, c.call(ctx, http.MethodPost, proposalsPath+"/"+seg(string(id))+"/withdraw", wire.WithdrawProposal{Reason: reason}, &out)
}

// Minutes is the evidence file with this member's signed minutes of a proposal.
func (c *Client) Minutes(ctx context.Context, id exchange.CommandID) ([]byte, error) {
	return c.Raw(ctx, proposalsPath+"/"+seg(string(id))+"/minutes")
}
