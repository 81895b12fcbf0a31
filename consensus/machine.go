package consensus

import (
	"context"
	"io"
	"iter"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Machine is what the log drives. Payloads are opaque bytes; a payload must not
// be kept and changed.
type Machine interface {
	// Check says whether this payload may be stored at all. It is called before
	// proposing and, on every follower, before storing; concurrently, and often
	// ahead of entries that are not applied yet. So it must be a pure function of
	// the payload and of what no later entry can change: a follower that refuses
	// what the others stored stops following. What depends on state is decided
	// in Apply.
	Check(payload []byte) error
	// Apply applies the payloads of one log entry, in order, and returns one
	// result for each. Refusing a payload by the rules is a result. An error
	// means this node cannot go on: it stops before the next entry.
	Apply(index uint64, payloads [][]byte) ([][]byte, error)
	// Snapshot takes hold of the state as it is, cheaply: no entry is applied
	// meanwhile.
	Snapshot() (Snapshot, error)
	// Restore replaces the state by one a Snapshot wrote: it builds beside,
	// verifies and swaps. After an error the node stops. If r comes out of this
	// node's store it is verified as it is read: its last bytes come only when the
	// whole was found to be what was written. It then also has Hold() io.ReaderAt:
	// the same bytes, 0 being where r began, for as long as the machine refers to
	// them. They never change; their disk space stays taken although the snapshot
	// may be removed meanwhile.
	Restore(r io.Reader) error
}

// BatchChecker is a Machine that judges many payloads at once more cheaply than
// one by one, for instance by verifying signatures in a batch. It returns one
// error or nil for each payload and must agree with Check.
type BatchChecker interface {
	CheckAll(payloads [][]byte) []error
}

// Admitter is a Machine with something to say about payloads before they are
// proposed, and only then: the leader asks it once for each payload, after
// Check. Unlike Check it may look at a clock, since followers never ask it.
type Admitter interface {
	Admit(payload []byte) error
}

// Governor is a Machine that knows the signed governance of the federation, and
// with it who may be a node. Without one the founding list and the log's own word
// decide.
type Governor interface {
	// Governs is nil if these servers may be the membership of the log, by the
	// governance this node has applied or has let pass in Check. Raft changes one
	// server at a time: every step from one roster to the next must be allowed. It
	// is asked on the leader before a change and on every follower before the
	// entry is stored; in one batch of entries the commands are checked first.
	// After a restart the stored entries that are not applied yet go through
	// Check again, or through Recall, before anything is asked. It is called
	// concurrently.
	Governs(servers []Server) error
}

// Recaller is a Governor that learns from a few kinds of command only: after a
// restart it picks them out of the stored ones by itself, and the others, which
// were judged when they came, need not be judged twice before they are applied.
type Recaller interface {
	// Recall lets what Governs goes by be learned from a stored payload, as Check
	// did when it came. It is called before anything is asked.
	Recall(payload []byte)
}

// Papers is a Governor whose papers prove themselves, so that a node can take
// them from any peer. A node that was away while the membership changed may not
// know the one who leads now; it asks those it does know.
type Papers interface {
	// Members are the servers the newest papers name. The guard takes them, beside
	// those of the log, for servers of the federation.
	Members() []Server
	// Held names, in at most 256 bytes, what this node has. A peer's Held is
	// opaque and hostile.
	Held() []byte
	// PapersSince gives a peer that holds this what it lacks, at most 1 MiB; nil
	// if there is nothing newer.
	PapersSince(held []byte) ([]byte, error)
	// Learn judges papers a peer sent and keeps them. What is not proven changes
	// nothing.
	Learn(papers []byte) error
}

// Voucher is a Machine that makes a snapshot believable to a peer, and judges one
// before it may replace what this node has. Without one, a snapshot of the leader
// this node follows is believed.
type Voucher interface {
	// Vouch gives what makes a peer believe the snapshot of this state at index,
	// at most 64 KiB, for instance a checkpoint cosigned by a quorum. It is asked
	// by the leader before it sends a snapshot; an error keeps it from sending.
	Vouch(ctx context.Context, index uint64) ([]byte, error)
	// Vet judges a whole snapshot, as Restore would get it, against the voucher
	// and this node's own history, before any of it takes effect. An error
	// refuses it and is evidence against the sender, unless it is [ErrUnjudged].
	Vet(ctx context.Context, voucher []byte, snapshot io.Reader) error
}

// Snapshot is a state held for writing.
type Snapshot interface {
	WriteTo(w io.Writer) (int64, error)
	// Release ends the hold, after WriteTo or without it.
	Release()
}

// check judges payloads with the best the machine offers.
func check(m Machine, payloads [][]byte) []error {
	errs := make([]error, len(payloads))
	b, ok := m.(BatchChecker)
	if !ok || len(payloads) == 1 {
		parallel(len(payloads), func(i int) { errs[i] = m.Check(payloads[i]) })
		return errs
	}
	var wg sync.WaitGroup
	var refused atomic.Bool
	for _, part := range parts(payloads, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			got := b.CheckAll(part)
			if len(got) != len(part) || slices.ContainsFunc(got, func(err error) bool { return err != nil }) {
				refused.Store(true)
			}
		})
	}
	wg.Wait()
	if !refused.Load() {
		return errs
	}
	// A payload may pass by what one before it announced: now all in their order.
	if got := b.CheckAll(payloads); len(got) == len(errs) {
		return got
	}
	parallel(len(payloads), func(i int) { errs[i] = m.Check(payloads[i]) })
	return errs
}

// partBytes is how much is worth another goroutine: reading what was signed takes
// longer than verifying that it was.
const partBytes = 256 << 10

// parts cuts payloads into as many parts as are worth it, at most most, of about as
// many bytes each, and gives them with their number.
func parts(payloads [][]byte, most int) iter.Seq2[int, [][]byte] {
	total := 0
	for _, p := range payloads {
		total += len(p)
	}
	n := max(1, min(most, total/partBytes))
	each := (total + n - 1) / n
	return func(yield func(int, [][]byte) bool) {
		for i := 0; len(payloads) > 0; i++ {
			end := 0
			for size := 0; end < len(payloads) && size < each; end++ {
				size += len(payloads[end])
			}
			if !yield(i, payloads[:end]) {
				return
			}
			payloads = payloads[end:]
		}
	}
}
