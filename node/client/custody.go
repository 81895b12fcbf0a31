package client

import (
	"context"
	"encoding/base64"
	"net/http"

	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/custody"
	"accord/node/wire"
)

// TakeDeposits hands a custodian its parts of the caller's records.
func (c *Client) TakeDeposits(ctx context.Context, all []agency.Deposit) ([]agency.Deposited, error) {
	in := wire.CustodyDeposits{Deposits: make([]wire.CustodyDeposit, len(all))}
	for i, d := range all {
		boxes := make([]string, len(d.Boxes))
		for j, b := range d.Boxes {
			boxes[j] = base64.RawURLEncoding.EncodeToString(b)
		}
		in.Deposits[i] = wire.CustodyDeposit{Statement: d.Statement, Share: d.Share, Boxes: boxes}
	}
	return c.receipts(ctx, "/api/v1/custody/deposits", in)
}

// Retire has a custodian destroy old parts of the caller's records.
func (c *Client) Retire(ctx context.Context, all []custody.Named) ([]agency.Deposited, error) {
	in := wire.RetireCustody{Generations: make([]wire.CustodyNamed, len(all))}
	for i, n := range all {
		in.Generations[i] = wire.CustodyNamed(n)
	}
	return c.receipts(ctx, "/api/v1/custody/retire", in)
}

func (c *Client) receipts(ctx context.Context, path string, in any) ([]agency.Deposited, error) {
	var got wire.CustodyReceipts
	if err := c.call(ctx, http.MethodPost, path, in, &got); err != nil {
		return nil, err
	}
	out := make([]agency.Deposited, len(got.Receipts))
	for i, r := range got.Receipts {
		out[i] = agency.Deposited(r)
	}
	return out, nil
}

// AnswerCustody asks a custodian for its answer under a granted release.
func (c *Client) AnswerCustody(ctx context.Context, id exchange.ReleaseID, generation int) (wire.Delivery, error) {
	var out wire.Delivery
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/custody", wire.AskCustodian{Generation: generation}, &out)
}

// OpenByCustodians is Open without asking the author.
func (c *Client) OpenByCustodians(ctx context.Context, id exchange.ReleaseID) (wire.Opened, error) {
	var out wire.Opened
	return out, c.call(ctx, http.MethodPost, "/api/v1/releases/"+seg(string(id))+"/open", wire.OpenRelease{Custodians: true}, &out)
}

// Custody is how the custody of the node's records stands.
func (c *Client) Custody(ctx context.Context) (wire.CustodyStatus, error) {
	var out wire.CustodyStatus
	return out, c.get(ctx, "/api/v1/custody", nil, &out)
}

// RecordCustody is the custody of one record; an empty author is the node's member.
func (c *Client) RecordCustody(ctx context.Context, id exchange.RecordID, author exchange.MemberID) (wire.RecordCustody, error) {
	var out wire.RecordCustody
	return out, c.get(ctx, "/api/v1/custody/"+seg(string(id)), map[string]string{"author": string(author)}, &out)
}
