package transport

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// View is what the guard asks of the node it guards. All methods are called
// concurrently, for every request; they must be cheap.
type View interface {
	// Servers is the membership the guard goes by: the committed configuration
	// and, while a change is under way, the one that will follow it. A server
	// may stand in it twice.
	Servers() []raft.Server
	// Leader is the id of the node this one follows, or empty.
	Leader() string
	// Term is this node's current term.
	Term() uint64
	// Floor is the highest index that may never change here again: what is
	// committed, as far as this node knows, or covered by its snapshot.
	Floor() uint64
	// Stored is the entry at an index, or false if the log does not hold it.
	Stored(index uint64) (raft.Log, bool)
	// Check judges the data of command entries before they are stored.
	Check(entries []*raft.Log) error
	// Installing notes that a snapshot of this index comes in; an error refuses it.
	Installing(index uint64) error
}

// Guard stands between a peer and Raft. Raft obeys any sender; the guard lets
// through only what a peer, being who it is proven to be, may send, by the
// table of [rules]. What it refuses is counted and logged, never passed on.
type Guard struct {
	view        View
	log         *slog.Logger
	maxSnapshot int64

	mu     sync.Mutex
	counts map[RefusalKey]uint64
	logged map[RefusalKey]time.Time
}

// RefusalKey names what was refused and why.
type RefusalKey struct {
	Peer string
	Kind Kind
	Rule string
}

// ErrGuard: a rule of the guard refused the request.
var ErrGuard = errors.New("transport: guard")

// NewGuard builds a guard over a node's view.
func NewGuard(view View, log *slog.Logger, maxSnapshot int64) *Guard {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Guard{view: view, log: log, maxSnapshot: maxSnapshot, counts: map[RefusalKey]uint64{}, logged: map[RefusalKey]time.Time{}}
}

// request is one inbound request before a rule.
type request struct {
	peer   string
	kind   Kind
	cmd    any
	header raft.RPCHeader
	term   uint64
}

// rule is one line of the guard's table. The names are those of the threat
// model's g-rules in the package's DESIGN.md.
type rule struct {
	name  string
	kinds []Kind // nil means all
	check func(*Guard, *request) error
}

// rules are asked in this order; cheap ones first, those that read entries last.
var rules = []rule{
	{"sender", nil, (*Guard).ruleSender},                                         // g1
	{"role", nil, (*Guard).ruleRole},                                             // g2
	{"transfer", []Kind{KindTimeoutNow, KindRequestVote}, (*Guard).ruleTransfer}, // g8
	{"term", []Kind{KindAppendEntries, KindRequestVote, KindPreVote, KindInstallSnapshot}, // g5
		(*Guard).ruleTerm},
	{"entries", []Kind{KindAppendEntries}, (*Guard).ruleEntries},     // g5
	{"committed", []Kind{KindAppendEntries}, (*Guard).ruleCommitted}, // g4, its local half
	{"commands", []Kind{KindAppendEntries}, (*Guard).ruleCommands},   // g6
	{"snapshot", []Kind{KindInstallSnapshot}, (*Guard).ruleSnapshot}, // g7, its local half
}

