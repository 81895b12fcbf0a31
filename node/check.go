package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/backup"
	"accord/node/client"
	"accord/node/wire"
)

// peerPatience is how long a peer may take to answer one question.
const peerPatience = 5 * time.Second

// Check looks at everything that this node can see of itself and its peers.
func (n *Node) Check(ctx context.Context) (wire.NodeCheck, error) {
	st, view := n.ledger.Status(), n.machine.View()
	out := wire.NodeCheck{Time: n.opts.Clock().UTC(), Charter: n.genesis.Digest(), Catalogue: view.Catalogue().Digest(), Calendar: view.Catalogue().Document().Calendar.Ends(),
		CaughtUp: n.CaughtUp(), Voters: st.Voters, LogBytes: st.LogBytes, LogEntries: int64(st.LogLast - st.LogFirst),
		SnapshotIndex: st.SnapshotIndex, SnapshotAge: int64(st.SnapshotAge / time.Second), SnapshotEvery: int64(n.cfg.SnapshotEvery), Installs: st.Installs,
		Refusals: st.Refusals, AuditFiles: len(n.cfg.AuditFiles), AuditWorking: n.audit.Working(), Keys: n.ownKeys(), Peers: n.askPeers(ctx),
		Alarms: n.witness.OpenAlarms(), Stopped: n.witness.Stopped(), Complaints: n.witness.OpenComplaints(), Unrecorded: n.Unrecorded(),
		Blinding: n.holdersGone(view)}
	if c, ok := n.witness.Newest(); ok {
		out.Cosigned = c.Size
	}
	missing, err := backup.Missing(ctx, n.records, view, n.id.Member)
	if err != nil {
		return out, err
	}
	out.MissingRecords = len(missing)
	out.Uncovered, err = n.uncovered(ctx, view)
	return out, err
}

// uncovered are the categories of own records that ask for more custodians than may act.
func (n *Node) uncovered(ctx context.Context, view *machine.View) (all []string, err error) {
	for _, p := range n.agency.Custodies(view) {
		if p.Enough() {
			continue
		}
		count, err := n.records.Count(ctx, records.Filter{Author: n.id.Member, Category: p.Category})
		if err != nil {
			return nil, err
		}
		if count > 0 {
			all = append(all, p.Category)
		}
	}
	return all, nil
}

// ownKeys are the member's keys as the ledger lists them.
func (n *Node) ownKeys() []wire.KeyWindow {
	own, _ := n.machine.View().Member(n.id.Member)
	return keyWindows(own.Keys, func(kid string) bool { _, err := n.keys.ByKID(kid); return err == nil })
}

func keyWindows(all []members.Key, held func(kid string) bool) []wire.KeyWindow {
	var out []wire.KeyWindow
	for _, k := range all {
		w := wire.KeyWindow{Use: string(k.Public.Use()), KID: k.Public.KID(), From: k.From.Time().UTC(), Held: held(k.Public.KID())}
		if k.Until != 0 {
			until := k.Until.Time().UTC()
			w.Until = &until
		}
		out = append(out, w)
	}
	return out
}

// askPeers asks all other members at once how they see this node.
func (n *Node) askPeers(ctx context.Context) []wire.PeerCheck {
	table := n.peers()
	out := []wire.PeerCheck{}
	for _, m := range table.list {
		if m.ID != n.id.Member {
			out = append(out, wire.PeerCheck{Member: m.ID, Node: m.Node, Address: m.Address})
		}
	}
	var wg sync.WaitGroup
	for i := range out {
		wg.Go(func() { n.askPeer(ctx, &out[i]) })
	}
	wg.Wait()
	return out
}

func (n *Node) askPeer(ctx context.Context, p *wire.PeerCheck) {
	ctx, cancel := context.WithTimeout(ctx, 2*peerPatience) // it asks back
	defer cancel()
	c, err := n.peerClient(p.Member)
	if err != nil {
		p.Why = exchange.AsError(err).Code
		return
	}
	begin := n.opts.Clock()
	answer, err := c.AskPeer(ctx)
	took := n.opts.Clock().Sub(begin)
	if err != nil {
		p.Why = exchange.AsError(err).Code
		return
	}
	p.Reached, p.Answer = true, &answer
	p.RoundTrip = took.Milliseconds()
	// The peer noted its time before it dialled back; most of the way is behind it.
	p.ClockOffset = answer.Time.Sub(begin).Milliseconds()
	if d := p.ClockOffset; d > 0 { // the trip there explains that much
		p.ClockOffset = max(0, d-p.RoundTrip)
	}
}

// DialBack tries whether this node reaches a member, at the address and with
// the key that the ledger has for it and never at one that was asked for.
func (n *Node) DialBack(ctx context.Context, m exchange.MemberID) error {
	c, err := n.peerClient(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, peerPatience)
	defer cancel()
	_, err = c.Raw(ctx, "/livez")
	if errors.Is(err, context.DeadlineExceeded) {
		return client.ErrUnreachable.Wrap(err, "where", m)
	}
	return err
}

// Answer is what this node tells a peer of itself.
func (n *Node) Answer() wire.PeerAnswer {
	view := n.machine.View()
	return wire.PeerAnswer{Member: n.id.Member, Node: n.id.Node, Version: n.opts.Version, Time: n.opts.Clock().UTC(),
		Charter: n.genesis.Digest(), Catalogue: view.Catalogue().Digest(), CaughtUp: n.CaughtUp(), LedgerSize: view.Size()}
}
