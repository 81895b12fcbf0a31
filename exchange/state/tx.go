package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"maps"

	"accord/crypto/strictjson"
	"accord/exchange"

	"github.com/hashicorp/go-memdb"
)

const chainDomain = "accord-chain/1\n"

// Tx is the one open write: the row changes of any number of commands that
// become visible together. It belongs to one goroutine.
type Tx struct {
	store   *Store
	txn     *memdb.Txn // nil once the transaction is over
	head    Head
	counts  map[string]int
	changes hash.Hash // of the open command
	touched int       // changes of the open command
	frozen  []frozen
}

// Begin opens the write. It waits for another one to end.
func (s *Store) Begin() *Tx {
	s.writing.Lock()
	v := s.View()
	return &Tx{store: s, txn: s.db.Txn(true), head: v.head, counts: maps.Clone(v.counts), changes: sha256.New()}
}

func (tx *Tx) reader() *memdb.Txn { return tx.txn }

// Head is the head as of the last command closed in this transaction.
func (tx *Tx) Head() Head { return tx.head }

// Touched is how many row changes the open command has made so far.
func (tx *Tx) Touched() int { return tx.touched }

// CloseGenesis ends the changes that make the first state. It starts the chain
// with the digest of the genesis and is no leaf.
func (tx *Tx) CloseGenesis(genesis Digest, founded exchange.Millis) {
	tx.head.Time = founded
	tx.link(genesis)
}

// CloseCommand ends the changes of one command: it links them to the chain
// under the command's leaf and counts the leaf. at moves ledger time forward
// and never back.
func (tx *Tx) CloseCommand(leaf Digest, at exchange.Millis, refused bool) {
	tx.head.Time = max(tx.head.Time, at)
	tx.head.Seq++
	if refused {
		tx.head.Refused++
	}
	tx.link(leaf)
}

func (tx *Tx) link(leaf Digest) {
	h := sha256.New()
	h.Write([]byte(chainDomain))
	h.Write(tx.head.Chain[:])
	h.Write(leaf[:])
	h.Write(tx.changes.Sum(nil))
	tx.head.Chain = Digest(h.Sum(nil))
	tx.changes.Reset()
	tx.touched = 0
}

// Commit publishes the state as that of the given consensus index. Changes
// that no command closed are a fault.
func (tx *Tx) Commit(index uint64) (*View, error) {
	if tx.txn == nil {
		return nil, ErrClosed
	}
	if tx.touched != 0 {
		tx.Abort()
		return nil, fmt.Errorf("%w: changes belong to no command", ErrRow)
	}
	s := tx.store
	tx.txn.Commit()
	tx.txn = nil
	tx.head.Index = index
	v := &View{schema: s.schema, db: s.db.Snapshot(), head: tx.head, counts: tx.counts}
	s.frozen = append(s.frozen, tx.frozen...)
	s.view.Store(v)
	s.writing.Unlock()
	return v, nil
}

// Abort drops the write; after Commit it does nothing.
func (tx *Tx) Abort() {
	if tx.txn == nil {
		return
	}
	tx.txn.Abort()
	tx.txn = nil
	tx.store.writing.Unlock()
}

// change is one row change.
type change struct {
	table, id string
	row       any
	aside     bool
}

func (tx *Tx) insert(c change, data []byte, fresh bool) error {
	if err := tx.txn.Insert(c.table, c.row); err != nil {
		return fmt.Errorf("state: table %s: %w", c.table, err)
	}
	if fresh {
		tx.counts[c.table]++
	}
	if tx.store.options.Frozen {
		tx.frozen = append(tx.frozen, frozen{c.table, c.row, sha256.Sum256(data)})
	}
	tx.note(c, 1)
	if !c.aside {
		frame(tx.changes, data)
	}
	return nil
}

func (tx *Tx) delete(c change) error {
	if err := tx.txn.Delete(c.table, c.row); err != nil {
		return fmt.Errorf("state: table %s: %w", c.table, err)
	}
	tx.counts[c.table]--
	tx.note(c, 0)
	return nil
}

// note begins the change's part of the open command's digest.
func (tx *Tx) note(c change, kind byte) {
	if c.aside {
		return
	}
	tx.touched++
	frame(tx.changes, []byte(c.table))
	frame(tx.changes, []byte(c.id))
	tx.changes.Write([]byte{kind})
}

// frame writes b with its length in front, so that no two lists of byte
// strings are written alike.
func frame(h hash.Hash, b []byte) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(b)))
	h.Write(n[:])
	h.Write(b)
}

func encodedSum(row any) (Digest, error) {
	data, err := strictjson.Marshal(row)
	return sha256.Sum256(data), err
}
