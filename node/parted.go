package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/api"
	"accord/node/wire"
	"accord/node/witness"
)

// Times of asking the others for plans of recovery.
const (
	partedEvery = 10 * time.Second
	partedAsk   = 3 * time.Second
)

// A node that a plan of recovery gave up may come back, alone or as a majority of
// the old membership that goes on without knowing of the plan: then there are two
// ledgers. The seats' signatures decide, not who is more. So every node asks all
// members for the plans they know. Who hears of a plan that says of it that it must
// never start again, or that it should have begun anew, stops its service and is
// silent in the log; who hears a node that it has given up raises an alarm and goes
// on. Under two plans that exclude one another both sides stop: people must decide.

// heard is what a member's node answered.
type heard struct {
	member wire.Member
	got    wire.Recoveries
	note   string // its signed checkpoint, perhaps empty
}

// watchParted asks, round after round.
func (n *Node) watchParted(ctx context.Context) {
	for {
		n.askParted(ctx)
		if r := n.abandoned(); r != nil {
			n.parted(&heard{}, nil, witness.Alarm{Verdict: witness.VerdictUndecided,
				Why: fmt.Sprintf("statement %d records a plan of recovery that was never carried out: %s gives up nodes that are servers of this log", r.Seq, r.Digest)})
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(partedEvery, 4*n.cfg.RaftTimeout)):
		}
	}
}

// openParted asks why, if a peer says that this node was given up, before it takes
// part in the log: it must not vote before it knows.
func (n *Node) openParted() error {
	if n.presence.gone() {
		n.askParted(context.Background())
	}
	return nil
}

// askParted asks all members at once and judges what they say.
func (n *Node) askParted(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, partedAsk)
	defer cancel()
	var others []wire.Member
	for _, m := range n.peers().list {
		if m.ID != n.id.Member {
			others = append(others, m)
		}
	}
	answers := make([]*heard, len(others))
	var wg sync.WaitGroup
	for i, m := range others {
		wg.Go(func() {
			peer, err := n.peerClient(m.ID)
			if err != nil {
				return
			}
			if got, err := peer.Recoveries(ctx); err == nil {
				answers[i] = &heard{m, got, n.noteOf(ctx, m, peer)}
			}
		})
	}
	wg.Wait()
	answers = slices.DeleteFunc(answers, func(h *heard) bool { return h == nil })
	for _, h := range answers {
		n.judgeParted(h, others, answers)
	}
}

// carriedOut says whether more than half of the others, without those it gives up,
// go by a plan. One who keeps a plan that the seats signed and gave up again can
// stop nobody with it.
func carriedOut(p *members.Plan, others []wire.Member, answers []*heard, digest string) bool {
	count, say := 0, 0
	for _, m := range others {
		if slices.Contains(p.Lost, m.Node) {
			continue
		}
		count++
		if slices.ContainsFunc(answers, func(h *heard) bool {
			return h.member.Node == m.Node && slices.ContainsFunc(h.got.Recoveries, func(r wire.Recovery) bool { return r.Digest == digest })
		}) {
			say++
		}
	}
	return 2*say > count
}

// noteOf is the checkpoint that a node which was given up signs: what it holds.
func (n *Node) noteOf(ctx context.Context, m wire.Member, peer api.Peer) string {
	if n.givenUp(m.Node) == "" {
		return ""
	}
	c, err := peer.Checkpoint(ctx, 0)
	if err != nil {
		return ""
	}
	return c.Note
}

// judgeParted raises what follows from one member's plans.
func (n *Node) judgeParted(h *heard, others []wire.Member, answers []*heard) {
	if plan := n.givenUp(h.member.Node); plan != "" && n.givenUp(n.id.Node) == "" {
		n.parted(h, nil, witness.Alarm{Member: h.member.ID, Verdict: witness.VerdictMember,
			Why: h.member.Node + " runs, which the plan of recovery " + plan + " has given up; switch it off, and bring it back as a new node by a roster"})
	}
	for _, r := range h.got.Recoveries {
		p, good := n.news(&r)
		if !good || !carriedOut(&p, others, answers, r.Digest) {
			continue
		}
		n.hear(r.Digest, p)
		if !n.isAbout(&p) {
			continue
		}
		a := witness.Alarm{Member: h.member.ID, Verdict: witness.VerdictSelf, Stops: true,
			Why: "the seats' plan of recovery " + r.Digest + " has given this node up; it must not run under this id any more"}
		if _, survives := p.Survivor(n.id.Node); survives {
			a.Why = "the ledger went on under the plan of recovery " + r.Digest + ", which is not carried out here; stop this node and run accord recover apply"
		}
		if n.rivals(h) {
			a.Verdict = witness.VerdictUndecided
			a.Why = "two plans of recovery exclude one another: that of this node and " + r.Digest + " of " + string(h.member.ID) + "; the seats must say which one holds"
		}
		n.parted(h, &r, a)
	}
}

