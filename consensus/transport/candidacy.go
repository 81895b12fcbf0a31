package transport

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/hashicorp/raft"
)

// This node's own part in [Elections]: what it signs for others, and what it
// gathers when it stands.

// grantPreVote signs a pre-vote raft has granted.
func (e *Elections) grantPreVote(peer string, req *raft.RequestPreVoteRequest) []byte {
	c := &Certificate{Statement: PreVote, Term: req.Term, Candidate: peer, LastIndex: req.LastLogIndex, LastTerm: req.LastLogTerm}
	return e.sign(c).token()
}

// grantVote signs a vote raft has granted, once a term: raft grants a candidate
// that asks again without looking at what it claims this time. It is on disk
// before it is given.
func (e *Elections) grantVote(peer string, req *raft.RequestVoteRequest) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := &Certificate{Statement: Vote, Term: req.Term, Candidate: peer, LastIndex: req.LastLogIndex, LastTerm: req.LastLogTerm}
	if e.vote(c) != nil {
		return nil
	}
	return e.sign(c).token()
}

// vote records this node's one vote of a term; e.mu is held.
func (e *Elections) vote(c *Certificate) error {
	if e.voted != nil && (c.Term < e.voted.Term || (c.Term == e.voted.Term && !c.same(e.voted))) {
		return fmt.Errorf("%w: this node has voted otherwise in term %d", ErrUnproven, e.voted.Term)
	}
	if e.voted != nil && c.same(e.voted) {
		return nil
	}
	old := e.voted
	e.voted = &Certificate{Statement: Vote, Term: c.Term, Candidate: c.Candidate, LastIndex: c.LastIndex, LastTerm: c.LastTerm}
	if err := e.save(); err != nil {
		e.voted = old
		return err
	}
	return nil
}

// stand begins to gather signatures for this node's own candidacy, with its own
// as the first.
func (e *Elections) stand(s Statement, term, lastIndex, lastTerm uint64) error {
	c := &Certificate{Statement: s, Term: term, Candidate: e.cfg.ID, LastIndex: lastIndex, LastTerm: lastTerm}
	e.mu.Lock()
	defer e.mu.Unlock()
	if have := e.tallies[s]; have != nil && have.same(c) {
		return nil
	}
	if s == Vote {
		if err := e.vote(c); err != nil {
			return err
		}
	}
	c.add(e.sign(c))
	e.tallies[s] = c
	return nil
}

// granted checks a signature that came with a granted (pre-)vote and counts it.
// The pre-vote that completes a majority is on disk before raft counts it.
func (e *Elections) granted(s Statement, term uint64, voter string, token []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.tallies[s]
	if c == nil || c.Term != term {
		return fmt.Errorf("%w: a vote nobody asked for", ErrUnproven)
	}
	v, err := e.signedBy(c, voter, token)
	if err != nil {
		return fmt.Errorf("%w: a vote without its voter's signature: %w", ErrUnproven, err)
	}
	c.add(v)
	if s == PreVote && e.enough(c) {
		return e.take(e.mint(c))
	}
	return nil
}

func (e *Elections) enough(c *Certificate) bool {
	return majority(e.cfg.View.Memberships(), func(id string) bool {
		for _, v := range c.Votes {
			if v.Voter == id {
				return true
			}
		}
		return false
	})
}

// mint makes a proof of what this node has gathered and checked itself.
func (e *Elections) mint(c *Certificate) *proof {
	whole := *c
	whole.Votes = append([]SignedVote(nil), c.Votes...)
	p := &proof{cert: &whole, raw: whole.Encode()}
	newest := uint64(0)
	for _, v := range whole.Votes {
		newest = max(newest, v.Lead)
	}
	e.remember(sha256.Sum256(p.raw), newest)
	return p
}

// candidacy is what a request for votes in this term carries.
func (e *Elections) candidacy(term uint64) (Proofs, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.tallies[PreVote]
	if c == nil || c.Term != term || !e.enough(c) {
		return Proofs{}, fmt.Errorf("%w: no majority of pre-votes for term %d", ErrUnproven, term)
	}
	return Proofs{Term: c.Encode(), Log: e.leadRaw()}, nil
}

// precandidacy is what a request for pre-votes carries: why this node is in its
// term, and who was elected last.
func (e *Elections) precandidacy() Proofs {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := Proofs{Log: e.leadRaw()}
	if e.top != nil {
		p.Term = e.top.raw
	}
	return p
}

