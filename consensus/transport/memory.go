package transport

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Hub joins nodes of one process, for tests and simulations. It speaks the same
// bytes as the real thing: only the streams are made up. Each direction of each
// link can be delayed or cut. A cut holds bytes back as a network does that
// loses packets: nothing arrives, nobody is told, and what was sent arrives once
// the link heals, if both ends still wait. It works inside testing/synctest.
type Hub struct {
	mu    sync.Mutex
	nodes map[string]*memNetwork // by address
	cut   map[link]bool
	delay map[link]time.Duration
	conns map[*memConn]struct{}
}

// link is one direction between two node ids.
type link struct{ from, to string }

// NewHub is a network without nodes.
func NewHub() *Hub {
	return &Hub{nodes: map[string]*memNetwork{}, cut: map[link]bool{}, delay: map[link]time.Duration{}, conns: map[*memConn]struct{}{}}
}

// Join gives a node its network. An address that is taken passes to the new
// node, as after a restart.
func (h *Hub) Join(id, address string) Network {
	n := &memNetwork{hub: h, id: id, addr: address, key: hubKey(id), inbound: make(chan *memConn), closed: make(chan struct{})}
	h.mu.Lock()
	h.nodes[address] = n
	h.mu.Unlock()
	return n
}

// Cut stops the direction from one node to another.
func (h *Hub) Cut(from, to string) { h.change(func() { h.cut[link{from, to}] = true }) }

// Mend undoes Cut.
func (h *Hub) Mend(from, to string) { h.change(func() { delete(h.cut, link{from, to}) }) }

// MendAll undoes every cut and every delay.
func (h *Hub) MendAll() { h.change(func() { clear(h.cut); clear(h.delay) }) }

// Delay sets the one-way delay of a direction for bytes sent from now on.
func (h *Hub) Delay(from, to string, d time.Duration) {
	h.change(func() { h.delay[link{from, to}] = d })
}

// Isolate cuts a node off from all others, both ways.
func (h *Hub) Isolate(id string) {
	h.change(func() {
		for _, n := range h.nodes {
			if n.id != id {
				h.cut[link{id, n.id}], h.cut[link{n.id, id}] = true, true
			}
		}
	})
}

// change alters the links and wakes everybody who waits on one.
func (h *Hub) change(f func()) {
	h.mu.Lock()
	f()
	conns := make([]*memConn, 0, len(h.conns))
	for c := range h.conns {
		conns = append(conns, c)
	}
	h.mu.Unlock()
	for _, c := range conns {
		c.in.wake()
		c.in.wakeWriter()
	}
}

func (h *Hub) state(from, to string) (cut bool, delay time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.cut[link{from, to}], h.delay[link{from, to}]
}

type memNetwork struct {
	hub     *Hub
	id      string
	addr    string
	key     ed25519.PrivateKey
	inbound chan *memConn
	closed  chan struct{}
	once    sync.Once
}

func (n *memNetwork) Address() string { return n.addr }

func (n *memNetwork) Dial(ctx context.Context, id, address string) (Conn, error) {
	for {
		n.hub.mu.Lock()
		peer := n.hub.nodes[address]
		n.hub.mu.Unlock()
		out, _ := n.hub.state(n.id, id)
		back, delay := n.hub.state(id, n.id)
		if peer == nil || peer.id != id {
			return nil, ErrUnknown
		}
		if !out && !back {
			return n.connect(ctx, peer, 2*delay)
		}
		select { // the packets get lost: try again until the caller gives up
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-n.closed:
			return nil, ErrClosed
		}
	}
}

