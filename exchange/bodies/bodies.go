// Package bodies keeps what members signed, the statements' bytes, in a file
// instead of in memory. It implements state.Blobs.
//
// The file is scratch. Nothing in it is ever believed: every read is compared
// with the digest in the statement's row, which the ledger's chain and content
// digests cover. Nothing in it has to survive: log and snapshot hold the same
// bytes, and a node that starts writes a new file from them. So it is never
// synced, has no format, and has no name in the folder: it ends with the process,
// and no backup, crash or second start can meet an old one.
//
// Of a state that was restored from a snapshot's file, what the snapshot holds is
// not written again but read from that file (state.Lender). It never changes, and
// is held open: removed by retention, it keeps its place on the disk until nothing
// reads from it any more. What comes after goes into the scratch file.
//
// Apply only appends to memory; a goroutine writes behind it. A disk that is full
// is tried again, since nothing is lost meanwhile; after any other error the node
// is told to stop.
package bodies

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"accord/exchange/state"
)

const (
	batchBytes = 256 << 10 // written at a time
	mostBytes  = 64 << 20  // unwritten; Append waits beyond
	chunkLen   = 1 << 10
)

// In gives the place for the bodies of one state after another: each is a file
// in the folder. Fatal is told once when a file cannot be written.
func In(dir string, fatal func(error)) func() (state.Blobs, error) {
	return func() (state.Blobs, error) {
		f, err := os.CreateTemp(dir, "bodies-")
		if err != nil {
			return nil, fmt.Errorf("bodies: %w", err)
		}
		if err := os.Remove(f.Name()); err != nil {
			f.Close()
			return nil, fmt.Errorf("bodies: %w", err)
		}
		return start(f, fatal, time.Second), nil
	}
}

// disk is what of a file is needed.
type disk interface {
	ReadAt(b []byte, at int64) (int, error)
	WriteAt(b []byte, at int64) (int, error)
	Close() error
}

type file struct {
	disk  disk
	fatal func(error)
	retry time.Duration

	mu      sync.Mutex
	from    io.ReaderAt // holds the first bodies; nil without
	lent    []*[chunkLen]place
	placed  int64      // of those bodies; the counts below are of the others
	changed *sync.Cond // there is something to write, or room again, or an end
	ends    []*[chunkLen]int64
	count   int64    // bodies in all
	written int64    // of them in the file
	tail    []string // the others
	size    int      // bytes of tail
	closed  bool
	err     error
	done    chan struct{} // closed when the writer is
}

// place is where a lent body lies.
type place struct {
	at   int64
	size int
}

func start(d disk, fatal func(error), retry time.Duration) *file {
	b := &file{disk: d, fatal: fatal, retry: retry, done: make(chan struct{})}
	b.changed = sync.NewCond(&b.mu)
	go b.write()
	return b
}

// Lend implements state.Lender.
func (b *file) Lend(from io.ReaderAt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.from = from
}

// Place implements state.Lender.
func (b *file) Place(at int64, length int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from == nil || b.count > 0 {
		panic("bodies: a place after a body")
	}
	if b.placed%chunkLen == 0 {
		b.lent = append(b.lent, new([chunkLen]place))
	}
	b.lent[b.placed/chunkLen][b.placed%chunkLen] = place{at, length}
	b.placed++
}

// Append implements state.Blobs.
func (b *file) Append(body string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.size > mostBytes && b.err == nil && !b.closed {
		b.changed.Wait()
	}
	if b.count%chunkLen == 0 {
		b.ends = append(b.ends, new([chunkLen]int64))
	}
	b.ends[b.count/chunkLen][b.count%chunkLen] = b.end(b.count) + int64(len(body))
	b.count++
	b.tail = append(b.tail, body)
	b.size += len(body)
	if b.size >= batchBytes {
		b.changed.Broadcast()
	}
}

// end is where the n-th body ends in the file; the caller holds mu.
func (b *file) end(n int64) int64 {
	if n == 0 {
		return 0
	}
	return b.ends[(n-1)/chunkLen][(n-1)%chunkLen]
}

// Get implements state.Blobs.
func (b *file) Get(n int64) ([]byte, error) { return b.read(n, 0, -1) }

// Part implements state.Blobs.
func (b *file) Part(n int64, from, length int) ([]byte, error) { return b.read(n, from, length) }

// read gives a part of a body, with length -1 all behind from.
func (b *file) read(n int64, from, length int) ([]byte, error) {
	b.mu.Lock()
	if n < 1 || n > b.placed+b.count {
		b.mu.Unlock()
		return nil, fmt.Errorf("bodies: no body %d", n)
	}
	var disk io.ReaderAt = b.disk
	var start int64
	var size int
	if n <= b.placed {
		p := b.lent[(n-1)/chunkLen][(n-1)%chunkLen]
		disk, start, size = b.from, p.at, p.size
	} else {
		start = b.end(n - b.placed - 1)
		size = int(b.end(n-b.placed) - start)
	}
	if length < 0 {
		length = size - from
	}
	if length < 0 || from > size-length {
		b.mu.Unlock()
		return nil, fmt.Errorf("bodies: no such part of body %d", n)
	}
	if behind := n - b.placed - b.written; behind > 0 {
		defer b.mu.Unlock()
		return []byte(b.tail[behind-1][from : from+length]), nil
	}
	b.mu.Unlock()
	data := make([]byte, length)
	if _, err := disk.ReadAt(data, start+int64(from)); err != nil {
		return nil, fmt.Errorf("bodies: %w", err)
	}
	return data, nil
}

// Close ends the writing. What views of the state still ask for is there, in
// memory or in the file, whose space the system takes back with the last of
// them.
func (b *file) Close() error {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	<-b.done
	return nil
}

// write takes batches from the tail until the end.
func (b *file) write() {
	defer close(b.done)
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for b.size < batchBytes && !b.closed {
			b.changed.Wait()
		}
		if b.closed {
			return
		}
		batch, at := b.tail, b.end(b.written)
		data := make([]byte, 0, b.size)
		for _, body := range batch {
			data = append(data, body...)
		}
		b.mu.Unlock()
		_, err := b.disk.WriteAt(data, at)
		for errors.Is(err, syscall.ENOSPC) && !b.ended() {
			time.Sleep(b.retry)
			_, err = b.disk.WriteAt(data, at)
		}
		b.mu.Lock()
		if err != nil {
			b.err = fmt.Errorf("bodies: %w", err)
			b.changed.Broadcast()
			if !b.closed {
				b.fatal(b.err)
			}
			return
		}
		b.written += int64(len(batch))
		b.tail = append([]string(nil), b.tail[len(batch):]...) // lets the written ones go
		b.size -= len(data)
		b.changed.Broadcast()
	}
}

func (b *file) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}
