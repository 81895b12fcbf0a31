package client

import (
	"context"
	"encoding/base64"
	"net/http"
	"strconv"

	"accord/crypto/oprf"
	"accord/node/wire"
)

// Evaluate has a holder of the blinding key evaluate blinded elements. Whether it did
// so with its share the asker verifies.
func (c *Client) Evaluate(ctx context.Context, epoch, version int, blinded []oprf.Element) (oprf.Evaluation, error) {
	in := wire.AskBlinding{Epoch: epoch, Version: version}
	for _, e := range blinded {
		in.Elements = append(in.Elements, base64.RawURLEncoding.EncodeToString(e[:]))
	}
	var got wire.Blinding
	if err := c.call(ctx, http.MethodPost, "/peer/v1/oprf", in, &got); err != nil {
		return oprf.Evaluation{}, err
	}
	out, err := oprf.DecodeEvaluation(got.Elements, got.Proof)
	if err != nil || got.Epoch != epoch {
		return oprf.Evaluation{}, ErrAnswer.Wrap(err, "where", c.where)
	}
	return out, nil
}

// BlindingPart asks a holder of the blinding key for this member's part of a change of
// holders; it is encrypted to this member.
func (c *Client) BlindingPart(ctx context.Context, version int) (string, error) {
	var got wire.BlindingPart
	err := c.call(ctx, http.MethodPost, "/peer/v1/blinding", wire.AskBlindingPart{Version: version}, &got)
	return got.Part, err
}

// BlindingState is who holds the blinding key, and how that changes.
func (c *Client) BlindingState(ctx context.Context) (out wire.BlindingState, err error) {
	return out, c.call(ctx, http.MethodGet, "/api/v1/blinding", nil, &out)
}

// RefuseBlinding ends a change of holders that is under way.
func (c *Client) RefuseBlinding(ctx context.Context, version int) (out wire.BlindingState, err error) {
	return out, c.call(ctx, http.MethodPost, "/api/v1/blinding/"+strconv.Itoa(version)+"/refuse", struct{}{}, &out)
}
