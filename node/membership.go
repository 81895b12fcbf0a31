package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"accord/consensus"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/failpoint"
	"accord/node/founding"
)

// move is one change of the log's membership on the way to what the roster says.
type move string

// The moves, and staying.
const (
	stay     move = ""
	add      move = "add"      // as a nonvoter
	readdr   move = "address"  // the address of a node that is there
	promote  move = "promote"  // give it its vote
	demote   move = "demote"   // take its vote
	takeOut  move = "take-out" // out of the membership
	patience      = 100        // entries a node may be behind and count as caught up
)

// standing is what the leader knows of a server: how far it is, if it answers.
type standing struct {
	reached bool
	at      uint64
	since   time.Time // caught up without a break since then; zero: it is not
}

// situation is all that the choice of a move depends on.
type situation struct {
	self   string
	want   []members.Founder // the roster in force
	have   []consensus.Server
	now    map[string]standing
	owner  func(node string) exchange.MemberID
	lost   func(node string) (plan string) // who was given up by a plan of recovery
	settle time.Duration                   // how long a newcomer must have been caught up
	clock  time.Time
}

// wait is a move that is due and what it waits for; nothing: it is done next.
type wait struct {
	move move
	node string
	why  exchange.Text
}

// plan gives the one next move and everything that waits. In this order, so that no
// quorum is ever in danger:
//
//   - who is no longer wanted and has no vote, or does not answer, goes first: an
//     absent voter only costs;
//   - then addresses and newcomers, who come without a vote;
//   - then votes for those that have kept up;
//   - last, votes and places of those that do answer, once the node that replaces
//     them votes, the leader itself after all others.
func (s *situation) plan() (next wait, waiting []wait) {
	var due []wait
	due = append(due, s.leaving(true)...)
	due = append(due, s.coming()...)
	due = append(due, s.leaving(false)...)
	for _, w := range due {
		if w.why == (exchange.Text{}) && next.move == stay {
			next = w
			continue
		}
		if w.why == (exchange.Text{}) {
			w.why = exchange.Text{Zh: "前一项变更完成后进行", En: "after the change before it"}
		}
		waiting = append(waiting, w)
	}
	return next, waiting
}

func (s *situation) wanted(node string) (members.Founder, bool) {
	i := slices.IndexFunc(s.want, func(f members.Founder) bool { return f.Node.ID == node })
	if i < 0 {
		return members.Founder{}, false
	}
	return s.want[i], true
}

func (s *situation) server(node string) (consensus.Server, bool) {
	i := slices.IndexFunc(s.have, func(v consensus.Server) bool { return v.ID == node })
	if i < 0 {
		return consensus.Server{}, false
	}
	return s.have[i], true
}

