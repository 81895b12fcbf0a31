package agency

import (
	"context"
	"sync"

	"accord/exchange"
)

// turns lets one caller at a time act on a release.
type turns struct {
	mu   sync.Mutex
	busy map[exchange.ReleaseID]chan struct{} // guarded by mu; closed when the turn is over
}

// take waits for the release's turn; done ends it.
func (t *turns) take(ctx context.Context, id exchange.ReleaseID) (done func(), err error) {
	for {
		t.mu.Lock()
		over, taken := t.busy[id]
		if !taken {
			break
		}
		t.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy = map[exchange.ReleaseID]chan struct{}{}
	}
	over := make(chan struct{})
	t.busy[id] = over
	return func() {
		t.mu.Lock()
		delete(t.busy, id)
		t.mu.Unlock()
		close(over)
	}, nil
}
