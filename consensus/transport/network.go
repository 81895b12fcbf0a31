// Package transport carries Raft's messages between nodes that do not trust one
// another, and refuses what a node has no business to send.
//
// A [Network] carries byte streams whose far end is proven: over TLS with pinned
// keys ([TLS]) or inside one process for tests ([Hub]). One [Transport] on top
// of it speaks the peer protocol: framing, codec, pipelining, forwarded calls.
// Because each inbound stream has one proven peer, every request reaches the
// [Guard] together with the identity that sent it, on both networks alike.
package transport

import (
	"context"
	"errors"
	"net"
)

// Errors of the package. Nothing a peer says appears in their text beyond a
// word of our own vocabulary.
var (
	ErrClosed  = errors.New("transport: closed")
	ErrRefused = errors.New("transport: refused by peer")
	ErrPeer    = errors.New("transport: peer could not answer")
	// ErrNotSent: no stream to the peer, so it has seen nothing.
	ErrNotSent = errors.New("transport: peer not reached")
	ErrUnknown = errors.New("transport: no such peer or key")
)

// Conn is a stream whose far end is proven.
type Conn interface {
	net.Conn
	// Peer is the node id of the far end.
	Peer() string
	// Valid is nil as long as the far end's key still belongs to that node; it
	// is asked before each request, so a removed member is cut at once.
	Valid() error
}

// Network carries proven streams for one node.
type Network interface {
	// Address is where peers reach this node, as the membership names it.
	Address() string
	// Dial opens a stream to the node with this id, or fails if whoever answers
	// at the address does not prove to be it.
	Dial(ctx context.Context, id, address string) (Conn, error)
	// Accept returns the next inbound stream; after Close it returns [ErrClosed].
	Accept() (Conn, error)
	// Sign signs a message with the key this node proves itself by on streams.
	// The message names its own purpose. The result is [SignatureSize] bytes, or
	// nil if the network is closed.
	Sign(message []byte) []byte
	// Verify is nil if the signature is one a key of that node has made over the
	// message. A key that is no longer the node's is refused with [ErrUnknown].
	Verify(node string, message, sig []byte) error
	// Close ends Accept and closes every stream.
	Close() error
}
