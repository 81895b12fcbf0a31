package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"accord/consensus"
	"accord/consensus/store"
	"accord/consensus/transport"
	"accord/crypto/keystore"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/bodies"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/node/api"
	"accord/node/audit"
	"accord/node/backup"
	"accord/node/config"
	"accord/node/failpoint"
	"accord/node/feeds"
	"accord/node/founding"
	"accord/node/metrics"
	"accord/node/webhooks"
	"accord/node/witness"
)

// Options are what Open needs beside the data folder.
type Options struct {
	Version string
	Logger  *slog.Logger
	Clock   func() time.Time
	// Listener replaces the listener on the configured address, for tests. It is
	// the node's from now on, also when Open fails.
	Listener net.Listener
	// Admit, if set, is asked before this node, leading, takes a statement into
	// the log: tests make a leader that censors with it.
	Admit func(payload []byte) error
	// Vouch, if set, changes what this node, leading, sends a snapshot with: tests
	// make a leader that forges with it.
	Vouch func(voucher []byte) []byte
	// Cosign is how long a new entry waits for a cosignature; 0 means the witness's own
	// time. Tests have less patience.
	Cosign time.Duration
	// Unguarded takes the guard in front of the log away, to measure what it
	// costs. No setting reaches it.
	Unguarded bool
}

// Node is one running node. Open fills it from the bottom up; Close takes it
// down in the reverse order.
type Node struct {
	cfg     config.Config
	opts    Options
	log     *slog.Logger
	id      founding.Identity
	genesis members.Genesis
	charter *members.Charter
	papers  *members.Lineage // the rosters of the data folder
	started time.Time

	keys     *keystore.Store
	audit    *audit.Log
	records  recordStore
	machine  *machine.Machine
	tls      *transport.TLS
	peerNet  *quietNetwork // the log's network
	witness  *witness.Witness
	clock    clockWatch
	ledger   *consensus.Log
	agency   *agency.Agency
	blinding *agency.Oblivious // nil where every member holds the key

	succession *agency.Succession // nil likewise
	feeds      *feeds.Feeds
	webhooks   *webhooks.Webhooks
	metrics    *metrics.Metrics
	front      *front
	socket     net.Listener
	servers    []*http.Server

	peerTable   atomic.Pointer[peerTable]
	connections peerConnections
	inLog       atomic.Pointer[consensus.Log] // the log, once it is open
	leaving     leaving
	operators   operators
	shown       string // id of the TLS key in the certificate
	savedRoster string // digest of the newest roster in the data folder
	membership  membership
	presence    *presence
	recovered   recovered

	savedMachine int                       // machine version noted in the data folder
	caughtUp     atomic.Bool               // a read point was reached since start
	heapRead     func()                    // says that it was
	ready        atomic.Bool               // the last read point asked for was reached
	confirmed    atomic.Pointer[time.Time] // when the last one that was reached was asked for
	counted      recordCounter
	custody      custodyWork
	unscrubbed   atomic.Int64 // erasures whose bytes are not yet gone from the store's files
	failed       chan error   // the first error that must end the process
	requests     gate         // every request that runs
	tasks        sync.WaitGroup
	closing      []func() error // in the order of opening
	closed       sync.Once
	closeErr     error
}

// Open opens everything in the data folder in order. On error what was opened
// is closed again.
func Open(cfg config.Config, o Options) (n *Node, err error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	o.Clock = failpoint.Clock(o.Clock)
	n = &Node{cfg: cfg, opts: o, log: o.Logger, started: o.Clock(), failed: make(chan error, 1)}
	if o.Listener != nil {
		n.closeWith(func() error { o.Listener.Close(); return nil }) // mostly closed before: no error then
	}
	defer func() {
		if err != nil {
			if cerr := n.Close(); cerr != nil {
				o.Logger.Error("what was open did not close", "error", cerr)
			}
			n = nil
		}
	}()
	for _, step := range []func() error{
		n.openFolder,     // ours alone, before anything in it is touched
		n.openIdentity,   // who are we, and which federation is this
		n.openKeys,       // nothing else can be trusted without them
		n.openAudit,      // before anything private can be read
		n.openRecords,    // our own records and their sealed fields
		n.openMachine,    // the state the ledger drives
		n.openRecoveries, // …and the plan it began anew under, if it did
		n.openNetwork,    // the port, so that peers can reach us…
		n.openPlace,      // …whether we belong…
		n.openPresence,   // …and are the only one of our id…
		n.openWitness,    // what we signed, before anything is voted or served
		n.openParted,     // …and whether the others have given us up
		n.openLedger,     // …before the log asks for their votes
		n.openAgency,     // everything with keys and time
		n.openFeeds,      // what is told to the others, and what they tell
		n.openInterface,  // the API, last: what it serves is there
	} {
		if err := step(); err != nil {
			return n, err
		}
	}
	return n, nil
}

