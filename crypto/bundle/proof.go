package bundle

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"

	"accord/crypto/tlog"
)

// ProofReport says what a stand-alone proof proves. The proof names no keys: it
// is believed by the policy given.
type ProofReport struct {
	Kind    string  `json:"kind"`            // inclusion or consistency
	Index   int64   `json:"index,omitempty"` // inclusion: of the leaf
	ID      string  `json:"id,omitempty"`    // inclusion: of the command
	Digest  string  `json:"digest,omitempty"`
	Outcome Outcome `json:"outcome,omitempty"`
	From    int64   `json:"from,omitempty"` // consistency
}

// The kinds of proofs.
const (
	ProofInclusion   = "inclusion"
	ProofConsistency = "consistency"
)

// The checks of stand-alone proofs.
const (
	CheckProofForm   = "proof.form"
	CheckProofLeaf   = "proof.leaf"
	CheckProofHolds  = "proof.holds"
	CheckProofPolicy = "proof.policy"
)

// VerifyFile verifies whatever evidence a file holds: a Bundle, a Fork, FeedEvidence, a
// C2SP tlog-proof or a consistency proof.
func VerifyFile(data []byte, opts Options) *Report {
	r := verifyFile(data, opts)
	if opts.Paper != "" && r.Paper == nil {
		r.add(CheckPaper, "paper", errors.New("the file has no members' keys to judge a code by"))
		r.Anchored = false
	}
	return r
}

func verifyFile(data []byte, opts Options) *Report {
	switch {
	case bytes.HasPrefix(data, []byte("c2sp.org/tlog-proof@")):
		return verifyInclusion(data, opts)
	case bytes.HasPrefix(data, []byte(tlog.ConsistencyHeader)):
		return verifyConsistency(data, opts)
	case isFork(data):
		return VerifyFork(data, opts)
	case isFeedEvidence(data):
		return VerifyFeedEvidence(data, opts)
	}
	return Verify(data, opts)
}

// verifyInclusion checks a tlog-proof whose extra data is the leaf itself.
func verifyInclusion(data []byte, opts Options) *Report {
	r := &Report{Format: ReportFormat, OK: true}
	p, err := tlog.ParseProofFile(data)
	if !r.add(CheckProofForm, "", err) {
		return r
	}
	r.Proof = &ProofReport{Kind: ProofInclusion, Index: p.Index}
	r.add(CheckProofLeaf, "", r.Proof.leaf(p.Extra))
	c := r.point(p.Checkpoint, opts)
	r.add(CheckProofHolds, "", tlog.CheckInclusion(p.Proof, c.Size, p.Index, c.Root, tlog.LeafHash(p.Extra)))
	r.Anchored = r.OK
	return r
}

func verifyConsistency(data []byte, opts Options) *Report {
	r := &Report{Format: ReportFormat, OK: true}
	p, err := tlog.ParseConsistencyFile(data)
	if !r.add(CheckProofForm, "", err) {
		return r
	}
	from, to := r.point(p.Old, opts), r.point(p.New, opts)
	r.Proof = &ProofReport{Kind: ProofConsistency, From: from.Size}
	r.add(CheckProofHolds, "", tlog.CheckConsistency(p.Proof, from.Size, from.Root, to.Size, to.Root))
	r.Anchored = r.OK
	return r
}

// point reads a checkpoint and judges it by the policy; the report shows the
// last one judged.
func (r *Report) point(note []byte, opts Options) tlog.Checkpoint {
	c, _, err := tlog.Read(note)
	if !r.add(CheckNote, "", err) {
		return tlog.Checkpoint{}
	}
	r.Checkpoint = &CheckpointReport{Origin: c.Origin, Size: c.Size, Root: c.Root.String(), Cosigners: []Cosigner{}}
	if opts.Policy == nil {
		r.add(CheckProofPolicy, "", errors.New("no policy was given: a proof file names no keys"))
		return c
	}
	signed, err := opts.Policy.Check(note, c.Origin)
	if r.add(CheckProofPolicy, "", err) {
		for _, s := range signed.Signatures {
			if s.Key.Type() == tlog.TypeCosignature {
				r.Checkpoint.Cosigners = append(r.Checkpoint.Cosigners, Cosigner{Member: s.Key.Name(), Unix: s.Unix})
			}
		}
	}
	return c
}

// leaf reads what Leaf writes.
func (p *ProofReport) leaf(data []byte) error {
	rest, ok := strings.CutPrefix(string(data), leafTag)
	lines := strings.Split(rest, "\n")
	if !ok || len(lines) != 4 || lines[3] != "" {
		return errors.New("not a leaf of a ledger")
	}
	sum, err := hex.DecodeString(lines[1])
	outcome := Outcome(lines[2])
	if err != nil || len(sum) != 32 || !outcome.known() || !validID(lines[0]) && lines[0] != charterID {
		return errors.New("not a leaf of a ledger")
	}
	p.ID, p.Digest, p.Outcome = lines[0], digestPrefix+lines[1], outcome
	return nil
}
