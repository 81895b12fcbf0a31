package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"sync"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/node/audit"
	"accord/node/wire"
)

// The errors of submitting signed statements.
var (
	ErrStatement = exchange.Define(exchange.KindInvalid, "API-030",
		exchange.Text{Zh: "请求内容不是已签名的声明", En: "the request body is no signed statement"},
		exchange.Text{Zh: "一条声明用 application/jose；每行一条用 application/jose-lines", En: "send one statement as application/jose, or one a line as application/jose-lines"})
	ErrStreams = exchange.Define(exchange.KindUnavailable, "API-031",
		exchange.Text{Zh: "该调用方提交声明的并发流已达上限 {max}", En: "this caller has {max} streams of statements open already"},
		exchange.Text{Zh: "关闭一些流，或在一条声明里放入更多条目", En: "close some of them, or put more entries into one statement"})
)

const (
	mediaStatement  = "application/jose"
	mediaStatements = "application/jose-lines"
)

// What one caller may take. Operators are trusted not to drown their own node;
// a member uses another's node while its own is down, and must leave the
// others room.
const (
	maxStreams       = 1024 // of operators
	maxMemberStreams = 64
	memberRate       = 1000 // statements of up to 1 KiB a second, longer ones count by size
	memberBurst      = 2000
)

// How long a stream may rest between two statements, and a line of answer take
// to be read.
const (
	streamIdle     = 2 * time.Minute
	streamPatience = 30 * time.Second
)

// streaming are the routes whose bodies have no end of their own: they are
// bounded line by line, in size, time and rate.
var streaming = map[string]bool{"POST /api/v1/ledger/statements": true}

// submit puts statements on the ledger that were signed elsewhere. A statement
// proves by itself who says it, so it does not matter who brings it: a member
// whose node is down, or whose leader does not hear it, goes through any other.
func (s *Server) submit(w http.ResponseWriter, r *http.Request) error {
	if _, err := queryOf(r); err != nil {
		return err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaStatement && media != mediaStatements {
		return ErrStatement.With()
	}
	allowance, err := s.submitters.enter(callerOf(r))
	if err != nil {
		return err
	}
	defer s.submitters.leave(callerOf(r))
	if media == mediaStatement {
		return s.submitOne(w, r, allowance)
	}
	return s.submitLines(w, r, allowance)
}

// submitOne answers one statement with the ledger's word on it.
func (s *Server) submitOne(w http.ResponseWriter, r *http.Request, allowance *allowance) error {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, exchange.MaxCommand+2))
	if err != nil {
		return bodyError(err)
	}
	var result []byte
	err = s.act(r, audit.Event{Act: "statement.submit", Count: 1}, func(*audit.Event) (err error) {
		result, err = s.propose(r.Context(), allowance, bytes.TrimRight(text, "\r\n"))
		return err
	})
	if err != nil {
		return err
	}
	setIndex(w, s.view())
	return raw(w, "application/json", result)
}

// submitLines answers line by line: the next statement is proposed when the one
// before it was answered, so a stream's order is the ledger's. What is wrong
// with one line ends nothing but that line.
func (s *Server) submitLines(w http.ResponseWriter, r *http.Request, allowance *allowance) error {
	out := &lineStream{w: w, conn: http.NewResponseController(w)}
	err := s.act(r, audit.Event{Act: "statement.submit"}, func(e *audit.Event) error {
		if err := out.begin(); err != nil {
			return err
		}
		lines := bufio.NewScanner(r.Body)
		lines.Buffer(make([]byte, 4<<10), exchange.MaxCommand+2)
		for out.awaitLine(); lines.Scan(); out.awaitLine() {
			result, err := s.propose(r.Context(), allowance, bytes.Clone(lines.Bytes()))
			if err != nil {
				err = out.problem(s.problemOf(r, err))
			} else {
				err = out.result(result)
			}
			if err != nil {
				return err
			}
			e.Count++
		}
		return lineError(lines.Err())
	})
	if err != nil && out.begun {
		_ = out.problem(s.problemOf(r, err)) // the reader may be gone; err says why
	}
	return err
}

// lineError tells a line that is too long from a body that broke off.
func lineError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bufio.ErrTooLong):
		return exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	return ErrEnded.Wrap(err)
}

