package transport

import (
	"bufio"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// pipeline keeps up to pipelineInFlight AppendEntries on one stream.
type pipeline struct {
	t        *Transport
	id       string
	conn     Conn
	r        *bufio.Reader
	sent     chan *appendFuture
	done     chan raft.AppendFuture
	closed   chan struct{}
	shutdown sync.Once
}

// AppendEntriesPipeline opens a stream of its own to the peer.
func (t *Transport) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	ctx, cancel := context.WithTimeout(t.ctx, t.cfg.Timeout)
	defer cancel()
	conn, err := t.cfg.Network.Dial(ctx, string(id), string(target))
	if err != nil {
		return nil, fmt.Errorf("transport: dial %q: %w", id, err)
	}
	if !t.track(conn) {
		return nil, ErrClosed
	}
	p := &pipeline{t: t, id: string(id), conn: conn, r: bufio.NewReader(conn), closed: make(chan struct{}),
		sent: make(chan *appendFuture, pipelineInFlight-2), done: make(chan raft.AppendFuture, pipelineInFlight-2)}
	t.tasks.Go(p.receive)
	return p, nil
}

// AppendEntries sends one request; it blocks while too many are under way.
func (p *pipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if p.t.silent() {
		return nil, errSilent
	}
	if err := trim(args, p.t.cfg.Fill); err != nil {
		return nil, err
	}
	proofs, err := p.t.proofs(args)
	if err != nil {
		return nil, err
	}
	_, body, err := EncodeRequest(args, proofs)
	if err != nil {
		return nil, err
	}
	f := &appendFuture{start: time.Now(), args: args, resp: resp, ready: make(chan struct{})}
	f.limit = allowance(p.t.cfg.Timeout, int64(len(body)))
	_ = p.conn.SetWriteDeadline(f.start.Add(f.limit))
	if err := writeFrame(p.conn, byte(KindAppendEntries), body); err != nil {
		return nil, fmt.Errorf("transport: send append-entries: %w", err)
	}
	select {
	case p.sent <- f:
		return f, nil
	case <-p.closed:
		return nil, raft.ErrPipelineShutdown
	}
}

// Consumer gives the requests in the order sent, each answered or failed.
func (p *pipeline) Consumer() <-chan raft.AppendFuture { return p.done }

// Close ends the stream; what is under way is lost, which raft takes as unknown.
func (p *pipeline) Close() error {
	p.shutdown.Do(func() {
		close(p.closed)
		p.t.release(p.conn)
	})
	return nil
}

// receive hands on the answers. After one that is no success raft takes no more,
// but may be about to send: unless the pipeline closes then, the sender waits
// for the receiver and the receiver for raft, for ever. (Raft's own pipeline has
// that gap; the simulation found it here.)
func (p *pipeline) receive() {
	for {
		select {
		case <-p.closed:
			return
		case <-p.t.ctx.Done():
			_ = p.Close()
			return
		case f := <-p.sent:
			_ = p.conn.SetReadDeadline(time.Now().Add(f.limit))
			answer, err := readAnswer(p.r, maxAnswer)
			if err == nil {
				err = p.t.accepted(p.id, KindAppendEntries, f.args, answer, f.resp)
			} else {
				err = p.t.failed(err)
			}
			if err != nil {
				*f.resp = raft.AppendEntriesResponse{} // not a success, and no term
			}
			f.err = err
			close(f.ready)
			select {
			case p.done <- f:
			case <-p.closed:
				return
			case <-p.t.ctx.Done():
				_ = p.Close()
				return
			}
			if !f.resp.Success || f.resp.Term > f.args.Term {
				_ = p.Close()
				return
			}
		}
	}
}

// appendFuture is one request on a pipeline.
type appendFuture struct {
	start time.Time
	limit time.Duration
	args  *raft.AppendEntriesRequest
	resp  *raft.AppendEntriesResponse
	err   error
	ready chan struct{}
}

// Error waits for the answer.
func (f *appendFuture) Error() error {
	<-f.ready
	return f.err
}

// Start is when the request was sent.
func (f *appendFuture) Start() time.Time { return f.start }

// Request is what was sent.
func (f *appendFuture) Request() *raft.AppendEntriesRequest { return f.args }

// Response is the answer, valid after Error.
func (f *appendFuture) Response() *raft.AppendEntriesResponse { return f.resp }
