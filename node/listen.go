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

// handshakeTimeout bounds a TLS handshake; an idle stranger costs no more.
const handshakeTimeout = 5 * time.Second

// maxHandshakes bounds how many strangers may be shaking hands at once.
const maxHandshakes = 256

// front is the one TLS port: peers' log streams go to the log's transport,
// everything else to the API.
type front struct {
	listener net.Listener
	peers    *transport.TLS
	config   *tls.Config
	log      *slog.Logger
	http     chan net.Conn
	slots    chan struct{}
	done     chan struct{}
	once     sync.Once
	wg       sync.WaitGroup
}

func newFront(ln net.Listener, peers *transport.TLS, log *slog.Logger) *front {
	f := &front{listener: ln, peers: peers, config: peers.ServerConfig("http/1.1"), log: log,
		http: make(chan net.Conn), slots: make(chan struct{}, maxHandshakes), done: make(chan struct{})}
	f.wg.Add(1)
	go f.accept()
	return f
}

func (f *front) accept() {
	defer f.wg.Done()
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			f.log.Warn("accept failed", "error", err)
			select {
			case <-f.done:
				return
			case <-time.After(50 * time.Millisecond): // out of descriptors: let some close
			}
			continue
		}
		select {
		case f.slots <- struct{}{}:
			f.wg.Add(1)
			go f.greet(conn)
		default:
			conn.Close()
		}
	}
}

// greet shakes hands and hands the connection on by its ALPN name.
func (f *front) greet(raw net.Conn) {
	defer f.wg.Done()
	defer func() { <-f.slots }()
	conn := tls.Server(raw, f.config)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		f.log.Debug("handshake failed", "from", raw.RemoteAddr().String(), "error", err)
		raw.Close()
		return
	}
	if conn.ConnectionState().NegotiatedProtocol == transport.ProtoRaft {
		if err := f.peers.Handoff(conn); err != nil {
			f.log.Warn("peer refused", "from", raw.RemoteAddr().String(), "error", err)
		}
		return
	}
	select {
	case f.http <- conn:
	case <-f.done:
		conn.Close()
	}
}

// Accept gives the next API connection; front is the HTTP server's listener.
func (f *front) Accept() (net.Conn, error) {
	select {
	case c := <-f.http:
		return c, nil
	case <-f.done:
		return nil, net.ErrClosed
	}
}

// Close stops accepting.
func (f *front) Close() error {
	var err error
	f.once.Do(func() {
		close(f.done)
		err = f.listener.Close()
		f.wg.Wait()
	})
	return err
}

// Addr is where the port listens.
func (f *front) Addr() net.Addr { return f.listener.Addr() }

// httpServer has every time-out and cap set; nothing is left at "for ever".
func httpServer(h http.Handler, connContext func(context.Context, net.Conn) context.Context, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ConnContext: connContext,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Minute, WriteTimeout: 10 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
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
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// peerContext names the member behind a TLS connection, if its key is pinned.
func (n *Node) peerContext(ctx context.Context, c net.Conn) context.Context {
	tc, ok := c.(*tls.Conn)
	if !ok {
		return ctx
	}
	id := n.tls.Identify(tc.ConnectionState())
	if id == "" {
		return ctx
	}
	if m, ok := n.memberOf(id); ok {
		return api.WithPeer(ctx, m)
	}
	return ctx
}

func localContext(ctx context.Context, _ net.Conn) context.Context { return api.WithLocal(ctx) }

// memberOf is the member whose node has this id.
func (n *Node) memberOf(node string) (exchange.MemberID, bool) {
	for m, id := range n.peers().nodes {
		if id == node {
			return m, true
		}
	}
	return "", false
}
