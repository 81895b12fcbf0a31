package transport

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Elections is what a node knows of who was elected, and its own part in it. Raft
// believes anybody who names a higher term or calls itself leader; here both need
// the signatures of a majority:
//
//   - a voter signs its pre-votes and its votes, each when raft has granted it;
//   - a candidate shows a majority of pre-votes for its term when it asks for votes;
//   - a leader shows a majority of votes in everything it sends;
//   - an answer that names a higher term than the question shows a proof of it.
//
// Each proof is on disk before raft hears of the term, so a node that restarts in
// a term can always show why it is there.
type Elections struct {
	cfg  ElectionConfig
	lead atomic.Pointer[proof] // the newest certificate that names a leader

	mu      sync.Mutex
	top     *proof                     // the newest proof of a term, of any kind
	voted   *Certificate               // the last vote signed here, without signatures
	tallies map[Statement]*Certificate // gathered for the own candidacy
	known   map[[32]byte]uint64        // certificates found good before, and how fresh they are
	deposed time.Time                  // when an outdated proof was last believed by a leader
	bent    time.Time                  // when a term was last believed without proof
}

// ElectionConfig of [Elections].
type ElectionConfig struct {
	ID      string
	Cluster string // signatures count in this cluster only
	Network Network
	View    View
	// Path of the file that keeps the proofs; empty keeps them in memory.
	Path   string
	NoSync bool
	// Fatal hears of a disk that fails.
	Fatal  func(error)
	Logger *slog.Logger
	// Patience is how long a candidate waits before it believes a term without
	// proof, 30 s; see [Elections.admitAnswer].
	Patience time.Duration
}

// proof is a certificate found good, with its encoding.
type proof struct {
	cert *Certificate
	raw  []byte
}

// ErrUnproven: a term or a leader without a proof this node can believe.
var ErrUnproven = errors.New("transport: not proven")

// foundingTerm is the term raft writes at the founding. Nobody was elected in it.
const foundingTerm = 1

// tokenSize is the length of a signed vote on the wire.
const tokenSize = 8 + SignatureSize

// maxKnown bounds the certificates remembered as good.
const maxKnown = 64

// OpenElections reads what is kept at cfg.Path. A damaged file is set aside: the
// node then believes and proves less until the next election, and never more.
func OpenElections(cfg ElectionConfig) (*Elections, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Fatal == nil {
		cfg.Fatal = func(error) {}
	}
	if cfg.Patience == 0 {
		cfg.Patience = 30 * time.Second
	}
	e := &Elections{cfg: cfg, tallies: map[Statement]*Certificate{}, known: map[[32]byte]uint64{}, deposed: time.Now()}
	if cfg.Path == "" {
		return e, nil
	}
	kept, err := readTermFile(cfg.Path, cfg.Logger)
	if err != nil {
		return nil, err
	}
	e.top, e.voted = kept.top, kept.voted
	if kept.lead != nil {
		e.lead.Store(kept.lead)
	}
	return e, nil
}

// Leader is the newest leader proven to this node, and its term; "" and 0 before
// any.
func (e *Elections) Leader() (id string, term uint64) {
	if p := e.lead.Load(); p != nil {
		return p.cert.Candidate, p.cert.Term
	}
	return "", 0
}

// save puts the state on disk; e.mu is held. A disk that fails ends the node.
func (e *Elections) save() error {
	if e.cfg.Path == "" {
		return nil
	}
	err := writeTermFile(e.cfg.Path, &termState{top: e.top, lead: e.lead.Load(), voted: e.voted}, e.cfg.NoSync)
	if err != nil {
		e.cfg.Fatal(err)
	}
	return err
}

// take keeps a proof that has been found good; e.mu is held.
func (e *Elections) take(p *proof) error {
	changed := false
	if e.top == nil || p.cert.Term > e.top.cert.Term || (p.cert.Term == e.top.cert.Term && p.cert.elects() && !e.top.cert.elects()) {
		e.top, changed = p, true
	}
	lead := e.lead.Load()
	fresh := p.cert.elects() && (lead == nil || p.cert.Term > lead.cert.Term ||
		(p.cert.Term == lead.cert.Term && p.cert.Candidate == lead.cert.Candidate && !bytes.Equal(p.raw, lead.raw)))
	if !fresh && !changed {
		return nil
	}
	if !fresh {
		return e.save()
	}
	// Nobody may act on the new leader before the disk has it: a restart would
	// forget it and could take a second one for the first.
	old := lead
	e.lead.Store(p)
	if err := e.save(); err != nil {
		e.lead.Store(old)
		return err
	}
	return nil
}

