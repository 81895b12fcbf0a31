package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"github.com/hashicorp/raft"
)

// ErrNotYet: the peer cannot take the request now, has done nothing with it and holds
// nothing against the sender, who may try again. Config.Vet returns it, wrapped, for a
// snapshot this node cannot judge yet.
var ErrNotYet = errors.New("transport: not yet")

// Why a peer is put off.
const (
	laterStarting = "starting"                // no log yet to serve it from
	laterBusy     = "busy"                    // Raft did not take it in the sender's time
	laterTerm     = "term"                    // Raft is not in the leader's term yet
	laterDisk     = "disk"                    // no room for entries
	laterIncoming = "snapshot-on-its-way"     // another one is coming in
	laterBroken   = "snapshot-did-not-arrive" // it ended early, or could not be stored
	laterUnjudged = "snapshot-unjudged"       // its voucher's signers are not known here yet
)

// notYet is an ErrNotYet with its reason.
type notYet struct {
	why   string
	cause error // may be nil
}

func (e *notYet) Error() string {
	if e.cause != nil {
		return ErrNotYet.Error() + ": " + e.why + ": " + e.cause.Error()
	}
	return ErrNotYet.Error() + ": " + e.why
}

func (e *notYet) Unwrap() []error {
	if e.cause == nil {
		return []error{ErrNotYet}
	}
	return []error{ErrNotYet, e.cause}
}

// later counts a request that was put off, and speaks of it.
func (g *Guard) later(peer string, kind Kind, why string, cause error) error {
	err := &notYet{why, cause}
	if times := g.delayed.note(RefusalKey{Peer: peer, Rule: why}, time.Now()); times > 0 && why != laterTerm {
		g.cfg.Logger.Info("put a peer off", "peer", peer, "kind", kind.String(), "why", err.Error(), "times", times)
	}
	return err
}

// Delayed counts the requests put off since start, by peer and reason.
func (g *Guard) Delayed() map[RefusalKey]uint64 { return g.delayed.counts() }

// hand gives a request to Raft, for as long as its sender waits for an answer. Raft
// takes none while it installs a snapshot, and a stream that waits for ever counts
// against its peer's share although nobody listens at its other end.
func (t *Transport) hand(conn Conn, kind Kind, rpc raft.RPC, bodySize int) error {
	select {
	case t.consumer <- rpc:
		return nil
	default:
	}
	patience := time.NewTimer(t.limit(rpc.Command, bodySize))
	defer patience.Stop()
	select {
	case t.consumer <- rpc:
		return nil
	case <-patience.C:
		return t.cfg.Guard.later(conn.Peer(), kind, laterBusy, nil)
	case <-t.ctx.Done():
		return ErrClosed
	}
}

// limit is how long a sender waits for the answer to a request of Raft's.
func (t *Transport) limit(cmd any, bodySize int) time.Duration {
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		if len(c.Entries) == 0 {
			// An answer that comes later than this is no sign of life.
			return allowance(t.cfg.HeartbeatTimeout/2, int64(bodySize))
		}
		return allowance(t.cfg.Timeout, int64(bodySize))
	case *raft.InstallSnapshotRequest:
		// Twice the time for its size: it is judged whole after it has arrived.
		return allowance(4*t.cfg.Timeout, 2*c.Size)
	}
	return allowance(t.cfg.HeartbeatTimeout, int64(bodySize))
}

// putOff answers "not yet" to all that comes on a stream before there is a log to
// serve it, and hands the stream on when there is. A peer that were left to wait would
// open one stream after another until it has no more.
func (t *TLS) putOff(c *tlsConn) {
	for {
		head, begun, err := t.awaitRequest(c)
		switch {
		case err != nil:
			_ = c.Close()
			return
		case begun:
			c.unread = head
			_ = t.deliver(c)
			return
		case !t.decline(c, Kind(head[0]), binary.BigEndian.Uint32(head[1:])):
			_ = c.Close()
			return
		}
	}
}

// awaitRequest reads the head of the next request, or less of it when meanwhile there
// has come to be a log.
func (t *TLS) awaitRequest(c *tlsConn) (head []byte, begun bool, err error) {
	t.mu.Lock()
	if begun = t.accepting.Load(); !begun {
		_ = c.SetReadDeadline(time.Now().Add(acceptedLimit))
		t.idle[c] = struct{}{}
	}
	t.mu.Unlock()
	if begun {
		return nil, true, nil
	}
	head = make([]byte, 5)
	n, err := io.ReadFull(c.Conn, head)
	t.mu.Lock()
	delete(t.idle, c)
	begun = t.accepting.Load()
	t.mu.Unlock()
	if begun && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	_ = c.SetReadDeadline(time.Time{})
	return head[:n], begun, err
}

// begin wakes the streams that wait for a request, once.
func (t *TLS) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.accepting.Swap(true) {
		return
	}
	for c := range t.idle {
		_ = c.SetReadDeadline(time.Now())
	}
}

// decline reads a request past its body and puts it off; false ends the stream.
func (t *TLS) decline(c *tlsConn, kind Kind, n uint32) bool {
	if n > maxBody(kind) || c.Valid() != nil {
		return false
	}
	_ = c.SetReadDeadline(time.Now().Add(allowance(t.cfg.HandshakeTimeout, int64(n))))
	if m, err := io.Copy(io.Discard, io.LimitReader(c.Conn, int64(n))); err != nil || m != int64(n) {
		return false
	}
	if times := t.delayed.note(RefusalKey{Peer: c.peer, Rule: laterStarting}, time.Now()); times > 0 {
		t.cfg.Logger.Info("put a peer off", "peer", c.peer, "kind", kind.String(), "why", laterStarting, "times", times)
	}
	select {
	case <-time.After(t.startPace.take(c.peer, 1, int(n), time.Now())):
	case <-t.closed:
		return false
	}
	_ = c.SetWriteDeadline(time.Now().Add(t.cfg.HandshakeTimeout))
	// A snapshot's bytes follow its request: end the stream.
	return writeFrame(c, statusNotYet, nil) == nil && kind != KindInstallSnapshot
}

// Delayed counts the requests put off before there was a log, by peer.
func (t *TLS) Delayed() map[RefusalKey]uint64 { return t.delayed.counts() }
