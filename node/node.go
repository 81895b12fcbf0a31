package node

import (
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
	"accord/consensus/transport"
	"accord/crypto/blind"
	"accord/crypto/keystore"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/api"
	"accord/node/audit"
	"accord/node/config"
	"accord/node/founding"
	"accord/node/metrics"
)

// Options are what Open needs beside the data folder.
type Options struct {
	Version string
	Logger  *slog.Logger
	Clock   func() time.Time
	// Listener replaces the listener on the configured address, for tests.
	Listener net.Listener
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
	started time.Time

	keys    *keystore.Store
	audit   *audit.Log
	records records.Store
	machine *machine.Machine
	tls     *transport.TLS
	ledger  *consensus.Log
	agency  *agency.Agency
	metrics *metrics.Metrics
	front   *front
	socket  net.Listener
	servers []*http.Server

	peerTable atomic.Pointer[peerTable]
	ready     atomic.Bool // a read point was reached since start
	failed    chan error  // the first error that must end the process
	stop      context.CancelFunc
	tasks     sync.WaitGroup
	closing   []func() error // in the order of opening
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
	n = &Node{cfg: cfg, opts: o, log: o.Logger, started: o.Clock(), failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
			n = nil
		}
	}()
	for _, step := range []func() error{
		n.openIdentity,  // who are we, and which federation is this
		n.openKeys,      // nothing else can be trusted without them
		n.openAudit,     // before anything private can be read
		n.openRecords,   // our own records and their sealed fields
		n.openMachine,   // the state the ledger drives
		n.openNetwork,   // the port, so that peers can reach us…
		n.openLedger,    // …before the log asks for their votes
		n.openAgency,    // everything with keys and time
		n.openInterface, // the API, last: what it serves is there
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
	if n.genesis, err = founding.ReadGenesis(n.cfg.Dir); err != nil {
		return err
	}
	if n.charter, err = members.ParseCharter(n.genesis.Charter); err != nil {
		return err
	}
	if n.charter.Federation != n.cfg.Federation {
		return ErrStart.With("why", "accord.yaml names another federation than the charter")
	}
	for _, m := range n.charter.Members {
		if m.ID == n.id.Member && m.Node.ID == n.id.Node {
			return nil
		}
	}
	return ErrStart.With("why", "the charter does not list this node")
}

func (n *Node) openKeys() (err error) {
	n.keys, err = founding.OpenKeys(n.cfg)
	if err != nil {
		return err
	}
	n.closeWith(n.keys.Close)
	return nil
}

