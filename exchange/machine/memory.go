package machine

import (
	"hash/maphash"
	"sync"
)

// rememberBytes bounds the payloads of one generation of a memory. What Check
// passes is applied soon, and then forgotten; a node that catches up has checked two
// messages of 8 MiB while it applies a third.
const rememberBytes = 16 << 20

// memory keeps verified commands, from Check to Apply. It is bounded: when the young
// generation is full it becomes the old one, and the old one is forgotten. It saves
// work and never changes an answer: what is found has the very bytes that are asked
// for. So a payload is summed once and not whenever it is looked up. Safe for concurrent use.
type memory struct {
	mu         sync.Mutex
	young, old map[uint64]*opened
	size       int // bytes of the young ones
}

// memorySeed is random: it decides where commands are remembered and nothing else.
var memorySeed = maphash.MakeSeed()

// memoryKey is what a payload is looked up by: a hash of its end, which is its
// signature and differs wherever anything before it does.
func memoryKey(payload []byte) uint64 {
	return maphash.Bytes(memorySeed, payload[max(0, len(payload)-keyBytes):])
}

const keyBytes = 128

// get is the command of a payload with this key, nil if it is not remembered.
func (m *memory) get(key uint64, payload []byte) *opened {
	m.mu.Lock()
	c := m.young[key]
	if c == nil {
		c = m.old[key]
	}
	m.mu.Unlock()
	if c == nil || c.token != string(payload) {
		return nil
	}
	return c
}

// add remembers a command that is marked verified. Of two whose hashes are equal the
// first is kept.
func (m *memory) add(c *opened) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := c.key
	if m.young[key] != nil || m.old[key] != nil {
		return
	}
	if m.young == nil || m.size >= rememberBytes {
		m.old, m.young, m.size = m.young, make(map[uint64]*opened), 0
	}
	m.young[key] = c
	m.size += len(c.token)
}

// drop forgets a command.
func (m *memory) drop(c *opened) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, c.key)
	delete(m.old, c.key)
}

// clear forgets everything.
func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old, m.size = nil, nil, 0
}
