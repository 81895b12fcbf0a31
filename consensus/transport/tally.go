package transport

import (
	"sync"
	"time"
)

// tally counts what a node turned away, by who asked and why, and says when to speak
// of it: at once the first time, then hourly how often it was since. A peer that
// hammers must not fill the log.
type tally struct {
	mu    sync.Mutex
	lines map[RefusalKey]*tallied // guarded by mu
}

type tallied struct {
	total, told uint64
	said        time.Time
}

const (
	tallyReminder = time.Hour
	// maxTally bounds the peers and hosts that are told apart. The rest is one.
	maxTally   = 1024
	tallyOther = "others"
)

// note counts one and returns how many there were since the log last spoke of them,
// or 0 while it shall not.
func (t *tally) note(key RefusalKey, now time.Time) (times uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[key]
	if l == nil && len(t.lines) >= maxTally {
		key.Peer = tallyOther
		l = t.lines[key]
	}
	if l == nil {
		l = &tallied{}
		if t.lines == nil {
			t.lines = map[RefusalKey]*tallied{}
		}
		t.lines[key] = l
	}
	l.total++
	if l.told > 0 && now.Sub(l.said) < tallyReminder {
		return 0
	}
	times = l.total - l.told
	l.told, l.said = l.total, now
	return times
}

// counts are the totals since start.
func (t *tally) counts() map[RefusalKey]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[RefusalKey]uint64, len(t.lines))
	for k, l := range t.lines {
		out[k] = l.total
	}
	return out
}
