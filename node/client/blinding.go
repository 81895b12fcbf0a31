package client

import (
	"context"
	"encoding/base64"
	"net/http"

	"accord/crypto/oprf"
	"accord/node/wire"
)

// Evaluate has a holder of the blinding key evaluate blinded elements. Whether it did
// so with its share the asker verifies.
func (c *Client) Evaluate(ctx context.Context, epoch int, blinded []oprf.Element) (oprf.Evaluation, error) {
	in := wire.AskBlinding{Epoch: epoch}
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
