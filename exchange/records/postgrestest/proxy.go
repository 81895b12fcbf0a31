package postgrestest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy stands between a client and the server and cuts connections.
type Proxy struct {
	Port int

	to string
	ln net.Listener

	mu    sync.Mutex
	cut   int // what is done at the next COMMIT
	away  bool
	conns map[net.Conn]bool
}

// What a proxy does at the next COMMIT.
const (
	Pass       = iota
	BeforeSent // the server never sees it
	AfterDone  // the server carries it out, the client never hears of it
)

// Proxy makes a proxy in front of the server.
func (s *Server) Proxy(t testing.TB) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Port: ln.Addr().(*net.TCPAddr).Port, ln: ln, conns: map[net.Conn]bool{}}
	p.to = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.Port}).String()
	t.Cleanup(func() { ln.Close(); p.Away(true) })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	return p
}

// Cut says what happens to the connection of the next COMMIT.
func (p *Proxy) Cut(how int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = how
}

// Away cuts all connections, and all new ones until it is told otherwise.
func (p *Proxy) Away(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
	for c := range p.conns {
		if away {
			c.Close()
		}
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	if p.away {
		p.mu.Unlock()
		return
	}
	p.conns[client] = true
	p.mu.Unlock()
	defer func() { p.mu.Lock(); delete(p.conns, client); p.mu.Unlock() }()
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	var deaf sync.Once
	quiet := make(chan struct{}) // closed when answers go nowhere any more
	go func() {
		defer client.Close()
		buf := make([]byte, 32<<10)
		for {
			n, err := server.Read(buf)
			select {
			case <-quiet:
				return // the answer to COMMIT is here, so it is carried out
			default:
			}
			if n > 0 {
				if _, err := client.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := client.Read(buf)
		if bytes.Contains(buf[:n], []byte("commit\x00")) {
			switch p.takeCut() {
			case BeforeSent:
				return
			case AfterDone:
				deaf.Do(func() { close(quiet) })
			}
		}
		if n > 0 {
			if _, err := server.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if err == io.EOF {
				return
			}
			return
		}
	}
}

func (p *Proxy) takeCut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	how := p.cut
	p.cut = Pass
	return how
}
