package consensus

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"accord/consensus/store"
	"accord/consensus/transport"

	"github.com/hashicorp/raft"
)

// Log is one node's end of the replicated log.
type Log struct {
	cfg   Config
	fsm   *fsm
	store *store.Store
	snaps *store.Snapshots
	view  *view
	guard *transport.Guard
	elect *transport.Elections
	trans *transport.Transport
	raft  atomic.Pointer[raft.Raft] // nil while opening: requests arrive before

	checks    *checks
	next      inStep
	proposals chan *proposal  // for the leader's grouper on this node
	forwards  chan *proposal  // for the leader on another node
	reads     chan *readPoint // for the leader's read rounds on this node
	changes   chan Leadership
	notify    chan bool
	elected   chan struct{} // this node has come to lead
	doubted   chan struct{} // a peer cannot judge this leader's certificate
	left      chan string   // a peer has ended its streams to this node

	settled atomic.Uint64 // the term in which this node, leading, has committed an entry
	change  sync.Mutex    // one membership change at a time
	nudged  nudged

	installs installs

	stop     chan struct{} // closed when the log stops
	stopOnce sync.Once
	failed   atomic.Pointer[error]
	tasks    sync.WaitGroup
}

// Open opens the store in cfg.Dir, checks all of it, and starts taking part.
// A node whose directory is new and empty waits: for [Log.Bootstrap] if it is a
// founder, otherwise for the leader that has added it.
func Open(cfg Config, m Machine) (*Log, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, stop: make(chan struct{}), notify: make(chan bool, 8), elected: make(chan struct{}, 1), doubted: make(chan struct{}, 1),
		proposals: make(chan *proposal, queueLength), forwards: make(chan *proposal, queueLength), reads: make(chan *readPoint), changes: make(chan Leadership, 1), left: make(chan string, 1)}
	if err := l.openStore(m); err != nil {
		return nil, err
	}
	l.checks = newChecks(m, l.fsm.underWay)
	if err := l.openTransport(); err != nil {
		return nil, errors.Join(err, l.store.Close())
	}
	stored, err := l.store.LastIndex()
	if err != nil {
		return nil, errors.Join(err, l.trans.Close(), l.store.Close())
	}
	away := newAbsences(cfg.Logger)
	r, err := l.startRaft(away)
	if err != nil {
		_ = l.trans.Close()
		return nil, errors.Join(fmt.Errorf("consensus: start: %w", err), l.failure(), l.store.Close())
	}
	l.raft.Store(r)
	r.RegisterObserver(raft.NewObserver(nil, false, away.observe))
	l.store.SetFloor(r.CommitIndex)
	if b, ok := m.(BatchChecker); ok && stored > 0 {
		applied, _ := l.fsm.position()
		l.tasks.Go(func() { l.checkAhead(b, applied+1, stored) })
	}
	l.tasks.Go(l.watchLeadership)
	l.tasks.Go(l.settle)
	l.tasks.Go(l.runDoubts)
	l.tasks.Go(func() { l.checks.run(l.stop) })
	l.tasks.Go(l.runGroups)
	l.tasks.Go(l.runReads)
	l.tasks.Go(l.runSnapshots)
	l.tasks.Go(l.runRenewals)
	l.tasks.Go(l.runPapers)
	for range forwardStreams {
		l.tasks.Go(l.runForwards)
	}
	return l, nil
}

// startRaft starts raft, which panics where the store fails it: on a disk that does
// not answer that is a reason not to start, like any other.
func (l *Log) startRaft(away *absences) (_ *raft.Raft, err error) {
	defer func() {
		if p := recover(); p != nil {
			if err = l.failure(); err == nil {
				panic(p)
			}
		}
	}()
	return raft.NewRaft(l.cfg.raftConfig(l.notify, away), l.fsm, logs{l.store, l.snaps, l.sendsAhead, l.fail, l.replacing}, l.store, l.snaps, l.trans)
}

func (l *Log) openStore(m Machine) error {
	opt := store.Options{Dir: l.cfg.Dir, NodeID: l.cfg.NodeID, Create: l.cfg.Create, Fatal: l.fail,
		Limit: l.cfg.StoreLimit, Logger: l.cfg.Logger, NoSync: l.cfg.NoSync, FS: l.cfg.Disk, Hook: l.cfg.Hook}
	l.fsm = newFSM(m, l.cfg, l.fail)
	var err error
	l.store, l.snaps, err = store.OpenBoth(opt, func(_ *raft.SnapshotMeta, body io.ReadCloser) error { return l.fsm.restore(body) })
	if err != nil {
		return err
	}
	l.fsm.failed, l.fsm.passed, l.fsm.durable, l.fsm.fill = l.store.Failed, l.store.Passed, l.store.Durable, l.store.Fill
	return nil
}

