package journal

import (
	"encoding/json"
	"fmt"
	"iter"
	"sort"

	"accord/crypto/bundle"
	"accord/crypto/strictjson"
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
	Seq      int64 // index of its leaf, from 1
	ID       exchange.CommandID
	Verb     exchange.Verb
	Issuer   exchange.MemberID
	Operator exchange.OperatorID
	At       exchange.Millis // the command's own time
	OK       bool
	Error    *exchange.Error // why it was rejected
	Outcome  json.RawMessage // what it brought about
	Digest   state.Digest    // SHA-256 of JWS
	JWS      string          // as signed; kept outside the rows
}

// Leaf is the hash of the statement's leaf.
func (s *Statement) Leaf() tlog.Hash {
	return tlog.LeafHash(bundle.LeafOf(string(s.ID), s.Digest, s.Recorded()))
}

// Recorded is the answer as the leaf holds it.
func (s *Statement) Recorded() bundle.Outcome {
	if s.OK {
		return bundle.Accepted
	}
	return bundle.Refused
}

// Answer is the result for whoever sent the command.
func (s *Statement) Answer(index uint64) exchange.Result {
	return exchange.Result{ID: s.ID, Index: index, Seq: s.Seq, OK: s.OK, Error: s.Error, Body: s.Outcome}
}

// packing says which consensus entry brought the statements up to Last.
type packing struct {
	Last  int64
	Index uint64
}

var (
	byID = state.NewKey(func(dst []byte, s *Statement) []byte { return append(dst, s.ID...) })

	statements = state.NewLog("journal.statements", writeStatement, readStatement, byID).
			Carrying(func(s *Statement) state.Digest { return s.Digest })
	packings = state.NewLog("journal.packings", writePacking, readPacking).Aside()
)

// Tables lists the tables of this part.
func Tables() []state.AnyTable { return []state.AnyTable{statements, packings} }

// writeStatement is a row's encoding: id, verb, issuer, operator, time, digest
// of the JWS; then an empty text and the outcome, or the error as JSON.
func writeStatement(dst []byte, s *Statement) []byte {
	dst = state.AppendID(dst, s.ID)
	dst = state.AppendText(state.AppendText(state.AppendText(dst, s.Verb), s.Issuer), s.Operator)
	dst = append(state.AppendUint(dst, uint64(s.At)), s.Digest[:]...)
	if s.OK {
		return state.AppendText(state.AppendText(dst, ""), string(s.Outcome))
	}
	refusal, err := strictjson.Marshal(s.Error)
	if err != nil || s.Error == nil {
		return append(dst, 0xff) // unreadable: Append refuses it
	}
	return state.AppendText(dst, string(refusal))
}

func readStatement(f *state.Fields, s *Statement) {
	s.ID = exchange.CommandID(f.ID())
	s.Verb, s.Issuer, s.Operator = exchange.Verb(f.Text()), exchange.MemberID(f.Text()), exchange.OperatorID(f.Text())
	s.At = exchange.Millis(f.Uint())
	s.Digest = state.Digest([]byte(f.Raw(32)))
	refusal := f.Text()
	if s.OK = refusal == ""; s.OK {
		if outcome := f.Text(); outcome != "" {
			s.Outcome = json.RawMessage(outcome)
		}
		return
	}
	if strictjson.Unmarshal([]byte(refusal), &s.Error) != nil || s.Error == nil {
		f.Fail()
	}
}

func writePacking(dst []byte, p *packing) []byte {
	return state.AppendUint(state.AppendUint(dst, uint64(p.Last)), p.Index)
}

func readPacking(f *state.Fields, p *packing) { p.Last, p.Index = int64(f.Uint()), f.Uint() }

// Append adds the statement of the command that is being closed. Its Seq must
// be the next one, and its Digest that of its JWS.
func Append(tx *state.Tx, s Statement) error {
	if s.Seq != tx.Head().Seq+1 || s.OK != (s.Error == nil) {
		return ErrJournal.With("why", fmt.Sprintf("statement %d after %d", s.Seq, tx.Head().Seq))
	}
	n, err := statements.Append(tx, &s, s.JWS)
	if err == nil && n != s.Seq {
		err = ErrJournal.With("why", fmt.Sprintf("statement %d in place %d", s.Seq, n))
	}
	return err
}

// Pack notes that the entry with this index brought all statements since the
// last call.
func Pack(tx *state.Tx, index uint64) error {
	_, err := packings.Append(tx, &packing{Last: tx.Head().Seq, Index: index}, "")
	return err
}

// Get finds a statement by sequence number, with its JWS. An error is a fault of
// this node's storage.
func Get(r state.Reader, seq int64) (s Statement, ok bool, err error) {
	if s, ok = statements.Get(r, seq); !ok {
		return s, false, nil
	}
	s.Seq = seq
	s.JWS, err = statements.Blob(r, seq)
	return s, err == nil, err
}

// Part gives so many bytes of a statement's JWS, from an offset. They are not
// verified: whoever asks has a digest of them.
func Part(r state.Reader, seq int64, from, length int) (string, error) {
	return statements.BlobPart(r, seq, from, length)
}

// Find finds a statement by its command's id, without its JWS.
func Find(r state.Reader, id exchange.CommandID) (Statement, bool) {
	seq, s, ok := byID.Get(r, string(id))
	s.Seq = seq
	return s, ok
}

// Scan gives the statements after seq in order, without their JWS.
func Scan(r state.Reader, after int64) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		for seq, s := range statements.From(r, after) {
			s.Seq = seq
			if !yield(s) {
				return
			}
		}
	}
}

// IndexOf is the consensus index that brought a statement, 0 when there is no
// such statement.
func IndexOf(r state.Reader, seq int64) uint64 {
	if seq < 1 {
		return 0
	}
	p, _ := packingAt(r, func(p packing) bool { return p.Last >= seq })
	return p.Index
}

// SeqAt is the last statement that entries up to a consensus index brought.
func SeqAt(r state.Reader, index uint64) int64 {
	_, n := packingAt(r, func(p packing) bool { return p.Index > index })
	before, _ := packings.Get(r, n-1)
	return before.Last
}

// packingAt finds the first packing that is past something.
func packingAt(r state.Reader, past func(packing) bool) (packing, int64) {
	n := 1 + sort.Search(int(packings.Len(r)), func(i int) bool {
		p, _ := packings.Get(r, int64(i)+1)
		return past(p)
	})
	p, _ := packings.Get(r, int64(n))
	return p, int64(n)
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
