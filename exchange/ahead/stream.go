package ahead

import (
	"crypto/sha256"
	"hash"
	"io"
)

// Stream reads a stream that ends with its own SHA-256, and sums it on the way:
// summing takes about as long as what a reader does with it.
type Stream struct {
	from   io.Reader
	chunks chan []byte // what was read, in order; closed at the end
	spare  chan []byte
	stop   chan struct{}
	done   chan struct{}

	// The goroutine's until chunks is closed.
	sum  hash.Hash // nil when nobody asks
	tail []byte    // the last bytes, not summed yet
	err  error     // never io.EOF

	now []byte // what Read gives next; the reader's own, as rest
	own []byte // the chunk it is part of
}

const (
	chunkLen   = 256 << 10
	chunkCount = 8
)

// NewStream begins to read. Its user must call Close, after which r is not
// touched any more.
func NewStream(r io.Reader) *Stream { return newStream(r, sha256.New()) }

// NewVerified is NewStream for a stream that somebody else verifies as it is read:
// there are no Sums of it.
func NewVerified(r io.Reader) *Stream { return newStream(r, nil) }

func newStream(r io.Reader, sum hash.Hash) *Stream {
	s := &Stream{from: r, chunks: make(chan []byte, chunkCount), spare: make(chan []byte, chunkCount),
		stop: make(chan struct{}), done: make(chan struct{}), sum: sum}
	for range chunkCount {
		s.spare <- nil
	}
	go s.run()
	return s
}

func (s *Stream) run() {
	defer close(s.done)
	defer close(s.chunks)
	for {
		var b []byte
		select {
		case b = <-s.spare:
		case <-s.stop:
			return
		}
		if b == nil {
			b = make([]byte, chunkLen)
		}
		n, err := io.ReadFull(s.from, b[:chunkLen])
		if s.add(b[:n]); n > 0 {
			s.chunks <- b[:n] // there is room: so many chunks there are
		}
		if err != nil {
			if err != io.EOF && err != io.ErrUnexpectedEOF {
				s.err = err
			}
			return
		}
	}
}

// add sums all but the last 32 bytes there were so far.
func (s *Stream) add(b []byte) {
	if s.sum == nil {
		return
	}
	if len(b) < sha256.Size {
		b = append(s.tail, b...)
		s.tail = nil
	}
	n := max(0, len(b)-sha256.Size)
	s.sum.Write(s.tail)
	s.sum.Write(b[:n])
	s.tail = append([]byte(nil), b[n:]...)
}

// Read implements io.Reader.
func (s *Stream) Read(b []byte) (int, error) {
	if len(s.now) == 0 {
		if s.own != nil {
			s.spare <- s.own
			s.own = nil
		}
		chunk, ok := <-s.chunks
		if !ok {
			if s.err != nil {
				return 0, s.err
			}
			return 0, io.EOF
		}
		s.now, s.own = chunk, chunk[:chunkLen]
	}
	n := copy(b, s.now)
	s.now = s.now[n:]
	return n, nil
}

// Sums gives, once Read has given io.EOF, the SHA-256 of all but the last 32
// bytes, and that of all.
func (s *Stream) Sums() (before, whole [sha256.Size]byte) {
	s.sum.Sum(before[:0])
	s.sum.Write(s.tail)
	s.sum.Sum(whole[:0])
	return before, whole
}

// Close ends the reading.
func (s *Stream) Close() {
	close(s.stop)
	<-s.done
}
