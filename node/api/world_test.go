package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"accord/crypto/blind"
	"accord/crypto/cryptotest"
	"accord/crypto/jws"
	"accord/crypto/keys"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/agency"
	"accord/exchange/catalogue"
	"accord/exchange/feed"
	"accord/exchange/intake"
	"accord/exchange/machine"
	"accord/exchange/members"
	"accord/exchange/records"
	"accord/node/audit"
	"accord/node/client"
	"accord/node/config"
	"accord/node/feeds"
	"accord/node/metrics"
	"accord/node/webhooks"
	"accord/node/wire"
	"accord/node/witness"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// world is a federation of four without a network: one machine, and for every
// member an agency, a record store, an audit log and a server.
type world struct {
	t       testing.TB
	machine *machine.Machine
	genesis members.Genesis
	dir     string
	log     *lockedBuffer
	servers map[exchange.MemberID]*Server
	nodes   map[exchange.MemberID]*fakeNode

	mu    sync.Mutex
	index uint64
	now   time.Time
}

type fixedKeys string

func (m fixedKeys) Key(use keys.Use) (keys.Private, error) {
	return cryptotest.Key(string(m), use), nil
}

// Propose applies at once, as a federation of one node would.
func (w *world) Propose(_ context.Context, payload []byte) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.machine.Check(payload); err != nil {
		return nil, err
	}
	w.index++
	answers, err := w.machine.Apply(w.index, [][]byte{payload})
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// fakeNode is what the API asks of a running node; peers are reached through
// their servers' handlers.
type fakeNode struct {
	w        *world
	self     exchange.MemberID
	barriers int
	behind   bool // has not caught up since it started
	panics   bool
	status   func(*wire.NodeStatus)                // changes Status when set
	peer     func(exchange.MemberID) (Peer, error) // replaces Peer when set
	learns   func()                                // what it catches up with, when set
}

func (n *fakeNode) Status() wire.NodeStatus {
	if n.panics {
		panic("a value that nobody may see: " + canary)
	}
	st := wire.NodeStatus{Member: n.self, Node: string(n.self) + "-1", Ready: true, Role: "follower", Leader: "court-1", StartedAt: start,
		Store: wire.StoreStatus{Engine: "sqlite", OK: true}}
	if n.status != nil {
		n.status(&st)
	}
	return st
}

func (n *fakeNode) CaughtUp() bool { return !n.behind }

func (n *fakeNode) Removed() error { return nil }

func (n *fakeNode) CustodyFaults() map[exchange.MemberID]string { return nil }

func (n *fakeNode) Recoveries() wire.Recoveries {
	return wire.Recoveries{Recoveries: []wire.Recovery{}}
}
func (n *fakeNode) Rosters(int) wire.Rosters { return wire.Rosters{} }

func (n *fakeNode) Membership(context.Context) (wire.Membership, error) {
	return wire.Membership{}, nil
}

func (n *fakeNode) MayEnact(string) error { return nil }

func (n *fakeNode) NewKeys([]keys.Use) (string, error) { return "a.b.c", nil }

func (n *fakeNode) Barrier(*http.Request) error {
	n.barriers++
	if n.learns != nil {
		n.learns()
	}
	return nil
}

func (n *fakeNode) Check(context.Context) (wire.NodeCheck, error) {
	return wire.NodeCheck{Time: start, Keys: []wire.KeyWindow{}, Peers: []wire.PeerCheck{}}, nil
}

func (n *fakeNode) Answer() wire.PeerAnswer { return wire.PeerAnswer{Member: n.self, Time: start} }

func (n *fakeNode) DialBack(context.Context, exchange.MemberID) error { return nil }

func (n *fakeNode) Backup(_ context.Context, out io.Writer, _ []keys.Public, _ bool) error {
	_, err := io.WriteString(out, "backup")
	return err
}

func (n *fakeNode) Peer(m exchange.MemberID) (Peer, error) {
	if n.peer != nil {
		return n.peer(m)
	}
	s := n.w.servers[m]
	if s == nil || m == n.self {
		return nil, errNoPeer.With()
	}
	return client.New(&http.Client{Transport: through{s.Handler(), caller{member: n.self}}}, string(m), "", exchange.En), nil
}

var errNoPeer = exchange.Define(exchange.KindNotFound, "TEST-PEER", exchange.Text{Zh: "无", En: "none"}, exchange.Text{})

// through carries a client's requests to a handler.
type through struct {
	handler http.Handler
	as      caller
}

func (t through) RoundTrip(r *http.Request) (*http.Response, error) {
	body := io.Reader(http.NoBody)
	if r.Body != nil {
		body = r.Body
	}
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), body).WithContext(t.as.context(context.Background())) // nothing of a caller's context crosses a network
	in.Header = r.Header
	rec := httptest.NewRecorder()
	t.handler.ServeHTTP(rec, in)
	return rec.Result(), nil
}

