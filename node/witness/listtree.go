package witness

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"sort"
	"time"

	"accord/crypto/bundle"
	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/lists"
	"accord/exchange/machine"
)

// The tree of who is listed is a function of a position and a time. It is not made
// from all entries each time: a base is kept, and what changed since is looked up,
// the entries nominated and ended after its position and those whose term was over
// since its time. As long as nobody came or went, the base's tree serves.

// Bounds of the base.
const (
	// listsAge is how old a time may be that a member asks about. Nobody's answer
	// needs an older one, and each would cost a look at every entry.
	listsAge = 10 * time.Minute
	// baseAge is how far a base may lie behind before it is brought forward. Members
	// ask about times of their own clocks, which are apart.
	baseAge = 5 * time.Minute
)

// listBase is who was listed at one position and time.
type listBase struct {
	size int64
	at   exchange.Millis
	rows int64            // entries of the ledger below size
	keys []bundle.ListKey // sorted, one for each entry
	due  []due            // by time
	late []exchange.EntryID
	tree *bundle.ListTree
}

// due is when an entry's term is over.
type due struct {
	until exchange.Millis
	row   int64
}

// counts says whether an entry was listed, or about to be.
func counts(e *lists.Entry, size int64, at exchange.Millis) bool {
	s := e.StandingAt(size, at)
	return s == lists.Nominated || s == lists.Listed
}

// isLate says whether an entry begins or ends after a time at which it is known: the
// asker's clock may be behind the ledger's.
func isLate(e *lists.Entry, size int64, at exchange.Millis) bool {
	return e.Seq < size && (e.NominatedAt > at || e.End != nil && e.End.Seq < size && e.End.At > at)
}

// newBase reads every entry.
func newBase(view *machine.View, federation string, size int64, at exchange.Millis) *listBase {
	b := &listBase{size: size, at: at}
	for n := int64(1); ; n++ {
		e, ok := lists.At(view.Rows(), n)
		if !ok || e.Seq >= size { // entries stand in the ledger's order
			break
		}
		b.rows = n
		if e.ListedUntil > at {
			b.due = append(b.due, due{e.ListedUntil, n})
		}
		if isLate(&e, size, at) {
			b.late = append(b.late, e.ID)
		}
		if counts(&e, size, at) {
			b.keys = append(b.keys, bundle.ListKeyOf(federation, e.List, string(e.Subject)))
		}
	}
	slices.SortFunc(b.due, func(x, y due) int { return cmp.Compare(x.until, y.until) })
	slices.SortFunc(b.keys, compareKeys)
	b.tree = bundle.NewListTree(slices.Clone(b.keys))
	return b
}

func compareKeys(x, y bundle.ListKey) int { return bytes.Compare(x[:], y[:]) }

// serves says whether the base lies before a position and time.
func (b *listBase) serves(size int64, at exchange.Millis) bool {
	return b != nil && b.size <= size && b.at <= at
}

// forward is the base at a later position and time. The old one stays as it is.
func (b *listBase) forward(view *machine.View, federation string, size int64, at exchange.Millis) *listBase {
	next := &listBase{size: size, at: at, rows: b.rows, keys: b.keys, due: b.due, tree: b.tree}
	touched := b.touched(view, next)
	var gone, come []bundle.ListKey
	for _, e := range touched {
		switch was, is := counts(&e, b.size, b.at), counts(&e, size, at); {
		case was && !is:
			gone = append(gone, bundle.ListKeyOf(federation, e.List, string(e.Subject)))
		case !was && is:
			come = append(come, bundle.ListKeyOf(federation, e.List, string(e.Subject)))
		}
		if isLate(&e, size, at) {
			next.late = append(next.late, e.ID)
		}
	}
	if len(gone)+len(come) > 0 {
		next.keys = merged(b.keys, gone, come)
		next.tree = bundle.NewListTree(slices.Clone(next.keys))
	}
	return next
}

// touched are the entries that can stand otherwise than in the base. It brings the
// new base's rows and times up to date.
func (b *listBase) touched(view *machine.View, next *listBase) map[exchange.EntryID]lists.Entry {
	rows, all := view.Rows(), map[exchange.EntryID]lists.Entry{}
	take := func(e lists.Entry, ok bool) {
		if ok {
			all[e.ID] = e
		}
	}
	for _, id := range b.late {
		take(lists.Get(rows, id))
	}
	from := sort.Search(len(b.due), func(i int) bool { return b.due[i].until > b.at })
	for _, d := range b.due[from:] {
		if d.until > next.at {
			break
		}
		take(lists.At(rows, d.row))
	}
	var added []due
	for n := b.rows + 1; ; n++ {
		e, ok := lists.At(rows, n)
		if !ok || e.Seq >= next.size {
			break
		}
		next.rows = n
		added = append(added, due{e.ListedUntil, n})
		take(e, true)
	}
	if len(added) > 0 {
		next.due = slices.Concat(b.due[from:], added)
		slices.SortFunc(next.due, func(x, y due) int { return cmp.Compare(x.until, y.until) })
	}
	for s := range journal.Scan(rows, b.size-1) {
		if s.Seq >= next.size {
			break
		}
		if !s.OK || s.Verb != exchange.VerbWithdraw && s.Verb != exchange.VerbRemove {
			continue
		}
		var ended lists.Ended
		if json.Unmarshal(s.Outcome, &ended) == nil {
			take(lists.Get(rows, ended.Entry))
		}
	}
	return all
}

// merged is sorted keys without some and with others.
func merged(keys, gone, come []bundle.ListKey) []bundle.ListKey {
	slices.SortFunc(gone, compareKeys)
	slices.SortFunc(come, compareKeys)
	out := make([]bundle.ListKey, 0, len(keys)-len(gone)+len(come))
	for _, k := range keys {
		for len(come) > 0 && compareKeys(come[0], k) < 0 {
			out, come = append(out, come[0]), come[1:]
		}
		if len(gone) > 0 && gone[0] == k {
			gone = gone[1:]
			continue
		}
		out = append(out, k)
	}
	return append(out, come...)
}

// listTree makes the tree, or has it from the last time.
func (w *Witness) listTree(size int64, at exchange.Millis) *bundle.ListTree {
	s := &w.lists
	s.making.Lock()
	defer s.making.Unlock()
	if s.last.size == size && s.last.at == at && s.last.tree != nil {
		return s.last.tree
	}
	view := w.Ledger.View()
	var made *listBase
	if s.base.serves(size, at) {
		made = s.base.forward(view, w.Federation, size, at)
		if at > s.base.at.Add(baseAge) {
			s.base = made
		}
	} else {
		made = newBase(view, w.Federation, size, at)
		if s.base == nil || size >= s.base.size {
			s.base = made
		}
	}
	s.last = madeTree{size, at, made.tree}
	return made.tree
}
