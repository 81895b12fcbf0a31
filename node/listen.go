package node

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"accord/consensus/transport"
	"accord/exchange"
	"accord/node/api"
)

// What strangers may take of the port. Members' connections count only while
// they shake hands; their streams are counted by the log's transport.
const (
	handshakeTimeout = 5 * time.Second
	maxHandshakes    = 256 // under way at once
	maxFromHost      = 64  // of them from one address
	maxStrangers     = 512 // connections to the API
)

// front is the one TLS port: peers' log streams go to the log's transport,
// everything else to the API.
type front struct {
	listener net.Listener
	peers    *transport.TLS
	config   *tls.Config
	log      *slog.Logger
	http     chan net.Conn
	presence func(conn net.Conn, node string) // takes a peer's presence stream until it ends
	ctx      context.Context                  // ends with Close, and handshakes with it
	cancel   context.CancelFunc
	once     sync.Once
	wg       sync.WaitGroup

	mu         sync.Mutex
	handshakes map[string]int // by host; guarded by mu
	shaking    int            // their sum; guarded by mu
	strangers  int            // guarded by mu
}

func newFront(ln net.Listener, peers *transport.TLS, log *slog.Logger, presence func(net.Conn, string)) *front {
	f := &front{listener: ln, peers: peers, config: peers.ServerConfig("http/1.1", protoPresence), log: log, presence: presence,
		http: make(chan net.Conn), handshakes: map[string]int{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.wg.Go(f.accept)
	return f
}

func (f *front) accept() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			f.log.Warn("accept failed", "error", err)
			select {
			case <-f.ctx.Done():
				return
			case <-time.After(50 * time.Millisecond): // out of descriptors: let some close
			}
			continue
		}
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		if err != nil || !f.begin(host) {
			f.peers.Crowded(conn)
			conn.Close()
			continue
		}
		f.wg.Go(func() { f.greet(conn, host) })
	}
}

// begin counts a handshake with a host, unless there are too many.
func (f *front) begin(host string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.shaking >= maxHandshakes || f.handshakes[host] >= maxFromHost {
		return false
	}
	f.shaking++
	f.handshakes[host]++
	return true
}

func (f *front) end(host string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shaking--
	if f.handshakes[host]--; f.handshakes[host] == 0 {
		delete(f.handshakes, host)
	}
}

// greet shakes hands and hands the connection on by its ALPN name.
func (f *front) greet(raw net.Conn, host string) {
	defer f.end(host)
	held := &heldConn{Conn: raw}
	conn := tls.Server(held, f.config)
	ctx, cancel := context.WithTimeout(f.ctx, handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		f.log.Debug("handshake failed", "from", raw.RemoteAddr().String(), "error", err)
		raw.Close()
		return
	}
	state := conn.ConnectionState()
	if state.NegotiatedProtocol == transport.ProtoRaft {
		_ = f.peers.Handoff(conn) // it counts and logs whom it refuses
		return
	}
	if state.NegotiatedProtocol == protoPresence {
		f.seen(conn, f.peers.Identify(state))
		return
	}
	if f.peers.Identify(state) == "" && !f.admit(held) {
		raw.Close()
		return
	}
	select {
	case f.http <- conn:
	case <-f.ctx.Done():
		held.Close()
	}
}

// seen hands a member's presence stream on.
func (f *front) seen(conn net.Conn, node string) {
	if node == "" {
		conn.Close()
		return
	}
	f.wg.Go(func() {
		defer context.AfterFunc(f.ctx, func() { conn.Close() })()
		f.presence(conn, node)
	})
}

// admit counts a stranger's connection until it is closed, unless there are too
// many.
func (f *front) admit(c *heldConn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.strangers >= maxStrangers {
		return false
	}
	f.strangers++
	c.release = func() {
		f.mu.Lock()
		f.strangers--
		f.mu.Unlock()
	}
	return true
}

// heldConn gives its place back when it is closed. It lies below TLS, since the
// HTTP server wants to see the *tls.Conn.
type heldConn struct {
	net.Conn
	release func() // nil: it holds none
	once    sync.Once
}

func (c *heldConn) Close() error {
	err := c.Conn.Close()
	if c.release != nil {
		c.once.Do(c.release)
	}
	return err
}

// Accept gives the next API connection; front is the HTTP server's listener.
func (f *front) Accept() (net.Conn, error) {
	select {
	case c := <-f.http:
		return c, nil
	case <-f.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close stops accepting.
func (f *front) Close() error {
	var err error
	f.once.Do(func() {
		f.cancel()
		err = f.listener.Close()
	})
	f.wg.Wait()
	return err
}

// Addr is where the port listens.
func (f *front) Addr() net.Addr { return f.listener.Addr() }

// httpServer has every time-out and cap set; nothing is left at "for ever".
func (n *Node) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, BaseContext: func(net.Listener) context.Context { return n.requests.context() },
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Minute, WriteTimeout: 10 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(n.log.Handler(), slog.LevelDebug),
	}
}

// gate knows the requests that run, so that what they use is not closed under
// them.
type gate struct {
	mu     sync.Mutex
	ctx    context.Context // guarded by mu
	cancel context.CancelFunc
	closed bool // guarded by mu
	wg     sync.WaitGroup
}

// context ends when the gate closes.
func (g *gate) context() context.Context {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx == nil {
		g.ctx, g.cancel = context.WithCancel(context.Background())
	}
	return g.ctx
}

// count lets requests through while the gate is open.
func (g *gate) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		if g.closed {
			g.mu.Unlock()
			panic(http.ErrAbortHandler)
		}
		g.wg.Add(1)
		g.mu.Unlock()
		defer g.wg.Done()
		h.ServeHTTP(w, r)
	})
}

// close gives up the requests that still run and waits for their ends.
func (g *gate) close() {
	g.context()
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.cancel()
	g.wg.Wait()
}

// maxSocketPath is what fits into sockaddr_un on every system we run on.
const maxSocketPath = 103

// localSocket opens the operators' socket, for this user only.
func localSocket(path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, ErrSocketPath.With("path", path, "max", maxSocketPath)
	}
	if c, err := net.Dial("unix", path); err == nil {
		c.Close()
		return nil, ErrRunning.With("socket", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, ErrListen.Wrap(err, "address", path)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, ErrListen.Wrap(err, "address", path)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, ErrListen.Wrap(err, "address", path)
	}
	return ln, nil
}

// namePeer names the member behind each request, if its key is pinned now: a
// connection may be older than a change of the membership.
func (n *Node) namePeer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			if m, ok := n.memberOf(n.tls.Identify(*r.TLS)); ok {
				r = r.WithContext(api.WithPeer(r.Context(), m))
			}
		}
		h.ServeHTTP(w, r)
	})
}

func localContext(ctx context.Context, _ net.Conn) context.Context { return api.WithLocal(ctx) }

// memberOf is the member whose node has this id.
func (n *Node) memberOf(node string) (exchange.MemberID, bool) {
	m, ok := n.peers().nodes[node]
	return m, ok
}