// closeWith registers how to undo a step of Open.
func (n *Node) closeWith(f func() error) { n.closing = append(n.closing, f) }

func (n *Node) openIdentity() (err error) {
	if n.id, err = founding.ReadIdentity(n.cfg.Dir); err != nil {
		return err
	}
	if n.id.Member != exchange.MemberID(n.cfg.Member) {
		return ErrStart.With("why", "accord.yaml names another member than node.json")
	}
	if previous, err := backup.Previous(n.cfg.Dir); err != nil || previous == n.id.Node {
		return ErrStart.Wrap(err, "why", "it was restored from a backup of the node id it has; what that node voted is forgotten")
	}
	if n.genesis, err = founding.ReadGenesis(n.cfg.Dir); err != nil {
		return err
	}
	if n.charter, err = members.ParseCharter(n.genesis.Charter); err != nil {
		return err
	}
	if n.charter.Federation != n.cfg.Federation {
		return ErrStart.With("why", "accord.yaml names another federation than the charter")
	}
	if n.papers, err = founding.ReadRosters(n.cfg.Dir, n.genesis); err != nil {
		return err
	}
	agreed, err := founding.ReadMachine(n.cfg.Dir)
	if err == nil && agreed > machine.Version {
		err = machine.ErrTooOld.With("agreed", agreed, "version", machine.Version)
	}
	return err
}

// openKeys opens the keystore and sees that it is the one the roster means:
// with another, everything this node says would be refused by all others.
func (n *Node) openKeys() (err error) {
	n.keys, err = founding.OpenKeys(n.cfg)
	if err != nil {
		return err
	}
	n.closeWith(n.keys.Close)
	me, _ := n.listing()
	for _, k := range me.Keys {
		if _, err := n.keys.ByKID(k.KID()); err != nil {
			return ErrStart.Wrap(err, "why", "the keystore does not hold the roster's key for "+string(k.Use()))
		}
	}
	return nil
}

func (n *Node) openAudit() error {
	key, err := n.secret(founding.SecretAudit)
	if err != nil {
		return err
	}
	paths := make([]string, len(n.cfg.AuditFiles))
	for i, p := range n.cfg.AuditFiles {
		paths[i] = n.cfg.Path(p)
	}
	if n.audit, err = audit.Open(paths, key); err != nil {
		return err
	}
	n.closeWith(n.audit.Close)
	return nil
}

func (n *Node) openMachine() (err error) {
	n.machine, err = machine.New(n.genesis, machine.Options{Hook: failpoint.Hook(),
		Blobs: bodies.In(n.cfg.Dir, n.fatal), Fatal: n.fatal})
	if err != nil {
		return err
	}
	n.closeWith(n.machine.Close)
	n.heapRead = tightenHeap()
	n.closeWith(func() error { n.heapRead(); return nil })
	for _, s := range n.papers.Since(0) {
		if _, err := n.machine.Book().Learn(s, nil); err != nil {
			return err
		}
	}
	n.savedRoster = n.papers.Digest()
	return nil
}

// openNetwork opens the TLS port. Streams of peers wait in it until the log is
// there to take them.
func (n *Node) openNetwork() error {
	failpoint.Hit("node.start.network")
	certificate, err := n.certificate()
	if err != nil {
		return err
	}
	n.refreshPeers()
	n.tls, err = transport.NewTLS(transport.TLSConfig{NodeID: n.id.Node, Address: n.ownAddress(), Certificate: certificate,
		Pins: func() map[string][][32]byte { return n.peers().pins }, Dial: failpoint.Dial(), Logger: n.log})
	if err != nil {
		return err
	}
	ln := n.opts.Listener
	if ln == nil {
		if ln, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return ErrListen.Wrap(err, "address", n.cfg.Listen)
		}
	}
	if n.presence, err = newPresence(n); err != nil {
		ln.Close()
		return err
	}
	n.front = newFront(ln, n.tls, n.log, n.presence.receive)
	n.closeWith(n.front.Close)
	n.closeWith(n.tls.Close) // first: it lets go of streams that wait in front for a log
	return nil
}

