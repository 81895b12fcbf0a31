// Package circloprf is the same function by Cloudflare's circl: what package oprf is held
// against, in its tests and in the bench.
package circloprf

import (
	"github.com/cloudflare/circl/group"
	circl "github.com/cloudflare/circl/oprf"
	"github.com/cloudflare/circl/zk/dleq"
)

// Server is circl's holder of a key.
type Server struct{ server circl.VerifiableServer }

// New reads a key's 32 bytes.
func New(raw []byte) (Server, error) {
	key := new(circl.PrivateKey)
	if err := key.UnmarshalBinary(circl.SuiteRistretto255, raw); err != nil {
		return Server{}, err
	}
	return Server{circl.NewVerifiableServer(circl.SuiteRistretto255, key)}, nil
}

// Output is the function's output for an input.
func (s Server) Output(input []byte) ([]byte, error) { return s.server.FullEvaluate(input) }

// Evaluation is what a holder makes of blinded elements, in bytes, and its proof.
type Evaluation struct {
	Elements [][]byte
	Proof    []byte
}

// Batch is decoded blinded elements.
type Batch struct{ elements []group.Element }

// Read decodes a batch.
func Read(blinded [][]byte) (Batch, error) {
	var b Batch
	for _, raw := range blinded {
		e := group.Ristretto255.NewElement()
		if err := e.UnmarshalBinary(raw); err != nil {
			return Batch{}, err
		}
		b.elements = append(b.elements, e)
	}
	return b, nil
}

// Evaluate multiplies and proves, and does nothing else: the bare evaluation.
func (s Server) Evaluate(b Batch) (*circl.Evaluation, error) {
	return s.server.Evaluate(&circl.EvaluationRequest{Elements: b.elements})
}

// EvaluateBytes is Evaluate in bytes.
func (s Server) EvaluateBytes(blinded [][]byte) (Evaluation, error) {
	b, err := Read(blinded)
	if err != nil {
		return Evaluation{}, err
	}
	done, err := s.Evaluate(b)
	if err != nil {
		return Evaluation{}, err
	}
	var out Evaluation
	for _, e := range done.Elements {
		raw, err := e.MarshalBinaryCompress()
		if err != nil {
			return Evaluation{}, err
		}
		out.Elements = append(out.Elements, raw)
	}
	out.Proof, err = done.Proof.MarshalBinary()
	return out, err
}

// Client is circl's asker, who believes one public key.
type Client struct {
	client circl.VerifiableClient
	fin    *circl.FinalizeData
}

// Ask blinds inputs for the holder of a key with these public bytes.
func Ask(public []byte, inputs [][]byte) (*Client, [][]byte, error) {
	key := new(circl.PublicKey)
	if err := key.UnmarshalBinary(circl.SuiteRistretto255, public); err != nil {
		return nil, nil, err
	}
	c := &Client{client: circl.NewVerifiableClient(circl.SuiteRistretto255, key)}
	fin, req, err := c.client.Blind(inputs)
	if err != nil {
		return nil, nil, err
	}
	c.fin = fin
	var blinded [][]byte
	for _, e := range req.Elements {
		raw, err := e.MarshalBinaryCompress()
		if err != nil {
			return nil, nil, err
		}
		blinded = append(blinded, raw)
	}
	return c, blinded, nil
}

// Finish judges an answer and gives the outputs.
func (c *Client) Finish(e Evaluation) ([][]byte, error) {
	b, err := Read(e.Elements)
	if err != nil {
		return nil, err
	}
	done := &circl.Evaluation{Elements: b.elements}
	done.Proof = new(dleq.Proof)
	if err := done.Proof.UnmarshalBinary(group.Ristretto255, e.Proof); err != nil {
		return nil, err
	}
	return c.client.Finalize(c.fin, done)
}
