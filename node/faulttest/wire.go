package faulttest

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Quality is how good one direction of the wire between two nodes is. The zero
// value is a perfect line.
type Quality struct {
	Cut    bool // bytes wait until it heals, as when packets are lost and sent again
	Refuse bool // nobody gets a new connection in this direction
	Silent bool // new connections are accepted and never answered: the far end is half open
	// Delay is the one-way delay, ± Jitter evenly.
	Delay, Jitter time.Duration
	// Stall is the chance that a segment is lost and its retransmission takes 0.2
	// to 3 s; everything behind it waits. Reset is the chance that the connection
	// is reset there.
	Stall, Reset float64
	Rate         int // bytes a second, 0: no limit
}

// segment is about what one packet of a TCP connection holds.
const segment = 1460

type direction struct{ from, to string }

// Wire is the network between nodes: one TCP proxy for each directed pair, since
// every node dials its peers through listeners of its own. A connection that a
// dialled to b carries bytes in both directions; each direction has the quality
// of its own pair.
type Wire struct {
	mu      sync.Mutex
	quality map[direction]Quality
	free    map[direction]time.Time // when a limited line has sent what it was given
	changed chan struct{}           // closed at every change
	rng     *rand.Rand
	relays  []*relay
}

func newWire(seed uint64) *Wire {
	return &Wire{quality: map[direction]Quality{}, free: map[direction]time.Time{}, changed: make(chan struct{}),
		rng: rand.New(rand.NewPCG(seed, 11))}
}

// Set gives the direction from one node to another a quality.
func (w *Wire) Set(from, to string, q Quality) {
	w.change(func() { w.quality[direction{from, to}] = q })
}

// SetAll gives every direction between the named nodes a quality.
func (w *Wire) SetAll(q Quality, nodes ...string) {
	w.change(func() {
		for _, a := range nodes {
			for _, b := range nodes {
				if a != b {
					w.quality[direction{a, b}] = q
				}
			}
		}
	})
}

// CutBetween cuts both directions between every node of one side and every node
// of the other.
func (w *Wire) CutBetween(side, other []string) {
	w.change(func() {
		for _, a := range side {
			for _, b := range other {
				if a != b {
					w.quality[direction{a, b}], w.quality[direction{b, a}] = Quality{Cut: true}, Quality{Cut: true}
				}
			}
		}
	})
}

// Heal makes both directions between two nodes perfect.
func (w *Wire) Heal(a, b string) {
	w.change(func() { delete(w.quality, direction{a, b}); delete(w.quality, direction{b, a}) })
}

// HealAll makes every direction perfect.
func (w *Wire) HealAll() { w.change(func() { clear(w.quality) }) }

// Broken lists the directions that are not perfect, as pairs of from and to.
func (w *Wire) Broken() [][2]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out [][2]string
	for d := range w.quality {
		out = append(out, [2]string{d.from, d.to})
	}
	return out
}

func (w *Wire) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *Wire) look(d direction) (Quality, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.quality[d], w.changed
}

// schedule says when a segment that is sent now arrives, and whether the
// connection breaks instead.
func (w *Wire) schedule(d direction, size int) (due time.Time, reset bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	q := w.quality[d]
	now := time.Now()
	due = now.Add(q.Delay)
	if q.Jitter > 0 {
		due = due.Add(time.Duration(w.rng.Int64N(int64(2*q.Jitter))) - q.Jitter)
	}
	for range (size + segment - 1) / segment {
		if q.Stall > 0 && w.rng.Float64() < q.Stall {
			due = due.Add(200*time.Millisecond + time.Duration(w.rng.Int64N(int64(2800*time.Millisecond))))
			break
		}
		if q.Reset > 0 && w.rng.Float64() < q.Reset {
			return due, true
		}
	}
	if q.Rate > 0 {
		free := w.free[d]
		if free.Before(now) {
			free = now
		}
		free = free.Add(time.Duration(float64(size) / float64(q.Rate) * float64(time.Second)))
		w.free[d] = free
		due = due.Add(time.Until(free))
	}
	return due, false
}

// open makes the proxy for one directed pair and returns its address.
func (w *Wire) open(from, to, target string) (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	r := &relay{wire: w, there: direction{from, to}, back: direction{to, from}, target: target, listener: ln,
		conns: map[net.Conn]struct{}{}, done: make(chan struct{})}
	w.relays = append(w.relays, r)
	r.tasks.Go(r.accept)
	return ln.Addr().String(), nil
}

// Close ends all proxies and their connections.
func (w *Wire) Close() {
	for _, r := range w.relays {
		r.close()
	}
}

// relay is the proxy of one directed pair.
type relay struct {
	wire        *Wire
	there, back direction
	target      string
	listener    net.Listener
	done        chan struct{}
	tasks       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]struct{} // guarded by mu; nil once closed
}

func (r *relay) accept() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		r.tasks.Go(func() { r.serve(near) })
	}
}

func (r *relay) serve(near net.Conn) {
	if !r.track(near) {
		return
	}
	defer r.untrack(near)
	q, changed := r.wire.look(r.there)
	for q.Silent {
		select {
		case <-changed:
			q, changed = r.wire.look(r.there)
		case <-r.done:
			return
		}
	}
	if q.Refuse {
		abort(near)
		return
	}
	// A cut line answers no SYN either: the caller waits.
	if !r.passable(r.there) || !r.passable(r.back) {
		return
	}
	far, err := net.Dial("tcp", r.target)
	if err != nil {
		abort(near)
		return
	}
	if !r.track(far) {
		return
	}
	defer r.untrack(far)
	both := make(chan struct{}, 2)
	go func() { r.pump(far, near, r.there); both <- struct{}{} }()
	go func() { r.pump(near, far, r.back); both <- struct{}{} }()
	<-both
	<-both
}

// abort closes a connection with a reset.
func abort(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	c.Close()
}

// passable waits while a direction is cut; false when the proxy closes.
func (r *relay) passable(d direction) bool {
	for {
		q, changed := r.wire.look(d)
		if !q.Cut {
			return true
		}
		select {
		case <-changed:
		case <-r.done:
			return false
		}
	}
}

type parcel struct {
	due  time.Time
	data []byte
}

// pump carries one direction until either end closes.
func (r *relay) pump(dst, src net.Conn, d direction) {
	parcels := make(chan parcel, 64)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for p := range parcels {
			if wait := time.Until(p.due); wait > 0 {
				select {
				case <-time.After(wait):
				case <-r.done:
				}
			}
			if !r.passable(d) {
				break
			}
			if _, err := dst.Write(p.data); err != nil {
				abort(src)
				break
			}
		}
		for range parcels { // the sender must not wait for nobody
		}
		if tcp, ok := dst.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	}()
	var last time.Time
	for buf := make([]byte, 16<<10); ; {
		n, err := src.Read(buf)
		if n > 0 {
			due, reset := r.wire.schedule(d, n)
			if reset {
				abort(src)
				abort(dst)
				break
			}
			if due.Before(last) {
				due = last // TCP keeps the order
			}
			last = due
			parcels <- parcel{due, append([]byte(nil), buf[:n]...)}
		}
		if err != nil {
			break
		}
	}
	close(parcels)
	<-gone
}

func (r *relay) track(c net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		c.Close()
		return false
	}
	r.conns[c] = struct{}{}
	return true
}

func (r *relay) untrack(c net.Conn) {
	c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	conns := r.conns
	r.conns = nil
	r.mu.Unlock()
	close(r.done)
	for c := range conns {
		c.Close()
	}
	r.tasks.Wait()
}
