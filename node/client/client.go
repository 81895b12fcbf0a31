// Package client is the typed Go client of API v1. The command line, the peers
// and the tests use only this, so what it can do is what the API can do.
//
// A client speaks either over a node's local socket, as a named operator, or
// over TLS 1.3 to an address whose key the caller pins.
package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/wire"
)

// maxAnswer caps what a client reads of one answer: 64 MiB.
const maxAnswer = 64 << 20

// The errors of reaching a node.
var (
	ErrUnreachable = exchange.Define(exchange.KindUnavailable, "NET-001",
		exchange.Text{Zh: "无法连接节点 {where}", En: "the node at {where} cannot be reached"},
		exchange.Text{Zh: "确认节点已运行（accord node run），地址或 --dir 是否正确", En: "is the node running (accord node run), and is the address or --dir right?"})
	ErrAnswer = exchange.Define(exchange.KindUnverified, "NET-002",
		exchange.Text{Zh: "节点 {where} 的应答无法识别", En: "the answer of the node at {where} is not understood"},
		exchange.Text{Zh: "双方版本是否一致？", En: "do both sides run the same version?"})
)

// ErrLost is given when a request that may change something went out and no
// answer came back.
var ErrLost = exchange.Define(exchange.KindUnknownOutcome, "NET-004",
	exchange.Text{Zh: "节点 {where} 的答复没有收到；操作可能已经生效", En: "the answer of the node at {where} was lost; it may have acted"},
	exchange.Text{Zh: "先查询是否已生效，再决定是否重做", En: "look whether it was done before doing it again"})

// Client calls one node. It is safe for concurrent use.
type Client struct {
	http     *http.Client
	base     string
	where    string
	operator exchange.OperatorID
	lang     exchange.Lang
	stale    func(index, at string) // nil: no stale reads
	again    bool                   // what is asked may be asked twice
}

// Local is a client of the node whose socket is at path, acting as operator.
func Local(socket string, operator exchange.OperatorID, lang exchange.Lang) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	tr := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableCompression: true,
	}
	return New(&http.Client{Transport: tr}, socket, operator, lang)
}

// New is a client over hc, whose every request reaches one node however its
// URL is written; where names that node in errors.
func New(hc *http.Client, where string, operator exchange.OperatorID, lang exchange.Lang) *Client {
	return &Client{http: hc, base: "http://node", where: where, operator: operator, lang: lang}
}

// Remote is a client over a ready transport (pinned TLS) to address. What nodes ask one
// another can be asked twice: where tr keeps connections, and the other end closed one
// just then, the request goes out again on a new one.
func Remote(address string, tr http.RoundTripper, lang exchange.Lang) *Client {
	c := Public("https://"+address, tr, lang)
	c.where = address
	return c
}

// Public is a client of somebody else's node for what anybody may ask, at a base such as
// https://host:port. What it is told proves itself, or is worth what the node's word is.
func Public(base string, tr http.RoundTripper, lang exchange.Lang) *Client {
	return &Client{http: &http.Client{Transport: tr, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		base: base, where: base, lang: lang, again: true}
}

// As is the same client acting as another operator.
func (c *Client) As(op exchange.OperatorID) *Client {
	other := *c
	other.operator = op
	return &other
}

// Stale is the same client whose reads of the ledger a node that has just started
// answers, too, on its local socket: from the state it has, which may be old. tell
// hears of every such answer: the ledger's index and its time there.
func (c *Client) Stale(tell func(index, at string)) *Client {
	other := *c
	other.stale = tell
	return &other
}

// reading is the query with what the reader asks of the state read.
func (c *Client) reading(query map[string]string, linear bool) map[string]string {
	if linear {
		query["read"] = "linear"
	} else if c.stale != nil {
		query["read"] = "stale"
	}
	return query
}

// call sends in (when not nil) as JSON and reads the answer into out.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		raw, err := strictjson.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	resp, err := c.send(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return c.failed(ctx, method, err)
	}
	if out == nil {
		return nil
	}
	if err := strictjson.UnmarshalLoose(raw, out); err != nil {
		return ErrAnswer.Wrap(err, "where", c.where)
	}
	return nil
}

