package consensus

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// batched is a machine that remembers how payloads came to be judged.
type batched struct {
	Machine
	mu      sync.Mutex
	alone   int
	largest int
	hold    chan struct{}
}

func (b *batched) verdict(p []byte) error {
	if strings.HasPrefix(string(p), "bad") {
		return fmt.Errorf("refused %s", p)
	}
	return nil
}

func (b *batched) Check(p []byte) error {
	b.mu.Lock()
	b.alone++
	b.mu.Unlock()
	<-b.hold
	return b.verdict(p)
}

func (b *batched) CheckAll(payloads [][]byte) []error {
	b.mu.Lock()
	b.largest = max(b.largest, len(payloads))
	b.mu.Unlock()
	out := make([]error, len(payloads))
	for i, p := range payloads {
		out[i] = b.verdict(p)
	}
	return out
}

// Everybody gets the verdict on its own payload, however many are judged at once.
func TestPayloadsAreJudgedTogether(t *testing.T) {
	b := &batched{hold: make(chan struct{})}
	c, stop := newChecks(b, func() int { return 0 }), make(chan struct{})
	defer close(stop)
	var wg sync.WaitGroup
	const callers = 200
	begun := make(chan struct{})
	wg.Go(func() { // alone, and held
		close(begun)
		if refusal, err := c.judge(context.Background(), stop, []byte("good")); refusal != nil || err != nil {
			t.Error(refusal, err)
		}
	})
	<-begun
	for c.busy.Load() == 0 {
		runtime.Gosched()
	}
	for i := range callers {
		wg.Go(func() {
			word := []string{"good", "bad"}[i%2]
			payload := fmt.Sprintf("%s %d", word, i)
			refusal, err := c.judge(context.Background(), stop, []byte(payload))
			if err != nil || (refusal != nil) != (word == "bad") || refusal != nil && !strings.HasSuffix(refusal.Error(), payload) {
				t.Errorf("%s: %v, %v", payload, refusal, err)
			}
		})
	}
	for len(c.waiting) < callers {
		runtime.Gosched()
	}
	go c.run(stop)
	close(b.hold)
	wg.Wait()
	if b.alone != 1 || b.largest < 2 {
		t.Errorf("%d judged alone, at most %d together", b.alone, b.largest)
	}
}

// In a crowd nobody judges alone: the next are about to come. Who comes last is not
// kept waiting for them.
func TestACrowdIsJudgedTogether(t *testing.T) {
	b := &batched{hold: make(chan struct{})}
	close(b.hold)
	c, stop := newChecks(b, func() int { return 4 * crowd }), make(chan struct{})
	defer close(stop)
	var wg sync.WaitGroup
	for i := range 2 * crowd {
		wg.Go(func() {
			if refusal, err := c.judge(context.Background(), stop, fmt.Appendf(nil, "good %d", i)); refusal != nil || err != nil {
				t.Error(refusal, err)
			}
		})
	}
	settled := func() int { // those who wait, and those judged already
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(c.waiting) + b.alone
	}
	for settled() < 2*crowd {
		runtime.Gosched()
	}
	go c.run(stop)
	wg.Wait()
	if b.alone != 0 || b.largest < crowd {
		t.Errorf("%d judged alone, at most %d together", b.alone, b.largest)
	}
	if refusal, err := c.judge(context.Background(), stop, []byte("bad last")); refusal == nil || err != nil {
		t.Error("the last one:", refusal, err)
	}
}

// Who is not waited for any more, or asks a log that stops, gets no verdict.
func TestJudgementsEnd(t *testing.T) {
	b := &batched{hold: make(chan struct{})}
	c, stop := newChecks(b, func() int { return 0 }), make(chan struct{})
	c.busy.Add(1) // somebody is at it, and nobody runs
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.judge(ctx, stop, []byte("x")); !errors.Is(err, ErrNoQuorum) {
		t.Error(err)
	}
	close(stop)
	if _, err := c.judge(context.Background(), stop, []byte("x")); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