// propose brings one statement to the ledger, within the caller's allowance and
// the time limit of a request. What the ledger's machine has against the form
// of a statement is told, since the sender wrote it.
func (s *Server) propose(ctx context.Context, allowance *allowance, statement []byte) ([]byte, error) {
	if len(statement) == 0 || len(statement) > exchange.MaxCommand {
		return nil, exchange.ErrCommandSize.With("max", exchange.MaxCommand)
	}
	if err := allowance.take(ctx, len(statement)); err != nil {
		return nil, ended(err)
	}
	if s.Config.RequestTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Config.RequestTimeout)
		defer cancel()
	}
	result, err := s.Agency.Proposer.Propose(ctx, statement)
	if err == nil {
		return result, nil
	}
	var outer, inner *exchange.Error
	if errors.As(err, &outer) && outer.Kind == exchange.KindInvalid && errors.As(outer.Cause, &inner) && inner.Kind != exchange.KindInternal {
		return nil, inner
	}
	return nil, ended(err)
}

func (s *Server) problemOf(r *http.Request, err error) wire.Problem {
	e := exchange.AsError(err)
	s.Metrics.Refused(e.Code)
	return ProblemOf(e, langOf(r))
}

// lineStream writes answers, one a line, each at once.
type lineStream struct {
	w     http.ResponseWriter
	conn  *http.ResponseController
	begun bool
	line  []byte
}

// begin sends the header, so that a client knows it may send.
func (o *lineStream) begin() error {
	o.begun = true
	o.w.Header().Set("Content-Type", "application/x-ndjson")
	o.w.WriteHeader(http.StatusOK)
	_ = o.conn.Flush() // a writer that cannot flush delivers later
	return nil
}

// awaitLine gives the client time for the next line.
func (o *lineStream) awaitLine() { _ = o.conn.SetReadDeadline(time.Now().Add(streamIdle)) }

func (o *lineStream) result(result []byte) error {
	o.line = append(append(append(o.line[:0], `{"result":`...), result...), "}\n"...)
	return o.send()
}

func (o *lineStream) problem(p wire.Problem) error {
	text, err := strictjson.Marshal(wire.Submitted{Problem: &p})
	if err != nil {
		return err
	}
	o.line = append(append(o.line[:0], text...), '\n')
	return o.send()
}

func (o *lineStream) send() error {
	_ = o.conn.SetWriteDeadline(time.Now().Add(streamPatience)) // where there is none to set, none will strike
	if _, err := o.w.Write(o.line); err != nil {
		return ErrEnded.Wrap(err)
	}
	_ = o.conn.Flush()
	return nil
}

// submitters knows who submits and what of its share each member has used.
type submitters struct {
	mu      sync.Mutex
	streams map[exchange.MemberID]int        // guarded by mu; operators count together, under ""
	members map[exchange.MemberID]*allowance // guarded by mu
}

// enter counts a stream in; leave must follow.
func (s *submitters) enter(c Caller) (*allowance, error) {
	most := maxMemberStreams
	if c.Local {
		most = maxStreams
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams == nil {
		s.streams, s.members = map[exchange.MemberID]int{}, map[exchange.MemberID]*allowance{}
	}
	if s.streams[c.Member] >= most {
		return nil, ErrStreams.With("max", most)
	}
	s.streams[c.Member]++
	if c.Local {
		return nil, nil
	}
	a := s.members[c.Member]
	if a == nil {
		a = &allowance{tokens: memberBurst, at: time.Now()}
		s.members[c.Member] = a
	}
	return a, nil
}

func (s *submitters) leave(c Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams[c.Member]--
}

// allowance is a member's share of this node's work, a bucket of tokens over
// all its streams. A nil one has no bound.
type allowance struct {
	mu     sync.Mutex
	tokens float64   // guarded by mu; below zero: owed
	at     time.Time // guarded by mu
}

// take waits until a statement of this many bytes is within the share.
func (a *allowance) take(ctx context.Context, bytes int) error {
	if a == nil {
		return nil
	}
	wait := a.owe(float64(1+bytes>>10), time.Now())
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// owe takes tokens and says how long it takes until they are there.
func (a *allowance) owe(n float64, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = min(memberBurst, a.tokens+now.Sub(a.at).Seconds()*memberRate) - n
	a.at = now
	return time.Duration(-a.tokens / memberRate * float64(time.Second))
}
