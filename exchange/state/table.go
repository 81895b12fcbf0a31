package state

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"

	"accord/crypto/strictjson"

	"github.com/hashicorp/go-memdb"
)

// Errors of this package. All of them are faults of the program or of stored
// data; a node that meets one stops.
var (
	ErrRow      = errors.New("state: row is not acceptable")
	ErrSnapshot = errors.New("state: snapshot is not acceptable")
	ErrClosed   = errors.New("state: transaction is over")
	ErrFrozen   = errors.New("state: a row was changed after it was inserted")
)

// MaxRow is the longest encoded row in bytes.
const MaxRow = 4 << 20

// Reader is what tables read from: a View, or the Tx that is being written.
type Reader interface {
	reader() *memdb.Txn
	log(name string) (rows *series, count int64, added *pending)
}

// Table is one kind of row. Tables are package variables of the part that owns
// the rows; a Schema puts them together.
type Table[T any] struct {
	name    string
	id      func(*T) string
	indexes []*Index[T]
	aside   bool
	later   bool
}

// Index is a secondary order of a table's rows: by the parts of a key, then by
// id. A row may stand in it several times or not at all.
type Index[T any] struct {
	name  string
	keys  func(*T) [][]string
	table *Table[T]
}

// Newest is the key part that orders rows by the number of their statement, the
// newest first.
func Newest(seq int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(math.MaxInt64-seq))
	return hex.EncodeToString(b[:])
}

// NewIndex describes an index by the keys of a row. Ids and key parts hold no
// NUL byte.
func NewIndex[T any](name string, keys func(*T) [][]string) *Index[T] {
	return &Index[T]{name: name, keys: keys}
}

// NewTable describes a table. The name goes into digests and snapshots and is
// never reused for other rows.
func NewTable[T any](name string, id func(*T) string, indexes ...*Index[T]) *Table[T] {
	t := &Table[T]{name: name, id: id, indexes: indexes}
	for _, ix := range indexes {
		ix.table = t
	}
	return t
}

// Aside marks a table whose rows tell how the ledger came here and not what it
// says: they are in snapshots, but in neither digest, and no command needs to
// close them.
func (t *Table[T]) Aside() *Table[T] {
	t.aside = true
	return t
}

// Later marks a table that came after the first release: as long as it is empty it
// is not in snapshots, so that builds with and without it exchange them until the
// machine version that brings its first row is in force.
func (t *Table[T]) Later() *Table[T] {
	t.later = true
	return t
}

// Get finds a row by id.
func (t *Table[T]) Get(r Reader, id string) (row T, ok bool) {
	if row := t.get(r, id); row != nil {
		return *row, true
	}
	return row, false
}

func (t *Table[T]) get(r Reader, id string) *T {
	raw, err := r.reader().First(t.name, "id", key(id))
	if err != nil || raw == nil {
		return nil
	}
	return raw.(*T)
}

// Scan gives the rows in id order, those after the given id only; "" starts at
// the beginning. It sees the state as it was when it began.
func (t *Table[T]) Scan(r Reader, after string) iter.Seq[T] {
	from := key("")[:0]
	if after != "" {
		from = append(key(after), 0)
	}
	return rows[T](r, t.name, "id", from, func(*T) bool { return true })
}

// Insert adds a row or replaces the one with its id. The caller must not touch
// the row, or anything it refers to, afterwards.
func (t *Table[T]) Insert(tx *Tx, row *T) error {
	data, err := strictjson.Marshal(row)
	if err != nil {
		return fmt.Errorf("%w: table %s: %w", ErrRow, t.name, err)
	}
	return t.put(tx, row, data)
}

func (t *Table[T]) put(tx *Tx, row *T, data []byte) error {
	id := t.id(row)
	if id == "" || strings.IndexByte(id, 0) >= 0 {
		return fmt.Errorf("%w: table %s: bad id", ErrRow, t.name)
	}
	if len(data) > MaxRow {
		return fmt.Errorf("%w: table %s: too long", ErrRow, t.name)
	}
	if tx.txn == nil {
		return ErrClosed
	}
	fresh := t.get(tx, id) == nil
	return tx.insert(change{t.name, id, row, t.aside}, data, fresh)
}

// Delete takes a row out. It is a fault to delete what is not there.
func (t *Table[T]) Delete(tx *Tx, id string) error {
	row := t.get(tx, id)
	if row == nil {
		return fmt.Errorf("%w: table %s: no such row to delete", ErrRow, t.name)
	}
	return tx.delete(change{t.name, id, row, t.aside})
}

// Len is the number of rows.
func (t *Table[T]) Len(v *View) int { return v.counts[t.name] }

// Scan gives the rows whose key begins with the given parts, in the order of
// key and id.
func (ix *Index[T]) Scan(r Reader, parts ...string) iter.Seq[T] {
	return func(yield func(T) bool) {
		it, err := r.reader().Get(ix.table.name, ix.name, key(parts...))
		if err != nil {
			return // tables and indexes are checked when the store is made
		}
		for raw := it.Next(); raw != nil; raw = it.Next() {
			if !yield(*raw.(*T)) {
				return
			}
		}
	}
}

