package node

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"accord/consensus"
	"accord/consensus/transport"
	"accord/crypto/cryptotest"
	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/members"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/founding"
)

// scripted answers proposals one after the other, the last one for ever.
type scripted struct {
	answers []error
	asked   int
}

func (s *scripted) Propose(context.Context, []byte) (consensus.Result, error) {
	err := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	return consensus.Result{Value: []byte("done")}, err
}

// TestNoLaterRefusalHidesAnUnknownOutcome: the first try may be on the ledger,
// whatever becomes of the second.
func TestNoLaterRefusalHidesAnUnknownOutcome(t *testing.T) {
	unknown := consensus.ErrUnknownOutcome
	for name, c := range map[string]struct {
		answers []error
		want    *exchange.Definition
	}{
		"done":                           {[]error{nil}, nil},
		"done at the second try":         {[]error{unknown, nil}, nil},
		"no quorum for a while, then":    {[]error{unknown, consensus.ErrNoQuorum, nil}, nil},
		"no quorum":                      {[]error{consensus.ErrNoQuorum}, ErrNoQuorum},
		"refused":                        {[]error{consensus.ErrRefused}, ErrRefused},
		"unknown, then no quorum":        {[]error{unknown, consensus.ErrNoQuorum}, ErrUnknown},
		"unknown, then too old by clock": {[]error{unknown, consensus.ErrRefused}, ErrUnknown},
		"unknown, then stopped":          {[]error{unknown, consensus.ErrClosed}, ErrUnknown},
		"unknown for ever":               {[]error{unknown}, ErrUnknown},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		p := proposer{log: &scripted{answers: c.answers}, watch: func([]byte) func() { return func() {} },
			inOrder: func(context.Context, []byte) bool { return false }}
		value, err := p.Propose(ctx, []byte("x"))
		cancel()
		if c.want == nil && (err != nil || string(value) != "done") || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %q, %v", name, value, err)
		}
	}
}

func TestOnlyKeysThatCountArePinned(t *testing.T) {
	member := func(id exchange.MemberID, status members.Status, ks ...members.Key) members.Member {
		return members.Member{ID: id, Status: status, Node: members.Node{ID: string(id) + "-1"}, Keys: ks}
	}
	key := func(of string, from, until exchange.Millis) members.Key {
		return members.Key{Public: cryptotest.Public(of, keys.TLS), From: from, Until: until}
	}
	table := newPeerTable([]members.Member{
		member("a", members.Active, key("a-old", 1, 100), key("a-now", 50, 0), key("a-next", 200, 0)),
		member("b", "suspended", key("b", 1, 0)),
		member("c", members.Active, members.Key{Public: cryptotest.Public("c", keys.Seal), From: 1}),
	}, 100)
	if len(table.pins["a-1"]) != 1 || len(table.pins["b-1"]) != 0 || len(table.pins["c-1"]) != 0 {
		t.Errorf("pins %d %d %d", len(table.pins["a-1"]), len(table.pins["b-1"]), len(table.pins["c-1"]))
	}
	if _, ok := table.member("b"); ok {
		t.Error("a suspended member is called upon")
	}
}

func TestRecordsAreNotCountedForEveryQuestion(t *testing.T) {
	var c recordCounter
	counts := 0
	slow := func(ctx context.Context) (int64, error) {
		counts++
		time.Sleep(20 * time.Millisecond)
		return 7, nil
	}
	for range 5 {
		if got := c.get(slow); got != 7 {
			t.Errorf("%d records", got)
		}
	}
	if counts != 1 {
		t.Errorf("a store that takes long was counted %d times at once", counts)
	}
	c.until = time.Time{}
	if got := c.get(func(context.Context) (int64, error) { return 0, errors.New("disk") }); got != 7 {
		t.Errorf("a store that does not answer has %d records", got)
	}
}

