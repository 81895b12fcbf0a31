package transport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// CallHandler answers a forwarded call from a peer whose identity is proven. The
// error text does not travel; the peer learns only that there was one.
type CallHandler func(ctx context.Context, peer string, kind Kind, body []byte) ([]byte, error)

// Config of a [Transport].
type Config struct {
	Network Network
	Guard   *Guard
	Calls   CallHandler
	Logger  *slog.Logger
	// HeartbeatTimeout bounds votes and heartbeats. It is Raft's own.
	HeartbeatTimeout time.Duration
	// Timeout bounds other requests; large bodies get a second for each MiB on top.
	Timeout time.Duration
	// Spool is a directory of this node's own for snapshots on their way in.
	// Without it they go to Raft as they come, unvetted.
	Spool string
	// Vet judges a whole snapshot before Raft gets it; nil believes the leader.
	Vet func(ctx context.Context, req *raft.InstallSnapshotRequest, voucher []byte, snapshot io.Reader) error
	// Vouch gives what makes a snapshot believable, and the snapshot as it is to be
	// sent; nil sends it without.
	Vouch func(ctx context.Context, snapshot io.Reader) (voucher []byte, whole io.Reader, err error)
	// Unproven is told when a peer cannot judge this node's certificate; it must
	// not block.
	Unproven func()
	// Silent, if not nil and true, keeps this node from leading: it sends no
	// heartbeats, entries or requests for votes, so its followers choose another.
	// It goes on answering.
	Silent func() bool
	// Holds, if not nil, says whether entries can be stored; if it is an error the
	// leader is told to try again later.
	Holds func(entries []*raft.Log) error
	// Durable, if not nil, returns once this node's log is on its disk up to an
	// index, or with the error that stops it. Raft is told of a success with
	// entries, and a peer that asks is told of one, only after that.
	Durable func(index uint64) error
	// Fill, if not nil, reads the data of an entry that was left where the log lies. It
	// is called for the entries that are sent.
	Fill func(e *raft.Log) error
	// Ahead, if not nil, is given the entries of a leader's next request while this node
	// stores those before: what has to be checked of them can be checked already. They
	// are judged when their turn comes. It may wait, but no longer than Raft works.
	Ahead func(entries []*raft.Log)
	// Committed, if not nil, is told how far the leader says that the log is committed,
	// which may be far ahead of what is here. It must not block.
	Committed func(index uint64)
	// Gone, if not nil, is told that a peer has ended the last stream that it had opened
	// to this node. It must not block.
	Gone func(peer string)
}

// Transport is Raft's transport over a [Network] with a [Guard] in front of
// everything that comes in.
type Transport struct {
	cfg      Config
	consumer chan raft.RPC
	ctx      context.Context
	cancel   context.CancelFunc
	tasks    sync.WaitGroup

	installing sync.Mutex // one snapshot comes in at a time

	mu     sync.Mutex
	pool   map[string][]*clientConn // idle outbound streams by peer id
	active map[Conn]struct{}        // every open stream, to end them on Close
	absent map[string]chan struct{} // peers whose next answer is waited for; closed when it comes
	served map[string]int           // streams of theirs that are served, by peer id
}

// idleLimit is how long an unused stream lives on the side that opened it. The
// side that accepted it waits longer, so a stream is not cut under a request.
const (
	idleLimit        = 45 * time.Second
	acceptedLimit    = 2 * idleLimit
	maxIdlePerPeer   = 6
	snapshotStall    = 30 * time.Second // longest silence inside a snapshot stream
	bytesPerSecond   = 1 << 20          // the slowest link we count on
	pipelineInFlight = 2                // raft#541: more only adds latency
)

// Compile-time checks. Without WithPreVote raft would silently drop pre-votes.
var (
	_ raft.Transport   = (*Transport)(nil)
	_ raft.WithPreVote = (*Transport)(nil)
	_ raft.WithClose   = (*Transport)(nil)
)

// New starts serving. Close ends it.
func New(cfg Config) *Transport {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Spool != "" {
		_ = os.Remove(filepath.Join(cfg.Spool, spoolName)) // of a process that ended meanwhile
	}
	t := &Transport{cfg: cfg, consumer: make(chan raft.RPC), pool: map[string][]*clientConn{}, active: map[Conn]struct{}{}, absent: map[string]chan struct{}{}, served: map[string]int{}}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	t.tasks.Go(t.accept)
	return t
}

// errSilent: this node does not lead at the moment.
var errSilent = errors.New("transport: this node keeps silent")

func (t *Transport) silent() bool { return t.cfg.Silent != nil && t.cfg.Silent() }

// Consumer is where Raft takes the requests the guard let through.
func (t *Transport) Consumer() <-chan raft.RPC { return t.consumer }

// LocalAddr is this node's address in the membership.
func (t *Transport) LocalAddr() raft.ServerAddress {
	return raft.ServerAddress(t.cfg.Network.Address())
}

// EncodePeer and DecodePeer: an address is its bytes.
func (t *Transport) EncodePeer(_ raft.ServerID, addr raft.ServerAddress) []byte { return []byte(addr) }

// DecodePeer is the inverse of EncodePeer.
func (t *Transport) DecodePeer(b []byte) raft.ServerAddress { return raft.ServerAddress(b) }

// SetHeartbeatHandler does nothing, on purpose: raft's heartbeat fast path runs
// beside its main loop and lets logs diverge (raft#695, open in v1.8.0).
// Heartbeats take the same way as every other request.
func (t *Transport) SetHeartbeatHandler(func(raft.RPC)) {}

// Close ends all streams and waits for the goroutines behind them.
func (t *Transport) Close() error {
	t.cancel()
	err := t.cfg.Network.Close()
	t.mu.Lock()
	for c := range t.active {
		_ = c.Close()
	}
	t.pool = map[string][]*clientConn{}
	t.mu.Unlock()
	t.tasks.Wait()
	return err
}

// track registers an open stream; false means the transport is closed.
func (t *Transport) track(c Conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx.Err() != nil {
		_ = c.Close()
		return false
	}
	t.active[c] = struct{}{}
	return true
}

func (t *Transport) release(c Conn) {
	t.mu.Lock()
	delete(t.active, c)
	t.mu.Unlock()
	_ = c.Close()
}

// arrived and departed count a peer's streams here.
func (t *Transport) arrived(peer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.served[peer]++
}

func (t *Transport) departed(peer string) {
	t.mu.Lock()
	t.served[peer]--
	last := t.served[peer] == 0
	if last {
		delete(t.served, peer)
	}
	t.mu.Unlock()
	if last && t.cfg.Gone != nil && t.ctx.Err() == nil {
		t.cfg.Gone(peer)
	}
}

// allowance is the time a message of n bytes may take.
func allowance(base time.Duration, n int64) time.Duration {
	return base + time.Duration(n/bytesPerSecond)*time.Second
}