// verify judges a certificate's signatures: nil if those of known voters, by keys
// they have, are a majority. A signature that a voter's own key did not make is
// forged, and the error says so with [ErrMalformed]. The number is the newest term
// of a leader that any of the signers, other than the candidate, had seen.
func (e *Elections) verify(c *Certificate, raw []byte) (newest uint64, err error) {
	digest := sha256.Sum256(raw)
	if newest, ok := e.known[digest]; ok {
		return newest, nil
	}
	memberships := e.cfg.View.Memberships()
	good := map[string]bool{}
	for _, v := range c.Votes {
		if !isVoter(memberships, v.Voter) {
			continue // a voter of another time, or of nobody's
		}
		err := e.cfg.Network.Verify(v.Voter, c.Message(e.cfg.Cluster, v.Voter, v.Lead), v.Signature)
		if errors.Is(err, ErrUnknown) {
			continue // a key of another time
		}
		if err != nil {
			return 0, err
		}
		good[v.Voter] = true
		if v.Voter != c.Candidate || len(c.Votes) == 1 {
			newest = max(newest, v.Lead)
		}
	}
	if !majority(memberships, func(v string) bool { return good[v] }) {
		return 0, fmt.Errorf("%w: no majority of the voters known here", ErrUnproven)
	}
	e.remember(digest, newest)
	return newest, nil
}

func (e *Elections) remember(digest [32]byte, newest uint64) {
	if len(e.known) >= maxKnown {
		clear(e.known)
	}
	e.known[digest] = newest
}

// read decodes and judges a certificate; e.mu is held.
func (e *Elections) read(raw []byte) (p *proof, newest uint64, err error) {
	if len(raw) == 0 {
		return nil, 0, fmt.Errorf("%w: no certificate", ErrUnproven)
	}
	c, err := DecodeCertificate(raw)
	if err != nil {
		return nil, 0, err
	}
	if newest, err = e.verify(c, raw); err != nil {
		return nil, 0, err
	}
	return &proof{cert: c, raw: bytes.Clone(raw)}, newest, nil
}

// seen is the newest term this node has seen a leader of.
func (e *Elections) seen() uint64 {
	_, term := e.Leader()
	return term
}

// errNoCertificate: who has to show one shows none.
var errNoCertificate = errors.New("transport: no certificate")

// ErrSecondLeader: a term has one leader, and this is not it.
var ErrSecondLeader = errors.New("transport: second leader of the term")

// errOutdated: the sender led once; a later leader is proven here.
var errOutdated = errors.New("transport: a later leader is known")

// admitLeader judges who sends as the leader of a term. It runs for every message
// of a leader: after the first of a term it compares bytes and nothing else.
func (e *Elections) admitLeader(peer string, term uint64, raw []byte) error {
	if p := e.lead.Load(); p != nil && p.cert.Term == term && p.cert.Candidate == peer && bytes.Equal(p.raw, raw) {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	lead := e.lead.Load()
	if lead != nil && lead.cert.Term > term {
		return errOutdated
	}
	if len(raw) == 0 {
		return errNoCertificate
	}
	c, err := DecodeCertificate(raw)
	switch {
	case err != nil:
		return err
	case !c.elects():
		return malformed("a certificate that elects nobody")
	case c.Term != term:
		return malformed("a certificate of another term")
	case c.Candidate != peer:
		return malformed("a certificate of another node")
	}
	_, err = e.verify(c, raw)
	if lead != nil && lead.cert.Term == term {
		if lead.cert.Candidate != peer {
			if err == nil {
				return accuse(fmt.Errorf("%w: double votes of %q", ErrSecondLeader, doubled(lead.cert, c)), lead.raw)
			}
			return ErrSecondLeader
		}
		if errors.Is(err, ErrUnproven) {
			return nil // proven before, and signed anew by voters not known here yet
		}
	}
	if err != nil {
		return err
	}
	return e.take(&proof{cert: c, raw: bytes.Clone(raw)})
}

// admitCandidate judges a request for a vote: a majority must have pre-voted for
// this candidate in this term. So no single node can move the term.
func (e *Elections) admitCandidate(peer string, req *raft.RequestVoteRequest, proofs Proofs) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.admitClaim(req.LastLogTerm, proofs.Log); err != nil {
		return err
	}
	if len(proofs.Term) == 0 {
		return errNoCertificate
	}
	c, err := DecodeCertificate(proofs.Term)
	switch {
	case err != nil:
		return err
	case c.Statement != PreVote || c.Term != req.Term || c.Candidate != peer:
		return malformed("pre-votes for something else")
	}
	newest, err := e.verify(c, proofs.Term)
	if err != nil {
		return err
	}
	if newest < e.seen() {
		return fmt.Errorf("%w: pre-votes from before the last election", ErrUnproven)
	}
	return e.take(&proof{cert: c, raw: bytes.Clone(proofs.Term)})
}

