package state

import (
	"encoding/hex"
	"fmt"
	"io"
	"sort"
	"sync"
	"sync/atomic"

	"accord/exchange"

	"github.com/hashicorp/go-memdb"
)

// Digest is a SHA-256 value.
type Digest [32]byte

// String is the digest in hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Head is what a state stands on.
type Head struct {
	Index   uint64          // the last consensus entry applied
	Seq     int64           // number of leaves: commands that were applied, rejected ones included
	Refused int64           // how many of them were rejected
	Time    exchange.Millis // ledger time: the latest time of a command, never going back
	Chain   Digest          // over every row change so far
}

// AnyTable is a Table whatever its rows are.
type AnyTable interface{ table }

// Schema is the list of a store's tables.
type Schema struct{ tables []table }

// NewSchema puts tables together, in the order of their names.
func NewSchema(tables ...AnyTable) *Schema {
	s := &Schema{}
	for _, t := range tables {
		s.tables = append(s.tables, t)
	}
	sort.Slice(s.tables, func(i, j int) bool { return s.tables[i].tableName() < s.tables[j].tableName() })
	return s
}

// Options of a store.
type Options struct {
	Frozen bool // keep a digest of every row ever inserted, for VerifyFrozen; tests only

	// Blobs makes the place for the blobs of one store; nil keeps them in memory.
	Blobs func() (Blobs, error)

	// Held gives the bytes ReadRows reads, from the first one, to be read later at
	// any place; nil if there is no such thing. It is asked once, by a store whose
	// Blobs is a Lender, which then reads its blobs there and copies none.
	Held func() io.ReaderAt
}

// Store holds the rows. One goroutine writes; any number read.
type Store struct {
	schema  *Schema
	options Options
	db      *memdb.MemDB
	logs    map[string]*series
	blobs   Blobs
	view    atomic.Pointer[View]

	writing sync.Mutex // held by the open Tx; guards frozen
	frozen  []frozen
}

// Open makes an empty store. Its head is the zero Head.
func Open(s *Schema, o Options) (*Store, error) {
	ms := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{
		// memdb wants a table even of a schema that has only logs
		"\x00": {Name: "\x00", Indexes: map[string]*memdb.IndexSchema{"id": {Name: "id", Unique: true, Indexer: rawIndex(nil)}}}}}
	st := &Store{schema: s, options: o, logs: map[string]*series{}, blobs: newInMemory()}
	if o.Blobs != nil {
		var err error
		if st.blobs, err = o.Blobs(); err != nil {
			return nil, err
		}
	}
	for _, t := range s.tables {
		if ms.Tables[t.tableName()] != nil || st.logs[t.tableName()] != nil {
			return nil, fmt.Errorf("state: table %s is given twice", t.tableName())
		}
		if rows := t.newSeries(st.blobs); rows != nil {
			st.logs[t.tableName()] = rows
		} else {
			ms.Tables[t.tableName()] = t.schema()
		}
	}
	var err error
	if st.db, err = memdb.NewMemDB(ms); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	st.view.Store(&View{schema: s, db: st.db.Snapshot(), logs: st.logs, counts: map[string]int{}})
	return st, nil
}

// Close lets go of what the store holds outside memory.
func (s *Store) Close() error { return s.blobs.Close() }

// View is the newest committed state.
func (s *Store) View() *View { return s.view.Load() }

// View is a state that never changes. It is safe for any number of goroutines
// and holds memory until the last one lets go of it.
type View struct {
	schema *Schema
	db     *memdb.MemDB
	logs   map[string]*series
	head   Head
	counts map[string]int
}

// Head says what the state stands on.
func (v *View) Head() Head { return v.head }

func (v *View) reader() *memdb.Txn { return v.db.Txn(false) }

func (v *View) log(name string) (*series, int64, *pending) {
	return v.logs[name], int64(v.counts[name]), nil
}

// frozen is a row as it was when it was inserted.
type frozen struct {
	table string
	row   any
	sum   Digest
}

// VerifyFrozen encodes every row ever inserted again and compares it with what
// it was then. The store must have been opened with Options.Frozen.
func (s *Store) VerifyFrozen() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	for _, f := range s.frozen {
		if sum, err := encodedSum(f.row); err != nil || sum != f.sum {
			return fmt.Errorf("%w: table %s", ErrFrozen, f.table)
		}
	}
	return nil
}
