package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"accord/crypto/keys"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
	"accord/node/founding"
	"accord/node/wire"
)

// electionTimeout is that of both systems: etcd's default.
const electionTimeout = time.Second

// federation is a few members' nodes, each a process of its own with durable
// storage.
type federation struct {
	dir     string
	plan    demo.Plan
	nodes   []*process
	clients []*client.Client
	signer  *signer
}

// found founds a federation of so many in dir, the ordinary way, and keeps one
// member's keys for signing.
func found(ctx context.Context, dir string, members int) (*federation, error) {
	document, _ := catalogue.Demo()
	return foundUnder(ctx, dir, demo.Agencies()[:members], document)
}

// foundUnder is found for any members and catalogue.
func foundUnder(ctx context.Context, dir string, members []demo.PlanNode, document []byte) (*federation, error) {
	f := &federation{dir: dir, plan: demo.Plan{Nodes: members}}
	addresses, err := demo.FreeAddresses(len(f.plan.Nodes))
	if err != nil {
		return nil, err
	}
	for i := range f.plan.Nodes {
		f.plan.Nodes[i].Listen, f.plan.Nodes[i].Advertise = addresses[i], addresses[i]
		f.clients = append(f.clients, f.clientOf(f.plan.Nodes[i].Member))
	}
	if err := demo.FoundUnder(ctx, dir, f.plan, document); err != nil {
		return nil, err
	}
	f.signer, err = newSigner(f.member(0), filepath.Join(dir, string(f.member(0))))
	return f, err
}