// termSlack is how large a step without proof may be, where one is believed.
const termSlack = 1 << 16

// admitPreCandidate judges a request for a pre-vote. A candidate that is more than
// a term ahead shows why.
func (e *Elections) admitPreCandidate(req *raft.RequestPreVoteRequest, proofs Proofs) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.admitClaim(req.LastLogTerm, proofs.Log); err != nil {
		return err
	}
	ours := e.cfg.View.Term()
	if req.Term <= ours+1 {
		return nil
	}
	p, _, err := e.read(proofs.Term)
	if err == nil && p.cert.Term+1 < req.Term {
		err = fmt.Errorf("%w: proof of a lower term", ErrUnproven)
	}
	if err != nil && e.bend(req.Term-ours) {
		return nil
	}
	return err
}

// bend says whether a step in the term may be believed without proof now. A node
// can be in a term it cannot prove: it lost the file, or the log was recovered
// among fewer nodes than signed. So that such nodes can still elect, one modest
// step is believed within cfg.Patience by a node that has no leader. Nobody is
// deposed by it, and the rounds in between decide without a liar.
func (e *Elections) bend(step uint64) bool {
	now := time.Now()
	if step > termSlack || now.Sub(e.bent) < e.cfg.Patience {
		return false
	}
	first := e.bent.IsZero()
	e.bent = now
	if !first {
		e.cfg.Logger.Warn("a higher term is believed without proof", "step", step)
	}
	return !first
}

// admitClaim judges the term a candidate claims its last entry to be of. Somebody
// must have been elected in it or later: a claim of a term that had no leader
// would beat every honest log.
func (e *Elections) admitClaim(lastTerm uint64, raw []byte) error {
	lead := e.lead.Load()
	if lead != nil && bytes.Equal(raw, lead.raw) {
		raw = nil
	}
	var err error
	if len(raw) > 0 { // who was elected is worth knowing in any case
		var p *proof
		if p, _, err = e.read(raw); err == nil && p.cert.elects() {
			if err := e.take(p); err != nil {
				return err
			}
		}
	}
	lead = e.lead.Load()
	if lead == nil || lastTerm <= max(lead.cert.Term, foundingTerm) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%w: of a term without a leader", ErrUnproven)
	}
	return fmt.Errorf("claimed last entry: %w", err)
}

// admitAnswer judges the term of an answer to a request of ours. A higher one
// makes raft step down, so it needs a proof; and a leader believes a proof made of
// pre-votes only if one who signed had seen it lead. An older one shows that a
// node is stuck in a later term, or that somebody has saved it up: it is believed,
// too, but seldom.
func (e *Elections) admitAnswer(kind Kind, asked, term uint64, raw []byte) error {
	if term <= max(asked, foundingTerm) {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p, newest, err := e.read(raw)
	if err == nil && p.cert.Term < term {
		err = fmt.Errorf("%w: proof of a lower term", ErrUnproven)
	}
	if err != nil {
		if kind == KindPreVote && e.bend(term-asked) {
			return nil
		}
		return err
	}
	if leader, led := e.Leader(); leader == e.cfg.ID && led == asked && !p.cert.elects() && newest < asked {
		now := time.Now()
		if now.Sub(e.deposed) < 20*e.cfg.Patience {
			return fmt.Errorf("%w: pre-votes from before this leader's election", ErrUnproven)
		}
		e.deposed = now
	}
	return e.take(p)
}