// openLedger opens the log and, on the first start of a founder's node, founds it:
// every founder founds the same log from the same charter. A crash anywhere in
// between is a first start again, which finds what there is. Who joined later
// waits for the leader to add it.
func (n *Node) openLedger() error {
	failpoint.Hit("node.start.ledger")
	of, err := founding.Started(n.cfg.Dir)
	if err != nil {
		return err
	}
	if of != "" && of != n.genesis.Digest() {
		return ErrStart.With("why", "the log in this folder was founded under another charter")
	}
	first := of == ""
	n.ledger, err = consensus.Open(consensus.Config{
		Dir: filepath.Join(n.cfg.Dir, "ledger"), NodeID: n.id.Node, Create: first, Servers: n.firstServers(), Newcomer: !n.isFounder(),
		Cluster: n.genesis.Digest(), Transport: n.peerNet, Heartbeat: n.cfg.RaftTimeout,
		SnapshotThreshold: uint64(n.cfg.SnapshotEvery), TrailingLogs: uint64(n.cfg.TrailingLogs),
		Logger: n.log, Fatal: n.fatal, Hook: failpoint.Hook(), SnapshotInterval: cmp.Or(failpoint.SnapshotInterval(), n.cfg.SnapshotLooks), SnapshotBytes: failpoint.SnapshotBytes(),
		Unguarded: n.opts.Unguarded, Unfit: n.clock.err, Settled: n.witness.CosignedIndex,
		Replaced: func(r consensus.Replaced) { n.witness.Replaced(r.From, r.To) },
	}, ledgerMachine{n.machine, n})
	if err != nil {
		return ErrStart.Wrap(err, "why", whyNoLog(err))
	}
	n.closeWith(n.ledger.Close)
	servers := n.ledger.Servers
	n.recovered.servers.Store(&servers)
	n.inLog.Store(n.ledger)
	if !first {
		return nil
	}
	failpoint.Hit("node.start.found")
	if n.isFounder() {
		if err := n.ledger.Bootstrap(); err != nil && !errors.Is(err, consensus.ErrExists) {
			return ErrStart.Wrap(err, "why", "the log cannot be founded")
		}
	}
	failpoint.Hit("node.start.founded")
	return founding.MarkStarted(n.cfg.Dir, n.genesis.Digest())
}

// whyNoLog says in the operator's words why the log does not open.
func whyNoLog(err error) string {
	switch {
	case errors.Is(err, store.ErrNoState):
		return "its log is gone; a node that forgot its votes must not come back under its old id. Make it a new one with accord init --renew-node, and have the members replace it with accord member propose --replace"
	case errors.Is(err, store.ErrOwner):
		return "the log belongs to another node"
	case errors.Is(err, store.ErrPoisoned):
		return "it has stopped three times at one entry of the log that this version cannot apply; the entry lies in a .quarantine file in ledger/: start a version that can apply it"
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrFormat):
		return "the log is damaged or of a newer version"
	}
	return "the log does not open"
}

// isFounder says whether this very node was named by the charter.
func (n *Node) isFounder() bool {
	_, ok := n.charter.Roster().OfNode(n.id.Node)
	return ok
}

// firstServers is the membership the log is founded with or, for a newcomer, whom
// to believe until the membership itself has arrived.
func (n *Node) firstServers() []consensus.Server {
	roster := n.line().Roster()
	if n.isFounder() {
		roster = n.charter.Roster()
	}
	return serversOf(roster)
}

func serversOf(r *members.Roster) []consensus.Server {
	var out []consensus.Server
	for _, m := range r.Members {
		out = append(out, consensus.Server{ID: m.Node.ID, Address: m.Node.Address, Voter: m.Node.Votes()})
	}
	return out
}

// ownAddress is where the newest roster says that peers reach this node; before
// there is one, where its introduction says so.
func (n *Node) ownAddress() string {
	if me, ok := n.listing(); ok {
		return me.Node.Address
	}
	return founding.OwnAddress(n.cfg.Dir)
}

func (n *Node) openAgency() error {
	storage, err := n.secret(founding.SecretStorage)
	if err != nil {
		return err
	}
	defer clear(storage)
	blinder, err := n.openBlinder(storage)
	if err != nil {
		return err
	}
	me, _ := n.listing()
	n.agency, err = agency.New(agency.Config{
		Federation: n.cfg.Federation, Self: n.id.Member, Kind: me.Kind, Keys: currentKeys{n}, Former: n.keys.ByKID, Storage: storage, Blinder: blinder,
		Ledger: n.machine, Proposer: n.proposer(), Records: n.records, Genesis: n.genesis, Petitions: filepath.Join(n.cfg.Dir, "subjects"), Clock: n.opts.Clock, Rand: rand.Reader, Hook: failpoint.Hook(),
		Busy: importHeap,
	})
	if err == nil && n.blinding != nil {
		n.succession = agency.NewSuccession(n.agency, n.blinding, blindShares{n.keys}, storage, n.askPart, n.log)
	}
	return err
}