// leaving lists those that lose their vote or place: first the ones that are
// absent, or have no vote, or stand where their successor shall; else the others.
func (s *situation) leaving(first bool) []wait {
	var all []wait
	for _, v := range s.have {
		f, stays := s.wanted(v.ID)
		if stays && (f.Node.Votes() || !v.Voter) {
			continue
		}
		w := wait{move: takeOut, node: v.ID}
		if stays {
			w.move = demote
		}
		early := v.ID != s.self && (!v.Voter || !s.now[v.ID].reached || s.blocks(v))
		if early != first {
			continue
		}
		if v.Voter {
			w.why = s.keepsQuorum(v)
		}
		if !early && !stays && w.why == (exchange.Text{}) {
			w.why = s.replaced(v)
		}
		all = append(all, w)
	}
	slices.SortStableFunc(all, func(a, b wait) int { // the leader itself last
		return boolInt(a.node == s.self) - boolInt(b.node == s.self)
	})
	return all
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// blocks says whether a wanted node is to have this one's address.
func (s *situation) blocks(v consensus.Server) bool {
	return slices.ContainsFunc(s.want, func(f members.Founder) bool { return f.Node.ID != v.ID && f.Node.Address == v.Address })
}

// keepsQuorum says why a vote cannot go yet: the others must have a majority among
// themselves.
func (s *situation) keepsQuorum(v consensus.Server) exchange.Text {
	voters, there := 0, 0
	for _, o := range s.have {
		if o.Voter && o.ID != v.ID {
			voters++
			there += boolInt(s.now[o.ID].reached)
		}
	}
	if need := voters/2 + 1; voters == 0 || there < need {
		return exchange.Text{Zh: fmt.Sprintf("其余表决节点 %d 个中只有 %d 个在线，不足半数以上；请启动离线的节点", voters, there),
			En: fmt.Sprintf("only %d of the %d other voters answer, no majority; start those that are away", there, voters)}
	}
	return exchange.Text{}
}

// replaced says why a node that answers stays for now: the one that takes its
// place has no vote yet.
func (s *situation) replaced(v consensus.Server) exchange.Text {
	for _, f := range s.want {
		if f.ID != s.owner(v.ID) || !f.Node.Votes() || !v.Voter {
			continue
		}
		if successor, there := s.server(f.Node.ID); !there || !successor.Voter {
			return exchange.Text{Zh: "等待接替它的节点 " + f.Node.ID + " 取得表决资格", En: "until its successor " + f.Node.ID + " votes"}
		}
	}
	return exchange.Text{}
}

// coming lists newcomers, new addresses and votes to give.
func (s *situation) coming() []wait {
	var adds, votes []wait
	for _, f := range s.want {
		v, there := s.server(f.Node.ID)
		switch {
		case there && v.Address != f.Node.Address:
			adds = append(adds, wait{readdr, f.Node.ID, s.addressFree(f)})
		case !there && s.lost != nil && s.lost(f.Node.ID) != "":
			adds = append(adds, wait{add, f.Node.ID, exchange.Text{
				Zh: "恢复方案已放弃该节点，不得以原标识回来；须以新节点替换（accord member propose --replace）",
				En: "a plan of recovery has given it up; it comes back as a new node only (accord member propose --replace)"}})
		case !there:
			adds = append(adds, wait{add, f.Node.ID, s.addressFree(f)})
		case f.Node.Votes() && !v.Voter:
			votes = append(votes, wait{promote, f.Node.ID, s.caughtUp(f.Node.ID)})
		}
	}
	return append(adds, votes...)
}

func (s *situation) addressFree(f members.Founder) exchange.Text {
	for _, v := range s.have {
		if v.ID != f.Node.ID && v.Address == f.Node.Address {
			return exchange.Text{Zh: "地址仍由节点 " + v.ID + " 占用", En: "its address is still that of node " + v.ID}
		}
	}
	return exchange.Text{}
}

func (s *situation) caughtUp(node string) exchange.Text {
	st := s.now[node]
	switch {
	case !st.reached:
		return exchange.Text{Zh: "节点没有应答；请启动它并检查网络", En: "the node does not answer; start it and check the network"}
	case st.since.IsZero():
		return exchange.Text{Zh: fmt.Sprintf("正在追赶账本：第 %d 条，主节点第 %d 条", st.at, s.now[s.self].at),
			En: fmt.Sprintf("it is catching up: at entry %d, the leader at %d", st.at, s.now[s.self].at)}
	}
	if rest := s.settle - s.clock.Sub(st.since); rest > 0 {
		return exchange.Text{Zh: fmt.Sprintf("已追上，须再稳定 %v", rest.Round(time.Second)),
			En: fmt.Sprintf("it has caught up and must stay so for %v more", rest.Round(time.Second))}
	}
	for _, v := range s.have { // one that misses the change would not follow it should it lead
		if v.Voter && !s.now[v.ID].reached {
			return exchange.Text{Zh: "等待表决节点 " + v.ID + " 应答", En: "until voter " + v.ID + " answers"}
		}
	}
	return exchange.Text{}
}

// membership is the leader's memory of the others; it starts anew with each leader.
type membership struct {
	mu      sync.Mutex
	term    uint64
	now     map[string]standing
	next    wait
	waiting []wait
	refused string // why the last move failed
}

// tendMembership keeps the log's membership on its way to what the roster says, as
// long as this node leads: one change at a time. It keeps no plan, so a new leader
// goes on where the last one stopped.
func (n *Node) tendMembership(ctx context.Context) {
	tick := time.NewTicker(min(time.Second, n.cfg.RaftTimeout))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st := n.ledger.Status()
		if st.Leader != n.id.Node || !n.ready.Load() {
			n.membership.forget()
			continue
		}
		s := n.survey(ctx, st)
		next, waiting := s.plan()
		n.membership.set(s.now, next, waiting)
		if next.move == stay {
			continue
		}
		f, _ := s.wanted(next.node)
		failpoint.Hit("membership.move.before")
		err := n.do(next, f.Node.Address)
		failpoint.Hit("membership.move.after")
		n.membership.result(err)
		if err != nil {
			n.log.Warn("a change of the membership was refused", "move", string(next.move), "node", next.node, "error", err)
			continue
		}
		n.log.Info("the membership changed", "move", string(next.move), "node", next.node)
	}
}

