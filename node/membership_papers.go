package node

import (
	"context"
	"errors"
	"time"

	"accord/consensus"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/failpoint"
	"accord/node/founding"
)

// The errors of a node without a place in the federation.
var (
	ErrNotListed = exchange.Define(exchange.KindRefused, "NODE-010",
		exchange.Text{Zh: "现行名册（第 {version} 版）没有列入本节点 {node}", En: "roster {version}, the newest known here, does not list this node {node}"},
		exchange.Text{Zh: "请成员起草并通过名册：新加入用 accord member propose --add，重建的节点用 --replace；然后 accord member join", En: "have the members enact a roster: accord member propose --add for a newcomer, --replace for a rebuilt node; then accord member join"})
	ErrRemoved = exchange.Define(exchange.KindForbidden, "NODE-011",
		exchange.Text{Zh: "本节点 {node} 已由名册第 {version} 版移出联合体，不再作为成员应答", En: "roster {version} took this node {node} out of the federation; it no longer answers as a member"},
		exchange.Text{Zh: "停止本节点；若有异议请与其他成员核对名册。节点标识不会恢复，重新加入用 accord init --renew-node", En: "stop this node; compare the roster with the other members if you disagree. An id never comes back: to return use accord init --renew-node"})
)

// listing is what the newest roster known here says of this node's member, and
// whether it lists this node.
func (n *Node) listing() (members.Founder, bool) { return n.line().Roster().OfNode(n.id.Node) }

// line is the roster this node goes by, with all before it: the one in force as
// long as it follows the ledger, otherwise the newest it was shown.
func (n *Node) line() *members.Lineage {
	if n.machine == nil {
		return n.papers
	}
	book := n.machine.Book()
	if n.ready.Load() {
		if in := book.Find(n.machine.View().Roster().Digest); in != nil {
			return in
		}
	}
	return book.Newest()
}

// openPlace sees that this node has a place in the federation before it asks for
// votes. What its folder knows may be old: then a peer is asked for newer rosters.
func (n *Node) openPlace() error {
	if _, ok := n.listing(); !ok {
		n.refreshPeers()
		n.askRosters(context.Background())
	}
	if err := n.saveRosters(); err != nil {
		return err
	}
	line := n.line()
	if _, ok := n.listing(); ok {
		return nil
	}
	for at := line; at != nil; at = at.Parent() {
		if _, was := at.Roster().OfNode(n.id.Node); was {
			return ErrRemoved.With("node", n.id.Node, "version", line.Version())
		}
	}
	return ErrNotListed.With("node", n.id.Node, "version", line.Version())
}

// removed says whether a roster in force or newer took this node off.
func (n *Node) removed() (version int, yes bool) {
	line := n.line()
	_, ok := line.Roster().OfNode(n.id.Node)
	return line.Version(), !ok
}

// askRosters asks members, one after the other, for rosters newer than the newest
// known here, until one has some. The papers prove themselves, and who asks need
// not be a member any more.
func (n *Node) askRosters(ctx context.Context) {
	for _, m := range n.peers().list {
		if m.ID == n.id.Member {
			continue
		}
		peer, err := n.peerClient(m.ID)
		if err != nil {
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, 3*time.Second)
		got, err := peer.Rosters(attempt, n.line().Version())
		cancel()
		if err == nil && len(got.Rosters) > 0 && n.learn(got.Rosters) == nil {
			n.log.Info("learnt newer rosters from a peer", "peer", m.ID, "version", n.line().Version())
			return
		}
	}
}

// learn takes in rosters that prove themselves and goes by them at once: by their
// keys a node that was away recognises those who came meanwhile.
func (n *Node) learn(papers []members.SignedRoster) error {
	for _, s := range papers {
		if _, err := n.machine.Book().Learn(s, nil); err != nil {
			return err
		}
	}
	failpoint.Hit("membership.learn")
	n.refreshPeers()
	return nil
}

// saveRosters keeps the newest line in the data folder.
func (n *Node) saveRosters() error {
	line := n.line()
	if line.Digest() == n.savedRoster {
		return nil
	}
	if line.Version() > 0 {
		failpoint.Hit("membership.rosters.before")
		if err := founding.WriteRosters(n.cfg.Dir, line); err != nil {
			return err
		}
		failpoint.Hit("membership.rosters.after")
	}
	n.savedRoster = line.Digest()
	return nil
}

// Members implements consensus.Papers.
func (m ledgerMachine) Members() []consensus.Server { return m.n.peers().servers }

// held is what a node says it has.
type held struct {
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

// Held implements consensus.Papers.
func (m ledgerMachine) Held() []byte {
	line := m.n.line()
	raw, err := strictjson.Marshal(held{line.Version(), line.Digest()})
	if err != nil {
		return nil
	}
	return raw
}

var errPapers = errors.New("node: not what a peer holds, or not rosters")

// PapersSince implements consensus.Papers. Who holds a roster that never came into
// force here gets all of them.
func (m ledgerMachine) PapersSince(raw []byte) ([]byte, error) {
	var h held
	if strictjson.Unmarshal(raw, &h) != nil {
		return nil, errPapers
	}
	line := m.n.line()
	since := 0
	if at := line.At(h.Version); at != nil && at.Digest() == h.Digest {
		since = h.Version
	}
	papers := line.Since(since)
	if len(papers) == 0 {
		return nil, nil
	}
	return strictjson.Marshal(papers)
}

// Learn implements consensus.Papers.
func (m ledgerMachine) Learn(raw []byte) error {
	var papers []members.SignedRoster
	if strictjson.Unmarshal(raw, &papers) != nil {
		return errPapers
	}
	return m.n.learn(papers)
}

// currentKeys are this member's private keys: of each use the one that the roster
// lists, since a key that was made for a later roster does not count yet.
type currentKeys struct{ n *Node }

// Key implements agency.Keys.
func (k currentKeys) Key(use keys.Use) (keys.Private, error) {
	if line := k.n.line(); line != nil {
		me, _ := line.Roster().Member(k.n.id.Member)
		for _, public := range me.Keys {
			if public.Use() == use {
				return k.n.keys.ByKID(public.KID())
			}
		}
	}
	return k.n.keys.Key(use)
}
