package transport

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ProtoRaft is the ALPN name (RFC 7301) of the peer protocol.
const ProtoRaft = "accord-raft/1"

// Pin is what a peer is known by: the SHA-256 of its certificate's
// SubjectPublicKeyInfo.
func Pin(cert *x509.Certificate) [32]byte { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// TLSConfig of a [TLS] network.
type TLSConfig struct {
	NodeID      string
	Address     string // where peers reach this node, host:port
	Certificate tls.Certificate
	// Pins gives the keys of every node of the membership, by node id. It is
	// asked at each handshake and before each request, so it should hand out a
	// map made once per change; the map is not changed here. A key listed under
	// two ids identifies nobody.
	Pins func() map[string][][32]byte
	// Dial opens the TCP stream; nil means a net.Dialer.
	Dial   func(ctx context.Context, network, address string) (net.Conn, error)
	Logger *slog.Logger

	HandshakeTimeout time.Duration // 5 s
	MaxPerPeer       int           // inbound streams of one peer, 16
	MaxInbound       int           // inbound streams altogether, 256
}

// TLS carries streams over TLS 1.3. Both ends show a certificate, and only its
// public key counts: it must be pinned for the node it claims to be. There is no
// certificate authority, no host name and no validity period in this: the
// membership says which key belongs to whom and from when to when, and a second
// opinion from a certificate's own dates could only cut off a member whose key
// the membership still holds good.
type TLS struct {
	cfg     TLSConfig
	cert    atomic.Pointer[tls.Certificate]
	inbound chan Conn
	closed  chan struct{}
	once    sync.Once
	refused tally // connections, by host or peer
	delayed tally // requests that came before the log
	// startPace bounds what a peer can ask for meanwhile.
	startPace *pacer
	accepting atomic.Bool // somebody has called Accept
	waiting   sync.WaitGroup

	mu    sync.Mutex
	peers map[string]int
	open  map[*tlsConn]struct{}
	idle  map[*tlsConn]struct{} // wait for a request and have nobody to serve it
}

var _ Network = (*TLS)(nil)

// NewTLS checks the configuration. It opens no port: inbound streams come
// through [TLS.Handoff] or [TLS.Serve].
func NewTLS(cfg TLSConfig) (*TLS, error) {
	if cfg.NodeID == "" || cfg.Address == "" || cfg.Pins == nil || len(cfg.Certificate.Certificate) == 0 {
		return nil, errors.New("transport: NodeID, Address, Certificate and Pins are required")
	}
	if !canSign(cfg.Certificate) {
		return nil, errors.New("transport: the certificate needs an Ed25519 key that signs")
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{KeepAlive: 15 * time.Second}).DialContext
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = 5 * time.Second
	}
	if cfg.MaxPerPeer == 0 {
		cfg.MaxPerPeer = 16
	}
	if cfg.MaxInbound == 0 {
		cfg.MaxInbound = 256
	}
	t := &TLS{cfg: cfg, inbound: make(chan Conn), closed: make(chan struct{}),
		startPace: newPacer(startRequests, startBytes), peers: map[string]int{}, open: map[*tlsConn]struct{}{}, idle: map[*tlsConn]struct{}{}}
	t.SetCertificate(cfg.Certificate)
	return t, nil
}

// SetCertificate changes the key this node shows from the next handshake on.
func (t *TLS) SetCertificate(c tls.Certificate) { t.cert.Store(&c) }

// Address is this node's address.
func (t *TLS) Address() string { return t.cfg.Address }

// Refused counts the handshakes and streams turned away since start, by peer, or host
// where nobody has proven who it is, and reason.
func (t *TLS) Refused() map[RefusalKey]uint64 { return t.refused.counts() }

// Why a connection is refused.
const (
	refusedKey     = "key-not-pinned"
	refusedStreams = "too-many-streams"
	refusedCrowd   = "too-many-handshakes"
	refusedOther   = "not-a-peer-connection"
)

// refuse counts a connection that was turned away, and speaks of it.
func (t *TLS) refuse(who, why string) {
	if times := t.refused.note(RefusalKey{Peer: who, Rule: why}, time.Now()); times > 0 {
		t.cfg.Logger.Warn("refused a peer's connection", "from", who, "why", why, "times", times)
	}
}

