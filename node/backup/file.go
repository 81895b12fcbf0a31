package backup

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/seal"
	"accord/crypto/strictjson"
)

// The kinds of frames.
const (
	frameChunk     = 'c'
	frameLast      = 'l'
	frameSignature = 's'

	frameHead = 1 + 4 + 4
	maxFrame  = seal.StreamChunk + seal.StreamOverhead
	tail      = "end\n"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// word is what the node signs.
type word struct {
	Format string `json:"format"`
	Digest string `json:"digest"` // SHA-256 of everything before the signature, hex
}

// writer seals a stream into a backup file.
type writer struct {
	out    io.Writer
	sum    hash.Hash
	sealer *seal.StreamSealer
	buf    []byte // plaintext that does not fill a chunk yet
	err    error
}

// newWriter writes manifest and head.
func newWriter(out io.Writer, m *Manifest, to []keys.Public) (*writer, error) {
	key, err := m.address(to)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	front, err := m.front()
	if err != nil {
		return nil, err
	}
	sealer, head, err := seal.NewStreamSealer(key, contextOf(front), rand.Reader)
	if err != nil {
		return nil, err
	}
	w := &writer{out: out, sum: sha256.New(), sealer: sealer}
	w.raw(append(front, head...))
	return w, w.err
}

func (w *writer) raw(b []byte) {
	if w.err == nil {
		w.sum.Write(b)
		_, w.err = w.out.Write(b)
	}
}

func (w *writer) frame(kind byte, body []byte) {
	head := append(make([]byte, 0, frameHead), kind)
	head = binary.BigEndian.AppendUint32(head, uint32(len(body)))
	head = binary.BigEndian.AppendUint32(head, crc32.Checksum(body, castagnoli))
	w.raw(head)
	w.raw(body)
}

// Write takes plaintext.
func (w *writer) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 && w.err == nil {
		if len(w.buf) == seal.StreamChunk { // only now, since the last chunk is sealed otherwise
			w.chunk(false)
		}
		take := min(len(p), seal.StreamChunk-len(w.buf))
		w.buf, p = append(w.buf, p[:take]...), p[take:]
	}
	if w.err != nil {
		return 0, w.err
	}
	return n, nil
}

func (w *writer) chunk(last bool) {
	body, err := w.sealer.Seal(nil, w.buf, last)
	if err != nil {
		w.err = errors.Join(w.err, err)
		return
	}
	kind := byte(frameChunk)
	if last {
		kind = frameLast
	}
	w.frame(kind, body)
	w.buf = w.buf[:0]
}

// finish seals the rest and signs the whole.
func (w *writer) finish(signer keys.Private) error {
	w.chunk(true)
	payload, err := strictjson.Marshal(word{Format, hex.EncodeToString(w.sum.Sum(nil))})
	if err != nil {
		return err
	}
	token, err := jws.Sign(signer, jws.TypBackup, payload)
	if err != nil {
		return err
	}
	w.frame(frameSignature, []byte(token))
	w.raw(w.sum.Sum(nil))
	w.raw([]byte(tail))
	return w.err
}

// reader walks a backup file once, in order, and gives the plaintext when it
// has the key, else nothing.
type reader struct {
	in       io.Reader
	sum      hash.Hash
	manifest Manifest
	opener   *seal.StreamOpener // nil without a key
	plain    []byte             // opened and not yet read
	over     bool               // the last chunk was seen
	digest   string             // of the whole file, once it ended well
	moved    func(int64)        // told of bytes read
}

// newReader reads manifest and head; key may be the zero key.
func newReader(in io.Reader, key keys.Private, moved func(int64)) (*reader, error) {
	m, front, err := readFront(in)
	if err != nil {
		return nil, err
	}
	r := &reader{in: in, sum: sha256.New(), manifest: m, moved: moved}
	head := make([]byte, seal.StreamHead)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, ErrDamaged.With("why", "it ends in the head")
	}
	r.sum.Write(front)
	r.sum.Write(head)
	if key.IsZero() {
		return r, nil
	}
	streamKey, err := m.unwrap(key)
	if err != nil {
		return nil, err
	}
	defer clear(streamKey)
	if r.opener, err = seal.NewStreamOpener(streamKey, contextOf(front), head); err != nil {
		return nil, ErrDamaged.With("why", "manifest and content do not belong together")
	}
	return r, nil
}

