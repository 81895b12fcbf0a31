package consensus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Result is what became of a proposal on this node.
type Result struct {
	Index uint64 // the log entry it is part of
	Value []byte // what the local machine answered
}

// proposal is one payload on its way into the log.
type proposal struct {
	payload []byte
	taken   atomic.Bool  // set by whoever puts it into a group, or by its owner who gives up
	verdict chan verdict // one verdict, never closed
}

// verdict says how far a proposal got. Only refused and rejected mean that
// nothing was proposed.
type verdict struct {
	outcome outcome
	index   uint64 // with committed
	text    string // with refused
}

type outcome uint8

const (
	committed outcome = iota + 1 // it is in the log at index
	rejected                     // not the leader, or it could not take it
	refused                      // the machine's Check refused it
	unknown                      // it may be in the log
)

func newProposal(payload []byte) *proposal {
	return &proposal{payload: payload, verdict: make(chan verdict, 1)}
}

// Propose puts a payload into the log, on whatever node, and returns when this
// node's machine has applied it, so that the caller reads its own write here.
// Identical bytes are one proposal: a caller may be answered by the entry another
// caller's identical payload is in. Whoever means two things makes them differ.
//
// Errors: [ErrTooLarge], [ErrRefused], [ErrDiskFull], [ErrUnfit], [ErrNoQuorum]
// and [ErrClosed] before anything was proposed; [ErrUnknownOutcome] otherwise.
// Without a leader it waits, at most four heartbeat timeouts, for one.
func (l *Log) Propose(ctx context.Context, payload []byte) (Result, error) {
	if len(payload) == 0 || len(payload) > l.cfg.MaxEntry {
		return Result{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(payload), l.cfg.MaxEntry)
	}
	if l.store.Room() != nil {
		return Result{}, ErrDiskFull
	}
	if err := l.cfg.unfit(); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrUnfit, err)
	}
	if refusal, err := l.checks.judge(ctx, l.stop, payload); err != nil {
		return Result{}, err
	} else if refusal != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrRefused, refusal)
	}
	w := l.fsm.expect(payload)
	defer l.fsm.forget(w)
	patience := time.NewTimer(4 * l.cfg.Heartbeat)
	defer patience.Stop()
	for {
		l.cfg.hit("propose.submit")
		p := newProposal(payload)
		term := l.raft.Load().CurrentTerm()
		target, err := l.submit(ctx, p, patience.C)
		if err != nil {
			return Result{}, err
		}
		select {
		case res := <-w.done: // applied here: nobody's word is needed
			return res, nil
		case v := <-p.verdict:
			if v.outcome == rejected {
				if err := l.pause(ctx, target, patience.C); err != nil {
					return Result{}, err
				}
				continue
			}
			return l.conclude(ctx, w, v, term)
		case <-ctx.Done():
			return l.giveUp(w, p)
		case <-l.stop:
			return l.giveUp(w, p)
		}
	}
}

// submit hands a proposal to whoever can take it: the grouper here if this node
// leads, a forwarder if another does.
func (l *Log) submit(ctx context.Context, p *proposal, patience <-chan time.Time) (leader string, err error) {
	for {
		queue := l.forwards
		_, id := l.raft.Load().LeaderWithID()
		if string(id) == l.cfg.NodeID {
			queue = l.proposals
		}
		if id != "" {
			select { // a timer only when the queue is full
			case queue <- p:
				return string(id), nil
			default:
			}
			select {
			case queue <- p:
				return string(id), nil
			case <-time.After(l.cfg.Heartbeat / 4):
				continue // busy, or the leader has changed: look again
			case <-patience:
				return "", ErrNoQuorum
			case <-ctx.Done():
				return "", fmt.Errorf("%w: %w", ErrNoQuorum, ctx.Err())
			case <-l.stop:
				return "", ErrClosed
			}
		}
		if err := l.pause(ctx, "", patience); err != nil {
			return "", err
		}
	}
}

// pause waits a little for the leader to become another than this one.
func (l *Log) pause(ctx context.Context, leader string, patience <-chan time.Time) error {
	tick := time.NewTicker(max(time.Millisecond, l.cfg.Heartbeat/100))
	defer tick.Stop()
	for range 20 {
		if _, id := l.raft.Load().LeaderWithID(); string(id) != leader && id != "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-patience:
			return ErrNoQuorum
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNoQuorum, ctx.Err())
		case <-l.stop:
			return ErrClosed
		}
	}
	return nil
}

