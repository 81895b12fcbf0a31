package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"accord/crypto/strictjson"
	"accord/node/wire"
)

// pump delivers to one endpoint.
type pump struct {
	w    *Webhooks
	stop context.CancelFunc
	wake chan struct{}

	mu   sync.Mutex
	e    endpoint // guarded by mu; as it lies on the disk
	turn int      // guarded by mu; counts what operators changed
	gone bool     // guarded by mu; removed
}

func newPump(w *Webhooks, e *endpoint) *pump {
	return &pump{w: w, e: *e, wake: make(chan struct{}, 1)}
}

func (p *pump) copy() endpoint {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.e
	e.Keys = slices.Clone(e.Keys)
	return e
}

// change changes the endpoint on an operator's word, durably.
func (p *pump) change(f func(*endpoint) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return ErrNone.With("name", p.e.Name)
	}
	e := p.e
	e.Keys = slices.Clone(e.Keys)
	if err := f(&e); err != nil {
		return err
	}
	if err := e.store(p.w.Dir); err != nil {
		return err
	}
	p.e = e
	p.turn++
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return nil
}

// note keeps what became of an attempt, unless an operator has changed the endpoint
// meanwhile: then the attempt never was.
func (p *pump) note(turn int, f func(*endpoint)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.turn != turn || p.gone {
		return nil
	}
	e := p.e
	f(&e)
	if err := e.store(p.w.Dir); err != nil {
		return err
	}
	p.e = e
	return nil
}

// run sends one change after the other until ctx ends. What cannot be made durable is
// sent again: a place is never passed before it is on the disk.
func (p *pump) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := p.round(ctx)
		if err != nil && ctx.Err() == nil {
			p.w.Log.Warn("a webhook endpoint is not served", "name", p.copy().Name, "error", err)
			p.rest(ctx, time.Now().Add(5*time.Second))
		}
	}
}

// rest waits until a time, or until an operator changes the endpoint; the zero time is
// for ever.
func (p *pump) rest(ctx context.Context, until time.Time) {
	var over <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(time.Until(until))
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ctx.Done():
	case <-p.wake:
	case <-over:
	}
}

// round fetches a page of changes and sends them.
func (p *pump) round(ctx context.Context) error {
	p.mu.Lock()
	turn := p.turn
	p.mu.Unlock()
	e := p.copy()
	switch now := p.w.Clock(); {
	case e.Disabled != 0:
		p.rest(ctx, time.Time{})
		return nil
	case !p.w.Ready():
		p.rest(ctx, time.Now().Add(time.Second))
		return nil
	case e.Retry > now.UnixMilli():
		p.rest(ctx, time.Now().Add(time.UnixMilli(e.Retry).Sub(now)))
		return nil
	}
	got, err := p.changes(ctx, e)
	if err != nil {
		return err
	}
	for _, c := range got.Changes {
		if c.Number != e.Next {
			return fmt.Errorf("change %d comes where %d should", c.Number, e.Next)
		}
		body, err := message(got, c)
		if err != nil {
			return err
		}
		retry, err := p.w.post(ctx, &e, messageID(got.Log, c.Number), body)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return p.failed(turn, err, retry)
		}
		if err := p.note(turn, func(e *endpoint) {
			e.Next, e.Sent, e.Failures, e.Retry, e.Why = c.Number+1, p.w.Clock().UnixMilli(), 0, 0, ""
		}); err != nil {
			return err
		}
		e.Next = c.Number + 1
		p.mu.Lock()
		changed := p.turn != turn
		p.mu.Unlock()
		if changed {
			return nil
		}
	}
	return nil
}

// changes waits for what comes next, or until an operator changes the endpoint.
func (p *pump) changes(ctx context.Context, e endpoint) (wire.Changes, error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.wake:
			cancel()
		case <-waiting.Done():
		}
	}()
	got, err := p.w.Changes(waiting, e.Feed, e.Next, page, waitChange)
	if waiting.Err() != nil {
		return wire.Changes{}, nil
	}
	return got, err
}

// message is a change as it is sent.
func message(page wire.Changes, c wire.Change) ([]byte, error) {
	kind := "ledger."
	if !strings.HasSuffix(page.Log, "/ledger") {
		kind = "feed."
	}
	m := wire.WebhookMessage{Type: kind + c.Kind, Timestamp: c.At}
	m.Data.Log, m.Data.Change, m.Data.Checkpoint = page.Log, c, page.Checkpoint
	return strictjson.Marshal(m)
}

// answered is an endpoint's answer that is not 2xx.
type answered int

func (a answered) Error() string { return "it answers " + strconv.Itoa(int(a)) }

// why is a failure in a word that may be shown: the address may hold a secret of the
// receiver's, and errors of the network quote it.
func why(err error) string {
	var a answered
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &a):
		return a.Error()
	case errors.Is(err, errInside):
		return errInside.Error()
	case errors.Is(err, errPlain):
		return errPlain.Error()
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer in time"
	}
	return "it cannot be reached"
}

// failed plans the next attempt, or gives up.
func (p *pump) failed(turn int, cause error, retry time.Duration) error {
	now := p.w.Clock()
	given := false
	err := p.note(turn, func(e *endpoint) {
		e.Why = why(cause)
		if e.Failures++; e.Failures > len(p.w.Schedule) || errors.Is(cause, answered(http.StatusGone)) {
			e.Disabled, e.Retry, given = now.UnixMilli(), 0, true
			return
		}
		delay := p.w.Schedule[e.Failures-1]
		delay += time.Duration((p.w.Jitter()*2 - 1) / 5 * float64(delay))
		e.Retry = now.Add(max(delay, min(retry, maxRetry))).UnixMilli()
	})
	e := p.copy()
	if given {
		p.w.Log.Error("a webhook endpoint is disabled", "name", e.Name, "next", e.Next, "why", e.Why)
	} else {
		p.w.Log.Warn("a webhook endpoint did not take a change", "name", e.Name, "next", e.Next, "failures", e.Failures, "why", e.Why)
	}
	return err
}

// post sends one message; retry is how long the endpoint asks to be left alone.
func (w *Webhooks) post(ctx context.Context, e *endpoint, id string, body []byte) (retry time.Duration, err error) {
	unix := w.Clock().Unix()
	signature, err := w.signature(e, id, unix, body)
	if err != nil {
		return 0, err
	}
	if strings.HasPrefix(e.URL, "http:") {
		ctx = context.WithValue(ctx, plainKey{}, true)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Accord/"+w.Version)
	r.Header["Webhook-Id"] = []string{id}
	r.Header["Webhook-Timestamp"] = []string{strconv.FormatInt(unix, 10)}
	r.Header["Webhook-Signature"] = []string{signature}
	resp, err := w.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return 0, nil
	}
	if s, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil {
		retry = time.Duration(s) * time.Second
	}
	return retry, answered(resp.StatusCode)
}
