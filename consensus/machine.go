package consensus

import "io"

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
	// verifies and swaps. After an error the node stops.
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

// Snapshot is a state held for writing.
type Snapshot interface {
	WriteTo(w io.Writer) (int64, error)
	// Release ends the hold, after WriteTo or without it.
	Release()
}

// check judges payloads with the best the machine offers.
func check(m Machine, payloads [][]byte) []error {
	if b, ok := m.(BatchChecker); ok && len(payloads) > 1 {
		if errs := b.CheckAll(payloads); len(errs) == len(payloads) {
			return errs
		}
	}
	errs := make([]error, len(payloads))
	parallel(len(payloads), func(i int) { errs[i] = m.Check(payloads[i]) })
	return errs
}
