package tlog

import (
	"fmt"
	"strings"
)

// ConsistencyHeader opens a consistency proof file. C2SP has no such file; this
// one is made like its tlog-proof, with both checkpoints in it.
const ConsistencyHeader = "accord/tlog-consistency@v1"

// A ConsistencyFile is everything needed, besides a Policy, to verify offline
// that one signed checkpoint of a log is the beginning of another:
//
//	accord/tlog-consistency@v1
//	<hash>                       the RFC 6962 proof, one hash a line
//
//	<older signed note>
//
//	<newer signed note>
type ConsistencyFile struct {
	Proof    []Hash
	Old, New []byte // signed notes, verbatim
}

// MarshalText writes the file.
func (p *ConsistencyFile) MarshalText() ([]byte, error) {
	var b strings.Builder
	b.WriteString(ConsistencyHeader + "\n")
	for _, h := range p.Proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n" + string(p.Old) + "\n" + string(p.New))
	if _, err := ParseConsistencyFile([]byte(b.String())); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// ParseConsistencyFile reads what MarshalText writes, and only that. The notes
// are kept verbatim; nothing is verified but their form.
func ParseConsistencyFile(data []byte) (*ConsistencyFile, error) {
	if len(data) > 2*MaxNote+maxProofHashes*64 {
		return nil, fmt.Errorf("%w consistency file: too long", ErrFormat)
	}
	// header, then text and signatures of each note: a note has exactly one
	// empty line
	parts := strings.Split(string(data), "\n\n")
	if len(parts) != 5 {
		return nil, fmt.Errorf("%w consistency file: not two notes", ErrFormat)
	}
	lines := strings.Split(parts[0], "\n")
	if lines[0] != ConsistencyHeader || len(lines)-1 > maxProofHashes {
		return nil, fmt.Errorf("%w consistency file: header", ErrFormat)
	}
	p := &ConsistencyFile{Old: []byte(parts[1] + "\n\n" + parts[2] + "\n"), New: []byte(parts[3] + "\n\n" + parts[4])}
	for _, line := range lines[1:] {
		h, err := ParseHash(line)
		if err != nil {
			return nil, fmt.Errorf("%w consistency file: hash line", ErrFormat)
		}
		p.Proof = append(p.Proof, h)
	}
	for _, note := range [][]byte{p.Old, p.New} {
		if _, _, err := Read(note); err != nil {
			return nil, err
		}
	}
	return p, nil
}
