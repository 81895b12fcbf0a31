package consensus

import (
	"encoding/binary"
	"fmt"
)

// A group is the data of one command entry: the format version 1, the number of
// payloads, and each payload with its length, all numbers 32-bit big-endian. A
// group without payloads is what a leader commits to know its term is settled.

const (
	groupVersion = 1
	groupHead    = 5
	// MaxGroupPayloads and MaxGroupBytes bound one entry.
	MaxGroupPayloads = 1000
	MaxGroupBytes    = 4 << 20
)

func encodeGroup(payloads [][]byte) []byte {
	size := groupHead
	for _, p := range payloads {
		size += 4 + len(p)
	}
	b := append(make([]byte, 0, size), groupVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payloads)))
	for _, p := range payloads {
		b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
		b = append(b, p...)
	}
	return b
}

// decodeGroup is the inverse; the payloads point into b. Payloads are neither
// empty nor larger than max.
func decodeGroup(b []byte, max int) ([][]byte, error) {
	if len(b) < groupHead || b[0] != groupVersion {
		return nil, fmt.Errorf("%w: group version", ErrFormat)
	}
	n, rest := binary.BigEndian.Uint32(b[1:]), b[groupHead:]
	if n > MaxGroupPayloads || len(b) > MaxGroupBytes+groupHead+4*MaxGroupPayloads {
		return nil, fmt.Errorf("%w: group size", ErrFormat)
	}
	payloads := make([][]byte, 0, min(int(n), len(rest)/4))
	for range n {
		if len(rest) < 4 {
			return nil, fmt.Errorf("%w: group ends early", ErrFormat)
		}
		size := uint64(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; size == 0 || size > uint64(max) || size > uint64(len(rest)) {
			return nil, fmt.Errorf("%w: payload length", ErrFormat)
		}
		payloads = append(payloads, rest[:size:size])
		rest = rest[size:]
	}
	if len(rest) != 0 {
		return nil, fmt.Errorf("%w: bytes after the group", ErrFormat)
	}
	return payloads, nil
}
