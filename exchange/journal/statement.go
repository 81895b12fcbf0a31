package journal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"sort"

	"accord/crypto/bundle"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/state"
)

// ErrJournal is a journal whose rows do not fit together; the node stops.
var ErrJournal = exchange.Define(exchange.KindInternal, "JRN-001",
	exchange.Text{Zh: "账本日志不一致：{why}", En: "the journal does not fit together: {why}"},
	exchange.Text{Zh: "请停止本节点并从其他成员恢复", En: "stop this node and restore it from another member"})

// Statement is one command with what the ledger answered.
type Statement struct {
	Seq      int64               `json:"seq"` // index of its leaf, from 1
	ID       exchange.CommandID  `json:"id"`
	Verb     exchange.Verb       `json:"verb"`
	Issuer   exchange.MemberID   `json:"issuer"`
	Operator exchange.OperatorID `json:"operator"`
	At       exchange.Millis     `json:"at"` // the command's own time
	OK       bool                `json:"ok"`
	Error    *exchange.Error     `json:"error,omitempty"`   // why it was rejected
	Outcome  json.RawMessage     `json:"outcome,omitempty"` // what it brought about
	JWS      string              `json:"jws"`               // as signed
}

// Leaf is the hash of the statement's leaf.
func (s *Statement) Leaf() tlog.Hash { return LeafOf(s.ID, s.JWS, s.Recorded()) }

// Recorded is the answer as the leaf holds it.
func (s *Statement) Recorded() bundle.Outcome {
	if s.OK {
		return bundle.Accepted
	}
	return bundle.Refused
}

// LeafOf is the hash of the leaf of a command with its outcome.
func LeafOf(id exchange.CommandID, jws string, outcome bundle.Outcome) tlog.Hash {
	return tlog.LeafHash(bundle.Leaf(string(id), []byte(jws), outcome))
}

// Answer is the result for whoever sent the command.
func (s *Statement) Answer(index uint64) exchange.Result {
	return exchange.Result{ID: s.ID, Index: index, Seq: s.Seq, OK: s.OK, Error: s.Error, Body: s.Outcome}
}

// packing says which consensus entry brought the statements up to Last.
type packing struct {
	Last  int64  `json:"last"`
	Index uint64 `json:"index"`
}

var (
	byID = state.NewIndex("id_command", func(s *Statement) [][]string { return [][]string{{string(s.ID)}} })

	statements = state.NewTable("journal.statements", func(s *Statement) string { return seqKey(s.Seq) }, byID)
	packings   = state.NewTable("journal.packings", func(p *packing) string { return seqKey(p.Last) }).Aside()
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{statements, packings} }

// seqKey orders sequence numbers as text.
func seqKey(seq int64) string {
	var b [8]byte
	for i := range b {
		b[i] = byte(uint64(seq) >> (56 - 8*i))
	}
	return hex.EncodeToString(b[:])
}

// Append adds the statement of the command that is being closed. Its Seq must
// be the next one.
func Append(tx *state.Tx, s Statement) error {
	if s.Seq != tx.Head().Seq+1 {
		return ErrJournal.With("why", fmt.Sprintf("statement %d after %d", s.Seq, tx.Head().Seq))
	}
	return statements.Insert(tx, &s)
}

// Pack notes that the entry with this index brought all statements since the
// last call.
func Pack(tx *state.Tx, index uint64) error {
	return packings.Insert(tx, &packing{Last: tx.Head().Seq, Index: index})
}

// Get finds a statement by sequence number.
func Get(r state.Reader, seq int64) (Statement, bool) { return statements.Get(r, seqKey(seq)) }

// Find finds a statement by its command's id.
func Find(r state.Reader, id exchange.CommandID) (Statement, bool) { return byID.First(r, string(id)) }

// Scan gives the statements after seq in order.
func Scan(r state.Reader, after int64) iter.Seq[Statement] {
	return statements.Scan(r, seqKey(after))
}

// IndexOf is the consensus index that brought a statement, 0 when there is no
// such statement.
func IndexOf(r state.Reader, seq int64) uint64 {
	if seq < 1 {
		return 0
	}
	for p := range packings.Scan(r, seqKey(seq-1)) {
		return p.Index
	}
	return 0
}

// SeqAt is the last statement that entries up to a consensus index brought.
func SeqAt(v *state.View, index uint64) int64 {
	return int64(sort.Search(int(v.Head().Seq), func(i int) bool { return IndexOf(v, int64(i)+1) > index }))
}

// Plant makes the tree of a ledger that has only its charter.
func Plant(charter []byte) *tlog.Tree {
	t := new(tlog.Tree)
	t.Append(tlog.LeafHash(bundle.CharterLeaf(charter)))
	return t
}

// Regrow builds the tree from the statements of a restored state. They must be
// numbered from 1 without a gap, as many as the head says.
func Regrow(v *state.View, charter []byte) (*tlog.Tree, error) {
	t := Plant(charter)
	for s := range Scan(v, 0) {
		if s.Seq != t.Size() {
			return nil, ErrJournal.With("why", fmt.Sprintf("statement %d at leaf %d", s.Seq, t.Size()))
		}
		t.Append(s.Leaf())
	}
	if t.Size() != v.Head().Seq+1 {
		return nil, ErrJournal.With("why", fmt.Sprintf("%d leaves at sequence %d", t.Size(), v.Head().Seq))
	}
	return t, nil
}
