package faulttest

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"accord/exchange"
	"accord/node/client"
	"accord/node/config"
	"accord/node/demo"
)

// Options of a federation under test.
type Options struct {
	Nodes    int               // 3 to 5; 3
	Settings map[string]string // of every node's configuration, by key; raft.timeout is 800ms
	Orders   []string          // to every node's fail points from the start, as package failpoint takes them
	Seed     uint64            // of the wire's chances
	// Volume, if not nil, makes the folder a node's data lives in before the
	// federation is founded there, for a file system of its own.
	Volume func(member, dir string)
}

// Federation is a federation of real processes under test.
type Federation struct {
	T       testing.TB
	Dir     string
	Members []string // whom the roster lists, as the test sees it; for one goroutine
	Guests  []string // nodes beside them that come or go, and may lead
	Wire    *Wire
	// Patience bounds every wait, 5 min; nothing is judged by how long it takes.
	Patience time.Duration

	options Options
	plan    demo.Plan
	wholes  atomic.Int64 // entries on the list that is read whole

	mu        sync.Mutex
	dials     map[string][]string // orders to a node: whom to reach through which proxy; guarded by mu, like all below
	processes map[string]*process
	wrappers  map[string][]string
	orders    map[string][]string
	settings  map[string]map[string]string
	paused    map[string]bool
	clients   map[string]*client.Client
}

// agencies may put entries on the red list, all but the court, which asks for
// releases.
var agencies = []demo.PlanNode{
	{Member: "regulator", Kind: exchange.KindRegulator, Name: exchange.Text{Zh: "例省保险监管局", En: "Example Insurance Regulator"}},
	{Member: "commission", Kind: exchange.KindCommission, Name: exchange.Text{Zh: "例省发展和改革委员会", En: "Example Development and Reform Commission"}},
	{Member: "association", Kind: exchange.KindAssociation, Name: exchange.Text{Zh: "例省保险行业协会", En: "Example Insurance Association"}},
	{Member: "court", Kind: exchange.KindCourt, Name: exchange.Text{Zh: "例市中级人民法院", En: "Example Intermediate Court"}},
	{Member: "chapter", Kind: exchange.KindAssociation, Name: exchange.Text{Zh: "例市保险行业协会", En: "Example Insurance Association, chapter"}},
}

// New founds a federation in a temporary folder; no node runs yet. What is left
// when the test ends is stopped and removed.
func New(t testing.TB, o Options) *Federation {
	t.Helper()
	if o.Nodes == 0 {
		o.Nodes = 3
	}
	dir, err := os.MkdirTemp("", "af") // short: a socket's path has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	f := &Federation{T: t, Dir: dir, Wire: newWire(o.Seed), Patience: 5 * time.Minute, options: o, plan: demo.Plan{Nodes: slices.Clone(agencies[:o.Nodes])},
		dials: map[string][]string{}, processes: map[string]*process{}, wrappers: map[string][]string{},
		orders: map[string][]string{}, paused: map[string]bool{}, settings: map[string]map[string]string{}, clients: map[string]*client.Client{}}
	t.Cleanup(f.close)
	Program(t)
	addresses, err := freeAddresses(o.Nodes)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.plan.Nodes {
		n := &f.plan.Nodes[i]
		n.Listen, n.Advertise = addresses[i], addresses[i]
		f.Members = append(f.Members, n.Member)
		if o.Volume != nil {
			o.Volume(n.Member, f.DataDir(n.Member))
		}
	}
	if err := demo.Found(t.Context(), dir, f.plan); err != nil {
		t.Fatal(err)
	}
	for _, from := range f.plan.Nodes {
		for _, to := range f.plan.Nodes {
			f.connect(from, to)
		}
	}
	return f
}

// connect puts a proxy into one direction of a link.
func (f *Federation) connect(from, to demo.PlanNode) {
	f.T.Helper()
	if from.Member == to.Member {
		return
	}
	proxy, err := f.Wire.open(from.Member, to.Member, to.Listen)
	if err != nil {
		f.T.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.dials[from.Member] = append(f.dials[from.Member], "dial:"+to.Advertise+"="+proxy)
}

// Run is New with all nodes started and ready.
func Run(t testing.TB, o Options) *Federation {
	t.Helper()
	f := New(t, o)
	f.StartAll()
	return f
}

// DataDir is a node's data folder, ControlPath its orders, LogPath its log.
func (f *Federation) DataDir(member string) string { return filepath.Join(f.Dir, member) }

func (f *Federation) ControlPath(member string) string {
	return filepath.Join(f.Dir, member+".faults")
}

func (f *Federation) LogPath(member string) string { return filepath.Join(f.Dir, member+".log") }

// Client speaks to a node over its local socket as an operator who may do
// everything.
func (f *Federation) Client(member string) *client.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients[member] == nil {
		f.clients[member] = client.Local(config.SocketPath(f.DataDir(member)), demo.Operator, exchange.En)
	}
	return f.clients[member]
}

