package state

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"

	"accord/exchange"

	"github.com/hashicorp/go-memdb"
)

// ErrBlob is a blob that is not the one its row names; the node stops.
var ErrBlob = exchange.Define(exchange.KindInternal, "STATE-001",
	exchange.Text{Zh: "已签署的原文与账本记录不符：{why}", En: "what was signed is not what the rows say: {why}"},
	exchange.Text{Zh: "请停止本节点；重新启动会从快照和日志重建原文", En: "stop this node; starting it again rebuilds the signed bytes from snapshot and log"})

// Log is a table whose rows are only ever added: row n is the n-th ever, from 1.
// Its rows lie encoded, one after the other, outside memdb: no object and no
// tree node for each, nothing for the garbage collector to visit. A view sees
// the rows there were when it was taken.
//
// A Log may carry one blob with each row, long bytes that the row names by
// their SHA-256. Blobs are kept by the store's Blobs.
type Log[T any] struct {
	name  string
	write func(dst []byte, row *T) []byte
	read  func(f *Fields, row *T)
	keys  []*Key[T]
	aside bool
	blob  func(*T) Digest // of the row's blob; nil when the log carries none
}

// maxKeys bounds the keys of one Log.
const maxKeys = 3

// Key finds rows of a Log by bytes they have: each row has one value of each
// key. A place in it never changes; newer rows come before older ones.
type Key[T any] struct {
	of  func(dst []byte, row *T) []byte
	log interface {
		tableName() string
		decodeRow(data string, row *T) error
	}
	pos int
}

// NewKey describes a key by the bytes a row has in it.
func NewKey[T any](of func(dst []byte, row *T) []byte) *Key[T] { return &Key[T]{of: of} }

// NewLog describes a log. Write gives a row's one encoding and read is its
// strict inverse. The name goes into digests and snapshots and is never reused.
func NewLog[T any](name string, write func(dst []byte, row *T) []byte, read func(f *Fields, row *T), keys ...*Key[T]) *Log[T] {
	if len(keys) > maxKeys {
		panic("state: a log with too many keys: " + name)
	}
	l := &Log[T]{name: name, write: write, read: read, keys: keys}
	for i, k := range keys {
		k.log, k.pos = l, i
	}
	return l
}

// Aside is Table.Aside.
func (l *Log[T]) Aside() *Log[T] {
	l.aside = true
	return l
}

// Carrying says that each row comes with a blob, and how the row names it.
func (l *Log[T]) Carrying(digest func(*T) Digest) *Log[T] {
	l.blob = digest
	return l
}

// Len is the number of rows.
func (l *Log[T]) Len(r Reader) int64 {
	_, n, p := r.log(l.name)
	if p != nil {
		n += int64(len(p.rows))
	}
	return n
}

// Append adds a row and gives its number. Of a log that carries blobs it wants
// the row's blob, whose digest the caller vouches for.
func (l *Log[T]) Append(tx *Tx, row *T, blob string) (int64, error) {
	p := tx.pending(l.name)
	if p == nil {
		return 0, ErrClosed
	}
	data := p.encode(func(dst []byte) []byte { return l.write(dst, row) })
	n, err := l.add(p, row, data)
	if err == nil {
		l.carry(p, blob)
	}
	if err == nil && !l.aside {
		tx.note(l.name, rowID(n), 1)
		tx.frame(data)
	}
	return n, err
}

// add puts a row, encoded by p, behind the others of the transaction.
func (l *Log[T]) add(p *pending, row *T, data []byte) (int64, error) {
	n := p.base + int64(len(p.rows)) + 1
	if len(data) > MaxRow || n > math.MaxUint32 {
		return 0, fmt.Errorf("%w: log %s: too long", ErrRow, l.name)
	}
	added := pendingRow{data: data}
	for i, k := range l.keys {
		key := string(k.of(nil, row))
		added.keys[i], added.before[i] = key, p.heads[i][key]
		if p.heads[i] == nil {
			p.heads[i] = map[string]int64{}
		}
		p.heads[i][key] = n
	}
	p.rows = append(p.rows, added)
	return n, nil
}

// carry keeps the blob of the row just added.
func (l *Log[T]) carry(p *pending, blob string) {
	if l.blob != nil {
		p.blobs, p.carried = append(p.blobs, blob), p.carried+len(blob)
	}
}

// rowID is a row's number as an id: 8 bytes, big-endian.
func rowID(n int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return string(b[:])
}

