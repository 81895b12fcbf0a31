package state

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/maphash"
	"math"
	"sync/atomic"
)

// series is a Log's rows as the one writer and all readers share them. The
// writer adds rows at Commit and then links them into the keys; a reader who
// finds a row by a key that its view does not have yet goes on to older ones.
type series struct {
	latest atomic.Pointer[column]
	keys   [maxKeys]chains
	has    []func(s *series, n int64, value string) bool
	blobs  Blobs

	last [maxKeys]struct { // the newest row of each key, the writer's: many rows share a value with it
		value string
		n     int64
	}
}

// column is rows 1 to n: a value that never changes, although the writer goes on
// behind its end in the same memory.
type column struct {
	n      int64
	places []*[placesLen]uint64 // of each row: block and offset
	blocks [][]byte             // rows, each with its length in front
	used   int                  // of the last block
	links  [maxKeys][]*[placesLen]uint32
}

const (
	placesLen = 1 << 10
	blockLen  = 256 << 10
)

// row gives the encoding of row n.
func (c *column) row(n int64) string {
	place := c.places[(n-1)/placesLen][(n-1)%placesLen]
	block := c.blocks[place>>32][place&math.MaxUint32:]
	size, head := binary.Uvarint(block)
	return string(block[head : head+int(size)])
}

// before is the newest row before n with the same value of a key, 0 for none.
func (c *column) before(key int, n int64) int64 {
	return int64(c.links[key][(n-1)/placesLen][(n-1)%placesLen])
}

// add puts a row behind the last one.
func (c *column) add(data []byte, keys int) {
	var head [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(head[:], uint64(len(data))) + len(data)
	if len(c.blocks) == 0 || c.used+size > len(c.blocks[len(c.blocks)-1]) {
		c.blocks, c.used = append(c.blocks, make([]byte, max(blockLen, size))), 0
	}
	block := c.blocks[len(c.blocks)-1]
	copy(block[c.used+copy(block[c.used:], head[:size-len(data)]):], data)
	if c.n%placesLen == 0 {
		c.places = append(c.places, new([placesLen]uint64))
		for k := range keys {
			c.links[k] = append(c.links[k], new([placesLen]uint32))
		}
	}
	c.places[c.n/placesLen][c.n%placesLen] = uint64(len(c.blocks)-1)<<32 | uint64(c.used)
	c.used += size
	c.n++
}

// commit adds the rows of a transaction.
func (s *series) commit(p *pending) {
	next := *s.latest.Load()
	first := next.n
	for i := range p.rows {
		next.add(p.rows[i].data, len(s.has))
	}
	for _, b := range p.blobs {
		s.blobs.Append(b)
	}
	s.latest.Store(&next) // before any key leads to the rows
	for i := range p.rows {
		n := first + int64(i) + 1
		for k := range s.has {
			value := p.rows[i].keys[k]
			last := &s.last[k]
			same := func(at int64) bool { return at == last.n && value == last.value || s.has[k](s, at, value) }
			s.keys[k].put(value, n, same, func(older int64) {
				next.links[k][(n-1)/placesLen][(n-1)%placesLen] = uint32(older)
			})
			last.value, last.n = value, n
		}
	}
}

// blob gives the n-th blob, which must have this digest.
func (s *series) blob(n int64, want Digest) (string, error) {
	data, err := s.blobs.Get(n)
	if err != nil {
		return "", ErrBlob.Wrap(err, "why", "it cannot be read")
	}
	if sha256.Sum256(data) != want {
		return "", ErrBlob.With("why", "its digest is another")
	}
	return string(data), nil
}

// chains maps values of a key to the newest row with that value. Readers take
// no lock. The seed is the process's own: it keeps strangers from choosing
// values that collide, and decides where things lie in memory and nothing else.
type chains struct {
	shards [shardCount]atomic.Pointer[slots]
	count  [shardCount]int // used slots; the writer's
}

// slots is an open hash table: each slot is empty (0) or holds 32 bits of the
// value's hash and the row.
type slots []atomic.Uint64

const (
	shardCount = 64
	firstSlots = 8
)

var seed = maphash.MakeSeed()

func hashOf(value string) (shard int, fragment uint32) {
	h := maphash.String(seed, value)
	return int(h % shardCount), uint32(h >> 32)
}

// start is where to look first for a fragment.
func (t slots) start(fragment uint32) int { return int(uint64(fragment) * uint64(len(t)) >> 32) }

// find gives the newest row with a value, 0 for none. Same says whether a row
// whose hash is equal has it.
func (c *chains) find(value string, same func(n int64) bool) int64 {
	shard, fragment := hashOf(value)
	t := c.shards[shard].Load()
	if t == nil {
		return 0
	}
	for i := t.start(fragment); ; i++ {
		if i == len(*t) {
			i = 0
		}
		slot := (*t)[i].Load()
		if slot == 0 {
			return 0
		}
		if uint32(slot>>32) == fragment && same(int64(uint32(slot))) {
			return int64(uint32(slot))
		}
	}
}

// put makes n the newest row with a value. Before it can be found, link is told
// the one that was the newest.
func (c *chains) put(value string, n int64, same func(n int64) bool, link func(older int64)) {
	shard, fragment := hashOf(value)
	t := c.shards[shard].Load()
	if t == nil || c.count[shard] >= len(*t)-len(*t)/8-1 {
		t = c.grow(shard, t)
	}
	for i := t.start(fragment); ; i++ {
		if i == len(*t) {
			i = 0
		}
		slot := (*t)[i].Load()
		older := int64(uint32(slot))
		if slot != 0 && (uint32(slot>>32) != fragment || !same(older)) {
			continue
		}
		if slot == 0 {
			c.count[shard]++
		}
		link(older)
		(*t)[i].Store(uint64(fragment)<<32 | uint64(n))
		return
	}
}

// grow moves a shard into a table half as large again.
func (c *chains) grow(shard int, old *slots) *slots {
	size := firstSlots
	if old != nil {
		size = len(*old) + len(*old)/2
	}
	t := make(slots, size)
	if old != nil {
		for i := range *old {
			slot := (*old)[i].Load()
			if slot == 0 {
				continue
			}
			at := t.start(uint32(slot >> 32))
			for t[at].Load() != 0 {
				if at++; at == size {
					at = 0
				}
			}
			t[at].Store(slot)
		}
	}
	c.shards[shard].Store(&t)
	return &t
}

// pending is what an open transaction has added to a Log.
type pending struct {
	base    int64 // rows before
	rows    []pendingRow
	data    []byte
	blobs   []string
	carried int                       // bytes of blobs
	heads   [maxKeys]map[string]int64 // newest row here by value
}

// encode has a row written behind the others and gives its bytes.
func (p *pending) encode(write func(dst []byte) []byte) []byte {
	start := len(p.data)
	p.data = write(p.data)
	return p.data[start:len(p.data):len(p.data)]
}

// again empties what was added, and keeps its memory for what a transaction that goes
// on adds next: reading a snapshot adds a thousand rows a thousand times.
func (p *pending) again() {
	p.base += int64(len(p.rows))
	clear(p.rows)
	clear(p.blobs)
	p.rows, p.data, p.blobs, p.carried = p.rows[:0], p.data[:0], p.blobs[:0], 0
	for _, heads := range p.heads {
		clear(heads)
	}
}

type pendingRow struct {
	data   []byte
	keys   [maxKeys]string
	before [maxKeys]int64 // the next older row here with the value, 0 for none here
}