// Wrap puts a command line, for instance strace's, in front of a node at its next
// start; none takes it away again.
func (f *Federation) Wrap(member string, line ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wrappers[member] = line
}

// Order gives a node's fail points these orders in place of the ones before; a
// running, unpaused node has obeyed when it returns.
func (f *Federation) Order(member string, orders ...string) {
	f.T.Helper()
	f.mu.Lock()
	f.orders[member] = orders
	running := f.processes[member] != nil && f.processes[member].running() && !f.paused[member]
	f.mu.Unlock()
	text := f.writeOrders(member)
	if !running {
		return
	}
	obeyed := fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text)))
	f.Eventually(member+" obeys", func() bool {
		raw, _ := os.ReadFile(f.ControlPath(member) + ".obeyed") // not there yet
		return strings.HasSuffix(strings.TrimSpace(string(raw)), obeyed) || !f.Running(member)
	})
}

func (f *Federation) writeOrders(member string) string {
	f.T.Helper()
	f.mu.Lock()
	all := slices.Concat(f.dials[member], f.options.Orders, f.orders[member])
	f.mu.Unlock()
	text := strings.Join(all, "\n") + "\n"
	path := f.ControlPath(member)
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		f.T.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.T.Fatal(err)
	}
	return text
}

// Configure sets a key of one node's configuration from its next start on.
func (f *Federation) Configure(member, key, value string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settings[member] == nil {
		f.settings[member] = map[string]string{}
	}
	f.settings[member][key] = value
}

// Seen and Fired list the fail points a node has reached and those that fired,
// over all its starts.
func (f *Federation) Seen(member string) []string { return lines(f.ControlPath(member) + ".seen") }

func (f *Federation) Fired(member string) []string { return lines(f.ControlPath(member) + ".fired") }

func lines(path string) []string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(raw))
}

// Start starts a node; starting a running one does nothing.
func (f *Federation) Start(member string) {
	f.T.Helper()
	if f.Running(member) {
		return
	}
	f.writeOrders(member)
	env := []string{"ACCORD_FAILPOINTS_CONTROL=" + f.ControlPath(member)}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, k := range config.Keys() {
		for _, settings := range []map[string]string{f.options.Settings, f.settings[member]} { // the last one counts
			if v, set := settings[k.Name]; set {
				env = append(env, k.Env()+"="+v)
			}
		}
	}
	p, err := launch(Program(f.T), f.DataDir(member), f.wrappers[member], env, f.LogPath(member))
	if err != nil {
		f.T.Fatal(err)
	}
	f.processes[member], f.paused[member] = p, false
}

// StartAll starts all nodes and waits until they are ready.
func (f *Federation) StartAll() {
	f.T.Helper()
	for _, m := range f.Members {
		f.Start(m)
	}
	f.Ready(f.Members...)
}

func (f *Federation) process(member string) *process {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.processes[member]
}

// Running says whether a node's process is there, paused or not.
func (f *Federation) Running(member string) bool {
	p := f.process(member)
	return p != nil && p.running()
}

// PID is the node's process, or its wrapper's.
func (f *Federation) PID(member string) int { return f.process(member).cmd.Process.Pid }

// Kill ends a node as kill -9 does; killing one that is gone does nothing.
func (f *Federation) Kill(member string) {
	f.T.Helper()
	if p := f.process(member); p != nil && p.running() {
		if err := p.signal(syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			f.T.Fatal(err)
		}
		<-p.gone
	}
}

// Stop ends a node gently.
func (f *Federation) Stop(member string) {
	f.T.Helper()
	if p := f.process(member); p != nil && p.running() {
		p.stdin.Close()
		select {
		case <-p.gone:
		case <-time.After(20 * time.Second):
			f.T.Errorf("%s does not stop", member)
			f.Kill(member)
		}
	}
}

