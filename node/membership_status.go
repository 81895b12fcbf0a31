package node

import (
	"context"
	"slices"
	"time"

	"accord/consensus"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/founding"
	"accord/node/wire"
)

// Rosters gives the rosters after a version, as far as this node knows.
func (n *Node) Rosters(after int) wire.Rosters {
	line := n.line()
	out := wire.Rosters{Charter: line.At(0).Digest(), Version: line.Version(), Digest: line.Digest(),
		Roster: line.Paper().Document, Rosters: line.Since(after)}
	if line.Version() == 0 {
		if raw, err := strictjson.Marshal(line.Roster()); err == nil { // of a charter that was parsed
			out.Roster = string(raw)
		}
	}
	if out.Rosters == nil {
		out.Rosters = []members.SignedRoster{}
	}
	return out
}

// Removed is nil as long as this node is of the federation.
func (n *Node) Removed() error {
	if version, gone := n.removed(); gone {
		return ErrRemoved.With("node", n.id.Node, "version", version)
	}
	return nil
}

// MayEnact is nil unless a roster gives more nodes a vote at once than there are
// voters. A newcomer knows from rosters alone who shall vote, and believes a leader
// for which a majority of those has signed; newcomers that have no vote yet cannot
// have.
func (n *Node) MayEnact(document string) error {
	next, err := members.ParseRoster([]byte(document))
	if err != nil {
		return err
	}
	return crowded(n.line().Roster(), next, n.ledger.Servers())
}

// crowded refuses a step from one roster to the next by which more newcomers than
// voters, and more than before, would be on their way.
func crowded(now, next *members.Roster, have []consensus.Server) error {
	_, before := ballots(now, have)
	if voters, coming := ballots(next, have); coming > voters && coming > before {
		return ErrCrowd.With("coming", coming, "voters", voters)
	}
	return nil
}

// ballots counts the nodes that shall vote by a roster: those that do, and the
// others.
func ballots(r *members.Roster, have []consensus.Server) (voters, coming int) {
	for _, m := range r.Members {
		if !m.Node.Votes() {
			continue
		}
		if slices.ContainsFunc(have, func(s consensus.Server) bool { return s.ID == m.Node.ID && s.Voter }) {
			voters++
		} else {
			coming++
		}
	}
	return voters, coming
}

// NewKeys makes keys for these uses in the keystore and signs the introduction that
// announces them, with the new command key if that is one of them. They count from
// the roster on that lists them.
func (n *Node) NewKeys(uses []keys.Use) (string, error) {
	me, ok := n.listing()
	if !ok {
		return "", n.Removed()
	}
	me.Keys = append([]keys.Public(nil), me.Keys...)
	for _, use := range uses {
		fresh, err := n.keys.Generate(use)
		if err != nil {
			return "", err
		}
		for i, k := range me.Keys {
			if k.Use() == use {
				me.Keys[i] = fresh
			}
		}
	}
	token, err := founding.Introduce(n.keys, n.cfg.Federation, me, n.opts.Clock())
	return string(token), err
}

// Membership is where the nodes stand: told by the leader, which alone knows what
// it waits for, or, where none answers, by this node as far as it can see.
func (n *Node) Membership(ctx context.Context) (wire.Membership, error) {
	own := n.ownMembership()
	if n.ledger.Status().Leader == n.id.Node {
		return own, nil
	}
	if own.Leader != "" && own.Leader != n.id.Member {
		if peer, err := n.peerClient(own.Leader); err == nil {
			attempt, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			if got, err := peer.Membership(attempt); err == nil && !got.Alone {
				got.Announced, got.Alarms = own.Announced, append(own.Alarms, got.Alarms...)
				return got, nil
			}
		}
	}
	own.Alone = true
	return own, nil
}

func (n *Node) ownMembership() wire.Membership {
	view, line, st := n.machine.View(), n.line(), n.ledger.Status()
	fed := view.Federation()
	out := wire.Membership{Version: view.Roster().Version, Digest: view.Roster().Digest, Machine: fed.MachineVersion,
		Seats: line.Roster().Seats(), Quorum: fed.RosterQuorum, Voters: st.Voters, Nodes: []wire.MembershipNode{}, Alarms: n.alarmTexts()}
	out.Leader, _ = n.memberOf(st.Leader)
	if newest := n.machine.Book().Newest().Version(); newest > out.Version {
		out.Announced = newest
	}
	row := map[string]int{}
	for _, m := range line.Roster().Members {
		row[m.Node.ID] = len(out.Nodes)
		out.Nodes = append(out.Nodes, wire.MembershipNode{Member: m.ID, Node: m.Node.ID, Address: m.Node.Address, Wanted: string(m.Node.Role)})
	}
	for _, s := range n.ledger.Servers() {
		i, listed := row[s.ID]
		if !listed {
			i = len(out.Nodes)
			row[s.ID] = i
			out.Nodes = append(out.Nodes, wire.MembershipNode{Member: line.Owner(s.ID), Node: s.ID, Address: s.Address})
		}
		out.Nodes[i].Role = string(roleOf(s.Voter))
	}
	for i := range out.Nodes {
		if b, ok := view.BuildOf(out.Nodes[i].Node); ok {
			out.Nodes[i].Machine, out.Nodes[i].Build = b.Machine, b.Build
		}
	}
	n.membership.tell(&out, row)
	return out
}

func roleOf(voter bool) members.Role {
	if voter {
		return members.Voter
	}
	return members.Nonvoter
}

// tell adds what the leader knows of the others and of what comes next.
func (m *membership) tell(out *wire.Membership, row map[string]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out.Refused = m.refused
	var first uint64
	for _, st := range m.now {
		first = max(first, st.at)
	}
	for node, st := range m.now {
		i, ok := row[node]
		if !ok {
			continue
		}
		reached := st.reached
		out.Nodes[i].Reached = &reached
		if reached {
			behind := int64(first - st.at)
			out.Nodes[i].Behind = &behind
		}
	}
	note := func(w wait) {
		i, ok := row[w.node]
		if !ok || w.move == stay || out.Nodes[i].Next != "" {
			return
		}
		out.Nodes[i].Next = string(w.move)
		if w.why != (exchange.Text{}) {
			why := w.why
			out.Nodes[i].Waits = &why
		}
	}
	note(m.next)
	for _, w := range m.waiting {
		note(w)
	}
}
