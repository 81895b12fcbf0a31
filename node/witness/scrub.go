package witness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"accord/exchange"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/wire"
)

// ErrState is given when none of the sizes asked for is at hand any more.
var ErrState = exchange.Define(exchange.KindNotFound, "LEDGER-025",
	exchange.Text{Zh: "本节点已不保留所问条数的状态", En: "this node no longer holds the state at any of the sizes asked for"},
	exchange.Text{Zh: "以当前条数再问", En: "ask again with a current size"})

// Views of the state are held for a while, so that two nodes that do not stand
// at one size at one moment still find a size to compare. Those at marked log
// entries are held by every node alike.
const (
	heldMarked = 8
	markEvery  = 64
)

// scrubState is what the scrub holds between its steps.
type scrubState struct {
	mu      sync.Mutex
	held    []*machine.View // guarded by mu
	cached  []cachedState
	digests sync.Mutex // one computation at a time
	rounds  int        // guarded by mu
}

// cachedState is digests and when they were computed: memory may have changed
// since.
type cachedState struct {
	wire.LedgerState
	at time.Time
}

// roundPause is the time between two rounds of comparing states.
func (w *Witness) roundPause() time.Duration { return min(w.Scrub/24, time.Hour) }

// hold remembers views as they come.
func (w *Witness) hold(ctx context.Context) {
	for {
		view := w.Ledger.View()
		if view.Index()%markEvery == 0 {
			w.scrub.mu.Lock()
			w.scrub.held = append(w.scrub.held, view)
			if n := len(w.scrub.held); n > heldMarked {
				w.scrub.held = slices.Clone(w.scrub.held[n-heldMarked:])
			}
			w.scrub.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-view.Changed():
		}
	}
}

// holding gives the views at hand, newest first.
func (w *Witness) holding() []*machine.View {
	w.scrub.mu.Lock()
	defer w.scrub.mu.Unlock()
	views := []*machine.View{w.Ledger.View()}
	for _, v := range slices.Backward(w.scrub.held) {
		if v.Size() != views[0].Size() {
			views = append(views, v)
		}
	}
	return views
}

// State is the digests at the first of the sizes that is at hand. Computing one
// reads every row, so results are kept and made one at a time.
func (w *Witness) State(ctx context.Context, sizes []int64) (wire.LedgerState, error) {
	w.scrub.digests.Lock()
	defer w.scrub.digests.Unlock()
	if err := ctx.Err(); err != nil {
		return wire.LedgerState{}, err
	}
	for _, size := range sizes {
		for _, c := range slices.Backward(w.scrub.cached) {
			if c.Size == size && w.Clock().Sub(c.at) < w.roundPause()/2 {
				return c.LedgerState, nil
			}
		}
		for _, v := range w.holding() {
			if v.Size() != size {
				continue
			}
			st, err := stateOf(v)
			if err != nil {
				return wire.LedgerState{}, err
			}
			w.scrub.cached = append(w.scrub.cached, cachedState{st, w.Clock()})
			if n := len(w.scrub.cached); n > heldMarked {
				w.scrub.cached = slices.Clone(w.scrub.cached[n-heldMarked:])
			}
			return st, nil
		}
	}
	return wire.LedgerState{}, ErrState.With()
}

func stateOf(v *machine.View) (wire.LedgerState, error) {
	content, err := v.Content()
	if err != nil {
		return wire.LedgerState{}, err
	}
	return wire.LedgerState{Size: v.Size(), Root: v.Root().String(), Chain: v.Digest().String(), Content: content.String()}, nil
}

// runScrub compares, round after round, the stored bytes with themselves and
// the state with the other members', until ctx ends.
func (w *Witness) runScrub(ctx context.Context) {
	var holder sync.WaitGroup
	holder.Go(func() { w.hold(ctx) })
	defer holder.Wait()
	pause := w.roundPause()
	own := w.Clock().Add(min(time.Minute, pause)) // a start has better things to do
	next := own
	for {
		if now := w.Clock(); !w.Stopped() && !now.Before(next) {
			if !now.Before(own) {
				own = now.Add(pause)
				w.scrubSelf(ctx)
			}
			agreed := w.scrubOthers(ctx)
			next = now.Add(min(time.Minute, pause))
			if agreed {
				next = now.Add(pause)
				w.scrub.mu.Lock()
				w.scrub.rounds++
				w.scrub.mu.Unlock()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(step, pause)):
		}
	}
}