func TestAGateWaitsForWhatRuns(t *testing.T) {
	var g gate
	inside, ended := make(chan struct{}), false
	srv := &http.Server{BaseContext: func(net.Listener) context.Context { return g.context() },
		Handler: g.count(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(inside)
			<-r.Context().Done()
			time.Sleep(20 * time.Millisecond)
			ended = true
		}))}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(ln)
	go http.Get("http://" + ln.Addr().String())
	<-inside
	srv.Close()
	g.close()
	if !ended {
		t.Error("the gate closed over a request that ran")
	}
}

// founded makes the folders of a federation and gives a member's configuration.
func founded(t *testing.T) func(member string) config.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "an")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	plan := demo.Plan{Nodes: demo.Agencies()}
	for i := range plan.Nodes {
		plan.Nodes[i].Listen = "127.0.0.1:0"
		plan.Nodes[i].Advertise = fmt.Sprintf("127.0.0.1:%d", 7101+i)
	}
	if err := demo.Found(t.Context(), dir, plan); err != nil {
		t.Fatal(err)
	}
	return func(member string) config.Config {
		cfg, _, err := config.Load(filepath.Join(dir, member), func(string) (string, bool) { return "", false }, nil)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
}

// certificateOf is a member's, from its own folder.
func certificateOf(t *testing.T, cfg config.Config) tls.Certificate {
	t.Helper()
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := (&Node{keys: store}).certificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestClosingWithAPeerAtTheDoor: the log did not open, and a peer's stream waits
// to be taken by it.
func TestClosingWithAPeerAtTheDoor(t *testing.T) {
	of := founded(t)
	cert := certificateOf(t, of("court"))
	n := &Node{cfg: of("regulator"), opts: Options{Clock: time.Now}, log: slog.New(slog.DiscardHandler), failed: make(chan error, 1)}
	for _, step := range []func() error{n.openFolder, n.openIdentity, n.openKeys, n.openMachine, n.openNetwork} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	idle, err := net.Dial("tcp", n.front.Addr().String()) // a stranger that says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	peer, err := tls.Dial("tcp", n.front.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{transport.ProtoRaft}, Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	for n.shaking() > 1 { // the peer's turn ends when its stream is with the log's transport
		time.Sleep(time.Millisecond)
	}
	begin := time.Now()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took >= handshakeTimeout {
		t.Errorf("a stranger that says nothing held the node for %v", took)
	}
	if err := n.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
}

func (n *Node) shaking() int {
	n.front.mu.Lock()
	defer n.front.mu.Unlock()
	return n.front.shaking
}

// TestStrangersDoNotTakeThePort: connections that nobody answers for are
// limited, and a member is still let in.
//
// Shows: B1, g9
func TestStrangersDoNotTakeThePort(t *testing.T) {
	of := founded(t)
	cert := certificateOf(t, of("court"))
	n, err := Open(of("regulator"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	address := n.front.Addr().String()
	get := func(certificates ...tls.Certificate) (*tls.Conn, int) {
		conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, Certificates: certificates})
		if err != nil {
			return nil, 0
		}
		t.Cleanup(func() { conn.Close() })
		fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: node\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return conn, 0
		}
		resp.Body.Close()
		return conn, resp.StatusCode
	}
	n.front.mu.Lock()
	n.front.strangers = maxStrangers - 1
	n.front.mu.Unlock()
	first, status := get()
	if status != http.StatusOK {
		t.Fatalf("the last place was not given: %d", status)
	}
	if _, status := get(); status != 0 {
		t.Errorf("one too many was answered %d", status)
	}
	if _, status := get(cert); status != http.StatusOK {
		t.Errorf("strangers keep a member out: %d", status)
	}
	first.Close()
	for status := 0; status != http.StatusOK; _, status = get() { // its place is free again
		time.Sleep(time.Millisecond)
	}
}

