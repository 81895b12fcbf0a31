package audit

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"accord/crypto/strictjson"
	"accord/node/failpoint"
)

// waiting is an event whose caller waits for it to be on a disk.
type waiting struct {
	event json.RawMessage
	spots []spot // where it was written already
	done  chan error
}

// spot is a line in a file. A file that failed and took lines again may have another
// line of that number.
type spot struct {
	in   *sink
	seq  int64
	life int
}

func (p spot) durable() bool { return p.in.life == p.life && p.in.seq >= p.seq }

// Write stores the event in every working sink and syncs it. It fails only
// when no sink took it. An event that cannot be written down is refused and
// costs no sink. Events that come while a file is being synced share the next
// sync.
func (l *Log) Write(e Event) error {
	event, err := written(e)
	if err != nil {
		return err
	}
	return <-l.enqueue(waiting{event: event}, true)
}

// Post is Write for what is looked up meanwhile: the event is on its way, and wait says,
// as Write does, whether a disk has it. Nothing may be told or done before that.
func (l *Log) Post(e Event) (wait func() error) {
	event, err := written(e)
	if err != nil {
		return func() error { return err }
	}
	done := l.enqueue(waiting{event: event}, false)
	return sync.OnceValue(func() error { return <-done })
}

// Begin is Write for an act that may begin before its line is on a disk: the line is in
// every working file when it returns, and wait says whether it is on a disk, too. Without
// a file that takes it there is no act.
func (l *Log) Begin(e Event) (wait func() error, err error) {
	event, err := written(e)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	spots, cause := l.put([]json.RawMessage{event})
	l.mu.Unlock()
	if len(spots) == 0 {
		return nil, ErrSink.Wrap(cause)
	}
	done := l.enqueue(waiting{spots: spots}, false)
	return sync.OnceValue(func() error { return <-done }), nil
}

// written is an event as it stands in a line.
func written(e Event) (json.RawMessage, error) {
	e.At = e.At.UTC()
	raw, err := strictjson.Marshal(e)
	if err == nil && len(raw) > maxLine-512 { // beside it: a number and two hashes
		err = errors.New("audit: the event is too long")
	}
	if err != nil {
		return nil, ErrSink.Wrap(err)
	}
	return raw, nil
}

// enqueue has what waits written and synced, with all that waits by then. A caller that
// stays for it may have to do it.
func (l *Log) enqueue(w waiting, stays bool) <-chan error {
	w.done = make(chan error, 1)
	l.queueing.Lock()
	l.queue = append(l.queue, w)
	if len(l.queue) == fullQueue {
		select {
		case l.full <- struct{}{}:
		default: // it was said already
		}
	}
	leads := !l.writing
	l.writing = true
	l.queueing.Unlock()
	if !leads {
		return w.done
	}
	// Who waits anyway writes the first time; the others are served behind its back.
	if !stays || l.writeQueue() {
		go func() {
			for l.writeQueue() {
				l.gather()
			}
		}()
	}
	return w.done
}

// writeQueue writes all that waits, in the order in which it came, and says whether
// more has come. When none has, nobody writes any more.
func (l *Log) writeQueue() (more bool) {
	l.queueing.Lock()
	batch := l.queue
	l.queue = nil
	l.queueing.Unlock()
	l.writeAll(batch)
	l.queueing.Lock()
	defer l.queueing.Unlock()
	l.latest, l.writing = len(batch), len(l.queue) > 0
	return l.writing
}

// When busyQueue events came while a file was synced, the next ones are waited for until
// they are fullQueue, or for a while that is short beside what else each of so many callers
// waits for: on a fast disk the syncs of a busy node cost more than all its other work.
const (
	busyQueue = 4
	fullQueue = 24
	gathering = 2 * time.Millisecond
)

