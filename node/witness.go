package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"accord/consensus"
	"accord/consensus/transport"
	"accord/exchange"
	"accord/node/failpoint"
	"accord/node/witness"
)

// The log asks the machine what makes a snapshot believable.
var _ consensus.Voucher = ledgerMachine{}

// openWitness opens the memory of what this node has signed. A node that an
// alarm has stopped stays stopped: it hears and says nothing in the log.
func (n *Node) openWitness() (err error) {
	gone := func(node string) bool { return n.givenUp(node) != "" }
	n.peerNet = &quietNetwork{Network: n.tls, gone: gone, open: map[*quietConn]struct{}{}}
	n.witness, err = witness.Open(witness.Config{
		Federation: n.cfg.Federation, Self: n.id.Member, Dir: filepath.Join(n.cfg.Dir, "witness"), Genesis: n.genesis,
		Keys: n.keys, Ledger: n.machine, Clock: n.opts.Clock, Log: n.log, Check: n.machine.Check, Patience: n.cfg.ComplainAfter,
		Every: cmp.Or(n.opts.Cosign, failpoint.CosignEvery()),
		Peer:  func(m exchange.MemberID) (witness.Peer, error) { return n.peerClient(m) },
		Propose: func(ctx context.Context, payload []byte) error {
			_, err := n.ledger.Propose(ctx, payload)
			return err
		},
		Applied: func() uint64 {
			if l := n.inLog.Load(); l != nil {
				return l.Status().Applied
			}
			return 0
		},
		Leader: func() exchange.MemberID {
			m, _ := n.memberOf(n.ledger.Status().Leader)
			return m
		},
		OnStop: n.onStop, GivenUp: gone,
	})
	if err == nil {
		n.peerNet.mute(n.witness.Stopped())
	}
	return err
}

// onStop makes the log's network silent, or lets it speak again when an operator
// has settled the last alarm: then what peers said of plans is asked anew.
func (n *Node) onStop(stopped bool) {
	if !stopped {
		n.unhear()
	}
	n.peerNet.mute(stopped)
}

// Vouch implements consensus.Voucher.
func (m ledgerMachine) Vouch(ctx context.Context, index uint64) ([]byte, error) {
	failpoint.Hit("witness.vouch")
	voucher, err := m.n.witness.Vouch(ctx, index)
	if m.n.opts.Vouch != nil && err == nil {
		voucher = m.n.opts.Vouch(voucher)
	}
	return voucher, err
}

// Vet implements consensus.Voucher.
func (m ledgerMachine) Vet(ctx context.Context, voucher []byte, snapshot io.Reader) error {
	failpoint.Hit("witness.vet")
	err := m.n.witness.Vet(ctx, m.Machine, voucher, snapshot)
	if errors.Is(err, witness.ErrCosign) { // the snapshot is not touched yet
		// Keys may have been exchanged while this node was away.
		m.n.askRosters(ctx)
		err = m.n.witness.Vet(ctx, m.Machine, voucher, snapshot)
	}
	if errors.Is(err, witness.ErrCosign) {
		err = fmt.Errorf("%w: %w", consensus.ErrUnjudged, err)
	}
	return err
}

// quietNetwork is the log's network, which can be made silent: a node that may
// hold another history than the others must not vote, lead, or take entries.
type quietNetwork struct {
	transport.Network
	gone  func(node string) bool // given up by a plan of recovery: no stream to or from it
	mu    sync.Mutex
	muted bool                    // guarded by mu
	open  map[*quietConn]struct{} // guarded by mu
}

var (
	errMuted = errors.New("node: silent over a ledger alarm")
	errGone  = errors.New("node: the peer was given up by a plan of recovery")
)

// mute closes every stream and opens no other until it is taken back.
func (q *quietNetwork) mute(muted bool) {
	q.mu.Lock()
	q.muted = muted
	var open []*quietConn
	if muted {
		for c := range q.open {
			open = append(open, c)
		}
	}
	q.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// take wraps a stream, or closes it on a silent network.
func (q *quietNetwork) take(c transport.Conn) (transport.Conn, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.muted {
		return nil, errors.Join(errMuted, c.Close())
	}
	if q.gone(c.Peer()) {
		return nil, errors.Join(errGone, c.Close())
	}
	held := &quietConn{Conn: c, of: q}
	q.open[held] = struct{}{}
	return held, nil
}

// Dial implements transport.Network.
func (q *quietNetwork) Dial(ctx context.Context, id, address string) (transport.Conn, error) {
	q.mu.Lock()
	muted := q.muted
	q.mu.Unlock()
	if muted {
		return nil, errMuted
	}
	if q.gone(id) {
		return nil, errGone
	}
	c, err := q.Network.Dial(ctx, id, address)
	if err != nil {
		return nil, err
	}
	return q.take(c)
}

// Accept implements transport.Network.
func (q *quietNetwork) Accept() (transport.Conn, error) {
	for {
		c, err := q.Network.Accept()
		if err != nil {
			return nil, err
		}
		if held, err := q.take(c); err == nil {
			return held, nil
		}
	}
}

// part closes the streams of nodes that were given up meanwhile.
func (q *quietNetwork) part() {
	q.mu.Lock()
	var gone []*quietConn
	for c := range q.open {
		if q.gone(c.Peer()) {
			gone = append(gone, c)
		}
	}
	q.mu.Unlock()
	for _, c := range gone {
		c.Close()
	}
}

// quietConn leaves the network's list when it is closed.
type quietConn struct {
	transport.Conn
	of *quietNetwork
}

// Close implements net.Conn.
func (c *quietConn) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}
