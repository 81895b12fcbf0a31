package consensus

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Who does not know what became of a proposal waits for it as long as it can
// still come, and no longer: behind an entry of a later term it never does.
func TestAnUnknownOutcomeIsKnownToStaySo(t *testing.T) {
	f := newFSM(nil, Config{MaxEntry: 1 << 10}, func(error) {})
	l := &Log{cfg: Config{Heartbeat: time.Hour}, fsm: f, stop: make(chan struct{})}
	w := f.expect([]byte("lost"))
	defer f.forget(w)
	answer := make(chan error, 1)
	go func() {
		_, err := l.conclude(context.Background(), w, verdict{outcome: unknown}, 3)
		answer <- err
	}()
	f.mu.Lock()
	f.advance(10, 3)
	f.mu.Unlock()
	select {
	case err := <-answer:
		t.Fatalf("given up while the term lasts: %v", err)
	default:
	}
	f.mu.Lock()
	f.advance(11, 4)
	f.mu.Unlock()
	if err := <-answer; !errors.Is(err, ErrUnknownOutcome) {
		t.Fatal(err)
	}
	if passed, forget := f.watch(point{index: 12}); passed == nil {
		t.Fatal("no channel")
	} else {
		forget()
	}
	if len(f.points) != 0 {
		t.Errorf("%d points are left", len(f.points))
	}
}
