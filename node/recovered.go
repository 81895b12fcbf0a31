package node

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"accord/consensus"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/recovery"
	"accord/node/wire"
)

// ErrRecording is a statement that has to wait for the record of a recovery.
var ErrRecording = exchange.Define(exchange.KindUnavailable, "RECOVER-009",
	exchange.Text{Zh: "恢复后的第一件事是把恢复方案记入账本，尚未完成", En: "after a recovery the plan goes onto the ledger before anything else, and it is not there yet"},
	exchange.Text{Zh: "启动其余幸存节点，稍候再试；见 accord doctor", En: "start the other survivors and try again in a moment; see accord doctor"})

// keptFormat is the paper in which a node keeps the plan it began anew under.
const keptFormat = "accord-recovery-applied/1"

type keptPaper struct {
	Format     string   `json:"format"`
	Plan       string   `json:"plan"`
	Signatures []string `json:"signatures"`
}

// keptPlan is a plan that this node's log began anew under.
type keptPlan struct {
	members.SignedPlan
	plan   members.Plan
	digest string
}

// Times of the record of a recovery.
const (
	// recordPatience is how long a node that does not lead leaves it to the leader.
	recordPatience = 5 * time.Second
	// recordLate is when a plan that is still not on the ledger is a finding, and
	// statements do not wait for it any more.
	recordLate = 30 * time.Second
)

// recovered is what a node knows of its own recoveries.
type recovered struct {
	kept []keptPlan // oldest first; read at the start
	// servers are those of the log, once it is open.
	servers atomic.Pointer[func() []consensus.Server]

	mu    sync.Mutex
	heard map[string]members.Plan // by digest, good and carried out by peers; guarded by mu
	since time.Time               // when the ledger first took statements without it
	why   string                  // code of what keeps it off the ledger
	final bool                    // the ledger has refused it
}

// readKept reads the plans that were carried out in a data folder: of each the old
// log lies there, too.
func readKept(dir string) ([]keptPlan, error) {
	papers, err := filepath.Glob(filepath.Join(dir, recoveryFolder, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []keptPlan
	for _, path := range papers {
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		var p keptPaper
		var plan members.Plan
		if err := strictjson.Unmarshal([]byte(strings.TrimSpace(string(raw))), &p); err != nil || p.Format != keptFormat {
			return nil, recovery.ErrPaper.Wrap(err, "file", path, "why", "form")
		}
		if plan, err = members.ReadPlan([]byte(p.Plan)); err != nil {
			return nil, err
		}
		if _, err := os.Stat(filepath.Join(dir, oldLedger+shortDigest([]byte(p.Plan)))); errors.Is(err, fs.ErrNotExist) {
			continue // drafted, and never carried out here
		} else if err != nil {
			return nil, err
		}
		all = append(all, keptPlan{members.SignedPlan{Plan: p.Plan, Signatures: p.Signatures}, plan, members.PlanDigest([]byte(p.Plan))})
	}
	slices.SortFunc(all, func(a, b keptPlan) int { return int(a.plan.Base.Size - b.plan.Base.Size) })
	return all, nil
}

// shortDigest names a plan's files.
func shortDigest(plan []byte) string {
	return strings.TrimPrefix(recovery.Digest(plan), "sha256:")[:16]
}

func (n *Node) openRecoveries() (err error) {
	n.recovered.kept, err = readKept(n.cfg.Dir)
	return err
}

// unrecorded is the oldest plan that this node began anew under and that the
// ledger does not hold, nil if there is none.
func (n *Node) unrecorded() *keptPlan {
	if len(n.recovered.kept) == 0 {
		return nil
	}
	done := n.machine.View().Federation().Recoveries
	for i, k := range n.recovered.kept {
		if !slices.ContainsFunc(done, func(r members.Recovery) bool { return r.Digest == k.digest }) {
			return &n.recovered.kept[i]
		}
	}
	return nil
}

// recordRecovery puts the plan under which this node's log began anew onto the
// ledger, so that nobody has to think of it: the leader at once, the others if
// the leader does not.
func (n *Node) recordRecovery(ctx context.Context) {
	for {
		k := n.unrecorded()
		if k == nil {
			return // what is on the ledger stays there
		}
		if n.ready.Load() && n.Removed() == nil && n.record(ctx, k) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(n.cfg.RaftTimeout, time.Second) / 4):
		}
	}
}