// Crowded counts a connection that a listener beside this one closed because too many
// handshakes were under way.
func (t *TLS) Crowded(from net.Conn) { t.refuse(hostOf(from), refusedCrowd) }

// hostOf is the host of the far end.
func hostOf(c net.Conn) string {
	addr := c.RemoteAddr().String()
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

// Identify is the node id a connection's key is pinned for, or "" for no
// certificate, an unknown key, or a key of two nodes.
func (t *TLS) Identify(cs tls.ConnectionState) string {
	if len(cs.PeerCertificates) == 0 {
		return ""
	}
	pin, found := Pin(cs.PeerCertificates[0]), ""
	for id, pins := range t.cfg.Pins() {
		if !holds(pins, pin) {
			continue
		}
		if found != "" {
			return ""
		}
		found = id
	}
	return found
}

func holds(pins [][32]byte, pin [32]byte) bool {
	return slices.ContainsFunc(pins, func(p [32]byte) bool { return subtle.ConstantTimeCompare(p[:], pin[:]) == 1 })
}

// ServerConfig is for a listener that serves the peer protocol and other things
// beside it, for instance "h2" and "http/1.1". Who asks for the peer protocol
// must show a pinned key or the handshake fails. Everybody else may show one:
// [TLS.Identify] tells who it is, "" for the public. Session tickets are off, so
// no session outlives its key's place in the membership.
func (t *TLS) ServerConfig(others ...string) *tls.Config {
	public := t.base(others)
	public.ClientAuth = tls.RequestClientCert
	public.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, ProtoRaft) {
			return t.peerConfig(hello.Conn), nil
		}
		return nil, nil
	}
	return public
}

// peerConfig is for one connection that asks for the peer protocol.
func (t *TLS) peerConfig(from net.Conn) *tls.Config {
	c := t.base([]string{ProtoRaft})
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		if id := t.Identify(cs); id == "" || id == t.cfg.NodeID {
			t.refuse(hostOf(from), refusedKey)
			return ErrUnknown
		}
		return nil
	}
	return c
}

// ClientConfig is for a connection to one peer, for the peer protocol or, with
// other ALPN names, for its API. The handshake fails unless the far end shows a
// key pinned for that peer.
func (t *TLS) ClientConfig(peer string, protos ...string) *tls.Config {
	c := t.base(protos)
	c.InsecureSkipVerify = true // replaced by the pin, below
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 || !holds(t.cfg.Pins()[peer], Pin(cs.PeerCertificates[0])) || t.Identify(cs) != peer {
			return ErrUnknown
		}
		return nil
	}
	return c
}

func (t *TLS) base(protos []string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: protos, SessionTicketsDisabled: true,
		// A frame goes out in records of 16 KiB, not of one packet each: the small ones
		// are for pages that show while they load.
		DynamicRecordSizingDisabled: true,
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return t.cert.Load(), nil },
		GetClientCertificate:        func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return t.cert.Load(), nil }}
}

// Dial connects to a peer and proves both ends.
func (t *TLS) Dial(ctx context.Context, id, address string) (Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.cfg.HandshakeTimeout)
	defer cancel()
	raw, err := t.cfg.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, t.ClientConfig(id, ProtoRaft))
	err = conn.HandshakeContext(ctx)
	if err == nil && conn.ConnectionState().NegotiatedProtocol != ProtoRaft {
		err = ErrUnknown
	}
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("transport: handshake: %w", err)
	}
	return t.adopt(conn, id, false)
}

// adopt takes a proven connection into the books.
func (t *TLS) adopt(conn *tls.Conn, id string, inbound bool) (*tlsConn, error) {
	c := &tlsConn{Conn: conn, t: t, peer: id, pin: Pin(conn.ConnectionState().PeerCertificates[0]), inbound: inbound}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		_ = conn.NetConn().Close()
		return nil, ErrClosed
	default:
	}
	if inbound {
		total := 0
		for _, n := range t.peers {
			total += n
		}
		if t.peers[id] >= t.cfg.MaxPerPeer || total >= t.cfg.MaxInbound {
			t.refuse(id, refusedStreams)
			_ = conn.NetConn().Close()
			return nil, fmt.Errorf("%w: too many streams from %q", ErrRefused, id)
		}
		t.peers[id]++
	}
	t.open[c] = struct{}{}
	return c, nil
}

