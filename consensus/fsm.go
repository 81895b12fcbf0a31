package consensus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// errRestore marks a snapshot this node could not take over.
var errRestore = fmt.Errorf("%w: restore", ErrMachine)

// fsm stands between raft and the [Machine]. It counts what is applied, wakes
// who waits for it, and after the first failure applies nothing any more.
type fsm struct {
	machine  Machine
	maxEntry int
	fatal    func(error)
	failed   func(e *raft.Log, why []byte) error // keeps count of entries that cannot be applied
	passed   func(index uint64)
	durable  func(index uint64) error // returns once an index is on this disk
	fill     func(e *raft.Log) error  // reads data that was left in the store
	growth   *growth
	stepped  chan struct{} // the applied index has moved

	mu        sync.Mutex
	applied   uint64 // index of the last command or configuration applied
	term      uint64
	committed raft.Configuration // the newest configuration known to be committed
	broken    error
	seed      maphash.Seed
	proposals map[uint64]*waiter  // who waits for a payload, by a hash of it
	waiters   atomic.Int32        // how many those are
	points    map[*point]struct{} // who waits for an index
}

// waiter waits for one payload.
type waiter struct {
	payload []byte
	done    chan Result // one Result, never closed
	next    *waiter     // with a payload of the same hash
}

// point waits for an index, or for an entry of a later term.
type point struct {
	index uint64
	after uint64 // 0: no term will do
	ready chan struct{}
}

func (p *point) passed(index, term uint64) bool {
	return p.index <= index || p.after != 0 && term > p.after
}

func newFSM(m Machine, cfg Config, fatal func(error)) *fsm {
	return &fsm{machine: m, maxEntry: cfg.MaxEntry, fatal: fatal, growth: newGrowth(cfg.SnapshotBytes, cfg.NodeID), stepped: make(chan struct{}, 1),
		failed: func(*raft.Log, []byte) error { return nil }, passed: func(uint64) {}, durable: func(uint64) error { return nil }, fill: func(*raft.Log) error { return nil },
		seed: maphash.MakeSeed(), proposals: map[uint64]*waiter{}, points: map[*point]struct{}{}}
}

// Apply applies one entry; its result is an error or nil.
func (f *fsm) Apply(e *raft.Log) any {
	if err := f.failure(); err != nil {
		return err
	}
	// A leader of yesterday may not have on disk what others have committed since;
	// what it applied it must still know after a power cut.
	if err := f.durable(e.Index); err != nil {
		return err
	}
	if err := f.fill(e); err != nil {
		return f.fail(fmt.Errorf("entry %d: %w", e.Index, err))
	}
	payloads, err := decodeGroup(e.Data, f.maxEntry)
	if err != nil {
		return f.fail(fmt.Errorf("entry %d: %w", e.Index, err))
	}
	var results [][]byte
	if len(payloads) > 0 {
		if results, err = f.apply(e, payloads); err != nil {
			return f.fail(fmt.Errorf("%w: entry %d: %w", ErrMachine, e.Index, err))
		}
	}
	f.passed(e.Index)
	f.growth.applied(e.Index, len(e.Data))
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.Index <= f.applied || e.Term < f.term {
		f.broken = fmt.Errorf("%w: entry %d of term %d after %d of %d", ErrMachine, e.Index, e.Term, f.applied, f.term)
		go f.fatal(f.broken)
		return f.broken
	}
	f.deliver(e.Index, payloads, results) // first: who sees the index passed must find the result there
	f.advance(e.Index, e.Term)
	return nil
}

// apply has the machine apply an entry. A panic is a failure like any other: it
// stops this node in order, and is counted, so that a restart does not meet the
// same entry for ever.
func (f *fsm) apply(e *raft.Log, payloads [][]byte) (results [][]byte, err error) {
	var why []byte
	defer func() {
		if r := recover(); r != nil {
			// Not the value: it may quote the payload.
			results, err, why = nil, fmt.Errorf("panic: %T", r), debug.Stack()
		}
		if err != nil {
			if why == nil {
				why = []byte(err.Error())
			}
			err = errors.Join(err, f.failed(e, why))
		}
	}()
	results, err = f.machine.Apply(e.Index, payloads)
	if err == nil && len(results) != len(payloads) {
		err = fmt.Errorf("%d results for %d payloads", len(results), len(payloads))
	}
	return results, err
}

// deliver answers the waiters of the payloads just applied.
func (f *fsm) deliver(index uint64, payloads, results [][]byte) {
	if len(f.proposals) == 0 {
		return
	}
	for i, p := range payloads {
		for w := f.proposals[maphash.Bytes(f.seed, p)]; w != nil; w = w.next {
			if bytes.Equal(w.payload, p) {
				select {
				case w.done <- Result{Index: index, Value: results[i]}:
				default: // an earlier entry has answered it
				}
			}
		}
	}
}

// advance moves the applied index and wakes who waited for it.
func (f *fsm) advance(index, term uint64) {
	f.applied, f.term = index, term
	for p := range f.points {
		if p.passed(index, term) {
			close(p.ready)
			delete(f.points, p)
		}
	}
	select {
	case f.stepped <- struct{}{}:
	default:
	}
}

// StoreConfiguration is raft's word that a configuration is committed.
func (f *fsm) StoreConfiguration(index uint64, c raft.Configuration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return
	}
	f.committed = c
	if index > f.applied {
		f.advance(index, f.term)
	}
}