// ScrubRounds is how many comparisons with all reachable members were finished
// since the start.
func (w *Witness) ScrubRounds() int {
	w.scrub.mu.Lock()
	defer w.scrub.mu.Unlock()
	return w.scrub.rounds
}

// slice is how many statements are read between two pauses, each of which takes
// rest times as long.
const (
	slice = 16
	rest  = 49
)

// scrubSelf lets the machine compare everything it holds with itself: signed bytes
// with rows, rows with leaves, leaves with the tree that the members cosigned,
// entries with what was signed. It pauses between slices so that it takes a
// fiftieth of one core at most.
func (w *Witness) scrubSelf(ctx context.Context) {
	for after, more := int64(0), true; more && ctx.Err() == nil; {
		begin := time.Now()
		next, err := w.Ledger.Scrub(ctx, after, slice)
		if err != nil && ctx.Err() == nil {
			w.rotten(next+1, err)
			return
		}
		after, more = next, next > 0
		select {
		case <-ctx.Done():
		case <-time.After(rest * time.Since(begin)):
		}
	}
}

// rotten raises what the machine found at a statement.
func (w *Witness) rotten(seq int64, err error) {
	a := Alarm{Kind: KindStatement, Size: seq + 1, Index: indexOf(w.Ledger.View(), seq+1), Verdict: VerdictSelf, Stops: true}
	if errors.Is(err, machine.ErrRows) {
		a.Kind = KindRows
	}
	a.Why = fmt.Sprintf("stored statement %d: %v", seq, err)
	w.raiseFinding(a, nil)
}

// scrubOthers compares states at equal sizes. It says whether every member that
// answered agreed; who held no common size is asked again soon.
func (w *Witness) scrubOthers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var sizes []int64
	for _, v := range w.holding() {
		sizes = append(sizes, v.Size())
	}
	states := make(map[exchange.MemberID]wire.LedgerState)
	var mu sync.Mutex
	complete := true
	for _, t := range w.everybody(ctx, func(ctx context.Context, p Peer, m members.Member) ([]byte, error) {
		st, err := p.State(ctx, sizes)
		if err == nil {
			mu.Lock()
			states[m.ID] = st
			mu.Unlock()
		}
		return nil, err
	}) {
		complete = complete && !errors.Is(t.err, ErrState)
	}
	return w.judgeStates(ctx, states) && complete
}

// judgeStates finds the members whose state differs and says who is wrong: the
// smaller part, if the larger is a quorum.
func (w *Witness) judgeStates(ctx context.Context, states map[exchange.MemberID]wire.LedgerState) bool {
	view := w.Ledger.View()
	quorum := view.Federation().CosignQuorum
	agreed := true
	for _, m := range sortedMembers(states) {
		theirs := states[m]
		ours, err := w.State(ctx, []int64{theirs.Size})
		if err != nil || ours == theirs || w.accused(m) {
			agreed = agreed && err == nil
			continue
		}
		if ours.Root != theirs.Root {
			agreed = false // another ledger altogether: the signatures under it will tell
			continue
		}
		agreed = false
		with, against := []exchange.MemberID{w.Self}, []exchange.MemberID{}
		for _, other := range sortedMembers(states) {
			switch st := states[other]; {
			case st.Size != theirs.Size:
			case st == ours:
				with = append(with, other)
			case st == theirs:
				against = append(against, other)
			}
		}
		a := Alarm{Kind: KindState, Size: theirs.Size, Index: indexOf(view, theirs.Size), Member: m, Ours: ours.Content, Theirs: theirs.Content,
			With: with, Against: against, Why: fmt.Sprintf("%s holds other rows at size %d than this node", m, theirs.Size)}
		switch {
		case len(with) >= quorum:
			a.Verdict = VerdictMember
		case len(against) >= quorum:
			a.Verdict, a.Stops = VerdictSelf, true
		default:
			if !w.overdueDifference(suspicion{m, -1}) {
				continue
			}
			a.Verdict, a.Stops = VerdictUndecided, true
		}
		w.raiseFinding(a, nil)
		if a.Stops {
			return false
		}
	}
	return agreed
}

// overdueDifference says whether a difference has been undecided for longer
// than Grace.
func (w *Witness) overdueDifference(s suspicion) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, known := w.since[s]
	if !known {
		w.since[s] = w.Clock()
		return false
	}
	return w.Clock().Sub(first) >= w.Grace
}

func sortedMembers(states map[exchange.MemberID]wire.LedgerState) []exchange.MemberID {
	var out []exchange.MemberID
	for m := range states {
		out = append(out, m)
	}
	slices.Sort(out)
	return out
}