// Handoff takes over an inbound connection whose handshake, under
// [TLS.ServerConfig], has settled on [ProtoRaft]. It owns the connection from
// now on and closes it on error. A refusal is counted and logged here. Until the
// first Accept what comes on it is put off.
func (t *TLS) Handoff(conn *tls.Conn) error {
	cs := conn.ConnectionState()
	id := t.Identify(cs)
	if !cs.HandshakeComplete || cs.Version < tls.VersionTLS13 || cs.NegotiatedProtocol != ProtoRaft || id == "" || id == t.cfg.NodeID {
		t.refuse(cmp.Or(id, hostOf(conn)), refusedOther)
		_ = conn.NetConn().Close()
		return fmt.Errorf("%w: not a peer connection", ErrRefused)
	}
	c, err := t.adopt(conn, id, true)
	if err != nil {
		return err
	}
	if t.accepting.Load() {
		return t.deliver(c)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.closed:
		return ErrClosed // and so is the stream
	default:
	}
	t.waiting.Go(func() { t.putOff(c) })
	return nil
}

// deliver gives a stream to whoever accepts.
func (t *TLS) deliver(c *tlsConn) error {
	select {
	case t.inbound <- c:
		return nil
	case <-t.closed:
		_ = c.Close()
		return ErrClosed
	}
}

// Serve accepts peers on a listener of their own, until it is closed.
func (t *TLS) Serve(ln net.Listener) error {
	config := t.ServerConfig()
	slots := make(chan struct{}, 64) // handshakes at once
	for {
		raw, err := ln.Accept()
		if err != nil {
			select {
			case <-t.closed:
				return nil
			default:
			}
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			t.cfg.Logger.Warn("accept failed", "error", err)
			select {
			case <-time.After(100 * time.Millisecond): // out of descriptors, say
			case <-t.closed:
				return nil
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			t.refuse(hostOf(raw), refusedCrowd)
			_ = raw.Close()
			continue
		}
		go func() {
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(context.Background(), t.cfg.HandshakeTimeout)
			defer cancel()
			conn := tls.Server(raw, config)
			if err := conn.HandshakeContext(ctx); err != nil {
				_ = raw.Close()
				return
			}
			_ = t.Handoff(conn)
		}()
	}
}

// Accept gives the next proven inbound stream.
func (t *TLS) Accept() (Conn, error) {
	if !t.accepting.Load() {
		t.begin()
	}
	select {
	case c := <-t.inbound:
		return c, nil
	case <-t.closed:
		return nil, ErrClosed
	}
}

// Close ends Accept and all streams.
func (t *TLS) Close() error {
	t.once.Do(func() { close(t.closed) })
	t.mu.Lock()
	open := make([]*tlsConn, 0, len(t.open))
	for c := range t.open {
		open = append(open, c)
	}
	t.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	t.waiting.Wait()
	return nil
}

// tlsConn is a proven stream.
type tlsConn struct {
	*tls.Conn
	t       *TLS
	peer    string
	pin     [32]byte
	inbound bool
	unread  []byte // read before it was handed on
	once    sync.Once
}

func (c *tlsConn) Peer() string { return c.peer }

// Read gives what was read before the stream was handed on, then the rest.
func (c *tlsConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		n := copy(p, c.unread)
		c.unread = c.unread[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// Valid looks the key up again: a member that was removed or has changed its
// key is cut off at its next request.
func (c *tlsConn) Valid() error {
	if !holds(c.t.cfg.Pins()[c.peer], c.pin) {
		return ErrUnknown
	}
	return nil
}

func (c *tlsConn) Close() error {
	c.once.Do(func() {
		c.t.mu.Lock()
		delete(c.t.open, c)
		if c.inbound {
			if c.t.peers[c.peer]--; c.t.peers[c.peer] == 0 {
				delete(c.t.peers, c.peer)
			}
		}
		c.t.mu.Unlock()
	})
	// tls.Conn.Close would wait up to five seconds to say goodbye to a peer that
	// does not read.
	return c.Conn.NetConn().Close()
}
