package witness

import (
	"context"
	"sync"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/members"
)

// ErrAccesses is given when nobody but this node speaks for who asked for records.
var ErrAccesses = exchange.Define(exchange.KindUnavailable, "SUBJ-110",
	exchange.Text{Zh: "只有 {got} 家成员对查阅记录的说法一致，须有 {want} 家", En: "{got} members say the same of who asked for records, {want} must"},
	exchange.Text{Zh: "等其他成员的节点可达、追上后再试；若持续如此，请核对本节点账本（accord ledger verify）", En: "try again when the others' nodes can be reached and have caught up; if it stays so, check this node's ledger (accord ledger verify)"})

// AccessesWord is who asked for records up to one position, with the cosignatures of
// a quorum.
type AccessesWord struct {
	Point Cosigned
	Tree  *bundle.AccessTree
	Note  string
}

// accessesState keeps the last word and the last tree.
type accessesState struct {
	gathering sync.Mutex // one collection at a time

	mu   sync.Mutex
	size int64              // guarded by mu
	tree *bundle.AccessTree // of size; guarded by mu
	word *AccessesWord      // guarded by gathering
}

// accessTree is the tree of a position. Two in a row about one position make it once.
func (w *Witness) accessTree(size int64) (*bundle.AccessTree, error) {
	s := &w.accesses
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tree != nil && s.size == size {
		return s.tree, nil
	}
	tree, err := agency.AccessTree(w.Ledger.View(), size)
	if err == nil {
		s.size, s.tree = size, tree
	}
	return tree, err
}

// SignAccesses is this member's signed word on who asked for which record up to size
// leaves: the root it computes itself. It signs of a position it has signed the
// ledger of, or would.
func (w *Witness) SignAccesses(ctx context.Context, size int64) ([]byte, error) {
	if _, err := w.Sign(ctx, size); err != nil { // refuses what must not be vouched for
		return nil, err
	}
	key, err := w.Keys.Key(keys.Cosign)
	if err != nil {
		return nil, err
	}
	signer, err := tlog.NewCosigner(w.Federation, string(w.Self), key)
	if err != nil {
		return nil, err
	}
	tree, err := w.accessTree(size)
	if err != nil {
		return nil, err
	}
	c := tree.Checkpoint(size)
	sig, err := signer.Sign(c, w.Clock().Unix())
	if err != nil {
		return nil, err
	}
	return tlog.Format(c, sig)
}

// Accesses is who asked for records as a quorum vouches for it, of a position with at
// least size leaves.
func (w *Witness) Accesses(ctx context.Context, size int64) (*AccessesWord, error) {
	w.accesses.gathering.Lock()
	defer w.accesses.gathering.Unlock()
	if word := w.accesses.word; word != nil && word.Point.Size >= size {
		return word, nil
	}
	point, err := w.Vouched(ctx, size)
	if err != nil {
		return nil, err
	}
	own, err := w.SignAccesses(ctx, point.Size)
	if err != nil {
		return nil, err
	}
	mine, sigs, err := tlog.Read(own)
	if err != nil {
		return nil, err
	}
	signers := 1
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	for _, t := range w.everybody(ctx, func(ctx context.Context, p Peer, m members.Member) ([]byte, error) {
		note, err := p.AccessesWord(ctx, point.Size)
		if err != nil {
			return nil, err
		}
		return w.listsBy(m, note, mine)
	}) {
		if t.err != nil {
			w.Log.Debug("a member does not say the same of who asked for records", "member", t.member.ID, "size", point.Size, "error", t.err)
			continue
		}
		if _, theirs, err := tlog.Read(t.note); err == nil && !w.accused(t.member.ID) {
			sigs, signers = append(sigs, theirs...), signers+1
		}
	}
	if want := w.Ledger.View().Federation().CosignQuorum; signers < want {
		return nil, ErrAccesses.With("got", signers, "want", want)
	}
	note, err := tlog.Format(mine, sigs...)
	if err != nil {
		return nil, err
	}
	tree, err := w.accessTree(point.Size)
	if err != nil {
		return nil, err
	}
	w.accesses.word = &AccessesWord{Point: point, Tree: tree, Note: string(note)}
	return w.accesses.word, nil
}
