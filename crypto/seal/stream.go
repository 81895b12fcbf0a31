package seal

import (
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// A stream seals what is too long for memory: chunks under one key, each with
// its number and with whether it is the last in its nonce, so that chunks left
// out, repeated, in another order or cut off at the end do not open (the STREAM
// construction of Hoang, Reyhanitabar, Rogaway and Vizár, "Online
// Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance"). The key
// commits: head and context are derived like those of every layer here.
//
//	head  = 0x01 ‖ N ‖ commitment                     1 + 24 + 32 bytes
//	chunk = ChaCha20-Poly1305(key E, nonce 0³ ‖ number (64 bit) ‖ last, plaintext, AAD context)
const (
	// StreamChunk is the most plaintext of one chunk, in bytes.
	StreamChunk = 64 << 10
	// StreamOverhead is what sealing adds to a chunk, in bytes.
	StreamOverhead = chacha20poly1305.Overhead
	// StreamHead is the length of a stream's head, in bytes.
	StreamHead = 1 + nonceSize + commitSize

	tagStream = "accord-seal-stream/v1"
)

// stream numbers the chunks of either direction.
type stream struct {
	aead    cipher.AEAD
	context []byte
	next    uint64
	over    bool
}

func newStream(sub []byte, context string) (stream, error) {
	aead, err := chacha20poly1305.New(sub)
	return stream{aead: aead, context: []byte(context)}, err
}

// nonce is that of the next chunk; false after the last one.
func (s *stream) nonce(last bool) (nonce [chacha20poly1305.NonceSize]byte, ok bool) {
	if s.over {
		return nonce, false
	}
	binary.BigEndian.PutUint64(nonce[3:], s.next)
	if last {
		nonce[11] = 1
	}
	s.next, s.over = s.next+1, last
	return nonce, s.next != 0
}

// StreamSealer seals the chunks of one stream in their order.
type StreamSealer struct{ s stream }

// NewStreamSealer begins a stream under a key of [KeySize] random bytes and
// gives its head, which goes before the chunks. The context says what the
// stream is; it opens under no other.
func NewStreamSealer(key []byte, context string, rand io.Reader) (*StreamSealer, []byte, error) {
	if len(key) != KeySize {
		return nil, nil, ErrKey
	}
	head := make([]byte, 1+nonceSize, StreamHead)
	head[0] = version1
	if _, err := io.ReadFull(rand, head[1:]); err != nil {
		return nil, nil, ErrRandom
	}
	framed := frame(tagStream, context)
	commitment, sub, err := split(key, head[1:], framed)
	if err != nil {
		return nil, nil, err
	}
	defer clear(sub)
	s, err := newStream(sub, framed)
	return &StreamSealer{s}, append(head, commitment...), err
}

// Seal appends the next chunk, sealed, to dst. Nothing follows the last one.
func (w *StreamSealer) Seal(dst, chunk []byte, last bool) ([]byte, error) {
	if len(chunk) > StreamChunk {
		return nil, ErrSize
	}
	nonce, ok := w.s.nonce(last)
	if !ok {
		return nil, ErrSize
	}
	return w.s.aead.Seal(dst, nonce[:], chunk, w.s.context), nil
}

// StreamOpener opens the chunks of one stream in their order.
type StreamOpener struct{ s stream }

// NewStreamOpener begins to open a stream. Its only error is [ErrOpen].
func NewStreamOpener(key []byte, context string, head []byte) (*StreamOpener, error) {
	if len(key) != KeySize || len(head) != StreamHead || head[0] != version1 {
		return nil, ErrOpen
	}
	framed := frame(tagStream, context)
	commitment, sub, err := split(key, head[1:1+nonceSize], framed)
	if err != nil {
		return nil, ErrOpen
	}
	defer clear(sub)
	if subtle.ConstantTimeCompare(commitment, head[1+nonceSize:]) != 1 {
		return nil, ErrOpen
	}
	s, err := newStream(sub, framed)
	if err != nil {
		return nil, ErrOpen
	}
	return &StreamOpener{s}, nil
}

// Open appends the next chunk's plaintext to dst. Last must be what it was when
// the chunk was sealed. Its only error is [ErrOpen].
func (r *StreamOpener) Open(dst, chunk []byte, last bool) ([]byte, error) {
	if len(chunk) > StreamChunk+StreamOverhead {
		return nil, ErrOpen
	}
	nonce, ok := r.s.nonce(last)
	if !ok {
		return nil, ErrOpen
	}
	plain, err := r.s.aead.Open(dst, nonce[:], chunk, r.s.context)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}
