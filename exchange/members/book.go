package members

import (
	"errors"
	"slices"
	"sync"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
)

// Book (名册簿) holds every roster a node has verified: those in force, those a
// command has brought that is not applied yet, those a peer has shown. Its word
// never depends on how far a node has applied, so that Check and the guard judge
// alike everywhere. It is safe for concurrent use.
type Book struct {
	mu     sync.RWMutex
	known  map[string]*Lineage      // by digest
	newest *Lineage                 // of the highest version; of two, the first that came
	keys   map[heldKey]keys.Public  // every key ever announced
	drafts map[string]*SignedRoster // proposed, by digest, with the endorsements that votes brought
	order  []string                 // of the drafts, oldest first
}

// maxDrafts bounds the drafts that are remembered. The joint meeting has few open at
// a time (meeting.MaxOpen a seat).
const maxDrafts = 512

// heldKey names a key and its member: two rosters of which only one comes into
// force could list one key for two members.
type heldKey struct {
	member exchange.MemberID
	kid    string
}

// NewBook holds one line.
func NewBook(l *Lineage) *Book {
	b := &Book{known: map[string]*Lineage{}, keys: map[heldKey]keys.Public{}, drafts: map[string]*SignedRoster{}}
	b.keep(l)
	return b
}

// keep takes a line in; the caller holds mu or is alone.
func (b *Book) keep(l *Lineage) {
	b.known[l.digest] = l
	for _, m := range l.roster.Members {
		for _, k := range m.Keys {
			b.keys[heldKey{m.ID, k.KID()}] = k
		}
	}
	if b.newest == nil || l.Version() > b.newest.Version() {
		b.newest = l
	}
}

// Learn verifies a signed roster against the one it names as its predecessor and
// keeps it. The error of one whose predecessor is not known is ErrRosterPrevious.
func (b *Book) Learn(s SignedRoster, verify Verifier) (*Lineage, error) {
	next, err := ParseRoster([]byte(s.Document))
	if err != nil {
		return nil, err
	}
	b.mu.RLock()
	known, before := b.known[Digest([]byte(s.Document))], b.known[next.Previous]
	b.mu.RUnlock()
	if known != nil {
		return known, nil
	}
	if before == nil {
		return nil, ErrRosterPrevious.With()
	}
	l, err := before.Extend(s, verify)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.known[l.digest]; known != nil {
		return known, nil
	}
	b.keep(l)
	return l, nil
}

// Propose remembers a roster that is voted on.
func (b *Book) Propose(document string, proofs []string) {
	digest := Digest([]byte(document))
	b.mu.Lock()
	defer b.mu.Unlock()
	if have := b.drafts[digest]; have != nil { // proposed again, perhaps to spoil it: nothing is taken away
		for _, p := range proofs {
			if len(have.Proofs) < 2*MaxMembers && !slices.Contains(have.Proofs, p) {
				have.Proofs = append(slices.Clone(have.Proofs), p)
			}
		}
		return
	}
	if len(b.order) >= maxDrafts {
		delete(b.drafts, b.order[0])
		b.order = b.order[1:]
	}
	b.drafts[digest] = &SignedRoster{Document: document, Proofs: proofs}
	b.order = append(b.order, digest)
}

// Endorsed takes the endorsement that a vote brought, and learns the roster once
// enough of them came. What does not hold is left aside: the answer on the ledger
// says why.
func (b *Book) Endorsed(token string, verify Verifier) {
	t, err := jws.Parse(token)
	if err != nil {
		return
	}
	var e RosterEndorsement
	if strictjson.Unmarshal(t.Payload, &e) != nil {
		return
	}
	b.mu.Lock()
	draft := b.drafts[e.Roster]
	if draft == nil || len(draft.Endorsements) >= MaxMembers || slices.Contains(draft.Endorsements, token) || !b.holds(draft, token, verify) {
		b.mu.Unlock()
		return
	}
	draft.Endorsements = append(slices.Clone(draft.Endorsements), token)
	s := *draft
	b.mu.Unlock()
	_, _ = b.Learn(s, verify)
}

// holds says whether an endorsement of a draft is one by a seat of the roster
// before; the caller holds mu. One that is not would spoil the others.
func (b *Book) holds(draft *SignedRoster, token string, verify Verifier) bool {
	next, err := ParseRoster([]byte(draft.Document))
	if err != nil {
		return false
	}
	before := b.known[next.Previous]
	if before == nil {
		return false
	}
	_, err = before.endorsersOf(next, Digest([]byte(draft.Document)), []string{token}, verify)
	return err == nil || errors.Is(err, ErrRosterQuorum)
}

// Find gives the line that ends with the roster of this digest, nil when it is
// not known.
func (b *Book) Find(digest string) *Lineage {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.known[digest]
}

// Newest is the longest line known, in force or only announced.
func (b *Book) Newest() *Lineage {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.newest
}

// Key finds a key that was ever announced for a member. Whether it counts at some
// time the rows say, not the book.
func (b *Book) Key(member exchange.MemberID, kid string) (keys.Public, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	k, ok := b.keys[heldKey{member, kid}]
	return k, ok
}

// After gives the lines of at least a version, by version: those that may be in
// force from there on.
func (b *Book) After(version int) []*Lineage {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var all []*Lineage
	for _, l := range b.known {
		if l.Version() >= version {
			all = append(all, l)
		}
	}
	slices.SortFunc(all, func(x, y *Lineage) int { return x.Version() - y.Version() })
	return all
}

// Place is a server of the log's membership as governance sees it.
type Place struct {
	ID, Address string
	Voter       bool
}

// Governs is nil if these may be the servers of the log on the way from the
// roster of a version, or the one before it, to the newest: each is the node of
// a roster on this way, at that roster's address, and votes only if it says so.
// A node that was taken off may stand there until it is taken out; nobody else
// may.
func (b *Book) Governs(inForce int, servers []Place) error {
	way := b.After(inForce - 1)
	for _, s := range servers {
		if !slices.ContainsFunc(way, func(l *Lineage) bool { return l.places(s) }) {
			return ErrGovernance.With("node", s.ID)
		}
	}
	return nil
}

// ErrGovernance is a server of the log that no roster knows so.
var ErrGovernance = exchange.Define(exchange.KindRefused, "MEM-040",
	exchange.Text{Zh: "名册没有把节点 {node} 列为这样的节点", En: "no roster lists node {node} so"},
	exchange.Text{Zh: "节点的加入、更换和表决资格须先写入名册", En: "who joins, is replaced or votes must stand in the roster first"})

// places says whether the newest roster of the line lists this server.
func (l *Lineage) places(s Place) bool {
	m, ok := l.roster.OfNode(s.ID)
	return ok && m.Node.Address == s.Address && (m.Node.Votes() || !s.Voter)
}
