package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"accord/node/demo"
)

// etcd is the rival: three members with their default durability (every
// acknowledged write is in the write-ahead log of a majority, synced) and the
// election timeout of ours, which is etcd's default.
type etcd struct {
	program string
	version string
	dir     string
	client  []string // addresses
	peer    []string
	nodes   []*process
	keys    atomic.Int64 // how many were put
}

// findEtcd looks for the rival on this machine; nil when it is not there.
func findEtcd(ctx context.Context, dir string) *etcd {
	program, err := exec.LookPath("etcd")
	if err != nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	first, _, _ := strings.Cut(string(out), "\n")
	version, ok := strings.CutPrefix(first, "etcd Version: ")
	if err != nil || !ok {
		return nil
	}
	return &etcd{program: program, version: strings.TrimSpace(version), dir: dir}
}

func (e *etcd) name(i int) string { return "etcd-" + strconv.Itoa(i+1) }

// start founds a cluster of three and waits for its leader.
func (e *etcd) start(ctx context.Context) error {
	addresses, err := demo.FreeAddresses(6)
	if err != nil {
		return err
	}
	e.client, e.peer, e.nodes = addresses[:3], addresses[3:], nil
	for i := range 3 {
		p := e.process(i, "new")
		if err := p.start(); err != nil {
			return err
		}
		e.nodes = append(e.nodes, p)
	}
	_, err = e.leader(ctx)
	return err
}

func (e *etcd) process(i int, state string) *process {
	var cluster []string
	for j := range e.peer {
		cluster = append(cluster, e.name(j)+"=http://"+e.peer[j])
	}
	return &process{name: e.name(i), dir: e.dir, argv: []string{e.program, "--name", e.name(i), "--data-dir", filepath.Join(e.dir, e.name(i)),
		"--listen-client-urls", "http://" + e.client[i], "--advertise-client-urls", "http://" + e.client[i],
		"--listen-peer-urls", "http://" + e.peer[i], "--initial-advertise-peer-urls", "http://" + e.peer[i],
		"--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", state,
		"--election-timeout", strconv.FormatInt(electionTimeout.Milliseconds(), 10),
		"--quota-backend-bytes", strconv.Itoa(16 << 30), "--logger", "zap", "--log-level", "error"}}
}

// status asks a member who it is and who leads.
func (e *etcd) status(ctx context.Context, i int) (self, leader uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	g := newGRPC(e.client[i])
	defer g.close()
	answer, err := g.call(ctx, methodStatus, nil)
	if err != nil {
		return 0, 0, err
	}
	_, header := protoField(answer, 1)
	self, _ = protoField(header, 2)
	leader, _ = protoField(answer, 4)
	return self, leader, nil
}

// leader is the member that leads.
func (e *etcd) leader(ctx context.Context) (int, error) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		for i, p := range e.nodes {
			if !p.running() {
				continue
			}
			if self, leader, err := e.status(ctx, i); err == nil && leader != 0 && self == leader {
				return i, nil
			}
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return 0, ErrServer.With("name", "etcd", "why", "no leader", "log", e.dir)
}

// count is how many keys a member has, by its own word.
func (e *etcd) count(ctx context.Context, i int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	g := newGRPC(e.client[i])
	defer g.close()
	answer, err := g.call(ctx, methodRange, etcdCount())
	n, _ := protoField(answer, 4)
	return int(n), err
}

// wipe removes what the members stored.
func (e *etcd) wipe() {
	for i := range e.peer {
		e.remove(i)
	}
}

func (e *etcd) remove(i int) { os.RemoveAll(filepath.Join(e.dir, e.name(i))) }

// key is the n-th key, as long as an entry's id.
func key(n int64) []byte { return fmt.Appendf(nil, "%022d", n) }

// putter puts values, one or several in a transaction, under new keys.
type putter struct {
	conn   *grpcConn
	keys   *atomic.Int64
	value  []byte
	within int // puts in one transaction; 1: no transaction
}

func (p *putter) do() error {
	if p.within == 1 {
		_, err := p.conn.call(context.Background(), methodPut, etcdPut(key(p.keys.Add(1)), p.value))
		return err
	}
	keys, values := make([][]byte, p.within), make([][]byte, p.within)
	for i := range keys {
		keys[i], values[i] = key(p.keys.Add(1)), p.value
	}
	_, err := p.conn.call(context.Background(), methodTxn, etcdTxn(keys, values))
	return err
}

func (p *putter) close() { p.conn.close() }

// getter gets one of the keys that were put.
type getter struct {
	conn         *grpcConn
	keys         int64
	serializable bool
}

func (g *getter) do() error {
	answer, err := g.conn.call(context.Background(), methodRange, etcdGet(key(1+rand.Int64N(g.keys)), g.serializable))
	if err != nil {
		return err
	}
	if _, kv := protoField(answer, 2); len(kv) == 0 {
		return fmt.Errorf("bench: etcd has no such key")
	}
	return nil
}

func (g *getter) close() { g.conn.close() }
