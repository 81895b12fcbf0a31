package client

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/wire"
)

// Submit puts one statement on the ledger that was signed elsewhere: a compact
// JWS of type command. A refusal by the ledger is a result with its Error set;
// an error means that the statement did not reach the ledger, or that nobody
// knows (KindUnknownOutcome): then submit the same bytes again.
func (c *Client) Submit(ctx context.Context, statement []byte) (exchange.Result, error) {
	resp, err := c.send(ctx, http.MethodPost, "/api/v1/ledger/statements", "application/jose", bytes.NewReader(statement))
	if err != nil {
		return exchange.Result{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, exchange.MaxResult+1))
	if err != nil {
		return exchange.Result{}, c.failed(ctx, http.MethodPost, err)
	}
	res, err := exchange.DecodeResult(raw)
	if err != nil {
		return exchange.Result{}, ErrAnswer.Wrap(err, "where", c.where)
	}
	return res, nil
}

// Submission is a stream of statements to one node, each answered before the
// next is sent. It is for one goroutine; open several to have several under
// way.
type Submission struct {
	c       *Client
	ctx     context.Context
	cancel  context.CancelFunc
	in      *io.PipeWriter
	answers *bufio.Scanner
	body    io.Closer
	line    []byte
}

// Submitting opens a stream of statements; it ends with ctx or with Close.
func (c *Client) Submitting(ctx context.Context) (*Submission, error) {
	ctx, cancel := context.WithCancel(ctx)
	reader, writer := io.Pipe()
	resp, err := c.endless().send(ctx, http.MethodPost, "/api/v1/ledger/statements", "application/jose-lines", reader)
	if err != nil {
		cancel()
		return nil, err
	}
	answers := bufio.NewScanner(resp.Body)
	answers.Buffer(make([]byte, 4<<10), 2*exchange.MaxResult)
	return &Submission{c: c, ctx: ctx, cancel: cancel, in: writer, answers: answers, body: resp.Body}, nil
}

// Submit sends one statement and waits for the ledger's word on it; errors are
// those of [Client.Submit]. After an error of the way to the node the stream is
// of no more use.
func (s *Submission) Submit(statement []byte) (exchange.Result, error) {
	answer, err := s.exchange(statement)
	if err != nil {
		return exchange.Result{}, err
	}
	var out wire.Submitted
	switch err := strictjson.UnmarshalLoose(answer, &out); {
	case err != nil || (out.Result == nil) == (out.Problem == nil):
		return exchange.Result{}, ErrAnswer.Wrap(err, "where", s.c.where)
	case out.Problem != nil:
		return exchange.Result{}, s.c.refusal(*out.Problem)
	}
	return *out.Result, nil
}

// exchange sends one line and gives the line that answers it.
func (s *Submission) exchange(statement []byte) ([]byte, error) {
	s.line = append(append(s.line[:0], statement...), '\n')
	if _, err := s.in.Write(s.line); err != nil {
		return nil, s.c.failed(s.ctx, http.MethodPost, err)
	}
	if !s.answers.Scan() {
		err := s.answers.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return nil, s.c.failed(s.ctx, http.MethodPost, err)
	}
	return s.answers.Bytes(), nil
}

// Close ends the stream. What was answered stays answered.
func (s *Submission) Close() error {
	s.in.Close()
	for s.answers.Scan() { // the node's last word, so that the connection serves again
	}
	s.cancel()
	return s.body.Close()
}

// endless is the same client without a time limit on whole requests.
func (c *Client) endless() *Client {
	other, hc := *c, *c.http
	hc.Timeout = 0
	other.http = &hc
	return &other
}
