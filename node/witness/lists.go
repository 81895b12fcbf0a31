package witness

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"accord/crypto/bundle"
	"accord/crypto/keys"
	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/members"
)

// ErrLists is given when the lists of a position cannot be signed here.
var ErrLists = exchange.Define(exchange.KindUnavailable, "LEDGER-040",
	exchange.Text{Zh: "本节点不能为账本第 {size} 条时的名单作证", En: "this node cannot speak for the lists at size {size} of the ledger"},
	exchange.Text{Zh: "等待节点追上、时钟一致后再试", En: "try again when the node has caught up and its clock agrees"})

// listsFresh is how long an answer about lists stands on the word gathered last.
// Making it anew calls on every other member.
const listsFresh = time.Minute

// ListsWord is the lists of one position with the cosignatures of a quorum.
type ListsWord struct {
	Point Cosigned
	At    exchange.Millis // the time whose statuses are meant
	Tree  *bundle.ListTree
	Note  string
}

// listsState keeps the last word and the trees behind what was signed.
type listsState struct {
	gathering sync.Mutex // one collection at a time
	making    sync.Mutex // one tree at a time

	base *listBase // guarded by making
	last madeTree  // guarded by making

	mu   sync.Mutex
	word *ListsWord // guarded by mu
}

type madeTree struct {
	size int64
	at   exchange.Millis
	tree *bundle.ListTree
}

// SignLists is this member's signed word on the lists as they stood after size
// leaves, at a time that is neither to come nor long over: the root it computes itself. It signs of a
// position it has signed the ledger of, or would.
func (w *Witness) SignLists(ctx context.Context, size int64, at exchange.Millis) ([]byte, error) {
	if now := exchange.MillisOf(w.Clock()); at < 1 || at > now.Add(time.Minute) || at < now.Add(-listsAge) {
		return nil, ErrLists.With("size", size)
	}
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
	c := w.listTree(size, at).Checkpoint(w.Federation, size, int64(at))
	sig, err := signer.Sign(c, w.Clock().Unix())
	if err != nil {
		return nil, err
	}
	return tlog.Format(c, sig)
}

// Lists is the lists as a quorum vouches for them, of a position with at least size
// leaves: a word not older than a minute, or a new one.
func (w *Witness) Lists(ctx context.Context, size int64) (*ListsWord, error) {
	w.lists.gathering.Lock()
	defer w.lists.gathering.Unlock()
	w.lists.mu.Lock()
	word := w.lists.word
	w.lists.mu.Unlock()
	if word != nil && word.Point.Size >= size && exchange.MillisOf(w.Clock()) < word.At.Add(listsFresh) {
		return word, nil
	}
	point, err := w.Vouched(ctx, size)
	if err != nil {
		return nil, err
	}
	word, err = w.gatherLists(ctx, point)
	if err != nil {
		return nil, err
	}
	w.lists.mu.Lock()
	defer w.lists.mu.Unlock()
	w.lists.word = word
	return word, nil
}

var errOtherLists = errors.New("witness: the member has other lists at this position")

func (w *Witness) gatherLists(ctx context.Context, point Cosigned) (*ListsWord, error) {
	at := exchange.MillisOf(w.Clock())
	own, err := w.SignLists(ctx, point.Size, at)
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
		note, err := p.ListsWord(ctx, point.Size, at)
		if err != nil {
			return nil, err
		}
		return w.listsBy(m, note, mine)
	}) {
		if t.err != nil {
			w.Log.Debug("a member does not speak for the lists", "member", t.member.ID, "size", point.Size, "error", t.err)
			continue
		}
		_, theirs, err := tlog.Read(t.note)
		if err != nil || w.accused(t.member.ID) {
			continue
		}
		sigs, signers = append(sigs, theirs...), signers+1
	}
	if want := w.Ledger.View().Federation().CosignQuorum; signers < want {
		return nil, ErrCosign.With("got", signers, "want", want)
	}
	note, err := tlog.Format(mine, sigs...)
	if err != nil {
		return nil, err
	}
	return &ListsWord{Point: point, At: at, Tree: w.listTree(point.Size, at), Note: string(note)}, nil
}

// listsBy keeps a member's own signature over exactly the lists computed here.
func (w *Witness) listsBy(m members.Member, note []byte, mine tlog.Checkpoint) ([]byte, error) {
	signed, err := tlog.Open(note, mine.Origin, keysOf(w.Federation, m)...)
	if err != nil {
		return nil, err
	}
	if signed.Checkpoint != mine {
		return nil, errOtherLists
	}
	_, sigs, err := tlog.Read(note)
	if err != nil {
		return nil, err
	}
	for _, v := range signed.Signatures {
		i := slices.IndexFunc(sigs, func(s tlog.Signature) bool { return s.Name == v.Key.Name() && s.KeyID == v.Key.ID() })
		if i >= 0 && countedAt(m, v) {
			return tlog.Format(signed.Checkpoint, sigs[i])
		}
	}
	return nil, tlog.ErrUnsigned
}