// openTransport puts the guard in front of the network. What proves terms and
// leaders lies beside the log, because it must be as durable.
func (l *Log) openTransport() (err error) {
	l.view = &view{l: l}
	if err := l.recheck(); err != nil {
		return err
	}
	if !l.cfg.Unguarded {
		l.elect, err = transport.OpenElections(transport.ElectionConfig{ID: l.cfg.NodeID, Cluster: l.cfg.Cluster, Network: l.cfg.Transport,
			View: l.view, Path: filepath.Join(l.cfg.Dir, "term.proof"), NoSync: l.cfg.NoSync, Fatal: l.fail, Logger: l.cfg.Logger,
			Patience: 10 * l.cfg.Heartbeat})
		if err != nil {
			return err
		}
	}
	l.guard, err = transport.NewGuard(transport.GuardConfig{ID: l.cfg.NodeID, View: l.view, Elections: l.elect, Logger: l.cfg.Logger,
		Evidence: filepath.Join(l.cfg.Dir, "evidence"), NoSync: l.cfg.NoSync, MaxSnapshot: l.cfg.MaxSnapshot, Unguarded: l.cfg.Unguarded})
	if err != nil {
		return err
	}
	l.trans = transport.New(transport.Config{Network: l.cfg.Transport, Guard: l.guard, Calls: l.serveCall,
		Logger: l.cfg.Logger, HeartbeatTimeout: l.cfg.Heartbeat, Timeout: l.cfg.RPCTimeout,
		Spool: l.cfg.Dir, Vet: l.vet, Vouch: l.vouch, Unproven: l.doubt,
		Silent: func() bool { return l.store.Room() != nil || l.cfg.unfit() != nil }, Holds: l.store.Holds, Durable: l.store.Durable, Fill: l.store.Fill,
		Committed: l.fsm.growth.known.Store, Ahead: l.checkNext, Gone: l.gone})
	return nil
}

// fail stops this node for good, once.
func (l *Log) fail(err error) {
	if !l.failed.CompareAndSwap(nil, &err) {
		return
	}
	l.cfg.Logger.Error("consensus stops", "error", err)
	l.quiesce()
	if r := l.raft.Load(); r != nil {
		if errors.Is(err, errRestore) {
			if qerr := l.snaps.Quarantine(); qerr != nil {
				l.cfg.Logger.Error("could not set the refused snapshot aside", "error", qerr)
			}
		}
		r.Shutdown() // only signals; Close waits
		// A leader that waits for its disk does not hear the signal, and its
		// heartbeats would keep the others from electing: they must not leave.
		go func() { _ = l.trans.Close() }()
	}
	go l.cfg.Fatal(err) // raft's own goroutine may be the one that brought the news
}

func (l *Log) failure() error {
	if p := l.failed.Load(); p != nil {
		return *p
	}
	return nil
}

// quiesce makes everything that waits give up.
func (l *Log) quiesce() { l.stopOnce.Do(func() { close(l.stop) }) }

// Close stops taking part: first what comes from above, then raft, then the
// streams, the disk last.
func (l *Log) Close() error {
	l.quiesce()
	done := l.raft.Load().Shutdown()
	err := l.trans.Close() // frees raft's goroutines that wait for a peer
	if e := done.Error(); e != nil {
		err = errors.Join(err, e)
	}
	l.tasks.Wait()
	return errors.Join(err, l.store.Close())
}

// Bootstrap founds the federation's log with cfg.Servers: called once on every
// founding voter with the same list, by an explicit act of its operator. It
// refuses with [ErrExists] where there is any state.
func (l *Log) Bootstrap() error {
	if len(l.cfg.Servers) == 0 {
		return fmt.Errorf("%w: no founding servers", ErrConfig)
	}
	l.cfg.hit("bootstrap.before")
	err := l.raft.Load().BootstrapCluster(configuration(l.cfg.Servers)).Error()
	if errors.Is(err, raft.ErrCantBootstrap) {
		return ErrExists
	}
	if err != nil {
		return fmt.Errorf("consensus: found: %w", err)
	}
	l.cfg.hit("bootstrap.after")
	return nil
}

// Leadership says who leads, as this node knows.
type Leadership struct {
	Leader string // node id, empty if unknown
	Self   bool
}

// LeaderChanges gives the newest [Leadership] after each change; a slow reader
// misses those in between. There is one reader's worth of it.
func (l *Log) LeaderChanges() <-chan Leadership { return l.changes }

// watchLeadership drains raft's notices and does nothing else: raft blocks on a
// notice nobody takes, and calling raft from here would be a deadlock.
func (l *Log) watchLeadership() {
	seen := make(chan raft.Observation, 8)
	r := l.raft.Load()
	o := raft.NewObserver(seen, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	r.RegisterObserver(o)
	defer r.DeregisterObserver(o)
	for {
		select {
		case leads := <-l.notify:
			if leads {
				select {
				case l.elected <- struct{}{}:
				default:
				}
			}
		case <-seen:
		case <-l.stop:
			return
		}
		_, id := r.LeaderWithID()
		now := Leadership{Leader: string(id), Self: string(id) == l.cfg.NodeID}
		select {
		case <-l.changes: // the older news nobody has taken
		default:
		}
		l.changes <- now
	}
}

// settle commits an empty group whenever this node has come to lead: read points
// are given only by a leader that has committed an entry in its own term.
func (l *Log) settle() {
	for {
		select {
		case <-l.elected:
			_ = l.settleTerm()
		case <-l.stop:
			return
		}
	}
}

func (l *Log) settleTerm() error {
	r := l.raft.Load()
	term := r.CurrentTerm()
	if l.settled.Load() == term {
		return nil
	}
	l.cfg.hit("settle.before")
	f := r.Apply(encodeGroup(nil), l.cfg.Heartbeat)
	if err := l.await(f); err != nil {
		return err
	}
	if err, _ := f.Response().(error); err != nil {
		return err
	}
	if r.CurrentTerm() != term {
		return raft.ErrLeadershipLost
	}
	l.settled.Store(term)
	l.cfg.hit("settle.after")
	return nil
}

// contact is how long ago the leader was heard; 0 on the leader itself.
func (l *Log) contact(r *raft.Raft) time.Duration {
	if r.State() == raft.Leader {
		return 0
	}
	last := r.LastContact()
	if last.IsZero() {
		return -1
	}
	return time.Since(last)
}
