package transport

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/hashicorp/raft"
)

// Statement is what a voter signs about a candidate and a term. Each has a domain
// of its own, so a signature says one thing only.
type Statement uint8

// The statements. A majority of any of them proves that the term is more than one
// node's whim; a majority of Vote or Follow also proves who leads it.
const (
	PreVote Statement = 1 // I have no leader and would vote for this candidate
	Vote    Statement = 2 // I have given this candidate my only vote of the term
	Follow  Statement = 3 // I have seen this candidate's majority of votes and follow it
)

var domains = map[Statement]string{PreVote: "accord-prevote/1\n", Vote: "accord-vote/1\n", Follow: "accord-follow/1\n"}

// Certificate is a majority's signed word on one candidate in one term.
//
// Encoded: one byte of statement, term, the index and term of the candidate's
// last log entry as it claimed them when it asked (64-bit big-endian each), the
// candidate, the number of signatures (32-bit), and for each the voter, the newest
// term it had seen a leader of, and its signature ([SignatureSize] bytes), voters
// strictly ascending. Strings have a 32-bit length in front.
type Certificate struct {
	Statement Statement
	Term      uint64
	// LastIndex and LastTerm are the claim. The voters saw the same, so a leader
	// that goes back behind it lies.
	LastIndex, LastTerm uint64
	Candidate           string
	Votes               []SignedVote
}

// SignedVote is one voter's signature under a certificate.
type SignedVote struct {
	Voter string
	// Lead is the newest term this voter had seen a leader of when it signed. It
	// dates a pre-vote: one from before a leader was elected says nothing against
	// that leader, so none can be saved up for later.
	Lead      uint64
	Signature []byte
}

// maxVotes and MaxCertificate bound what is read of a certificate.
const (
	maxVotes       = 64
	MaxCertificate = 64 + maxID + maxVotes*(16+maxID+SignatureSize)
)

// Message is what this voter signs for the certificate, in one cluster.
func (c *Certificate) Message(cluster, voter string, lead uint64) []byte {
	b := putBytes([]byte(domains[c.Statement]), []byte(cluster))
	b = putU64(b, c.Term, c.LastIndex, c.LastTerm, lead)
	return putBytes(putBytes(b, []byte(c.Candidate)), []byte(voter))
}

// same says whether two certificates are about the same thing.
func (c *Certificate) same(d *Certificate) bool {
	return c.Statement == d.Statement && c.Term == d.Term && c.LastIndex == d.LastIndex && c.LastTerm == d.LastTerm && c.Candidate == d.Candidate
}

// elects says whether the certificate names the leader of its term.
func (c *Certificate) elects() bool { return c.Statement == Vote || c.Statement == Follow }

// add puts a vote in its place; a voter's second vote replaces the first.
func (c *Certificate) add(v SignedVote) {
	at, found := slices.BinarySearchFunc(c.Votes, v, func(a, b SignedVote) int {
		switch {
		case a.Voter < b.Voter:
			return -1
		case a.Voter > b.Voter:
			return 1
		}
		return 0
	})
	if found {
		c.Votes[at] = v
	} else if len(c.Votes) < maxVotes {
		c.Votes = slices.Insert(c.Votes, at, v)
	}
}

// Encode is the one encoding of the certificate.
func (c *Certificate) Encode() []byte {
	b := putU64([]byte{byte(c.Statement)}, c.Term, c.LastIndex, c.LastTerm)
	b = putBytes(b, []byte(c.Candidate))
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.Votes)))
	for _, v := range c.Votes {
		b = append(putU64(putBytes(b, []byte(v.Voter)), v.Lead), v.Signature...)
	}
	return b
}

// DecodeCertificate reads an encoded certificate. That says nothing about its
// signatures.
func DecodeCertificate(b []byte) (*Certificate, error) {
	if len(b) > MaxCertificate {
		return nil, malformed("certificate too long")
	}
	r := &reader{b: b}
	c := &Certificate{Statement: Statement(r.u8("statement")), Term: r.u64("term"),
		LastIndex: r.u64("last index"), LastTerm: r.u64("last term"), Candidate: string(r.bytes(maxID, "candidate"))}
	n := r.u32("votes")
	if r.fail == nil && (domains[c.Statement] == "" || c.Term == 0 || c.Candidate == "" || c.LastTerm >= c.Term || n == 0 || n > maxVotes) {
		r.fail = malformed("certificate")
	}
	for i := uint32(0); i < n && r.fail == nil; i++ {
		v := SignedVote{Voter: string(r.bytes(maxID, "voter")), Lead: r.u64("lead"), Signature: slices.Clone(r.take(SignatureSize, "signature"))}
		if i > 0 && v.Voter <= c.Votes[i-1].Voter {
			r.fail = malformed("voters out of order")
		}
		c.Votes = append(c.Votes, v)
	}
	if err := r.done(); err != nil {
		return nil, err
	}
	return c, nil
}

// majority says whether these voters are more than half of the voters of any one
// of the memberships.
func majority(memberships [][]raft.Server, has func(voter string) bool) bool {
	for _, servers := range memberships {
		voters, votes := 0, 0
		for _, s := range servers {
			if s.Suffrage == raft.Voter {
				voters++
				if has(string(s.ID)) {
					votes++
				}
			}
		}
		if votes > voters/2 {
			return true
		}
	}
	return false
}

// isVoter says whether a node has a vote in any of the memberships.
func isVoter(memberships [][]raft.Server, id string) bool {
	for _, servers := range memberships {
		for _, s := range servers {
			if string(s.ID) == id && s.Suffrage == raft.Voter {
				return true
			}
		}
	}
	return false
}

// doubled are the voters that signed both, differing, votes of one term.
func doubled(a, b *Certificate) []string {
	if a.Statement != Vote || b.Statement != Vote || a.Term != b.Term || a.same(b) {
		return nil
	}
	var out []string
	for _, v := range a.Votes {
		if slices.ContainsFunc(b.Votes, func(w SignedVote) bool { return w.Voter == v.Voter }) {
			out = append(out, v.Voter)
		}
	}
	return out
}

// String names the certificate without its signatures.
func (c *Certificate) String() string {
	return fmt.Sprintf("%s of %d voters for %q in term %d", []string{"?", "pre-vote", "vote", "follow"}[min(int(c.Statement), 3)], len(c.Votes), c.Candidate, c.Term)
}