// conclude turns a verdict on a proposal of the given term into the caller's answer.
func (l *Log) conclude(ctx context.Context, w *waiter, v verdict, term uint64) (Result, error) {
	if v.outcome == refused {
		return Result{}, fmt.Errorf("%w: by the leader: %q", ErrRefused, v.text)
	}
	// The leader has committed it, or does not know whether it has: either way
	// our own machine will show it if it is so. Without a verdict of ours there
	// is no knowing, even when the leader says "committed".
	wait := time.NewTimer(4 * l.cfg.Heartbeat)
	defer wait.Stop()
	until := point{index: v.index}
	if v.outcome == committed {
		wait.Reset(4*l.cfg.Heartbeat + l.cfg.RPCTimeout)
	} else {
		// An entry of a term is never committed behind one of a later term: once
		// that is applied here, waiting shows nothing more.
		until = point{index: math.MaxUint64, after: term}
	}
	passed, forget := l.fsm.watch(until)
	defer forget()
	select {
	case res := <-w.done:
		return res, nil
	case <-passed:
		select { // applied through the log after all?
		case res := <-w.done:
			return res, nil
		default: // it came with a snapshot and the result is in the machine's state, or a later term has passed it by
		}
	case <-wait.C:
	case <-ctx.Done():
	case <-l.stop:
	}
	return Result{}, ErrUnknownOutcome
}

// watch gives a channel that is closed once the point is passed here, by whatever
// way; forget ends the watch.
func (f *fsm) watch(until point) (passed <-chan struct{}, forget func()) {
	p := &until
	p.ready = make(chan struct{})
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.passed(f.applied, f.term) {
		close(p.ready)
		return p.ready, func() {}
	}
	f.points[p] = struct{}{}
	return p.ready, func() {
		f.mu.Lock()
		delete(f.points, p)
		f.mu.Unlock()
	}
}

// giveUp answers a caller who does not wait any longer.
func (l *Log) giveUp(w *waiter, p *proposal) (Result, error) {
	select {
	case res := <-w.done:
		return res, nil
	default:
	}
	if p.taken.CompareAndSwap(false, true) {
		return Result{}, ErrNoQuorum // nobody had put it into a group yet
	}
	return Result{}, ErrUnknownOutcome
}

// queueLength is how many proposals wait before their callers are held back. A
// queue, not a handing over: the callers who all wake when a group is done have
// their next proposals in it by the time the next group is made.
const queueLength = 4 * MaxGroupPayloads

// collect takes proposals from a queue: the first, and what else is waiting, up
// to the limits of a group. It returns nil when the log stops.
func (l *Log) collect(queue <-chan *proposal) []*proposal {
	var group []*proposal
	size := 0
	add := func(p *proposal) {
		if p.taken.CompareAndSwap(false, true) {
			group = append(group, p)
			size += 4 + len(p.payload)
		}
	}
	for len(group) == 0 {
		select {
		case p := <-queue:
			add(p)
		case <-l.stop:
			return nil
		}
	}
	runtime.Gosched() // those who are about to propose come along
	for len(group) < MaxGroupPayloads && size+4+l.cfg.MaxEntry <= MaxGroupBytes {
		select {
		case p := <-queue:
			add(p)
		default:
			return group
		}
	}
	return group
}

func payloadsOf(group []*proposal) [][]byte {
	out := make([][]byte, len(group))
	for i, p := range group {
		out[i] = p.payload
	}
	return out
}

// runGroups is the leader's side: one group under way, the next gathers
// meanwhile. The busier the log the larger the groups.
func (l *Log) runGroups() {
	r := l.raft.Load()
	for {
		group := l.collect(l.proposals)
		if group == nil {
			return
		}
		if group = l.admit(group); len(group) == 0 {
			continue
		}
		l.cfg.hit("propose.group.before")
		f := r.Apply(encodeGroup(payloadsOf(group)), l.cfg.Heartbeat)
		v := l.judge(f)
		l.cfg.hit("propose.group.after")
		for _, p := range group {
			p.verdict <- v
		}
	}
}

