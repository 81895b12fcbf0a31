//go:build failpoints

package failpoint

import (
	"context"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Enabled says whether this build takes orders.
const Enabled = true

// order is what to do at a point.
type order struct {
	action string // crash, panic or delay
	delay  time.Duration
	at     int // the hit at which to act, counted since the order came; 0: every hit
	hits   int
}

type registry struct {
	mu      sync.Mutex
	control string
	text    string            // the control file as last read
	orders  map[string]*order // guarded by mu, like all below
	dials   map[string]string
	offset  time.Duration
	looks   time.Duration
	grown   int64
	cosign  time.Duration
	seen    map[string]bool
}

// theRegistry obeys the environment. A wrong order ends the process: a test that
// misspells one must not pass.
var theRegistry = sync.OnceValue(func() *registry {
	r := &registry{control: os.Getenv("ACCORD_FAILPOINTS_CONTROL"), seen: map[string]bool{}}
	r.obey(os.Getenv("ACCORD_FAILPOINTS"))
	if r.control != "" {
		r.look()
		go func() {
			for range time.Tick(10 * time.Millisecond) {
				r.look()
			}
		}()
	}
	return r
})

// look obeys the control file if it has changed.
func (r *registry) look() {
	raw, err := os.ReadFile(r.control)
	if err != nil || string(raw) == r.text {
		return
	}
	r.text = string(raw)
	r.obey(os.Getenv("ACCORD_FAILPOINTS") + ";" + r.text)
	r.note(".obeyed", fmt.Sprintf("%08x", crc32.ChecksumIEEE(raw)))
}

// obey replaces all orders.
func (r *registry) obey(text string) {
	orders, dials := map[string]*order{}, map[string]string{}
	var offset, looks, cosign time.Duration
	var grown int64
	for _, s := range strings.FieldsFunc(text, func(c rune) bool { return c == ';' || c == '\n' }) {
		name, what, ok := strings.Cut(strings.TrimSpace(s), "=")
		var err error
		switch from, dial := strings.CutPrefix(name, "dial:"); {
		case !ok:
			err = fmt.Errorf("no action")
		case dial:
			dials[from] = what
		case name == "clock":
			offset, err = time.ParseDuration(what)
		case name == "snapshots":
			looks, err = time.ParseDuration(what)
		case name == "grown":
			grown, err = strconv.ParseInt(what, 10, 64)
		case name == "cosign":
			cosign, err = time.ParseDuration(what)
		case !slices.Contains(names, name):
			err = fmt.Errorf("no such point")
		default:
			orders[name], err = parseOrder(what)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "failpoint: %q: %v\n", s, err)
			os.Exit(97)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders, r.dials, r.offset, r.looks, r.grown, r.cosign = orders, dials, offset, looks, grown, cosign
}

func parseOrder(s string) (*order, error) {
	o := &order{}
	what, at, counted := strings.Cut(s, "@")
	if counted {
		n, err := strconv.Atoi(at)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("@%s is no count", at)
		}
		o.at = n
	}
	action, delay, _ := strings.Cut(what, ":")
	switch o.action = action; action {
	case "crash", "panic":
		return o, nil
	case "delay":
		var err error
		o.delay, err = time.ParseDuration(delay)
		return o, err
	}
	return nil, fmt.Errorf("no such action")
}

// note adds a line to a file beside the control file.
func (r *registry) note(suffix, text string) {
	if r.control == "" {
		return
	}
	f, err := os.OpenFile(r.control+suffix, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	fmt.Fprintln(f, text)
	f.Close()
}

// Hit does what was ordered for a point.
func Hit(point string) {
	r := theRegistry()
	r.mu.Lock()
	if !r.seen[point] {
		r.seen[point] = true
		r.note(".seen", point)
	}
	o := r.orders[point]
	act := false
	if o != nil {
		o.hits++
		act = o.at == 0 || o.at == o.hits
	}
	if act && o.hits <= max(1, o.at) {
		r.note(".fired", point)
	}
	r.mu.Unlock()
	if !act {
		return
	}
	switch o.action {
	case "crash":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "panic":
		panic("failpoint: " + point)
	case "delay":
		time.Sleep(o.delay)
	}
}

// Hook is Hit.
func Hook() func(string) { return Hit }

// Clock is base with the ordered offset.
func Clock(base func() time.Time) func() time.Time {
	r := theRegistry()
	return func() time.Time {
		r.mu.Lock()
		defer r.mu.Unlock()
		return base().Add(r.offset)
	}
}

// Dial connects to the address ordered in place of the one meant.
func Dial() func(ctx context.Context, network, address string) (net.Conn, error) {
	r := theRegistry()
	d := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		r.mu.Lock()
		to, ordered := r.dials[address]
		r.mu.Unlock()
		if !ordered {
			to = address
		}
		return d.DialContext(ctx, network, to)
	}
}

// SnapshotInterval is how often the log is to look whether a snapshot is due, as
// ordered before the start.
func SnapshotInterval() time.Duration {
	r := theRegistry()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.looks
}

// SnapshotBytes is what is to be applied before a snapshot is due, as ordered before
// the start; 0 for the log's own.
func SnapshotBytes() int64 {
	r := theRegistry()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.grown
}

// CosignEvery is how long a new entry waits for a cosignature, as ordered before the
// start.
func CosignEvery() time.Duration {
	r := theRegistry()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cosign
}
