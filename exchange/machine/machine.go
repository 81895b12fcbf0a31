package machine

import (
	"sync"
	"sync/atomic"

	"accord/crypto/tlog"
	"accord/exchange"
	"accord/exchange/journal"
	"accord/exchange/members"
	"accord/exchange/state"
)

// Options of a machine. The zero value is right for a node.
type Options struct {
	// Audit makes Restore replay every command of a snapshot from the genesis
	// and refuse it when the result differs. It costs as much as applying them.
	Audit bool
	// Frozen keeps a digest of every row ever inserted; for tests.
	Frozen bool
	// Blobs makes the place where the signed bytes of one state are kept (see
	// package bodies); nil keeps them in memory.
	Blobs func() (state.Blobs, error)
	// Fatal is told when signed bytes cannot be read or are not what the rows
	// say: the node must stop. Nil panics.
	Fatal func(error)
	// Hook is called at named points (see doc.go) in Apply, Snapshot and
	// Restore; nil in production. Fault tests crash or delay there.
	Hook func(point string)
}

// Machine applies commands. Apply and Restore are called by one goroutine;
// everything else is safe for concurrent use.
type Machine struct {
	genesis members.Genesis
	options Options
	table   map[exchange.Verb]verb
	tools   *members.Tools
	view    atomic.Pointer[View]

	documents  documents
	remembered memory // commands that passed Check and were not applied yet

	mu    sync.Mutex // guards what follows: held by Apply and Restore
	store *state.Store
	tree  *tlog.Tree
	fault error // the first fatal error; after it nothing is applied

	prepared *Prepared // what Prepare built last, until it is restored or forgotten
}

// New founds a machine at index 0: its state is a function of the genesis.
func New(g members.Genesis, opts Options) (*Machine, error) {
	m := &Machine{genesis: g, options: opts, table: byName(verbs()), tools: members.NewTools()}
	first, err := g.Lineage()
	if err != nil {
		return nil, err
	}
	m.tools.Book = members.NewBook(first)
	store, err := state.Open(schema(), m.stateOptions())
	if err != nil {
		return nil, err
	}
	tx := store.Begin()
	defer tx.Abort()
	if err := g.Found(tx); err != nil {
		return nil, err
	}
	v, err := tx.Commit(0)
	if err != nil {
		return nil, err
	}
	if agreed := members.Fed(v).MachineVersion; agreed > Version {
		return nil, ErrTooOld.With("agreed", agreed, "version", Version)
	}
	cat, err := m.forceOf(v, v.Head().Time)
	if err != nil {
		return nil, err
	}
	m.publish(store, journal.Plant(g.Charter), v, cat)
	return m, nil
}

func (m *Machine) stateOptions() state.Options {
	return state.Options{Frozen: m.options.Frozen, Blobs: m.options.Blobs}
}

// fail stops the node.
func (m *Machine) fail(err error) {
	if m.options.Fatal == nil {
		panic(err)
	}
	m.options.Fatal(err)
}

// publish makes a state the one that readers see, and wakes who waited for it. The caller holds mu, or is
// the only one to know m.
func (m *Machine) publish(store *state.Store, tree *tlog.Tree, v *state.View, cat force) {
	m.store, m.tree = store, tree
	old := m.view.Swap(&View{machine: m, state: v, tree: tree.View(), force: cat,
		federation: members.Fed(v), changed: make(chan struct{}),
		roster: sync.OnceValue(func() members.RosterRow { return members.RosterInForce(v) })})
	if old != nil {
		close(old.changed)
	}
}

// at passes a named point.
func (m *Machine) at(point string) {
	if m.options.Hook != nil {
		m.options.Hook(point)
	}
}

// View is the newest state.
func (m *Machine) View() *View { return m.view.Load() }

// Genesis is what the machine was founded on.
func (m *Machine) Genesis() members.Genesis { return m.genesis }

// Close lets go of what the machine holds outside memory. Views stay readable;
// nothing may be applied any more.
func (m *Machine) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault == nil {
		m.fault = ErrStopped.With("why", "closed")
	}
	m.forget()
	return m.store.Close()
}

// VerifyFrozen finds a row that was changed after it was inserted; for tests,
// with Options.Frozen.
func (m *Machine) VerifyFrozen() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.store.VerifyFrozen()
}