// Pause stops a node's clockwork with SIGSTOP; Continue lets it go on.
func (f *Federation) Pause(member string) {
	f.T.Helper()
	f.mark(member, true)
	if p := f.process(member); p != nil && p.running() {
		if err := p.signal(syscall.SIGSTOP); err != nil {
			f.T.Fatal(err)
		}
	}
}

func (f *Federation) Continue(member string) {
	f.T.Helper()
	if p := f.process(member); p != nil && p.running() {
		if err := p.signal(syscall.SIGCONT); err != nil {
			f.T.Fatal(err)
		}
	}
	f.mark(member, false)
}

func (f *Federation) mark(member string, paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused[member] = paused
}

// Ended waits for a node to end by itself and gives its exit code, -1 for a
// signal. It fails with [ErrSurvived] when the time is over.
func (f *Federation) Ended(member string, within time.Duration) (int, error) {
	p := f.process(member)
	if p == nil {
		return 0, fmt.Errorf("faulttest: %s was never started", member)
	}
	select {
	case <-p.gone:
		return p.state.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("%w: %s", ErrSurvived, member)
	}
}

// Eventually waits until ok.
func (f *Federation) Eventually(what string, ok func() bool) {
	f.T.Helper()
	for end := time.Now().Add(f.Patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			f.T.Fatalf("never: %s", what)
		}
	}
}

// Ready waits until the nodes are ready: they follow a leader and have applied
// what was committed.
func (f *Federation) Ready(members ...string) {
	f.T.Helper()
	for _, m := range members {
		c, why := f.Client(m), ""
		f.Eventually(m+" is ready", func() bool {
			if !f.Running(m) {
				f.T.Fatalf("%s has stopped: %s", m, f.tail(m))
			}
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			s, err := c.Status(ctx)
			if now := fmt.Sprint(s.Why, err); now != why {
				why = now
			}
			return err == nil && s.Ready
		})
	}
}

// Leader waits for a node that leads and that a majority follows.
func (f *Federation) Leader() string {
	f.T.Helper()
	found := ""
	f.Eventually("a leader that a majority follows", func() bool {
		found = f.LeaderNow()
		return found != ""
	})
	return found
}

// LeaderNow is the member that leads and that a majority of all nodes follows at
// this moment, or "".
func (f *Federation) LeaderNow() string {
	followers := map[exchange.MemberID]int{}
	leads := map[exchange.MemberID]bool{}
	for _, m := range slices.Concat(f.Members, f.Guests) {
		f.mu.Lock()
		paused := f.paused[m]
		f.mu.Unlock()
		if paused || !f.Running(m) {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		s, err := f.Client(m).Status(ctx)
		cancel()
		if err == nil && s.LeaderOf != "" {
			if slices.Contains(f.Members, m) {
				followers[s.LeaderOf]++
			}
			leads[s.LeaderOf] = leads[s.LeaderOf] || s.LeaderOf == s.Member
		}
	}
	for m, n := range followers {
		if leads[m] && n > len(f.Members)/2 {
			return string(m)
		}
	}
	return ""
}

// Others are all members but these.
func (f *Federation) Others(not ...string) []string {
	return slices.DeleteFunc(slices.Clone(f.Members), func(m string) bool { return slices.Contains(not, m) })
}

// Heal undoes everything: orders, wrappers, pauses and cuts; nodes that are down
// are started. It returns when all are ready.
func (f *Federation) Heal() {
	f.T.Helper()
	f.Wire.HealAll()
	for _, m := range f.Members {
		f.Continue(m)
		f.Wrap(m)
		f.Order(m)
		f.Start(m)
	}
	f.Ready(f.Members...)
}

// tail is the end of a node's log.
func (f *Federation) tail(member string) string {
	raw, err := os.ReadFile(f.LogPath(member))
	if err != nil {
		return err.Error()
	}
	return string(raw[max(0, len(raw)-2500):])
}

func (f *Federation) close() {
	for _, n := range f.plan.Nodes { // who left, too
		m := n.Member
		if f.T.Failed() {
			f.T.Logf("%s: …%s", m, f.tail(m))
		}
		if p := f.process(m); p != nil && p.running() {
			_ = p.signal(syscall.SIGKILL) // it may end at this moment by itself
			<-p.gone
		}
	}
	f.Wire.Close()
	if err := os.RemoveAll(f.Dir); err != nil {
		f.T.Error(err)
	}
}
