package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	"github.com/hashicorp/raft"
)

// castagnoli is CRC-32C, RFC 3720 appendix B.4.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// entryHead is checksum, term, type and time.
const entryHead = 4 + 8 + 1 + 8

// maxEntry is the largest data of an entry we store or believe.
const maxEntry = 8 << 20

// encodeEntry is the value an entry is kept as: a CRC-32C over the index and
// all that follows, then term, type, the leader's time in nanoseconds (0 for
// none) and the data. The index is the key.
func encodeEntry(e *raft.Log) ([]byte, error) {
	if len(e.Extensions) != 0 || len(e.Data) > maxEntry {
		return nil, fmt.Errorf("store: entry %d cannot be kept", e.Index)
	}
	var at int64
	if !e.AppendedAt.IsZero() {
		at = e.AppendedAt.UnixNano()
	}
	b := make([]byte, 4, entryHead+len(e.Data))
	b = binary.BigEndian.AppendUint64(b, e.Term)
	b = append(b, uint8(e.Type))
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = append(b, e.Data...)
	binary.BigEndian.PutUint32(b, entrySum(e.Index, b[4:]))
	return b, nil
}

func entrySum(index uint64, rest []byte) uint32 {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], index)
	return crc32.Update(crc32.Update(0, castagnoli, key[:]), castagnoli, rest)
}

// decodeEntry reads a value back; the data is copied out of b.
func decodeEntry(index uint64, b []byte, e *raft.Log) error {
	if len(b) < entryHead || len(b) > entryHead+maxEntry {
		return fmt.Errorf("%w: entry %d has a wrong length", ErrDamaged, index)
	}
	if binary.BigEndian.Uint32(b) != entrySum(index, b[4:]) {
		return fmt.Errorf("%w: entry %d does not match its checksum", ErrDamaged, index)
	}
	*e = raft.Log{Index: index, Term: binary.BigEndian.Uint64(b[4:]), Type: raft.LogType(b[12])}
	if at := int64(binary.BigEndian.Uint64(b[13:])); at != 0 {
		e.AppendedAt = time.Unix(0, at).UTC()
	}
	e.Data = append([]byte{}, b[entryHead:]...)
	return nil
}

// state is the one record beside the entries: who owns the store, which entries
// it must hold, and raft's few values (term and vote). Being one record, none of
// its parts can be lost without the loss being seen.
type state struct {
	Node        string
	First, Last uint64 // 0, 0 when the log is empty
	Values      map[string][]byte
}

const stateMagic = "accord-log/1\n"

// encode is canonical: values are sorted by key.
func (s *state) encode() []byte {
	b := append([]byte(stateMagic), 0, 0, 0, 0)
	b = appendBytes(b, []byte(s.Node))
	b = binary.BigEndian.AppendUint64(b, s.First)
	b = binary.BigEndian.AppendUint64(b, s.Last)
	keys := sortedKeys(s.Values)
	b = binary.BigEndian.AppendUint32(b, uint32(len(keys)))
	for _, k := range keys {
		b = appendBytes(appendBytes(b, []byte(k)), s.Values[k])
	}
	binary.BigEndian.PutUint32(b[len(stateMagic):], crc32.Checksum(b[len(stateMagic)+4:], castagnoli))
	return b
}

func decodeState(b []byte) (*state, error) {
	if len(b) < len(stateMagic)+4 {
		return nil, fmt.Errorf("%w: state record too short", ErrDamaged)
	}
	if string(b[:len(stateMagic)]) != stateMagic {
		return nil, fmt.Errorf("%w: state record", ErrFormat)
	}
	c := cursor{b: b[len(stateMagic)+4:]}
	if binary.BigEndian.Uint32(b[len(stateMagic):]) != crc32.Checksum(c.b, castagnoli) {
		return nil, fmt.Errorf("%w: state record does not match its checksum", ErrDamaged)
	}
	s := &state{Node: string(c.bytes()), First: c.u64(), Last: c.u64(), Values: map[string][]byte{}}
	n, prev := c.u32(), ""
	for i := uint32(0); i < n && !c.bad; i++ {
		k := string(c.bytes())
		if i > 0 && k <= prev {
			c.bad = true
		}
		s.Values[k], prev = append([]byte{}, c.bytes()...), k
	}
	if c.bad || len(c.b) != 0 || s.First > s.Last || (s.First == 0) != (s.Last == 0) {
		return nil, fmt.Errorf("%w: state record", ErrDamaged)
	}
	return s, nil
}

func appendBytes(b, v []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
	return append(b, v...)
}

// cursor walks a record; bad once anything is missing.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.b)) || n > math.MaxInt32 {
		c.bad = true
		return make([]byte, 8)
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u32() uint32   { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) u64() uint64   { return binary.BigEndian.Uint64(c.take(8)) }
func (c *cursor) bytes() []byte { return c.take(uint64(c.u32())) }