// fail records the first failure and has the node stopped.
func (f *fsm) fail(err error) error {
	f.mu.Lock()
	if f.broken != nil {
		err = f.broken
		f.mu.Unlock()
		return err
	}
	f.broken = err
	f.mu.Unlock()
	f.fatal(err)
	return err
}

func (f *fsm) failure() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.broken
}

func (f *fsm) position() (index, term uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.applied, f.term
}

func (f *fsm) configuration() raft.Configuration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.committed
}

// expect registers a waiter for a payload; the caller must call forget.
func (f *fsm) expect(payload []byte) *waiter {
	w := &waiter{payload: payload, done: make(chan Result, 1)}
	key := maphash.Bytes(f.seed, payload)
	f.waiters.Add(1)
	f.mu.Lock()
	w.next, f.proposals[key] = f.proposals[key], w
	f.mu.Unlock()
	return w
}

// underWay is how many payloads are waited for.
func (f *fsm) underWay() int { return int(f.waiters.Load()) }

func (f *fsm) forget(w *waiter) {
	f.waiters.Add(-1)
	key := maphash.Bytes(f.seed, w.payload)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.proposals[key] == w {
		if f.proposals[key] = w.next; w.next == nil {
			delete(f.proposals, key)
		}
		return
	}
	for v := f.proposals[key]; v != nil; v = v.next {
		if v.next == w {
			v.next = w.next
			return
		}
	}
}

// reach waits until index is applied here.
func (f *fsm) reach(ctx context.Context, stop <-chan struct{}, index uint64) error {
	f.mu.Lock()
	if f.applied >= index {
		f.mu.Unlock()
		return nil
	}
	p := &point{index: index, ready: make(chan struct{})}
	f.points[p] = struct{}{}
	f.mu.Unlock()
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
	case <-stop:
	}
	f.mu.Lock()
	delete(f.points, p)
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// A snapshot's body starts with where the state stands, because raft restores a
// machine without telling it.
const (
	bodyMagic = "accord-state/1\n"
	bodyHead  = len(bodyMagic) + 16
)

// Snapshot takes hold of the machine's state.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	if err := f.failure(); err != nil {
		return nil, err
	}
	inner, err := f.machine.Snapshot()
	if err != nil {
		return nil, err
	}
	index, term := f.position()
	f.growth.taken()
	return &heldSnapshot{inner: inner, index: index, term: term, size: &f.growth.last}, nil
}

// Restore replaces the machine's state. A machine that fails to restore has
// nothing to fall back to, so the failure is final.
func (f *fsm) Restore(r io.ReadCloser) error {
	defer func() { _ = r.Close() }()
	if err := f.failure(); err != nil {
		return err
	}
	if err := f.restore(r); err != nil {
		return f.fail(err)
	}
	return nil
}

// restore brings the machine to a snapshot.
func (f *fsm) restore(r io.ReadCloser) error {
	head := make([]byte, bodyHead)
	if _, err := io.ReadFull(r, head); err != nil {
		return fmt.Errorf("%w: %w", errRestore, err)
	}
	if string(head[:len(bodyMagic)]) != bodyMagic {
		return fmt.Errorf("%w: %w", errRestore, ErrFormat)
	}
	body := &counter{Reader: r}
	if err := f.machine.Restore(lend(body, r)); err != nil {
		return fmt.Errorf("%w: %w", errRestore, err)
	}
	f.growth.taken()
	f.growth.last.Store(body.n)
	f.mu.Lock()
	f.advance(binary.BigEndian.Uint64(head[len(bodyMagic):]), binary.BigEndian.Uint64(head[len(bodyMagic)+8:]))
	f.mu.Unlock()
	return nil
}

// holder is a snapshot's body that can be kept open, see [Machine].
type holder interface{ Hold() io.ReaderAt }

// heldBody is what the machine reads of it.
type heldBody struct {
	io.Reader
	of holder
}

// lend is what the machine is given of a snapshot whose head has been read: rest, and
// with it the body it comes from if that can be held.
func lend(rest io.Reader, body io.ReadCloser) io.Reader {
	if h, ok := unwrap(body).(holder); ok {
		return &heldBody{rest, h}
	}
	return struct{ io.Reader }{rest}
}

// Hold gives the body without what stands in front for us.
func (b *heldBody) Hold() io.ReaderAt {
	return io.NewSectionReader(b.of.Hold(), int64(bodyHead), math.MaxInt64-int64(bodyHead))
}

// unwrap takes off what raft puts around a reader to watch its progress.
func unwrap(r io.ReadCloser) io.ReadCloser {
	for {
		w, ok := r.(raft.ReadCloserWrapper)
		if !ok {
			return r
		}
		r = w.WrappedReadCloser()
	}
}

type heldSnapshot struct {
	inner       Snapshot
	index, term uint64
	size        *atomic.Int64 // told how large it became
}

// Persist writes the state; raft closes or cancels the sink.
func (s *heldSnapshot) Persist(sink raft.SnapshotSink) error {
	head := append(make([]byte, 0, bodyHead), bodyMagic...)
	head = binary.BigEndian.AppendUint64(head, s.index)
	head = binary.BigEndian.AppendUint64(head, s.term)
	if _, err := sink.Write(head); err != nil {
		return err
	}
	body := &counter{Writer: sink}
	_, err := s.inner.WriteTo(body)
	s.size.Store(body.n)
	return err
}

// Release ends the hold.
func (s *heldSnapshot) Release() { s.inner.Release() }