// TestHandshakesAreCapped: who opens connections and does not speak fills the places
// of its own address and of no other; it is counted, and the places come back.
//
// Shows: B1, F32, g9
func TestHandshakesAreCapped(t *testing.T) {
	n, err := Open(founded(t)("regulator"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	f := n.front
	var silent []net.Conn
	for range maxFromHost {
		conn, err := net.Dial("tcp", f.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	shaking := func() int {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.shaking
	}
	for shaking() < maxFromHost {
		time.Sleep(time.Millisecond)
	}
	shake := func() error {
		conn, err := tls.Dial("tcp", f.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			conn.Close()
		}
		return err
	}
	if shake() == nil {
		t.Error("one more than there are places shook hands")
	}
	if got := n.tls.Refused()[transport.RefusalKey{Peer: "127.0.0.1", Rule: "too-many-handshakes"}]; got != 1 {
		t.Errorf("%d are counted: %v", got, n.tls.Refused())
	}
	if !f.begin("192.0.2.7") {
		t.Error("another address finds no place")
	}
	f.end("192.0.2.7")
	for _, conn := range silent[:maxFromHost/2] { // some leave, the others are put out in time
		conn.Close()
	}
	for shaking() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	if err := shake(); err != nil {
		t.Errorf("the places did not come back: %v", err)
	}
}

// TestARemovedMemberLosesItsOldConnection: who asks is decided at each request.
//
// Shows: B4, g1
func TestARemovedMemberLosesItsOldConnection(t *testing.T) {
	of := founded(t)
	cert := certificateOf(t, of("court"))
	n, err := Open(of("regulator"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.caughtUp.Store(true) // alone it never would
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{cert}}}
	defer tr.CloseIdleConnections()
	get := func() int {
		resp, err := (&http.Client{Transport: tr}).Get("https://" + n.front.Addr().String() + "/api/v1/ledger/statements?read=local")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get(); got != http.StatusOK {
		t.Fatalf("a member gets %d", got)
	}
	for try := 0; ; try++ {
		n.peerTable.Store(newPeerTable(nil, 0))
		if get() == http.StatusForbidden {
			return
		}
		if try == 10 { // the ledger's members come back once a second
			t.Fatal("a member that was removed is served on")
		}
	}
}

// copied copies the folders of a founded federation and gives the configuration
// of a member's.
func copied(t *testing.T, from config.Config) config.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "an")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	err = filepath.WalkDir(from.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(path, from.Dir))
		if d.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	from.Dir = dir
	return from
}

// Shows: B14
func TestWhatKeepsANodeFromStarting(t *testing.T) {
	of := founded(t)
	other := of("commission").Dir
	n, err := Open(of("court"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spoil func(dir string) error
		want  error
	}{
		"nothing":                     {func(string) error { return nil }, nil},
		"others may enter the folder": {func(dir string) error { return os.Chmod(dir, 0o755) }, founding.ErrFolder},
		"another member's keystore": {func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "keys")), os.Rename(filepath.Join(other, "keys"), filepath.Join(dir, "keys")),
				os.Rename(filepath.Join(other, "passphrase"), filepath.Join(dir, "passphrase")))
		}, ErrStart},
		"a log that is gone": {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "ledger")) }, ErrStart},
		"a log of another charter": {func(dir string) error {
			return founding.MarkStarted(dir, "sha256:"+strings.Repeat("0", 64))
		}, ErrStart},
		"a damaged mark": {func(dir string) error { return os.WriteFile(filepath.Join(dir, "started"), nil, 0o600) }, founding.ErrFolder},
		"something in the socket's place": {func(dir string) error {
			return os.MkdirAll(filepath.Join(dir, "accord.sock", "x"), 0o700)
		}, ErrListen},
	} {
		cfg := copied(t, of("court"))
		if err := c.spoil(cfg.Dir); err != nil {
			t.Fatal(err)
		}
		n, err := Open(cfg, Options{})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if n != nil {
			n.Close()
		}
	}
}

// TestACrashBeforeTheMark: the log was founded and the mark that says so was not
// written.
func TestACrashBeforeTheMark(t *testing.T) {
	cfg := founded(t)("court")
	for range 2 {
		n, err := Open(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(cfg.Dir, "started")); err != nil {
			t.Fatal(err)
		}
	}
}