// ScanAfter is Scan from behind the place that a row with the given full key
// and id has, whether or not such a row exists: a cursor that stays true while
// rows come and go. An empty id starts at the beginning.
func (ix *Index[T]) ScanAfter(r Reader, parts, after []string, id string) iter.Seq[T] {
	if id == "" {
		return ix.Scan(r, parts...)
	}
	prefix := key(parts...)
	from := append(key(append(append([]string(nil), after...), id)...), 0)
	return rows[T](r, ix.table.name, ix.name, from, func(row *T) bool { return ix.has(row, prefix) })
}

// First finds the first row whose key begins with the given parts.
func (ix *Index[T]) First(r Reader, parts ...string) (row T, ok bool) {
	for row := range ix.Scan(r, parts...) {
		return row, true
	}
	return row, false
}

func (ix *Index[T]) has(row *T, prefix []byte) bool {
	for _, parts := range ix.keys(row) {
		if strings.HasPrefix(string(key(parts...)), string(prefix)) {
			return true
		}
	}
	return false
}

func rows[T any](r Reader, table, index string, from []byte, within func(*T) bool) iter.Seq[T] {
	return func(yield func(T) bool) {
		it, err := r.reader().LowerBound(table, index, from)
		if err != nil {
			return // tables and indexes are checked when the store is made
		}
		for raw := it.Next(); raw != nil; raw = it.Next() {
			row := raw.(*T)
			if !within(row) || !yield(*row) {
				return
			}
		}
	}
}

// key joins parts so that the order of keys is the order of their parts.
func key(parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += len(p) + 1
	}
	b := make([]byte, 0, n+24) // room for memdb to append the id
	for _, p := range parts {
		b = append(append(b, p...), 0)
	}
	return b
}

// schema is the table as memdb sees it.
func (t *Table[T]) schema() *memdb.TableSchema {
	s := &memdb.TableSchema{Name: t.name, Indexes: map[string]*memdb.IndexSchema{
		"id": {Name: "id", Unique: true, Indexer: rawIndex(func(row any) [][]string { return [][]string{{t.id(row.(*T))}} })},
	}}
	for _, ix := range t.indexes {
		s.Indexes[ix.name] = &memdb.IndexSchema{Name: ix.name, AllowMissing: true,
			Indexer: manyIndex{rawIndex(func(row any) [][]string { return ix.keys(row.(*T)) })}}
	}
	return s
}

// newSeries is for logs.
func (t *Table[T]) newSeries(Blobs) *series { return nil }

func (t *Table[T]) carries() bool { return false }

func (t *Table[T]) blobDigest(Reader, int64) (Digest, bool) { return Digest{}, false }

// each gives every row with its id and encoding, in id order.
func (t *Table[T]) each(r Reader, yield func(id string, data []byte) error) error {
	it, err := r.reader().LowerBound(t.name, "id", []byte(nil))
	if err != nil {
		return fmt.Errorf("state: table %s: %w", t.name, err)
	}
	for raw := it.Next(); raw != nil; raw = it.Next() {
		data, err := strictjson.Marshal(raw)
		if err != nil {
			return fmt.Errorf("%w: table %s: %w", ErrRow, t.name, err)
		}
		if err := yield(t.id(raw.(*T)), data); err != nil {
			return err
		}
	}
	return nil
}

// decode reads one row of a snapshot and inserts it.
func (t *Table[T]) decode(tx *Tx, data, _ []byte, _ *rowReader) (id string, err error) {
	row := new(T)
	if err := strictjson.Unmarshal(data, row); err != nil {
		return "", fmt.Errorf("%w: table %s: %w", ErrSnapshot, t.name, err)
	}
	again, err := strictjson.Marshal(row)
	if err != nil || string(again) != string(data) {
		return "", fmt.Errorf("%w: table %s: a row is not in its one encoding", ErrSnapshot, t.name)
	}
	return t.id(row), t.put(tx, row, data)
}

func (t *Table[T]) tableName() string { return t.name }

func (t *Table[T]) isAside() bool { return t.aside }

func (t *Table[T]) isLater() bool { return t.later }

// table is what the store needs of a Table or Log whatever its rows are.
type table interface {
	tableName() string
	isAside() bool
	isLater() bool // not in snapshots while it is empty
	schema() *memdb.TableSchema
	newSeries(b Blobs) *series
	each(r Reader, yield func(id string, data []byte) error) error
	decode(tx *Tx, data, blob []byte, in *rowReader) (id string, err error)
	carries() bool                                         // whether each row comes with a blob
	blobDigest(r Reader, n int64) (d Digest, carries bool) // of the blob of row n
}

// rawIndex lets memdb index by keys made with key, and look up by such bytes.
type rawIndex func(row any) [][]string

func (ix rawIndex) FromObject(row any) (bool, []byte, error) {
	return true, key(ix(row)[0]...), nil
}

func (ix rawIndex) FromArgs(args ...any) ([]byte, error) { return args[0].([]byte), nil }

type manyIndex struct{ raw rawIndex }

func (ix manyIndex) FromObject(row any) (bool, [][]byte, error) {
	keys := ix.raw(row)
	out := make([][]byte, len(keys))
	for i, parts := range keys {
		out[i] = key(parts...)
	}
	return len(out) > 0, out, nil
}

func (ix manyIndex) FromArgs(args ...any) ([]byte, error) { return args[0].([]byte), nil }
