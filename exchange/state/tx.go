package state

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
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
	added   map[string]*pending // to logs
	changes []byte              // of the open command, as they are hashed
	touched int                 // changes of the open command
	frozen  []frozen
}

// Begin opens the write. It waits for another one to end.
func (s *Store) Begin() *Tx {
	s.writing.Lock()
	v := s.View()
	return &Tx{store: s, txn: s.db.Txn(true), head: v.head, counts: maps.Clone(v.counts), added: map[string]*pending{}}
}

func (tx *Tx) reader() *memdb.Txn { return tx.txn }

func (tx *Tx) log(name string) (*series, int64, *pending) {
	return tx.store.logs[name], int64(tx.counts[name]), tx.added[name]
}

// pending is what this transaction adds to a log; nil once it is over.
func (tx *Tx) pending(name string) *pending {
	if tx.txn == nil {
		return nil
	}
	p := tx.added[name]
	if p == nil {
		p = &pending{base: int64(tx.counts[name])}
		tx.added[name] = p
	}
	return p
}

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
	changes := sha256.Sum256(tx.changes)
	text := append(make([]byte, 0, len(chainDomain)+3*len(leaf)), chainDomain...)
	text = append(append(append(text, tx.head.Chain[:]...), leaf[:]...), changes[:]...)
	tx.head.Chain = sha256.Sum256(text)
	tx.changes, tx.touched = tx.changes[:0], 0
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
	tx.addLogs()
	v := &View{schema: s.schema, db: s.db.Snapshot(), logs: s.logs, head: tx.head, counts: tx.counts}
	s.frozen = append(s.frozen, tx.frozen...)
	s.view.Store(v)
	s.writing.Unlock()
	return v, nil
}

// addLogs gives the rows added to logs to the store. No view shows them before
// it is told to.
func (tx *Tx) addLogs() {
	for _, t := range tx.store.schema.tables { // their own order, not the map's
		if p := tx.added[t.tableName()]; p != nil {
			tx.store.logs[t.tableName()].commit(p)
			tx.counts[t.tableName()] += len(p.rows)
			p.again()
		}
	}
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
	if !c.aside {
		tx.note(c.table, c.id, 1)
		tx.frame(data)
	}
	return nil
}

func (tx *Tx) delete(c change) error {
	if err := tx.txn.Delete(c.table, c.row); err != nil {
		return fmt.Errorf("state: table %s: %w", c.table, err)
	}
	tx.counts[c.table]--
	if !c.aside {
		tx.note(c.table, c.id, 0)
	}
	return nil
}

// note begins the change's part of the open command's digest.
func (tx *Tx) note(table, id string, kind byte) {
	tx.touched++
	tx.changes = appendFrame(appendFrame(tx.changes, table), id)
	tx.changes = append(tx.changes, kind)
}

func (tx *Tx) frame(data []byte) { tx.changes = appendFrame(tx.changes, data) }

// appendFrame adds b with its length in front, so that no two lists of byte
// strings are written alike.
func appendFrame[B string | []byte](dst []byte, b B) []byte {
	return append(binary.BigEndian.AppendUint64(dst, uint64(len(b))), b...)
}

func encodedSum(row any) (Digest, error) {
	data, err := strictjson.Marshal(row)
	return sha256.Sum256(data), err
}
