package witness

import (
	"context"
	"errors"
	"sync"
	"time"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/members"
)

// ErrCosign is given when too few members signed this node's root.
var ErrCosign = exchange.Define(exchange.KindNoQuorum, "LEDGER-011",
	exchange.Text{Zh: "检查点只有 {got} 家成员共签，章程要求 {want} 家", En: "only {got} members cosigned the checkpoint, the charter asks for {want}"},
	exchange.Text{Zh: "待更多成员节点在线后再试", En: "try again when more members' nodes can be reached"})

// gatherTimeout is how long other members have to cosign.
const gatherTimeout = 3 * time.Second

// told is what one member answered.
type told struct {
	member members.Member
	note   []byte
	err    error
}

// everybody asks all other members at once.
func (w *Witness) everybody(ctx context.Context, ask func(context.Context, Peer, members.Member) ([]byte, error)) []told {
	rows := w.others(w.Ledger.View())
	answers := make([]told, len(rows))
	var wg sync.WaitGroup
	for i, m := range rows {
		wg.Go(func() {
			answers[i].member = m
			peer, err := w.Peer(m.ID)
			if err == nil {
				answers[i].note, err = ask(ctx, peer, m)
			}
			answers[i].err = err
		})
	}
	wg.Wait()
	return answers
}

// Gather collects the cosignatures of the others over the first size leaves of
// this node's ledger and keeps the note when a quorum signed it. A member that
// signed another root is a suspicion, which Run judges; a member that does not
// answer in time, or not to the point, is left out. Without a quorum the error
// is ErrCosign.
func (w *Witness) Gather(ctx context.Context, size int64) (Cosigned, error) {
	w.gathering.Lock()
	defer w.gathering.Unlock()
	if c, ok := w.At(size); ok {
		return c, nil
	}
	if err := ctx.Err(); err != nil {
		return Cosigned{}, err
	}
	return w.collect(ctx, size)
}

// collect calls on the others whatever is kept already.
func (w *Witness) collect(ctx context.Context, size int64) (Cosigned, error) {
	own, err := w.Sign(ctx, size)
	if errors.Is(err, ErrBehind) {
		w.compareSmaller(ctx, size)
	}
	if err != nil {
		return Cosigned{}, err
	}
	mine, sigs, err := tlog.Read(own)
	if err != nil {
		return Cosigned{}, err
	}
	view := w.Ledger.View()
	signers := []exchange.MemberID{w.Self}
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	for _, t := range w.everybody(ctx, w.askFor(mine)) {
		if t.err != nil {
			w.missing(t.member.ID, mine.Size, t.err)
			continue
		}
		_, theirs, err := tlog.Read(t.note)
		if err != nil || w.accused(t.member.ID) {
			continue
		}
		w.met(t.member.ID)
		sigs, signers = append(sigs, theirs...), append(signers, t.member.ID)
	}
	if want := view.Federation().CosignQuorum; len(signers) < want {
		return Cosigned{}, ErrCosign.With("got", len(signers), "want", want)
	}
	note, err := tlog.Format(mine, sigs...)
	if err != nil {
		return Cosigned{}, err
	}
	c := Cosigned{Size: mine.Size, Root: mine.Root, Index: indexOf(view, mine.Size), At: exchange.MillisOf(w.Clock()), Signers: signers, Note: string(note)}
	return c, w.keep(c)
}

// compareSmaller compares with the others a size this node signs nothing over, because
// it had signed more before: its ledger may not be on the way there, but another one
// that is shorter.
func (w *Witness) compareSmaller(ctx context.Context, size int64) {
	ctx, cancel := context.WithTimeout(ctx, gatherTimeout)
	defer cancel()
	w.everybody(ctx, func(ctx context.Context, peer Peer, m members.Member) ([]byte, error) {
		answer, err := peer.Checkpoint(ctx, size)
		if err != nil {
			return nil, err
		}
		return w.compare(m, []byte(answer.Note), nil)
	})
}

var errOtherHistory = errors.New("witness: the member signed another history; the note is evidence of a fork")

// askFor gets one member's signature over exactly the checkpoint mine. A member
// that is not that far, or will not say, is asked for its newest one, so that
// another history shows at whatever size it has.
func (w *Witness) askFor(mine tlog.Checkpoint) func(context.Context, Peer, members.Member) ([]byte, error) {
	return func(ctx context.Context, peer Peer, m members.Member) ([]byte, error) {
		answer, err := peer.Checkpoint(ctx, mine.Size)
		if err != nil {
			if newest, nerr := peer.Checkpoint(ctx, 0); nerr == nil {
				_, err = w.compare(m, []byte(newest.Note), err)
			}
			return nil, err
		}
		note, err := w.compare(m, []byte(answer.Note), nil)
		if err != nil {
			return nil, err
		}
		if c, _, err := tlog.Read(note); err != nil || c != mine {
			return nil, errors.New("witness: the note is over another size")
		}
		return note, nil
	}
}

// compare judges a member's note by this node's own tree. otherwise is what to
// return for a note that tells nothing.
func (w *Witness) compare(m members.Member, note []byte, otherwise error) ([]byte, error) {
	only, c, _, err := w.of(m, note)
	if err != nil {
		return nil, err
	}
	root, err := w.Ledger.View().Tree().RootAt(c.Size)
	if err != nil {
		return nil, cmpErr(otherwise, errors.New("witness: the member is further on; its note is compared when this node gets there"))
	}
	if root != c.Root {
		w.suspect(m.ID, c.Size, only)
		return nil, errOtherHistory
	}
	return only, otherwise
}

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// Vouched is a checkpoint of at least size leaves that a quorum cosigned: the
// newest there is, or a new one over the whole ledger.
func (w *Witness) Vouched(ctx context.Context, size int64) (Cosigned, error) {
	if c, ok := w.Newest(); ok && c.Size >= size {
		return c, nil
	}
	return w.Gather(ctx, max(size, w.Ledger.View().Size()))
}
