package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"accord/exchange"
)

// connectionIdle is how long a connection to a peer is kept unused. A release takes
// several calls, and a busy node makes many releases a second: a fifth of what they cost
// was TLS handshakes. It is short because a link that has died is noticed late
// on a kept connection and at once by a new one.
const connectionIdle = 2 * time.Second

// maxIdleConnections is how many are kept to one peer: as many as operators at work.
const maxIdleConnections = 128

// peerConnections keeps this node's connections to the other members' API, for the calls
// that requests to its own API make. Both ends are proven when a connection begins; so
// none outlives the peer's place in the membership, its keys, or this node's own.
type peerConnections struct {
	mu   sync.Mutex
	kept map[exchange.MemberID]*peerConnection // guarded by mu
}

type peerConnection struct {
	node, address string
	pins          [][sha256.Size]byte
	tr            *http.Transport
}

func (c *peerConnection) fits(t *peerTable, m exchange.MemberID) bool {
	peer, ok := t.member(m)
	return ok && peer.Node == c.node && peer.Address == c.address && slices.Equal(t.pins[peer.Node], c.pins)
}

// peerTransport is a transport over connections that shake hands by config.
func peerTransport(config *tls.Config) *http.Transport {
	return &http.Transport{
		DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return dialTLS(ctx, network, address, config)
		},
		DisableCompression: true, MaxIdleConnsPerHost: maxIdleConnections, IdleConnTimeout: connectionIdle,
	}
}

// betweenCalls is how long the connection of a round with an author's feed waits for the
// round's next call.
const betweenCalls = 500 * time.Millisecond

// roundTransport is the transport of one round with an author's feed: a round that catches
// up makes thousands of calls, and each was a handshake. They share a connection, which
// ends soon after the round.
func roundTransport(config *tls.Config) *http.Transport {
	tr := peerTransport(config)
	tr.MaxIdleConnsPerHost, tr.IdleConnTimeout = 1, betweenCalls
	return tr
}

// to is the transport to a member's node, as the table lists it now, and its address.
func (p *peerConnections) to(t *peerTable, m exchange.MemberID, config func(node string) *tls.Config) (*http.Transport, string, error) {
	peer, ok := t.member(m)
	if !ok {
		return nil, "", ErrNoPeer.With("member", m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.kept[m]; c != nil {
		if c.fits(t, m) {
			return c.tr, peer.Address, nil
		}
		p.end(m)
	}
	c := &peerConnection{node: peer.Node, address: peer.Address, pins: slices.Clone(t.pins[peer.Node]), tr: peerTransport(config(peer.Node))}
	if p.kept == nil {
		p.kept = map[exchange.MemberID]*peerConnection{}
	}
	p.kept[m] = c
	return c.tr, peer.Address, nil
}

// end gives up the connections to a member; one that is being used ends with its call.
// p.mu is held.
func (p *peerConnections) end(m exchange.MemberID) {
	p.kept[m].tr.CloseIdleConnections()
	delete(p.kept, m)
}

// keep gives up what does not fit the table any more.
func (p *peerConnections) keep(t *peerTable) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m, c := range p.kept {
		if !c.fits(t, m) {
			p.end(m)
		}
	}
}

// drop gives up all.
func (p *peerConnections) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.kept {
		p.end(m)
	}
}