// Get gives row n.
func (l *Log[T]) Get(r Reader, n int64) (row T, ok bool) {
	data, ok := l.data(r, n)
	if !ok {
		return row, false
	}
	l.mustDecode(data, &row)
	return row, true
}

func (l *Log[T]) data(r Reader, n int64) (string, bool) {
	s, count, p := r.log(l.name)
	switch {
	case n < 1:
		return "", false
	case n <= count:
		return s.latest.Load().row(n), true
	case p != nil && n <= count+int64(len(p.rows)):
		return string(p.rows[n-count-1].data), true
	}
	return "", false
}

// mustDecode reads a row that was written by this log, or judged when it came
// from a snapshot. If it does not read, memory is damaged, and any answer would
// be a guess.
func (l *Log[T]) mustDecode(data string, row *T) {
	if err := l.decodeRow(data, row); err != nil {
		panic(err)
	}
}

func (l *Log[T]) decodeRow(data string, row *T) error {
	f := Fields{rest: data}
	l.read(&f, row)
	if !f.done() {
		return fmt.Errorf("%w: log %s", ErrRow, l.name)
	}
	return nil
}

// Blob gives the blob of row n, which must exist, verified by the digest in the
// row.
func (l *Log[T]) Blob(r Reader, n int64) (string, error) {
	s, count, p := r.log(l.name)
	if p != nil && n > count && n <= count+int64(len(p.blobs)) {
		return p.blobs[n-count-1], nil
	}
	row, ok := l.Get(r, n)
	if !ok {
		return "", ErrBlob.With("why", "no such row")
	}
	return s.blob(n, l.blob(&row))
}

// BlobPart gives a part of the blob of row n, which must exist, without verifying
// it.
func (l *Log[T]) BlobPart(r Reader, n int64, from, length int) (string, error) {
	s, count, p := r.log(l.name)
	if from < 0 || length < 0 || n < 1 || n > l.Len(r) {
		return "", ErrBlob.With("why", "no such part")
	}
	if p != nil && n > count {
		return cut(p.blobs[n-count-1], from, length)
	}
	data, err := s.blobs.Part(n, from, length)
	if err != nil {
		return "", ErrBlob.Wrap(err, "why", "it cannot be read")
	}
	return string(data), nil
}

// cut is a part of a text that must have it.
func cut[B ~string | ~[]byte](b B, from, length int) (B, error) {
	if from > len(b) || length > len(b)-from {
		return b[:0], ErrBlob.With("why", "no such part")
	}
	return b[from : from+length], nil
}

// From gives the rows after row n with their numbers, oldest first.
func (l *Log[T]) From(r Reader, n int64) iter.Seq2[int64, T] {
	return func(yield func(int64, T) bool) {
		for i := max(n, 0) + 1; ; i++ {
			row, ok := l.Get(r, i)
			if !ok || !yield(i, row) {
				return
			}
		}
	}
}

// Newest gives the rows before row n with their numbers, newest first; n 0
// begins at the end.
func (l *Log[T]) Newest(r Reader, n int64) iter.Seq2[int64, T] {
	return func(yield func(int64, T) bool) {
		if n == 0 {
			n = l.Len(r) + 1
		}
		for i := n - 1; i > 0; i-- {
			row, ok := l.Get(r, i)
			if !ok || !yield(i, row) {
				return
			}
		}
	}
}

// Get finds the newest row with this value of the key.
func (k *Key[T]) Get(r Reader, value string) (n int64, row T, ok bool) {
	for n, row := range k.Newest(r, value) {
		return n, row, true
	}
	return 0, row, false
}

// Newest gives the rows with this value of the key, newest first.
func (k *Key[T]) Newest(r Reader, value string) iter.Seq2[int64, T] {
	return func(yield func(int64, T) bool) {
		s, count, p := r.log(k.log.tableName())
		if p != nil {
			if n, ok := p.heads[k.pos][value]; ok {
				k.walk(r, n, yield)
				return
			}
		}
		k.walkShared(s, count, k.head(s, value), yield)
	}
}

// Older gives the rows with the same value of the key as row n, which must
// exist, that are older than it, newest first.
func (k *Key[T]) Older(r Reader, n int64) iter.Seq2[int64, T] {
	return func(yield func(int64, T) bool) {
		s, count, p := r.log(k.log.tableName())
		switch {
		case n < 1:
		case n <= count:
			k.walkShared(s, count, s.latest.Load().before(k.pos, n), yield)
		case p != nil && n <= count+int64(len(p.rows)):
			k.walk(r, n, func(i int64, row T) bool { return i == n || yield(i, row) })
		}
	}
}

