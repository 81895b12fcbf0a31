package transport

import (
	"sync"
	"time"
)

// pacer bounds what one peer can make us do, over all its streams: requests and
// bytes a second. Who is faster is made to wait, which an honest peer in a burst
// takes as a slow link; nothing of its is lost.
type pacer struct {
	requests, bytes float64 // a second, and as a burst

	mu    sync.Mutex
	peers map[string]*bucket
}

// bucket holds what a peer has left; both can be in debt for a while.
type bucket struct {
	requests, bytes float64
	at              time.Time
}

// Defaults of the pacer: several times what a full log needs.
const (
	paceRequests = 20_000
	paceBytes    = 256 << 20
	// Before there is a log, a peer has nothing to gain.
	startRequests = 200
	startBytes    = 32 << 20
	maxPause      = 5 * time.Second // at a time; a stream's deadline must not pass meanwhile
)

func newPacer(requests, bytes float64) *pacer {
	if requests <= 0 {
		requests = paceRequests
	}
	if bytes <= 0 {
		bytes = paceBytes
	}
	return &pacer{requests: requests, bytes: bytes, peers: map[string]*bucket{}}
}

// take books a request of n bytes and says how long its stream has to wait.
// There are no more buckets than peers that have proven who they are.
func (p *pacer) take(peer string, requests float64, n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.peers[peer]
	if b == nil {
		b = &bucket{requests: p.requests, bytes: p.bytes, at: now}
		p.peers[peer] = b
	}
	passed := now.Sub(b.at).Seconds()
	b.at = now
	b.requests = min(b.requests+passed*p.requests, p.requests) - requests
	b.bytes = min(b.bytes+passed*p.bytes, p.bytes) - float64(n)
	debt := max(-b.requests/p.requests, -b.bytes/p.bytes)
	if debt <= 0 {
		return 0
	}
	return min(time.Duration(debt*float64(time.Second)), maxPause)
}