// admit lets the machine turn payloads away before they are proposed and
// answers those; it returns the rest.
func (l *Log) admit(group []*proposal) []*proposal {
	a, ok := l.fsm.machine.(Admitter)
	if !ok {
		return group
	}
	kept := group[:0]
	for _, p := range group {
		if err := a.Admit(p.payload); err != nil {
			p.verdict <- verdict{outcome: refused, text: err.Error()}
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// judge waits for raft. Only errors that mean "never entered the log" are a
// rejection; all others leave it open.
func (l *Log) judge(f raft.ApplyFuture) verdict {
	err := l.await(f)
	switch {
	case err == nil:
		if failed, _ := f.Response().(error); failed != nil {
			return verdict{outcome: unknown} // committed, but this machine has stopped
		}
		return verdict{outcome: committed, index: f.Index()}
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrEnqueueTimeout), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return verdict{outcome: rejected}
	}
	return verdict{outcome: unknown}
}

// await is f.Error that ends when the log stops. Raft, shutting down, forgets the
// futures of entries it had already handed to its apply goroutine.
func (l *Log) await(f raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- f.Error() }()
	select {
	case err := <-done:
		return err
	case <-l.stop:
		return raft.ErrRaftShutdown
	}
}

// forwardStreams is how many batches for the leader are under way at once.
const forwardStreams = 4

// runForwards is a follower's side: a batch of proposals in one call.
func (l *Log) runForwards() {
	for {
		group := l.collect(l.forwards)
		if group == nil {
			return
		}
		verdicts := l.forward(group)
		for i, p := range group {
			p.verdict <- verdicts[i]
		}
	}
}

func all(n int, v verdict) []verdict {
	out := make([]verdict, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func (l *Log) forward(group []*proposal) []verdict {
	addr, id := l.raft.Load().LeaderWithID()
	if id == "" || string(id) == l.cfg.NodeID {
		return all(len(group), verdict{outcome: rejected})
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.cfg.RPCTimeout)
	defer cancel()
	l.cfg.hit("propose.forward.before")
	answer, err := l.trans.Call(ctx, string(id), string(addr), transport.KindPropose, encodeGroup(payloadsOf(group)))
	l.cfg.hit("propose.forward.after")
	if errors.Is(err, transport.ErrRefused) || errors.Is(err, transport.ErrNotYet) || errors.Is(err, transport.ErrNotSent) {
		return all(len(group), verdict{outcome: rejected})
	}
	if err != nil {
		return all(len(group), verdict{outcome: unknown})
	}
	verdicts, err := decodeVerdicts(answer, len(group))
	if err != nil {
		return all(len(group), verdict{outcome: unknown})
	}
	return verdicts
}

// serveProposals is the leader's answer to a forwarded batch.
func (l *Log) serveProposals(ctx context.Context, peer string, body []byte) ([]byte, error) {
	payloads, err := decodeGroup(body, l.cfg.MaxEntry)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", transport.ErrMalformed, err)
	}
	l.cfg.hit("propose.serve")
	verdicts := make([]verdict, len(payloads))
	waiting := make([]*proposal, len(payloads))
	for i, err := range check(l.fsm.machine, payloads) {
		if err != nil {
			verdicts[i] = verdict{outcome: refused, text: err.Error()}
		} else {
			waiting[i] = newProposal(payloads[i])
		}
	}
	give := time.NewTimer(l.cfg.Heartbeat)
	defer give.Stop()
	for i, p := range waiting {
		if p != nil && !l.offer(p, give.C) {
			verdicts[i], waiting[i] = verdict{outcome: rejected}, nil
		}
	}
	var last uint64
	for i, p := range waiting {
		if p == nil {
			continue
		}
		select {
		case verdicts[i] = <-p.verdict:
			last = max(last, verdicts[i].index)
		case <-l.stop:
			verdicts[i] = verdict{outcome: unknown}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	l.nudge(peer, last)
	l.cfg.hit("propose.verdict")
	return encodeVerdicts(verdicts), nil
}

// offer hands a proposal to this node's grouper, if this node leads.
func (l *Log) offer(p *proposal, give <-chan time.Time) bool {
	if l.raft.Load().State() != raft.Leader || l.store.Room() != nil || l.cfg.unfit() != nil {
		return false
	}
	select {
	case l.proposals <- p:
		return true
	case <-give:
		return false
	case <-l.stop:
		return false
	}
}

// A list of verdicts on the wire: for each one byte of outcome, the index and a
// text with its length; numbers big-endian.
const maxRefusalText = 512

func encodeVerdicts(vs []verdict) []byte {
	var b []byte
	for _, v := range vs {
		text := v.text[:min(len(v.text), maxRefusalText)]
		b = binary.BigEndian.AppendUint64(append(b, byte(v.outcome)), v.index)
		b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
		b = append(b, text...)
	}
	return b
}

func decodeVerdicts(b []byte, n int) ([]verdict, error) {
	out := make([]verdict, 0, n)
	for range n {
		if len(b) < 11 {
			return nil, fmt.Errorf("%w: verdicts end early", ErrFormat)
		}
		v := verdict{outcome: outcome(b[0]), index: binary.BigEndian.Uint64(b[1:])}
		size := int(binary.BigEndian.Uint16(b[9:]))
		if b = b[11:]; size > len(b) || size > maxRefusalText || v.outcome < committed || v.outcome > unknown {
			return nil, fmt.Errorf("%w: verdict", ErrFormat)
		}
		v.text, b = string(b[:size]), b[size:]
		out = append(out, v)
	}
	if len(b) != 0 {
		return nil, fmt.Errorf("%w: bytes after the verdicts", ErrFormat)
	}
	return out, nil
}