// caller is who a test speaks as: the public, a member, or the local socket
// with or without an operator's name.
type caller struct {
	member   exchange.MemberID
	local    bool
	operator string
}

func (c caller) context(ctx context.Context) context.Context {
	if c.local {
		return WithLocal(ctx)
	}
	if c.member != "" {
		return WithPeer(ctx, c.member)
	}
	return ctx
}

func as(role config.Role) caller { return caller{local: true, operator: string(role)} }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var memberKinds = []struct {
	id   exchange.MemberID
	kind exchange.MemberKind
}{{"regulator", exchange.KindRegulator}, {"commission", exchange.KindCommission},
	{"association", exchange.KindAssociation}, {"court", exchange.KindCourt}}

var blindKey = bytes.Repeat([]byte{7}, 32)

func newWorld(t testing.TB) *world {
	t.Helper()
	return foundWorld(t, genesis(t))
}

// foundWorld is newWorld under another charter.
func foundWorld(t testing.TB, g members.Genesis) *world {
	t.Helper()
	w := &world{t: t, now: start.Add(time.Second), dir: t.TempDir(), log: new(lockedBuffer),
		servers: map[exchange.MemberID]*Server{}, nodes: map[exchange.MemberID]*fakeNode{}, genesis: g}
	var err error
	if w.machine, err = machine.New(w.genesis, machine.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, m := range memberKinds {
		w.join(m.id, m.kind)
	}
	return w
}

// worldUnder is newWorld under the demo's catalogue as edit changes it.
func worldUnder(t testing.TB, edit func(*catalogue.Document)) *world {
	t.Helper()
	raw, _ := catalogue.Demo()
	doc, err := catalogue.Parse(raw)
	if err == nil {
		edit(doc)
		raw, err = strictjson.Marshal(doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return foundWorld(t, genesisOf(t, raw, doc.MachineVersion()))
}

// mirror brings all of an author's records to members' mirrors.
func (w *world) mirror(author exchange.MemberID, to ...exchange.MemberID) {
	w.t.Helper()
	ctx := w.t.Context()
	page, _, err := w.servers[author].Agency.Records.List(ctx, records.Filter{}, "", records.MaxPage)
	for _, m := range to {
		var items []records.Item
		for _, r := range page {
			mirrored, bad := w.servers[m].Agency.ReadRecord(author, r.JWT)
			err = errors.Join(err, bad)
			items = append(items, records.Item{Entry: feed.EntryOf(feed.Record, string(r.ID), r.JWT), Record: &mirrored})
		}
		err = errors.Join(err, w.servers[m].Agency.Records.Follow(ctx, author, 0, items, "note"))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func genesis(t testing.TB) members.Genesis {
	t.Helper()
	doc, _ := catalogue.Demo()
	return genesisOf(t, doc, 1)
}

// genesisOf is genesis with a catalogue and the machine version it needs.
func genesisOf(t testing.TB, doc []byte, version int) members.Genesis {
	t.Helper()
	c := members.Charter{Format: members.CharterFormat, Federation: "qinghai", Name: exchange.Text{Zh: "青海", En: "Qinghai"},
		Founded: exchange.MillisOf(start), CosignQuorum: 3, AdoptQuorum: 3, MachineVersion: version,
		Catalogue: members.CatalogueRef{Digest: catalogue.Digest(doc), Version: 1},
		Blind:     members.BlindRef{Scheme: "h1", Commitment: blind.Commitment(blindKey)}}
	for i, m := range memberKinds {
		f := members.Founder{ID: m.id, Kind: m.kind, Name: exchange.Text{Zh: "例", En: string(m.id)}, Seat: m.id != "court",
			Node: members.Node{ID: string(m.id) + "-1", Address: fmt.Sprintf("127.0.0.1:%d", 7101+i)}}
		for _, use := range keys.Uses() {
			f.Keys = append(f.Keys, cryptotest.Public(string(m.id), use))
		}
		c.Members = append(c.Members, f)
	}
	payload, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	g := members.Genesis{Charter: payload, Catalogue: doc}
	for _, m := range c.Members {
		sig, err := jws.Sign(cryptotest.Key(string(m.ID), keys.Command), jws.TypCharter, payload)
		if err != nil {
			t.Fatal(err)
		}
		g.Signatures = append(g.Signatures, sig)
	}
	return g
}

func (w *world) join(id exchange.MemberID, kind exchange.MemberKind) {
	w.t.Helper()
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	dir := filepath.Join(w.dir, string(id))
	sinks, err := audit.Open([]string{filepath.Join(dir, "audit.log")}, cryptotest.Secret(string(id), "audit"))
	must(err)
	store, err := records.OpenSQLite(context.Background(), filepath.Join(dir, "records.db"))
	must(err)
	w.t.Cleanup(func() { store.Close(); sinks.Close() })
	blinder, err := blind.NewHMAC(blindKey)
	must(err)
	a, err := agency.New(agency.Config{Federation: "qinghai", Self: id, Kind: kind, Keys: fixedKeys(id),
		Storage: cryptotest.Secret(string(id), "storage"), Blinder: blinder, Ledger: w.machine, Proposer: w,
		Records: store, Genesis: w.genesis, Petitions: filepath.Join(dir, "subjects"), Clock: w.clock, Rand: rand.Reader})
	must(err)
	zero := func() float64 { return 0 }
	cfg := config.Config{Dir: dir, Member: string(id), Federation: "qinghai", MaxUpload: 4, BlindingDaily: 5000, RequestTimeout: time.Minute}
	for _, role := range config.Roles() {
		cfg.Operators = append(cfg.Operators, config.Operator{Name: exchange.OperatorID(role), Roles: []config.Role{role}})
	}
	node := &fakeNode{w: w, self: id}
	w.nodes[id] = node
	wit := w.witness(id, node, dir)
	fed, err := feeds.Open(feeds.Config{Federation: "qinghai", Genesis: w.genesis, Self: id, Dir: filepath.Join(dir, "feeds"), Store: store, Ledger: w.machine, Keys: fixedKeys(id),
		Peer: func(m exchange.MemberID) (feeds.Peer, error) { return node.Peer(m) }, Read: a.ReadRecord,
		Verify: func(m exchange.MemberID, jwt string) error { _, _, err := a.VerifyRecord(m, jwt); return err },
		Anchor: func(ctx context.Context, b feed.AnchorBody) error {
			_, err := a.Act(ctx, "node", exchange.VerbFeedAnchor, b)
			return err
		}, Clock: w.clock,
		Proof: func(ctx context.Context) ([]byte, error) {
			point, err := wit.Vouched(ctx, w.machine.View().Size())
			if err != nil {
				return nil, err
			}
			b, err := a.FeedBundle([]byte(point.Note))
			if err != nil {
				return nil, err
			}
			return b.Marshal()
		}})
	must(err)
	hooks, err := webhooks.Open(webhooks.Config{Dir: filepath.Join(dir, "webhooks"), Secret: []byte(id), Version: "test", Clock: time.Now, // a receiver has the true time
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Jitter: func() float64 { return 0 }, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Changes: func(ctx context.Context, feed exchange.MemberID, since int64, limit int, wait time.Duration) (wire.Changes, error) {
			return w.servers[id].ChangesAfter(ctx, feed, since, limit, wait)
		}})
	must(err)
	w.servers[id] = &Server{Webhooks: hooks, Feeds: fed, Config: cfg, Agency: a, Ledger: w.machine, Node: node, Audit: sinks, Clock: w.clock,
		Witness: wit,
		Metrics: metrics.New("test", string(id), metrics.Gauges{Forks: zero, Documents: zero, BadDocs: zero, Stopped: zero, Cosigned: zero, Complaints: zero, LedgerSize: zero, AppliedLog: zero, CommitLog: zero, IsLeader: zero, Records: zero, AuditSinks: zero, LedgerTimeS: zero, Feeds: zero, Hooks: zero, FeedBehind: zero, Emergencies: zero}),
		Log:     slog.New(slog.NewTextHandler(w.log, nil))}
}

// witness is a member's, which works only when it is asked to.
func (w *world) witness(id exchange.MemberID, node *fakeNode, dir string) *witness.Witness {
	w.t.Helper()
	wit, err := witness.Open(witness.Config{Federation: "qinghai", Self: id, Dir: filepath.Join(dir, "witness"), Genesis: w.genesis,
		Keys: fixedKeys(id), Ledger: w.machine, Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)), Check: w.machine.Check,
		Peer:    func(m exchange.MemberID) (witness.Peer, error) { return node.Peer(m) },
		Propose: func(ctx context.Context, payload []byte) error { _, err := w.Propose(ctx, payload); return err }})
	if err != nil {
		w.t.Fatal(err)
	}
	return wit
}

// client speaks to a member's node as an operator with one role.
func (w *world) client(m exchange.MemberID, role config.Role) *client.Client {
	return client.New(&http.Client{Transport: through{w.servers[m].Handler(), caller{local: true}}}, string(m), exchange.OperatorID(role), exchange.En)
}

// reply is an answer that was held against the document.
type reply struct {
	status int
	header http.Header
	body   string
	code   string // of a problem
}

// ask sends a request to a member's node and holds the answer against
// openapi.yaml: its media type, and its members, read strictly.
func (w *world) ask(m exchange.MemberID, c caller, method, target, body string, header ...string) reply {
	w.t.Helper()
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	at, query, _ := strings.Cut(target, "?")
	r.URL.Path, r.URL.RawQuery, r.RequestURI = at, query, target
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.operator != "" {
		r.Header.Set(wire.HeaderOperator, c.operator)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.send(m, r.WithContext(c.context(r.Context())))
}

func (w *world) send(m exchange.MemberID, r *http.Request) reply {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.servers[m].Handler().ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Result().Header, body: rec.Body.String()}
	public := strings.HasPrefix(r.URL.Path, "/ledger/") || strings.HasPrefix(r.URL.Path, "/feeds/") // what caches may keep
	if out.header.Get("X-Content-Type-Options") != "nosniff" || out.header.Get("Cache-Control") != "no-store" && !public {
		w.t.Errorf("%s %s: the answer lacks its protecting headers", r.Method, r.URL.Path)
	}
	if err := out.holds(r); err != nil && r.Method != http.MethodHead {
		w.t.Errorf("%s %s: %v: %d %.200s", r.Method, r.URL.Path, err, out.status, out.body)
	}
	return out
}

// holds says in what an answer differs from the document.
func (out *reply) holds(r *http.Request) error {
	if out.status == http.StatusNotModified && out.body == "" {
		return nil
	}
	media := out.header.Get("Content-Type")
	if out.status != http.StatusOK && !strings.HasPrefix(media, "text/plain") {
		var p wire.Problem
		if media != "application/problem+json" {
			return errors.New("no problem document")
		}
		if err := strictjson.Unmarshal([]byte(out.body), &p); err != nil {
			return err
		}
		if d := exchange.Lookup(p.Code); d == nil || p.Status != out.status || p.Title == "" || p.Detail == "" || p.Type != "urn:accord:error:"+p.Code {
			return errors.New("an incomplete problem")
		}
		out.code = p.Code
		return nil
	}
	doc, err := parsed()
	if err != nil {
		return err
	}
	for _, rt := range routes {
		if rt.method != r.Method && (rt.method != "GET" || r.Method != "HEAD") || !fits(rt.path, r.URL.Path) {
			continue
		}
		op := doc["paths"].(object)[documented(rt.path)].(object)[strings.ToLower(rt.method)].(object)
		answers, ok := op["responses"].(object)[fmt.Sprint(out.status)].(object)
		if !ok {
			return errors.New("a status that is not described")
		}
		described, ok := answers["content"].(object)[strings.Split(media, ";")[0]].(object)
		if !ok {
			return errors.New("a media type that is not described")
		}
		ref, _ := described["schema"].(object)["$ref"].(string)
		return decodes(ref[strings.LastIndex(ref, "/")+1:], media, out.body)
	}
	return errors.New("served and in no table")
}

func decodes(schema, media, body string) error {
	like, ok := bodies[schema]
	if !ok {
		return nil
	}
	lines := []string{body}
	if media == "application/x-ndjson" && body == "" {
		return nil // a stream of nothing
	}
	if media == "application/x-ndjson" {
		lines = strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	}
	for _, line := range lines {
		if err := strictjson.Unmarshal([]byte(line), reflect.New(reflect.TypeOf(like)).Interface()); err != nil {
			return err
		}
	}
	return nil
}

// fits says whether a path is of a pattern.
func fits(pattern, path string) bool {
	if prefix, _, many := strings.Cut(pattern, "{path...}"); many {
		n := strings.Count(prefix, "/")
		return strings.Count(path, "/") >= n && fits(prefix, strings.Join(strings.SplitAfter(path, "/")[:n], ""))
	}
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] && !strings.HasPrefix(p[i], "{") {
			return false
		}
	}
	return true
}

// importSample imports a shipped sample at a member.
func (w *world) importSample(m exchange.MemberID, name string) wire.ImportReport {
	w.t.Helper()
	raw, err := intake.Sample(name)
	if err != nil {
		w.t.Fatal(err)
	}
	report, err := w.client(m, config.Clerk).Import(context.Background(), client.ImportQuery{File: name, Mapping: "auto", AsOf: "2026-11-20"}, bytes.NewReader(raw), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// one is an own record of a member in a category.
func (w *world) one(m exchange.MemberID, category string) wire.Record {
	w.t.Helper()
	page, err := w.client(m, config.Auditor).Records(context.Background(), client.RecordQuery{Category: category, Limit: 1})
	if err != nil || len(page.Records) != 1 {
		w.t.Fatalf("%d records of %s: %v", len(page.Records), category, err)
	}
	return page.Records[0]
}

// code is an error's code, "" for none.
func code(err error) string {
	if err == nil {
		return ""
	}
	return exchange.AsError(err).Code
}

const canary = "金丝雀机密值"