func (n *Node) openAudit() error {
	key, err := n.keys.Secret(founding.SecretAudit)
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

func (n *Node) openRecords() (err error) {
	n.records, err = records.OpenSQLite(context.Background(), filepath.Join(n.cfg.Dir, "records.db"))
	if err != nil {
		return err
	}
	n.closeWith(n.records.Close)
	return nil
}

func (n *Node) openMachine() (err error) {
	n.machine, err = machine.New(n.genesis, machine.Options{})
	return err
}

// openNetwork opens the TLS port. Streams of peers wait in it until the log is
// there to take them.
func (n *Node) openNetwork() error {
	certificate, err := n.certificate()
	if err != nil {
		return err
	}
	n.refreshPeers()
	own, _ := n.peers().member(n.id.Member)
	n.tls, err = transport.NewTLS(transport.TLSConfig{NodeID: n.id.Node, Address: own.Address, Certificate: certificate,
		Pins: func() map[string][][32]byte { return n.peers().pins }, Logger: n.log})
	if err != nil {
		return err
	}
	n.closeWith(n.tls.Close)
	ln := n.opts.Listener
	if ln == nil {
		if ln, err = net.Listen("tcp", n.cfg.Listen); err != nil {
			return ErrListen.Wrap(err, "address", n.cfg.Listen)
		}
	}
	n.front = newFront(ln, n.tls, n.log)
	n.closeWith(n.front.Close)
	return nil
}

// openLedger opens the log and, on the first start, founds it: every founder
// founds the same log from the same charter.
func (n *Node) openLedger() (err error) {
	first := !founding.Started(n.cfg.Dir)
	n.ledger, err = consensus.Open(consensus.Config{
		Dir: filepath.Join(n.cfg.Dir, "ledger"), NodeID: n.id.Node, Create: first, Servers: n.foundingServers(),
		Transport: n.tls, Heartbeat: n.cfg.RaftTimeout,
		SnapshotThreshold: uint64(n.cfg.SnapshotEvery), TrailingLogs: uint64(n.cfg.TrailingLogs),
		Logger: n.log, Fatal: n.fatal,
	}, ledgerMachine{n.machine, n})
	if err != nil {
		return err
	}
	n.closeWith(n.ledger.Close)
	if !first {
		return nil
	}
	if err := n.ledger.Bootstrap(); err != nil && !errors.Is(err, consensus.ErrExists) {
		return err
	}
	return founding.MarkStarted(n.cfg.Dir)
}

func (n *Node) foundingServers() []consensus.Server {
	var out []consensus.Server
	for _, m := range n.charter.Members {
		out = append(out, consensus.Server{ID: m.Node.ID, Address: m.Node.Address, Voter: true})
	}
	return out
}

func (n *Node) openAgency() error {
	storage, err := n.keys.Secret(founding.SecretStorage)
	if err != nil {
		return err
	}
	blindKey, err := n.keys.Secret(founding.SecretBlind)
	if err != nil {
		return ErrStart.Wrap(err, "why", "the blinding key is missing (accord charter found)")
	}
	if blind.Commitment(blindKey) != n.charter.Blind.Commitment {
		return ErrStart.With("why", "the blinding key is not the federation's")
	}
	blinder, err := blind.NewHMAC(blindKey)
	if err != nil {
		return err
	}
	n.agency, err = agency.New(agency.Config{
		Federation: n.cfg.Federation, Self: n.id.Member, Kind: n.kind(), Keys: n.keys, Storage: storage, Blinder: blinder,
		Ledger: n.machine, Proposer: proposer{n}, Records: n.records, Genesis: n.genesis, Outbox: filepath.Join(n.cfg.Dir, "outbox"), Clock: n.opts.Clock, Rand: rand.Reader,
	})
	return err
}

func (n *Node) kind() exchange.MemberKind {
	for _, m := range n.charter.Members {
		if m.ID == n.id.Member {
			return m.Kind
		}
	}
	return ""
}

// openInterface opens the local socket and starts serving on it and on the
// port.
func (n *Node) openInterface() error {
	socket, err := localSocket(n.cfg.Socket())
	if err != nil {
		return err
	}
	n.socket = socket
	n.metrics = metrics.New(n.opts.Version, n.cfg.Member, n.gauges())
	s := &api.Server{Config: n.cfg, Agency: n.agency, Ledger: n.machine, Node: n, Audit: n.audit,
		Metrics: n.metrics, Log: n.log, Clock: n.opts.Clock}
	handler := s.Handler()
	n.servers = []*http.Server{httpServer(handler, n.peerContext, n.log), httpServer(handler, localContext, n.log)}
	listeners := []net.Listener{n.front, socket}
	if n.cfg.MetricsListen != "" {
		ln, err := net.Listen("tcp", n.cfg.MetricsListen)
		if err != nil {
			return ErrListen.Wrap(err, "address", n.cfg.MetricsListen)
		}
		n.servers = append(n.servers, httpServer(n.metrics.Handler(), nil, n.log))
		listeners = append(listeners, ln)
	}
	n.closeWith(n.stopServing)
	for i, srv := range n.servers {
		n.tasks.Go(func() {
			if err := srv.Serve(listeners[i]); err != nil && !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
				n.fatal(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.stop = cancel
	n.tasks.Go(func() { n.watchReady(ctx) })
	n.tasks.Go(func() { n.watchMembers(ctx) })
	return nil
}

// stopServing lets running requests end, then stops the background tasks.
func (n *Node) stopServing() error {
	if n.stop != nil {
		n.stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, srv := range n.servers {
		if srv.Shutdown(ctx) != nil {
			srv.Close()
		}
	}
	n.tasks.Wait()
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

// Close takes the node down in the reverse order of Open.
func (n *Node) Close() error {
	var errs error
	for i := len(n.closing) - 1; i >= 0; i-- {
		errs = errors.Join(errs, n.closing[i]())
	}
	n.closing = nil
	return errs
}

// fatal reports the first error after which this node must not go on.
func (n *Node) fatal(err error) {
	n.log.Error("the node must stop", "error", err)
	select {
	case n.failed <- err:
	default:
	}
}
