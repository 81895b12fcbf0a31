package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"math"
	"slices"

	"accord/consensus/store/disk"
)

// state is the one record beside the entries: who owns the store, which files
// hold its log and how far, and raft's few values (term and vote). It is written
// beside and renamed in place, so it is either the old one or the new one; and
// being one record, none of its parts can be lost without the loss being seen.
// Whatever changes the shape of the log, its replacement is the moment it happens.
type state struct {
	Generation uint64 // counts the replacements
	Node       string
	Salt       [16]byte
	Next       uint64   // the number the next segment gets
	First      uint64   // entries before this one are gone
	Reached    uint64   // the log went at least this far when this was written
	Segments   []extent // in order, each where the one before ends
	Values     map[string][]byte
}

// extent says which entries a segment holds.
type extent struct {
	Number uint64 // names the file
	First  uint64
	Last   uint64 // 0 while it is the one being written
	Prev   uint32 // checksum of the record before its first
}

const (
	stateMagic = "accord-state/2\n"
	stateName  = "state"
	tmpSuffix  = ".tmp"
	maxState   = 16 << 20
)

// seed is the log's salt in the form the checksums start from.
func (s *state) seed() salt { return seedOf(s.Salt) }

func seedOf(b [16]byte) salt { return salt(crc32.Checksum(b[:], castagnoli)) }

func (s *state) clone() *state {
	c := *s
	c.Segments, c.Values = slices.Clone(s.Segments), maps.Clone(s.Values)
	return &c
}

// encode is canonical: values are sorted by key.
func (s *state) encode() []byte {
	b := append([]byte(stateMagic), 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, s.Generation)
	b = appendBytes(b, []byte(s.Node))
	b = append(b, s.Salt[:]...)
	for _, v := range []uint64{s.Next, s.First, s.Reached} {
		b = binary.BigEndian.AppendUint64(b, v)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Segments)))
	for _, x := range s.Segments {
		for _, v := range []uint64{x.Number, x.First, x.Last} {
			b = binary.BigEndian.AppendUint64(b, v)
		}
		b = binary.BigEndian.AppendUint32(b, x.Prev)
	}
	keys := slices.Sorted(maps.Keys(s.Values))
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
	s := &state{Generation: c.u64(), Node: string(c.bytes()), Values: map[string][]byte{}}
	copy(s.Salt[:], c.take(16))
	s.Next, s.First, s.Reached = c.u64(), c.u64(), c.u64()
	for n := c.u32(); n > 0 && !c.bad; n-- {
		s.Segments = append(s.Segments, extent{Number: c.u64(), First: c.u64(), Last: c.u64(), Prev: c.u32()})
	}
	n, prev := c.u32(), ""
	for i := uint32(0); i < n && !c.bad; i++ {
		k := string(c.bytes())
		if i > 0 && k <= prev {
			c.bad = true
		}
		s.Values[k], prev = append([]byte{}, c.bytes()...), k
	}
	if c.bad || len(c.b) != 0 || !s.sound() {
		return nil, fmt.Errorf("%w: state record", ErrDamaged)
	}
	return s, nil
}

// sound says whether the segments can follow one another.
func (s *state) sound() bool {
	for i, x := range s.Segments {
		open := i == len(s.Segments)-1 && x.Last == 0
		if x.Number >= s.Next || x.First == 0 || (!open && (x.Last < x.First || x.Last == math.MaxUint64)) {
			return false
		}
		if i > 0 && (x.Number <= s.Segments[i-1].Number || x.First != s.Segments[i-1].Last+1) {
			return false
		}
	}
	return s.Node != ""
}

// replace writes s durably in place of what is there.
func (s *state) replace(fs disk.FS) error { return writeWhole(fs, stateName, s.encode()) }

// writeWhole makes a small file appear whole or not at all.
func writeWhole(fs disk.FS, name string, b []byte) error {
	f, err := fs.Create(name + tmpSuffix)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fs.Rename(name+tmpSuffix, name)
	}
	if err == nil {
		err = fs.SyncDir()
	}
	return err
}

// readWhole reads a small file.
func readWhole(fs disk.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	n, err := f.Size()
	if err != nil {
		return nil, err
	}
	if n > maxState {
		return nil, fmt.Errorf("%w: %s is too long", ErrDamaged, name)
	}
	b := make([]byte, n)
	if err := readFull(f, b, 0); err != nil {
		return nil, err
	}
	return b, nil
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
	if c.bad || n > uint64(len(c.b)) {
		c.bad = true
		return make([]byte, 16)[:min(n, 16)]
	}
	v := c.b[:n]
	c.b = c.b[n:]
	return v
}

func (c *cursor) u32() uint32   { return binary.BigEndian.Uint32(c.take(4)) }
func (c *cursor) u64() uint64   { return binary.BigEndian.Uint64(c.take(8)) }
func (c *cursor) bytes() []byte { return c.take(uint64(c.u32())) }