func newSigner(m exchange.MemberID, dir string) (*signer, error) {
	cfg, _, err := config.Load(dir, func(string) (string, bool) { return "", false }, nil)
	if err != nil {
		return nil, err
	}
	store, err := founding.OpenKeys(cfg)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	s := &signer{member: m}
	for use, key := range map[keys.Use]*keys.Private{keys.Command: &s.command, keys.Attest: &s.attest, keys.Release: &s.release} {
		if *key, err = store.Key(use); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (f *federation) member(i int) exchange.MemberID {
	return exchange.MemberID(f.plan.Nodes[i].Member)
}

func (f *federation) dataDir(i int) string { return filepath.Join(f.dir, f.plan.Nodes[i].Member) }

// start runs all nodes with program and settings and waits until they are ready.
func (f *federation) start(ctx context.Context, program []string, settings ...string) error {
	f.nodes = nil
	for _, n := range f.plan.Nodes {
		p := f.process(n.Member, program, settings...)
		if err := p.start(); err != nil {
			return err
		}
		f.nodes = append(f.nodes, p)
	}
	for i := range f.nodes {
		if err := f.ready(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// process is a member's node.
func (f *federation) process(member string, program []string, settings ...string) *process {
	argv := append(append([]string{}, program...), "--dir", filepath.Join(f.dir, member))
	for _, s := range append([]string{"raft.timeout=" + electionTimeout.String(), "log.level=warn"}, settings...) {
		argv = append(argv, "--set", s)
	}
	return &process{name: member, dir: f.dir, argv: argv}
}

// startLimit is how long a server may take to be ready.
const startLimit = 10 * time.Minute

// ready waits until a node is: it follows a leader and has applied what was
// committed.
func (f *federation) ready(ctx context.Context, i int) error {
	return until(ctx, f.nodes[i], 5*time.Millisecond, func() bool {
		s, err := f.status(ctx, i)
		return err == nil && s.Ready
	})
}

// until asks again and again whether a server has come so far.
func until(ctx context.Context, p *process, every time.Duration, so func() bool) error {
	for deadline := time.Now().Add(startLimit); !so(); {
		if !p.running() {
			return ErrServer.With("name", p.name, "why", "stopped", "log", filepath.Join(p.dir, p.name+".log"))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if time.Now().After(deadline) {
			return ErrServer.With("name", p.name, "why", "is not ready", "log", filepath.Join(p.dir, p.name+".log"))
		}
		time.Sleep(every)
	}
	return nil
}

func (f *federation) clientOf(member string) *client.Client {
	return client.Local(config.SocketPath(filepath.Join(f.dir, member)), demo.Operator, exchange.En)
}

func (f *federation) socket(i int) string { return config.SocketPath(f.dataDir(i)) }

func (f *federation) status(ctx context.Context, i int) (wire.NodeStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return f.clients[i].Status(ctx)
}

// leader is the node that leads.
func (f *federation) leader(ctx context.Context) (int, error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		for i, p := range f.nodes {
			if !p.running() {
				continue
			}
			if s, err := f.status(ctx, i); err == nil && s.LeaderOf == f.member(i) {
				return i, nil
			}
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return 0, ErrServer.With("name", "accord", "why", "no leader", "log", f.dir)
}

// stream is an open stream of statements to a node's local socket, written by
// hand to cost the machine little: the load comes from the same processors.
type stream struct {
	conn net.Conn
	in   *bufio.Reader
	work <-chan statement
	done []exchange.EntryID // on the ledger, the first keepIDs of them
	buf  []byte
}

// keepIDs is how many ids a stream remembers for lookups.
const keepIDs = 1000

func newStream(socket string, work <-chan statement) (*stream, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	head := "POST /api/v1/ledger/statements HTTP/1.1\r\nHost: node\r\nContent-Type: application/jose-lines\r\n" +
		wire.HeaderOperator + ": " + string(demo.Operator) + "\r\nTransfer-Encoding: chunked\r\n\r\n"
	if _, err := io.WriteString(conn, head); err != nil {
		conn.Close()
		return nil, err
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		conn.Close()
		return nil, fmt.Errorf("bench: the stream of statements is not taken: %w", err)
	}
	return &stream{conn: conn, in: bufio.NewReader(httputil.NewChunkedReader(in)), work: work}, nil
}

// do submits the next statement and waits for the ledger's yes.
func (s *stream) do() error {
	st, ok := <-s.work
	if !ok {
		return errDry
	}
	err := s.submit(st.token)
	if err == nil && len(s.done) < keepIDs {
		s.done = append(s.done, st.entries...)
	}
	return err
}

func (s *stream) submit(token []byte) error {
	s.buf = strconv.AppendInt(s.buf[:0], int64(len(token)+1), 16)
	s.buf = append(append(append(s.buf, "\r\n"...), token...), "\n\r\n"...)
	if _, err := s.conn.Write(s.buf); err != nil {
		return err
	}
	line, err := s.in.ReadSlice('\n')
	if errors := err == bufio.ErrBufferFull; errors { // an answer about many entries
		line = append([]byte{}, line...)
		var rest []byte
		rest, err = s.in.ReadBytes('\n')
		line = append(line, rest...)
	}
	if err != nil {
		return err
	}
	if !bytes.Contains(line, []byte(`"ok":true`)) {
		return fmt.Errorf("bench: the ledger answers %.300s", line)
	}
	return nil
}

func (s *stream) close() { s.conn.Close() }

// reader asks for one thing after the other over the local socket.
type reader struct {
	conn net.Conn
	in   *bufio.Reader
	next func() string // path and query
	head string
}

func newReader(socket string, next func() string) (*reader, error) {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, err
	}
	return &reader{conn: conn, in: bufio.NewReaderSize(conn, 8<<10), next: next,
		head: " HTTP/1.1\r\nHost: node\r\n" + wire.HeaderOperator + ": " + string(demo.Operator) + "\r\n\r\n"}, nil
}

func (r *reader) do() error {
	if _, err := io.WriteString(r.conn, "GET "+r.next()+r.head); err != nil {
		return err
	}
	status, err := r.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("bench: a lookup is answered %.40s", status)
	}
	length := -1
	for {
		line, err := r.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := strings.CutPrefix(string(line), "Content-Length: "); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("bench: an answer without its length")
	}
	_, err = r.in.Discard(length)
	return err
}

func (r *reader) close() { r.conn.Close() }
