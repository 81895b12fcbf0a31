package machine

import "sync"

// rememberBytes bounds the payloads of one generation of a memory. What Check
// passes is applied soon, and then forgotten; a node that catches up has checked two
// messages of 8 MiB while it applies a third.
const rememberBytes = 16 << 20

// memory keeps verified commands by digest, from Check to Apply. It is bounded:
// when the young generation is full it becomes the old one, and the old one is
// forgotten. It saves work and never changes an answer. Safe for concurrent use.
type memory struct {
	mu         sync.Mutex
	young, old map[[32]byte]*opened
	size       int // bytes of the young ones
}

func (m *memory) get(sum [32]byte) *opened {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.young[sum]; c != nil {
		return c
	}
	return m.old[sum]
}

// add remembers a command that is marked verified.
func (m *memory) add(c *opened) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.young[c.sum] != nil || m.old[c.sum] != nil {
		return
	}
	if m.young == nil || m.size >= rememberBytes {
		m.old, m.young, m.size = m.young, make(map[[32]byte]*opened), 0
	}
	m.young[c.sum] = c
	m.size += len(c.token)
}

// drop forgets a command.
func (m *memory) drop(sum [32]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.young, sum)
	delete(m.old, sum)
}

// clear forgets everything.
func (m *memory) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.young, m.old, m.size = nil, nil, 0
}