// admit judges a decoded Raft request.
func (g *Guard) admit(peer string, kind Kind, cmd any) error {
	req := &request{peer: peer, kind: kind, cmd: cmd}
	req.header = cmd.(raft.WithRPCHeader).GetRPCHeader()
	switch c := cmd.(type) {
	case *raft.AppendEntriesRequest:
		req.term = c.Term
	case *raft.RequestVoteRequest:
		req.term = c.Term
	case *raft.RequestPreVoteRequest:
		req.term = c.Term
	case *raft.InstallSnapshotRequest:
		req.term = c.Term
	}
	for _, r := range rules {
		if !applies(r.kinds, kind) {
			continue
		}
		if err := r.check(g, req); err != nil {
			return g.refuse(peer, kind, r.name, err)
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
		return g.refuse(conn.Peer(), kind, "key", err)
	}
	if limit := maxBody(kind); limit == 0 || n > limit {
		return g.refuse(conn.Peer(), kind, "size", malformed("kind or size"))
	}
	return nil
}

// admitCall judges a forwarded call: any server of the membership may propose
// and read, only a server may.
func (g *Guard) admitCall(peer string, kind Kind) error {
	if _, ok := g.find(peer); !ok {
		return g.refuse(peer, kind, "sender", errors.New("not in the membership"))
	}
	return nil
}

// maxTermJump bounds how far a peer can push the term at once. With pre-vote a
// term grows by one an election; no honest peer comes near.
const maxTermJump = 1 << 32

// admitTerm judges the term of an answer.
func (g *Guard) admitTerm(term uint64) error {
	if ours := g.view.Term(); term > ours && term-ours > maxTermJump {
		return fmt.Errorf("%w: term: answer jumps ahead", ErrGuard)
	}
	return nil
}

// find is a server of the membership by id; a voter is preferred over the same
// server without a vote.
func (g *Guard) find(id string) (raft.Server, bool) {
	var out raft.Server
	found := false
	for _, s := range g.view.Servers() {
		if string(s.ID) == id && (!found || s.Suffrage == raft.Voter) {
			out, found = s, true
		}
	}
	return out, found
}

// ruleSender: the header names the proven peer, at an address the membership
// has for it, and speaks our protocol version.
func (g *Guard) ruleSender(r *request) error {
	if r.header.ProtocolVersion != raft.ProtocolVersionMax {
		return errors.New("protocol version")
	}
	if string(r.header.ID) != r.peer {
		return errors.New("header names another node")
	}
	known := false
	for _, s := range g.view.Servers() {
		if string(s.ID) != r.peer {
			continue
		}
		known = true
		if string(s.Address) == string(r.header.Addr) {
			return nil
		}
	}
	if !known {
		return errors.New("not in the membership")
	}
	return errors.New("header names another address")
}

// ruleRole: who has no vote sends Raft nothing but answers.
func (g *Guard) ruleRole(r *request) error {
	if s, _ := g.find(r.peer); s.Suffrage != raft.Voter {
		return errors.New("not a voter")
	}
	return nil
}

// ruleTransfer: we never transfer leadership (raft#696), so nobody has a reason
// to ask for an election at once or for a vote against a living leader.
func (g *Guard) ruleTransfer(r *request) error {
	if v, ok := r.cmd.(*raft.RequestVoteRequest); ok && !v.LeadershipTransfer {
		return nil
	}
	return errors.New("leadership transfer is not used")
}

// ruleTerm: no term zero, no leap.
func (g *Guard) ruleTerm(r *request) error {
	if r.term == 0 {
		return errors.New("term zero")
	}
	if ours := g.view.Term(); r.term > ours && r.term-ours > maxTermJump {
		return errors.New("term jumps ahead")
	}
	return nil
}

// ruleEntries: entries follow one another from the previous one, their terms do
// not fall nor pass the sender's, their types are the three we use, and a
// configuration decodes. Raft ends the process over an unknown type or an
// undecodable configuration.
func (g *Guard) ruleEntries(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	index, term := c.PrevLogEntry, c.PrevLogTerm
	if (index == 0) != (term == 0) || term > c.Term {
		return errors.New("previous entry")
	}
	for _, e := range c.Entries {
		if index++; e.Index != index || e.Term < term || e.Term == 0 || e.Term > c.Term {
			return errors.New("entries out of sequence")
		}
		term = e.Term
		switch e.Type {
		case raft.LogCommand:
		case raft.LogNoop:
			if len(e.Data) != 0 {
				return errors.New("no-op with data")
			}
		case raft.LogConfiguration:
			if _, err := DecodeConfiguration(e.Data); err != nil {
				return err
			}
		default:
			return errors.New("entry type")
		}
	}
	return nil
}

// ruleCommitted: nothing at or below our floor may change. The entry must be
// the one we hold, bit by bit; where the log no longer holds it, a snapshot
// covers it and raft has no business there either.
func (g *Guard) ruleCommitted(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	floor := g.view.Floor()
	for _, e := range c.Entries {
		if e.Index > floor {
			return nil
		}
		have, ok := g.view.Stored(e.Index)
		if !ok {
			if _, prev := g.view.Stored(c.PrevLogEntry); c.PrevLogEntry == 0 || prev {
				return errors.New("below the log")
			}
			return nil // raft misses the previous entry too, says so, and the sender falls back to a snapshot
		}
		if have.Term != e.Term || have.Type != e.Type || !bytes.Equal(have.Data, e.Data) {
			return errors.New("changes a committed entry")
		}
	}
	return nil
}

// ruleCommands: commands are judged before they are stored. Those already held
// were judged when they came.
func (g *Guard) ruleCommands(r *request) error {
	c := r.cmd.(*raft.AppendEntriesRequest)
	floor := g.view.Floor()
	var fresh []*raft.Log
	for _, e := range c.Entries {
		if e.Type == raft.LogCommand && e.Index > floor {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return g.view.Check(fresh)
}

// ruleSnapshot: only from the node we follow, only ahead of what we have, with
// a configuration that decodes and within the size cap. Whether its content is
// the truth is not known here.
func (g *Guard) ruleSnapshot(r *request) error {
	c := r.cmd.(*raft.InstallSnapshotRequest)
	if c.SnapshotVersion != raft.SnapshotVersionMax {
		return errors.New("snapshot version")
	}
	if leader := g.view.Leader(); leader != r.peer || c.Term != g.view.Term() {
		return errors.New("not from the leader we follow")
	}
	if c.Size > g.maxSnapshot {
		return errors.New("snapshot too large")
	}
	if c.LastLogTerm == 0 || c.LastLogTerm > c.Term || c.ConfigurationIndex == 0 || c.ConfigurationIndex > c.LastLogIndex {
		return errors.New("snapshot position")
	}
	if _, err := DecodeConfiguration(c.Configuration); err != nil {
		return err
	}
	if err := g.view.Installing(c.LastLogIndex); err != nil {
		return err
	}
	if c.LastLogIndex <= g.view.Floor() {
		return errors.New("snapshot behind our own state")
	}
	return nil
}

// DecodeConfiguration decodes a membership without raft's panic, and accepts
// only the one encoding raft itself would write and a membership it would use.
func DecodeConfiguration(b []byte) (c raft.Configuration, err error) {
	if len(b) > MaxConfiguration {
		return raft.Configuration{}, malformed("configuration too long")
	}
	defer func() {
		if recover() != nil {
			c, err = raft.Configuration{}, malformed("configuration")
		}
	}()
	c = raft.DecodeConfiguration(b)
	if !bytes.Equal(raft.EncodeConfiguration(c), b) {
		return raft.Configuration{}, malformed("configuration encoding")
	}
	return c, CheckConfiguration(c)
}

// CheckConfiguration says whether a membership can be used: ids and addresses
// present, short and unique, at least one voter, no staging.
func CheckConfiguration(c raft.Configuration) error {
	ids, addrs, voters := map[raft.ServerID]bool{}, map[raft.ServerAddress]bool{}, 0
	for _, s := range c.Servers {
		if s.ID == "" || len(s.ID) > maxID || s.Address == "" || len(s.Address) > maxAddr || ids[s.ID] || addrs[s.Address] {
			return malformed("configuration server")
		}
		ids[s.ID], addrs[s.Address] = true, true
		switch s.Suffrage {
		case raft.Voter:
			voters++
		case raft.Nonvoter:
		default:
			return malformed("configuration suffrage")
		}
	}
	if voters == 0 {
		return malformed("configuration without voter")
	}
	return nil
}

// refuse counts a refusal and logs it, at most once a minute for each peer,
// kind and rule: a hostile peer shall not fill the disk.
func (g *Guard) refuse(peer string, kind Kind, rule string, why error) error {
	key := RefusalKey{Peer: peer, Kind: kind, Rule: rule}
	if kind.String() == "unknown" {
		key.Kind = 0 // 250 unknown kinds are one counter
	}
	now := time.Now()
	g.mu.Lock()
	g.counts[key]++
	n := g.counts[key]
	speak := now.Sub(g.logged[key]) >= time.Minute
	if speak {
		g.logged[key] = now
	}
	g.mu.Unlock()
	if speak {
		g.log.Warn("refused a peer's request", "peer", peer, "kind", kind.String(), "rule", rule, "why", why.Error(), "count", n)
	}
	return fmt.Errorf("%w: %s: %w", ErrGuard, rule, why)
}

// Refusals are the counts since start.
func (g *Guard) Refusals() map[RefusalKey]uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make(map[RefusalKey]uint64, len(g.counts))
	for k, v := range g.counts {
		out[k] = v
	}
	return out
}
