package bench

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"accord/exchange"
)

// Options say what is measured and how. The zero value of a member means its
// default.
type Options struct {
	Program   []string      // the accord binary and leading arguments
	Dir       string        // on a real disk; a folder of its own is made in it and removed at the end
	Clients   []int         // 1, 16, 64, 256
	Duration  time.Duration // of one round; 5 s
	Rounds    int           // 5, an odd number is best
	Entries   int           // on the full ledger; 1,000,000
	Failovers int           // 50
	Only      []string      // names of measurements; empty: all
	Rival     bool          // measure the rival too, where it is on the machine
	Profile   string        // folder for a CPU profile of every node at work; empty: none
	Quick     bool          // everything small: does it work at all
	// Say hears what is being done; may be nil.
	Say func(exchange.Text)
}

// Result is one line of the table. What could not be measured is nil, and Note
// says why.
type Result struct {
	Name       string   `json:"name"` // measurement/clients or size/figure
	Value      *float64 `json:"value"`
	Unit       string   `json:"unit"`
	Rival      string   `json:"rival"` // what the figure is held against; "" for nothing
	RivalValue *float64 `json:"rival_value"`
	Ratio      *float64 `json:"ratio"` // value / rival_value
	Goal       string   `json:"goal"`  // for the ratio if it ends in ×, for the value otherwise
	Reached    *bool    `json:"reached"`

	Spread, RivalSpread [2]float64    `json:"-"` // least and greatest of the rounds
	Note                exchange.Text `json:"-"`
}

// Machine is where it was measured.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryGiB  float64 `json:"memory_gib"`
	System     string  `json:"system"`
	FileSystem string  `json:"filesystem"`
	Go         string  `json:"go"`
	Rival      string  `json:"rival"` // its version, or that it is missing
	Date       string  `json:"date"`
}

// Report is everything that was measured.
type Report struct {
	Machine Machine  `json:"machine"`
	Results []Result `json:"results"`
}

// measurements are the names for Options.Only, in the order they are run.
var measurements = []struct {
	name string
	run  func(*run, context.Context) error
}{
	{"commit-single", (*run).commitSingle},
	{"commit-batch", (*run).commitBatch},
	{"read-local", (*run).readLocal},
	{"read-linear", (*run).readLinear},
	{"guard", (*run).guard},
	{"failover", (*run).failover},
	{"memory", (*run).memory},
	{"restart", (*run).restart},
	{"join", (*run).join},
	{"snapshot", (*run).snapshot}, // last: it goes on filling the ledger
}

// Names lists the measurements.
func Names() []string {
	var out []string
	for _, m := range measurements {
		out = append(out, m.name)
	}
	return out
}

// run is one run of the bench.
type run struct {
	Options
	home    string // removed at the end
	fed     *federation
	rival   *etcd // nil: not on this machine, or not wanted
	full    *federation
	fullOf  *etcd
	best    float64 // the rival's best single-put rate
	bestAt  int     // at so many clients
	results []Result
	entries []exchange.EntryID // some that are on the ledger, by statements of one
	batched []exchange.EntryID // the same, by statements of many
}

// Run measures. What was measured is in the report also when it ends with an
// error: of the ctx, of the surroundings, or [ErrRow] when some measurements
// failed.
func Run(ctx context.Context, o Options) (Report, error) {
	r, err := prepare(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer r.close()
	report := Report{Machine: machineOf(r.home)}
	report.Machine.Rival = r.rivalName()
	err = each(ctx, Names(), r.Only, r.add, func(i int) error { return measurements[i].run(r, ctx) })
	report.Results = r.results
	return report, err
}

// each does the measurements that are wanted, in their order. One that fails is a
// line of the table, too, and the others are done all the same.
func each(ctx context.Context, names, only []string, add func(Result), do func(i int) error) error {
	var failed []string
	for i, name := range names {
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		err := do(i)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, name)
			add(Result{Name: name, Note: exchange.Text{Zh: "未测得：" + err.Error(), En: "not measured: " + err.Error()}})
		}
	}
	if len(failed) > 0 {
		return ErrRow.With("rows", strings.Join(failed, ", "))
	}
	return nil
}

func (o *Options) defaults() {
	if o.Quick {
		o.Clients, o.Duration, o.Rounds, o.Entries, o.Failovers = []int{1, 4}, 500*time.Millisecond, 1, 1000, 1
	}
	if len(o.Clients) == 0 {
		o.Clients = []int{1, 16, 64, 256}
	}
	set := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	set(&o.Rounds, 5)
	set(&o.Entries, 1_000_000)
	set(&o.Failovers, 50)
	if o.Duration == 0 {
		o.Duration = 5 * time.Second
	}
	if o.Say == nil {
		o.Say = func(exchange.Text) {}
	}
}

func prepare(ctx context.Context, o Options) (*run, error) {
	o.defaults()
	home, err := place(o.Dir, o.Only, Names())
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, home: home}
	if o.Rival {
		r.rival = findEtcd(ctx, r.home)
	}
	return r, nil
}