// record tries once; true says that trying again is of no use.
func (n *Node) record(ctx context.Context, k *keptPlan) (final bool) {
	r, now := &n.recovered, n.opts.Clock()
	r.mu.Lock()
	if r.since.IsZero() {
		r.since = now
	}
	waited := now.Sub(r.since)
	r.mu.Unlock()
	if n.ledger.Status().Leader != n.id.Node && waited < recordPatience {
		return false
	}
	err := n.machine.Allows(exchange.VerbRecover)
	var res exchange.Result
	if err == nil {
		attempt, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
		res, err = n.agency.Act(attempt, announcer, exchange.VerbRecover, k.SignedPlan)
		cancel()
	}
	if err == nil || errors.Is(err, members.ErrRecoveryKnown) {
		n.log.Warn("the plan of recovery is on the ledger", "plan", k.digest, "seq", res.Seq)
		return false // there may be another
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if code := exchange.AsError(err).Code; code != r.why || waited >= recordLate {
		n.log.Warn("the plan of recovery is not on the ledger yet", "plan", k.digest, "error", err)
		r.why = code
	}
	r.final = res.Seq > 0
	return r.final
}

// Unrecorded is the plan of recovery that is not on the ledger yet, nil if there
// is none.
func (n *Node) Unrecorded() *wire.Unrecorded {
	k := n.unrecorded()
	if k == nil {
		return nil
	}
	r := &n.recovered
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &wire.Unrecorded{Plan: k.digest, Why: r.why}
	if !r.since.IsZero() {
		waited := n.opts.Clock().Sub(r.since)
		out.For, out.Late = int64(waited/time.Second), r.final || waited >= recordLate
	}
	return out
}

// holds says whether a statement must wait for the record of a recovery: it is the
// first thing that the surviving federation says. What cannot be recorded yet,
// because not all nodes know the verb, or what the ledger refused, holds nothing.
func (n *Node) holds(payload []byte) bool {
	if n.unrecorded() == nil || n.machine.Allows(exchange.VerbRecover) != nil {
		return false
	}
	if cmd, err := machine.CommandOf(payload); err != nil || cmd.Verb == exchange.VerbRecover {
		return false
	}
	r := &n.recovered
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.final && (r.since.IsZero() || n.opts.Clock().Sub(r.since) < recordLate)
}

// awaitRecord waits until a statement may be proposed.
func (n *Node) awaitRecord(ctx context.Context, payload []byte) error {
	for {
		view := n.machine.View()
		if !n.holds(payload) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ErrRecording.Wrap(ctx.Err())
		case <-view.Changed():
		case <-time.After(time.Second):
		}
	}
}

// givenUp is the plan that says of a node that it must never start again, "" if
// none does that is on this ledger, that this node's log began anew under, or that
// a peer has shown.
func (n *Node) givenUp(node string) (plan string) {
	for _, k := range n.recovered.kept {
		if slices.Contains(k.plan.Lost, node) {
			return k.digest
		}
	}
	for _, r := range n.machine.View().Federation().Recoveries {
		if slices.Contains(r.Plan.Lost, node) && !n.serves(node) {
			return r.Digest
		}
	}
	n.recovered.mu.Lock()
	defer n.recovered.mu.Unlock()
	for digest, p := range n.recovered.heard {
		if slices.Contains(p.Lost, node) {
			return digest
		}
	}
	return ""
}

// serves says whether a node is a server of the log. A plan on the ledger that gives
// up a server of it was never carried out here: whoever kept an abandoned plan can
// put it there, and must not cut a living federation in two with it.
func (n *Node) serves(node string) bool {
	servers := n.recovered.servers.Load()
	return servers == nil || slices.ContainsFunc((*servers)(), func(s consensus.Server) bool { return s.ID == node })
}

// abandoned is a plan on the ledger that was never carried out, nil if there is none.
func (n *Node) abandoned() *members.Recovery {
	for _, r := range n.machine.View().Federation().Recoveries {
		if n.recovered.servers.Load() != nil && slices.ContainsFunc(r.Plan.Lost, n.serves) {
			return &r
		}
	}
	return nil
}

// hear remembers a good plan that a peer goes by: whom it gave up this node does
// not follow, whether the plan is on its own ledger yet or not.
func (n *Node) hear(digest string, p members.Plan) {
	n.recovered.mu.Lock()
	if n.recovered.heard == nil {
		n.recovered.heard = map[string]members.Plan{}
	}
	n.recovered.heard[digest] = p
	n.recovered.mu.Unlock()
	n.refreshPeers()
	n.peerNet.part()
}

// unhear forgets what peers said: it may have been settled.
func (n *Node) unhear() {
	n.recovered.mu.Lock()
	n.recovered.heard = nil
	n.recovered.mu.Unlock()
	n.refreshPeers()
}

// Recoveries are the plans that this node knows to be carried out, with their
// signatures: they prove themselves.
func (n *Node) Recoveries() wire.Recoveries {
	out := wire.Recoveries{Recoveries: []wire.Recovery{}}
	view := n.machine.View()
	for _, r := range view.Federation().Recoveries {
		row := wire.Recovery{Digest: r.Digest, Seq: r.Seq, At: r.Since.Time(), By: r.By, Between: r.Between(), Summary: r.Plan}
		if st, ok := view.Statement(r.Seq); ok {
			row.Signed = planOf(st.JWS)
		}
		out.Recoveries = append(out.Recoveries, row)
	}
	for _, k := range n.recovered.kept {
		if !slices.ContainsFunc(out.Recoveries, func(r wire.Recovery) bool { return r.Digest == k.digest }) {
			out.Recoveries = append(out.Recoveries, wire.Recovery{Digest: k.digest, Summary: k.plan, Signed: k.SignedPlan})
		}
	}
	return out
}

// planOf is the plan in the statement that carries it.
func planOf(statement string) members.SignedPlan {
	if cmd, err := machine.CommandOf([]byte(statement)); err == nil {
		if b, err := members.DecodeRecover(cmd.Body); err == nil {
			return *b
		}
	}
	return members.SignedPlan{}
}
