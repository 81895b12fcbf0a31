package transport

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hashicorp/raft"
)

// View is what the guard asks of the node it guards. All methods are called
// concurrently, for every request; they must be cheap.
type View interface {
	// Memberships are those this node holds possible: the committed one, the
	// newest in its log, and the one of the signed governance. A node without any
	// goes by the servers it was told to believe. The result is not changed.
	Memberships() [][]raft.Server
	// Leader is the id of the node this one follows, or empty.
	Leader() string
	// Term is this node's current term.
	Term() uint64
	// Floor is the highest index that may never change here again: what is
	// committed, as far as this node knows, or covered by its snapshot.
	Floor() uint64
	// LastIndex is the index of the newest entry of the log, 0 without any.
	LastIndex() uint64
	// Stored is the entry at an index, or false if the log does not hold it.
	Stored(index uint64) (raft.Log, bool)
	// Covered is the index and term of the last entry of the newest snapshot here,
	// 0 and 0 without one.
	Covered() (index, term uint64)
	// Check judges the data of command entries before they are stored.
	Check(entries []*raft.Log) error
	// Governs is nil if the signed governance allows this membership.
	Governs(servers []raft.Server) error
}

// Guard stands between a peer and Raft. Raft obeys any sender; the guard lets
// through only what a peer, being who it is proven to be, may send, by the
// table of [rules]. What it refuses is counted and logged, never passed on, and
// kept as [Evidence] if no honest peer would have sent it.
type Guard struct {
	cfg       GuardConfig
	view      View
	elections *Elections
	archive   *archive
	pace      *pacer

	refused tally
	delayed tally
}

// GuardConfig of a [Guard].
type GuardConfig struct {
	ID   string // this node
	View View
	// Elections says who leads by whose votes.
	Elections *Elections
	// Evidence is the directory that keeps it; empty keeps none.
	Evidence    string
	NoSync      bool
	MaxSnapshot int64 // bytes
	Logger      *slog.Logger
	// Unguarded lets everything through that decodes. It is there to measure what
	// the guard costs, and to play a hostile peer in a test.
	Unguarded bool
	// Rates of one peer over all its streams; zero means 20,000 requests and
	// 256 MiB a second, with a burst of as much again.
	Requests, Bytes float64
}

// RefusalKey names what was refused or put off and why.
type RefusalKey struct {
	Peer string
	Kind Kind
	Rule string
}

// ErrGuard: a rule of the guard refused the request.
var ErrGuard = errors.New("transport: guard")

// NewGuard builds a guard over a node's view.
func NewGuard(cfg GuardConfig) (*Guard, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Elections == nil && !cfg.Unguarded {
		return nil, errors.New("transport: a guard needs to know elections")
	}
	archive, err := openArchive(cfg.Evidence, cfg.NoSync)
	if err != nil {
		return nil, err
	}
	return &Guard{cfg: cfg, view: cfg.View, elections: cfg.Elections, archive: archive,
		pace: newPacer(cfg.Requests, cfg.Bytes)}, nil
}

// request is one inbound request before a rule.
type request struct {
	peer   string
	kind   Kind
	cmd    any
	proofs Proofs
	header raft.RPCHeader
	term   uint64
}

// rule is one line of the guard's table. The g-numbers are those of the threat
// model.
type rule struct {
	name  string
	kinds []Kind // nil means all
	check func(*Guard, *request) error
}

// rules are asked in this order; cheap ones first, those that read entries last.
// Commands come before memberships: a batch may bring the governance that a
// membership in it follows from.
var rules = []rule{
	{"sender", nil, (*Guard).ruleSender},                                         // g1
	{"role", nil, (*Guard).ruleRole},                                             // g2
	{"transfer", []Kind{KindTimeoutNow, KindRequestVote}, (*Guard).ruleTransfer}, // g8
	{"term", []Kind{KindAppendEntries, KindRequestVote, KindPreVote, KindInstallSnapshot}, // g5
		(*Guard).ruleTerm},
	{"election", []Kind{KindAppendEntries, KindRequestVote, KindPreVote, KindInstallSnapshot}, // g3
		(*Guard).ruleElection},
	{"entries", []Kind{KindAppendEntries}, (*Guard).ruleEntries},       // g5
	{"committed", []Kind{KindAppendEntries}, (*Guard).ruleCommitted},   // g4
	{"commands", []Kind{KindAppendEntries}, (*Guard).ruleCommands},     // g6
	{"membership", []Kind{KindAppendEntries}, (*Guard).ruleMembership}, // g5, against governance
	{"snapshot", []Kind{KindInstallSnapshot}, (*Guard).ruleSnapshot},   // g7, what its head shows
}

// admit judges a decoded Raft request; body is what it was decoded from.
func (g *Guard) admit(peer string, kind Kind, cmd any, proofs Proofs, body []byte) error {
	if g.cfg.Unguarded {
		return nil
	}
	req := &request{peer: peer, kind: kind, cmd: cmd, proofs: proofs}
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		req.header, req.term = c.RPCHeader, c.Term
	case *raft.RequestVoteRequest:
		req.header, req.term = c.RPCHeader, c.Term
	case *raft.RequestPreVoteRequest:
		req.header, req.term = c.RPCHeader, c.Term
	case *raft.InstallSnapshotRequest:
		req.header, req.term = c.RPCHeader, c.Term
	case *raft.TimeoutNowRequest:
		req.header = c.RPCHeader
	}
	for i := range rules {
		r := &rules[i]
		if !applies(r.kinds, kind) {
			continue
		}
		if err := r.check(g, req); err != nil {
			if err == errPast {
				return nil
			}
			if later := (*notYet)(nil); errors.As(err, &later) {
				return g.later(peer, kind, later.why, later.cause)
			}
			if errors.Is(err, errOutdated) || errors.Is(err, errHeld) {
				return err // no fault of the sender
			}
			return g.refuse(peer, kind, r.name, err, body)
		}
	}
	return nil
}