// secret gets one of the keystore's secrets, a copy.
func (n *Node) secret(name string) ([]byte, error) {
	b, err := n.keys.Secret(name)
	if err != nil {
		return nil, ErrStart.Wrap(err, "why", "the keystore lacks the secret "+name)
	}
	return b, nil
}

// openInterface opens the local socket and starts serving on it and on the
// port.
func (n *Node) openInterface() error {
	n.metrics = metrics.New(n.opts.Version, n.cfg.Member, n.gauges())
	n.operators.list.Store(&n.cfg.Operators)
	s := &api.Server{Config: n.cfg, Operators: n.operators.find, Agency: n.agency, Ledger: n.machine, Node: n, Witness: n.witness, Feeds: n.feeds, Audit: n.audit, Blinding: n.blinding, Succession: n.succession,
		Metrics: n.metrics, Log: n.log, Clock: n.opts.Clock}
	if err := n.openWebhooks(s); err != nil {
		return err
	}
	handler := n.requests.count(s.Handler())
	if err := n.openSocket(); err != nil {
		return err
	}
	listeners := []net.Listener{n.front, n.socket}
	n.servers = []*http.Server{n.httpServer(n.namePeer(handler)), n.httpServer(handler)}
	n.servers[1].ConnContext = localContext
	if n.cfg.MetricsListen != "" {
		ln, err := net.Listen("tcp", n.cfg.MetricsListen)
		if err != nil {
			return ErrListen.Wrap(err, "address", n.cfg.MetricsListen)
		}
		n.servers = append(n.servers, n.httpServer(n.metrics.Handler()))
		listeners = append(listeners, ln)
	}
	ctx, stop := context.WithCancel(context.Background())
	n.closeWith(func() error { return n.stopServing(stop) })
	for i, srv := range n.servers {
		n.tasks.Go(func() {
			if err := srv.Serve(listeners[i]); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				n.fatal(err)
			}
		})
	}
	n.tasks.Go(func() { n.watchReady(ctx) })
	n.tasks.Go(func() { n.audit.Tend(ctx, n.opts.Clock, n.log) })
	n.tasks.Go(func() { n.checkDocuments(ctx) })
	n.tasks.Go(func() { n.watchMembers(ctx) })
	n.tasks.Go(func() { n.witness.Run(ctx) })
	n.tasks.Go(func() { n.watchClock(ctx) })
	n.tasks.Go(func() { n.watchKeys(ctx) })
	n.tasks.Go(func() { n.tendMembership(ctx) })
	n.tasks.Go(func() { n.announce(ctx) })
	n.tasks.Go(func() { n.recordRecovery(ctx) })
	n.tasks.Go(func() { n.watchParted(ctx) })
	n.tasks.Go(func() { n.feeds.Run(ctx) })
	n.tasks.Go(func() { n.webhooks.Run(ctx) })
	n.tasks.Go(func() { n.watchRecords(ctx) })
	n.tasks.Go(func() { n.keepRetention(ctx) })
	n.tasks.Go(func() { n.tellEmergencies(ctx) })
	n.tasks.Go(func() { n.keepCustody(ctx) })
	n.tasks.Go(func() { n.keepBlinding(ctx) })
	n.tasks.Go(func() { n.watchOperators(ctx) })
	return nil
}

// openSocket opens the operators' socket. Its server closes it, too.
func (n *Node) openSocket() (err error) {
	if n.socket, err = localSocket(n.cfg.Socket()); err != nil {
		return err
	}
	n.closeWith(func() error {
		if err := n.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// farewell is how long running requests have to end by themselves.
const farewell = 5 * time.Second

// stopServing lets running requests end, then ends them and the background
// tasks. Nothing uses what lies below any more when it returns.
func (n *Node) stopServing(stop context.CancelFunc) error {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	var wg sync.WaitGroup
	for _, srv := range n.servers {
		wg.Go(func() {
			if srv.Shutdown(ctx) != nil {
				srv.Close()
			}
		})
	}
	wg.Wait()
	n.requests.close() // http.Server.Close leaves handlers running
	stop()
	n.tasks.Wait()
	n.connections.drop()
	return nil
}

// Run serves until ctx ends or something fails that must end the process.
func (n *Node) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.failed:
		return ErrStopped.Wrap(err)
	}
}

// Close takes the node down in the reverse order of Open. Every call returns
// when that is done, and the same.
func (n *Node) Close() error {
	n.closed.Do(func() {
		for i := len(n.closing) - 1; i >= 0; i-- {
			n.closeErr = errors.Join(n.closeErr, n.closing[i]())
		}
	})
	return n.closeErr
}

// fatal reports the first error after which this node must not go on.
func (n *Node) fatal(err error) {
	n.log.Error("the node must stop", "error", err)
	select {
	case n.failed <- err:
	default:
	}
}