// frame reads the next frame.
func (r *reader) frame() (kind byte, body []byte, err error) {
	head := make([]byte, frameHead)
	if _, err := io.ReadFull(r.in, head); err != nil {
		return 0, nil, ErrDamaged.With("why", "it ends early")
	}
	n := binary.BigEndian.Uint32(head[1:])
	if n > maxFrame {
		return 0, nil, ErrDamaged.With("why", "a frame is too long")
	}
	body = make([]byte, n)
	if _, err := io.ReadFull(r.in, body); err != nil {
		return 0, nil, ErrDamaged.With("why", "it ends early")
	}
	if binary.BigEndian.Uint32(head[5:]) != crc32.Checksum(body, castagnoli) {
		return 0, nil, ErrDamaged.With("why", "a frame does not match its checksum")
	}
	if head[0] != frameSignature {
		r.sum.Write(head)
		r.sum.Write(body)
	}
	if r.moved != nil {
		r.moved(int64(frameHead) + int64(n))
	}
	return head[0], body, nil
}

// Read gives plaintext; io.EOF after the last chunk.
func (r *reader) Read(p []byte) (int, error) {
	for len(r.plain) == 0 {
		if r.over {
			return 0, io.EOF
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.plain)
	r.plain = r.plain[n:]
	return n, nil
}

// next takes one chunk.
func (r *reader) next() error {
	kind, body, err := r.frame()
	if err != nil {
		return err
	}
	if kind != frameChunk && kind != frameLast {
		return ErrDamaged.With("why", "frames out of order")
	}
	r.over = kind == frameLast
	if r.opener == nil {
		return nil
	}
	if r.plain, err = r.opener.Open(r.plain[:0], body, r.over); err != nil {
		return ErrDamaged.With("why", "a chunk does not open")
	}
	return nil
}

// finish reads what is left: signature, digest, end.
func (r *reader) finish() error {
	for !r.over {
		if err := r.next(); err != nil {
			return err
		}
	}
	signed := hex.EncodeToString(r.sum.Sum(nil))
	kind, token, err := r.frame()
	if err != nil {
		return err
	}
	if kind != frameSignature {
		return ErrDamaged.With("why", "frames out of order")
	}
	head := append(make([]byte, 0, frameHead), kind)
	head = binary.BigEndian.AppendUint32(head, uint32(len(token)))
	r.sum.Write(binary.BigEndian.AppendUint32(head, crc32.Checksum(token, castagnoli)))
	r.sum.Write(token)
	want := append(r.sum.Sum(nil), tail...)
	got := make([]byte, len(want)+1)
	if n, err := io.ReadFull(r.in, got); err != io.ErrUnexpectedEOF || !bytes.Equal(got[:n], want) {
		return ErrDamaged.With("why", "its digest does not hold")
	}
	r.digest = hex.EncodeToString(want[:sha256.Size])
	return r.signature(string(token), signed)
}

// signature checks the node's word for what was read.
func (r *reader) signature(token, digest string) error {
	t, err := jws.Verify(token, jws.TypBackup, func(kid string) (keys.Public, error) {
		if kid != r.manifest.Signer.KID() {
			return keys.Public{}, jws.ErrKey
		}
		return r.manifest.Signer, nil
	})
	var w word
	if err == nil {
		err = strictjson.Unmarshal(t.Payload, &w)
	}
	if err != nil || w.Format != Format || w.Digest != digest {
		return ErrDamaged.Wrap(err, "why", "its signature does not hold")
	}
	return nil
}