func (e *Elections) leadRaw() []byte {
	if p := e.lead.Load(); p != nil {
		return p.raw
	}
	return nil
}

// leadership is the certificate this node shows as the leader of a term. It costs
// a comparison, except the first time.
func (e *Elections) leadership(term uint64) ([]byte, error) {
	if p := e.lead.Load(); p != nil && p.cert.Term == term && p.cert.Candidate == e.cfg.ID {
		return p.raw, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.lead.Load(); p != nil && p.cert.Term >= term {
		if p.cert.Term == term && p.cert.Candidate == e.cfg.ID {
			return p.raw, nil
		}
		return nil, fmt.Errorf("%w: another leads", ErrUnproven)
	}
	c := e.tallies[Vote]
	if c == nil || c.Term != term {
		// The only voter elects itself without asking anybody.
		c = &Certificate{Statement: Vote, Term: term, Candidate: e.cfg.ID}
		c.add(SignedVote{Voter: e.cfg.ID})
		if !e.enough(c) {
			return nil, fmt.Errorf("%w: no votes for term %d", ErrUnproven, term)
		}
		if err := e.vote(c); err != nil {
			return nil, err
		}
		c.add(e.sign(c))
	}
	if !e.enough(c) {
		return nil, fmt.Errorf("%w: no majority of votes for term %d", ErrUnproven, term)
	}
	p := e.mint(c)
	if err := e.take(p); err != nil {
		return nil, err
	}
	return p.raw, nil
}

// termProof is the newest proof of a term at or above the one given, or nil.
func (e *Elections) termProof(term uint64) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.top == nil || e.top.cert.Term < term {
		return nil
	}
	return e.top.raw
}

// claim is what the leader of a term said about its log when it was elected.
func (e *Elections) claim(term uint64) (lastIndex, lastTerm uint64, ok bool) {
	if p := e.lead.Load(); p != nil && p.cert.Term == term {
		return p.cert.LastIndex, p.cert.LastTerm, true
	}
	return 0, 0, false
}

// SignFollow signs that this node has seen the leader of the term elected; nil if
// it has not. A leader asks for it when a node cannot judge the votes any more,
// because keys or members have changed since.
func (e *Elections) SignFollow(term uint64) []byte {
	p := e.lead.Load()
	if p == nil || p.cert.Term != term {
		return nil
	}
	c := *p.cert
	c.Statement = Follow
	return e.sign(&c).token()
}

// Renew replaces this leader's certificate by one its followers have signed now,
// by what [Elections.SignFollow] gave them. Signatures that do not hold are left
// out; without a majority nothing changes.
func (e *Elections) Renew(term uint64, signed map[string][]byte) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.lead.Load()
	if p == nil || p.cert.Term != term || p.cert.Candidate != e.cfg.ID {
		return false
	}
	c := &Certificate{Statement: Follow, Term: term, Candidate: e.cfg.ID, LastIndex: p.cert.LastIndex, LastTerm: p.cert.LastTerm}
	c.add(e.sign(c))
	for voter, token := range signed {
		if v, err := e.signedBy(c, voter, token); err == nil {
			c.add(v)
		}
	}
	return e.enough(c) && e.take(e.mint(c)) == nil
}

// sign is this node's signature under a statement.
func (e *Elections) sign(c *Certificate) SignedVote {
	v := SignedVote{Voter: e.cfg.ID, Lead: e.seen()}
	v.Signature = e.cfg.Network.Sign(c.Message(e.cfg.Cluster, v.Voter, v.Lead))
	return v
}

// token is a signed vote as it travels: what its voter had seen, and the signature.
func (v SignedVote) token() []byte {
	if len(v.Signature) != SignatureSize {
		return nil
	}
	return append(putU64(nil, v.Lead), v.Signature...)
}

// signedBy reads and judges a voter's token.
func (e *Elections) signedBy(c *Certificate, voter string, token []byte) (SignedVote, error) {
	if len(token) != tokenSize {
		return SignedVote{}, malformed("no signature")
	}
	v := SignedVote{Voter: voter, Lead: binary.BigEndian.Uint64(token), Signature: bytes.Clone(token[8:])}
	return v, e.cfg.Network.Verify(voter, c.Message(e.cfg.Cluster, voter, v.Lead), v.Signature)
}
