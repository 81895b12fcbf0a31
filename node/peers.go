package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"accord/consensus"
	"accord/consensus/transport"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/exchange/release"
	"accord/node/api"
	"accord/node/client"
	"accord/node/failpoint"
	"accord/node/feeds"
	"accord/node/metrics"
	"accord/node/wire"
)

// peerTable is the membership as the network needs it, made once per change.
type peerTable struct {
	list    []wire.Member
	nodes   map[string]exchange.MemberID // node id → member
	pins    map[string][][32]byte        // node id → SHA-256 of the SubjectPublicKeyInfo
	servers []consensus.Server           // of the newest roster known, in force or not
}

func (t *peerTable) member(id exchange.MemberID) (wire.Member, bool) {
	for _, m := range t.list {
		if m.ID == id {
			return m, true
		}
	}
	return wire.Member{}, false
}

func (n *Node) peers() *peerTable { return n.peerTable.Load() }

// refreshPeers rebuilds the table from the ledger's members and from rosters that
// are known but not applied here: who was away while others joined must recognise
// them, or it could not hear how they joined.
func (n *Node) refreshPeers() {
	view := n.machine.View()
	table := newPeerTable(view.Members(), max(exchange.MillisOf(n.opts.Clock()), view.Time()))
	for _, l := range n.machine.Book().After(view.Roster().Version + 1) {
		table.announced(l.Roster())
	}
	n.pinLeaving(table)
	// Who was given up is no server any more, although the roster still lists it: the
	// guard would let a majority of the old membership lead this node.
	table.servers = slices.DeleteFunc(serversOf(n.line().Roster()), func(s consensus.Server) bool { return n.givenUp(s.ID) != "" })
	if old := n.peers(); old != nil && slices.Equal(old.servers, table.servers) {
		table.servers = old.servers // the guard sees by the memory that nothing has changed
	}
	n.peerTable.Store(table)
	n.connections.keep(table)
}

// keyOverlap is how long a TLS key is still taken after its roster has ended it:
// members do not all change in the same instant.
const keyOverlap = 30 * time.Second

// leaving remembers since when a voter of the log is off the roster.
type leaving struct {
	mu    sync.Mutex
	since map[string]time.Time // by node id; guarded by mu
}

// pinLeaving keeps the keys of voters that a roster took off until the log has
// taken them out, too: as long as their votes count, theirs may be the one that a
// quorum lacks. Who is off the roster does not lead that way for more than a
// minute, though.
func (n *Node) pinLeaving(t *peerTable) {
	log := n.inLog.Load()
	if log == nil {
		return
	}
	leader, now := log.Status().Leader, time.Now()
	n.leaving.mu.Lock()
	defer n.leaving.mu.Unlock()
	still := map[string]time.Time{}
	for _, s := range log.Servers() {
		if !s.Voter || len(t.pins[s.ID]) > 0 || n.givenUp(s.ID) != "" {
			continue
		}
		since, known := n.leaving.since[s.ID]
		if !known {
			since = now
		}
		still[s.ID] = since
		if s.ID == leader && now.Sub(since) > keyOverlap {
			continue
		}
		for at := n.line(); at != nil; at = at.Parent() {
			if f, was := at.Roster().OfNode(s.ID); was {
				for _, k := range f.Keys {
					t.pin(s.ID, k)
				}
				break
			}
		}
	}
	n.leaving.since = still
}

// newPeerTable lists the active members and the TLS keys that count at a time.
func newPeerTable(all []members.Member, at exchange.Millis) *peerTable {
	t := &peerTable{nodes: map[string]exchange.MemberID{}, pins: map[string][][32]byte{}}
	for _, m := range all {
		if m.Status != members.Active {
			continue
		}
		t.list = append(t.list, wire.Member{ID: m.ID, Node: m.Node.ID, Address: m.Node.Address})
		t.nodes[m.Node.ID] = m.ID
		for _, k := range m.Keys {
			if k.ValidAt(at) || k.Until > 0 && k.ValidAt(at.Add(-keyOverlap)) {
				t.pin(m.Node.ID, k.Public)
			}
		}
	}
	return t
}

