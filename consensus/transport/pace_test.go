package transport

import (
	"testing"
	"time"
)

// A peer has its burst, then waits for its share, by requests and by bytes; others
// do not wait for it.
//
// Shows: B4, g9
func TestPacer(t *testing.T) {
	p, now := newPacer(10, 1000), time.Unix(0, 0)
	for i := range 10 {
		if d := p.take("n1", 1, 10, now); d != 0 {
			t.Fatalf("request %d of the burst waits %v", i, d)
		}
	}
	if d := p.take("n1", 1, 10, now); d != 100*time.Millisecond {
		t.Errorf("the eleventh waits %v", d)
	}
	if d := p.take("n2", 1, 10, now); d != 0 {
		t.Errorf("another peer waits %v", d)
	}
	if d := p.take("n1", 0, 2000, now.Add(time.Minute)); d != time.Second {
		t.Errorf("twice a second's bytes wait %v", d)
	}
	if d := p.take("n1", 0, 1<<30, now.Add(time.Hour)); d != maxPause {
		t.Errorf("a flood waits %v at a time", d)
	}
}