// place makes a folder for measuring on a real disk, when all that is wanted is
// known.
func place(dir string, only, known []string) (string, error) {
	for _, name := range only {
		if !slices.Contains(known, name) {
			return "", ErrOnly.With("name", name, "known", strings.Join(known, ", "))
		}
	}
	if dir == "" {
		dir = os.TempDir()
	}
	home, err := os.MkdirTemp(dir, "ab") // short: a socket's path has about 100 bytes
	if err != nil {
		return "", ErrDisk.Wrap(err, "dir", dir, "why", "a folder cannot be made in it")
	}
	if home, err = filepath.Abs(home); err != nil || inMemory(home) {
		os.RemoveAll(home)
		return "", ErrDisk.Wrap(err, "dir", dir, "why", "it lies in memory (tmpfs), where nothing is durable")
	}
	return home, nil
}

// tmpfsMagic and ramfsMagic name file systems without a disk (statfs(2)).
const tmpfsMagic, ramfsMagic = 0x01021994, 0x858458f6

func inMemory(dir string) bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && (int64(fs.Type) == tmpfsMagic || int64(fs.Type) == ramfsMagic)
}

func (r *run) close() {
	for _, f := range []*federation{r.fed, r.full} {
		if f != nil {
			stopAll(f.nodes)
		}
	}
	for _, e := range []*etcd{r.rival, r.fullOf} {
		if e != nil {
			stopAll(e.nodes)
		}
	}
	os.RemoveAll(r.home)
}

func (r *run) rivalName() string {
	switch {
	case !r.Rival:
		return "not asked for"
	case r.rival == nil:
		return "etcd is not on this machine"
	}
	return "etcd " + r.rival.version
}

// against is the rival's name in a result.
func (r *run) against(what string) string {
	if r.rival == nil {
		return r.rivalName()
	}
	return r.rivalName() + " " + what
}

func (r *run) say(zh, en string, args ...any) {
	r.Say(exchange.Text{Zh: fmt.Sprintf(zh, args...), En: fmt.Sprintf(en, args...)})
}

func (r *run) add(res Result) { r.results = append(r.results, res) }

// duel lets ours and the rival's take turns; without a rival there are only
// ours.
func (r *run) duel(ctx context.Context, ours, rivals func() (sample, error)) (a, b []sample, err error) {
	if r.rival == nil {
		rivals = nil
	}
	return duel(ctx, r.Rounds, ours, rivals)
}

// duel lets two take turns, A B B A A B …, and gives the samples of each. The
// second may be nil.
func duel(ctx context.Context, rounds int, first, second func() (sample, error)) (a, b []sample, err error) {
	turn := func(f func() (sample, error), into *[]sample) {
		if f == nil || err != nil {
			return
		}
		var s sample
		if s, err = f(); err == nil {
			*into = append(*into, s)
		}
	}
	for i := 0; i < rounds && err == nil; i++ {
		if i%2 == 0 {
			turn(first, &a)
			turn(second, &b)
		} else {
			turn(second, &b)
			turn(first, &a)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	return a, b, err
}

// goal is what a figure must reach.
type goal struct {
	times float64 // of the rival's; 0: no goal for the ratio
	most  float64 // at most so much; 0: no such goal
	below bool    // less is better: the ratio is at most times
}

func (g goal) String() string {
	switch {
	case g.times != 0 && g.below:
		return "≤" + tenths(g.times) + "×"
	case g.times != 0:
		return "≥" + tenths(g.times) + "×"
	case g.most != 0:
		return "≤" + fmt.Sprint(g.most)
	}
	return ""
}

// tenths writes a goal with one place behind the point, or two where it has them: 0.25
// is not 0.2.
func tenths(x float64) string {
	s := strconv.FormatFloat(x, 'f', 2, 64)
	return strings.TrimSuffix(s, "0")
}

// hold makes a result of medians and holds it against its goal.
func hold(name, unit string, ours []float64, rival string, rivals []float64, g goal) Result {
	res := Result{Name: name, Unit: unit, Rival: rival, Goal: g.String()}
	if len(ours) == 0 {
		return res
	}
	value := median(ours)
	res.Value, res.Spread = rounded(value), spread(ours)
	if g.most != 0 {
		reached := value <= g.most
		res.Reached = &reached
	}
	if len(rivals) == 0 || median(rivals) == 0 {
		return res
	}
	ratio := value / median(rivals)
	res.RivalValue, res.RivalSpread = rounded(median(rivals)), spread(rivals)
	res.Ratio = rounded(ratio)
	if g.times != 0 {
		reached := ratio >= g.times
		if g.below {
			reached = ratio <= g.times
		}
		res.Reached = &reached
	}
	return res
}

// figures picks one figure of every sample.
func figures(samples []sample, pick func(sample) float64) []float64 {
	var out []float64
	for _, s := range samples {
		out = append(out, pick(s))
	}
	return out
}

func sorted(v []float64) []float64 { return slices.Sorted(slices.Values(v)) }

func spread(v []float64) [2]float64 {
	if len(v) == 0 {
		return [2]float64{}
	}
	return [2]float64{slices.Min(v), slices.Max(v)}
}

func median(v []float64) float64 {
	s := sorted(v)
	switch n := len(s); {
	case n == 0:
		return 0
	case n%2 == 1:
		return s[n/2]
	default:
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// rounded keeps three digits: no figure here is better than that.
func rounded(v float64) *float64 {
	if v != 0 {
		scale := math.Pow(10, 2-math.Floor(math.Log10(math.Abs(v))))
		v = math.Round(v*scale) / scale
	}
	return &v
}
