package audit

import (
	"errors"
	"sync"

	"accord/crypto/strictjson"
	"accord/node/failpoint"
)

// waiting is an event whose caller waits for it to be on a disk.
type waiting struct {
	event Event
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
	if err := check(&e); err != nil {
		return err
	}
	return <-l.enqueue(waiting{event: e})
}

// Begin is Write for an act that may begin before its line is on a disk: the line is in
// every working file when it returns, and wait says whether it is on a disk, too. Without
// a file that takes it there is no act.
func (l *Log) Begin(e Event) (wait func() error, err error) {
	if err := check(&e); err != nil {
		return nil, err
	}
	l.mu.Lock()
	spots, cause := l.put([]Event{e})
	l.mu.Unlock()
	if len(spots) == 0 {
		return nil, ErrSink.Wrap(cause)
	}
	done := l.enqueue(waiting{spots: spots})
	return sync.OnceValue(func() error { return <-done }), nil
}

func check(e *Event) error {
	e.At = e.At.UTC()
	raw, err := strictjson.Marshal(*e)
	if err == nil && len(raw) > maxLine-512 { // beside it: a number and two hashes
		err = errors.New("audit: the event is too long")
	}
	if err != nil {
		return ErrSink.Wrap(err)
	}
	return nil
}

// enqueue has what waits written and synced, with all that waits by then.
func (l *Log) enqueue(w waiting) <-chan error {
	w.done = make(chan error, 1)
	l.queueing.Lock()
	l.queue = append(l.queue, w)
	leads := !l.writing
	l.writing = true
	l.queueing.Unlock()
	if !leads {
		return w.done
	}
	// Who waits anyway writes the first time; the others are served behind its back.
	if w.spots != nil || l.writeQueue() {
		go func() {
			for l.writeQueue() {
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
	l.writing = len(l.queue) > 0
	return l.writing
}

func (l *Log) writeAll(batch []waiting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var events []Event
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
func (l *Log) put(events []Event) (spots []spot, cause error) {
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
func (s *sink) put(events []Event) error {
	at, text := s.ahead, []byte(nil)
	for _, e := range events {
		ln := line{Seq: at.seq + 1, Event: e, Prev: at.prev}
		ln.Hash = hashOf(ln)
		raw, err := strictjson.Marshal(ln)
		if err != nil {
			return err
		}
		at.seq, at.prev = ln.Seq, ln.Hash
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

// write adds lines and syncs them together, or has written none.
func (s *sink) write(events ...Event) error {
	err := s.put(events)
	if err == nil {
		err = s.sync()
	}
	if err != nil {
		s.ahead = s.place
	}
	return err
}