// walk goes from a row of the open transaction to older ones.
func (k *Key[T]) walk(r Reader, n int64, yield func(int64, T) bool) {
	s, count, p := r.log(k.log.tableName())
	value := ""
	for n > count {
		at := &p.rows[n-count-1]
		var row T
		k.must(string(at.data), &row)
		if !yield(n, row) {
			return
		}
		value, n = at.keys[k.pos], at.before[k.pos]
	}
	k.walkShared(s, count, k.head(s, value), yield)
}

func (k *Key[T]) walkShared(s *series, count, n int64, yield func(int64, T) bool) {
	c := s.latest.Load()
	for ; n > 0; n = c.before(k.pos, n) {
		if n > count {
			continue // added after this view
		}
		var row T
		k.must(c.row(n), &row)
		if !yield(n, row) {
			return
		}
	}
}

func (k *Key[T]) must(data string, row *T) {
	if err := k.log.decodeRow(data, row); err != nil {
		panic(err)
	}
}

// head finds the newest row of all with this value.
func (k *Key[T]) head(s *series, value string) int64 {
	return s.keys[k.pos].find(value, func(n int64) bool { return k.has(s, n, value) })
}

func (k *Key[T]) has(s *series, n int64, value string) bool {
	var row T
	k.must(s.latest.Load().row(n), &row)
	return string(k.of(nil, &row)) == value
}

// Reread encodes a row and reads it into another one.
func (l *Log[T]) Reread(row, into *T) error { return l.decodeRow(string(l.write(nil, row)), into) }

// CheckEncoding tells, for tests of a log's encoding, when a text that reads is
// then written in a way that does not read, or is written differently again.
func (l *Log[T]) CheckEncoding(data []byte) error {
	var row, again T
	if l.decodeRow(string(data), &row) != nil {
		return nil
	}
	if err := l.Reread(&row, &again); err != nil {
		return err
	}
	if string(l.write(nil, &row)) != string(l.write(nil, &again)) {
		return fmt.Errorf("%w: log %s: two encodings of one row", ErrRow, l.name)
	}
	return nil
}

func (l *Log[T]) tableName() string { return l.name }

func (l *Log[T]) isAside() bool { return l.aside }

func (l *Log[T]) isLater() bool { return false }

func (l *Log[T]) schema() *memdb.TableSchema { return nil }

// newSeries makes the shared rows of a store.
func (l *Log[T]) newSeries(b Blobs) *series {
	s := &series{has: make([]func(s *series, n int64, value string) bool, len(l.keys))}
	for i, k := range l.keys {
		s.has[i] = k.has
	}
	if l.blob != nil {
		s.blobs = b
	}
	s.latest.Store(&column{})
	return s
}

func (l *Log[T]) each(r Reader, yield func(id string, data []byte) error) error {
	for n, end := int64(1), l.Len(r); n <= end; n++ {
		data, _ := l.data(r, n)
		if err := yield(rowID(n), []byte(data)); err != nil {
			return err
		}
	}
	return nil
}

// blobDigest is what row n says of its blob; ok is false for logs without.
func (l *Log[T]) blobDigest(r Reader, n int64) (d Digest, ok bool) {
	if l.blob == nil {
		return d, false
	}
	row, ok := l.Get(r, n)
	if !ok {
		return d, false
	}
	return l.blob(&row), true
}

func (l *Log[T]) carries() bool { return l.blob != nil }

// decode reads one row of a snapshot and adds it, its blob too unless that is
// lent.
func (l *Log[T]) decode(tx *Tx, data, blob []byte, in *rowReader) (id string, err error) {
	p := tx.pending(l.name)
	if p == nil {
		return "", ErrClosed
	}
	row := new(T)
	if err := l.decodeRow(string(data), row); err != nil {
		return "", fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	again := p.encode(func(dst []byte) []byte { return l.write(dst, row) })
	if string(again) != string(data) {
		return "", fmt.Errorf("%w: log %s: a row is not in its one encoding", ErrSnapshot, l.name)
	}
	n, err := l.add(p, row, again)
	if err == nil && in.lender == nil {
		l.carry(p, string(blob))
	}
	if l.blob != nil {
		in.parts[0] = in.sums.Compare(l.name, blob, l.blob(row)) // blob's own memory goes with it
	}
	return rowID(n), err
}
