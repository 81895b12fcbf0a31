package state

import (
	"encoding/hex"
	"fmt"
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
}

// Store holds the rows. One goroutine writes; any number read.
type Store struct {
	schema  *Schema
	options Options
	db      *memdb.MemDB
	view    atomic.Pointer[View]

	writing sync.Mutex // held by the open Tx; guards frozen
	frozen  []frozen
}

// Open makes an empty store. Its head is the zero Head.
func Open(s *Schema, o Options) (*Store, error) {
	ms := &memdb.DBSchema{Tables: map[string]*memdb.TableSchema{}}
	for _, t := range s.tables {
		if ms.Tables[t.tableName()] != nil {
			return nil, fmt.Errorf("state: table %s is given twice", t.tableName())
		}
		ms.Tables[t.tableName()] = t.schema()
	}
	db, err := memdb.NewMemDB(ms)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	st := &Store{schema: s, options: o, db: db}
	st.view.Store(&View{schema: s, db: db.Snapshot(), counts: map[string]int{}})
	return st, nil
}

// View is the newest committed state.
func (s *Store) View() *View { return s.view.Load() }

// View is a state that never changes. It is safe for any number of goroutines
// and holds memory until the last one lets go of it.
type View struct {
	schema *Schema
	db     *memdb.MemDB
	head   Head
	counts map[string]int
}

// Head says what the state stands on.
func (v *View) Head() Head { return v.head }

func (v *View) reader() *memdb.Txn { return v.db.Txn(false) }

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