// send makes the request and turns problem documents into errors.
func (c *Client) send(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept-Language", string(c.lang))
	if c.again {
		req.Header["Idempotency-Key"] = []string{} // tells net/http only; it is not sent
	}
	if c.operator != "" {
		req.Header.Set(wire.HeaderOperator, string(c.operator))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.failed(ctx, method, err)
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, c.problem(resp)
	}
	if at := resp.Header.Get(wire.HeaderStale); at != "" && c.stale != nil {
		c.stale(resp.Header.Get(wire.HeaderIndex), at)
	}
	return resp, nil
}

// failed names what went wrong on the way: what already speaks the vocabulary
// is passed on, a caller that gave up hears of nothing else, and a request that
// may have arrived is not called undone.
func (c *Client) failed(ctx context.Context, method string, err error) error {
	var known *exchange.Error
	var dial *net.OpError
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("client: %w", ctx.Err())
	case method == http.MethodGet, errors.As(err, &dial) && dial.Op == "dial":
		return ErrUnreachable.Wrap(err, "where", c.where)
	}
	return ErrLost.Wrap(err, "where", c.where)
}

func (c *Client) problem(resp *http.Response) error {
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return ErrUnreachable.Wrap(err, "where", c.where)
	}
	var p wire.Problem
	if err := strictjson.UnmarshalLoose(raw, &p); err != nil {
		return ErrAnswer.Wrap(errors.New(resp.Status), "where", c.where)
	}
	return c.refusal(p)
}

// code is what an error's code looks like, and maxSaid how much of another
// program's words is passed on, in bytes.
var code = regexp.MustCompile(`^[A-Z]{2,16}-[0-9]{3}$`)

const maxSaid = 1000

// refusal is the error of a problem document. One that this program does not define
// keeps its code, its kind and its words: what to do next must not depend on which
// packages or which version the asking program is made of.
func (c *Client) refusal(p wire.Problem) error {
	if d := exchange.Lookup(p.Code); d != nil {
		return &exchange.Error{Code: p.Code, Kind: d.Kind, Args: p.Args, Field: p.Field}
	}
	kind, known := exchange.KindOf(p.Kind)
	if !known || !code.MatchString(p.Code) || len(p.Detail) > maxSaid || len(p.Next) > maxSaid {
		return ErrAnswer.Wrap(errors.New("a problem of unknown kind"), "where", c.where)
	}
	return exchange.Relayed(p.Code, kind, p.Detail, p.Next).At(p.Field)
}

// get reads path with the query's non-empty values.
func (c *Client) get(ctx context.Context, path string, query map[string]string, out any) error {
	q := url.Values{}
	for k, v := range query {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.call(ctx, http.MethodGet, path, nil, out)
}

// Raw reads a path as it is: a bundle, a checkpoint, a catalogue.
func (c *Client) Raw(ctx context.Context, path string) ([]byte, error) {
	resp, err := c.send(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, ErrUnreachable.Wrap(err, "where", c.where)
	}
	if len(raw) > maxAnswer {
		return nil, ErrAnswer.With("where", c.where)
	}
	return raw, nil
}

func seg(s string) string { return url.PathEscape(s) }

func num(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// events reads an NDJSON stream, calling each for every line.
func (c *Client) events(ctx context.Context, resp *http.Response, each func(json.RawMessage) error) error {
	defer resp.Body.Close()
	sc := bufio.NewScanner(resp.Body)
	sc.Buffer(make([]byte, 64<<10), maxAnswer)
	for sc.Scan() {
		if err := each(json.RawMessage(sc.Bytes())); err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return c.failed(ctx, resp.Request.Method, err)
	}
	return nil
}
