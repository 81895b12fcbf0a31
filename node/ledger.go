package node

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"accord/consensus"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/wire"
)

// ledgerMachine lets the log drive the machine; the two packages know nothing
// of each other.
type ledgerMachine struct {
	*machine.Machine
	n *Node
}

// Governs implements consensus.Governor: a server is one by a roster or not at
// all.
func (m ledgerMachine) Governs(servers []consensus.Server) error {
	places := make([]members.Place, len(servers))
	for i, s := range servers {
		if m.n.givenUp(s.ID) != "" { // what it voted and stored under the old membership could be taken for the new one's
			return members.ErrGovernance.With("node", s.ID)
		}
		places[i] = members.Place(s)
	}
	return m.Book().Governs(m.View().Roster().Version, places)
}

func (m ledgerMachine) Snapshot() (consensus.Snapshot, error) { return m.Machine.Snapshot() }

// proposer puts the agency's commands into the log.
type proposer struct {
	log interface {
		Propose(ctx context.Context, payload []byte) (consensus.Result, error)
	}
	// ready waits until the command's turn has come.
	ready func(ctx context.Context, payload []byte) error
	// watch begins to wait for the command's inclusion; the function it gives
	// ends that.
	watch func(payload []byte) (done func())
	// inOrder says whether this node, leading, would take the command, and has no
	// reason to doubt its own clock.
	inOrder func(ctx context.Context, payload []byte) bool
}

func (n *Node) proposer() proposer {
	m := ledgerMachine{n.machine, n}
	return proposer{log: n.ledger, ready: n.awaitRecord, watch: n.witness.Watch, inOrder: func(ctx context.Context, payload []byte) bool {
		return n.machine.Check(payload) == nil && m.punctual(payload) == nil && n.witness.OnTime(ctx, acceptWindow)
	}}
}