// announced adds what a roster that is not applied here lists.
func (t *peerTable) announced(r *members.Roster) {
	for _, m := range r.Members {
		row := wire.Member{ID: m.ID, Node: m.Node.ID, Address: m.Node.Address}
		if i := slices.IndexFunc(t.list, func(w wire.Member) bool { return w.ID == m.ID }); i >= 0 {
			t.list[i] = row
		} else {
			t.list = append(t.list, row)
		}
		t.nodes[m.Node.ID] = m.ID
		for _, k := range m.Keys {
			t.pin(m.Node.ID, k)
		}
	}
}

// pin lets a TLS key speak for a node.
func (t *peerTable) pin(node string, k keys.Public) {
	if k.Use() != keys.TLS {
		return
	}
	spki, err := x509.MarshalPKIXPublicKey(k.Ed25519())
	if err != nil {
		return
	}
	if sum := sha256.Sum256(spki); !slices.Contains(t.pins[node], sum) {
		t.pins[node] = append(t.pins[node], sum)
	}
}

// watchMembers keeps the table equal to the ledger, and the data folder fit for the
// next start.
func (n *Node) watchMembers(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for round := 0; ; round++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n.refreshPeers()
		if !n.ready.Load() && round%10 == 4 { // perhaps because we were taken off while away
			n.askRosters(ctx)
		}
		if err := n.saveRosters(); err != nil {
			n.log.Warn("the newest rosters cannot be kept in the data folder", "error", err)
		}
		if err := n.saveMachine(); err != nil {
			n.log.Warn("the machine version cannot be noted in the data folder", "error", err)
		}
		n.showKey()
	}
}

// showKey changes to the TLS key that the roster lists.
func (n *Node) showKey() {
	key, err := currentKeys{n}.Key(keys.TLS)
	if err != nil || key.KID() == n.shown {
		return
	}
	certificate, err := n.certificate()
	if err != nil {
		n.log.Error("no certificate for the new TLS key", "error", err)
		return
	}
	n.tls.SetCertificate(certificate)
	n.connections.drop() // they show the old one
	n.log.Info("shows its new TLS key", "kid", n.shown)
}

// certificate wraps the TLS key in a self-signed certificate. Peers look at the
// key only; names and dates in it mean nothing.
func (n *Node) certificate() (tls.Certificate, error) {
	key, err := currentKeys{n}.Key(keys.TLS)
	if err != nil {
		return tls.Certificate{}, ErrStart.Wrap(err, "why", "the keystore lacks the key for tls")
	}
	n.shown = key.KID()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: n.id.Node},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // RFC 5280 section 4.1.2.5: no expiry
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	private := key.Ed25519()
	der, err := x509.CreateCertificate(nil, template, template, private.Public(), private)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

// Peer is the client of another member's node for the calls that requests to the API
// make; they share connections.
func (n *Node) Peer(m exchange.MemberID) (api.Peer, error) {
	if m == n.id.Member {
		return nil, ErrNoPeer.With("member", m)
	}
	tr, address, err := n.connections.to(n.peers(), m, n.peerTLS)
	if err != nil {
		return nil, err
	}
	return client.Remote(address, tr, exchange.Zh), nil
}

// peerClient is the client of another member's node for everything else: rosters,
// cosignatures, ids and keys. Each call has a connection of its own, and so sees
// the peer as it is now.
func (n *Node) peerClient(m exchange.MemberID) (*client.Client, error) {
	peer, ok := n.peers().member(m)
	if !ok || m == n.id.Member {
		return nil, ErrNoPeer.With("member", m)
	}
	tr := peerTransport(n.peerTLS(peer.Node))
	tr.DisableKeepAlives = true
	return client.Remote(peer.Address, tr, exchange.Zh), nil
}

// feedPeer is the client of an author's node for one round with its feed.
func (n *Node) feedPeer(m exchange.MemberID) (feeds.Peer, error) {
	peer, ok := n.peers().member(m)
	if !ok || m == n.id.Member {
		return nil, ErrNoPeer.With("member", m)
	}
	return client.Remote(peer.Address, roundTransport(n.peerTLS(peer.Node)), exchange.Zh), nil
}