func applies(kinds []Kind, kind Kind) bool {
	for _, k := range kinds {
		if k == kind {
			return true
		}
	}
	return kinds == nil
}

// admitFrame judges a request before its body is read: the peer's key must
// still be its own, the kind must exist and the body keep its cap (g1, g9).
func (g *Guard) admitFrame(conn Conn, kind Kind, n uint32) error {
	if err := conn.Valid(); err != nil {
		return g.refuse(conn.Peer(), kind, "key", err, nil)
	}
	if limit := maxBody(kind); limit == 0 || n > limit {
		return g.refuse(conn.Peer(), kind, "size", malformed("kind or size"), nil)
	}
	return nil
}

// admitCall judges a forwarded call: any server of the membership may propose
// and read, only a server may.
func (g *Guard) admitCall(peer string, kind Kind) error {
	if len(g.view.Memberships()) == 0 {
		return g.later(peer, kind, laterStarting, nil)
	}
	if _, ok := g.find(peer); !ok {
		return g.refuse(peer, kind, "sender", errors.New("not in the membership"), nil)
	}
	return nil
}

// maxTermJump bounds how far a peer can push the term at once, proof or not. With
// pre-vote a term grows by one an election; no honest peer comes near.
const maxTermJump = 1 << 32

// admitAnswer judges the term of an answer to a request in a given term.
func (g *Guard) admitAnswer(peer string, kind Kind, asked, term uint64, proof []byte) error {
	if g.cfg.Unguarded || term <= asked {
		return nil
	}
	if term-asked > maxTermJump {
		return g.refuse(peer, kind, "answer", errors.New("term jumps ahead"), nil)
	}
	if err := g.elections.admitAnswer(kind, asked, term, proof); err != nil {
		return g.refuse(peer, kind, "answer", err, nil)
	}
	return nil
}

// find is a server of a possible membership by id; a voter is preferred over the
// same server without a vote.
func (g *Guard) find(id string) (raft.Server, bool) {
	var out raft.Server
	found := false
	for _, servers := range g.view.Memberships() {
		for _, s := range servers {
			if string(s.ID) == id && (!found || s.Suffrage == raft.Voter) {
				out, found = s, true
			}
		}
	}
	return out, found
}

// refuse counts a refusal and speaks of it, for each peer, kind and rule at once and
// then hourly: a hostile peer shall not fill the disk.
func (g *Guard) refuse(peer string, kind Kind, rule string, why error, body []byte) error {
	key := RefusalKey{Peer: peer, Kind: kind, Rule: rule}
	if kind.String() == "unknown" {
		key.Kind = 0 // 250 unknown kinds are one counter
	}
	times := g.refused.note(key, time.Now())
	if a := (*accusation)(nil); errors.As(why, &a) && body != nil {
		g.testify(peer, kind, rule, why, body, a.own)
	}
	if times > 0 {
		level := slog.LevelWarn
		if errors.Is(why, ErrUnproven) && !errors.As(why, new(*accusation)) {
			level = slog.LevelInfo // honest peers send such, before they have heard of an election
		}
		g.cfg.Logger.Log(context.Background(), level, "refused a peer's request", "peer", peer, "kind", kind.String(), "rule", rule, "why", why.Error(), "times", times)
	}
	return fmt.Errorf("%w: %s: %w", ErrGuard, rule, why)
}

// testify keeps a refused request as evidence.
func (g *Guard) testify(peer string, kind Kind, rule string, why error, body, own []byte) {
	e := &Evidence{Time: time.Now(), Self: g.cfg.ID, Peer: peer, Kind: kind, Rule: rule, Why: why.Error(),
		Size: uint64(len(body)), Digest: sha256.Sum256(body), Body: body[:min(len(body), MaxEvidenceBody)], Own: own[:min(len(own), maxEvidenceOwn)]}
	e.Why = e.Why[:min(len(e.Why), maxSmallBody)]
	kept, err := g.archive.keep(e)
	if err != nil {
		g.cfg.Logger.Error("evidence could not be kept", "peer", peer, "rule", rule, "error", err)
	} else if kept {
		g.cfg.Logger.Warn("evidence kept", "peer", peer, "kind", kind.String(), "rule", rule, "file", e.name())
	}
}

// Keep keeps as evidence what this node found about itself; it accuses no peer.
func (g *Guard) Keep(kind Kind, rule string, why error, body []byte) {
	g.testify("", kind, rule, why, body, nil)
}

// Evidence is what is kept, oldest first.
func (g *Guard) Evidence() ([]*Evidence, error) { return g.archive.list() }

// EvidenceCount is how many files of evidence there are, and how many more there
// was no room for since start.
func (g *Guard) EvidenceCount() (kept int, dropped uint64) { return g.archive.count() }

// Refusals are the counts since start.
func (g *Guard) Refusals() map[RefusalKey]uint64 { return g.refused.counts() }
