package transport

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"
)

// certificate makes a self-signed one; its names and dates are nonsense, since
// only the key counts.
func certificate(t testing.TB) (tls.Certificate, [32]byte) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "n1"}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, Pin(leaf)
}

// book is a set of pins that can change.
type book struct {
	mu   sync.Mutex
	pins map[string][][32]byte
}

func (b *book) get() map[string][][32]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string][][32]byte{}
	for k, v := range b.pins {
		out[k] = v
	}
	return out
}

func (b *book) set(id string, pins ...[32]byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pins == nil {
		b.pins = map[string][][32]byte{}
	}
	b.pins[id] = pins
}

// server is a TLS network that listens.
func server(t testing.TB, id string, cert tls.Certificate, pins *book, perPeer int) (*TLS, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewTLS(TLSConfig{NodeID: id, Address: ln.Addr().String(), Certificate: cert, Pins: pins.get, MaxPerPeer: perPeer})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = n.Serve(ln) }()
	t.Cleanup(func() { _ = n.Close(); _ = ln.Close(); <-done })
	return n, ln.Addr().String()
}

// Shows: B1, g1
func TestTLSProvesBothEnds(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	n0, addr := server(t, "n0", c0, pins, 0)
	n1, _ := server(t, "n1", c1, pins, 0)
	out, err := n1.Dial(t.Context(), "n0", addr)
	if err != nil {
		t.Fatal(err)
	}
	in, err := n0.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if out.Peer() != "n0" || in.Peer() != "n1" || in.Valid() != nil || out.Valid() != nil {
		t.Fatal("peers:", out.Peer(), in.Peer())
	}
	go func() { _, _ = out.Write([]byte("hi")) }()
	b := make([]byte, 2)
	if _, err := in.Read(b); err != nil || string(b) != "hi" {
		t.Fatal(err)
	}
	pins.set("n1") // removed
	if in.Valid() == nil {
		t.Fatal("a removed peer's open stream is valid")
	}
	if _, err := n0.Dial(t.Context(), "n1", n1.Address()); err == nil {
		t.Fatal("dialled a removed peer")
	}
}

// Who must not get a stream: a foreign key, no key, the key of two members, our
// own key, another protocol, an old TLS.
//
// Shows: B1, g1, D10, D11
func TestTLSRefuses(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	foreign, _ := certificate(t)
	twice, p2 := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	pins.set("n2", p2)
	pins.set("n3", p2)
	n0, addr := server(t, "n0", c0, pins, 0)
	for _, tc := range []struct {
		name string
		conf *tls.Config
	}{
		{"foreign key", &tls.Config{Certificates: []tls.Certificate{foreign}, NextProtos: []string{ProtoRaft}}},
		{"no key", &tls.Config{NextProtos: []string{ProtoRaft}}},
		{"key of two members", &tls.Config{Certificates: []tls.Certificate{twice}, NextProtos: []string{ProtoRaft}}},
		{"our own key", &tls.Config{Certificates: []tls.Certificate{c0}, NextProtos: []string{ProtoRaft}}},
		{"other protocol", &tls.Config{Certificates: []tls.Certificate{c1}, NextProtos: []string{"h2"}}},
		{"no protocol", &tls.Config{Certificates: []tls.Certificate{c1}}},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{c1}, NextProtos: []string{ProtoRaft}, MaxVersion: tls.VersionTLS12}},
	} {
		tc.conf.InsecureSkipVerify = true
		conn, err := tls.Dial("tcp", addr, tc.conf)
		if err == nil { // in TLS 1.3 the client finishes first and learns later
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err = conn.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: the stream lives", tc.name)
			}
			_ = conn.Close()
		}
	}
	n0.mu.Lock()
	defer n0.mu.Unlock()
	if len(n0.open) != 0 {
		t.Fatalf("%d streams were taken", len(n0.open))
	}
	// The first, third and fourth speak the protocol with a key that will not do.
	if n := n0.Refused()[RefusalKey{Peer: "127.0.0.1", Rule: refusedKey}]; n != 3 {
		t.Errorf("%d are counted: %v", n, n0.Refused())
	}
}

// A server with n1's key is not taken for n2. (That n1 dialling is n1 and nobody
// else, TestTLSProvesBothEnds shows.)
//
// Shows: B4, g1
func TestTLSMemberIsOnlyItself(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	_, p2 := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	pins.set("n2", p2)
	n0, _ := server(t, "n0", c0, pins, 0)
	_, addr1 := server(t, "n1", c1, pins, 0)
	if _, err := n0.Dial(t.Context(), "n2", addr1); !errors.Is(err, ErrUnknown) {
		t.Fatalf("n1 answers for n2: %v", err)
	}
}

// Shows: B1, g9
func TestTLSCapsStreams(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	n0, addr := server(t, "n0", c0, pins, 3)
	go func() {
		for {
			if _, err := n0.Accept(); err != nil {
				return
			}
		}
	}()
	n1, _ := server(t, "n1", c1, pins, 0)
	for range 8 {
		if c, err := n1.Dial(t.Context(), "n0", addr); err == nil {
			defer c.Close()
		}
	}
	key := RefusalKey{Peer: "n1", Rule: refusedStreams}
	for n0.Refused()[key] < 5 {
		select {
		case <-t.Context().Done():
			return
		case <-time.After(time.Millisecond):
		}
	}
	n0.mu.Lock()
	defer n0.mu.Unlock()
	if len(n0.open) != 3 || n0.peers["n1"] != 3 {
		t.Fatalf("%d streams of one peer live, refused %v", len(n0.open), n0.Refused())
	}
}

// One listener for peers and public: the public needs no certificate and is
// nobody, a member calling the API is known, a stranger's certificate is nobody.
func TestTLSPublicBeside(t *testing.T) {
	pins := &book{}
	c0, p0 := certificate(t)
	c1, p1 := certificate(t)
	foreign, _ := certificate(t)
	pins.set("n0", p0)
	pins.set("n1", p1)
	n0, err := NewTLS(TLSConfig{NodeID: "n0", Address: "x", Certificate: c0, Pins: pins.get})
	if err != nil {
		t.Fatal(err)
	}
	n1, err := NewTLS(TLSConfig{NodeID: "n1", Address: "y", Certificate: c1, Pins: pins.get})
	if err != nil {
		t.Fatal(err)
	}
	anybody := func(cs ...tls.Certificate) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}, Certificates: cs}
	}
	for _, tc := range []struct {
		name   string
		client *tls.Config
		want   string
	}{
		{"public", anybody(), ""},
		{"stranger", anybody(foreign), ""},
		{"member", n1.ClientConfig("n0", "http/1.1"), "n1"},
	} {
		a, b := net.Pipe()
		srv, cli := tls.Server(a, n0.ServerConfig("h2", "http/1.1")), tls.Client(b, tc.client)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		errs := make(chan error, 1)
		go func() { errs <- cli.HandshakeContext(ctx) }()
		if err := errors.Join(srv.HandshakeContext(ctx), <-errs); err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		cs := srv.ConnectionState()
		if got := n0.Identify(cs); got != tc.want || cs.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%s: identity %q, protocol %q", tc.name, got, cs.NegotiatedProtocol)
		}
		if err := n0.Handoff(srv); !errors.Is(err, ErrRefused) {
			t.Errorf("%s: a public connection is taken for a peer's: %v", tc.name, err)
		}
		cancel()
		_ = a.Close()
		_ = b.Close()
	}
}