func (n *memNetwork) connect(ctx context.Context, peer *memNetwork, wait time.Duration) (Conn, error) {
	if wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	ab, ba := newMemPipe(n.hub, link{n.id, peer.id}), newMemPipe(n.hub, link{peer.id, n.id})
	near := &memConn{hub: n.hub, self: n, peer: peer, in: ba, out: ab}
	far := &memConn{hub: n.hub, self: peer, peer: n, in: ab, out: ba}
	select {
	case peer.inbound <- far:
	case <-peer.closed:
		return nil, ErrUnknown
	case <-n.closed:
		return nil, ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n.hub.mu.Lock()
	n.hub.conns[near], n.hub.conns[far] = struct{}{}, struct{}{}
	n.hub.mu.Unlock()
	return near, nil
}

func (n *memNetwork) Accept() (Conn, error) {
	select {
	case c := <-n.inbound:
		return c, nil
	case <-n.closed:
		return nil, ErrClosed
	}
}

func (n *memNetwork) Close() error {
	n.once.Do(func() {
		close(n.closed)
		n.hub.mu.Lock()
		if n.hub.nodes[n.addr] == n {
			delete(n.hub.nodes, n.addr)
		}
		n.hub.mu.Unlock()
	})
	return nil
}

// memPipe is one direction of a stream.
type memPipe struct {
	hub  *Hub
	link link

	mu            sync.Mutex
	chunks        []memChunk
	size          int
	eof           bool // the writer closed
	closed        bool // the reader closed
	readDeadline  time.Time
	writeDeadline time.Time
	readable      chan struct{} // a token when something changed for the reader
	writable      chan struct{} // and for the writer
}

type memChunk struct {
	at   time.Time
	data []byte
}

const memWindow = 1 << 20 // bytes under way before a writer waits

func newMemPipe(h *Hub, l link) *memPipe {
	return &memPipe{hub: h, link: l, readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (p *memPipe) wake()       { poke(p.readable) }
func (p *memPipe) wakeWriter() { poke(p.writable) }

// await waits for a token, the deadline or a moment, whatever comes first.
func await(token chan struct{}, deadline, moment time.Time) {
	until := deadline
	if until.IsZero() || (!moment.IsZero() && moment.Before(until)) {
		until = moment
	}
	if until.IsZero() {
		<-token
		return
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-token:
	case <-timer.C:
	}
}

func passed(deadline time.Time) bool { return !deadline.IsZero() && !time.Now().Before(deadline) }

func (p *memPipe) read(b []byte) (int, error) {
	for {
		cut, _ := p.hub.state(p.link.from, p.link.to)
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return 0, net.ErrClosed
		}
		if passed(p.readDeadline) {
			p.mu.Unlock()
			return 0, os.ErrDeadlineExceeded
		}
		var moment time.Time
		if len(p.chunks) > 0 && !cut {
			head := &p.chunks[0]
			if moment = head.at; !time.Now().Before(moment) {
				n := copy(b, head.data)
				if head.data = head.data[n:]; len(head.data) == 0 {
					p.chunks = p.chunks[1:]
				}
				p.size -= n
				p.mu.Unlock()
				p.wakeWriter()
				return n, nil
			}
		} else if p.eof && !cut {
			p.mu.Unlock()
			return 0, io.EOF
		}
		deadline := p.readDeadline
		p.mu.Unlock()
		await(p.readable, deadline, moment)
	}
}

func (p *memPipe) write(b []byte) (int, error) {
	written := 0
	for written < len(b) {
		_, delay := p.hub.state(p.link.from, p.link.to)
		p.mu.Lock()
		switch {
		case p.eof || p.closed:
			p.mu.Unlock()
			return written, net.ErrClosed
		case passed(p.writeDeadline):
			p.mu.Unlock()
			return written, os.ErrDeadlineExceeded
		case p.size < memWindow:
			n := min(len(b)-written, memWindow-p.size)
			data := append([]byte(nil), b[written:written+n]...)
			p.chunks = append(p.chunks, memChunk{at: time.Now().Add(delay), data: data})
			p.size += n
			written += n
			p.mu.Unlock()
			p.wake()
			continue
		}
		deadline := p.writeDeadline
		p.mu.Unlock()
		await(p.writable, deadline, time.Time{})
	}
	return written, nil
}

func (p *memPipe) set(f func()) {
	p.mu.Lock()
	f()
	p.mu.Unlock()
	p.wake()
	p.wakeWriter()
}

type memConn struct {
	hub  *Hub
	self *memNetwork
	peer *memNetwork
	in   *memPipe
	out  *memPipe
}

type memAddr string

func (memAddr) Network() string  { return "memory" }
func (a memAddr) String() string { return string(a) }

func (c *memConn) Peer() string { return c.peer.id }

func (c *memConn) Valid() error {
	select {
	case <-c.self.closed:
		return errors.Join(ErrUnknown, net.ErrClosed)
	default:
		return nil
	}
}

func (c *memConn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *memConn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c *memConn) Close() error {
	c.hub.mu.Lock()
	delete(c.hub.conns, c)
	c.hub.mu.Unlock()
	c.in.set(func() { c.in.closed = true })
	c.out.set(func() { c.out.eof = true })
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return memAddr(c.self.addr) }
func (c *memConn) RemoteAddr() net.Addr { return memAddr(c.peer.addr) }

func (c *memConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *memConn) SetReadDeadline(t time.Time) error {
	c.in.set(func() { c.in.readDeadline = t })
	return nil
}

func (c *memConn) SetWriteDeadline(t time.Time) error {
	c.out.set(func() { c.out.writeDeadline = t })
	return nil
}