func (n *Node) do(w wait, address string) error {
	switch w.move {
	case add, readdr:
		return n.ledger.AddNonvoter(w.node, address)
	case promote:
		return n.ledger.AddVoter(w.node, address)
	case demote:
		return n.ledger.Demote(w.node)
	}
	return n.ledger.Remove(w.node)
}

// survey asks all servers how far they are, at once.
func (n *Node) survey(ctx context.Context, st consensus.Status) *situation {
	line := n.line()
	s := &situation{self: n.id.Node, want: line.Roster().Members, have: n.ledger.Servers(), now: map[string]standing{},
		owner: line.Owner, lost: n.givenUp, settle: n.cfg.PromoteAfter, clock: time.Now()}
	before := n.membership.of(st.Term)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, v := range s.have {
		wg.Go(func() {
			attempt, cancel := context.WithTimeout(ctx, n.cfg.RaftTimeout)
			defer cancel()
			at, err := n.ledger.Position(attempt, v)
			now := standing{reached: err == nil, at: at}
			if now.reached && at+patience >= st.Applied {
				if now.since = before[v.ID].since; now.since.IsZero() {
					now.since = s.clock
				}
			}
			mu.Lock()
			defer mu.Unlock()
			s.now[v.ID] = now
		})
	}
	wg.Wait()
	return s
}

// of gives what was known in this term.
func (m *membership) of(term uint64) map[string]standing {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.term != term {
		m.term, m.now = term, nil
	}
	return m.now
}

func (m *membership) set(now map[string]standing, next wait, waiting []wait) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now, m.next, m.waiting = now, next, waiting
	if next.move == stay {
		m.refused = ""
	}
}

func (m *membership) result(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = ""
	if err != nil {
		m.refused = err.Error()
	}
}

func (m *membership) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.term, m.now, m.next, m.waiting, m.refused = 0, nil, wait{}, nil, ""
}

// announcer is the operator that a node's own statements name.
const announcer exchange.OperatorID = "node"

// announce says on the ledger what this build can apply, when that is not what the
// ledger says of this node.
func (n *Node) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(n.cfg.RaftTimeout):
		}
		view := n.machine.View()
		said, inForce := view.Federation().MachineVersion, view.Federation().MachineVersion
		if b, ok := view.BuildOf(n.id.Node); ok {
			said = b.Machine
		}
		if _, gone := n.removed(); gone || !n.ready.Load() || said == machine.Version || machine.Version < inForce {
			continue
		}
		attempt, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
		_, err := n.agency.Act(attempt, announcer, exchange.VerbAnnounce,
			members.AnnounceBody{Node: n.id.Node, Machine: machine.Version, Build: buildName(n.opts.Version)})
		cancel()
		if err != nil {
			n.log.Warn("what this build can apply is not announced yet", "error", err)
			continue
		}
		n.log.Info("announced", "machine", machine.Version, "build", n.opts.Version)
	}
}

// buildName is the version as an announcement takes it.
func buildName(version string) string {
	if !exchange.PlainText(version, 64) {
		return "unknown"
	}
	return version
}

// saveMachine notes the machine version in force for the next start.
func (n *Node) saveMachine() error {
	agreed := n.machine.View().Federation().MachineVersion
	if agreed == n.savedMachine {
		return nil
	}
	if err := founding.WriteMachine(n.cfg.Dir, agreed); err != nil {
		return err
	}
	n.savedMachine = agreed
	return nil
}
