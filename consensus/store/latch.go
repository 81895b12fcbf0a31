package store

import (
	"fmt"
	"sync/atomic"
)

// latch is what makes the first failure the last word, and the watchdog.
type latch struct {
	opt  Options
	err  atomic.Pointer[error]
	over chan struct{} // closed with the first failure or the end
}

func (l *latch) init(opt Options) { l.opt, l.over = opt, make(chan struct{}) }

// trip latches and reports the first error; later ones only get it back.
func (l *latch) trip(err error) error {
	wrapped := fmt.Errorf("%w: %w", ErrLatched, err)
	if l.err.CompareAndSwap(nil, &wrapped) {
		close(l.over)
		l.opt.Fatal(wrapped)
	}
	return *l.err.Load()
}

// shut latches without a word: the store was closed.
func (l *latch) shut() {
	err := fmt.Errorf("%w: closed", ErrLatched)
	if l.err.CompareAndSwap(nil, &err) {
		close(l.over)
	}
}

// failed is the latched error, or nil.
func (l *latch) failed() error {
	if p := l.err.Load(); p != nil {
		return *p
	}
	return nil
}

// guarded runs one disk operation under the watchdog. Any error and any panic
// latches: after a failed write nobody knows what is on disk, and a call that
// came back after the watchdog fired comes too late.
func (l *latch) guarded(what string, f func() error) (err error) {
	stop := l.opt.AfterFunc(l.opt.Limit, func() {
		_ = l.trip(fmt.Errorf("%w: %s takes longer than %s", ErrHung, what, l.opt.Limit))
	})
	defer func() {
		stop()
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, r)
		}
		if err != nil {
			err = l.trip(fmt.Errorf("store: %s: %w", what, err))
		} else {
			err = l.failed()
		}
	}()
	return f()
}
