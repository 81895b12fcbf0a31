package state

import (
	"io"
	"sync/atomic"
)

// Blobs keeps what is too long for memory: the n-th blob is the n-th appended.
// What it keeps follows from the log and the snapshot, so it need not survive
// the process. One goroutine appends; any number get.
type Blobs interface {
	// Append keeps the next blob. It does not fail: until a blob is safely
	// elsewhere it stays in memory.
	Append(blob string)
	// Get gives the n-th blob, from 1. Whoever asks compares its digest.
	Get(n int64) ([]byte, error)
	// Part gives so many bytes of it, from an offset; neither is negative.
	Part(n int64, from, length int) ([]byte, error)
	// Close lets go of files once no view of the store will ask any more.
	Close() error
}

// Lender is a Blobs that can leave the first blobs where they lie.
type Lender interface {
	Blobs
	// Lend comes before anything else and says in what Place means places. The
	// bytes there never change and stay readable as long as the source is held.
	Lend(from io.ReaderAt)
	// Place keeps the next blob by where it lies. It comes before any Append.
	Place(at int64, length int)
}

// inMemory is the Blobs of a store that is told of no other.
type inMemory struct{ latest atomic.Pointer[column] }

func newInMemory() *inMemory {
	m := new(inMemory)
	m.latest.Store(&column{})
	return m
}

func (m *inMemory) Append(blob string) {
	next := *m.latest.Load()
	next.add([]byte(blob), 0)
	m.latest.Store(&next)
}

func (m *inMemory) Get(n int64) ([]byte, error) {
	c := m.latest.Load()
	if n < 1 || n > c.n {
		return nil, ErrRow
	}
	return []byte(c.row(n)), nil
}

func (m *inMemory) Part(n int64, from, length int) ([]byte, error) {
	data, err := m.Get(n)
	if err != nil {
		return nil, err
	}
	return cut(data, from, length)
}

func (m *inMemory) Close() error { return nil }