func (n *Node) peerTLS(node string) *tls.Config { return n.tls.ClientConfig(node, "http/1.1") }

// dialTLS connects and shakes hands; a test build may have the connection go
// through a wire of its own.
func dialTLS(ctx context.Context, network, address string, config *tls.Config) (net.Conn, error) {
	dial := failpoint.Dial()
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	raw, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

// gauges are read when the metrics page is asked for.
func (n *Node) gauges() metrics.Gauges {
	return metrics.Gauges{
		LedgerSize:  func() float64 { return float64(n.machine.View().Size()) },
		AppliedLog:  func() float64 { return float64(n.ledger.Status().Applied) },
		CommitLog:   func() float64 { return float64(n.ledger.Status().Commit) },
		Documents:   func() float64 { return float64(n.machine.View().Documents().Checked) },
		BadDocs:     func() float64 { return float64(len(n.machine.View().Documents().Faults)) },
		LedgerTimeS: func() float64 { return float64(n.machine.View().Time()) / 1000 },
		AuditSinks:  func() float64 { return float64(n.audit.Working()) },
		IsLeader: func() float64 {
			if n.ledger.Status().Leader == n.id.Node {
				return 1
			}
			return 0
		},
		Records: func() float64 { return float64(n.recordCount()) },
		Forks:   func() float64 { return float64(n.witness.OpenAlarms()) },
		Stopped: func() float64 {
			if n.witness.Stopped() {
				return 1
			}
			return 0
		},
		Cosigned: func() float64 {
			c, _ := n.witness.Newest()
			return float64(c.Size)
		},
		Complaints:   func() float64 { return float64(n.witness.OpenComplaints()) },
		PeersRefused: func() map[metrics.PeerReason]uint64 { return n.byMember(n.tls.Refused(), n.ledger.Refusals()) },
		PeersPutOff:  func() map[metrics.PeerReason]uint64 { return n.byMember(n.tls.Delayed(), n.ledger.Delayed()) },
		Feeds:        func() float64 { return float64(n.feeds.OpenAlarms()) },
		Emergencies: func() float64 {
			view := n.machine.View()
			waiting, overdue := release.Emergencies(view.Rows(), max(view.Time(), exchange.MillisOf(n.opts.Clock())))
			return float64(waiting + overdue)
		},
		Hooks:      func() float64 { return float64(len(n.webhooks.Disabled())) },
		FeedBehind: func() float64 { return float64(n.feeds.Behind()) },
	}
}

// byMember sums counts of the log's peers by member: a host, or a node that has left,
// is "unknown".
func (n *Node) byMember(counts ...map[transport.RefusalKey]uint64) map[metrics.PeerReason]uint64 {
	out := map[metrics.PeerReason]uint64{}
	for _, c := range counts {
		for k, times := range c {
			peer := "unknown"
			if m, ok := n.memberOf(k.Peer); ok {
				peer = string(m)
			}
			out[metrics.PeerReason{Peer: peer, Reason: k.Rule}] += times
		}
	}
	return out
}

// recordCount is the number of own records.
func (n *Node) recordCount() int64 {
	return n.counted.get(func(ctx context.Context) (int64, error) {
		return n.records.Count(ctx, records.Filter{Author: n.id.Member})
	})
}

// recordCounter keeps the number for twenty times as long as it took to get:
// anybody may ask whether this node is ready, and counting a large store takes
// its disk.
type recordCounter struct {
	mu    sync.Mutex
	last  int64     // guarded by mu
	until time.Time // guarded by mu
}

// get counts, or gives the last number when it is recent or the store does not
// answer in a second.
func (c *recordCounter) get(count func(context.Context) (int64, error)) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	begin := time.Now()
	if begin.Before(c.until) {
		return c.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if n, err := count(ctx); err == nil {
		c.last = n
	}
	c.until = time.Now().Add(20 * time.Since(begin))
	return c.last
}