// gather waits for others to share the next sync.
func (l *Log) gather() {
	l.queueing.Lock()
	alone := l.latest < busyQueue || len(l.queue) >= fullQueue
	l.queueing.Unlock()
	if alone {
		return
	}
	late := time.NewTimer(gathering)
	defer late.Stop()
	select {
	case <-late.C:
	case <-l.full: // or once were: then this time is a little shorter
	}
}

func (l *Log) writeAll(batch []waiting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []json.RawMessage
	for i := range batch {
		if batch[i].spots == nil {
			events = append(events, batch[i].event)
		}
	}
	spots, cause := l.put(events)
	if err := l.sync(); err != nil {
		cause = err
	}
	if err := l.writeHeads((l.turn+1)%headsSync == 0); err != nil && l.working() == 0 {
		spots, cause = nil, err
	}
	for _, one := range batch {
		where := one.spots
		if where == nil {
			where = spots // of the last event; those before it are durable with it
		}
		one.done <- outcome(where, cause)
	}
}

// outcome says whether any file has a line on its disk.
func outcome(where []spot, cause error) error {
	for _, p := range where {
		if p.durable() && p.in.err == nil {
			return nil
		}
		if cause == nil {
			cause = p.in.err
		}
	}
	return ErrSink.Wrap(cause)
}

// put writes events into every working file and says where the last of them stands; mu
// is held.
func (l *Log) put(events []json.RawMessage) (spots []spot, cause error) {
	if len(events) == 0 {
		return nil, nil
	}
	for _, s := range l.sinks {
		if s.err == nil {
			if err := s.put(events); err != nil {
				s.fail(err)
			}
		}
		if s.err != nil {
			s.missed += int64(len(events))
			cause = s.err
			continue
		}
		spots = append(spots, spot{s, s.ahead.seq, s.life})
	}
	return spots, cause
}

// sync brings what was written to the disks, to all at the same time: a caller waits for
// the slowest and not for their sum. mu is held.
func (l *Log) sync() (cause error) {
	var behind []*sink
	for _, s := range l.sinks {
		if s.err == nil && s.ahead != s.place {
			behind = append(behind, s)
		}
	}
	errs := make([]error, len(behind))
	var wg sync.WaitGroup
	for i := range behind {
		if i == len(behind)-1 {
			errs[i] = behind[i].sync() // the last one here: most nodes have one
			break
		}
		wg.Go(func() { errs[i] = behind[i].sync() })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			behind[i].fail(err)
			cause = err
		}
	}
	return cause
}

// put writes lines. A crash before they are synced may leave whole lines that nobody was
// told are there: they tell of what was about to happen.
func (s *sink) put(events []json.RawMessage) error {
	at, text := s.ahead, []byte(nil)
	for _, event := range events {
		ln := line[json.RawMessage]{Seq: at.seq + 1, Event: event, Prev: at.prev}
		raw, hash, err := ln.close()
		if err != nil {
			return err
		}
		at.seq, at.prev = ln.Seq, hash
		text = append(append(text, raw...), '\n')
	}
	failpoint.Hit("audit.write.before")
	if _, err := s.file.Write(text); err != nil {
		return err
	}
	at.end += int64(len(text))
	s.ahead = at
	return nil
}

func (s *sink) sync() error {
	failpoint.Hit("audit.sync.before")
	if err := s.file.Sync(); err != nil {
		return err
	}
	failpoint.Hit("audit.sync.after")
	s.place = s.ahead
	return nil
}

// fail puts a file out of use. What was written and not synced counts as missed: nobody
// knows whether it is there, and where only room was missing it is cut off.
func (s *sink) fail(err error) {
	s.err = err
	s.missed += s.ahead.seq - s.seq
	s.ahead = s.place
}

// write adds a line and syncs it, or has written none.
func (s *sink) write(e Event) error {
	event, err := written(e)
	if err == nil {
		err = s.put([]json.RawMessage{event})
	}
	if err == nil {
		err = s.sync()
	}
	if err != nil {
		s.ahead = s.place
	}
	return err
}