// Propose implements agency.Proposer. An unknown outcome is asked again with
// the same bytes, which the machine answers once, as long as the caller waits.
// Once a try's outcome is unknown, no refusal of a later try says that nothing
// happened. Nor does the refusal of a command that is in order: whoever leads
// keeps it out, this node goes on trying and complains to the others.
func (p proposer) Propose(ctx context.Context, payload []byte) ([]byte, error) {
	if p.ready == nil {
		p.ready = func(context.Context, []byte) error { return nil }
	}
	if err := p.ready(ctx, payload); err != nil {
		return nil, err
	}
	done := p.watch(payload)
	var unknown error
	for {
		res, err := p.log.Propose(ctx, payload)
		switch {
		case err == nil:
			done()
			return res.Value, nil
		case errors.Is(err, consensus.ErrUnknownOutcome):
			unknown = err
		case unknown == nil && errors.Is(err, consensus.ErrRefused) && p.inOrder(ctx, payload):
			return nil, ErrHeld.Wrap(err)
		case unknown == nil:
			done()
			return nil, translate(err)
		case !errors.Is(err, consensus.ErrNoQuorum):
			return nil, translate(unknown)
		}
		select {
		case <-ctx.Done():
			return nil, translate(unknown)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// acceptWindow is how far a command's time may be from the leader's clock when
// it is accepted (design: time travels in the command; ±60 s at accept).
const acceptWindow = 60 * time.Second

// futureWindow is how far ahead of a follower's own clock a command may be when it
// is stored. Ledger time follows the commands, so one of the year 3000 would move
// it for good. To refuse here is safe although other nodes may have stored it:
// clocks only move on, so a follower whose clock is behind takes the entry a
// little later, and nothing is refused for being old, as what a node catches up
// with always is.
const futureWindow = 5 * time.Minute

var errFuture = errors.New("node: the command's time is more than 5 min ahead of this node's clock")

// Check is the machine's, and not too far in the future.
func (m ledgerMachine) Check(payload []byte) error { return m.CheckAll([][]byte{payload})[0] }

// CheckAll implements consensus.BatchChecker.
func (m ledgerMachine) CheckAll(payloads [][]byte) []error {
	times, errs := m.CheckTimes(payloads)
	horizon := m.n.opts.Clock().Add(futureWindow)
	for i, err := range errs {
		if err == nil && times[i].Time().After(horizon) {
			errs[i] = errFuture
		}
	}
	return errs
}

// Admit is asked by the leader before it proposes. Apply never looks at a clock.
func (m ledgerMachine) Admit(payload []byte) error {
	if admit := m.n.opts.Admit; admit != nil {
		if err := admit(payload); err != nil {
			return err
		}
	}
	return m.punctual(payload)
}

// punctual is nil for a command whose time is near this node's clock.
func (m ledgerMachine) punctual(payload []byte) error {
	cmd, err := m.CommandOf(payload)
	if err != nil {
		return err
	}
	if off := m.n.opts.Clock().Sub(cmd.At.Time()); off > acceptWindow || off < -acceptWindow {
		return errClock
	}
	return m.AllowsPayload(payload)
}

var errClock = errors.New("node: the command's time is more than 60 s from this leader's clock")

// CaughtUp says whether this node has reached a read point since it started.
func (n *Node) CaughtUp() bool { return n.caughtUp.Load() }

// Barrier waits until this node has applied all that was committed when it was
// called.
func (n *Node) Barrier(r *http.Request) error {
	_, err := n.ledger.Barrier(r.Context())
	return translate(err)
}

// watchReady keeps asking for read points: the node is ready as long as it gets
// them. Only that shows that it follows a leader a majority follows and has
// applied what was committed; to know a leader's name shows neither.
func (n *Node) watchReady(ctx context.Context) {
	patience := max(5*time.Second, 4*n.cfg.RaftTimeout)
	for ctx.Err() == nil {
		began := time.Now()
		attempt, cancel := context.WithTimeout(ctx, patience)
		_, err := n.ledger.Barrier(attempt)
		cancel()
		if ctx.Err() != nil {
			return
		}
		wait := n.cfg.RaftTimeout / 4
		if err != nil {
			wait = 100 * time.Millisecond
		}
		if err == nil {
			n.confirmed.Store(&began)
			n.caughtUp.Store(true)
			n.heapRead()
		}
		if was := n.ready.Swap(err == nil); !was && err == nil {
			n.log.Info("ready", "leader", n.ledger.Status().Leader, "applied", n.machine.View().Index())
		} else if was && err != nil {
			n.log.Warn("not ready any more", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// confirmedLately says whether a majority stood behind the leader a moment ago, in a
// question that was asked then. A leader that was cut off holds its lease for a
// while, and a follower believes in it for as long; neither is to be called ready
// meanwhile.
func (n *Node) confirmedLately() bool {
	at := n.confirmed.Load()
	return at != nil && time.Since(*at) < confirmationAge(n.cfg.RaftTimeout)
}

// confirmationAge is how old the last answer may be: three rounds, and no less than a
// busy machine takes.
func confirmationAge(timeout time.Duration) time.Duration {
	return max(2*time.Second, timeout*3/4)
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
	out.Records, out.Unrecorded = n.recordCount(), n.Unrecorded()
	out.ClockOff, out.KeysDue = n.clock.err() != nil, n.keysDue()
	out.ShareLost = n.shareLost()
	out.Store = n.storeStatus()
	out.FeedAlarms, out.WebhooksDisabled = n.feeds.OpenAlarms(), n.webhooks.Disabled()
	switch {
	case n.Removed() != nil:
		out.Why = "a roster took this node out of the federation"
	case st.Err != nil:
		out.Why = "the log has stopped after an error"
	case n.witness.Stopped():
		out.Why = "stopped over a ledger alarm: " + n.witness.Why()
	case st.Leader == "":
		out.Why = "no leader"
	case !n.ready.Load():
		out.Why = "waiting for what was committed"
	case !n.confirmedLately():
		out.Why = "no majority has confirmed the leader lately"
	case n.clock.err() != nil:
		out.Why = n.clock.err().Error()
	case n.audit.Working() == 0:
		out.Why = "no audit file can be written"
	case away(n.records.Health().Err):
		out.Why = "the record store does not answer: " + out.Store.Code
	default:
		out.Ready = true
	}
	return out
}
