package node

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"accord/consensus"
	"accord/crypto/jws"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/node/wire"
)

// ledgerMachine lets the log drive the machine; the two packages know nothing
// of each other.
type ledgerMachine struct {
	*machine.Machine
	n *Node
}

func (m ledgerMachine) Snapshot() (consensus.Snapshot, error) { return m.Machine.Snapshot() }

// proposer puts the agency's commands into the log.
type proposer struct{ n *Node }

// Propose implements agency.Proposer. An unknown outcome is asked again with
// the same bytes, which the machine answers once, as long as the caller waits.
func (p proposer) Propose(ctx context.Context, payload []byte) ([]byte, error) {
	for {
		res, err := p.n.ledger.Propose(ctx, payload)
		if err == nil {
			return res.Value, nil
		}
		if !errors.Is(err, consensus.ErrUnknownOutcome) || ctx.Err() != nil {
			return nil, translate(err)
		}
		select {
		case <-ctx.Done():
			return nil, translate(err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// acceptWindow is how far a command's time may be from the leader's clock when
// it is accepted (design: time travels in the command; ±60 s at accept).
const acceptWindow = 60 * time.Second

// Admit is asked by the leader before it proposes: the one place where a clock
// meets a command. Followers and apply never look at theirs.
func (m ledgerMachine) Admit(payload []byte) error {
	t, err := jws.Parse(string(payload))
	if err != nil {
		return err
	}
	cmd, err := exchange.DecodeCommand(t.Payload)
	if err != nil {
		return err
	}
	if off := m.n.opts.Clock().Sub(cmd.At.Time()); off > acceptWindow || off < -acceptWindow {
		return errClock
	}
	return nil
}

var errClock = errors.New("node: the command's time is more than 60 s from this leader's clock")

// CaughtUp says whether this node has reached a read point since it started.
func (n *Node) CaughtUp() bool { return n.ready.Load() }

// Barrier waits until this node has applied all that was committed when it was
// called.
func (n *Node) Barrier(r *http.Request) error {
	_, err := n.ledger.Barrier(r.Context())
	return translate(err)
}

// watchReady makes the node ready once it has reached a read point: it follows
// a leader and has applied what was committed.
func (n *Node) watchReady(ctx context.Context) {
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := n.ledger.Barrier(attempt)
		cancel()
		if err == nil {
			n.ready.Store(true)
			n.log.Info("ready", "leader", n.ledger.Status().Leader, "applied", n.machine.View().Index())
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Status is what this node knows of itself.
func (n *Node) Status() wire.NodeStatus {
	st, view := n.ledger.Status(), n.machine.View()
	root := view.Root()
	out := wire.NodeStatus{
		Member: n.id.Member, Node: n.id.Node, Version: n.opts.Version, Role: st.State, Leader: st.Leader,
		Term: st.Term, Commit: st.Commit, Applied: st.Applied, StartedAt: n.started.UTC(),
		Ledger: wire.Ledger{Index: view.Index(), Size: view.Size(), Root: hex.EncodeToString(root[:]),
			Digest: view.Digest().String(), Time: view.Time().Time()},
	}
	out.LeaderOf, _ = n.memberOf(st.Leader)
	out.Records = n.recordCount()
	switch {
	case !n.ready.Load():
		out.Why = "waiting for a leader and for what was committed"
	case st.Leader == "":
		out.Why = "no leader"
	case n.audit.Working() == 0:
		out.Why = "no audit file can be written"
	default:
		out.Ready = true
	}
	return out
}