// isAbout says whether a plan gives this node up, or wants it to have begun anew.
// A survivor whose state is still on its way may find the plan in it.
func (n *Node) isAbout(p *members.Plan) bool {
	_, survives := p.Survivor(n.id.Node)
	return slices.Contains(p.Lost, n.id.Node) || survives && n.ready.Load()
}

// news says whether a plan is good and not one that this node goes by.
func (n *Node) news(r *wire.Recovery) (p members.Plan, ok bool) {
	digest := members.PlanDigest([]byte(r.Signed.Plan))
	known := slices.ContainsFunc(n.recovered.kept, func(k keptPlan) bool { return k.digest == digest }) ||
		slices.ContainsFunc(n.machine.View().Federation().Recoveries, func(x members.Recovery) bool { return x.Digest == digest })
	if known || digest != r.Digest {
		return p, false
	}
	p, err := members.ReadPlan([]byte(r.Signed.Plan))
	if err != nil || p.Federation != n.cfg.Federation || p.Charter != n.genesis.Digest() {
		return p, false
	}
	line := n.machine.Book().Newest().At(p.Roster)
	if line == nil {
		return p, false // its roster is learnt first, see askRosters
	}
	_, _, err = r.Signed.Verify(line.Roster(), nil)
	if err != nil {
		n.log.Warn("a peer shows a plan of recovery that does not hold", "plan", digest, "error", err)
	}
	return p, err == nil
}

// rivals says whether this node began anew under a plan that the other side does
// not know.
func (n *Node) rivals(h *heard) bool {
	return slices.ContainsFunc(n.recovered.kept, func(k keptPlan) bool {
		return !slices.ContainsFunc(h.got.Recoveries, func(r wire.Recovery) bool { return r.Digest == k.digest })
	})
}

// partedEvidence is the file of such an alarm. The plans prove themselves by the
// rosters; the notes are signed.
type partedEvidence struct {
	Format     string               `json:"format"`
	Federation string               `json:"federation"`
	Node       string               `json:"node"` // whose file this is
	Peer       string               `json:"peer"`
	Why        string               `json:"why"`
	Ours       []members.SignedPlan `json:"ours,omitempty"`   // plans this node goes by
	Theirs     []members.SignedPlan `json:"theirs,omitempty"` // plans the peer goes by
	Both       []exchange.MemberID  `json:"both,omitempty"`   // seats that signed both of two rival plans
	OurNote    string               `json:"our_note,omitempty"`
	TheirNote  string               `json:"their_note,omitempty"`
}

const partedFormat = "accord-parted/1"

// parted raises the alarm once, with everything both sides go by.
func (n *Node) parted(h *heard, against *wire.Recovery, a witness.Alarm) {
	view := n.machine.View()
	a.Kind, a.Size, a.Index = witness.KindRecovery, view.Size(), view.Index()
	e := partedEvidence{Format: partedFormat, Federation: n.cfg.Federation, Node: n.id.Node, Peer: h.member.Node, Why: a.Why, TheirNote: h.note}
	for _, r := range n.Recoveries().Recoveries {
		e.Ours = append(e.Ours, r.Signed)
	}
	for _, r := range h.got.Recoveries {
		e.Theirs = append(e.Theirs, r.Signed)
	}
	if against != nil && a.Verdict == witness.VerdictUndecided {
		e.Both = n.signedBoth(against.Signed)
	}
	n.witness.Parted(a, func(note []byte) []byte {
		e.OurNote = string(note)
		raw, err := strictjson.Marshal(e)
		if err != nil {
			return []byte(a.Why + "\n")
		}
		return append(raw, '\n')
	})
}

// signedBoth names the seats that signed a plan and the rival one kept here.
func (n *Node) signedBoth(theirs members.SignedPlan) (both []exchange.MemberID) {
	signers := func(s members.SignedPlan) []exchange.MemberID {
		p, err := members.ReadPlan([]byte(s.Plan))
		line := n.machine.Book().Newest()
		if err != nil || line.At(p.Roster) == nil {
			return nil
		}
		_, by, _ := s.Verify(line.At(p.Roster).Roster(), nil)
		return by
	}
	other := signers(theirs)
	for _, k := range n.recovered.kept {
		for _, m := range signers(k.SignedPlan) {
			if slices.Contains(other, m) && !slices.Contains(both, m) {
				both = append(both, m)
			}
		}
	}
	return both
}
