package store

import "github.com/hashicorp/raft"

// recent keeps the newest entries in memory, because they are read again at
// once: to send them and to apply them.
type recent struct {
	ring  [maxRecent]raft.Log
	last  uint64 // index of the newest
	n     uint64
	bytes int
}

const (
	maxRecent      = 1024
	maxRecentBytes = 16 << 20
)

func (r *recent) slot(index uint64) *raft.Log { return &r.ring[index%maxRecent] }

// add takes the entry that follows the newest; another one starts anew.
func (r *recent) add(e *raft.Log) {
	if e.Index != r.last+1 {
		r.clear()
	}
	if r.n == maxRecent {
		r.drop()
	}
	*r.slot(e.Index) = *e
	r.last, r.n, r.bytes = e.Index, r.n+1, r.bytes+len(e.Data)
	for r.bytes > maxRecentBytes && r.n > 1 {
		r.drop()
	}
}

// drop forgets the oldest.
func (r *recent) drop() {
	s := r.slot(r.last - r.n + 1)
	r.bytes -= len(s.Data)
	*s = raft.Log{}
	r.n--
}

func (r *recent) get(index uint64, e *raft.Log) bool {
	if index > r.last || r.last-index >= r.n {
		return false
	}
	*e = *r.slot(index)
	return true
}

func (r *recent) clear() {
	for r.n > 0 {
		r.drop()
	}
}
