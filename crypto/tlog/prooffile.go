package tlog

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// proofHeader opens a C2SP tlog-proof file.
const proofHeader = "c2sp.org/tlog-proof@v1"

// ProofExt is the extension of a stored proof file.
const ProofExt = ".tlog-proof"

const (
	maxProofHashes = 64      // more than any tree of MaxSize needs
	maxExtra       = 1 << 20 // bytes
	maxProofFile   = MaxNote + 2*maxExtra
)

// A ProofFile is a C2SP tlog-proof@v1: everything needed, besides the leaf and
// a Policy, to verify offline that a leaf is in a log.
type ProofFile struct {
	Extra      []byte // opaque and not authenticated; nil if absent
	Index      int64  // of the leaf
	Proof      []Hash // inclusion proof, leaf's sibling first
	Checkpoint []byte // signed note, verbatim
}

// Check verifies the file: the policy accepts its checkpoint as one of the log
// named by origin, and the leaf is included under it.
func (p *ProofFile) Check(leaf Hash, policy *Policy, origin string) (*SignedCheckpoint, error) {
	signed, err := policy.Check(p.Checkpoint, origin)
	if err != nil {
		return nil, err
	}
	if err := CheckInclusion(p.Proof, signed.Size, p.Index, signed.Root, leaf); err != nil {
		return nil, err
	}
	return signed, nil
}

// MarshalText writes the file.
func (p *ProofFile) MarshalText() ([]byte, error) {
	if p.Index < 0 || p.Index >= MaxSize || len(p.Proof) > maxProofHashes || len(p.Extra) > maxExtra ||
		len(p.Checkpoint) == 0 || len(p.Checkpoint) > MaxNote {
		return nil, fmt.Errorf("%w proof file", ErrFormat)
	}
	var b strings.Builder
	b.WriteString(proofHeader + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	b.WriteString("index " + strconv.FormatInt(p.Index, 10) + "\n")
	for _, h := range p.Proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return []byte(b.String()), nil
}

// ParseProofFile reads what MarshalText writes, and only that. The checkpoint is
// kept verbatim and judged by Check.
func ParseProofFile(data []byte) (*ProofFile, error) {
	if len(data) > maxProofFile {
		return nil, fmt.Errorf("%w proof file: over %d bytes", ErrFormat, maxProofFile)
	}
	head, checkpoint, ok := strings.Cut(string(data), "\n\n")
	if !ok || checkpoint == "" || len(checkpoint) > MaxNote {
		return nil, fmt.Errorf("%w proof file: no checkpoint", ErrFormat)
	}
	lines := strings.Split(head, "\n")
	if lines[0] != proofHeader {
		return nil, fmt.Errorf("%w proof file: unknown format", ErrFormat)
	}
	lines = lines[1:]
	p := &ProofFile{Checkpoint: []byte(checkpoint)}
	if len(lines) > 0 {
		if text, ok := strings.CutPrefix(lines[0], "extra "); ok {
			extra, err := decodeBase64(text)
			if err != nil || len(extra) == 0 || len(extra) > maxExtra {
				return nil, fmt.Errorf("%w proof file: extra line", ErrFormat)
			}
			p.Extra, lines = extra, lines[1:]
		}
	}
	if len(lines) == 0 || len(lines)-1 > maxProofHashes {
		return nil, fmt.Errorf("%w proof file: number of lines", ErrFormat)
	}
	text, ok := strings.CutPrefix(lines[0], "index ")
	index, err := parseDecimal(text)
	if !ok || err != nil || index >= MaxSize {
		return nil, fmt.Errorf("%w proof file: index line", ErrFormat)
	}
	p.Index = index
	for _, line := range lines[1:] {
		h, err := ParseHash(line)
		if err != nil {
			return nil, fmt.Errorf("%w proof file: hash line", ErrFormat)
		}
		p.Proof = append(p.Proof, h)
	}
	return p, nil
}
